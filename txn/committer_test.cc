// A commit over several ranges that is asked for a later timestamp when others have ended it.
#include "txn/committer.h"

#include <gtest/gtest.h>

#include "txn/node_client.h"
#include "txn/testing/fake_ranges.h"
#include "txn/testing/hooked_router.h"
#include "txn/testing/local_executor.h"

namespace quorate::txn {
namespace {

using range::BatchRequest;
using range::BatchResponse;
using range::CommitKind;
using range::CommitRequest;
using range::Outcome;
using runtime::Task;

class CommitterTest : public testing::Test {
 protected:
  CommitterTest() : hlc_(executor_, 5'000), ranges_(executor_, executor_, 1), router_(ranges_) {
    env_.executor = &executor_;
    env_.clock = &executor_;
    env_.random = &random_;
    env_.metrics = &metrics_;
    ranges_.split("m");
    ranges_.faults.delay_us_max = 0;  // ranges are staged in the order of their keys
  }
  void start(PlantedBugs bugs = {}) {
    NodeOptions options;
    options.node = NodeId(1);
    options.bugs = bugs;
    client_ = std::make_unique<NodeClient>(router_, hlc_, env_, options);
  }
  // Writes the first range, in which the record lies, and the second one.
  Status commit_both() {
    auto t = client_->begin({});
    t->begin_statement();
    CHECK(t->put("a", "ours", range::kAllColumns, std::nullopt).ok());
    CHECK(t->put("z", "ours", range::kAllColumns, std::nullopt).ok());
    Status done = run_task(executor_, t->commit());
    router_.hook = nullptr;
    while (client_->background() > 0) CHECK(executor_.step());
    return done;
  }
  static bool stages(const BatchRequest& batch, CommitKind kind) {
    const auto* commit = std::get_if<CommitRequest>(&batch.requests[0]);
    return commit != nullptr && commit->kind == kind;
  }
  static void ask_to_move(BatchResponse* answer) {
    answer->outcome = Outcome::kNeedTimestamp;
    answer->need = answer->now.add_micros(1'000);
    answer->responses.clear();
  }
  Task<void> write_later(Bytes key) {
    auto t = client_->begin({});
    t->begin_statement();
    CHECK(t->put(key, "later", range::kAllColumns, std::nullopt).ok());
    const Status done = co_await t->commit();
    CHECK(done.ok());
  }
  // All is staged, somebody meets it and commits it, "z" is written anew; and the second range,
  // which was asked twice, knows nothing of it any more.
  Task<void> end_by_others(const BatchRequest* batch, BatchResponse* answer) {
    if (!stages(*batch, CommitKind::kStage) || ++stagings_ > 1) co_return;
    CHECK(ranges_.settled_value("z") == "ours" && ranges_.intents() == 0);
    co_await write_later("z");
    ask_to_move(answer);
  }
  Task<void> hide_the_record(const BatchRequest* batch, BatchResponse* answer) {
    if (std::holds_alternative<range::PushRequest>(batch->requests[0])) {
      answer->outcome = Outcome::kError;
      answer->error = unavailable("no answer");
    }
    if (stages(*batch, CommitKind::kStage) && ++stagings_ == 1) ask_to_move(answer);
    co_return;
  }

  LocalExecutor executor_;
  runtime::Random random_{1};
  Metrics metrics_;
  runtime::Env env_;
  runtime::Hlc hlc_;
  FakeRanges ranges_;
  HookedRouter router_;
  int stagings_ = 0;  // of the second range
  std::unique_ptr<NodeClient> client_;
};

TEST_F(CommitterTest, a_commit_that_others_have_made_is_not_staged_again_at_a_later_timestamp) {
  start();
  router_.hook = [this](const BatchRequest& b, BatchResponse* r) { return end_by_others(&b, r); };
  EXPECT_TRUE(commit_both().ok());
  EXPECT_EQ(stagings_, 1);
  EXPECT_EQ(ranges_.settled_value("a"), "ours");
  EXPECT_EQ(ranges_.settled_value("z"), "later");
}

TEST_F(CommitterTest, without_an_answer_of_the_record_nothing_is_staged_again) {
  start();
  router_.hook = [this](const BatchRequest& b, BatchResponse* r) { return hide_the_record(&b, r); };
  EXPECT_EQ(commit_both().sqlstate(), sqlstate::kSerializationFailure);
  EXPECT_EQ(stagings_, 1);
  EXPECT_EQ(ranges_.settled_value("a"), std::nullopt);
  EXPECT_EQ(ranges_.settled_value("z"), std::nullopt);
}

#ifdef QUORATE_PLANTED_BUGS
TEST_F(CommitterTest, who_does_not_ask_for_the_record_stages_again_what_others_have_committed) {
  PlantedBugs bugs;
  bugs.attempt_unasked = true;
  start(bugs);
  router_.hook = [this](const BatchRequest& b, BatchResponse* r) { return end_by_others(&b, r); };
  (void)commit_both();
  EXPECT_GT(stagings_, 1);
}
#endif

}  // namespace
}  // namespace quorate::txn
