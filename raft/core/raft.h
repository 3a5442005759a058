// One replica of one Raft group as a pure state machine.
//
// Who drives it: raft/driver, from the store's executor. Inputs are messages (step), time (tick),
// requests (propose, transfer_leader, read_index, ...) and acknowledgements (on_persisted,
// on_applied); what there is to do comes out of ready() (see ready.h for the order). It has no I/O,
// no clock, no thread and no randomness but its seed: equal inputs give equal outputs.
//
// Beyond the Raft paper (extended version), whose section numbers the sources cite:
//  - pre-vote, joint consensus with learners, pipelined appends, asynchronous log writes;
//  - leases on store liveness (support.h; safety rules support-epoch, promise-never-shrinks,
//  hand-over,
//    release): a leader asks each follower to bind itself to (leader, term, epoch); a bound
//    follower whose store still supports that epoch neither campaigns nor votes for another; the
//    leader holds the lease until T = lease_until(), the time that a quorum of bound followers'
//    stores promised. With everyone bound and caught up a group sends nothing (can_quiesce).
//
//                       timeout, not bound               quorum of pre-votes
//        ┌─────────────┐ campaign()     ┌───────────────┐ become_candidate() ┌───────────┐
//   ────►│  follower   ├───────────────►│ pre-candidate ├───────────────────►│ candidate │
//        └─────────────┘                └───────────────┘                    └─────┬─────┘
//           ▲   ▲   ▲  higher term, lost, leader seen │          become_leader()   │ quorum of
//           votes │   │   └─────────────────────────────────┴────────────────────────────┤ │   │
//           higher term, no support for an election timeout,                 ▼ │   └─ handed over,
//           removed: releases its followers ───────────── leader └ kTimeoutNow goes straight to
//           candidate, and its votes may ignore support
//
// Bad messages never trip a check; they are ignored. Memory is bounded by the limits of Config, the
// in-flight windows and what the driver leaves unacknowledged.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/planted.h"
#include "base/status.h"
#include "raft/core/log_view.h"
#include "raft/core/progress.h"
#include "raft/core/quorum.h"
#include "raft/core/read_index.h"
#include "raft/core/ready.h"
#include "raft/core/support.h"
#include "raft/core/types.h"

namespace quorate::raft {

struct Config {
  RangeId range;
  ReplicaId self;
  StoreId store;
  uint32_t election_ticks = 10;  // a timeout is drawn from [election_ticks, 2 * election_ticks)
  uint32_t heartbeat_ticks = 2;
  uint32_t commit_ticks = 1;            // after this a commit index that nothing carried goes alone
  uint64_t seed = 1;                    // of the timeouts; different for each replica
  size_t message_bytes_max = 1u << 20;  // entries of one append (at least one goes)
  size_t inflight_messages_max = 256;   // unacknowledged appends a follower
  size_t inflight_bytes_max = 16u << 20;
  size_t uncommitted_bytes_max = 64u << 20;  // beyond it proposals are refused
  size_t apply_bytes_max = 4u << 20;         // committed entries of one Ready (at least one)
  PlantedBugs planted;
};

// How a replica comes to life.
enum class Birth : uint8_t {
  kRestart,   // from what is durable (or empty, as a new member waiting for its leader)
  kFollower,  // child-birth: hard state from birth_hard_state(), following its leader from the
              // start
  kLeader,  // child-birth: the replica that the birth names, in the process that held the parent's
            // lease, at the first creation only: it leads the birth term without an election
};

struct Start {
  HardState hard_state;
  ConfState conf;    // as of `applied`
  LogIndex applied;  // at least first_index() - 1 of the storage
  std::optional<DamagedTail> damaged;
  Birth birth = Birth::kRestart;
};

// The hard state that every replica of a split's child is born with, to be made durable before it
// speaks (child-lease): it has voted for, and follows, the leaseholder's replica, bound to its
// epoch towards this store.
HardState birth_hard_state(Term term, LogIndex commit, ReplicaId leader, StoreId leader_store,
                           StoreEpoch leader_epoch);

// Why a request was not taken. Nothing happened; the same request may be made again, elsewhere
// where the reason says so.
enum class Refusal : uint8_t {
  kNone,
  kNotLeader,
  kTransferring,         // leadership is about to move
  kTooMuchUncommitted,   // uncommitted_bytes_max
  kTooLarge,             // one entry above limits::kEntryBytesMax
  kConfChangePending,    // an earlier change is not applied yet
  kConfChangeInvalid,    // can't follow the present configuration
  kSupportBelowPromise,  // promise-never-shrinks: ask again when support has caught up
  kMustHandOverFirst,    // the change removes or demotes this leader
  kNoSupport,            // a leader without support serves nothing
  kNotYetApplied,   // own-term-applied: no entry of the own term is committed (and applied) yet
  kUnknownReplica,  // the transfer's target is no voter
  kTooManyReads,
};
std::string_view refusal_name(Refusal refusal);

struct Proposed {
  Refusal refusal = Refusal::kNone;
  Term term;       // the proposal has happened when the entry applied at `index` has this term,
  LogIndex index;  // and has not when another has
  bool ok() const { return refusal == Refusal::kNone; }
};

class Raft {
 public:
  // `storage` and `support` outlive the replica.
  Raft(const Config& config, const Start& start, const LogStorage* storage,
       const SupportView* support);

  // --- inputs ---
  void step(Message message);
  // One tick of the store's timer with its clock (never going back). A quiesced group need not be
  // ticked; catch-up ticks are not owed.
  void tick(Timestamp now);
  Proposed propose(Payload payload);
  Proposed propose_conf_change(const ConfChange& change);
  // Brings `to` up to date, refusing proposals meanwhile; then Ready::hand_over_to tells the driver
  // to stop serving and to call hand_over(). Given up after an election timeout.
  Refusal transfer_leader(ReplicaId to);
  // Sends the hand-over with clock and locks in `blob` and stops leading. False when the transfer
  // was given up meanwhile.
  bool hand_over(Bytes blob);
  // Campaigns now, by pre-vote, if the replica may at all (voter, not bound, not damaged).
  void campaign();
  // Asks for an index from which a read at `clock` may be served: a leader confirms by a round of
  // heartbeats, a follower asks its leader (and asks again when no ReadState comes).
  Refusal read_index(Bytes context, Timestamp clock);
  // Everything of write `id` and of all before it is durable.
  void on_persisted(WriteId id);
  void on_applied(LogIndex index);
  // For each kConfChange entry handed out, before its on_applied, unless the applier refuses the
  // entry (the same way on every replica). Returns the configuration to store with the applied
  // state. kFailedPrecondition: a received snapshot has overtaken the entry. kCorruption: not a
  // change.
  Result<ConfState> apply_conf_change(const Entry& entry);
  // Sends the commit index to followers that no append has told; tick() does it after commit_ticks.
  void flush_commit();
  void report_unreachable(ReplicaId to);
  // Entries that a follower waits for were brought from the disk.
  void append_again() { append_due_ = leads(); }
  // The outcome of every kSnapshot message that was handed out; nothing else goes there before it.
  void report_snapshot(ReplicaId to, bool received);

  // --- outputs ---
  bool has_ready() const;
  // While the store has no room for what would be applied: what is committed stays in the log.
  void hold_apply(bool held) { apply_held_ = held; }
  Ready ready();

  // --- lease (meaningless without the driver's clock: serve below T only, less the clock offset)
  // --- T, zero when this replica does not lead or has handed over. Never goes back within a term.
  Timestamp lease_until() const;
  // T as the present support alone gives it, which may be below lease_until().
  Timestamp support_until() const;
  // The lease was, or is about to be, relied on up to `until` <= lease_until().
  void note_relied_on(Timestamp until);
  // own-term-applied: leads, has not handed over, and has applied an entry of its own term.
  bool may_serve() const;
  // Nothing to send and nobody to wait for: ticks may stop until a message, a proposal, or a change
  // of the support view that concerns a store of this group.
  bool can_quiesce() const;

  // --- state ---
  const Config& config() const { return config_; }
  Role role() const { return role_; }
  bool leads() const { return role_ == Role::kLeader; }
  Term term() const { return hard_.term; }
  ReplicaId leader() const { return leader_; }
  const HardState& hard_state() const { return hard_; }
  const ConfState& conf() const { return conf_; }
  const LogView& log() const { return log_; }
  const std::map<ReplicaId, Progress>& progress() const { return progress_; }
  size_t uncommitted_bytes() const { return uncommitted_bytes_; }  // of a leader's own proposals
  bool damaged() const { return damaged_.has_value(); }
  // Whether the own store's support binds this replica to its leader.
  bool bound() const;
  ReplicaId transferring_to() const { return transferee_; }
  bool stopped_serving() const { return stopped_serving_; }
  // A leader that the joint configuration it is in removes: hand over, then the joint one is left.
  bool must_hand_over() const;
  // For tests: the drawn timeout in ticks.
  uint32_t election_timeout() const { return election_timeout_; }
  void set_election_timeout(uint32_t ticks) { election_timeout_ = ticks; }

 private:
  friend class Invariants;

  // raft.cc: terms, roles, dispatch, outputs
  void reset(Term term);
  void become_follower(Term term, ReplicaId leader);
  bool kept_by_leader(const Message& m);
  bool step_higher_term(const Message& m);
  void step_lower_term(const Message& m);
  void step_same_term(Message& m);
  void send(Message m);          // leaves at once
  void send_promise(Message m);  // leaves when everything up to now is durable
  Message answer_to(const Message& m, MessageType type) const;
  void draw_election_timeout();
  void release_promises(WriteId persisted);
  HardState current_hard_state() const;
  bool hard_state_changed() const;
  void collect_write(Ready& out);
  void collect_promises();
  void collect_committed(Ready& out);
  SoftState soft_state() const;
  void commit_to(LogIndex index);

  // follower.cc
  void accept_leader(const Message& m);
  void on_append(Message& m);
  void on_heartbeat(const Message& m);
  void on_snapshot(const Message& m);
  void on_timeout_now(const Message& m);
  void on_vote_request(const Message& m);
  void tick_follower();
  // The own store had promised to support the leader, and does so no longer.
  bool promise_to_leader_ended() const;
  void leader_lost();
  LogIndex acknowledgeable(LogIndex index) const;
  void answer_append(const Message& m, LogIndex matched);
  void tell_damage(ReplicaId to);
  void heal_if_proved();
  StoreEpoch epoch_bound_to(ReplicaId leader) const;

  // candidate.cc
  bool may_campaign() const;
  bool unapplied_conf_change() const;
  void become_candidate(bool hand_over);
  void request_votes(bool pre_vote, bool hand_over);
  void on_vote_answer(const Message& m);

  // leader.cc: replication
  void become_leader();
  LogIndex append_own(EntryType type, Payload payload);
  void note_answer(const Message& m, Progress& pr);
  void reset_progress();
  Proposed propose_entry(EntryType type, Payload payload);
  bool send_append(ReplicaId to, Progress& pr, bool even_if_empty);
  bool send_snapshot(ReplicaId to, Progress& pr);
  void send_heartbeat(ReplicaId to, Progress& pr, const ReadIndexQueue::Read* read);
  void broadcast_append();
  void tell_reads(std::vector<ReadIndexQueue::Read> reads);
  Refusal read_refusal() const;
  void on_append_rejection(const Message& m, Progress& pr);
  void fill_leader(Message& m) const;
  void on_append_answer(const Message& m);
  void on_heartbeat_answer(const Message& m);
  void on_read_index(const Message& m);
  bool advance_commit();
  void tick_leader();
  bool settled(ReplicaId id, const Progress& pr) const;

  // leader_moves.cc: membership and hand-over
  void conf_changed();
  void leave_joint_if_due();
  void offer_hand_over();
  void stop_transfer();

  // support.cc: T, check-quorum, release
  Timestamp promised_by(ReplicaId id) const;
  void check_support();
  void start_release(Term led);
  void send_releases();
  void on_release(const Message& m);
  void on_release_answer(const Message& m);
  void on_support_query(const Message& m);
  void query_support();
  void unbind_if_stopped(const Message& m);

  const Config config_;
  const SupportView* const support_;
  LogView log_;
  HardState hard_;         // `commit` is filled in when handed out
  HardState hard_handed_;  // as last handed out to be written
  LogIndex conf_applied_;  // the newest membership change applied: written down as committed
  ConfState conf_;
  Role role_ = Role::kFollower;
  ReplicaId leader_;
  std::optional<DamagedTail> damaged_;
  uint64_t random_;
  Timestamp now_;

  uint32_t election_elapsed_ = 0;
  uint32_t election_timeout_ = 0;
  uint32_t quick_campaigns_ = 0;  // further ones that need not wait: the leader is known to be gone
  std::map<ReplicaId, bool> votes_;
  std::optional<HandOver> received_hand_over_;  // while campaigning under it
  std::optional<HandOver> won_hand_over_;       // to be told with the next Ready

  // leader
  std::map<ReplicaId, Progress> progress_;  // every member, this replica included
  uint32_t heartbeat_elapsed_ = 0;
  uint32_t commit_untold_ticks_ = 0;
  uint32_t unsupported_ticks_ = 0;
  size_t uncommitted_bytes_ = 0;
  bool apply_held_ = false;
  bool append_due_ = false;      // proposals since the last Ready: they leave together
  LogIndex term_start_;          // the entry that opened this leader's term
  LogIndex pending_conf_index_;  // no change is proposed before this is applied
  ReadIndexQueue reads_;
  ReplicaId transferee_;
  uint32_t transfer_elapsed_ = 0;
  bool stopped_serving_ = false;  // hand-over: for the rest of this term
  bool hand_over_untold_ = false;
  Timestamp relied_on_;  // greatest T of this term that anything rested on
  mutable Timestamp support_cached_;
  mutable uint64_t support_cached_version_ = 0;  // zero: not valid

  // release
  Term released_term_;  // led until then; zero: nobody to release
  std::set<ReplicaId> unreleased_;
  uint32_t release_elapsed_ = 0;

  // outputs
  struct Held {
    WriteId after;
    Message message;
  };
  std::vector<Message> messages_;
  std::vector<Message> promises_;  // made since the last Ready
  std::vector<Held> held_;         // waiting for a write, in order
  std::vector<ReadState> read_states_;
  SoftState soft_handed_;
  WriteId last_write_ = 0;
  WriteId persisted_write_ = 0;
};

}  // namespace quorate::raft
