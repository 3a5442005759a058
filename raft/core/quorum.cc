#include "raft/core/quorum.h"

namespace quorate::raft {

VoteResult majority_vote(const std::set<ReplicaId>& ids, const std::map<ReplicaId, bool>& votes) {
  if (ids.empty()) return VoteResult::kWon;  // the other half of a configuration decides
  size_t granted = 0, missing = 0;
  for (ReplicaId id : ids) {
    auto it = votes.find(id);
    if (it == votes.end()) {
      ++missing;
    } else if (it->second) {
      ++granted;
    }
  }
  const size_t needed = majority_of(ids.size());
  if (granted >= needed) return VoteResult::kWon;
  return granted + missing >= needed ? VoteResult::kPending : VoteResult::kLost;
}

VoteResult quorum_vote(const ConfState& conf, const std::map<ReplicaId, bool>& votes) {
  const VoteResult incoming = majority_vote(conf.voters, votes);
  const VoteResult outgoing = majority_vote(conf.outgoing, votes);
  if (incoming == outgoing) return incoming;
  if (incoming == VoteResult::kLost || outgoing == VoteResult::kLost) return VoteResult::kLost;
  return VoteResult::kPending;
}

}  // namespace quorate::raft
