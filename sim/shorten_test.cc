// Some of a run's faults instead of all.
#include "sim/shorten.h"

#include <gtest/gtest.h>

namespace quorate::sim {
namespace {

Job job_of(uint64_t seed, std::string_view workload) {
  Job job{seed, {}};
  for (const WorkloadKind& kind : workload_kinds()) {
    if (kind.name == workload) job.workload = kind;
  }
  return job;
}

TEST(FaultFilter, reads_and_writes_its_flags) {
  Result<FaultFilter> filter = FaultFilter::parse("crash,cut", "3,7-9,lossy,8,10");
  ASSERT_TRUE(filter.ok());
  EXPECT_EQ(filter->flags(), " --faults crash,cut --without 3,7-10,lossy");
  EXPECT_TRUE(filter->allows(1, "crash"));
  EXPECT_FALSE(filter->allows(3, "crash"));
  EXPECT_FALSE(filter->allows(1, "wipe"));
  EXPECT_FALSE(filter->allows("lossy"));
  EXPECT_TRUE(FaultFilter::parse("", "")->all());
  for (const char* bad : {"0", "x", "5-3", "-1", "3-", "99999999999999999999999"})
    EXPECT_FALSE(FaultFilter::parse("", bad).ok()) << bad;
  EXPECT_FALSE(FaultFilter::parse("crush", "").ok());
}

TEST(ViolationKind, is_the_same_for_other_numbers) {
  EXPECT_EQ(violation_kind("no serial order: 17 before 20 21; 20 before 17;"),
            violation_kind("no serial order: 3 before 4; 4 before 5 6;"));
  EXPECT_EQ(violation_kind("r12: terms 3 and 4: one could serve at 17.2"),
            violation_kind("r7: terms 5 and 8: one could serve at 1.0"));
  EXPECT_NE(violation_kind("transfer 3 was acknowledged and is lost"),
            violation_kind("transfer 3 failed and is there"));
  EXPECT_EQ(violation_kind(""), "");
}

TEST(FaultPlan, followed_as_a_whole_is_the_run_that_it_was_learned_from) {
  const Job job = job_of(3, "register");
  const Flags flags;
  const FaultPlan plan = learn_plan(job, flags);
  ASSERT_GT(plan.acts.size(), 3u);
  const ScenarioOutcome whole = run_scenario(options_of(job, flags, Cut(), nullptr));
  ScenarioOptions options = options_of(job, flags, Cut(), nullptr);
  options.plan = &plan;
  const ScenarioOutcome again = run_scenario(options);
  EXPECT_EQ(again.trace_hash, whole.trace_hash);
  EXPECT_EQ(again.faults, whole.faults);
}

TEST(FaultPlan, what_is_left_out_does_not_come) {
  const Job job = job_of(3, "register");
  const Flags flags;
  const FaultPlan plan = learn_plan(job, flags);
  Cut cut;
  cut.filter = *FaultFilter::parse("pause", "skew");
  cut.until_s = 4;
  cut.sessions_max = 1;
  const ScenarioOutcome out = run_scenario(options_of(job, flags, cut, &plan));
  EXPECT_EQ(out.violation, "");
  EXPECT_GT(out.committed, 0u);
  for (const auto& [name, count] : out.faults)
    EXPECT_TRUE(name == "pause" || name == "heal" || name == "trouble,") << name;
  const ScenarioOutcome same = run_scenario(options_of(job, flags, cut, &plan));
  EXPECT_EQ(same.trace_hash, out.trace_hash);
}

}  // namespace
}  // namespace quorate::sim
