// Who counts whom: replicas of a range that have applied the same entries have the same members.
// What a replica counts by shows in nothing else until it is elected by the wrong ones.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "sim/sim_cluster.h"

namespace quorate::sim {

class Membership {
 public:
  explicit Membership(SimCluster& cluster) : cluster_(cluster) {}
  // Empty, or who counts otherwise than another.
  std::string look();

 private:
  struct Seen {
    const raft::ConfState* conf = nullptr;
    size_t node = 0;
  };
  SimCluster& cluster_;
  std::map<std::pair<RangeId, LogIndex>, Seen> seen_;  // of this look, used again by each
};

}  // namespace quorate::sim
