// Many runs, each in a process of its own, with a progress bar and a report at the end.
#pragma once

#include <vector>

#include "sim/job.h"

namespace quorate::sim {

// 0: all went well, 1: a violation was found, 2: it could not run.
int run_campaign(const std::vector<Job>& jobs, const Flags& flags, const Cut& cut);

// One run in this process, and what follows of a violation: its picture, a smaller run.
bool run_alone(const Job& job, const Flags& flags, const Cut& cut);

}  // namespace quorate::sim
