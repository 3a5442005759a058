// Reads the log of a store after a restart (safety: record-life, damaged-replica).
//
// Two passes over the segments. The first finds every batch, or what is left of one; their numbers
// tell which is the last. Only the last may be torn, since one sync is in flight at a time: it is
// cut. Anything missing or broken below a number that some later batch proves synced is damage. The
// second replays the batches in order over what the checkpoint knows.
#pragma once

#include <vector>

#include "base/planted.h"
#include "storage/log_group.h"

namespace quorate::storage {

struct RecoverySegment {
  uint32_t slot = 0;
  runtime::File* file = nullptr;
  uint64_t size = 0;
  // Filled in. Zero: nothing in it is needed.
  uint64_t life = 0, first_batch = 0, last_batch = 0;
};

struct RecoveredLog {
  std::map<RangeId, LogGroup> groups;
  std::map<Bytes, Bytes> locals;
  std::vector<DamagedReplica> damaged;
  uint64_t last_batch = 0;  // the tail; the next batch is written with the number after it
  uint64_t log_start = 1;
  uint64_t life_max = 0;
  uint64_t torn_batch = 0;    // what was cut, for the log line; 0: none
  uint64_t cached_bytes = 0;  // of payloads kept, newest first come last
};

// kCorruption where the store's own records, or everyone's, may be lost: then all replicas of this
// store are gone. `payload_bytes_max` bounds the payloads that stay in memory.
runtime::Task<Result<RecoveredLog>> recover_log(std::vector<RecoverySegment>* segments,
                                                LogCheckpoint checkpoint, size_t payload_bytes_max,
                                                PlantedBugs planted);

}  // namespace quorate::storage
