// A commit over several ranges that is asked for a later timestamp when others have ended it.
#include "txn/committer.h"

#include <gtest/gtest.h>

#include "txn/testing/node_fixture.h"

namespace quorate::txn {
namespace {

using range::BatchRequest;
using range::BatchResponse;
using range::CommitKind;
using range::CommitRequest;
using range::Outcome;
using runtime::Task;

class CommitterTest : public NodeFixture {
 protected:
  CommitterTest() { ranges_.faults.delay_us_max = 0; }  // ranges are staged in the order of keys
  // Writes the first range, in which the record lies, and the second one.
  Status commit_both() {
    Status done = run(write_rows({"a", "z"}, "ours", LockMode::kNone));
    router_.hook = nullptr;
    settle();
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
  // All is staged, somebody meets it and commits it, "z" is written anew; and the second range,
  // which was asked twice, knows nothing of it any more.
  Task<void> end_by_others(const BatchRequest* batch, BatchResponse* answer) {
    if (!stages(*batch, CommitKind::kStage) || ++stagings_ > 1) co_return;
    CHECK(ranges_.settled_value("z") == "ours" && ranges_.intents() == 0);
    std::vector<Bytes> keys{"z"};
    const Status later = co_await write_rows(keys, "later", LockMode::kNone);
    CHECK(later.ok());
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

  int stagings_ = 0;  // of the second range
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
  NodeOptions options;
  options.bugs.attempt_unasked = true;
  start(options);
  router_.hook = [this](const BatchRequest& b, BatchResponse* r) { return end_by_others(&b, r); };
  (void)commit_both();
  EXPECT_GT(stagings_, 1);
}
#endif

}  // namespace
}  // namespace quorate::txn
