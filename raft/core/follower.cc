// A replica that follows: what it accepts from a leader, whom it gives its vote.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/mark.h"
#include "raft/core/raft.h"

namespace quorate::raft {
namespace {

// Campaigns that follow a lost leader quickly; then the usual timeouts again.
constexpr uint32_t kQuickCampaigns = 8;

bool contiguous(const Message& m) {
  Term t = m.log_term;
  LogIndex at = m.index;
  for (const Entry& entry : m.entries) {
    at = at.next();
    if (entry.index != at || entry.term < t || entry.term > m.term) return false;
    t = entry.term;
  }
  return true;
}

}  // namespace

// Follows the leader of this term, and binds this replica to it where the leader asks for that and
// the own store supports its epoch (support-epoch). The binding is in the hard state before the
// answer leaves. A leader of a later term ends the binding to an earlier one even where it can't
// bind us yet: its quorum held people whose promises to the earlier leader had ended.
void Raft::accept_leader(const Message& m) {
  CHECK_MSG(!leads(), "two leaders in one term");
  if (role_ != Role::kFollower) become_follower(hard_.term, m.from);
  leader_ = m.from;
  election_elapsed_ = quick_campaigns_ = 0;
  LeaderBinding& binding = hard_.binding;
  if (binding.term < hard_.term) {
    binding = LeaderBinding();
  } else if (!binding.epoch) {
    MARK("raft: a message of a leader that has released us");
    return;  // released from this very term: the message was under way
  }
  if (m.epoch > binding.epoch && support_->may_bind(m.leader_store, m.epoch)) {
    binding = LeaderBinding{m.from, m.leader_store, hard_.term, m.epoch};
  }
}

StoreEpoch Raft::epoch_bound_to(ReplicaId leader) const {
  const LeaderBinding& binding = hard_.binding;
  const bool here = binding.leader == leader && binding.term == hard_.term;
  return here ? binding.epoch : StoreEpoch();
}

LogIndex Raft::acknowledgeable(LogIndex index) const {
  return damaged_ ? std::min(index, damaged_->first.prev()) : index;
}

void Raft::heal_if_proved() {
  if (!damaged_) return;
  const bool replaced = log_.committed() >= damaged_->last && !log_.pending_snapshot();
  const bool found = damaged_->last_term && log_.matches(damaged_->last, damaged_->last_term);
  if (replaced || found) damaged_.reset();
}

void Raft::answer_append(const Message& m, LogIndex matched) {
  heal_if_proved();
  Message answer = answer_to(m, MessageType::kAppendResp);
  answer.index = acknowledgeable(matched);
  answer.epoch = epoch_bound_to(m.from);
  send_promise(std::move(answer));
}

void Raft::on_append(Message& m) {
  if (!contiguous(m)) return;
  accept_leader(m);
  if (m.index < log_.committed()) {
    MARK("raft: an append begins below what is committed");
    return answer_append(m, log_.committed());
  }
  const std::optional<LogIndex> last = log_.append_after(m.index, m.log_term, std::move(m.entries));
  if (last) {
    commit_to(std::max(log_.committed(), std::min(m.commit, *last)));
    return answer_append(m, *last);
  }
  // Paper, end of section 5.3, with terms: skip all that can't match in one round.
  MARK("raft: a follower's log does not fit an append");
  Message answer = answer_to(m, MessageType::kAppendResp);
  answer.reject = true;
  answer.damaged = damaged_.has_value();
  answer.index = m.index;
  answer.hint = log_.last_with_term_at_most(m.index, m.log_term);
  answer.log_term = log_.term(answer.hint);
  answer.epoch = epoch_bound_to(m.from);
  send_promise(std::move(answer));
}

void Raft::on_heartbeat(const Message& m) {
  accept_leader(m);
  commit_to(std::min(m.commit, log_.last_index()));
  heal_if_proved();
  Message answer = answer_to(m, MessageType::kHeartbeatResp);
  answer.index = m.index;
  answer.epoch = epoch_bound_to(m.from);
  send_promise(std::move(answer));
}

void Raft::on_snapshot(const Message& m) {
  if (!m.snapshot) return;
  accept_leader(m);
  const SnapshotMeta& meta = *m.snapshot;
  if (meta.index <= log_.committed()) {
    MARK("raft: a snapshot of what is committed here already");
    return answer_append(m, log_.committed());
  }
  if (log_.matches(meta.index, meta.term)) {
    MARK("raft: a snapshot whose end the log holds already");
    // The log reaches further already: only the commit index is news.
    commit_to(meta.index);
    return answer_append(m, log_.committed());
  }
  log_.restore(meta);
  commit_to(meta.index);
  conf_ = meta.conf;
  conf_changed();
  answer_append(m, meta.index);
}

// Raft thesis 3.10. The hand-over itself allows this campaign, so a binding does not hold it back.
void Raft::on_timeout_now(const Message& m) {
  if (role_ != Role::kFollower || !may_campaign()) {
    MARK("raft: leadership is handed to who may not campaign");
    return;
  }
  HandOver hand_over{m.from, m.term, m.context};
  become_candidate(true);
  received_hand_over_ = std::move(hand_over);
}

void Raft::on_vote_request(const Message& m) {
  const bool pre = m.type == MessageType::kPreVote;
  if (damaged_) return;  // damaged-replica: grants nothing
  const bool free_to_vote = hard_.vote == m.from || (!hard_.vote && !leader_);
  const bool long_enough =
      log_.up_to_date(m.index, m.log_term) || config_.planted.vote_for_shorter_log;
  const bool grant = (free_to_vote || (pre && m.term > hard_.term)) && long_enough;
  MARK_IF(free_to_vote && !long_enough, "raft: a vote is refused to a shorter log");
  Message answer = answer_to(m, pre ? MessageType::kPreVoteResp : MessageType::kVoteResp);
  if (!grant) {
    answer.reject = true;
    return send(std::move(answer));
  }
  answer.term = m.term;
  if (!pre) {
    hard_.vote = m.from;
    election_elapsed_ = 0;
  }
  send_promise(std::move(answer));
}

bool Raft::promise_to_leader_ended() const {
  const LeaderBinding& binding = hard_.binding;
  return role_ == Role::kFollower && leader_ && leader_ == binding.leader &&
         binding.term == hard_.term && binding.epoch && !bound();
}

// The leader's store is silent, or has restarted. The followers take their turns at once, in an
// order that spreads ranges over stores.
void Raft::leader_lost() {
  MARK("raft: a promise to the leader ends");
  const ReplicaId lost = std::exchange(leader_, ReplicaId());
  election_elapsed_ = 0;
  quick_campaigns_ = kQuickCampaigns;
  uint32_t turn = 0, followers = 0;
  for (const auto& [id, store] : conf_.stores) {
    if (id == lost || !conf_.votes(id)) continue;
    if (id == config_.self) turn = followers;
    ++followers;
  }
  if (followers > 0) turn = static_cast<uint32_t>((turn + config_.range.value) % followers);
  election_timeout_ = 1 + 2 * turn;
}

void Raft::tick_follower() {
  ++election_elapsed_;
  const LeaderBinding& binding = hard_.binding;
  if (bound() && leader_ == binding.leader && binding.term == hard_.term && !damaged_) {
    election_elapsed_ = 0;  // its store lives, and it would have released us
    return;
  }
  if (promise_to_leader_ended() && !damaged_) leader_lost();
  if (election_elapsed_ < election_timeout_) return;
  election_elapsed_ = 0;
  draw_election_timeout();
  if (damaged_) return tell_damage(leader_ ? leader_ : binding.leader);
  if (bound()) {
    MARK("raft: who is bound asks whether its leader still leads");
    return query_support();
  }
  campaign();
}

// A quiet leader believes that everything it had acknowledged is still here.
void Raft::tell_damage(ReplicaId to) {
  if (!to || to == config_.self) return;
  Message notice;
  notice.type = MessageType::kAppendResp;
  notice.to = to;
  notice.reject = notice.damaged = true;
  notice.index = log_.last_index().next();
  notice.hint = acknowledgeable(log_.last_index());
  notice.log_term = log_.term(notice.hint);
  notice.commit = log_.committed();
  send_promise(std::move(notice));
}

}  // namespace quorate::raft
