// What a run measures: latencies by transaction, and everything second by second.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "bench/tpcc/random.h"

namespace quorate::bench {

// Counts of microseconds in buckets of 1/32 octave: a percentile is at most 3.2 % too high, never
// too low.
class Histogram {
 public:
  void add(uint64_t microseconds);
  void merge(const Histogram& other);
  uint64_t count() const { return count_; }
  uint64_t max() const { return max_; }
  double mean() const { return count_ == 0 ? 0 : static_cast<double>(sum_) / count_; }
  // The smallest bucket bound that at least `p` percent of the values do not exceed; 0 when empty.
  uint64_t percentile(double p) const;

 private:
  static constexpr int kSubBits = 5;
  static constexpr size_t kBuckets = 32 << kSubBits;  // the last bucket begins beyond an hour
  static size_t bucket(uint64_t v);
  static uint64_t upper_bound(size_t bucket);

  std::vector<uint32_t> buckets_;  // empty until the first value
  uint64_t count_ = 0, sum_ = 0, max_ = 0;
};

enum class Outcome : uint8_t {
  kCommitted,
  kRolledBack,  // the 1 % of new orders with an unused item: as intended
  kFailed,      // gave up: nothing happened
  kUnknown,     // 40003, or the connection went during COMMIT
};

struct KindStats {
  uint64_t committed = 0, rolled_back = 0, failed = 0, unknown = 0, retries = 0;
  Histogram latency;  // of committed and rolled back ones, retries included, waits excluded
};

struct Second {
  std::array<uint32_t, kKinds> done{};
  uint32_t retries = 0, errors = 0, unknown = 0;
  Histogram latency;
};

struct Snapshot {
  std::array<KindStats, kKinds> kinds;
  std::map<std::string, uint64_t> retries, errors;  // by SQLSTATE
  std::vector<Second> seconds;
  double measured_s = 0;

  uint64_t total() const;  // committed or rolled back
  double tpmc() const;
  double per_second() const;
};

// Shared by all terminals; each call takes one short lock. Only what ends inside the measured time
// is counted in the totals; the seconds show warm-up too.
class Stats {
 public:
  using Clock = std::chrono::steady_clock;
  Stats(Clock::time_point start, double warmup_s, double duration_s)
      : start_(start), warmup_s_(warmup_s), duration_s_(duration_s) {}

  void finished(Kind kind, Outcome outcome, Clock::time_point begin, Clock::time_point end);
  void retried(Kind kind, const std::string& sqlstate);
  void error(const std::string& sqlstate);
  Snapshot snapshot() const;

 private:
  bool measured(Clock::time_point t) const;
  Second& second(Clock::time_point t);

  const Clock::time_point start_;
  const double warmup_s_, duration_s_;
  mutable std::mutex mutex_;
  Snapshot data_;
};

}  // namespace quorate::bench
