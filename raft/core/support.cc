// Leadership on store liveness: the lease's end, check-quorum by support, and how followers get
// free.
//
// Why T is safe (support-epoch): T is the time that every member of some quorum Q promised. Whoever
// wins a later term needs a vote from a member f of Q. f, bound to (leader, term, epoch), votes
// only after
//  - its store withdrew that epoch, so its clock has passed T, and the vote carries that clock; or
//  - the leader released it, or handed over: it has stopped serving in that term, and the message
//    carries a clock at or above everything it served; or
//  - the leader's store restarted (a greater epoch): what it served lies below its durable clock
//  bound.
#include <utility>

#include "base/check.h"
#include "base/mark.h"
#include "raft/core/raft.h"

namespace quorate::raft {

bool Raft::bound() const {
  const LeaderBinding& binding = hard_.binding;
  if (config_.planted.vote_despite_support) return false;
  return binding.epoch && binding.leader != config_.self &&
         support_->still_supports(binding.store, binding.epoch);
}

// --- the leader's side
// -----------------------------------------------------------------------------

Timestamp Raft::promised_by(ReplicaId id) const {
  const SupportView::Promise promise = support_->support_from(conf_.store_of(id));
  if (id == config_.self || config_.planted.ignore_support_epoch) return promise.until;
  auto it = progress_.find(id);
  const bool counts = it != progress_.end() && it->second.accepted_epoch &&
                      it->second.accepted_epoch == promise.epoch;
  return counts ? promise.until : Timestamp();
}

Timestamp Raft::support_until() const {
  if (!leads()) return Timestamp();
  if (support_cached_version_ != support_->version()) {
    support_cached_ =
        quorum_value(conf_, [this](ReplicaId id) { return promised_by(id); }, Timestamp::max());
    support_cached_version_ = support_->version();
  }
  return support_cached_;
}

Timestamp Raft::lease_until() const {
  if (!leads() || stopped_serving_) return Timestamp();
  return std::max(relied_on_, support_until());
}

void Raft::note_relied_on(Timestamp until) {
  CHECK(until <= lease_until());
  relied_on_.forward(until);
}

bool Raft::may_serve() const {
  if (!leads() || stopped_serving_) return false;
  return log_.applied() >= term_start_ || config_.planted.serve_before_own_term;
}

void Raft::check_support() {
  if (support_until() > now_) {
    unsupported_ticks_ = 0;
  } else if (++unsupported_ticks_ >= config_.election_ticks) {
    MARK("raft: a leader without support stops");
    become_follower(hard_.term, ReplicaId());
  }
}

bool Raft::can_quiesce() const {
  if (has_ready() || !held_.empty() || !unreleased_.empty() || damaged_) return false;
  if (log_.applied() != log_.last_index() || log_.stable_index() != log_.last_index()) return false;
  if (!leads()) {
    return bound() && leader_ == hard_.binding.leader && hard_.binding.term == hard_.term;
  }
  if (transferee_ || !reads_.empty() || support_until() <= now_) return false;
  if (conf_.joint() && conf_.auto_leave) return false;
  for (const auto& [id, pr] : progress_) {
    if (id == config_.self || settled(id, pr)) continue;
    // A store that promises us nothing any more is dead or cut off: its return changes the view.
    if (support_->support_from(conf_.store_of(id)).until > now_) return false;
  }
  return true;
}

// --- release
// ---------------------------------------------------------------------------------------

void Raft::start_release(Term led) {
  if (config_.planted.never_release) return;
  released_term_ = led;
  unreleased_.clear();
  for (const auto& [id, store] : conf_.stores) {
    if (id != config_.self) unreleased_.insert(id);
  }
  send_releases();
}

void Raft::send_releases() {
  release_elapsed_ = 0;
  for (ReplicaId id : unreleased_) {
    Message m;
    m.type = MessageType::kRelease;
    m.to = id;
    m.log_term = released_term_;
    send(std::move(m));
  }
}

void Raft::on_release(const Message& m) {
  LeaderBinding& binding = hard_.binding;
  const Term led = m.log_term;
  if (binding.leader == m.from && binding.term <= led) {
    binding.epoch = StoreEpoch();
  } else if (hard_.term == led && binding.term < led) {
    MARK("raft: a release comes before the leader's first word");
    binding = LeaderBinding{m.from, StoreId(), led, StoreEpoch()};
  }
  if (leader_ == m.from && hard_.term <= led) {
    leader_ = ReplicaId();
    election_elapsed_ = 0;
  }
  Message answer = answer_to(m, MessageType::kReleaseResp);
  answer.log_term = led;
  send_promise(std::move(answer));
}

void Raft::on_release_answer(const Message& m) {
  if (m.log_term == released_term_) unreleased_.erase(m.from);
}

// Bound to somebody who may have stopped leading without our knowing: ask.
void Raft::query_support() {
  Message m;
  m.type = MessageType::kSupportQuery;
  m.to = hard_.binding.leader;
  m.log_term = hard_.binding.term;
  send(std::move(m));
}

void Raft::on_support_query(const Message& m) {
  if (m.log_term > hard_.term || config_.planted.never_release) return;
  if (leads() && m.log_term == hard_.term) {
    auto it = progress_.find(m.from);
    if (it != progress_.end()) {
      MARK("raft: who leads tells who asks");
      send_heartbeat(m.from, it->second, reads_.newest());
    }
    return;
  }
  MARK("raft: who leads no more releases who asks");
  Message answer;
  answer.type = MessageType::kRelease;
  answer.to = m.from;
  answer.log_term = m.log_term;
  send(std::move(answer));
}

// A leader that campaigns for a later term has stopped leading the one that we are bound in.
void Raft::unbind_if_stopped(const Message& m) {
  LeaderBinding& binding = hard_.binding;
  const bool campaigns = m.type == MessageType::kPreVote || m.type == MessageType::kVote;
  if (!campaigns || config_.planted.never_release) return;
  if (binding.leader == m.from && m.term > binding.term) {
    MARK("raft: the leader that we are bound to campaigns anew");
    binding.epoch = StoreEpoch();
  }
}

}  // namespace quorate::raft
