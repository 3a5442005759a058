// Fills the tables with the standard's initial population (clause 4.3.3), several connections at
// once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace quorate::bench {

struct LoadOptions {
  std::vector<std::string> urls;
  int64_t warehouses = 1;
  int threads = 4;
  bool drop_first = false;
  bool foreign_keys = true;
  bool use_insert = false;    // multi-row INSERT in place of COPY
  int64_t batch_rows = 5000;  // rows of one COPY, and so of one transaction
  uint64_t seed = 1;
  bool split = false;  // each warehouse's rows of a table as a range of their own: Quorate alone
  bool quiet = false;
};

// Throws SqlError, or std::runtime_error, when it can't be finished.
void load(const LoadOptions& options);

}  // namespace quorate::bench
