// Random schedules over the whole core. What could go wrong: two leaders in a term, committed
// entries lost or replaced, two leaseholders at one time, a group that never comes back to work. A
// failing seed is printed; QUORATE_SEED=n runs that one alone, QUORATE_SEEDS=n as many.
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/check.h"
#include "raft/testing/random_cluster.h"

namespace quorate::raft::testing {
namespace {

uint64_t from_environment(const char* name, uint64_t fallback) {
  const char* text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : fallback;
}

// A CHECK inside tells its seed too.
class SeedContext {
 public:
  explicit SeedContext(uint64_t seed) : text_([seed] { return "seed " + std::to_string(seed); }) {
    set_check_context(&text_);
  }
  ~SeedContext() { set_check_context(nullptr); }

 private:
  std::function<std::string()> text_;
};

std::optional<std::string> run_seed(uint64_t seed, size_t steps, RandomCluster::Options options,
                                    RandomCluster::Counts& sum) {
  SeedContext context(seed);
  options.seed = seed;
  RandomCluster cluster(options);
  std::optional<std::string> failure = cluster.run(steps);
  const RandomCluster::Counts& counts = cluster.counts();
  sum.elections += counts.elections;
  sum.applied += counts.applied;
  sum.served += counts.served;
  sum.crashes += counts.crashes;
  sum.conf_changes += counts.conf_changes;
  sum.hand_overs += counts.hand_overs;
  sum.snapshots += counts.snapshots;
  sum.quiesced += counts.quiesced;
  return failure;
}

void expect_all_hold(RandomCluster::Options options, uint64_t seeds, size_t steps) {
  const uint64_t only = from_environment("QUORATE_SEED", 0);
  const uint64_t first = only ? only : 1;
  const uint64_t last = only ? only : from_environment("QUORATE_SEEDS", seeds);
  RandomCluster::Counts sum;
  for (uint64_t seed = first; seed <= last; ++seed) {
    std::optional<std::string> failure = run_seed(seed, steps, options, sum);
    ASSERT_FALSE(failure) << "seed " << seed << ": " << *failure;
  }
  if (only) return;
  EXPECT_GT(sum.elections, seeds);
  EXPECT_GT(sum.applied, 10 * seeds);
  EXPECT_GT(sum.served, 10 * seeds);
  EXPECT_GT(sum.hand_overs, 0u);
  EXPECT_GT(sum.quiesced, 0u);
  if (options.crashes) {
    EXPECT_GT(sum.crashes, seeds);
  }
  if (options.membership) {
    EXPECT_GT(sum.conf_changes, seeds / 2);
    EXPECT_GT(sum.snapshots, seeds / 4);
  }
}

TEST(RaftRandom, safe_and_live_under_all_faults) { expect_all_hold({}, 300, 6000); }

TEST(RaftRandom, safe_and_live_with_fixed_members) {
  RandomCluster::Options options;
  options.membership = false;
  expect_all_hold(options, 150, 6000);
}

#ifdef QUORATE_PLANTED_BUGS
// Check the checkers: each broken rule must turn some seed red.
void expect_found(bool PlantedBugs::* bug, bool membership) {
  RandomCluster::Options options;
  options.planted.*bug = true;
  options.membership = membership;
  RandomCluster::Counts sum;
  for (uint64_t seed = 1; seed <= 3000; ++seed) {
    if (std::optional<std::string> failure = run_seed(seed, 6000, options, sum)) {
      std::printf("found by seed %llu: %s\n", static_cast<unsigned long long>(seed),
                  failure->c_str());
      return;
    }
  }
  ADD_FAILURE() << "no seed has found the planted bug";
}

TEST(RaftPlanted, promise_before_sync) { expect_found(&PlantedBugs::promise_before_sync, false); }
TEST(RaftPlanted, count_self_unsynced) { expect_found(&PlantedBugs::count_self_unsynced, false); }
TEST(RaftPlanted, ignore_support_epoch) { expect_found(&PlantedBugs::ignore_support_epoch, false); }
TEST(RaftPlanted, vote_despite_support) { expect_found(&PlantedBugs::vote_despite_support, false); }
TEST(RaftPlantedDeathTest, serve_after_hand_over) {
  EXPECT_DEATH(expect_found(&PlantedBugs::serve_after_hand_over, false), "last_left");
}
#endif

}  // namespace
}  // namespace quorate::raft::testing
