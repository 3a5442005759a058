// A share of the simulator's seeds, and that a seed is a run: the same in every process.
#include "sim/scenario.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/checkers/swap_register.h"

namespace quorate::sim {
namespace {

ScenarioOutcome run(uint64_t seed, const std::string& workload) {
  ScenarioOptions options;
  options.seed = seed;
  for (const WorkloadKind& kind : workload_kinds()) {
    if (kind.name == workload) options.workload = kind;
  }
  return run_scenario(options);
}

class Seeds : public testing::TestWithParam<const char*> {};

TEST_P(Seeds, hold_every_promise_under_faults) {
  // Runs of bulk loads take ten times as long as others.
  const uint64_t seeds = std::string_view(GetParam()) == "load" ? 4 : 12;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    const ScenarioOutcome out = run(seed, GetParam());
    EXPECT_EQ(out.violation, "") << "quorate sim --trace --scenario " << GetParam() << " --seed "
                                 << seed;
    EXPECT_GT(out.committed, 0u);
  }
}
INSTANTIATE_TEST_SUITE_P(Workloads, Seeds,
                         testing::Values("bank", "register", "append", "load", "overwrite"));

uint64_t hash_in_a_process(uint64_t seed) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  if (fork() == 0) {
    // Memory lies elsewhere than in the other process.
    std::vector<std::string> moved(seed * 1000, std::string(100, 'x'));
    const uint64_t hash = run(7, "append").trace_hash;
    _exit(write(ends[1], &hash, sizeof hash) == sizeof hash ? 0 : 1);
  }
  uint64_t hash = 0;
  EXPECT_EQ(read(ends[0], &hash, sizeof hash), static_cast<ssize_t>(sizeof hash));
  wait(nullptr);
  close(ends[0]);
  close(ends[1]);
  return hash;
}

TEST(Determinism, one_seed_is_one_run_in_two_processes) {
  const uint64_t here = run(7, "append").trace_hash;
  EXPECT_EQ(hash_in_a_process(1), here);
  EXPECT_EQ(hash_in_a_process(50), here);
  EXPECT_NE(run(8, "append").trace_hash, here);
}

// --- the checker of registers, checked

RegisterOp op(bool swap, uint64_t written, uint64_t read, int began, int ended) {
  RegisterOp o;
  o.fate = RegisterOp::Fate::kDone;
  o.swap = swap;
  o.written = written;
  o.read = read;
  o.began = {std::chrono::seconds(began)};
  o.ended = {std::chrono::seconds(ended)};
  return o;
}

TEST(SwapRegister, accepts_overlapping_operations_in_any_order) {
  EXPECT_EQ(judge_register({op(true, 1, 0, 1, 5), op(false, 0, 1, 2, 3), op(false, 0, 0, 2, 4),
                            op(true, 2, 1, 4, 6)},
                           2, true),
            "");
}
TEST(SwapRegister, refuses_a_stale_read) {
  std::vector<RegisterOp> ops{op(true, 1, 0, 1, 2), op(false, 0, 0, 3, 4)};
  EXPECT_NE(judge_register(ops, 1, true), "");
  EXPECT_EQ(judge_register(ops, 1, false), "");
}
TEST(SwapRegister, refuses_a_lost_swap) {
  EXPECT_NE(judge_register({op(true, 1, 0, 1, 2), op(true, 2, 0, 3, 4)}, 2, false), "");
}
TEST(SwapRegister, an_unknown_swap_counts_where_it_was_seen) {
  RegisterOp unknown = op(true, 1, 0, 1, 2);
  unknown.fate = RegisterOp::Fate::kOpen;
  unknown.ended = runtime::Instant::never();
  EXPECT_EQ(judge_register({unknown}, 0, true), "");
  EXPECT_EQ(judge_register({unknown, op(true, 2, 1, 3, 4)}, 2, true), "");
}

}  // namespace
}  // namespace quorate::sim
