// The scripts of range/testdata/leaseholder: one property each, told as a conversation between
// transactions and leaseholders. Rewrite with QUORATE_REWRITE=1.
#include <gtest/gtest.h>

#include "range/testing/conversation.h"

namespace quorate::range {
namespace {

TEST(LeaseholderScripts, tell_what_they_told_before) {
  testing::run_scripts(QUORATE_SOURCE_DIR "/range/testdata/leaseholder", [] {
    auto conversation = std::make_shared<Conversation>();
    return [conversation](const testing::Command& c) { return conversation->handle(c); };
  });
}

}  // namespace
}  // namespace quorate::range
