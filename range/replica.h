// One replica of one range on one store: what stands between its Raft group and its leaseholder.
//
//    Leaseholder (serving)      exists while this replica holds the lease
//        | propose                     ^ lease, descriptor, clock (ReplicaContext)
//        v                             |
//    Replica  ---- proposals ---->  raft::Group
//        ^                             |
//        +---- committed entries ------+     applied to the engine in log order, with their
//        triggers
//
// Life: made from what is durable at start, by its parent's split, or by an installed snapshot;
// ends with the store. Belongs to the store's executor.
#pragma once

#include <map>
#include <memory>

#include "raft/driver/multi_raft.h"
#include "range/leaseholder.h"
#include "range/replica_context.h"
#include "runtime/sync.h"

namespace quorate::range {

class Store;

class Replica : public ReplicaContext, public raft::GroupClient {
 public:
  Replica(Store& store, ReplicaId id, RangeDescriptor descriptor, raft::ConfState conf);
  ~Replica() override;

  void start(const raft::Start& start);
  // A split's child on the leaseholder's store: serves from its first moment on with its share of
  // the parent's locks and timestamp cache.
  void adopt(std::unique_ptr<Leaseholder> leaseholder) { adopted_ = std::move(leaseholder); }
  bool started() const { return group_ != nullptr; }
  // Ends its part in the group; whoever still waits for a proposal of it learns that its fate is
  // unknown. Only to be destroyed from then on, when nobody can hold on to it any more.
  void retire();

  RangeId range() const { return descriptor_.id; }
  ReplicaId id() const { return id_; }
  // Null while another replica, or none, holds the lease. Holders of the pointer may outlive the
  // lease: such a leaseholder answers kNotLeaseholder.
  const std::shared_ptr<Leaseholder>& leaseholder() const { return leaseholder_; }
  NodeId leader_node() const;
  // The entry that last changed span or members; what this life began with counts as one.
  LogIndex changed_at() const { return changed_at_; }
  const raft::Group& group() const { return *group_; }
  raft::Group& group() { return *group_; }
  const raft::ConfState& conf() const { return group_->core().conf(); }

  // One step of a membership change, with the descriptor that describes it. ok when applied.
  runtime::Task<Status> change_replicas(raft::ConfChange change, RangeDescriptor after);

  // ReplicaContext
  runtime::Env& env() override;
  runtime::Hlc& clock() override;
  storage::Engine& engine() override;
  NodeId node() const override;
  StoreId store() const override;
  const RangeDescriptor& descriptor() const override { return descriptor_; }
  LeaseView lease(Timestamp ts) override;
  // The same, relied on by nobody: for status and checkers.
  LeaseView look_at_lease(Timestamp ts) const;
  runtime::Task<Status> propose(Command command) override;
  storage::Space space() const override;
  bool coordinator_alive(NodeId node, uint64_t epoch) const override;
  const RangeLimits& limits() const override;
  Timestamp gc_threshold() const override { return gc_.threshold; }
  Timestamp record_mark() const override { return gc_.record_mark; }
  runtime::Task<Status> admin_split(SplitRequest request) override;
  // ok when this replica no longer leads.
  runtime::Task<Status> transfer_lease(NodeId to) override;

  // raft::GroupClient
  void apply(const raft::Entry& entry) override;
  void on_applied() override { take_lease_if_due(); }
  void on_soft_state(const raft::SoftState& state) override;
  Bytes on_hand_over(ReplicaId to) override;
  void on_handed_over(const raft::HandOver& hand_over) override;
  runtime::Task<Status> install_snapshot(raft::SnapshotMeta meta) override;
  void send_snapshot(const raft::Message& message) override;
  raft::SnapshotMeta snapshot_meta() const override;
  LogIndex applied() const override;

 private:
  struct Pending {
    explicit Pending(runtime::Executor& e) : done(e) {}
    Term term;
    runtime::OneShot<Status> done;
  };
  // Whether an entry that changes span or members was proposed in this term and is not applied yet.
  // Each of them holds the whole descriptor, so a second one would undo the first: one at a time.
  bool changing() const;
  Status refuse_change() const;
  void note_change(const raft::Proposed& proposed);
  void name_proposal(Command& command);
  runtime::Task<Status> wait_applied(raft::Proposed proposed,
                                     std::shared_ptr<const Bytes> payload = nullptr);
  void settle(LogIndex index, Term term, Status outcome);
  void apply_command(const raft::Entry& entry, const std::shared_ptr<const Bytes>& payload,
                     BytesView encoded, const raft::ConfState* conf);
  void apply_trigger(const Command& command, LogIndex index);
  void load_records();
  void take_lease_if_due();
  void drop_lease();

  Store& store_;
  const ReplicaId id_;
  RangeDescriptor descriptor_;
  raft::ConfState initial_conf_;
  raft::Group* group_ = nullptr;  // owned by MultiRaft
  std::map<LogIndex, std::shared_ptr<Pending>> pending_;
  std::shared_ptr<Leaseholder> leaseholder_;
  std::unique_ptr<Leaseholder> adopted_;
  GcTrigger gc_;
  LogIndex changed_at_;
  Term change_term_;  // of the newest change of span or members proposed here, and its index
  LogIndex change_index_;
  Timestamp lease_start_;
  Term lease_term_;
  bool handing_over_ = false;
  Bytes handed_over_locks_;
};

}  // namespace quorate::range
