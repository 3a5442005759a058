#include "runtime/sim/sim_fault_points.h"

namespace quorate::runtime {

namespace {

constexpr double kNoneChance = 0.33;  // of a seed
constexpr double kPointChance = 0.5;  // of each point, in the other seeds
// Those behind draw from a stream of their own, so that the first ones' draws stay what they were.
constexpr size_t kFirstPoints = 12;

constexpr FaultPointInfo kInfos[] = {
    {FaultPoint::kForgetRange, "point-forget-range", "a router forgets a range that it asks for",
     0.02},
    {FaultPoint::kForgetLease, "point-forget-lease", "a router forgets who led a range last", 0.1},
    {FaultPoint::kForgetCommits, "point-forget-commits",
     "a leaseholder forgets recent commits, so that a proof reads rows", 0.2},
    {FaultPoint::kRaiseCommit, "point-raise-commit", "a commit is asked for a later timestamp",
     0.2},
    {FaultPoint::kRefuseProposal, "point-refuse-proposal",
     "a proposal is refused as if too much were uncommitted", 0.03},
    {FaultPoint::kLateApplied, "point-late-applied", "who proposed hears late that it is applied",
     0.05},
    {FaultPoint::kCutSnapshot, "point-cut-snapshot", "a snapshot breaks off on its way", 0.3},
    {FaultPoint::kRefuseRefresh, "point-refuse-refresh", "what was read counts as changed", 0.1},
    {FaultPoint::kLoseResolution, "point-lose-resolution",
     "the answer to a batch of resolutions is lost", 0.2},
    {FaultPoint::kManyEnds, "point-many-ends",
     "a transaction's end runs before its answer, as if too many were under way", 0.3},
    {FaultPoint::kForgetPlan, "point-forget-plan", "a plan is not found in the cache", 0.2},
    {FaultPoint::kLateSnapshot, "point-late-snapshot",
     "a snapshot is made some time after it was asked for", 0.5},
    {FaultPoint::kLoseAnswer, "point-lose-answer",
     "the answer to a commit is lost, and it is sent again later", 0.05},
    {FaultPoint::kRepeatCommit, "point-repeat-commit", "a commit comes once more, later", 0.2},
    {FaultPoint::kForgetLock, "point-forget-lock", "a lock that is in the way was lost", 0.1},
    {FaultPoint::kHoldSnapshot, "point-hold-snapshot",
     "a snapshot is made some seconds after it was asked for", 0.5},
};
static_assert(std::size(kInfos) == kFaultPoints);

}  // namespace

std::span<const FaultPointInfo> fault_point_infos() { return kInfos; }

SimFaultPoints::SimFaultPoints(uint64_t seed) : random_(seed), later_(random_) {
  random_ = random_.fork("fault points");
  later_ = later_.fork("later fault points");
  for (const FaultPointInfo& info : kInfos)
    of(info.point).random = stream_of(info.point).fork(info.name);
}

Random& SimFaultPoints::stream_of(FaultPoint point) {
  return static_cast<size_t>(point) < kFirstPoints ? random_ : later_;
}

void SimFaultPoints::draw() {
  if (random_.chance(kNoneChance)) return;
  for (const FaultPointInfo& info : kInfos) {
    Random& random = stream_of(info.point);
    const double chance = info.chance_most * random.uniform();
    if (random.chance(kPointChance)) set_chance(info.point, chance);
  }
}

bool SimFaultPoints::fires(FaultPoint point) {
  Point& p = of(point);
  if (stopped_ || p.chance <= 0 || !p.random.chance(p.chance)) return false;
  ++p.fired;
  return true;
}

}  // namespace quorate::runtime
