// A point that fires unasked would make tests of nothing else fail; one that never fires, or whose
// draws move another's, would test nothing, or make a shortened run another run.
#include "runtime/sim/sim_fault_points.h"

#include <gtest/gtest.h>

#include <vector>

namespace quorate::runtime {
namespace {

std::vector<bool> draws(SimFaultPoints& points, FaultPoint point) {
  std::vector<bool> out;
  for (int i = 0; i < 1'000; ++i) out.push_back(points.fires(point));
  return out;
}

TEST(SimFaultPoints, nothing_fires_where_there_are_none) {
  EXPECT_FALSE(fires(nullptr, FaultPoint::kForgetRange));
  SimFaultPoints points(1);
  draws(points, FaultPoint::kForgetRange);
  EXPECT_EQ(points.fired(FaultPoint::kForgetRange), 0u);
}

TEST(SimFaultPoints, fire_about_as_often_as_they_are_told_and_not_after_the_end) {
  SimFaultPoints points(1);
  points.set_chance(FaultPoint::kRaiseCommit, 0.2);
  draws(points, FaultPoint::kRaiseCommit);
  EXPECT_NEAR(static_cast<double>(points.fired(FaultPoint::kRaiseCommit)), 200, 60);
  const uint64_t before = points.fired(FaultPoint::kRaiseCommit);
  points.stop();
  draws(points, FaultPoint::kRaiseCommit);
  EXPECT_EQ(points.fired(FaultPoint::kRaiseCommit), before);
}

TEST(SimFaultPoints, one_left_out_changes_no_other) {
  SimFaultPoints both(7), one(7);
  both.set_chance(FaultPoint::kRaiseCommit, 0.2);
  both.set_chance(FaultPoint::kCutSnapshot, 0.3);
  one.set_chance(FaultPoint::kRaiseCommit, 0.2);
  draws(both, FaultPoint::kCutSnapshot);
  EXPECT_EQ(draws(both, FaultPoint::kRaiseCommit), draws(one, FaultPoint::kRaiseCommit));
}

TEST(SimFaultPoints, seeds_differ_in_which_fire) {
  size_t none = 0;
  std::vector<size_t> drawn(kFaultPoints);
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SimFaultPoints points(seed);
    points.draw();
    size_t n = 0;
    for (const FaultPointInfo& info : fault_point_infos()) {
      EXPECT_LE(points.chance(info.point), info.chance_most);
      if (points.chance(info.point) <= 0) continue;
      ++n;
      ++drawn[static_cast<size_t>(info.point)];
    }
    none += n == 0;
  }
  EXPECT_GT(none, 30u);
  EXPECT_LT(none, 110u);
  for (size_t n : drawn) EXPECT_GT(n, 30u);
}

}  // namespace
}  // namespace quorate::runtime
