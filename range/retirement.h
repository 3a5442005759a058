// How replicas end. A replica that its range has removed is told so, or finds out by asking; one
// whose log is damaged tells its range, which removes it and puts another in its place under a new
// id (safety: replica-id, damaged-replica).
//
//   leader of the range                                store of the replica
//     removes it by a membership change, applied and, where
//     it was a joint one, left: until then it has a say
//     | -- descriptor ---------------------------------> |  not in it, and newer than its own:
//     | <- what is your descriptor of r? --------------- |  asks its voters, who must all know;
//     |                                                  |  tombstone, synced; then the data goes
//     | <- what is your descriptor of r? --------------- |  asked where no leader is heard of, and
//     |                                                  |  of all from time to time
//     | <- my replica of r is damaged ------------------ |  removed like one that is silent
//
// Any replica's applied descriptor is proof: what is applied is committed, and an id that was
// removed never comes back. On the store's executor.
#pragma once

#include <map>
#include <set>

#include "range/cluster.h"
#include "range/store.h"
#include "runtime/rpc.h"

namespace quorate::range {

class Retirement {
 public:
  // Takes its methods of the store's Rpc; all outlive it.
  Retirement(runtime::Env& env, Cluster& cluster, Store& store);

  // One bounded step: asks about a few replicas, reports the damaged ones.
  runtime::Task<void> step();
  // After a removal was applied here: tells the one that it concerns, which may be away.
  runtime::Task<void> tell(NodeId node, RangeDescriptor after);
  // What its own store says of it.
  bool damaged(RangeId range, ReplicaId replica) const;

  static constexpr runtime::RpcMethod kDescribeMethod = 7;
  static constexpr runtime::RpcMethod kDescriptorMethod = 8;
  static constexpr runtime::RpcMethod kDamagedMethod = 9;

 private:
  struct Damage;
  runtime::Task<Result<Bytes>> on_describe(Bytes request);
  runtime::Task<Result<Bytes>> on_descriptor(Bytes request);
  runtime::Task<Result<Bytes>> on_damaged(Bytes request);
  runtime::Task<void> ask_about(RangeId range, std::vector<NodeId> nodes);
  runtime::Task<void> report_damaged();
  bool removes(const RangeDescriptor& now, ReplicaId own) const;
  runtime::Task<bool> is_known(RangeDescriptor now, ReplicaId own);
  runtime::Task<Status> end_if_removed(RangeDescriptor now);
  RangeId next_to_ask();

  runtime::Env& env_;
  Cluster& cluster_;
  Store& store_;
  RangeId asked_;  // the last one, in turn
  runtime::Instant next_report_;
  std::map<RangeId, runtime::Instant> leaderless_;  // since when
  std::map<RangeId, runtime::Instant> looked_at_;
  std::map<RangeId, ReplicaId> damaged_;  // of other stores, as they say
};

}  // namespace quorate::range
