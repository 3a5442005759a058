// What a range proposes to its Raft group: the changes of an evaluated batch, and perhaps a trigger
// that changes the range itself. Encoded once by the proposer; the same bytes go to log, peers and
// memtable.
#pragma once

#include <optional>
#include <variant>

#include "base/archive.h"
#include "base/ids.h"
#include "base/timestamp.h"
#include "range/descriptor.h"

namespace quorate::range {

// The left half keeps the range; the right half is born with the same replicas' stores (safety:
// child-lease, child-birth).
struct SplitTrigger {
  RangeDescriptor left, right;
  Timestamp clock;      // the leaseholder's: every applier advances to it
  StoreId leaseholder;  // whose store alone may lead the child in its birth term
  template <class A>
  void serialize(A& a) {
    a(left, right, clock, leaseholder);
  }
};

// The descriptor with its new replicas; the Raft membership change travels beside it.
struct ReplicasTrigger {
  RangeDescriptor descriptor;
  template <class A>
  void serialize(A& a) {
    a(descriptor);
  }
};

struct GcTrigger {
  Timestamp threshold, record_mark;
  template <class A>
  void serialize(A& a) {
    a(threshold, record_mark);
  }
};

using Trigger = std::variant<std::monostate, SplitTrigger, ReplicasTrigger, GcTrigger>;

// Durable: it stands in the log. `format` first.
struct Command {
  uint8_t format = 1;
  uint64_t id_high = 0, id_low = 0;  // the proposal, so that it is applied at most once
  Term lease_term;                   // refused at apply when the entry's term is another
  Timestamp clock;                   // the proposer's HLC; appliers advance to it
  Trigger trigger;
  Bytes operations;  // storage::WriteBatch; last, so that it can be viewed in place
  template <class A>
  void serialize(A& a) {
    a(format, id_high, id_low, lease_term, clock, trigger, operations);
  }
};

}  // namespace quorate::range
