// What a node is given of the outside world. Nothing above runtime/ has any other way out.
#pragma once

#include <functional>

#include "base/log.h"
#include "base/metrics.h"
#include "runtime/clock.h"
#include "runtime/disk.h"
#include "runtime/executor.h"
#include "runtime/network.h"
#include "runtime/random.h"

namespace quorate::runtime {

class FaultPoints;

struct Env {
  Executor* executor = nullptr;
  Clock* clock = nullptr;
  Network* network = nullptr;
  Disk* disk = nullptr;
  Random* random = nullptr;
  Metrics* metrics = nullptr;
  // Null outside of the simulator (runtime/fault_points.h).
  FaultPoints* faults = nullptr;
  Logger log;
  // Unpredictable bytes for keys, salts, transaction ids; a seeded stream in the simulator.
  std::function<void(char* out, size_t bytes)> entropy;
};

}  // namespace quorate::runtime
