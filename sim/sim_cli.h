// `quorate sim`: runs scenarios from seeds and tells of violations. Exit: 0 all is well, 1 a
// violation was found, 2 bad flags.
#pragma once

#include <span>

#include "sim/workload.h"

namespace quorate::sim {

int sim_main(int argc, char** argv, std::span<const WorkloadKind> workloads);

}  // namespace quorate::sim
