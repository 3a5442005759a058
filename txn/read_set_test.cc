#include "txn/read_set.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace quorate::txn {
namespace {

Bytes row(char table, uint32_t n) {
  Bytes key(1, table);
  for (int shift = 24; shift >= 0; shift -= 8) key.push_back(static_cast<char>(n >> shift));
  return key;
}

TEST(ReadSet, a_full_one_joins_rows_of_one_table_before_tables) {
  ReadSet set(64, 1 << 20);
  set.add_point(row('a', 1), 1, 1, Timestamp(5));
  set.add_point(row('c', 1), 1, 1, Timestamp(5));
  for (uint32_t n = 0; n < 10'000; ++n) set.add_point(row('e', 3 * n), 1, 1, Timestamp(5));
  set.add_point(row('g', 1), 1, 1, Timestamp(5));
  const std::vector<range::ReadSpan> reads = set.reads([](BytesView) { return false; });
  EXPECT_LE(reads.size(), 64u);
  for (char table : {'a', 'c', 'g'}) {
    EXPECT_TRUE(std::any_of(reads.begin(), reads.end(), [&](const range::ReadSpan& r) {
      return r.span == KeySpan::point(row(table, 1));
    })) << table;
  }
  for (uint32_t n = 0; n < 10'000; ++n) {
    ASSERT_TRUE(std::any_of(reads.begin(), reads.end(), [&](const range::ReadSpan& r) {
      return r.span.contains(row('e', 3 * n));
    })) << n;
  }
}

TEST(ReadSet, one_of_far_spans_alone_becomes_smaller_all_the_same) {
  ReadSet set(8, 1 << 20);
  for (int table = 'A'; table <= 'Z'; ++table)
    set.add_point(row(static_cast<char>(table), 1), 1, 1, Timestamp(5));
  EXPECT_LE(set.size(), 8u);
}

}  // namespace
}  // namespace quorate::txn
