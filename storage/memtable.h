// What was applied and is not in the checkpoint yet: ordered, in memory.
//
// One row a key and keyspace, its versions chained newest first; keys and values are views into the
// log entries they came in, which are kept; rows and chains lie in an arena that goes as a whole.
// Each version carries the sequence of its apply: a view made earlier does not see it, so a view
// costs nothing to make. Plain keys are rows whose versions have no timestamp.
//
// Rows are found by hash (point reads) or walked in order (a skip list; towers by a fixed sequence,
// so that runs repeat). Rows stay where they are: a cursor lives over insertions. One executor
// inserts; once frozen, a helper may read beside it.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <map>
#include <memory>
#include <vector>

#include "base/ids.h"
#include "base/timestamp.h"
#include "storage/write_batch.h"

namespace quorate::storage {

struct MemVersion {
  const MemVersion* older;
  Timestamp ts;       // zero: plain
  uint64_t sequence;  // of the apply that made it
  BytesView value;
  bool deleted;
};

struct MemRow {
  BytesView key;
  const MemVersion* newest;
  MemRow* prev;     // null: the first
  MemRow* next[1];  // as many as the tower is high

  // The newest version that a view of `sequence` sees at `ts`; null: none.
  const MemVersion* visible(Timestamp ts, uint64_t sequence) const {
    const MemVersion* v = newest;
    while (v != nullptr && (v->ts > ts || v->sequence > sequence)) v = v->older;
    return v;
  }
};

class Memtable {
 public:
  Memtable();
  ~Memtable();
  Memtable(const Memtable&) = delete;

  // Keeps `bytes` alive, which keys and values of later put() calls point into.
  void retain(std::shared_ptr<const Bytes> bytes);
  void put(Keyspace keyspace, BytesView key, Timestamp ts, uint64_t sequence, BytesView value,
           bool deleted);

  const MemRow* find(Keyspace keyspace, BytesView key) const;
  const MemRow* seek(Keyspace keyspace, BytesView key) const;  // first >= key
  // Last < key; an empty key means the last of all.
  const MemRow* seek_before(Keyspace keyspace, BytesView key) const;
  const MemRow* first(Keyspace keyspace) const;

  // Memory held, log entries included.
  size_t bytes() const { return bytes_; }
  bool empty() const { return rows_ == 0; }
  size_t rows() const { return rows_; }

  // Rows and bytes of values and keys in a span, from a sample where it is large.
  struct Estimate {
    uint64_t rows = 0, bytes = 0;
  };
  Estimate estimate(Keyspace keyspace, const KeySpan& span) const;

  // Ranges that were applied to, and how far.
  std::map<RangeId, LogIndex> applied;

 private:
  static constexpr int kHeightMax = 12;
  static constexpr size_t kIndexes = std::size(kKeyspaces);
  struct Index {
    MemRow* head[kHeightMax];
    MemRow* tail[kHeightMax];
    int height = 1;
    // The row inserted last, and what stands before its successor on each level: loads insert rows
    // one behind the other somewhere in the middle.
    MemRow* last = nullptr;
    MemRow* finger[kHeightMax];
    absl::flat_hash_map<BytesView, MemRow*> by_key;  // looked up, never walked
  };
  static size_t slot(Keyspace keyspace);
  MemRow* insert(Index& index, BytesView key);
  // The last row < key and, where `before` is given, the last such on each level (null: head).
  static MemRow* find_before(const Index& index, BytesView key, MemRow** before);
  static MemRow* step(const Index& index, MemRow* row, int level) {
    return row == nullptr ? index.head[level] : row->next[level];
  }
  int draw_height();
  void* allocate(size_t bytes);

  std::unique_ptr<Index> indexes_[kIndexes];
  std::vector<std::shared_ptr<const Bytes>> retained_;
  std::vector<std::unique_ptr<char[]>> chunks_;
  size_t chunk_left_ = 0;
  char* chunk_at_ = nullptr;
  size_t bytes_ = 0;
  size_t rows_ = 0;
  uint64_t draw_ = 0x9e3779b97f4a7c15;
};

}  // namespace quorate::storage
