#include "raft/core/invariants.h"

#include "base/check.h"
#include "raft/core/membership.h"

namespace quorate::raft {

void Invariants::check(const Raft& raft) {
  raft.log_.check_invariants();
  CHECK(validate_conf(raft.conf_).ok() || !raft.conf_.stores.contains(raft.config_.self));
  CHECK(raft.hard_.binding.term <= raft.hard_.term);
  CHECK(raft.log_.last_term() <= raft.hard_.term);
  CHECK(raft.persisted_write_ <= raft.last_write_);
  for (const Raft::Held& held : raft.held_) {
    CHECK(held.after > raft.persisted_write_ && held.after <= raft.last_write_);
  }
  check_role(raft);
  check_support(raft);
  if (raft.leads()) check_leader(raft);
}

void Invariants::check_role(const Raft& raft) {
  switch (raft.role_) {
    case Role::kFollower:
      CHECK(raft.leader_ != raft.config_.self);
      break;
    case Role::kPreCandidate:
      CHECK(!raft.leader_);
      CHECK(!raft.bound());
      break;
    case Role::kCandidate:
      CHECK(!raft.leader_);
      CHECK(raft.hard_.vote == raft.config_.self);
      break;
    case Role::kLeader:
      CHECK(raft.leader_ == raft.config_.self);
      CHECK(raft.hard_.vote == raft.config_.self);
      break;
  }
  if (!raft.leads()) {
    CHECK(!raft.transferee_ && !raft.stopped_serving_ && raft.reads_.empty());
    CHECK(!raft.lease_until() && !raft.may_serve());
  }
  CHECK(!raft.damaged_ || raft.role_ == Role::kFollower);
}

void Invariants::check_leader(const Raft& raft) {
  CHECK(raft.conf_.votes(raft.config_.self));
  CHECK(raft.log_.last_term() == raft.hard_.term);
  CHECK(raft.log_.term(raft.term_start_) == raft.hard_.term ||
        raft.term_start_ < raft.log_.first_index());
  for (const auto& [id, store] : raft.conf_.stores) CHECK(raft.progress_.contains(id));
  for (const auto& [id, pr] : raft.progress_) {
    pr.check_invariants();
    CHECK(raft.conf_.member(id));
    CHECK(pr.match <= raft.log_.last_index());
    CHECK(pr.next <= raft.log_.last_index().next());
  }
  const bool counts_synced = !raft.config_.planted.count_self_unsynced;
  auto own = raft.progress_.find(raft.config_.self);
  CHECK(own == raft.progress_.end() || !counts_synced ||
        own->second.match <= raft.log_.stable_index());
  CHECK(raft.relied_on_ <= raft.lease_until() || raft.stopped_serving_);
}

void Invariants::check_support(const Raft& raft) {
  const LeaderBinding& binding = raft.hard_.binding;
  CHECK(!binding.epoch || (binding.leader && binding.store && binding.term));
  CHECK(raft.unreleased_.empty() || raft.released_term_);
  CHECK(!raft.released_term_ || raft.released_term_ <= raft.hard_.term);
}

void TransitionCheck::observe(const Raft& raft) {
  const HardState& hard = raft.hard_state();
  Seen now{hard,
           raft.log().committed(),
           raft.log().applied(),
           raft.role(),
           raft.stopped_serving(),
           seen_ ? seen_->last_left : Term(),
           raft.lease_until()};
  if (seen_) {
    CHECK(hard.term >= seen_->hard.term);
    CHECK(hard.term > seen_->hard.term || !seen_->hard.vote || hard.vote == seen_->hard.vote);
    CHECK(hard.binding.term >= seen_->hard.binding.term || !hard.binding.term);
    CHECK(now.commit >= seen_->commit);
    CHECK(now.applied >= seen_->applied);
    const bool led = seen_->role == Role::kLeader;
    const bool left = !raft.leads() || hard.term > seen_->hard.term || raft.stopped_serving();
    if (led && left) now.last_left = seen_->hard.term;
    CHECK(!now.lease || hard.term > now.last_left);  // hand-over: never serves again in that term
  }
  seen_ = now;
}

}  // namespace quorate::raft
