// A range: a contiguous span of keys, replicated by a Raft group of its own. The range's own
// descriptor (in its Raft state) is the truth; the directory and every cache are copies, and the
// higher generation wins (safety: descriptor-truth).
#pragma once

#include <string>
#include <vector>

#include "base/ids.h"
#include "base/span.h"

namespace quorate::range {

enum class ReplicaRole : uint8_t {
  kVoter = 1,
  kLearner = 2,
  kVoterIncoming = 3,
  kVoterOutgoing = 4
};

struct ReplicaDescriptor {
  NodeId node;
  StoreId store;
  ReplicaId replica;
  ReplicaRole role = ReplicaRole::kVoter;
  template <class A>
  void serialize(A& a) {
    a(node, store, replica, role);
  }
  friend bool operator==(const ReplicaDescriptor&, const ReplicaDescriptor&) = default;
};

struct RangeDescriptor {
  RangeId id;
  KeySpan span;
  uint64_t generation = 0;  // raised by every split, merge and change of replicas
  std::vector<ReplicaDescriptor> replicas;
  ReplicaId next_replica{1};  // ids are never given twice

  const ReplicaDescriptor* find(StoreId store) const {
    for (const auto& r : replicas)
      if (r.store == store) return &r;
    return nullptr;
  }
  std::string to_string() const;
  template <class A>
  void serialize(A& a) {
    a(id, span, generation, replicas, next_replica);
  }
  friend bool operator==(const RangeDescriptor&, const RangeDescriptor&) = default;
};

}  // namespace quorate::range
