// Collection of records goes piece by piece: none is passed over, and none is looked at for longer
// than a command may take.
#include <gtest/gtest.h>

#include "range/testing/local_ranges.h"

namespace quorate::range {
namespace {

using runtime::Task;

constexpr uint64_t kRecords = 4'500;

Task<void> commit_all(LocalRanges* ranges) {
  for (uint64_t i = 0; i < kRecords; ++i) {
    const Bytes key = "k" + std::to_string(i);
    BatchRequest batch;
    batch.txn.id = {7, i + 1};
    batch.txn.anchor = key;
    batch.txn.read_ts = ranges->clock().now();
    CommitRequest commit;
    commit.attempt = batch.txn.read_ts;
    commit.commit_ts = Timestamp::max();
    RowWrite write;
    write.key = key;
    write.value = "v";
    commit.writes.push_back(std::move(write));
    batch.requests.emplace_back(std::move(commit));
    BatchResponse response = co_await ranges->serve(key, std::move(batch));
    EXPECT_EQ(response.outcome, Outcome::kOk) << response.error.to_string();
  }
}

Task<void> collect(LocalRanges* ranges, Timestamp before) {
  BatchRequest batch;
  batch.requests.emplace_back(GcRequest{Timestamp(), before});
  BatchResponse response = co_await ranges->serve("k", std::move(batch));
  EXPECT_EQ(response.outcome, Outcome::kOk) << response.error.to_string();
}

uint64_t records(LocalRanges& ranges) {
  uint64_t n = 0;
  auto view = ranges.engine().view();
  auto it = view->plains(storage::Keyspace::kTxnRecord, KeySpan::all());
  for (; it->valid(); it->next()) ++n;
  return n;
}

TEST(Gc, records_go_piece_by_piece) {
  LocalRanges ranges(1, {""});
  runtime::TaskScope scope(ranges.executor());
  const auto run = [&](Task<void> task) {
    scope.spawn(std::move(task));
    while (scope.size() > 0) ranges.world().run_for(std::chrono::milliseconds(10));
  };
  run(commit_all(&ranges));
  ASSERT_EQ(records(ranges), kRecords);
  const Timestamp before = ranges.clock().now();
  ranges.world().run_for(std::chrono::milliseconds(10));
  uint64_t left = kRecords;
  for (int piece = 1; left > 0; ++piece) {
    ASSERT_LE(piece, 3);
    run(collect(&ranges, before));
    const uint64_t now_left = records(ranges);
    EXPECT_LE(left - now_left, 2'000u);
    EXPECT_LT(now_left, left);
    left = now_left;
    EXPECT_EQ(ranges.leaseholder(0).collecting(), left > 0);
  }
  // What has begun since stays, and a pass that finds nothing proposes nothing.
  run(commit_all(&ranges));
  ranges.replica(0).mark = before;
  const size_t applied = ranges.replica(0).applied.size();
  do run(collect(&ranges, before));
  while (ranges.leaseholder(0).collecting());
  EXPECT_EQ(records(ranges), kRecords);
  EXPECT_EQ(ranges.replica(0).applied.size(), applied);
}

}  // namespace
}  // namespace quorate::range
