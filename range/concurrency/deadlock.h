// Finds transactions that wait for each other in a circle, among the lock tables of all ranges.
//
// Pure: whoever runs it (a detector of one node, about once a second) collects Leaseholder::locks()
// from every range, asks, and ends the victims' waits by Leaseholder::abort_waits() everywhere. A
// circle seen in snapshots of different moments may be gone already; a needless victim is only run
// again.
//
// A waiter waits for every holder that it is not compatible with, and for everyone before it in the
// queue that it is not compatible with. The victim of a circle is its youngest transaction
// (greatest `began`, then the greater id), so that old ones get through.
#pragma once

#include <vector>

#include "range/leaseholder.h"

namespace quorate::range {

// One of those who wait for each other.
struct DeadlockEdge {
  TxnId waiter;
  LockMode mode = LockMode::kNone;
  Bytes key;
  TxnId blocker;
};

struct Deadlock {
  std::vector<DeadlockEdge> circle;  // from the victim's own wait on

  TxnId victim() const { return circle.front().waiter; }
  // 40P01 as PostgreSQL words it; who waits for whom as its detail, in transactions' ids as
  // quorate.locks has them. Keys are left to the log: the client may have no business with them.
  Status error() const;
  std::string for_log() const;
};

std::vector<Deadlock> find_deadlocks(const std::vector<LockInfo>& locks);

}  // namespace quorate::range
