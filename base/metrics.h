// Counters and gauges of one node, registered by name, read by the admin page and by tests that
// count syscalls, wakes and allocations a statement. Plain atomics: any thread may add.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace quorate {

class Counter {
 public:
  void add(uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  void set(uint64_t n) { value_.store(n, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

class Metrics {
 public:
  // The counter of that name; lives as long as the registry. Names are Prometheus names
  // ("quorate_log_syncs_total"); call once and keep the reference.
  Counter& counter(const std::string& name, const std::string& help = {});
  struct Sample {
    std::string name, help;
    uint64_t value;
  };
  std::vector<Sample> samples() const;  // by name

 private:
  struct Entry {
    std::string help;
    Counter counter;
  };
  mutable std::mutex mutex_;  // registration and listing only
  std::map<std::string, std::unique_ptr<Entry>> entries_;
};

}  // namespace quorate
