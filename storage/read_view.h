// ReadView over active memtable, frozen memtable and checkpoint, in this order of age: the first of
// them that has a version at or below the timestamp has the right one, since a key's versions are
// applied in the order of their timestamps.
#pragma once

#include "storage/engine.h"
#include "storage/memtable.h"
#include "storage/store_format.h"

namespace quorate::storage {

// What a view holds on to.
struct ViewSources {
  std::shared_ptr<const Memtable> memtables[2];  // active; frozen or null
  std::shared_ptr<CheckpointReader> reader;
  uint64_t sequence = 0;  // later applies are not seen
};

// A row as stored in the checkpoint, at a timestamp: the current version where it is old enough,
// else the one that history has. Keeps its cursor into history over calls.
class CheckpointRows {
 public:
  explicit CheckpointRows(CheckpointReader& reader) : reader_(reader) {}

  Result<std::optional<Version>> get(BytesView key, Timestamp ts);
  // The same where the current version's bytes are at hand.
  Result<std::optional<Version>> resolve(BytesView key, BytesView current, Timestamp ts);

 private:
  Result<std::optional<Version>> from_history(BytesView key, Timestamp ts);
  CheckpointReader& reader_;
  std::unique_ptr<CheckpointCursor> history_;
};

// Iterators made by a view must not outlive it.
class View final : public ReadView {
 public:
  explicit View(ViewSources sources) : sources_(std::move(sources)), rows_(*sources_.reader) {}
  // What has been applied since is seen too.
  void advance(uint64_t sequence) { sources_.sequence = sequence; }

  Result<std::optional<Version>> get(BytesView key, Timestamp ts) override;
  Result<std::optional<Version>> newest(BytesView key) override {
    return get(key, Timestamp::max());
  }
  std::unique_ptr<RowIterator> rows(const RowIteratorOptions& options) override;
  Result<std::optional<BytesView>> plain(Keyspace keyspace, BytesView key) override;
  std::unique_ptr<PlainIterator> plains(Keyspace keyspace, const KeySpan& span) override;

 private:
  ViewSources sources_;
  CheckpointRows rows_;
};

}  // namespace quorate::storage
