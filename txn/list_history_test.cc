// Histories of lists under faults: everything that was answered as committed is there once, nothing
// that was refused is, and one serial order explains all reads. Each test runs many seeds; a wrong
// one is printed with its story.
#include <gtest/gtest.h>

#include "txn/testing/list_workload.h"

namespace quorate::txn {
namespace {

struct Sum {
  size_t committed = 0, failed = 0, unknown = 0;
  uint64_t restarts = 0, refreshes = 0, parallel = 0, one_phase = 0;
};

Sum run_seeds(ListWorkload w, uint64_t seeds) {
  Sum sum;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    w.seed = seed;
    ListOutcome o = run_lists(w);
    EXPECT_EQ(o.wrong, "") << "seed " << seed;
    EXPECT_EQ(o.commit_lost, 0u) << "seed " << seed;
    sum.committed += o.committed;
    sum.failed += o.failed;
    sum.unknown += o.unknown;
    sum.restarts += o.restarts;
    sum.refreshes += o.refreshes;
    sum.parallel += o.parallel;
    sum.one_phase += o.one_phase;
    if (w.faults.late_request == 0 && w.faults.lose_request == 0 && w.faults.lose_answer == 0 &&
        w.crashes == 0) {
      EXPECT_EQ(o.locks_left, 0u) << "seed " << seed;
      EXPECT_EQ(o.intents_left, 0u) << "seed " << seed;
    }
    if (testing::Test::HasFailure()) break;
  }
  return sum;
}

ListWorkload lossy() {
  ListWorkload w;
  w.faults.lose_request = 0.03;
  w.faults.lose_answer = 0.05;
  w.faults.late_request = 0.03;
  w.faults.split = 0.03;
  w.faults.push = 0.1;
  return w;
}

TEST(ListHistory, a_quiet_cluster_serializes) {
  Sum s = run_seeds(ListWorkload(), 60);
  EXPECT_EQ(s.failed + s.unknown, 0u);
  EXPECT_GT(s.parallel, 100u);
  EXPECT_GT(s.one_phase, 100u);
  EXPECT_GT(s.refreshes, 50u);
}

TEST(ListHistory, without_locks_too) {
  ListWorkload w;
  w.lock_chance = 0;
  run_seeds(w, 40);
}

TEST(ListHistory, lost_and_late_messages_neither_lose_nor_repeat) {
  Sum s = run_seeds(lossy(), 80);
  EXPECT_GT(s.committed, 500u);
}

TEST(ListHistory, collected_records_make_doubt_and_no_lies) {
  ListWorkload w = lossy();
  w.faults.collect_records = 0.5;
  w.faults.lose_answer = 0.15;
  Sum s = run_seeds(w, 40);
  EXPECT_GT(s.unknown, 0u);
}

TEST(ListHistory, lost_locks_lose_no_update) {
  ListWorkload w;
  w.faults.lose_locks = 0.05;
  run_seeds(w, 40);
}

TEST(ListHistory, crashed_coordinators_leave_whole_transactions) {
  ListWorkload w = lossy();
  w.crashes = 3;
  run_seeds(w, 60);
}

TEST(ListHistory, weaker_levels_show_what_they_may) {
  for (Isolation level : {Isolation::kRepeatableRead, Isolation::kReadCommitted}) {
    ListWorkload w;
    w.isolation = level;
    run_seeds(w, 30);
    w = lossy();
    w.isolation = level;
    w.faults.lose_locks = 0.02;
    run_seeds(w, 30);
  }
}

#ifdef QUORATE_PLANTED_BUGS
// How many of `seeds` runs the judge finds wrong.
size_t found(ListWorkload w, uint64_t seeds) {
  size_t n = 0;
  for (w.seed = 1; w.seed <= seeds; ++w.seed) n += !run_lists(w).wrong.empty();
  return n;
}

TEST(PlantedBugs, refresh_skipped_is_found) {
  ListWorkload w;
  w.bugs.refresh_skipped = true;
  EXPECT_GT(found(w, 40), 0u);
}

TEST(PlantedBugs, commit_resent_as_new_is_found) {
  ListWorkload w = lossy();
  w.faults.collect_records = 0.5;
  w.faults.lose_answer = 0.15;
  w.bugs.commit_resent_as_new = true;
  EXPECT_GT(found(w, 40), 0u);
}

TEST(PlantedBugs, commit_answered_early_is_found) {
  ListWorkload w = lossy();
  w.bugs.commit_answered_early = true;
  EXPECT_GT(found(w, 40), 0u);
}
#endif

}  // namespace
}  // namespace quorate::txn
