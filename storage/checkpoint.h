// What one checkpoint writes: a frozen memtable and the log's small facts, in one transaction
// (safety: checkpoint-whole). Runs on a helper thread: everything it reads is its own or frozen.
//
// A row whose stored version is damaged stops nothing, since the replica may be needed until others
// can do without it: its new versions are written above the damaged bytes, which stay in history,
// where whoever comes to them is told, for as long as a read may want what they were.
#pragma once

#include "base/planted.h"
#include "storage/checkpoint_store.h"
#include "storage/durable_log.h"
#include "storage/gc_thresholds.h"
#include "storage/memtable.h"
#include "storage/span_statistics.h"

namespace quorate::storage {

struct CheckpointInput {
  std::shared_ptr<const Memtable> memtable;  // frozen
  DurableLog::Changes log;
  GcThresholds thresholds;
  std::shared_ptr<const Buckets> buckets;
  PlantedBugs planted;
};

struct CheckpointOutput {
  Buckets buckets;
  std::optional<GcThresholds::Sweep> sweep;  // of which history was swept
  Bytes swept_until;                         // empty: to its end
  std::vector<Bytes> damaged;                // stored rows that were; not all of very many
};

Status write_checkpoint(const CheckpointInput& input, CheckpointWriter& writer,
                        CheckpointOutput& output);

// The facts of the log, as part of whatever transaction.
Status write_log_changes(const DurableLog::Changes& changes, CheckpointWriter& writer);

// What a restart starts from. kFailedPrecondition when the store is of a newer format.
struct CheckpointState {
  LogCheckpoint log;
  Buckets buckets;
  std::vector<std::pair<RangeId, KeySpan>> clears;  // begun and not finished
  bool fresh = false;                               // nothing was ever written
};
Status load_checkpoint(CheckpointReader& reader, CheckpointState& state);

}  // namespace quorate::storage
