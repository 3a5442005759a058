// What a replica holds, as one number: replicas of a range that have applied the same entries hold
// the same bytes. Counts the newest version of each row, intents, transaction records and the
// range's own records; older versions and deleted rows leave each store in its own time.
#pragma once

#include "range/store.h"

namespace quorate::range {

struct ReplicaChecksum {
  RangeId range;
  ReplicaId replica;
  LogIndex applied;
  uint64_t rows = 0;
  uint64_t high = 0, low = 0;
  template <class A>
  void serialize(A& a) {
    a(range, replica, applied, rows, high, low);
  }
};

// Of the store's replica of `range`, as of one applied index; lets other work run meanwhile.
// kUnavailable where entries keep being applied.
runtime::Task<Result<ReplicaChecksum>> replica_checksum(Store* store, RangeId range);

}  // namespace quorate::range
