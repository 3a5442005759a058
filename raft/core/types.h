// The plain values of the Raft core: entries, membership, hard state, messages.
//
// Nothing here knows a clock, a disk or a socket. Everything that is stored or sent has `serialize`
// (base/archive.h). What is stored is framed, numbered and checksummed by its keeper (storage);
// what is sent is guarded by the handshake between nodes.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/timestamp.h"

namespace quorate::raft {

enum class EntryType : uint8_t { kNormal = 0, kConfChange = 1 };  // frozen: stored

// An entry's bytes, encoded once at the leader; log, peers and memtable share them. Never changed
// after the entry was made. Null means empty (the entry with which a leader opens its term).
using Payload = std::shared_ptr<const Bytes>;

struct Entry {
  Term term;
  LogIndex index;
  EntryType type = EntryType::kNormal;
  Payload payload;

  BytesView data() const { return payload ? BytesView(*payload) : BytesView(); }
  // What the entry counts for in every limit of bytes: its payload and a flat charge for the rest.
  size_t bytes() const { return data().size() + kOverheadBytes; }
  static constexpr size_t kOverheadBytes = 24;
  friend bool operator==(const Entry& a, const Entry& b) {
    return a.term == b.term && a.index == b.index && a.type == b.type && a.data() == b.data();
  }
  template <class Archive>
  void serialize(Archive& a) {
    a(term, index, type, payload);
  }
};

// Who belongs to the group. In a joint configuration (`outgoing` not empty) every decision needs a
// majority of `voters` and one of `outgoing`.
struct ConfState {
  std::set<ReplicaId> voters;    // the incoming majority
  std::set<ReplicaId> outgoing;  // the outgoing majority, empty outside joint configurations
  std::set<ReplicaId> learners;  // receive the log, count nowhere
  std::set<ReplicaId>
      learners_next;        // outgoing voters that become learners when the joint one is left
  bool auto_leave = false;  // the leader leaves the joint configuration by itself
  std::map<ReplicaId, StoreId> stores;  // of every member: liveness is promised by stores

  bool joint() const { return !outgoing.empty(); }
  bool votes(ReplicaId id) const { return voters.contains(id) || outgoing.contains(id); }
  bool member(ReplicaId id) const { return stores.contains(id); }
  StoreId store_of(ReplicaId id) const;
  std::string to_string() const;  // "(1 2 3)&&(1 4 5) learners=(6) auto"
  friend bool operator==(const ConfState&, const ConfState&) = default;
  template <class Archive>
  void serialize(Archive& a) {
    a(voters, outgoing, learners, learners_next, auto_leave, stores);
  }
};

enum class ConfChangeOp : uint8_t {
  kAddVoter = 0,
  kAddLearner = 1,
  kRemove = 2
};  // frozen: stored
// kAuto takes the simple protocol for a change of at most one voter, else a joint one left by
// itself.
enum class ConfTransition : uint8_t {
  kAuto = 0,
  kJointAutoLeave = 1,
  kJointExplicit = 2
};  // frozen

struct ConfChangeStep {
  ConfChangeOp op = ConfChangeOp::kAddVoter;
  ReplicaId replica;
  StoreId store;  // of an added replica
  template <class Archive>
  void serialize(Archive& a) {
    a(op, replica, store);
  }
};

// The payload of a kConfChange entry. Without steps it leaves a joint configuration.
struct ConfChange {
  std::vector<ConfChangeStep> steps;
  ConfTransition transition = ConfTransition::kAuto;
  Bytes
      context;  // the proposer's own; empty in the leaving change that a leader proposes by itself
  bool leaves_joint() const { return steps.empty(); }
  template <class Archive>
  void serialize(Archive& a) {
    a(steps, transition, context);
  }
};

// Whom a follower's promise binds (support-epoch). While the own store supports `epoch` of `store`,
// this replica neither campaigns nor votes for anyone but `leader`. A binding with epoch zero
// records that `leader` released this replica from `term`; it keeps a delayed message from binding
// again.
struct LeaderBinding {
  ReplicaId leader;
  StoreId store;
  Term term;
  StoreEpoch epoch;
  friend bool operator==(const LeaderBinding&, const LeaderBinding&) = default;
  template <class Archive>
  void serialize(Archive& a) {
    a(leader, store, term, epoch);
  }
};

// What must be durable before anything that rests on it is told to anyone. `commit` is a hint: it
// is written along with other changes, never alone, and may exceed the entries that a crash left.
struct HardState {
  Term term;
  ReplicaId vote;
  LogIndex commit;
  LeaderBinding binding;
  friend bool operator==(const HardState&, const HardState&) = default;
  template <class Archive>
  void serialize(Archive& a) {
    a(term, vote, commit, binding);
  }
};

// Names a state of the range: everything up to `index` applied, under `conf`. The data itself
// travels beside the core.
struct SnapshotMeta {
  LogIndex index;
  Term term;
  ConfState conf;
  friend bool operator==(const SnapshotMeta&, const SnapshotMeta&) = default;
  template <class Archive>
  void serialize(Archive& a) {
    a(index, term, conf);
  }
};

enum class MessageType : uint8_t {
  kAppend,      // entries after (index, log_term); leader's commit
  kAppendResp,  // index: matched up to; or reject, index: the refused position, hint and log_term
  kHeartbeat,   // commit: at most what the receiver is known to hold
  kHeartbeatResp,
  kPreVote,  // term: the one that the sender would campaign in
  kPreVoteResp,
  kVote,
  kVoteResp,
  kSnapshot,  // sent: asks the driver to stream a state; received: the state lies ready to install
  kTimeoutNow,  // hand-over: the receiver campaigns at once; context: clock and locks of the sender
  kReadIndex,   // a follower asks for a read index
  kReadIndexResp,
  kRelease,  // the sender leads `log_term` and earlier terms no more
  kReleaseResp,
  kSupportQuery,  // the sender is bound to the receiver in `log_term`: does it still lead?
};
std::string_view message_type_name(MessageType type);

struct Message {
  MessageType type = MessageType::kAppend;
  RangeId range;
  ReplicaId from, to;
  Term term;  // the sender's, except in kPreVote and its granting answer: the term asked for
  Term log_term;
  LogIndex index;   // of kHeartbeat and its answer: the number of a waiting read, zero: none
  LogIndex commit;  // in answers: the sender's own
  LogIndex hint;    // of a rejection: the last position that may match, with `log_term`
  bool reject = false;
  bool damaged = false;  // of a rejection: the sender lost acknowledged entries, hint is all it has
  bool hand_over = false;  // of kVote: asked under a hand-over, may ignore support
  StoreId leader_store;    // of a leader's messages, with `epoch`: bind yourself to this
  StoreEpoch epoch;        // asked for by a leader; in answers: the epoch the sender is bound to
  Timestamp clock;  // the receiver's clock goes to at least this before the message is stepped.
                    // The driver raises it to its own clock on every message it sends.
  Bytes context;    // of read-index messages and heartbeats that confirm them; of kTimeoutNow
  std::vector<Entry> entries;
  std::shared_ptr<const SnapshotMeta> snapshot;

  template <class Archive>
  void serialize(Archive& a) {
    a(type, range, from, to, term, log_term, index, commit, hint, reject, damaged, hand_over,
      leader_store, epoch, clock, context, entries, snapshot);
  }
};

enum class Role : uint8_t { kFollower, kPreCandidate, kCandidate, kLeader };
std::string_view role_name(Role role);

// A log whose entries `first` .. `last` were lost to damage (damaged-replica). They may have been
// acknowledged: until each is replaced by a committed entry, or the last by the entry of the same
// index and term (which proves all), the replica grants no vote, does not campaign and acknowledges
// nothing at or past `first`.
struct DamagedTail {
  LogIndex first, last;
  Term last_term;  // zero: unknown
};

}  // namespace quorate::raft
