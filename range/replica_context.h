// What serving a range (latches, locks, evaluation: range/leaseholder.h) needs of the replica
// beneath it (Raft group, lease, life cycle: range/replica.h), and the other way round. The seam
// between the two halves of this room; tests of the upper half stand on a context that applies at
// once.
#pragma once

#include "base/status.h"
#include "range/api.h"
#include "range/command.h"
#include "range/descriptor.h"
#include "range/range_limits.h"
#include "runtime/env.h"
#include "runtime/hlc.h"
#include "runtime/task.h"
#include "storage/engine.h"

namespace quorate::range {

// Valid for as long as this replica leads in `term` and the clock is below `until`.
struct LeaseView {
  bool held = false;
  Term term;
  Timestamp start;  // the clock when the lease began; observed timestamps before it don't count
  Timestamp until;  // serves timestamps below it
  NodeId leaseholder_hint;  // when not held: who may be; zero: unknown
};

class ReplicaContext {
 public:
  virtual ~ReplicaContext() = default;
  virtual runtime::Env& env() = 0;
  virtual runtime::Hlc& clock() = 0;
  virtual storage::Engine& engine() = 0;
  virtual NodeId node() const = 0;
  virtual StoreId store() const = 0;
  virtual const RangeDescriptor& descriptor() const = 0;
  // May this replica serve a request at `ts` now (safety groups 1 and 9: below `until`, not within
  // max_clock_offset of it by the physical clock, own term applied, not handing over)?
  // Serving marks T as relied on.
  virtual LeaseView lease(Timestamp ts) = 0;
  // Proposes and waits until it is applied here. ok: applied. kUnavailable: certainly will never be
  // applied. kAmbiguous: unknown. Proposals of one range are applied in the order of these calls,
  // or not at all.
  virtual runtime::Task<Status> propose(Command command) = 0;
  // The least of all its stores, as far as is known.
  virtual storage::Space space() const = 0;
  // What the range's applied commands say (safety: gc-threshold, record-mark): reads from below the
  // first fail, and no transaction record is created for an attempt at or below the second.
  virtual Timestamp gc_threshold() const = 0;
  virtual Timestamp record_mark() const = 0;
  // Upkeep that the replica does by itself. The leaseholder calls a split while it holds a write
  // latch on the whole span, so that nothing is in flight; the replica calls split_off() when the
  // trigger has been applied. A transfer calls export_locks() and close() before it sends
  // anything (safety: hand-over).
  virtual runtime::Task<Status> admin_split(SplitRequest request) = 0;
  virtual runtime::Task<Status> transfer_lease(NodeId to) = 0;
  // Is the coordinator's node alive with that epoch? (safety: orphan-locks)
  virtual bool coordinator_alive(NodeId node, uint64_t epoch) const = 0;
  virtual const RangeLimits& limits() const = 0;
};

}  // namespace quorate::range
