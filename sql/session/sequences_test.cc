#include "sql/session/sequences.h"

#include <gtest/gtest.h>

namespace quorate::sql {
namespace {

SequenceDescriptor sequence(int64_t increment, int64_t min, int64_t max, bool cycle) {
  SequenceDescriptor s;
  s.name = "s";
  s.increment = increment;
  s.min = min;
  s.max = max;
  s.cycle = cycle;
  return s;
}

// How many of `wanted` values there are.
int64_t count(const SequenceDescriptor& s, int64_t wanted, SequenceState* state) {
  Result<int64_t> first = advance_sequence(s, state, &wanted);
  return first.ok() ? wanted : -1;
}

TEST(Sequence, first_value_is_the_start_and_blocks_follow_each_other) {
  auto s = sequence(2, 1, 100, false);
  SequenceState state;
  state.last_value = 5;
  int64_t wanted = 3;
  auto first = advance_sequence(s, &state, &wanted);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(*first, 5);
  EXPECT_EQ(wanted, 3);
  EXPECT_EQ(state.last_value, 9);
  EXPECT_EQ(*advance_sequence(s, &state, &wanted), 11);
}

TEST(Sequence, end_gives_what_is_left_then_an_error_or_the_beginning) {
  auto s = sequence(1, 1, 3, false);
  SequenceState state;
  state.last_value = 1;
  EXPECT_EQ(count(s, 10, &state), 3);
  int64_t one = 1;
  auto past = advance_sequence(s, &state, &one);
  EXPECT_EQ(past.status().sqlstate(), sqlstate::kSequenceGeneratorLimitExceeded);
  EXPECT_EQ(past.status().message(), "nextval: reached maximum value of sequence \"s\" (3)");
  s.cycle = true;
  EXPECT_EQ(*advance_sequence(s, &state, &one), 1);
}

TEST(Sequence, whole_range_of_int8_overflows_nowhere) {
  auto up = sequence(INT64_MAX, INT64_MIN, INT64_MAX, false);
  SequenceState state;
  state.last_value = INT64_MIN;
  EXPECT_EQ(count(up, 100, &state), 3);
  auto down = sequence(-1, INT64_MIN, -1, false);
  state = SequenceState();
  state.last_value = INT64_MIN + 1;
  EXPECT_EQ(count(down, 100, &state), 2);
  EXPECT_EQ(count(down, 1, &state), -1);
}

}  // namespace
}  // namespace quorate::sql
