// The files of the log: preallocated, of one size, used again and again.
//
//   live:  oldest ... active       batches are consecutive through them
//   waiting                        no longer needed; free once a batch that says so is synced
//   free                           the next roll takes one
//
// A batch larger than a segment gets a file of its own size, which is removed afterwards.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "runtime/env.h"
#include "runtime/sync.h"
#include "storage/log_recovery.h"

namespace quorate::storage {

struct LogSegment {
  uint32_t slot = 0;                    // names the file; from 1
  std::shared_ptr<runtime::File> file;  // a read in progress outlives the segment
  uint64_t size = 0;
  uint64_t life = 0;
  uint64_t first_batch = 0, last_batch = 0;
  uint64_t used = 0;              // where the next batch goes
  uint64_t entries = 0;           // entries that some group has here
  uint64_t retired_at_batch = 0;  // waiting: free once this batch is synced
};

class LogSegments {
 public:
  LogSegments(runtime::Env& env, std::string directory, uint64_t segment_bytes)
      : env_(env),
        directory_(std::move(directory)),
        segment_bytes_(segment_bytes),
        changing_(*env.executor, 1) {}

  // Finds and opens the files there are.
  runtime::Task<Status> open();
  std::vector<RecoverySegment> for_recovery() const;
  void adopt(const std::vector<RecoverySegment>& recovered, uint64_t life_max);

  // Makes an empty segment with room for `bytes` the active one; `batch` will be its first.
  runtime::Task<Status> roll(uint64_t batch, uint64_t bytes, uint64_t synced_batch);
  // Keeps one free file at hand, so that a roll need not wait for an allocation.
  runtime::Task<Status> prepare(uint64_t synced_batch);

  bool has_active() const { return !live_.empty(); }
  LogSegment& active() { return *at(live_.back()); }
  LogSegment& oldest() { return *at(live_.front()); }
  LogSegment& second() { return *at(live_[1]); }
  LogSegment* at(uint32_t slot);
  size_t live_count() const { return live_.size(); }
  size_t count() const { return segments_.size(); }
  uint64_t live_bytes() const;
  // The oldest is needed no longer, which batch `batch` will be the first to say.
  void retire_oldest(uint64_t batch);

 private:
  runtime::Task<Result<uint32_t>> take(uint64_t bytes, uint64_t synced_batch);
  runtime::Task<Result<uint32_t>> create(uint64_t bytes);
  std::string path(uint32_t slot) const;

  runtime::Env& env_;
  const std::string directory_;
  const uint64_t segment_bytes_;
  std::map<uint32_t, LogSegment> segments_;
  std::deque<uint32_t> live_, waiting_, free_;
  uint64_t life_max_ = 0;
  uint32_t slot_max_ = 0;
  runtime::Semaphore changing_;  // one file is made at a time
};

}  // namespace quorate::storage
