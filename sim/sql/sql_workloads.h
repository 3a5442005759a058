// Workloads of SQL, spoken over streams by clients on a machine of their own.
#pragma once

#include <span>

#include "sim/workload.h"

namespace quorate::sim {

// Those of SQL and those of key-value batches.
std::span<const WorkloadKind> all_workload_kinds();

}  // namespace quorate::sim
