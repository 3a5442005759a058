// The key-value half of a node, put together: cluster membership, the store with its replicas, the
// router, upkeep, deadlock detection and the transaction client.
//
//   sessions (above) ──► txn() ──► router() ──► this node's leaseholders, or other nodes by RPC
//                                     store(): log, memtable, checkpoint, Raft groups, liveness
//                                     upkeep(): directory, replicas, splits, collection
//
// A node is an object: nothing is global, and any number live in one process. It belongs to one
// executor. start() begins or resumes its life; destroying it is a crash as far as others can tell
// (what is durable stays). Whoever uses txn(), router() or store() from tasks of its own destroys
// those tasks first.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/planted.h"
#include "range/cluster.h"
#include "range/membership.h"
#include "range/pusher.h"
#include "range/range_router.h"
#include "range/store.h"
#include "range/upkeep.h"
#include "runtime/env.h"
#include "runtime/hlc.h"
#include "runtime/rpc.h"
#include "txn/node_client.h"

namespace quorate::server {

struct KvNodeOptions {
  std::string address;  // where other nodes reach this one, "host:port"
  std::string listen;   // where it listens for them; empty: at `address`
  std::string sql_address, http_address, version;
  std::vector<std::string> join;  // nodes to ask for a place in their cluster
  bool single = false;            // makes a cluster of its own without being told
  int64_t max_clock_offset_micros = 500'000;
  storage::EngineOptions engine;
  runtime::Duration raft_tick = std::chrono::milliseconds(100);
  size_t append_bytes = 1u << 20;  // entries of one Raft message; at least one goes
  range::RangeLimits limits;
  range::Liveness::Options liveness;
  range::Upkeep::Options upkeep;
  runtime::Duration deadlock_step = std::chrono::milliseconds(200);
  txn::NodeOptions txn;  // node, epoch and bugs are filled in
  PlantedBugs planted;
  // Opens the store's checkpoint: LMDB in the real world.
  std::function<runtime::Task<Result<std::unique_ptr<storage::CheckpointStore>>>(runtime::Env&)>
      open_checkpoint;
};

class KvNode {
 public:
  KvNode(runtime::Env& env, KvNodeOptions options);
  ~KvNode();
  KvNode(const KvNode&) = delete;

  // Listens, finds its place (its own identity, or one that it is given when it joins, which may
  // take until somebody runs `quorate init`), opens the store and serves. Once. An error: the node
  // can't serve and is to be destroyed. Cancelling ends the wait for a place.
  runtime::Task<Status> start(runtime::CancelToken token);
  bool started() const { return started_; }
  // `quorate init` by a call instead of a message.
  void init_here() { membership_.tell_to_be_first(); }

  // Hands over leases and lets the ends of transactions finish; then the node may go.
  runtime::Task<Status> drain(runtime::Instant deadline);

  // How many clients have sessions here; decides where log syncs run. Null: none.
  std::function<size_t()> clients;
  // Called once when the store has failed; the node must be destroyed, in a later step.
  std::function<void(Status)> on_failure;

  runtime::Env& env() { return env_; }
  runtime::Hlc& clock() { return clock_; }
  runtime::Rpc& rpc() { return rpc_; }
  range::Cluster& cluster() { return *cluster_; }
  range::Store& store() { return *store_; }
  range::RangeRouter& router() { return *router_; }
  range::SystemKv& system() { return router_->system(); }
  txn::NodeClient& txn() { return *txn_; }
  NodeId id() const { return identity_.node; }
  const range::Identity& identity() const { return identity_; }
  const KvNodeOptions& options() const { return options_; }

  static constexpr runtime::RpcMethod kLocksMethod = 5;
  static constexpr runtime::RpcMethod kOpenMethod = 6;

 private:
  range::NodeInfo self_info() const;
  runtime::Task<Result<range::Membership::Joined>> find_place(runtime::CancelToken token);
  runtime::Task<Status> open(range::Membership::Joined place);
  runtime::Task<void> confirm_cluster();
  void report_failure(Status failure);
  std::vector<range::LockInfo> local_locks();
  runtime::Task<Result<Bytes>> on_locks();
  runtime::Task<Result<Bytes>> on_open(Bytes request);
  runtime::Task<void> detect_deadlocks();
  runtime::Task<void> drop_stray_locks();
  runtime::Task<std::vector<TxnId>> ended_among(NodeId coordinator, std::vector<TxnId> txns);
  runtime::Task<std::vector<range::LockInfo>> collect_locks();

  runtime::Env& env_;
  const KvNodeOptions options_;
  runtime::Hlc clock_;
  runtime::Rpc rpc_;
  range::Membership membership_;
  range::Identity identity_;
  bool started_ = false;
  bool failed_ = false;
  std::set<TxnId> blockers_;  // held what others waited for when last looked
  // In the order in which each needs the ones before; the destructor says how they go.
  std::unique_ptr<range::Cluster> cluster_;
  std::unique_ptr<range::Store> store_;
  std::unique_ptr<range::RangeRouter> router_;
  std::unique_ptr<range::Pusher> pusher_;
  std::unique_ptr<range::Upkeep> upkeep_;
  std::unique_ptr<txn::NodeClient> txn_;
  runtime::TaskScope scope_;
};

}  // namespace quorate::server
