// What a frame between nodes says, in a few words: by decoding it.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <string>
#include <vector>

#include "base/bytes.h"
#include "runtime/network.h"

namespace quorate::sim {

enum class FrameKind : uint8_t {
  kHeartbeat,
  kAppend,
  kAck,  // of an append or a heartbeat
  kVote,
  kHandOver,
  kSnapshot,
  kReadIndex,
  kSupport,  // a leader's binding of its followers asked about or ended
  kLiveness,
  kGossip,
  kRequest,
  kReply,
  kOther
};
std::string_view frame_kind_name(FrameKind kind);

// A frame carries messages of several groups: its kind is that of the weightiest.
struct FrameSummary {
  FrameKind kind = FrameKind::kOther;
  std::vector<uint32_t> ranges;
  std::string text;
};

class FrameReader {
 public:
  FrameSummary read(runtime::Channel channel, BytesView payload);

 private:
  FrameSummary read_raft(BytesView payload) const;
  FrameSummary read_request(BytesView payload);
  FrameSummary read_reply(BytesView payload);
  // What was asked, by the request's number, so that an answer can be told; forgotten as a whole
  // when it grows too large.
  absl::flat_hash_map<uint64_t, FrameSummary> asked_;
};

}  // namespace quorate::sim
