// Transactions that outgrow their buffer: what they leave in real ranges (range/testing), seen by
// themselves and by others, over splits, lease changes and a coordinator's death.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "range/keys.h"
#include "range/testing/local_ranges.h"
#include "txn/node_client.h"

namespace quorate::txn {
namespace {

using runtime::Task;

Bytes key_of(int n) { return fmt::format("k{:04}", n); }

class BulkTest : public testing::Test {
 protected:
  BulkTest() : ranges_(1, {"", "k0200"}) { client_ = make_client(1); }

  std::unique_ptr<NodeClient> make_client(uint64_t node) {
    NodeOptions options;
    options.node = NodeId(node);
    options.spill_bytes = 2'000;
    options.run_bytes = 300;
    options.load_bytes_max = 3'000;
    return std::make_unique<NodeClient>(ranges_, ranges_.clock(), ranges_.replica(0).env(),
                                        options);
  }
  template <class T>
  T run(Task<T> task) {
    return runtime::run_task(ranges_.world(), ranges_.executor(), std::move(task));
  }
  void settle() {
    CHECK(ranges_.world().run_until([&] { return client_->background() == 0; },
                                    std::chrono::minutes(10)));
  }
  // Writes rows [from, to) by the buffer's way, in batches of ten.
  Status write(Transaction& t, int from, int to, const Bytes& value,
               std::optional<Timestamp> base = Timestamp()) {
    t.begin_statement();
    for (int i = from; i < to; ++i) {
      Status s = t.put(key_of(i), value, range::kAllColumns, base);
      if (s.ok() && i % 10 == 9) s = run(t.relieve());
      if (!s.ok()) return s;
    }
    return run(t.relieve());
  }
  Status load(Transaction& t, int from, int to, const Bytes& value, int step = 1) {
    t.begin_statement();
    for (int i = from; i != to; i += step) {
      Status s = t.load(key_of(i), value, true);
      if (s.ok() && i % 10 == 9) s = run(t.relieve());
      if (!s.ok()) return s;
    }
    return run(t.settle());
  }
  std::string scan(Transaction& t, bool reverse = false, KeySpan span = {"k", "l"}) {
    t.begin_statement();
    std::map<Bytes, int> counts;
    Bytes last;
    while (!span.empty()) {
      ScanOptions o;
      o.span = span;
      o.reverse = reverse;
      Result<range::RowSet> rows = run(t.scan(o, &span));
      if (!rows.ok()) return rows.status().to_string();
      for (size_t i = 0; i < rows->size(); ++i) {
        if (!last.empty() && (reverse ? rows->key(i) >= last : rows->key(i) <= last))
          return "out of order";
        last = Bytes(rows->key(i));
        ++counts[Bytes(rows->value(i))];
      }
    }
    std::string out;
    for (const auto& [value, n] : counts) out += fmt::format("{}x{} ", value, n);
    return out;
  }
  std::string others_see(bool reverse = false) {
    auto t = client_->begin({});
    std::string out = scan(*t, reverse);
    run(t->rollback());
    return out;
  }
  size_t runs() { return ranges_.engine().plains(storage::Keyspace::kRun).size(); }

  range::LocalRanges ranges_;
  std::unique_ptr<NodeClient> client_;
};

TEST_F(BulkTest, is_seen_as_a_whole_when_it_has_committed_and_leaves_nothing) {
  auto t = client_->begin({});
  ASSERT_TRUE(write(*t, 0, 400, "a").ok());
  EXPECT_GT(runs(), 4u);
  EXPECT_EQ(others_see(), "");
  EXPECT_EQ(scan(*t), "ax400 ");
  EXPECT_EQ(scan(*t, true), "ax400 ");
  ASSERT_TRUE(run(t->commit()).ok());
  EXPECT_EQ(others_see(), "ax400 ");
  EXPECT_EQ(others_see(true), "ax400 ");
  settle();
  EXPECT_EQ(runs(), 0u);
  EXPECT_TRUE(ranges_.engine().plains(storage::Keyspace::kRunBody).empty());
}

TEST_F(BulkTest, rolled_back_it_is_gone) {
  auto t = client_->begin({});
  ASSERT_TRUE(load(*t, 0, 300, "a").ok());
  EXPECT_GT(runs(), 4u);
  run(t->rollback());
  settle();
  EXPECT_EQ(runs(), 0u);
  EXPECT_EQ(others_see(), "");
}

TEST_F(BulkTest, rows_out_of_order_and_borders_that_move_meanwhile) {
  auto t = client_->begin({});
  ASSERT_TRUE(load(*t, 399, 299, "a", -1).ok());
  ranges_.split("k0300");
  ASSERT_TRUE(load(*t, 0, 300, "a").ok());
  ranges_.change_lease(0);
  ranges_.change_lease(1);
  ASSERT_TRUE(run(t->commit()).ok());
  EXPECT_EQ(others_see(), "ax400 ");
  settle();
  EXPECT_EQ(runs(), 0u);
}

TEST_F(BulkTest, a_row_that_is_there_is_told) {
  auto first = client_->begin({});
  first->begin_statement();
  ASSERT_TRUE(first->put(key_of(250), "old", range::kAllColumns, Timestamp()).ok());
  ASSERT_TRUE(run(first->commit()).ok());
  settle();
  auto t = client_->begin({});
  Status s = load(*t, 0, 400, "a");
  EXPECT_EQ(s.sqlstate(), sqlstate::kUniqueViolation);
  EXPECT_EQ(t->taken().first, key_of(250));
  run(t->rollback());
  // Its own rows count too, whether they were sent already or not.
  for (int second : {3, 299}) {
    auto u = client_->begin({});
    ASSERT_TRUE(load(*u, 0, 200, "a").ok());
    ASSERT_TRUE(u->load(key_of(300), "b", true).ok());
    ASSERT_TRUE(u->load(key_of(299), "b", true).ok());
    ASSERT_TRUE(u->load(key_of(second), "b", true).ok());
    EXPECT_EQ(run(u->settle()).sqlstate(), sqlstate::kUniqueViolation) << second;
    EXPECT_EQ(u->taken().first, key_of(second));
    run(u->rollback());
  }
  settle();
  EXPECT_EQ(others_see(), "oldx1 ");
}

TEST_F(BulkTest, savepoints_undo_what_was_sent) {
  auto t = client_->begin({});
  ASSERT_TRUE(write(*t, 0, 100, "a").ok());
  const uint64_t mark = t->savepoint();
  ASSERT_TRUE(write(*t, 50, 300, "b").ok());
  EXPECT_EQ(scan(*t), "ax50 bx250 ");
  ASSERT_TRUE(t->rollback_to(mark).ok());
  EXPECT_EQ(scan(*t), "ax100 ");
  ASSERT_TRUE(write(*t, 90, 120, "c").ok());
  EXPECT_EQ(scan(*t), "ax90 cx30 ");
  ASSERT_TRUE(run(t->commit()).ok());
  EXPECT_EQ(others_see(), "ax90 cx30 ");
  settle();
  EXPECT_EQ(runs(), 0u);
}

TEST_F(BulkTest, updates_and_deletes_of_rows_that_were_sent_and_statements_do_not_see_themselves) {
  auto t = client_->begin({});
  ASSERT_TRUE(load(*t, 0, 300, "a").ok());
  ASSERT_TRUE(write(*t, 0, 150, "b").ok());
  t->begin_statement();
  for (int i = 100; i < 200; ++i) ASSERT_TRUE(t->remove(key_of(i), std::nullopt).ok());
  ReadOptions plain;
  EXPECT_TRUE(run(t->get({key_of(120)}, plain))->present(0));
  ASSERT_TRUE(run(t->relieve()).ok());
  EXPECT_TRUE(run(t->get({key_of(120)}, plain))->present(0))
      << "the statement met its own deletion";
  EXPECT_EQ(scan(*t), "ax100 bx100 ");
  EXPECT_FALSE(run(t->get({key_of(120)}, plain))->present(0));
  ASSERT_TRUE(run(t->commit()).ok());
  EXPECT_EQ(others_see(), "ax100 bx100 ");
}

TEST_F(BulkTest, writers_of_its_rows_wait_for_it_and_readers_do_not) {
  auto t = client_->begin({});
  ASSERT_TRUE(load(*t, 0, 300, "a").ok());
  auto u = client_->begin({});
  u->begin_statement();
  ReadOptions locking;
  locking.lock = LockMode::kExclusive;
  locking.wait = WaitPolicy::kNoWait;
  EXPECT_EQ(run(u->get({key_of(7)}, locking)).status().sqlstate(), sqlstate::kLockNotAvailable);
  EXPECT_TRUE(run(u->get({"k0007x"}, locking)).ok()) << "between its rows";
  EXPECT_FALSE(run(u->get({key_of(8)}, {}))->present(0));
  run(u->rollback());
  ASSERT_TRUE(run(t->commit()).ok());
  settle();
  auto w = client_->begin({});
  w->begin_statement();
  Result<range::RowSet> row = run(w->get({key_of(7)}, locking));
  ASSERT_TRUE(row.ok());
  EXPECT_TRUE(row->present(0));
  run(w->rollback());
}

TEST_F(BulkTest, waits_for_a_row_that_another_has_locked) {
  auto u = client_->begin({});
  u->begin_statement();
  ReadOptions locking;
  locking.lock = LockMode::kExclusive;
  ASSERT_TRUE(run(u->get({key_of(30)}, locking)).ok());
  ASSERT_TRUE(u->put(key_of(30), "u", range::kAllColumns, Timestamp()).ok());
  auto t = client_->begin({});
  std::optional<Status> done;
  runtime::TaskScope scope(ranges_.executor());
  t->begin_statement();
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(t->load(key_of(i), "a", true).ok());
  scope.spawn([](Transaction* txn, std::optional<Status>* out) -> Task<void> {
    Status s = co_await txn->settle();
    *out = std::move(s);
  }(t.get(), &done));
  ranges_.world().run_until([&] { return done.has_value(); }, std::chrono::seconds(1));
  EXPECT_FALSE(done.has_value());
  ASSERT_TRUE(run(u->commit()).ok());
  ASSERT_TRUE(ranges_.world().run_until([&] { return done.has_value(); }, std::chrono::minutes(1)));
  EXPECT_EQ(done->sqlstate(), sqlstate::kUniqueViolation);
  run(t->rollback());
  settle();
  EXPECT_EQ(others_see(), "ux1 ");
}

TEST_F(BulkTest, what_a_dead_coordinator_left_is_dropped_by_whoever_meets_it) {
  auto other = make_client(2);
  auto t = other->begin({});
  ASSERT_TRUE(load(*t, 0, 300, "a").ok());
  // As a crash: neither the transaction nor its background goes on.
  Transaction* leaked = t.release();
  other->stop_background();
  auto u = client_->begin({});
  u->begin_statement();
  ReadOptions locking;
  locking.lock = LockMode::kExclusive;
  Result<range::RowSet> row = run(u->get({key_of(7)}, locking));
  ASSERT_TRUE(row.ok()) << row.status().to_string();
  EXPECT_FALSE(row->present(0));
  run(u->rollback());
  settle();
  EXPECT_EQ(others_see(), "");
  delete leaked;
}

TEST_F(BulkTest, on_a_full_disk_rows_can_be_removed_and_the_catalog_written_but_none_added) {
  auto t = client_->begin({});
  ASSERT_TRUE(load(*t, 0, 200, "a").ok());
  ASSERT_TRUE(run(t->commit()).ok());
  settle();
  for (size_t i = 0; i < ranges_.size(); ++i) ranges_.replica(i).room = storage::Space::kLow;
  auto big = client_->begin({});
  EXPECT_EQ(load(*big, 200, 400, "a").sqlstate(), sqlstate::kDiskFull);
  run(big->rollback());
  auto small = client_->begin({});
  small->begin_statement();
  ASSERT_TRUE(small->put(key_of(300), "a", range::kAllColumns, Timestamp()).ok());
  EXPECT_EQ(run(small->commit()).sqlstate(), sqlstate::kDiskFull);
  run(small->rollback());
  auto vital = client_->begin({});
  vital->begin_statement();
  const Bytes leases = range::keys::index_prefix(TableId(3), IndexId(1));
  ASSERT_TRUE(vital->put(leases, "lease", range::kAllColumns, Timestamp()).ok());
  EXPECT_TRUE(run(vital->commit()).ok());
  auto removal = client_->begin({});
  removal->begin_statement();
  std::vector<Bytes> keys;
  for (int i = 0; i < 200; ++i) keys.push_back(key_of(i));
  ReadOptions locking;
  locking.lock = LockMode::kExclusive;
  Result<range::RowSet> rows = run(removal->get(keys, locking));
  ASSERT_TRUE(rows.ok());
  for (size_t i = 0; i < keys.size(); ++i) ASSERT_TRUE(removal->remove(keys[i], rows->ts(i)).ok());
  ASSERT_TRUE(run(removal->relieve()).ok());
  EXPECT_GT(runs(), 0u);
  ASSERT_TRUE(run(removal->commit()).ok());
  settle();
  EXPECT_EQ(others_see(), "");
}

TEST_F(BulkTest, a_reader_after_the_load_pushes_its_timestamp) {
  auto t = client_->begin({});
  ASSERT_TRUE(load(*t, 0, 300, "a").ok());
  auto u = client_->begin({});
  EXPECT_EQ(scan(*u), "");
  const Timestamp read = u->read_timestamp();
  ASSERT_TRUE(run(t->commit()).ok());
  EXPECT_GT(t->commit_timestamp(), read);
  EXPECT_EQ(scan(*u), "");
  run(u->rollback());
  EXPECT_EQ(others_see(), "ax300 ");
}

}  // namespace
}  // namespace quorate::txn
