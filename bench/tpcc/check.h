// The standard's consistency conditions 1 to 12 (clause 3.3.2), three of our own that find lost
// updates, and the comparison with a log of acknowledged transactions.
//
// Each condition is a sum of single queries that must be zero for every key: the server only scans,
// groups and adds, the comparison happens here, so that a wrong join in the server can't hide a
// wrong row.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/tpcc/client.h"

namespace quorate::bench {

struct CheckResult {
  std::string name;  // "1", .. "12", "A", ..
  std::string text;
  uint64_t keys = 0;                  // compared
  uint64_t offending = 0;             // keys for which it does not hold
  std::vector<std::string> examples;  // the first few of them, with the values that differ
  bool ok() const { return offending == 0; }
};

struct CheckOptions {
  std::vector<std::string> urls;
  int64_t warehouses = 1;
  std::string acked_log;  // empty: not asked for
  bool quiet = false;
};

// All conditions in one snapshot. Throws SqlError when a query fails.
std::vector<CheckResult> check(const CheckOptions& options);

}  // namespace quorate::bench
