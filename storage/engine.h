// A store: one log, one memtable, one checkpoint (LMDB), put together (design §4).
//
//     propose -> LogStore::append + sync -> committed -> Engine::apply -> memtable -> checkpoint ->
//     LMDB
//                                                                          reads merge the last
//                                                                          three
//
// The log makes an entry durable, the memtable makes it readable, LMDB is the checkpoint that lets
// the log go. After a crash: open LMDB, and for each replica replay the log from its applied index.
// One executor; apply() and reads never wait.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/ids.h"
#include "base/planted.h"
#include "base/span.h"
#include "base/status.h"
#include "base/timestamp.h"
#include "runtime/cancel.h"
#include "runtime/env.h"
#include "runtime/task.h"
#include "storage/checkpoint_store.h"
#include "storage/log_store.h"
#include "storage/write_batch.h"

namespace quorate::storage {

// A row as a read at a timestamp finds it.
struct Version {
  Timestamp ts;
  bool deleted = false;
  BytesView value;  // lives as long as the view it came from
};

// Iterates the rows of a span as of `ts`, newest version at or below it, deleted ones skipped.
class RowIterator {
 public:
  virtual ~RowIterator() = default;
  virtual bool valid() const = 0;
  virtual void next() = 0;  // in the direction it was made for
  virtual BytesView key() const = 0;
  virtual Timestamp ts() const = 0;
  virtual BytesView value() const = 0;
  // Corrupt stored bytes end the iteration with this.
  virtual Status status() const = 0;
};

class PlainIterator {
 public:
  virtual ~PlainIterator() = default;
  virtual bool valid() const = 0;
  virtual void next() = 0;
  virtual BytesView key() const = 0;
  virtual BytesView value() const = 0;
  virtual Status status() const = 0;
};

struct RowIteratorOptions {
  KeySpan span;
  Timestamp ts;
  // Versions in (ts, uncertain_until] on any key of the span met on the way are told by
  // `*uncertain` (the greatest such timestamp), deleted ones included.
  Timestamp uncertain_until;
  Timestamp* uncertain = nullptr;
  bool reverse = false;
  bool with_deleted = false;  // yields tombstones too (value empty, deleted() by ReadView::get)
};

// What the store held at the moment the view was made. Cheap (no copy, no allocation per key);
// bounded in number and age: a view must not be held over a wait of unknown length, since it pins
// memory and LMDB pages.
class ReadView {
 public:
  virtual ~ReadView() = default;
  // The newest version at or below ts, a tombstone included; nullopt: none that is known.
  virtual Result<std::optional<Version>> get(BytesView key, Timestamp ts) = 0;
  // The newest version of all.
  virtual Result<std::optional<Version>> newest(BytesView key) = 0;
  virtual std::unique_ptr<RowIterator> rows(const RowIteratorOptions& options) = 0;
  virtual Result<std::optional<BytesView>> plain(Keyspace keyspace, BytesView key) = 0;
  virtual std::unique_ptr<PlainIterator> plains(Keyspace keyspace, const KeySpan& span) = 0;
};

struct EngineOptions {
  std::string directory = "store";    // under the node's data directory
  size_t segment_bytes = 16u << 20;   // of the log
  size_t memtable_bytes = 32u << 20;  // frozen above this
  runtime::Duration memtable_age = std::chrono::seconds(60);
  size_t log_retained_bytes = 64u << 20;  // kept for lagging followers at most
  size_t entry_cache_bytes = 32u << 20;
  uint64_t disk_reserve_bytes = 256u << 20;  // less is Space::kLow, less than half of it kOut
  PlantedBugs planted;
};

struct SpanStats {
  uint64_t bytes = 0, rows = 0;
};

// What the device still takes (safety: space).
enum class Space : uint8_t {
  kPlenty,
  kLow,  // growth must be refused with 53100
  kOut   // deleting rows too, which takes room before it gives any back
};

class Engine {
 public:
  virtual ~Engine() = default;

  // Opens or creates. The checkpoint store is LMDB in the real world, a model in the simulator.
  static runtime::Task<Result<std::unique_ptr<Engine>>> open(
      runtime::Env& env, EngineOptions options, std::unique_ptr<CheckpointStore> checkpoint);

  virtual LogStore& log() = 0;

  // Makes a committed entry's operations readable. Per range in index order, without gaps. The
  // bytes are kept by reference until the checkpoint has them. A key's versions come in the order
  // of their timestamps; one at an equal timestamp replaces. Never refuses: whoever proposes looks
  // at write_stalled() first, and whoever applies at apply_stalled(). Malformed operations stop the
  // store (health). An entry that this store's log has not synced yet is readable but no checkpoint
  // covers it (safety: checkpoint-whole).
  virtual void apply(RangeId range, LogIndex index, std::shared_ptr<const Bytes> payload,
                     BytesView operations) = 0;
  // At least the log's truncated index, so that a child born by LogStore::reset starts there.
  virtual LogIndex applied_index(RangeId range) const = 0;
  virtual LogIndex checkpointed_index(RangeId range) const = 0;

  // True while the active memtable is full and can't be frozen yet, since another one is, or since
  // its checkpoint waits for its turn: proposals wait.
  virtual bool write_stalled() const = 0;
  // The same, at twice the size: what others have proposed must wait too, in the log. What was
  // under way when writes were stalled, and collecting garbage, fits in between.
  virtual bool apply_stalled() const = 0;
  // What both memtables hold, and the most that the two bounds above allow where entries of at most
  // `memtable_bytes` are applied together, given what the largest entry so far took.
  struct MemtableUse {
    size_t bytes = 0, most = 0;
  };
  virtual MemtableUse memtable_use() const = 0;
  // Until writes are not stalled.
  virtual runtime::Task<Status> wait_for_room(runtime::CancelToken token,
                                              runtime::Instant deadline) = 0;

  virtual std::unique_ptr<ReadView> view() = 0;
  // The same without making one: valid until the caller waits or anything is applied. What it gives
  // lives as long.
  virtual ReadView& view_now() = 0;

  // Versions of the span that no read at or above `threshold` can see may be dropped from now on.
  virtual void set_gc_threshold(const KeySpan& span, Timestamp threshold) = 0;

  // Removes every key of a removed replica's span, and the range's own records, durably. One that a
  // crash interrupts is finished by the next open(). Nothing is applied to the span meanwhile.
  virtual runtime::Task<Status> clear_replica(RangeId range, KeySpan span) = 0;

  // Snapshots: an encoded copy of the range at its applied index, in chunks, from a spool file so
  // that a slow receiver pins nothing.
  struct SnapshotInfo {
    LogIndex index;
    Term term;
    uint64_t bytes = 0;
  };
  class SnapshotReader {
   public:
    virtual ~SnapshotReader() = default;
    virtual const SnapshotInfo& info() const = 0;
    // Empty at the end.
    virtual runtime::Task<Result<Bytes>> next_chunk() = 0;
  };
  virtual runtime::Task<Result<std::unique_ptr<SnapshotReader>>> make_snapshot(RangeId range,
                                                                               KeySpan span) = 0;
  class SnapshotWriter {
   public:
    virtual ~SnapshotWriter() = default;
    virtual runtime::Task<Status> add_chunk(Bytes chunk) = 0;
    // Replaces the span and the range's records and sets the applied index, all or nothing, durably
    // (safety: install-snapshot). The caller has stopped applying to this range. The log's reset to
    // (index, term) is staged here, for the replica the log has of the range.
    virtual runtime::Task<Status> install(RangeId range, KeySpan span, LogIndex index,
                                          Term term) = 0;
  };
  virtual runtime::Task<Result<std::unique_ptr<SnapshotWriter>>> receive_snapshot() = 0;

  // Compares what the checkpoint holds of a replica with its checksums, on a helper: from the
  // stored key `from` on (empty: from the first) until about `bytes_max` are read, or the end.
  // kCorruption where a row is damaged.
  struct Verified {
    Bytes next;  // where to go on; empty: that was all
    uint64_t bytes = 0;
  };
  virtual runtime::Task<Result<Verified>> verify(RangeId range, KeySpan span, Bytes from,
                                                 uint64_t bytes_max) = 0;
  // Stored rows that the latest checkpoint found damaged, told once; not all of very many.
  virtual std::vector<Bytes> take_damaged() = 0;
  // The stored run whose publication stopped the engine, since it is damaged; empty: none.
  virtual Bytes damaged_key() const = 0;

  // An estimate, good enough to decide on splits: bytes and rows of the span, newest versions.
  virtual SpanStats span_stats(const KeySpan& span) = 0;
  // A key that halves the span by bytes; empty when there is none inside.
  virtual Bytes middle_key(const KeySpan& span) = 0;

  virtual Space space() const = 0;
  // Non-null once the store must stop (failed sync, corruption); further calls fail.
  virtual Status health() const = 0;
  // Returns when all that was applied before is in the checkpoint; for a clean shutdown, for
  // tests.
  virtual runtime::Task<Status> checkpoint_now() = 0;
};

}  // namespace quorate::storage
