// What a transaction brings to its COMMIT.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "range/api.h"

namespace quorate::txn {

// The commit is refused at or above both times. The second one's owner may raise it while the
// commit runs, so each attempt asks anew.
struct CommitDeadline {
  Timestamp fixed = Timestamp::max();
  std::shared_ptr<const Timestamp> renewed;  // null: there is none
  Timestamp now() const { return renewed ? std::min(fixed, *renewed) : fixed; }
};

struct CommitWork {
  std::vector<range::RowWrite> writes;  // by key, at least one
  std::vector<Bytes> locked_reads;      // sorted, none of them written
  std::vector<range::ReadSpan> reads;   // sorted; must hold at the commit timestamp
  Timestamp floor;  // of what was locked: a commit in several ranges is tried above it
  CommitDeadline deadline;
};

}  // namespace quorate::txn
