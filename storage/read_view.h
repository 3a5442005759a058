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
  // The greatest timestamp of a version in (low, high]; zero: none.
  Result<Timestamp> newest_between(BytesView key, BytesView current, Timestamp low, Timestamp high);

 private:
  Result<std::optional<Version>> from_history(BytesView key, Timestamp ts);
  CheckpointReader& reader_;
  std::unique_ptr<CheckpointCursor> history_;
};

// Iterators made by a view must not outlive it.
std::unique_ptr<ReadView> make_read_view(ViewSources sources);

}  // namespace quorate::storage
