// One run as the command line asks for it: its options, what is printed of it, its picture.
#pragma once

#include <optional>
#include <string>

#include "sim/scenario.h"

namespace quorate::sim {

struct Flags {
  std::optional<uint64_t> seed;
  std::string seeds;
  unsigned jobs = 2;
  unsigned timeout_s = 120;
  std::string scenario = "all";
  std::string plant;
  std::string faults, without, often, checkpoint;
  double until_s = 0;       // 0: as long as the seed says
  size_t sessions_max = 0;  // 0: as many as the seed says
  std::string timeline;     // a file; empty: only of violations, under a name of its own
  bool no_timeline = false;
  bool shorten = false;
  unsigned shorten_limit_s = 120;
  bool list_workloads = false, list_faults = false, list_plants = false;
  bool marks = false;
  bool trace = false, first = false;
};

struct Job {
  uint64_t seed = 1;
  WorkloadKind workload;
};

// What a run is cut down to, besides its seed; all of it by default.
struct Cut {
  FaultFilter filter;
  double until_s = 0;
  size_t sessions_max = 0;
  // The flags that say this, with a space before each.
  std::string flags() const;
};

// kInvalidArgument for a list that names no fault.
Result<Cut> cut_of(const Flags& flags);

// False for a name that this build does not know; nothing is planted by an empty one.
bool plant(const std::string& name, PlantedBugs& bugs);
std::vector<std::string_view> planted_names();

// `plan` is needed where the cut leaves faults out (learn_plan in shorten.h). It must outlive them.
ScenarioOptions options_of(const Job& job, const Flags& flags, const Cut& cut,
                           const FaultPlan* plan);
std::string replay_line(const Job& job, const Flags& flags, const Cut& cut);
void print_outcome(const Job& job, const Flags& flags, const Cut& cut, const ScenarioOutcome& out);

// Runs it with a log of its events and writes the picture to `file`, also when a CHECK fails (then
// it does not return). What it cannot write it says on stderr. The outcome is that of the same run
// without a log.
ScenarioOutcome draw_job(const Job& job, const Flags& flags, const Cut& cut, const FaultPlan* plan,
                         const std::string& file);
// The name of a violation's picture where none is given.
std::string timeline_name(const Job& job);

}  // namespace quorate::sim
