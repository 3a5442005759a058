// One store: an engine, its Raft groups, its promises, and the replicas on top. Serves batches for
// the ranges whose leases it holds.
//
// Opening replays nothing by itself: each group hands out again what its engine had not
// checkpointed. A split's child that was born before the crash is not started before its parent has
// applied the split again (safety: child-birth).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>

#include "raft/driver/multi_raft.h"
#include "range/cluster.h"
#include "range/liveness.h"
#include "range/replica.h"
#include "range/router.h"
#include "runtime/rpc.h"

namespace quorate::range {

// How a replica came to be here, kept in the log beside its hard state until the engine knows it.
struct BirthRecord {
  uint8_t format = 1;
  RangeDescriptor descriptor;
  raft::ConfState conf;
  LogIndex index;  // the log begins after it
  Term term;
  RangeId parent;         // zero: born with the cluster
  LogIndex parent_index;  // the split's entry in the parent's log
  template <class A>
  void serialize(A& a) {
    a(format, descriptor, conf, index, term, parent, parent_index);
  }
};

inline constexpr LogIndex kBirthIndex{10};
inline constexpr Term kBirthTerm{5};
// A parent index that no parent reaches: an orphan's.
inline constexpr LogIndex kNeverBorn{UINT64_MAX};

struct RangeStatus {
  RangeDescriptor descriptor;
  bool leads = false;
  NodeId leaseholder;
  Term term;
  LogIndex applied, commit, last;
  uint64_t bytes = 0, rows = 0;
  template <class A>
  void serialize(A& a) {
    a(descriptor, leads, leaseholder, term, applied, commit, last, bytes, rows);
  }
};

class Store {
 public:
  struct Options {
    StoreId id;
    NodeId node;
    storage::EngineOptions engine;
    runtime::Duration raft_tick = std::chrono::milliseconds(100);
    size_t append_bytes = 1u << 20;  // of one message to a follower
    RangeLimits limits;
    Liveness::Options liveness;
    PlantedBugs planted;
  };

  Store(runtime::Env& env, runtime::Hlc& clock, runtime::Rpc& rpc, Cluster& cluster,
        Options options);
  ~Store();
  Store(const Store&) = delete;

  // Opens the engine and starts every replica. `resolver` is used by leaseholders, over the router.
  runtime::Task<Status> open(std::unique_ptr<storage::CheckpointStore> checkpoint,
                             ConflictResolver& resolver);
  // Once in a cluster's life, on its first node, after open() of an empty store: the first ranges.
  runtime::Task<Status> bootstrap();

  // A batch for a range that may or may not be served here.
  runtime::Task<BatchResponse> serve(std::shared_ptr<const BatchRequest> request,
                                     runtime::CancelToken token);
  // The leaseholder that serves `range` here now, or null. For the hot path.
  Leaseholder* local_leaseholder(RangeId range);

  const std::map<RangeId, std::unique_ptr<Replica>>& replicas() const { return replicas_; }
  Replica* find(RangeId range);
  Replica* find_by_key(BytesView key);
  // Whose row, record or state lies at a key of the checkpoint; none where no replica here has it.
  RangeId range_of_stored(BytesView stored_key);
  std::vector<RangeStatus> status();
  // Hands every lease to another node; ok when none is left or nobody could take the rest in time.
  runtime::Task<Status> drain(runtime::Instant deadline);
  Status health() const;
  // The store has failed and must not be used any more; called once.
  std::function<void(Status)> on_failure;
  // Whether several clients wait for this node's executor (raft/driver/multi_raft.h). Before
  // open().
  std::function<bool()> crowded;
  // Called with a descriptor that this store's replica has just taken over as leaseholder, or
  // changed.
  std::function<void(RangeId)> on_descriptor_changed;

  runtime::Env& env() { return env_; }
  runtime::Hlc& clock() { return clock_; }
  storage::Engine& engine() { return *engine_; }
  Cluster& cluster() { return cluster_; }
  Liveness& liveness() { return *liveness_; }
  raft::MultiRaft& raft() { return *raft_; }
  runtime::Rpc& rpc() { return rpc_; }
  const Options& options() const { return options_; }
  ConflictResolver& resolver() { return *resolver_; }
  runtime::TaskScope& scope() { return scope_; }

  // The replica of the range that this store's log knows, started or not; zero: none.
  ReplicaId replica_id(RangeId range) const;
  // Those that may not speak any more under their ids.
  // Those that must be replaced: of a damaged log, with damaged rows, or orphans.
  std::vector<std::pair<RangeId, ReplicaId>> damaged_replicas() const;
  // The range has removed its replica here; `least` is the least id acceptable from now on. Durable
  // when it returns, and its data is gone (safety: replica-id). Refused while it leads, or takes a
  // snapshot.
  runtime::Task<Status> remove_replica(RangeId range, ReplicaId least);

  // Ranges of whose replicas here a row was damaged when it was read; the scrubber takes them out.
  std::set<RangeId>& suspects() { return suspects_; }
  // Rounds of the scrubber over all replicas, in this life, that found nothing.
  uint64_t scrubs() const { return scrubs_; }
  void note_scrubbed() { ++scrubs_; }
  // The replica's rows are damaged: it is to be replaced after the next start, which should come
  // soon. Durable when it returns true; false where the others are no quorum now, or, where it is
  // of no use any more, never are.
  runtime::Task<bool> give_up_replica(RangeId range, bool useless);
  // The same for the run that the engine could not publish. It has failed, and would again.
  runtime::Task<void> give_up_damaged();

  // --- for Replica ---
  void send_snapshot(RangeId range, raft::Message message);
  runtime::Task<Status> install_snapshot(Replica& replica, raft::SnapshotMeta meta);
  void split_applied(Replica& parent, const SplitTrigger& trigger, LogIndex index);
  void lease_dropped(std::shared_ptr<Leaseholder> leaseholder);
  void replica_changed();  // replicas or their stores changed: liveness learns whom to ask

  static constexpr runtime::RpcMethod kBatchMethod = 1;
  static constexpr runtime::RpcMethod kSnapshotMethod = 2;
  static constexpr runtime::RpcMethod kVoterMethod = 13;

 private:
  struct IncomingSnapshot;
  struct SnapshotChunk;
  runtime::Task<Status> start_replica(RangeId range);
  Status check_records(RangeId range);
  runtime::Task<void> stop_damaged(Status why);
  runtime::Task<void> start_recovered_child(RangeId range);
  runtime::Task<void> start_child(RangeId range, raft::HardState hard_state, raft::Birth birth);
  runtime::Task<void> stream_snapshot(RangeId range, raft::Message message);
  runtime::Task<void> rest_after_snapshot(std::pair<RangeId, ReplicaId> what);
  runtime::Task<Result<Bytes>> on_batch(Bytes request);
  bool serve_in_place(const BatchRequest& request, BatchResponse* response);
  runtime::Task<Result<Bytes>> on_snapshot_chunk(runtime::PeerId from, Bytes request);
  // store_strays.cc
  void on_stray(StoreId from, raft::Message message);
  runtime::Task<Result<Bytes>> on_voter_query(Bytes request);
  runtime::Task<void> become_voter(StoreId asker, raft::Message asked);
  runtime::Task<void> make_way(RangeId range, ReplicaId newer);
  void orphan(RangeId child, BirthRecord birth);
  runtime::Task<Status> finish_removals();
  runtime::Task<void> bury(std::unique_ptr<Replica> replica);
  Result<std::optional<RangeDescriptor>> stored_descriptor(RangeId range);
  Status span_free(RangeId range, const KeySpan& span) const;
  Status snapshot_welcome(const SnapshotChunk& chunk) const;
  Result<Replica*> snapshot_receiver(const SnapshotChunk& chunk);
  Replica& add_replica(ReplicaId id, RangeDescriptor descriptor, raft::ConfState conf);
  runtime::Task<void> reap_retired();
  void send_to_store(StoreId to, runtime::Channel channel, Bytes frame);

  runtime::Env& env_;
  runtime::Hlc& clock_;
  runtime::Rpc& rpc_;
  Cluster& cluster_;
  const Options options_;
  ConflictResolver* resolver_ = nullptr;
  std::unique_ptr<storage::Engine> engine_;
  std::unique_ptr<Liveness> liveness_;
  std::unique_ptr<raft::MultiRaft> raft_;
  std::map<RangeId, std::unique_ptr<Replica>> replicas_;
  std::map<Bytes, RangeId> by_start_;
  std::map<RangeId, BirthRecord>
      unborn_;  // recovered children whose parent has not come to the split yet
  // Children whose parent was removed from here before it came to the split: what they began with
  // is gone, and what they have acknowledged is worth nothing.
  std::map<RangeId, ReplicaId> orphans_;
  std::map<RangeId, std::shared_ptr<IncomingSnapshot>> incoming_;
  std::set<std::pair<RangeId, ReplicaId>> streaming_;
  std::map<std::pair<RangeId, ReplicaId>, uint32_t> snapshots_failed_;  // since one arrived
  std::set<RangeId> suspects_;
  uint64_t scrubs_ = 0;
  std::map<RangeId, KeySpan> damaged_spans_;    // whose log is damaged: what their rows are of
  std::map<RangeId, KeySpan> clearing_;         // removed, and their data is on its way out
  std::map<RangeId, runtime::Instant> strays_;  // since when a range that is not here is spoken to
  std::set<RangeId> becoming_voters_;
  std::vector<std::shared_ptr<Leaseholder>> retired_;  // some batches may still hold on to them
  bool reaping_ = false;
  runtime::TaskScope scope_;
};

}  // namespace quorate::range
