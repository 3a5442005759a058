// What nodes keep in memory, against the limits that they have: of each range its proposals,
// waiters of a row, recent commits, reads and sorted runs; of each follower what was sent to it and
// not acknowledged; of each node memtables, entries of the log, and ends of transactions behind
// their answers.
#pragma once

#include <string>

#include "sim/sim_cluster.h"

namespace quorate::sim {

class LimitsWatch {
 public:
  explicit LimitsWatch(SimCluster& cluster) : cluster_(cluster) {}
  // What is above its limit now; empty: nothing, or it was looked at a moment ago.
  std::string look();

 private:
  SimCluster& cluster_;
  uint64_t looks_ = 0;
};

}  // namespace quorate::sim
