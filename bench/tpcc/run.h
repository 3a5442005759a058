// Runs the terminals for a time and returns what they measured.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/tpcc/client.h"
#include "bench/tpcc/stats.h"

namespace quorate::bench {

struct RunOptions {
  std::vector<std::string> urls;
  int64_t warehouses = 1;
  int terminals = 0;  // 0: ten a warehouse
  double duration_s = 60, warmup_s = 0;
  bool waits = true;  // keying and think times
  // All terminals of a warehouse begin at one URL. There are not fewer of them than warehouses.
  bool home_urls = false;
  bool per_line = false;
  int tries_max = 100;  // of one transaction that is refused with 40001 or 40P01
  ClientOptions client;
  std::string acked_log;  // where to write what the server acknowledged
  uint64_t seed = 0;      // 0: from the clock
  bool quiet = false;
};

// Throws std::runtime_error when nothing can be run at all: no URL answers, or the tables aren't
// there.
Snapshot run(const RunOptions& options);

}  // namespace quorate::bench
