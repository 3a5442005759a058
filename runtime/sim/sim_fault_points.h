// The fault points of a simulated world's nodes (runtime/fault_points.h). Its owner makes one, says
// how often each point fires, gives it to the world before the nodes, and keeps it as long.
//
// Each point has a stream of chance of its own, so that one that is left out changes no other.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "runtime/fault_points.h"
#include "runtime/random.h"

namespace quorate::runtime {

struct FaultPointInfo {
  FaultPoint point;
  std::string_view name, what;
  double chance_most;  // beyond it a cluster would do little else
};
// In the order of FaultPoint.
std::span<const FaultPointInfo> fault_point_infos();

class SimFaultPoints : public FaultPoints {
 public:
  explicit SimFaultPoints(uint64_t seed);
  // Draws from the seed which points fire, and how often: none, in a third of all seeds.
  void draw();
  void set_chance(FaultPoint point, double chance) { of(point).chance = chance; }
  double chance(FaultPoint point) const { return points_[static_cast<size_t>(point)].chance; }
  // No more from now on.
  void stop() { stopped_ = true; }

  bool fires(FaultPoint point) override;
  uint64_t fired(FaultPoint point) const { return points_[static_cast<size_t>(point)].fired; }

 private:
  struct Point {
    double chance = 0;
    uint64_t fired = 0;
    Random random{0};
  };
  Point& of(FaultPoint point) { return points_[static_cast<size_t>(point)]; }
  Random& stream_of(FaultPoint point);

  Random random_, later_;
  bool stopped_ = false;
  std::array<Point, kFaultPoints> points_;
};

}  // namespace quorate::runtime
