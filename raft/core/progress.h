// What a leader knows of one other replica, and how fast it sends to it.
//
//             acknowledged                     log truncated
//   probe ───────────────────► replicate ───────────────────► snapshot
//     ▲  one message at a time    │  pipelined up to a window     │  nothing but heartbeats
//     └───────────────────────────┘ rejected, unreachable         │
//     └────────────────────────────────────────────────────────────┘ received, or failed
#pragma once

#include <deque>

#include "raft/core/types.h"

namespace quorate::raft {

// Appends sent and not yet acknowledged, bounded in messages and bytes.
class InflightWindow {
 public:
  InflightWindow(size_t messages_max, size_t bytes_max)
      : messages_max_(messages_max), bytes_max_(bytes_max) {}
  bool full() const { return sent_.size() >= messages_max_ || bytes_ >= bytes_max_; }
  size_t count() const { return sent_.size(); }
  size_t bytes() const { return bytes_; }
  void add(LogIndex last, size_t bytes);
  // Everything up to `index` was acknowledged.
  void free_to(LogIndex index);
  // One more message may leave: the oldest was lost, or its answer was.
  void free_first();
  void clear();

 private:
  struct Sent {
    LogIndex last;
    size_t bytes;
  };
  size_t messages_max_, bytes_max_;
  std::deque<Sent> sent_;
  size_t bytes_ = 0;
};

struct Progress {
  enum class State : uint8_t { kProbe, kReplicate, kSnapshot };

  Progress(LogIndex next_index, size_t messages_max, size_t bytes_max)
      : next(next_index), window(messages_max, bytes_max) {}

  State state = State::kProbe;
  LogIndex match;              // durable there up to this
  LogIndex next;               // sent next; match < next
  bool probe_sent = false;     // kProbe: one message is out
  LogIndex pending_snapshot;   // kSnapshot: the index offered
  LogIndex told_commit;        // the greatest commit index sent that the replica can use
  LogIndex known_commit;       // the greatest that it has confirmed
  StoreEpoch accepted_epoch;   // bound to us in this term under this epoch; zero: not bound
  bool recent_active = false;  // answered since the last election timeout
  InflightWindow window;

  bool paused() const;
  void become_probe();
  void become_replicate();
  void become_snapshot(LogIndex index);
  // False when the acknowledgement is old news.
  bool acknowledged(LogIndex index);
  // A rejection of `rejected`; the log may match at `hint`. False when it is stale.
  bool rejected(LogIndex rejected_index, LogIndex match_hint);
  void sent(LogIndex last, size_t count, size_t bytes);
  void check_invariants() const;
};

std::string_view progress_state_name(Progress::State state);

}  // namespace quorate::raft
