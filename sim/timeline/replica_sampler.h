// Tells a log what the replicas of a cluster do, by looking at them every few milliseconds: who
// campaigns, leads and holds the lease in which term, ranges that split or change members, and
// checkpoints. What begins and ends between two looks is not seen.
#pragma once

#include <map>

#include "sim/sim_cluster.h"
#include "sim/timeline/event_log.h"

namespace quorate::sim {

class ReplicaSampler {
 public:
  ReplicaSampler(SimCluster& cluster, EventLog& log) : cluster_(cluster), log_(log) {}
  void look();

 private:
  struct Seen {
    uint64_t life = 0, look = 0;
    Term term, lease_term;
    raft::Role role = raft::Role::kFollower;
    uint64_t leads = 0, lease = 0;  // the open spans
    LogIndex checkpointed;
  };
  struct RangeSeen {
    uint64_t generation = 0;
    Term term;
    KeySpan span;
    size_t replicas = 0;
  };
  using Key = std::pair<size_t, RangeId>;
  void look_at(size_t node, range::Replica& replica);
  void look_at_leader(Seen& seen, size_t node, range::Replica& replica);
  void look_at_descriptor(size_t node, const range::RangeDescriptor& descriptor);
  void end(Seen& seen);

  SimCluster& cluster_;
  EventLog& log_;
  uint64_t looks_ = 0;
  std::map<Key, Seen> seen_;
  std::map<RangeId, RangeSeen> ranges_;
};

}  // namespace quorate::sim
