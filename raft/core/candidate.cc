// A replica that wants to lead: pre-vote (Raft thesis 9.6), then vote.
#include <utility>

#include "base/check.h"
#include "base/mark.h"
#include "raft/core/raft.h"

namespace quorate::raft {

// Whether a committed membership change is not applied here yet: its configuration may decide.
bool Raft::unapplied_conf_change() const {
  LogIndex at = log_.applied().next();
  while (at <= log_.committed()) {
    Result<std::vector<Entry>> entries =
        log_.entries(at, log_.committed().next(), config_.apply_bytes_max);
    if (!entries.ok()) {
      MARK("raft: entries that are not in memory hold a campaign back");
      return true;  // not known: the careful answer
    }
    for (const Entry& entry : *entries) {
      if (entry.type == EntryType::kConfChange) {
        MARK("raft: a membership change that is not applied holds a campaign back");
        return true;
      }
    }
    at = entries->back().index.next();
  }
  return false;
}

bool Raft::may_campaign() const {
  return !leads() && conf_.votes(config_.self) && !log_.pending_snapshot() && !damaged_ &&
         !unapplied_conf_change();
}

void Raft::campaign() {
  if (bound() || !may_campaign()) return;
  reset(hard_.term);
  role_ = Role::kPreCandidate;
  votes_[config_.self] = true;
  if (quorum_vote(conf_, votes_) == VoteResult::kWon) return become_candidate(false);
  request_votes(true, false);
}

// The own vote, and the requests, wait for the sync: a candidate that lost its term or the end of
// its log in a crash could otherwise win with votes that were given to a longer log.
void Raft::become_candidate(bool hand_over) {
  reset(hard_.term.next());
  role_ = Role::kCandidate;
  hard_.vote = config_.self;
  Message own;
  own.type = MessageType::kVoteResp;
  own.to = config_.self;
  send_promise(std::move(own));
  request_votes(false, hand_over);
}

void Raft::request_votes(bool pre_vote, bool hand_over) {
  for (const auto& [id, store] : conf_.stores) {
    if (id == config_.self || !conf_.votes(id)) continue;
    Message m;
    m.type = pre_vote ? MessageType::kPreVote : MessageType::kVote;
    m.to = id;
    m.term = pre_vote ? hard_.term.next() : hard_.term;
    m.index = log_.last_index();
    m.log_term = log_.last_term();
    m.hand_over = hand_over;
    if (pre_vote) {
      send(std::move(m));
    } else {
      send_promise(std::move(m));
    }
  }
}

void Raft::on_vote_answer(const Message& m) {
  const bool pre = m.type == MessageType::kPreVoteResp;
  if (role_ != (pre ? Role::kPreCandidate : Role::kCandidate)) return;
  if (pre && !m.reject && m.term != hard_.term.next()) {
    MARK("raft: an answer to an earlier pre-vote");
    return;
  }
  votes_.emplace(m.from, !m.reject);
  switch (quorum_vote(conf_, votes_)) {
    case VoteResult::kPending:
      return;
    case VoteResult::kLost:
      MARK("raft: an election is lost");
      return become_follower(hard_.term, ReplicaId());
    case VoteResult::kWon:
      break;
  }
  if (pre) {
    become_candidate(false);
  } else {
    become_leader();
  }
}

}  // namespace quorate::raft
