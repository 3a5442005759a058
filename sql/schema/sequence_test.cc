#include "sql/schema/sequence.h"

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

TEST(Sequence, first_value_is_the_start_and_blocks_follow_each_other) {
  auto s = sequence(2, 1, 100, false);
  SequenceState state;
  state.last_value = 5;
  auto a = advance_sequence(s, 3, &state);
  ASSERT_TRUE(a.ok());
  EXPECT_EQ(a->first, 5);
  EXPECT_EQ(a->count, 3u);
  EXPECT_EQ(state.last_value, 9);
  auto b = advance_sequence(s, 1, &state);
  EXPECT_EQ(b->first, 11);
}

TEST(Sequence, end_gives_what_is_left_then_an_error_or_the_beginning) {
  auto s = sequence(1, 1, 3, false);
  SequenceState state;
  state.last_value = 1;
  EXPECT_EQ(advance_sequence(s, 10, &state)->count, 3u);
  auto past = advance_sequence(s, 1, &state);
  EXPECT_EQ(past.status().sqlstate(), sqlstate::kSequenceGeneratorLimitExceeded);
  EXPECT_EQ(past.status().message(), "nextval: reached maximum value of sequence \"s\" (3)");
  s.cycle = true;
  EXPECT_EQ(advance_sequence(s, 1, &state)->first, 1);
}

TEST(Sequence, whole_range_of_int8_overflows_nowhere) {
  auto up = sequence(INT64_MAX, INT64_MIN, INT64_MAX, false);
  SequenceState state;
  state.last_value = INT64_MIN;
  EXPECT_EQ(advance_sequence(up, 100, &state)->count, 3u);
  auto down = sequence(-1, INT64_MIN, -1, false);
  state = SequenceState();
  state.last_value = INT64_MIN + 1;
  EXPECT_EQ(advance_sequence(down, 100, &state)->count, 2u);
  EXPECT_FALSE(advance_sequence(down, 1, &state).ok());
}

}  // namespace
}  // namespace quorate::sql
