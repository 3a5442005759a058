// Places in the code that misbehave now and then, in the simulator only: what a node must be ready
// for happens there without a cause, more often than faults from outside bring it about.
//
//   if (runtime::fires(env.faults, FaultPoint::kLoseResolution)) return false;
//
// Each may only do what could have happened anyway (an answer was lost, a cache was full, a commit
// met a reader), so that nothing is wrong afterwards. In the real world Env::faults is null and a
// point costs one comparison. Which fire, and how often, the simulator draws from its seed
// (runtime/sim/sim_fault_points.h); `quorate sim --list-faults` names them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace quorate::runtime {

enum class FaultPoint : uint8_t {
  kForgetRange,     // range/range_router: a cached descriptor goes while it is used
  kForgetLease,     // range/range_router: who led last is forgotten
  kForgetCommits,   // range/eval: recent commits are forgotten, a proof reads the rows
  kRaiseCommit,     // range/eval: a commit is asked for a later timestamp
  kRefuseProposal,  // range/replica: too much waits already
  kLateApplied,     // range/replica: who proposed hears of it late
  kCutSnapshot,     // range/store: the stream of a snapshot breaks off
  kRefuseRefresh,   // txn/refresher: what was read counts as changed
  kLoseResolution,  // txn/resolve_queue: the answer to a batch is lost
  kManyEnds,        // txn/transaction: an end is not left to the background
  kForgetPlan,      // sql/session: a plan is not in the cache
  kLateSnapshot,    // range/store: a snapshot waits long for another checkpoint's end
  kLoseAnswer,      // range/range_router: a commit's answer is lost, and it is sent again
  kRepeatCommit,    // range/range_router: a copy of a commit comes when it has ended
  kForgetLock,      // range/eval: a lock that is in the way was lost
  kHoldSnapshot,    // range/store: a snapshot is not made for seconds
  kCount,
};

inline constexpr size_t kFaultPoints = static_cast<size_t>(FaultPoint::kCount);

class FaultPoints {
 public:
  virtual ~FaultPoints() = default;
  virtual bool fires(FaultPoint point) = 0;
};

inline bool fires(FaultPoints* points, FaultPoint point) {
  return points != nullptr && points->fires(point);
}

}  // namespace quorate::runtime
