#include "raft/core/types.h"

#include "base/check.h"

namespace quorate::raft {
namespace {

std::string list(const std::set<ReplicaId>& ids) {
  std::string out = "(";
  for (ReplicaId id : ids) {
    if (out.size() > 1) out += ' ';
    out += id.to_string();
  }
  return out + ")";
}

}  // namespace

StoreId ConfState::store_of(ReplicaId id) const {
  auto it = stores.find(id);
  return it == stores.end() ? StoreId() : it->second;
}

std::string ConfState::to_string() const {
  std::string out = list(voters);
  if (joint()) out += "&&" + list(outgoing);
  if (!learners.empty()) out += " learners=" + list(learners);
  if (!learners_next.empty()) out += " learners_next=" + list(learners_next);
  if (auto_leave) out += " auto";
  return out;
}

std::string_view message_type_name(MessageType type) {
  switch (type) {
    case MessageType::kAppend:
      return "Append";
    case MessageType::kAppendResp:
      return "AppendResp";
    case MessageType::kHeartbeat:
      return "Heartbeat";
    case MessageType::kHeartbeatResp:
      return "HeartbeatResp";
    case MessageType::kPreVote:
      return "PreVote";
    case MessageType::kPreVoteResp:
      return "PreVoteResp";
    case MessageType::kVote:
      return "Vote";
    case MessageType::kVoteResp:
      return "VoteResp";
    case MessageType::kSnapshot:
      return "Snapshot";
    case MessageType::kTimeoutNow:
      return "TimeoutNow";
    case MessageType::kReadIndex:
      return "ReadIndex";
    case MessageType::kReadIndexResp:
      return "ReadIndexResp";
    case MessageType::kRelease:
      return "Release";
    case MessageType::kReleaseResp:
      return "ReleaseResp";
    case MessageType::kSupportQuery:
      return "SupportQuery";
  }
  return "unknown";
}

std::string_view role_name(Role role) {
  switch (role) {
    case Role::kFollower:
      return "follower";
    case Role::kPreCandidate:
      return "pre-candidate";
    case Role::kCandidate:
      return "candidate";
    case Role::kLeader:
      return "leader";
  }
  return "unknown";
}

}  // namespace quorate::raft
