// What a transaction brings to its COMMIT.
#pragma once

#include <vector>

#include "range/api.h"

namespace quorate::txn {

struct CommitWork {
  std::vector<range::RowWrite> writes;  // by key, at least one
  std::vector<Bytes> locked_reads;      // sorted, none of them written
  std::vector<range::ReadSpan> reads;   // sorted; must hold at the commit timestamp
  Timestamp floor;  // of what was locked: a commit in several ranges is tried above it
  Timestamp deadline = Timestamp::max();
};

}  // namespace quorate::txn
