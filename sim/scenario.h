// One run of the simulator: a cluster with tunables drawn from the seed, a workload on it, a
// nemesis against it; then everything heals, must become healthy within a bound, and is judged.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/planted.h"
#include "runtime/executor.h"
#include "sim/fault_filter.h"
#include "sim/timeline/event_log.h"
#include "sim/workload.h"

namespace quorate::sim {

struct ScenarioOptions {
  uint64_t seed = 1;
  WorkloadKind workload;
  PlantedBugs planted;
  bool print_lines = false;
  size_t lines_kept = 60;

  // Told what happens; null: nobody listens. The run is the same either way.
  EventLog* log = nullptr;

  // Less than the whole run, to find what it takes to fail (shorten.h).
  const FaultPlan* plan = nullptr;  // of the whole run: faults come from it, as `filter` says
  FaultFilter filter;
  runtime::Duration until = std::chrono::hours(1);  // faults end after at most this
  std::string checkpoint;  // "lmdb" or "model", whatever the seed says; empty: as it says
  std::string often;       // a kind of fault that every other one is (fault_filter.h); empty: none
  size_t sessions_max = 1'000;  // at a time: of a node, or of all outside
  // Every fault is kept here, and the run ends with them.
  FaultPlan* record = nullptr;
};

struct ScenarioOutcome {
  std::string violation;  // empty: all is well
  uint64_t trace_hash = 0;
  uint64_t events = 0;
  runtime::Duration virtual_time{0};
  uint64_t committed = 0, failed = 0, unknown = 0, ranges = 0;
  std::map<std::string, uint64_t> faults;
  std::vector<std::string> last_lines;
};

ScenarioOutcome run_scenario(const ScenarioOptions& options);

}  // namespace quorate::sim
