// Makes a failing run smaller: fewer faults, a shorter time, fewer sessions, as long as it fails in
// the same way. Every try is a run in a process of its own.
#pragma once

#include "sim/job.h"

namespace quorate::sim {

// How a run ended, as far as another process can tell.
struct Ending {
  std::string violation;  // empty: all is well; "crashed" or "hangs" where it could not say
  double virtual_seconds = 0;
  uint64_t committed = 0;
};

// The faults of the whole run, in order: what numbers mean. Runs it once up to its end of faults.
// Empty where that can't be learned.
FaultPlan learn_plan(const Job& job, const Flags& flags);

// Of a violation's text, what is the same in all of its kind: no numbers, no values.
std::string violation_kind(const std::string& violation);

// Runs it as `cut` says, to its end.
Ending try_run(const Job& job, const Flags& flags, const Cut& cut, const FaultPlan* plan);

// From the failing run that `cut` is, prints what it tries and, at the end, the line that runs the
// smallest one found within flags.shorten_limit_s of this machine's time. Gives that one.
Cut shorten(const Job& job, const Flags& flags, const Cut& cut, const FaultPlan& plan);

}  // namespace quorate::sim
