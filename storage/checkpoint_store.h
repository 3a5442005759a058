// What storage asks of LMDB. One implementation is LMDB (storage/lmdb_env.cc, the only file that
// knows it), one an ordered map with crash semantics for the simulator
// (storage/testing/map_checkpoint_store): LMDB maps and writes its own file, so no simulated disk
// can stand under it.
//
// Keys and values are byte strings; the first key byte is the keyspace ('h' is history). A write is
// all or nothing and synced. Readers see the state at the moment they were made and block nobody,
// but pin pages: short-lived and bounded in number.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/status.h"
#include "runtime/task.h"

namespace quorate::storage {

class CheckpointCursor {
 public:
  virtual ~CheckpointCursor() = default;
  virtual bool seek(BytesView key) = 0;  // first key >= key
  virtual bool seek_before(
      BytesView key) = 0;  // last key < key; an empty key means the last of all
  virtual bool next() = 0;
  virtual bool prev() = 0;
  virtual bool valid() const = 0;
  virtual BytesView key()
      const = 0;  // both live until the cursor moves, and at most as long as the reader
  virtual BytesView value() const = 0;
};

class CheckpointReader {
 public:
  virtual ~CheckpointReader() = default;
  virtual std::optional<BytesView> get(BytesView key) = 0;
  virtual std::unique_ptr<CheckpointCursor> cursor() = 0;
  virtual Status status() const = 0;  // e.g. MDB_CORRUPTED met on the way
};

// Given to the writer function, on a helper thread in the real world.
class CheckpointWriter {
 public:
  virtual ~CheckpointWriter() = default;
  virtual Status put(BytesView key, BytesView value) = 0;
  virtual Status remove(BytesView key) = 0;
  virtual Status remove_span(BytesView start, BytesView end) = 0;
  virtual std::optional<BytesView> get(BytesView key) = 0;  // sees this write's own changes
  virtual std::unique_ptr<CheckpointCursor> cursor() = 0;
};

class CheckpointStore {
 public:
  virtual ~CheckpointStore() = default;
  // One synced transaction: `fill` runs where it may block and touches nothing of the executor's.
  // One at a time.
  virtual runtime::Task<Status> write(std::function<Status(CheckpointWriter&)> fill) = 0;
  virtual std::unique_ptr<CheckpointReader> read() = 0;
  virtual uint64_t used_bytes() const = 0;
  virtual uint64_t free_bytes() const = 0;  // left in the map and on the disk, the lesser
};

}  // namespace quorate::storage
