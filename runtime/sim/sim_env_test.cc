// The simulated world itself: the same seed must be the same run in every process, and what it does
// to nodes must be what sim_network.h and sim_disk.h promise.
#include "runtime/sim/sim_env.h"

#include <gtest/gtest.h>

#include "runtime/sync.h"

namespace quorate::runtime {
namespace {

TEST(SimEnv, a_task_sleeps_in_virtual_time) {
  SimWorld world(1);
  SimNodeEnv node(world, "n1");
  Instant before = world.now();
  Status s = node.run(sleep_for(node.executor(), std::chrono::seconds(100)));
  EXPECT_TRUE(s.ok());
  EXPECT_GE(world.now() - before, std::chrono::seconds(100));
}

}  // namespace
}  // namespace quorate::runtime
