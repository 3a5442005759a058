// A mark that is not known before it is reached would be missing from the report; one that counts
// without being reached would hide a gap.
#include "base/mark.h"

#include <gtest/gtest.h>

#include <coroutine>
#include <string_view>

namespace quorate {
namespace {

const Mark* find(std::string_view name) {
  for (const Mark& m : all_marks()) {
    if (name == m.name) return &m;
  }
  return nullptr;
}

void pass(bool through) {
  if (through) MARK("base: a mark of a test");
  MARK_IF(!through, "base: a conditional mark of a test");
}

struct Fire {
  struct promise_type {
    Fire get_return_object() { return {}; }
    std::suspend_never initial_suspend() { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() {}
  };
};

Fire pass_in_coroutine(bool through) {
  co_await std::suspend_never();
  if (through) MARK("base: a mark in a coroutine");
}

TEST(Marks, are_known_before_they_are_reached) {
  ASSERT_NE(find("base: a mark of a test"), nullptr);
  ASSERT_NE(find("base: a mark in a coroutine"), nullptr);
  EXPECT_EQ(find("base: a mark that is nowhere"), nullptr);
}

TEST(Marks, are_reached_by_who_comes_by_and_by_nobody_else) {
  const Mark* plain = find("base: a mark of a test");
  const Mark* conditional = find("base: a conditional mark of a test");
  EXPECT_FALSE(plain->reached);
  pass(false);
  EXPECT_FALSE(plain->reached);
  EXPECT_TRUE(conditional->reached);
  pass(true);
  EXPECT_TRUE(plain->reached);
}

TEST(Marks, stand_in_coroutines_too) {
  const Mark* mark = find("base: a mark in a coroutine");
  pass_in_coroutine(false);
  EXPECT_FALSE(mark->reached);
  pass_in_coroutine(true);
  EXPECT_TRUE(mark->reached);
}

}  // namespace
}  // namespace quorate
