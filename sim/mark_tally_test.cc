// Marks that a run's process reached must count once a run, whichever process it was; those of the
// process that counts, or of an earlier run in it, must not.
#include "sim/mark_tally.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mark.h"

namespace quorate::sim {
namespace {

void come_by() { MARK("sim: a mark of a test"); }

TEST(MarkTally, counts_runs_of_all_processes) {
  MarkTally before;
  before.add_run();  // whatever other tests have reached
  MarkTally tally;
  ASSERT_TRUE(tally.ok());
  EXPECT_EQ(tally.reached(), 0u);
  const pid_t child = fork();
  if (child == 0) {
    come_by();
    come_by();
    tally.add_run();
    _exit(0);
  }
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  EXPECT_EQ(tally.reached(), 1u);
  tally.add_run();
  EXPECT_EQ(tally.reached(), 1u);
}

TEST(MarkTally, a_run_does_not_count_for_the_next_one) {
  MarkTally first, second;
  come_by();
  first.add_run();
  second.add_run();
  EXPECT_GE(first.reached(), 1u);
  EXPECT_EQ(second.reached(), 0u);
}

}  // namespace
}  // namespace quorate::sim
