// What a group wants done. Raft::ready() hands it out once; the fields say what may happen when.
//
//   Ready r = raft.ready();
//   start one write of r.snapshot, r.entries, r.hard_state          (if r.write != 0)
//   send r.messages                                                  at once
//   apply r.committed in order, then raft.on_applied(index)
//   ...
//   when the write is durable: raft.on_persisted(r.write), then ready() again
//
// sync-then-send is kept by the core: a message that promises something (vote, acknowledgement,
// accepted leader, release, snapshot received, a candidate's request) stays inside until
// on_persisted tells that everything it rests on is durable, and comes out with a later Ready. So
// everything in `messages` may leave at once, entries go to followers while the leader's own sync
// is in flight, and a driver can't send too early. Several writes may be in flight; they become
// durable in order.
#pragma once

#include <optional>
#include <vector>

#include "raft/core/types.h"

namespace quorate::raft {

// Numbers the writes of one Raft object from 1; zero is none.
using WriteId = uint64_t;

struct SoftState {
  Role role = Role::kFollower;
  ReplicaId leader;  // zero: unknown
  Term term;
  bool damaged = false;  // the driver drops its durable mark when this turns false
  friend bool operator==(const SoftState&, const SoftState&) = default;
};

// A read asked for by read_index may be served once everything up to `index` is applied.
struct ReadState {
  Bytes context;
  LogIndex index;
};

// A hand-over that this replica received and won its election under.
struct HandOver {
  ReplicaId from;
  Term term;  // the term that was handed over; the replica leads the next one
  Bytes blob;
};

struct Ready {
  // --- to be written as one atomic batch and synced, when `write` is not zero ---
  WriteId write = 0;
  // Install this state before `entries`, dropping the whole log and whatever was handed out to
  // apply and is not applied yet. Nothing is handed out to apply before its write was acknowledged.
  std::optional<SnapshotMeta> snapshot;
  // Replace the log from entries[0].index on.
  std::vector<Entry> entries;
  std::optional<HardState> hard_state;

  // --- leave at once, in this order for each receiver ---
  std::vector<Message> messages;

  // --- to apply, in order; may come before the own write of the same entries is durable, so that a
  // checkpoint must wait for both. Conf changes: Raft::apply_conf_change ---
  std::vector<Entry> committed;

  std::vector<ReadState> read_states;
  std::optional<SoftState> soft_state;  // when it changed
  // Serving has ended here for good in this term (lease_until() is zero from now on): gather clock
  // and locks, then call Raft::hand_over.
  std::optional<ReplicaId> hand_over_to;
  // With soft_state becoming leader: what the former leader handed over.
  std::optional<HandOver> handed_over;

  bool empty() const {
    return write == 0 && messages.empty() && committed.empty() && read_states.empty() &&
           !soft_state && !hand_over_to && !handed_over;
  }
};

}  // namespace quorate::raft
