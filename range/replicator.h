// Keeps a range on its number of nodes: adds replicas where there are too few, replaces those whose
// nodes are gone or whose logs are damaged, one membership change at a time.
//
//   too few usable voters ──► learner on the node with the fewest ranges ──► snapshot, log
//        ──► caught up: it votes, and in the same (joint) change one that is gone leaves
//   more voters than wanted ──► one leaves, those that are gone first
//
// Runs where the lease is. Each decision is a log line with its reason.
#pragma once

#include "range/retirement.h"
#include "range/store.h"

namespace quorate::range {

class Replicator {
 public:
  struct Options {
    size_t replicas = 3;
    runtime::Duration replace_after;  // of silence
  };
  Replicator(runtime::Env& env, runtime::Hlc& clock, Cluster& cluster, Store& store,
             Retirement& retirement, Options options);

  // One step for a range that this store leads.
  runtime::Task<Status> step(RangeId range);

 private:
  struct Standing;  // of a range's replicas
  Standing look(const Replica& replica) const;
  bool caught_up(const raft::Raft& core, const ReplicaDescriptor& learner) const;
  bool quorum_without(const RangeDescriptor& descriptor, ReplicaId left_out) const;
  NodeId choose_node(const RangeDescriptor& descriptor) const;
  runtime::Task<Status> hand_over(RangeId range);
  runtime::Task<Status> promote(RangeId range, size_t learner, std::string leaving_why,
                                ReplicaId leaving);
  runtime::Task<Status> remove(RangeId range, ReplicaId leaving, std::string why);
  runtime::Task<Status> add_learner(RangeId range, size_t usable);

  runtime::Env& env_;
  runtime::Hlc& clock_;
  Cluster& cluster_;
  Store& store_;
  Retirement& retirement_;
  const Options options_;
};

}  // namespace quorate::range
