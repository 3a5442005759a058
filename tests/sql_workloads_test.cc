// A share of the simulator's seeds for the workloads of SQL (sim/scenario_test has the others).
#include "sim/sql/sql_workloads.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "sim/scenario.h"

namespace quorate::sim {
namespace {

class Seeds : public testing::TestWithParam<std::string> {};

TEST_P(Seeds, hold_every_promise_under_faults) {
  ScenarioOptions options;
  for (const WorkloadKind& kind : all_workload_kinds()) {
    if (kind.name == GetParam()) options.workload = kind;
  }
  for (options.seed = 1; options.seed <= 2; ++options.seed) {
    const ScenarioOutcome out = run_scenario(options);
    EXPECT_EQ(out.violation, "") << "quorate sim --trace --scenario " << GetParam() << " --seed "
                                 << options.seed;
    EXPECT_GT(out.committed, 0u);
  }
}

std::vector<std::string> names() {
  std::vector<std::string> out;
  for (const WorkloadKind& kind : all_workload_kinds())
    if (kind.name.starts_with("sql-")) out.emplace_back(kind.name);
  return out;
}

INSTANTIATE_TEST_SUITE_P(Workloads, Seeds, testing::ValuesIn(names()), [](const auto& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

}  // namespace
}  // namespace quorate::sim
