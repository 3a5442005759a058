// The scripts of raft/testdata: one property each, told as a conversation. Rewrite with
// QUORATE_REWRITE=1.
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include "raft/testing/interaction_env.h"

namespace quorate::raft::testing {
namespace {

TEST(RaftScripts, tell_what_they_told_before) {
  quorate::testing::run_scripts(QUORATE_SOURCE_DIR "/raft/testdata", [] {
    auto env = std::make_shared<InteractionEnv>();
    return [env](const quorate::testing::Command& command) { return env->handle(command); };
  });
}

#ifdef QUORATE_PLANTED_BUGS
// The rules whose breaking random schedules meet too seldom: a script told with the bug must
// differ.
void expect_differs(const std::string& script, bool PlantedBugs::* bug) {
  PlantedBugs planted;
  planted.*bug = true;
  auto env = std::make_shared<InteractionEnv>(planted);
  ::testing::TestPartResultArray differences;
  {
    ::testing::ScopedFakeTestPartResultReporter reporter(
        ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &differences);
    quorate::testing::run_script(
        QUORATE_SOURCE_DIR "/raft/testdata/" + script,
        [env](const quorate::testing::Command& command) { return env->handle(command); });
  }
  EXPECT_GT(differences.size(), 0) << script << " does not notice the planted bug";
}

TEST(RaftPlantedScripts, commit_older_terms) {
  expect_differs("figure_8.txt", &PlantedBugs::commit_older_terms);
}
TEST(RaftPlantedScripts, forget_binding) {
  expect_differs("support_binding_survives_restart.txt", &PlantedBugs::forget_binding);
}
TEST(RaftPlantedScripts, never_release) {
  expect_differs("released_followers.txt", &PlantedBugs::never_release);
}
TEST(RaftPlantedScripts, shrink_promise) {
  expect_differs("promise_never_shrinks.txt", &PlantedBugs::shrink_promise);
}
#endif

}  // namespace
}  // namespace quorate::raft::testing
