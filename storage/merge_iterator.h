// The keys of a span in order, over two memtables and the checkpoint, and on it the iterators of
// rows and of plain records. Where no memtable has a row in the span, the checkpoint is walked
// alone.
#pragma once

#include "storage/read_view.h"

namespace quorate::storage {

// Stands on one key; tells which sources have it.
class KeyMerge {
 public:
  KeyMerge(const ViewSources& sources, Keyspace keyspace, KeySpan span, bool reverse);

  bool valid() const { return valid_; }
  BytesView key() const { return key_; }
  const MemRow* row(int memtable) const { return at_[memtable] ? rows_[memtable] : nullptr; }
  // The stored bytes; only where on_disk().
  bool on_disk() const { return disk_at_; }
  BytesView stored() const { return cursor_->value(); }
  void next();

 private:
  void load_row(int memtable, const MemRow* row);
  void load_disk(bool found);
  void pick();
  bool before(BytesView a, BytesView b) const { return reverse_ ? a > b : a < b; }

  const KeySpan span_;
  const char keyspace_;
  const bool reverse_;
  const MemRow* rows_[2] = {nullptr, nullptr};
  std::unique_ptr<CheckpointCursor> cursor_;
  bool disk_valid_ = false;
  BytesView disk_key_;
  // Of the present key.
  bool valid_ = false;
  BytesView key_;
  bool at_[2] = {false, false};
  bool disk_at_ = false;
};

std::unique_ptr<RowIterator> make_row_iterator(const ViewSources& sources,
                                               const RowIteratorOptions& options);
std::unique_ptr<PlainIterator> make_plain_iterator(const ViewSources& sources, Keyspace keyspace,
                                                   const KeySpan& span);

}  // namespace quorate::storage
