// What the log keeps in memory of each group: its latest small facts and where its entries stand.
#pragma once

#include <deque>
#include <map>

#include "base/ids.h"
#include "storage/log_format.h"
#include "storage/log_store.h"

namespace quorate::storage {

// The part that checkpoints carry, so that segments may go (safety: checkpoint-whole). Its encoding
// stands in the checkpoint and is frozen.
struct LogGroupMeta {
  ReplicaId replica;
  Bytes hard_state;
  LogIndex truncated;  // entries up to here are gone
  Term truncated_term;
  ReplicaId tombstone;  // the least replica id acceptable; none: 0
  template <class A>
  void serialize(A& a) {
    a(replica, hard_state, truncated, truncated_term, tombstone);
  }
};

// What recovery starts from: the last checkpoint's word about the log.
struct LogCheckpoint {
  uint64_t batch = 0;  // metas and locals of batches up to this number are in here
  std::map<RangeId, LogGroupMeta> groups;
  std::map<RangeId, LogIndex> applied;
  std::map<Bytes, Bytes> locals;
};

// One entry of a group. `segment` 0: staged, not written yet.
struct LogSlot {
  Term term;
  uint8_t kind = 0;
  uint32_t segment = 0;
  RecordPlace place;
  std::shared_ptr<const Bytes> payload;  // null: only on disk
};

struct LogGroup {
  LogGroupMeta meta;
  std::deque<LogSlot> entries;  // of indexes meta.truncated + 1 and on
  LogIndex durable;             // what last_index() was at the last sync, less what was dropped
  LogIndex checkpointed;        // applied, by the last checkpoint

  LogIndex last() const { return LogIndex(meta.truncated.value + entries.size()); }
  bool holds(LogIndex i) const { return i > meta.truncated && i <= last(); }
  LogSlot& at(LogIndex i) {
    DCHECK(holds(i));
    return entries[i.value - meta.truncated.value - 1];
  }
  const LogSlot& at(LogIndex i) const {
    DCHECK(holds(i));
    return entries[i.value - meta.truncated.value - 1];
  }
};

}  // namespace quorate::storage
