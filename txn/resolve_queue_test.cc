#include "txn/resolve_queue.h"

#include <gtest/gtest.h>

#include "txn/testing/fake_ranges.h"
#include "txn/testing/hooked_router.h"
#include "txn/testing/local_executor.h"

namespace quorate::txn {
namespace {

using range::BatchRequest;
using range::BatchResponse;
using range::Outcome;
using range::ResolveRequest;
using runtime::Task;

class ResolveQueueTest : public testing::Test {
 protected:
  struct Sent {
    RangeId range;
    std::vector<TxnId> txns;
    Outcome outcome = Outcome::kOk;
  };
  ResolveQueueTest() : hlc_(executor_, 5'000), ranges_(executor_, executor_, 1), router_(ranges_) {
    env_.executor = &executor_;
    env_.clock = &executor_;
    router_.hook = [this](const BatchRequest& b, BatchResponse* r) { return note(&b, r); };
  }
  Task<void> note(const BatchRequest* batch, BatchResponse* response) {
    Sent one{batch->range, {}, response->outcome};
    for (const range::Request& r : batch->requests) {
      const auto& resolve = std::get<ResolveRequest>(r);
      one.txns.push_back(resolve.txn);
      if (resolve.txn == refused_) {
        one.outcome = response->outcome = Outcome::kError;
        response->error = unavailable("refused");
      }
    }
    sent_.push_back(one);
    co_return;
  }
  Target target(const Bytes& key) {
    const range::RangeDescriptor& d = *ranges_.cached(key);
    return {d.id, d.generation, d.span};
  }
  static TxnId id(uint64_t n) { return TxnId{n, n}; }
  static ResolveRequest request(uint64_t txn, const Bytes& key) {
    ResolveRequest out;
    out.txn = id(txn);
    out.keys = {key};
    out.status = range::TxnStatus::kCommitted;
    return out;
  }
  static ResolveRequest forgetting(uint64_t txn, const Bytes& anchor) {
    ResolveRequest out;
    out.txn = id(txn);
    out.status = range::TxnStatus::kCommitted;
    out.remove_record = true;
    out.anchor = anchor;
    return out;
  }
  Task<void> resolve(uint64_t txn, Bytes key) {
    const bool done = co_await queue_.resolve(target(key), request(txn, key));
    done_[txn] = done;
  }
  void settle() {
    while (background_.size() > 0) CHECK(executor_.step());
  }
  std::vector<std::vector<TxnId>> batches() const {
    std::vector<std::vector<TxnId>> out;
    for (const Sent& s : sent_) out.push_back(s.txns);
    return out;
  }

  LocalExecutor executor_;
  runtime::Env env_;
  runtime::Hlc hlc_;
  FakeRanges ranges_;
  HookedRouter router_;
  TxnId refused_;
  std::vector<Sent> sent_;
  std::map<uint64_t, bool> done_;
  RangeSender sender_{router_, hlc_, env_, NodeId(1)};
  runtime::TaskScope background_{executor_};
  ResolveQueue queue_{sender_, background_};
};

TEST_F(ResolveQueueTest, what_comes_while_a_batch_is_under_way_goes_together) {
  for (uint64_t txn = 1; txn <= 4; ++txn) background_.spawn(resolve(txn, "a"));
  settle();
  EXPECT_EQ(batches(), (std::vector<std::vector<TxnId>>{{id(1)}, {id(2), id(3), id(4)}}));
  EXPECT_EQ(done_, (std::map<uint64_t, bool>{{1, true}, {2, true}, {3, true}, {4, true}}));
}

TEST_F(ResolveQueueTest, a_batch_that_fails_goes_one_by_one_and_one_is_in_nobody_elses_way) {
  refused_ = id(3);
  for (uint64_t txn = 1; txn <= 4; ++txn) background_.spawn(resolve(txn, "a"));
  settle();
  EXPECT_EQ(batches(), (std::vector<std::vector<TxnId>>{
                           {id(1)}, {id(2), id(3), id(4)}, {id(2)}, {id(3)}, {id(4)}}));
  EXPECT_EQ(done_, (std::map<uint64_t, bool>{{1, true}, {2, true}, {3, false}, {4, true}}));
}

TEST_F(ResolveQueueTest, forgetting_waits_for_company) {
  queue_.forget(target("a"), forgetting(1, "a"));
  background_.spawn(resolve(2, "a"));
  settle();
  EXPECT_EQ(batches(), (std::vector<std::vector<TxnId>>{{id(2), id(1)}}));
}

TEST_F(ResolveQueueTest, a_record_is_forgotten_where_it_lies_after_a_split) {
  queue_.forget(target("z"), forgetting(1, "z"));
  ranges_.split("m");
  settle();
  ASSERT_EQ(sent_.size(), 2u);
  EXPECT_EQ(sent_[0].range, target("a").id);
  EXPECT_EQ(sent_[0].outcome, Outcome::kRangeMismatch);
  EXPECT_EQ(sent_[1].range, target("z").id);
  EXPECT_EQ(sent_[1].outcome, Outcome::kOk);
}

TEST_F(ResolveQueueTest, a_record_that_cannot_be_forgotten_is_given_up) {
  refused_ = id(1);
  queue_.forget(target("a"), forgetting(1, "a"));
  settle();
  EXPECT_EQ(sent_.size(), 10u);
}

}  // namespace
}  // namespace quorate::txn
