#include "bench/tpcc/stats.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace quorate::bench {

size_t Histogram::bucket(uint64_t v) {
  if (v < (2u << kSubBits)) return v;
  const int shift = std::bit_width(v) - 1 - kSubBits;
  const size_t b = (static_cast<size_t>(shift) << kSubBits) + (v >> shift);
  return std::min(b, kBuckets - 1);
}

uint64_t Histogram::upper_bound(size_t b) {
  if (b < (2u << kSubBits)) return b;
  const int shift = static_cast<int>(b >> kSubBits) - 1;
  const uint64_t mantissa = (b & ((1u << kSubBits) - 1)) + (1u << kSubBits);
  return ((mantissa + 1) << shift) - 1;
}

void Histogram::add(uint64_t v) {
  if (buckets_.empty()) buckets_.resize(kBuckets);
  ++buckets_[bucket(v)];
  ++count_;
  sum_ += v;
  max_ = std::max(max_, v);
}

void Histogram::merge(const Histogram& other) {
  if (other.buckets_.empty()) return;
  if (buckets_.empty()) buckets_.resize(kBuckets);
  for (size_t i = 0; i < kBuckets; ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  sum_ += other.sum_;
  max_ = std::max(max_, other.max_);
}

uint64_t Histogram::percentile(double p) const {
  if (count_ == 0) return 0;
  const uint64_t rank = std::max<uint64_t>(1, static_cast<uint64_t>(std::ceil(p / 100.0 * count_)));
  uint64_t seen = 0;
  for (size_t i = 0; i < kBuckets; ++i) {
    seen += buckets_[i];
    if (seen >= rank) return std::min(upper_bound(i), max_);
  }
  return max_;
}

uint64_t Snapshot::total() const {
  uint64_t n = 0;
  for (const KindStats& k : kinds) n += k.committed + k.rolled_back;
  return n;
}

double Snapshot::tpmc() const {
  return measured_s > 0 ? kinds[0].committed * 60.0 / measured_s : 0;
}

double Snapshot::per_second() const {
  return measured_s > 0 ? static_cast<double>(total()) / measured_s : 0;
}

bool Stats::measured(Clock::time_point t) const {
  const double s = std::chrono::duration<double>(t - start_).count();
  return s >= warmup_s_ && s < warmup_s_ + duration_s_;
}

Second& Stats::second(Clock::time_point t) {
  const auto s =
      std::max<int64_t>(0, std::chrono::duration_cast<std::chrono::seconds>(t - start_).count());
  if (data_.seconds.size() <= static_cast<size_t>(s)) data_.seconds.resize(s + 1);
  return data_.seconds[s];
}

void Stats::finished(Kind kind, Outcome outcome, Clock::time_point begin, Clock::time_point end) {
  const uint64_t us = std::chrono::duration_cast<std::chrono::microseconds>(end - begin).count();
  const bool done = outcome == Outcome::kCommitted || outcome == Outcome::kRolledBack;
  std::lock_guard lock(mutex_);
  Second& now = second(end);
  if (done) {
    ++now.done[static_cast<int>(kind)];
    now.latency.add(us);
  }
  if (outcome == Outcome::kUnknown) ++now.unknown;
  if (!measured(end)) return;
  KindStats& k = data_.kinds[static_cast<int>(kind)];
  switch (outcome) {
    case Outcome::kCommitted:
      ++k.committed;
      break;
    case Outcome::kRolledBack:
      ++k.rolled_back;
      break;
    case Outcome::kFailed:
      ++k.failed;
      break;
    case Outcome::kUnknown:
      ++k.unknown;
      break;
  }
  if (done) k.latency.add(us);
}

void Stats::retried(Kind kind, const std::string& sqlstate) {
  const auto now = Clock::now();
  std::lock_guard lock(mutex_);
  ++second(now).retries;
  if (!measured(now)) return;
  ++data_.kinds[static_cast<int>(kind)].retries;
  ++data_.retries[sqlstate];
}

void Stats::error(const std::string& sqlstate) {
  const auto now = Clock::now();
  std::lock_guard lock(mutex_);
  ++second(now).errors;
  if (measured(now)) ++data_.errors[sqlstate];
}

Snapshot Stats::snapshot() const {
  std::lock_guard lock(mutex_);
  Snapshot s = data_;
  const double elapsed = std::chrono::duration<double>(Clock::now() - start_).count();
  s.measured_s = std::clamp(elapsed - warmup_s_, 0.0, duration_s_);
  return s;
}

}  // namespace quorate::bench
