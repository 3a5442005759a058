// What moves leadership and membership: configuration changes, hand-over.
#include <utility>

#include "base/archive.h"
#include "base/check.h"
#include "base/mark.h"
#include "raft/core/membership.h"
#include "raft/core/raft.h"

namespace quorate::raft {

// --- membership
// ------------------------------------------------------------------------------------

// promise-never-shrinks: those who decide under the new configuration must have promised as much as
// was ever relied on. Each change overlaps the present configuration's majorities, so it is enough
// that the present support reaches that far.
Proposed Raft::propose_conf_change(const ConfChange& change) {
  if (!leads()) return {Refusal::kNotLeader, {}, {}};
  if (pending_conf_index_ > log_.applied() && !config_.planted.changes_at_once) {
    MARK("raft: a membership change comes beside another");
    return {Refusal::kConfChangePending, {}, {}};
  }
  Result<ConfState> next = change_conf(conf_, change, config_.planted.skip_joint);
  if (!next.ok()) return {Refusal::kConfChangeInvalid, {}, {}};
  if (!next->voters.contains(config_.self)) {
    MARK("raft: a leader is to leave its range");
    return {Refusal::kMustHandOverFirst, {}, {}};
  }
  if (support_until() < relied_on_ && !config_.planted.shrink_promise) {
    MARK("raft: a membership change waits for support");
    return {Refusal::kSupportBelowPromise, {}, {}};
  }
  Proposed proposed =
      propose_entry(EntryType::kConfChange, std::make_shared<const Bytes>(encode(change)));
  if (proposed.ok()) pending_conf_index_ = proposed.index;
  return proposed;
}

Result<ConfState> Raft::apply_conf_change(const Entry& entry) {
  CHECK(entry.type == EntryType::kConfChange);
  if (log_.pending_snapshot() || entry.index <= log_.applied()) {
    return failed_precondition("a snapshot has overtaken the membership change");
  }
  ConfChange change;
  RETURN_IF_ERROR(decode(entry.data(), change));
  ASSIGN_OR_RETURN(conf_, change_conf(conf_, change, config_.planted.skip_joint));
  conf_applied_ = entry.index;
  conf_changed();
  return conf_;
}

void Raft::conf_changed() {
  support_cached_version_ = 0;
  std::erase_if(progress_, [this](const auto& item) { return !conf_.member(item.first); });
  for (const auto& [id, store] : conf_.stores) {
    auto [it, fresh] = progress_.try_emplace(
        id, log_.last_index().next(), config_.inflight_messages_max, config_.inflight_bytes_max);
    if (fresh) it->second.recent_active = true;  // a newcomer may need a snapshot at once
  }
  std::erase_if(unreleased_, [this](ReplicaId id) { return !conf_.member(id); });
  if (!leads()) return;
  if (!conf_.votes(config_.self)) {
    MARK("raft: a leader has left its range");
    return become_follower(hard_.term, ReplicaId());
  }
  if (transferee_ && !conf_.votes(transferee_)) {
    MARK("raft: the target of a transfer has left the range");
    stop_transfer();
  }
  if (!leads()) return;
  advance_commit();  // the new quorum may be smaller
  for (auto& [id, pr] : progress_) {
    if (id != config_.self) send_append(id, pr, pr.state == Progress::State::kProbe);
  }
}

bool Raft::must_hand_over() const {
  return leads() && conf_.joint() && !conf_.voters.contains(config_.self);
}

void Raft::leave_joint_if_due() {
  if (!leads() || !conf_.joint() || !conf_.auto_leave) return;
  (void)propose_conf_change(
      ConfChange());  // refused while it must not be: tried again on later ticks
}

// --- hand-over
// -------------------------------------------------------------------------------------

Refusal Raft::transfer_leader(ReplicaId to) {
  if (!leads()) return Refusal::kNotLeader;
  if (to == config_.self || !conf_.voters.contains(to)) return Refusal::kUnknownReplica;
  if (transferee_ == to) return Refusal::kNone;
  if (stopped_serving_) {
    MARK("raft: a second transfer of leadership");
    return Refusal::kTransferring;
  }
  if (pending_conf_index_ > log_.applied()) return Refusal::kConfChangePending;
  transferee_ = to;
  transfer_elapsed_ = 0;
  Progress& pr = progress_.at(to);
  pr.probe_sent = false;
  send_append(to, pr, false);
  offer_hand_over();
  return Refusal::kNone;
}

// When the target holds the whole log, serving ends for good in this term: what is read afterwards
// would not be covered by the clock that the hand-over carries.
void Raft::offer_hand_over() {
  if (stopped_serving_ || progress_.at(transferee_).match != log_.last_index()) return;
  stopped_serving_ = true;
  hand_over_untold_ = true;
}

bool Raft::hand_over(Bytes blob) {
  if (!leads() || !stopped_serving_ || hand_over_untold_) return false;
  Message m;
  m.type = MessageType::kTimeoutNow;
  m.to = transferee_;
  m.context = std::move(blob);
  send(std::move(m));
  if (config_.planted.serve_after_hand_over) {
    transferee_ = ReplicaId();
    stopped_serving_ = false;
  } else {
    become_follower(hard_.term, ReplicaId());
  }
  return true;
}

void Raft::stop_transfer() {
  if (stopped_serving_) {
    MARK("raft: who has stopped serving gives leadership up");
    return become_follower(hard_.term, ReplicaId());  // never serves again
  }
  transferee_ = ReplicaId();
}

}  // namespace quorate::raft
