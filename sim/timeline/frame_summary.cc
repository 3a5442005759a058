#include "sim/timeline/frame_summary.h"

#include <fmt/format.h>

#include <algorithm>

#include "raft/driver/raft_frame.h"
#include "range/api.h"
#include "range/membership.h"
#include "range/retirement.h"
#include "range/store.h"
#include "runtime/rpc_frames.h"
#include "server/kv_node.h"

namespace quorate::sim {

using raft::MessageType;
using runtime::Channel;

namespace {

constexpr size_t kAskedMost = 50'000;
constexpr size_t kMessagesTold = 6;

FrameKind kind_of(MessageType type) {
  switch (type) {
    case MessageType::kAppend:
      return FrameKind::kAppend;
    case MessageType::kAppendResp:
    case MessageType::kHeartbeatResp:
      return FrameKind::kAck;
    case MessageType::kHeartbeat:
      return FrameKind::kHeartbeat;
    case MessageType::kPreVote:
    case MessageType::kPreVoteResp:
    case MessageType::kVote:
    case MessageType::kVoteResp:
      return FrameKind::kVote;
    case MessageType::kSnapshot:
      return FrameKind::kSnapshot;
    case MessageType::kTimeoutNow:
      return FrameKind::kHandOver;
    case MessageType::kReadIndex:
    case MessageType::kReadIndexResp:
      return FrameKind::kReadIndex;
    case MessageType::kRelease:
    case MessageType::kReleaseResp:
    case MessageType::kSupportQuery:
      return FrameKind::kSupport;
  }
  return FrameKind::kOther;
}

int weight(FrameKind kind) {
  switch (kind) {
    case FrameKind::kHandOver:
    case FrameKind::kSnapshot:
      return 5;
    case FrameKind::kVote:
      return 4;
    case FrameKind::kSupport:
      return 3;
    case FrameKind::kAppend:
      return 2;
    case FrameKind::kReadIndex:
    case FrameKind::kAck:
      return 1;
    default:
      return 0;
  }
}

std::string tell(const raft::Message& m) {
  std::string out =
      fmt::format("r{} {} term {}", m.range.value, message_type_name(m.type), m.term.value);
  switch (m.type) {
    case MessageType::kAppend:
      if (m.entries.empty())
        return out + fmt::format(", after {}, commit {}", m.index.value, m.commit.value);
      return out + fmt::format(", entries {}..{}, commit {}", m.entries.front().index.value,
                               m.entries.back().index.value, m.commit.value);
    case MessageType::kAppendResp:
      return out + (m.reject ? fmt::format(", refused at {}, has {}", m.index.value, m.hint.value)
                             : fmt::format(", has up to {}", m.index.value));
    case MessageType::kVote:
    case MessageType::kPreVote:
      return out + (m.hand_over ? ", handed over" : "") +
             fmt::format(", log ends {} in term {}", m.index.value, m.log_term.value);
    case MessageType::kVoteResp:
    case MessageType::kPreVoteResp:
      return out + (m.reject ? ", refused" : ", granted");
    case MessageType::kHeartbeat:
      return out + fmt::format(", commit {}", m.commit.value);
    default:
      return out;
  }
}

std::string_view method_name(runtime::RpcMethod method) {
  if (method == range::Store::kSnapshotMethod) return "snapshot chunk";
  if (method == range::Membership::kJoinMethod) return "join";
  if (method == range::Membership::kInitMethod) return "init";
  if (method == range::Membership::kClusterMethod) return "cluster?";
  if (method == server::KvNode::kLocksMethod) return "who waits for whom?";
  if (method == server::KvNode::kOpenMethod) return "open transactions?";
  if (method == range::Retirement::kDescribeMethod) return "describe range";
  if (method == range::Retirement::kDescriptorMethod) return "descriptor?";
  if (method == range::Retirement::kDamagedMethod) return "damaged?";
  return "request";
}

struct Name {
  std::string_view operator()(const range::GetRequest& r) const {
    return r.lock == range::LockMode::kNone ? "Get" : "Lock";
  }
  std::string_view operator()(const range::ScanRequest&) const { return "Scan"; }
  std::string_view operator()(const range::RefreshRequest&) const { return "Refresh"; }
  std::string_view operator()(const range::CommitRequest& r) const {
    return r.kind == range::CommitKind::kOnePhase ? "Commit" : "Stage";
  }
  std::string_view operator()(const range::EndTxnRequest& r) const {
    return r.commit ? "End: commit" : "End: abort";
  }
  std::string_view operator()(const range::ResolveRequest&) const { return "Resolve"; }
  std::string_view operator()(const range::PushRequest&) const { return "Push"; }
  std::string_view operator()(const range::QueryIntentRequest&) const { return "QueryIntent"; }
  std::string_view operator()(const range::HeartbeatRequest&) const { return "Heartbeat"; }
  std::string_view operator()(const range::LayRunRequest&) const { return "LayRun"; }
  std::string_view operator()(const range::ResolveRunsRequest&) const { return "ResolveRuns"; }
  std::string_view operator()(const range::KeepPendingRequest&) const { return "KeepPending"; }
  std::string_view operator()(const range::ClearRequest&) const { return "Clear"; }
  std::string_view operator()(const range::SplitRequest&) const { return "Split"; }
  std::string_view operator()(const range::TransferLeaseRequest&) const { return "TransferLease"; }
  std::string_view operator()(const range::UnlockRequest&) const { return "Unlock"; }
  std::string_view operator()(const range::GcRequest&) const { return "Collect garbage"; }
};

std::string tell_outcome(const range::BatchResponse& response) {
  switch (response.outcome) {
    case range::Outcome::kOk:
      return ": done";
    case range::Outcome::kError:
      return ": " + response.error.to_string();
    case range::Outcome::kNotLeaseholder:
      return response.leaseholder
                 ? fmt::format(": not the leaseholder, node {} is", response.leaseholder.value)
                 : std::string(": not the leaseholder");
    case range::Outcome::kRangeMismatch:
      return ": the range is another one now";
    case range::Outcome::kNeedTimestamp:
      return ": needs a later timestamp";
  }
  return {};
}

}  // namespace

std::string_view frame_kind_name(FrameKind kind) {
  static constexpr std::string_view kNames[] = {
      "heartbeat", "append",   "ack",    "vote",    "hand-over", "snapshot", "read index",
      "support",   "liveness", "gossip", "request", "reply",     "other"};
  return kNames[static_cast<size_t>(kind)];
}

FrameSummary FrameReader::read(Channel channel, BytesView payload) {
  switch (channel) {
    case Channel::kRaft:
      return read_raft(payload);
    case Channel::kRpcRequest:
      return read_request(payload);
    case Channel::kRpcReply:
      return read_reply(payload);
    case Channel::kLiveness:
      return {FrameKind::kLiveness, {}, "liveness: support asked for or given"};
    case Channel::kGossip:
      return {FrameKind::kGossip, {}, "gossip: who is where"};
  }
  return {};
}

FrameSummary FrameReader::read_raft(BytesView payload) const {
  raft::RaftFrame frame;
  FrameSummary out;
  if (!decode(payload, frame).ok()) return out;
  int most = -1;
  size_t told = 0;
  for (const raft::Message& m : frame.messages) {
    const FrameKind kind = kind_of(m.type);
    if (weight(kind) > most) {
      most = weight(kind);
      out.kind = kind;
    }
    const auto range = static_cast<uint32_t>(m.range.value);
    if (std::find(out.ranges.begin(), out.ranges.end(), range) == out.ranges.end())
      out.ranges.push_back(range);
    if (told++ >= kMessagesTold) continue;
    if (!out.text.empty()) out.text += "\n";
    out.text += tell(m);
  }
  if (told > kMessagesTold) out.text += fmt::format("\nand {} more", told - kMessagesTold);
  return out;
}

FrameSummary FrameReader::read_request(BytesView payload) {
  runtime::RpcRequestFrame request;
  FrameSummary out{FrameKind::kRequest, {}, ""};
  if (!decode(payload, request).ok()) return out;
  out.text = method_name(request.method);
  range::BatchRequest batch;
  if (request.method == range::Store::kBatchMethod && decode(request.body, batch).ok()) {
    out.ranges.push_back(static_cast<uint32_t>(batch.range.value));
    out.text = fmt::format("r{}", batch.range.value);
    size_t told = 0;
    for (const auto& one : batch.requests) {
      if (told++ == kMessagesTold) break;
      out.text += fmt::format("{} {}", told == 1 ? "" : ",", std::visit(Name(), one));
    }
    if (batch.requests.size() > kMessagesTold) out.text += " …";
  }
  if (asked_.size() > kAskedMost) asked_.clear();
  asked_[request.id] = out;
  return out;
}

FrameSummary FrameReader::read_reply(BytesView payload) {
  runtime::RpcReplyFrame reply;
  FrameSummary out{FrameKind::kReply, {}, "answer"};
  if (!decode(payload, reply).ok()) return out;
  if (auto known = asked_.find(reply.id); known != asked_.end()) {
    out.ranges = known->second.ranges;
    out.text = "answer to " + known->second.text;
  }
  range::BatchResponse batch;
  if (!reply.status.ok()) {
    out.text += ": " + reply.status.to_string();
  } else if (!out.ranges.empty() && decode(reply.body, batch).ok()) {
    out.text += tell_outcome(batch);
  }
  return out;
}

}  // namespace quorate::sim
