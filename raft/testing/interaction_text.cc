// How scripts see entries and messages.
#include "raft/testing/interaction_env.h"

namespace quorate::raft::testing {
namespace {

std::string position(Term term, LogIndex index) {
  return term.to_string() + "/" + index.to_string();
}

}  // namespace

std::string describe(const Entry& entry) {
  std::string out = position(entry.term, entry.index);
  if (entry.type == EntryType::kConfChange) return out + " conf";
  return entry.data().empty() ? out : out + " " + escape_bytes(entry.data());
}

std::string describe(const Message& m) {
  std::string out = m.from.to_string() + "->" + m.to.to_string() + " " +
                    std::string(message_type_name(m.type)) + " term=" + m.term.to_string();
  switch (m.type) {
    case MessageType::kAppend:
      out += " after=" + position(m.log_term, m.index) + " commit=" + m.commit.to_string() + " [";
      for (size_t i = 0; i < m.entries.size(); ++i) {
        out += (i ? ", " : "") + describe(m.entries[i]);
      }
      out += "]";
      break;
    case MessageType::kPreVote:
    case MessageType::kVote:
      out += " last=" + position(m.log_term, m.index);
      break;
    case MessageType::kAppendResp:
      out += m.reject ? " rejected=" + m.index.to_string() + " hint=" + position(m.log_term, m.hint)
                      : " match=" + m.index.to_string();
      break;
    case MessageType::kHeartbeat:
      out += " commit=" + m.commit.to_string();
      if (m.index) out += " read=" + m.index.to_string();
      break;
    case MessageType::kHeartbeatResp:
      if (m.index) out += " read=" + m.index.to_string();
      break;
    case MessageType::kSnapshot:
      out += " at=" + position(m.snapshot->term, m.snapshot->index) + " " +
             m.snapshot->conf.to_string();
      break;
    case MessageType::kRelease:
    case MessageType::kReleaseResp:
    case MessageType::kSupportQuery:
      out += " led=" + m.log_term.to_string();
      break;
    case MessageType::kTimeoutNow:
    case MessageType::kReadIndex:
      out += " context=" + m.context;
      break;
    case MessageType::kReadIndexResp:
      out += " index=" + m.index.to_string() + " context=" + m.context;
      break;
    case MessageType::kPreVoteResp:
    case MessageType::kVoteResp:
      out += m.reject ? " no" : " yes";
      break;
  }
  if (m.damaged) out += " damaged";
  if (m.hand_over) out += " hand-over";
  if (m.epoch) out += " epoch=" + m.epoch.to_string();
  return out;
}

}  // namespace quorate::raft::testing
