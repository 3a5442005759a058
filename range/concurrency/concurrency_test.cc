// The pure parts under serving: who waits for whom, what a read pins, what a refresh may skip.
#include <gtest/gtest.h>

#include "range/concurrency/deadlock.h"
#include "range/concurrency/latches.h"
#include "range/concurrency/lock_table.h"
#include "range/concurrency/recent_commits.h"
#include "range/concurrency/timestamp_cache.h"
#include "runtime/random.h"
#include "runtime/sim/sim_env.h"

namespace quorate::range {
namespace {

using runtime::Instant;
using runtime::Task;
using namespace std::chrono_literals;

TxnHeader txn(uint64_t n) {
  TxnHeader h;
  h.id = {n, n};
  h.began = Timestamp(n);
  h.coordinator = NodeId(n);
  return h;
}
Timestamp ts(uint64_t n) { return Timestamp(n); }

struct World {
  runtime::SimWorld world{1};
  runtime::SimNodeEnv env{world, "n1"};
};

Latch row(LatchMode mode, BytesView key, uint64_t at) {
  return Latch::key(LatchSpace::kRows, mode, key, ts(at));
}

TEST(Latches, readers_below_a_raised_write_pass_and_those_above_wait) {
  World w;
  Latches latches(w.env.executor());
  auto writer = latches.enqueue({row(LatchMode::kWrite, "a", 5)});
  EXPECT_TRUE(writer.granted());
  EXPECT_TRUE(latches.free_to_read(LatchSpace::kRows, BytesView("a"), ts(4)));
  EXPECT_TRUE(latches.free_to_read(LatchSpace::kRecords, BytesView("a"), ts(9)));
  EXPECT_FALSE(latches.free_to_read(LatchSpace::kRows, BytesView("a"), ts(5)));
  EXPECT_FALSE(latches.free_to_read(LatchSpace::kRows, KeySpan{"", "b"}, ts(9)));
  auto low = latches.enqueue({row(LatchMode::kRead, "a", 9)});
  auto high = latches.enqueue({row(LatchMode::kRead, "a", 20)});
  EXPECT_FALSE(low.granted());
  latches.raise(writer, ts(12));
  EXPECT_TRUE(low.granted());
  EXPECT_FALSE(high.granted());
  writer.release();
  EXPECT_TRUE(high.granted());
}

TEST(Latches, whoever_comes_later_waits_for_waiters_too) {
  World w;
  Latches latches(w.env.executor());
  auto first = latches.enqueue({row(LatchMode::kWrite, "a", 1)});
  auto span = latches.enqueue(
      {Latch::span(LatchSpace::kRows, LatchMode::kWrite, KeySpan{"a", "c"}, ts(1))});
  auto second = latches.enqueue({row(LatchMode::kWrite, "b", 1)});
  EXPECT_FALSE(span.granted());
  EXPECT_FALSE(second.granted());
  span.release();  // gives up
  EXPECT_TRUE(second.granted());
  EXPECT_EQ(latches.to_string(), "1 row a w@1 held\n3 row b w@1 held\n");
}

TEST(Latches, a_guard_dropped_in_flight_stays) {
  World w;
  Latches latches(w.env.executor());
  {
    auto guard = latches.enqueue({row(LatchMode::kWrite, "a", 1)});
    guard.keep_if_dropped();
  }
  EXPECT_FALSE(latches.free_to_read(LatchSpace::kRows, BytesView("a"), ts(1)));
}

struct LockWorld : World {
  explicit LockWorld(size_t waiters_max = 10)
      : locks(
            env.executor(),
            [this](const TxnHeader& t) { return !dead.contains(t.coordinator.value); },
            waiters_max) {}
  std::set<uint64_t> dead;
  LockTable locks;
  runtime::TaskScope scope{env.executor()};
  std::map<std::string, std::string> done;

  static Task<void> wait(LockWorld* w, std::string name, TxnHeader t, LockMode mode,
                         runtime::CancelToken token, runtime::Duration timeout) {
    Status s = co_await w->locks.wait("k", t, mode, token, w->env.executor().now() + 60s, timeout);
    w->done[name] = s.ok() ? "ok" : std::string(s.sqlstate().view()) + " " + s.message();
  }
  void start(const std::string& name, uint64_t t, LockMode mode, runtime::CancelToken token = {},
             runtime::Duration timeout = 0ms) {
    scope.spawn_now(wait(this, name, txn(t), mode, token, timeout));
  }
  void settle() {
    world.run_for(5ms);
    locks.check_invariants();
  }
};

constexpr auto kX = LockMode::kExclusive;
constexpr auto kS = LockMode::kShared;

TEST(LockTable, a_released_lock_goes_to_the_first_and_then_to_all_sharers) {
  LockWorld w;
  ASSERT_TRUE(w.locks.try_lock("k", txn(1), kX));
  w.start("two", 2, kX);
  w.start("three", 3, kS);
  w.start("four", 4, kS);
  EXPECT_EQ(w.locks.to_string(), "k: [T1 exclusive] <- T2 exclusive <- T3 shared <- T4 shared\n");
  w.locks.release("k", txn(1).id);
  EXPECT_FALSE(w.locks.try_lock("k", txn(5), kX)) << "nobody overtakes";
  w.settle();
  EXPECT_EQ(w.done.size(), 1u);
  w.locks.release_all(txn(2).id, true);
  w.settle();
  EXPECT_EQ(w.locks.to_string(), "k: [T3 shared] [T4 shared]\n");
  w.locks.release_all(txn(3).id, true);
  w.locks.release_all(txn(4).id, true);
  EXPECT_TRUE(w.locks.empty());
}

TEST(LockTable, a_lost_lock_goes_to_the_first_unless_it_stands_for_an_intent) {
  LockWorld w;
  ASSERT_TRUE(w.locks.try_lock("k", txn(1), kX));
  w.start("two", 2, kX);
  w.locks.lose("k");
  w.settle();
  EXPECT_EQ(w.locks.to_string(), "k: [T2 exclusive]\n");
  EXPECT_EQ(w.done["two"], "ok");
  w.locks.add_staged("k", txn(2));
  w.locks.lose("k");
  w.locks.lose("other");
  EXPECT_EQ(w.locks.to_string(), "k: [T2 exclusive staged]\n");
  w.locks.release_all(txn(2).id, true);
  ASSERT_TRUE(w.locks.try_lock("k", txn(3), kX));
  w.locks.lose("k");
  EXPECT_TRUE(w.locks.empty());
}

TEST(LockTable, who_holds_a_lock_waits_for_an_intent_on_it) {
  LockWorld w;
  ASSERT_TRUE(w.locks.try_lock("k", txn(2), kX));
  w.locks.add_staged("k", txn(1));
  EXPECT_FALSE(w.locks.try_lock("k", txn(2), kX));
  EXPECT_FALSE(w.locks.try_lock("k", txn(2), kS));
  w.start("two", 2, kX);
  w.settle();
  EXPECT_EQ(w.done.count("two"), 0u);
  w.locks.release_all(txn(1).id, true);
  w.settle();
  EXPECT_EQ(w.done["two"], "ok");
  EXPECT_TRUE(w.locks.try_lock("k", txn(2), kX));
}

TEST(LockTable, an_upgrade_goes_before_strangers) {
  LockWorld w;
  ASSERT_TRUE(w.locks.try_lock("k", txn(1), kS));
  ASSERT_TRUE(w.locks.try_lock("k", txn(2), kS));
  w.start("stranger", 3, kX);
  w.start("upgrade", 1, kX);
  w.locks.release("k", txn(2).id);
  w.settle();
  EXPECT_EQ(w.locks.to_string(), "k: [T1 exclusive] <- T3 exclusive\n");
  w.locks.release("k", txn(1).id);
  w.settle();
}

TEST(LockTable, a_waiter_that_gives_up_hands_on) {
  LockWorld w;
  ASSERT_TRUE(w.locks.try_lock("k", txn(1), kS));
  runtime::CancelSource source;
  w.start("two", 2, kX, source.token());
  w.start("three", 3, kS);
  source.cancel(cancelled());
  w.settle();
  EXPECT_EQ(w.done["two"], "57014 canceling statement due to user request");
  EXPECT_EQ(w.done["three"], "ok");
}

TEST(LockTable, lock_timeout_and_dead_coordinators_end_waits) {
  LockWorld w;
  ASSERT_TRUE(w.locks.try_lock("k", txn(1), kX));
  w.start("timed", 2, kX, {}, 50ms);
  w.start("patient", 3, kX);
  w.world.run_for(100ms);
  EXPECT_EQ(w.done["timed"], "55P03 canceling statement due to lock timeout");
  EXPECT_FALSE(w.done.contains("patient"));
  w.dead.insert(1);
  w.world.run_for(500ms);
  EXPECT_EQ(w.done["patient"], "ok");
  EXPECT_EQ(w.locks.to_string(), "k: [T3 exclusive]\n");
}

TEST(LockTable, who_comes_to_a_full_queue_is_refused) {
  LockWorld w(2);
  ASSERT_TRUE(w.locks.try_lock("k", txn(1), kX));
  w.start("two", 2, kX);
  w.start("three", 3, kX);
  w.start("four", 4, kX);
  w.settle();
  EXPECT_TRUE(w.done["four"].starts_with("53000 ")) << w.done["four"];
  EXPECT_EQ(w.locks.to_string(), "k: [T1 exclusive] <- T2 exclusive <- T3 exclusive\n");
}

// Seen by `sql-keys` 145: the run was its rows' lock, and who had waited for one of them got it.
TEST(LockTable, a_lock_that_others_wait_for_stays_when_a_run_makes_it_good) {
  LockWorld w;
  ASSERT_TRUE(w.locks.try_lock("a", txn(1), kX));
  ASSERT_TRUE(w.locks.try_lock("k", txn(1), kX));
  w.start("two", 2, kX);
  w.locks.release_where("a", "k", txn(1).id, [](BytesView) { return true; });
  w.settle();
  EXPECT_EQ(w.locks.to_string(), "k: [T1 exclusive staged] <- T2 exclusive\n");
  w.locks.check_invariants();
  w.locks.release_all(txn(1).id, true);
  w.settle();
  EXPECT_EQ(w.done["two"], "ok");
}

TEST(LockTable, a_deadlock_costs_its_youngest) {
  LockWorld w;
  ASSERT_TRUE(w.locks.try_lock("k", txn(1), kX));
  ASSERT_TRUE(w.locks.try_lock("other", txn(2), kX));
  w.start("two", 2, kX);
  std::vector<LockInfo> locks = w.locks.list();
  EXPECT_TRUE(find_deadlocks(locks).empty());
  for (LockInfo& l : locks) {
    if (l.key == "other") {
      l.waiters.push_back(txn(1));
      l.waiter_modes.push_back(kX);
    }
  }
  auto found = find_deadlocks(locks);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].victim(), txn(2).id);
  const std::string one = txn(1).id.to_string(), two = txn(2).id.to_string();
  EXPECT_EQ(found[0].error().fields().detail,
            "Transaction " + two + " waits for ExclusiveLock on a row; blocked by transaction " +
                one + ".\nTransaction " + one +
                " waits for ExclusiveLock on a row; blocked by transaction " + two + ".");
  EXPECT_NE(found[0].for_log().find("on other, blocked by " + two), std::string::npos);
  EXPECT_TRUE(w.locks.abort_waits(found[0].victim(), found[0].error()));
  EXPECT_FALSE(w.locks.abort_waits(found[0].victim(), found[0].error()));
  w.settle();
  EXPECT_EQ(w.done["two"], "40P01 deadlock detected");
}

TEST(LockTable, a_circle_through_a_queue_is_seen) {
  // T2 waits behind T1's shared lock, T3 queues behind T2, T1 waits for T3 elsewhere.
  LockInfo k{"k", kS, txn(1), {txn(2), txn(3)}, {kX, kS}};
  LockInfo x{"x", kX, txn(3), {txn(1)}, {kX}};
  EXPECT_EQ(find_deadlocks({k, x}).size(), 1u);
}

// Brute force: every read is remembered; the cache may answer more, never less.
TEST(TimestampCache, never_answers_below_a_read_that_counts) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    runtime::Random random(seed);
    TimestampCache cache(ts(5));
    struct Read {
      KeySpan span;
      Timestamp at;
      ColumnSet columns;
      TxnId by;
    };
    std::vector<Read> reads;
    for (int i = 0; i < 3000; ++i) {
      Read r;
      const Bytes key = "k" + std::to_string(random.below(200));
      r.at = ts(1 + random.below(static_cast<uint64_t>(i) + 10));
      r.columns = random.below(7) + 1;
      r.by = txn(random.below(4)).id;
      const bool point = random.chance(0.7);
      r.span = point ? KeySpan::point(key) : KeySpan{key, "k" + std::to_string(random.below(200))};
      if (r.span.empty()) continue;
      if (point)
        cache.add(BytesView(key), r.at, r.columns, r.by);
      else
        cache.add(r.span, r.at, r.columns, r.by);
      reads.push_back(r);
      if (i % 10 != 0) continue;
      const Bytes written = "k" + std::to_string(random.below(200));
      const ColumnSet changed = random.below(7) + 1;
      const TxnId writer = txn(1 + random.below(4)).id;
      Timestamp least = ts(5);
      for (const Read& q : reads) {
        if ((q.columns & changed) != 0 && q.span.contains(written) && !(q.by && q.by == writer))
          least.forward(q.at);
      }
      ASSERT_GE(cache.floor(written, changed, writer), least) << "seed " << seed;
    }
    EXPECT_GT(cache.slots(), 16u);
  }
}

TEST(TimestampCache, own_reads_and_other_columns_do_not_push) {
  TimestampCache cache(ts(1));
  cache.add(BytesView("k"), ts(10), 1, txn(1).id);
  EXPECT_EQ(cache.floor("k", 1, txn(1).id), ts(1));
  EXPECT_EQ(cache.floor("k", 2, txn(2).id), ts(1));
  EXPECT_EQ(cache.floor("k", 1, txn(2).id), ts(10));
  cache.add(BytesView("k"), ts(20), 2, txn(2).id);
  EXPECT_EQ(cache.floor("k", 1, txn(3).id), ts(10));
  EXPECT_EQ(cache.floor("k", 2, txn(3).id), ts(20));
}

TEST(RecentCommits, agrees_with_brute_force_and_says_when_it_is_too_short) {
  runtime::Random random(7);
  RecentCommits recent(ts(1));
  struct Write {
    Bytes key;
    Timestamp at;
    ColumnSet changed;
    TxnId by;
  };
  std::vector<Write> all;
  for (int i = 0; i < 6000; ++i) {
    Write w{"k" + std::to_string(random.below(50)), ts(2 + i + random.below(20)),
            random.below(7) + 1, txn(1 + random.below(5)).id};
    recent.add(w.key, w.at, w.changed, w.by);
    all.push_back(w);
    ReadSpan read{KeySpan{"k1", "k3"}, ts(2 + i - random.below(std::min(i + 1, 3000))),
                  random.below(7) + 1};
    const Timestamp to = ts(read.from.packed + random.below(60));
    const TxnId self = txn(1).id;
    if (!recent.covers(read.from)) continue;
    bool expected = false;
    for (const Write& x : all)
      expected |= x.at > read.from && x.at <= to && (x.changed & read.columns) != 0 &&
                  read.span.contains(x.key) && x.by != self;
    ASSERT_EQ(recent.conflict(read, to, self, [](const Bytes&) { return true; }) != nullptr,
              expected);
  }
  EXPECT_FALSE(recent.covers(ts(2)));
}

}  // namespace
}  // namespace quorate::range
