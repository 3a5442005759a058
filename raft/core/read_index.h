// Reads that wait until a quorum has confirmed that their leader still leads.
//
// Each read remembers the commit index at its arrival and sends a heartbeat with its number;
// answers confirm it and every read before it. Bounded; a leader that stops forgets them all.
#pragma once

#include <deque>
#include <map>
#include <vector>

#include "raft/core/types.h"

namespace quorate::raft {

class ReadIndexQueue {
 public:
  struct Read {
    uint64_t number;  // travels in the heartbeat's context
    ReplicaId from;   // the asker: this leader, or a follower to be answered
    Bytes context;    // the asker's own
    LogIndex index;   // commit index at arrival
    Timestamp clock;  // the read's timestamp, which the confirming quorum's clocks reach
    std::map<ReplicaId, bool> acks;
  };
  static constexpr size_t kReadsMax = 1024;

  bool full() const { return reads_.size() >= kReadsMax; }
  bool empty() const { return reads_.empty(); }
  const Read& add(ReplicaId self, ReplicaId from, Bytes context, LogIndex index, Timestamp clock);
  // The reads confirmed by `from`'s answer to heartbeat `number`, oldest first.
  std::vector<Read> acknowledged(ReplicaId from, uint64_t number, const ConfState& conf);
  // The newest waiting read, to be repeated on heartbeats; null when none waits.
  const Read* newest() const { return reads_.empty() ? nullptr : &reads_.back(); }
  void clear() { reads_.clear(); }

 private:
  std::deque<Read> reads_;
  uint64_t next_number_ = 1;
};

}  // namespace quorate::raft
