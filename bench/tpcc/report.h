// What a run or a check says, for people, for programs, and as a picture.
#pragma once

#include <string>
#include <vector>

#include "bench/tpcc/check.h"
#include "bench/tpcc/run.h"
#include "bench/tpcc/stats.h"

namespace quorate::bench {

std::string report_table(const RunOptions& options, const Snapshot& snapshot);
std::string report_json(const RunOptions& options, const Snapshot& snapshot);
// A self-contained SVG: throughput, latency (logarithmic) and errors, second by second.
std::string report_svg(const RunOptions& options, const Snapshot& snapshot);

std::string check_table(const std::vector<CheckResult>& results);
std::string check_json(const std::vector<CheckResult>& results);

}  // namespace quorate::bench
