// What MultiRaft sends: the messages of all groups that two stores share, gathered in one step.
#pragma once

#include "base/archive.h"
#include "raft/core/types.h"

namespace quorate::raft {

struct RaftFrame {
  StoreId from, to;
  std::vector<Message> messages;
  template <class A>
  void serialize(A& a) {
    a(from, to, messages);
  }
};

}  // namespace quorate::raft
