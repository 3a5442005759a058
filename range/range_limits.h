// Bounds of what a range keeps in memory, and of what one of its commands does. What they are for
// stands in base/limits.h; here, so that simulated nodes can have small ones.
#pragma once

#include <cstddef>

#include "base/limits.h"

namespace quorate::range {

struct RangeLimits {
  size_t uncommitted_bytes = limits::kRangeInflightBytesMax;
  size_t lock_waiters = limits::kLockWaitersMax;
  size_t recent_commits = limits::kRecentCommitsMax;
  size_t refresh_compares = limits::kRefreshComparesMax;
  size_t scan_yield_rows = limits::kScanYieldRows;
  size_t runs = limits::kRangeRunsMax;
  size_t publish_bytes = limits::kPublishBytesMax;
  size_t gc_records = limits::kGcRecordsMax;
  size_t cleared_rows = limits::kClearedRowsMax;
};

}  // namespace quorate::range
