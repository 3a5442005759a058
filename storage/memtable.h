// What was applied and is not in the checkpoint yet: ordered, in memory.
//
// One row a key and keyspace, its versions chained newest first; keys and values are views into the
// log entries they came in, which are kept; rows and chains lie in an arena that goes as a whole.
// Each version carries the sequence of its apply: a view made earlier does not see it, so a view
// costs nothing to make. Plain keys are rows whose versions have no timestamp.
//
// Rows are found by hash (point reads) or walked in order (row_order.h). Rows stay where they are:
// a cursor lives over insertions. One executor inserts; once frozen, a helper may read beside it.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "base/ids.h"
#include "base/timestamp.h"
#include "storage/row_order.h"
#include "storage/write_batch.h"

namespace quorate::storage {

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
  size_t bytes() const { return arena_.bytes() + retained_bytes_ + hash_bytes_; }
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
  static constexpr size_t kIndexes = std::size(kKeyspaces);
  struct Index {
    explicit Index(Arena& arena) : order(arena) {}
    RowOrder order;
    RowHash by_key;
  };
  static size_t slot(Keyspace keyspace);

  Arena arena_;
  std::unique_ptr<Index> indexes_[kIndexes];
  std::vector<std::shared_ptr<const Bytes>> retained_;
  size_t retained_bytes_ = 0;
  size_t hash_bytes_ = 0;
  size_t rows_ = 0;
};

}  // namespace quorate::storage
