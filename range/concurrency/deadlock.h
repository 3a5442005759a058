// Finds transactions that wait for each other in a circle, among the lock tables of all ranges.
//
// Pure: whoever runs it (a detector of one node, about once a second) collects Leaseholder::locks()
// from every range, asks, and ends the victims' waits by Leaseholder::abort_waits(victim,
// deadlock_detected()) everywhere. A circle seen in snapshots of different moments may be gone
// already; a needless victim is only run again.
//
// A waiter waits for every holder that it is not compatible with, and for everyone before it in the
// queue that it is not compatible with. The victim of a circle is its youngest transaction
// (greatest `began`, then the greater id), so that old ones get through.
#pragma once

#include <vector>

#include "range/leaseholder.h"

namespace quorate::range {

std::vector<TxnId> find_deadlock_victims(const std::vector<LockInfo>& locks);
// 40P01 as PostgreSQL words it.
Status deadlock_detected();

}  // namespace quorate::range
