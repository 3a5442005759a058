// What must hold of one replica at all times, and from one moment to the next.
//
// Tests and the simulator call these after every input. They only read; a violation fails a CHECK.
#pragma once

#include <optional>

#include "raft/core/raft.h"

namespace quorate::raft {

class Invariants {
 public:
  // The state by itself: terms and roles, log bounds, progress, bindings.
  static void check(const Raft& raft);

 private:
  static void check_role(const Raft& raft);
  static void check_leader(const Raft& raft);
  static void check_support(const Raft& raft);
};

// Remembers the last state seen of one replica. A restart makes a new one with what was durable.
class TransitionCheck {
 public:
  // After each input: terms and commit index don't go back, a vote is not changed within its term,
  // a term that was led is not led again after it was left, what was relied on stays.
  void observe(const Raft& raft);

 private:
  struct Seen {
    HardState hard;
    LogIndex commit, applied;
    Role role;
    bool stopped_serving;
    Term last_left;  // the greatest term in which leading, or serving, has ended
    Timestamp lease;
  };
  std::optional<Seen> seen_;
};

}  // namespace quorate::raft
