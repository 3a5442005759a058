// The scripts of raft/testdata: one property each, told as a conversation. Rewrite with
// QUORATE_REWRITE=1.
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

}  // namespace
}  // namespace quorate::raft::testing
