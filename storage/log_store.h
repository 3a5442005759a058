// The durable log of one store: entries and hard states of all its replicas, and the store's own
// records, in one stream with one sync for many groups (design §4, safety group 2).
//
// Calls stage into the next batch; sync() makes all that was staged before it durable. Batches are
// written one at a time: while one is being synced the next gathers. What is staged is visible to
// the reading members at once, durable only after its sync.
//
// Staging an entry at index i drops the replica's staged and stored entries at and above i.
// All on the store's executor.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/ids.h"
#include "base/log_entry.h"
#include "base/status.h"
#include "runtime/disk.h"
#include "runtime/task.h"

namespace quorate::storage {

// A replica whose log was damaged before its tail (safety: damaged-replica). What the log still
// holds of it ends before `lowest_lost`. It may grant no vote and acknowledge nothing there until
// the loss is mended; where the extent is unknown it may not be opened at all: it is gone, and its
// group replaces it under a new replica id.
struct DamagedReplica {
  RangeId range;
  ReplicaId replica;
  std::optional<LogIndex> lowest_lost;  // nullopt: unknown, or the hard state is lost too
};

class LogStore {
 public:
  virtual ~LogStore() = default;

  // --- staging ---
  // Entries continue the replica's log or replace its tail; never at or below first_index()-1.
  virtual void append(RangeId range, ReplicaId replica, std::span<const LogEntry> entries) = 0;
  // Opaque to the log (raft::HardState, encoded); the latest one is kept for ever.
  virtual void set_hard_state(RangeId range, ReplicaId replica, Bytes state) = 0;
  // Entries up to `index` are no longer needed by the group; `term` is that of `index`.
  virtual void truncate_prefix(RangeId range, LogIndex index, Term term) = 0;
  // The log restarts after an installed snapshot: it is empty and continues at index + 1.
  virtual void reset(RangeId range, ReplicaId replica, LogIndex index, Term term) = 0;
  // The replica is gone; `least_replica` is the smallest replica id acceptable here from now on (0:
  // none).
  virtual void remove(RangeId range, ReplicaId least_replica) = 0;
  // One of the store's own records (epoch, clock bound, promises); an empty value deletes it.
  virtual void put_local(BytesView key, BytesView value) = 0;

  // Everything staged before this call is durable when it returns ok. After an error the store must
  // stop (safety: sync-failed). Many callers may wait for one sync.
  virtual runtime::Task<Status> sync() = 0;

  // --- reading; staged data included ---
  virtual LogIndex first_index(RangeId range) const = 0;  // after the truncated prefix
  virtual LogIndex last_index(RangeId range) const = 0;   // first_index()-1 when empty
  // The term at `index`, from first_index()-1 to last_index(); 0 outside.
  virtual Term term(RangeId range, LogIndex index) const = 0;
  // Entries [low, high) until about `bytes_max` is reached, at least one; fewer where memory ends.
  // From memory alone: kUnavailable when the entry at `low` is no longer there, then fetch() brings
  // it back. Entries that are not applied, or were appended lately, are in memory unless the
  // cache's limit pressed them out. kNotFound below first_index() or past the end.
  virtual Result<std::vector<LogEntry>> entries(RangeId range, LogIndex low, LogIndex high,
                                                size_t bytes_max) = 0;
  // The same, from the segments where memory does not have them; what is read is cached.
  virtual runtime::Task<Result<std::vector<LogEntry>>> fetch(RangeId range, LogIndex low,
                                                             LogIndex high, size_t bytes_max) = 0;
  virtual Bytes hard_state(RangeId range) const = 0;  // empty: none
  virtual ReplicaId replica(RangeId range) const = 0;
  virtual ReplicaId tombstone(RangeId range) const = 0;  // least acceptable replica id; 0: none
  virtual Bytes local(BytesView key) const = 0;          // empty: none
  virtual std::vector<RangeId> ranges() const = 0;       // sorted

  // The last index of the range's log that is synced and not replaced since.
  virtual LogIndex durable_index(RangeId range) const = 0;

  // --- damage found at open, until mended by an append at or below it, a reset or a removal ---
  virtual std::vector<DamagedReplica> damaged() const = 0;  // sorted by range
  // What the engine holds of the range's replica is damaged: it is gone, as one of whose log an
  // unknown part is lost. Staged.
  virtual void set_damaged(RangeId range) = 0;

  // Where syncs run from now on; the driver knows whether the executor has other work (design §4).
  virtual void set_sync_place(runtime::SyncPlace place) = 0;

  struct Stats {
    uint64_t syncs = 0, batches_bytes = 0, entries = 0, segments = 0;
    uint64_t cached_bytes = 0;  // of payloads that could leave memory, since they are written
  };
  virtual Stats stats() const = 0;
};

}  // namespace quorate::storage
