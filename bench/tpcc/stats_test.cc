#include "bench/tpcc/stats.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "bench/tpcc/report.h"

namespace quorate::bench {
namespace {

TEST(Histogram, small_values_are_exact) {
  Histogram h;
  for (uint64_t v = 1; v <= 60; ++v) h.add(v);
  EXPECT_EQ(h.percentile(50), 30u);
  EXPECT_EQ(h.percentile(100), 60u);
  EXPECT_EQ(h.percentile(0), 1u);
  EXPECT_EQ(h.max(), 60u);
  EXPECT_DOUBLE_EQ(h.mean(), 30.5);
}

// Percentiles are compared with a sorted list: never below the true value, at most 1/32 above.
TEST(Histogram, percentiles_are_close_to_the_sorted_list_over_the_whole_range) {
  Random random(11);
  Histogram h;
  std::vector<uint64_t> all;
  for (int i = 0; i < 50'000; ++i) {
    const uint64_t v = random.next() >> random.uniform(24, 63);
    all.push_back(std::min<uint64_t>(v, 3'600'000'000));
    h.add(all.back());
  }
  std::sort(all.begin(), all.end());
  for (double p : {1.0, 10.0, 50.0, 90.0, 99.0, 99.9, 100.0}) {
    const uint64_t truth = all[std::max<size_t>(1, std::ceil(p / 100 * all.size())) - 1];
    EXPECT_GE(h.percentile(p), truth) << p;
    EXPECT_LE(h.percentile(p), truth + truth / 32 + 1) << p;
  }
}

TEST(Histogram, merging_is_adding_all_values) {
  Histogram a, b, both;
  for (uint64_t v = 1; v < 1000; ++v) {
    (v % 2 ? a : b).add(v * v);
    both.add(v * v);
  }
  a.merge(b);
  EXPECT_EQ(a.count(), both.count());
  EXPECT_EQ(a.percentile(99), both.percentile(99));
  EXPECT_EQ(Histogram().percentile(99), 0u);
}

TEST(Stats, warm_up_is_shown_but_not_counted) {
  const auto start = Stats::Clock::now() - std::chrono::seconds(20);
  Stats stats(start, 5, 10);
  auto at = [&](double s) {
    return start + std::chrono::microseconds(static_cast<int64_t>(s * 1e6));
  };
  stats.finished(Kind::kNewOrder, Outcome::kCommitted, at(1), at(2));  // warm-up
  stats.finished(Kind::kNewOrder, Outcome::kCommitted, at(6), at(6.001));
  stats.finished(Kind::kNewOrder, Outcome::kRolledBack, at(6), at(6.5));
  stats.finished(Kind::kPayment, Outcome::kUnknown, at(7), at(8));
  stats.finished(Kind::kPayment, Outcome::kCommitted, at(14), at(15.5));  // after the end
  const Snapshot s = stats.snapshot();
  EXPECT_DOUBLE_EQ(s.measured_s, 10);
  EXPECT_EQ(s.kinds[0].committed, 1u);
  EXPECT_EQ(s.kinds[0].rolled_back, 1u);
  EXPECT_EQ(s.kinds[1].unknown, 1u);
  EXPECT_EQ(s.total(), 2u);
  EXPECT_DOUBLE_EQ(s.tpmc(), 6);
  EXPECT_EQ(s.seconds[2].done[0], 1u);
}

TEST(Report, a_run_without_any_transaction_can_still_be_reported) {
  const RunOptions options;
  const Snapshot empty;
  EXPECT_NE(report_table(options, empty).find("tpmC 0"), std::string::npos);
  EXPECT_NE(report_json(options, empty).find("\"tpmC\""), std::string::npos);
  EXPECT_NE(report_svg(options, empty).find("</svg>"), std::string::npos);
}

}  // namespace
}  // namespace quorate::bench
