// Drives all Raft groups of one store: the cores decide, this does (design §5).
//
//        messages, proposals, ticks                      one round (drive):
//   ────────────────► cores ──── ready() ────►   stage entries and hard states in the store's log
//                       ▲                        gather messages by peer store, one frame each
//                       │                        apply what is committed
//          on_persisted │                        one sync for all groups of the round
//                       └───────────────────────────────┘
//
// Whatever becomes ready within one step of the executor shares a round, so that many groups share
// a sync and a frame; nothing is ever delayed to make batches larger. What promises something
// leaves only after its sync (the cores keep it back). Groups with nothing to do are not ticked.
//
// Belongs to the store's executor. A failed sync stops everything: `on_failure` is called once,
// nothing is sent or applied any more (safety: sync-failed).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "raft/core/raft.h"
#include "runtime/env.h"
#include "runtime/hlc.h"
#include "runtime/task.h"
#include "storage/log_store.h"

namespace quorate::raft {

// The replica above a group. Called from inside a round: it must not call back into the group,
// except where said.
class GroupClient {
 public:
  virtual ~GroupClient() = default;
  // Applies one committed entry, in order, exactly once. For conf changes it may call
  // Group::apply_conf_change, or refuse the entry (the same way on every replica).
  virtual void apply(const Entry& entry) = 0;
  // The core knows of what apply() was given in this round: it may serve now.
  virtual void on_applied() = 0;
  virtual void on_soft_state(const SoftState& state) = 0;
  // Serving has ended in this term: gather the clock and the locks for the successor.
  virtual Bytes on_hand_over(ReplicaId to) = 0;
  virtual void on_handed_over(const HandOver& hand_over) = 0;
  // The received state becomes this replica's, durably and as a whole.
  virtual runtime::Task<Status> install_snapshot(SnapshotMeta meta) = 0;
  // Streams this replica's state to the message's receiver, reports with Group::report_snapshot,
  // later.
  virtual void send_snapshot(const Message& message) = 0;
  virtual SnapshotMeta snapshot_meta() const = 0;
  virtual LogIndex applied() const = 0;
};

class MultiRaft;

// One group's handle; lives until MultiRaft::remove.
class Group {
 public:
  Group(MultiRaft& owner, const Config& config, const Start& start, GroupClient& client);
  ~Group();
  Group(const Group&) = delete;

  // Read freely; changes go through the members below.
  const Raft& core() const { return *core_; }
  Proposed propose(Payload payload);
  Proposed propose_conf_change(const ConfChange& change);
  Refusal transfer_leader(ReplicaId to);
  Result<ConfState> apply_conf_change(const Entry& entry) {
    return core_->apply_conf_change(entry);
  }
  void campaign();
  void note_relied_on(Timestamp until) { core_->note_relied_on(until); }
  void report_snapshot(ReplicaId to, bool received);
  void step(Message message);
  // Where a replica lives when the configuration does not say (yet).
  void learn_store(ReplicaId replica, StoreId store) { stores_[replica] = store; }

 private:
  friend class MultiRaft;
  class Log;
  void wake();

  MultiRaft& owner_;
  GroupClient& client_;
  std::unique_ptr<Log> log_;
  std::unique_ptr<Raft> core_;
  std::map<ReplicaId, StoreId> stores_;
  bool dirty_ = false;
  bool quiet_ = false;       // not ticked
  bool installing_ = false;  // a snapshot is being installed: no round until then
  bool fetching_ = false;
};

class MultiRaft {
 public:
  // Frames to the raft channel of a peer store; drops what has no address.
  using Send = std::function<void(StoreId to, Bytes frame)>;
  struct Options {
    StoreId store;
    runtime::Duration tick = std::chrono::milliseconds(100);
  };

  MultiRaft(runtime::Env& env, storage::LogStore& log, runtime::Hlc& clock,
            const SupportView& support, Options options, Send send,
            std::function<void(Status)> on_failure);
  ~MultiRaft();

  Group& add(const Config& config, const Start& start, GroupClient& client);
  void remove(RangeId range);
  Group* find(RangeId range);
  void start();  // begins ticking

  // One frame of a peer store. Messages for groups that are not here go to `unknown`.
  void receive(BytesView frame);
  std::function<void(StoreId from, Message message)> unknown;
  // Whether several clients wait for this executor: then log syncs go to a helper thread. Where few
  // do, as on a follower, a sync in place spares two wakes (docs/decisions/0001). Null: always.
  std::function<bool()> crowded;
  // Whether what is committed must stay in the log, since the store's memory is full, and the wait
  // until that is over: a follower can't refuse what its leader proposes. Null: never.
  std::function<bool()> apply_stalled;
  std::function<runtime::Task<Status>()> wait_for_room;
  // Answers on behalf of a group that is not here.
  void send_stray(StoreId to, Message message);

  // Something about support has changed that groups may wait for: an epoch, or a lapse.
  void wake_all();
  bool failed() const { return failed_; }
  size_t groups() const { return groups_.size(); }

 private:
  friend class Group;
  struct Write {
    RangeId range;
    uint64_t incarnation;
    WriteId id;
  };
  void mark(Group& group);
  void drive();
  void drive_group(Group& group, std::vector<Write>& writes);
  void stage(Group& group, Ready& ready);
  void post_messages(Group& group, std::vector<Message>& messages);
  void apply_committed(Group& group, Ready& ready);
  void apply_later(RangeId range);
  runtime::Task<void> apply_with_room();
  bool flush_outbox();  // whether anything was sent
  runtime::Task<void> persist(std::vector<Write> writes, bool sent);
  runtime::Task<void> install(RangeId range, uint64_t incarnation, Ready ready);
  runtime::Task<void> fetch(RangeId range, uint64_t incarnation, LogIndex low, LogIndex high,
                            size_t bytes_max);
  runtime::Task<void> tick_loop();
  void fail(Status status);
  Group* find(RangeId range, uint64_t incarnation);

  struct Slot {
    std::unique_ptr<Group> group;
    uint64_t incarnation;
  };
  runtime::Env& env_;
  storage::LogStore& log_;
  runtime::Hlc& clock_;
  const SupportView& support_;
  const Options options_;
  Send send_;
  std::function<void(Status)> on_failure_;
  std::map<RangeId, Slot> groups_;
  uint64_t next_incarnation_ = 1;
  std::vector<RangeId> dirty_;
  std::map<StoreId, std::vector<Message>> outbox_;
  std::set<RangeId> stalled_;  // have something to apply when there is room
  bool waiting_for_room_ = false;
  bool drive_posted_ = false;
  bool failed_ = false;
  struct Counters {
    explicit Counters(Metrics& m);
    Counter &rounds, &messages, &proposals, &written, &applied;
  };
  std::unique_ptr<Counters> counters_;  // null without metrics
  runtime::TaskScope scope_;
};

}  // namespace quorate::raft
