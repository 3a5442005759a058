// What applying one log entry changes: an ordered list of operations, kept as the very bytes that
// stand in the log entry.
//
// Two kinds of keys. *Versioned* ones are rows: each write carries its timestamp, older versions
// stay readable until garbage collection. *Plain* ones are the database's own records (intents,
// transaction records, range descriptors): one value a key, replaced in place. Each keyspace is one
// kind.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/span.h"
#include "base/status.h"
#include "base/timestamp.h"

namespace quorate::storage {

// First byte of every stored key. Frozen: on disk.
enum class Keyspace : uint8_t {
  kStore = 's',      // plain: this store's own records; never part of a range
  kRange = 'r',      // plain: a range's replicated records, under range_record_prefix()
  kTxnRecord = 't',  // plain: transaction records, by anchor key, so that splits divide them
  kIntent = 'i',     // plain: write intents, by row key
  kRun =
      'b',  // plain: what is known of a sorted run (range/eval/records.h), by its first row's key
  kRunBody = 'c',  // plain: its rows (storage/run_body.h), by the same key
  kRow = 'd',      // versioned
};

inline constexpr Keyspace kKeyspaces[] = {Keyspace::kStore,  Keyspace::kRange, Keyspace::kTxnRecord,
                                          Keyspace::kIntent, Keyspace::kRun,   Keyspace::kRunBody,
                                          Keyspace::kRow};

// Every key of a range's own records in Keyspace::kRange begins so; clear_replica() and snapshots
// find them by it. The other keyspaces of a range are told by its span.
Bytes range_record_prefix(RangeId range);

class WriteBatch {
 public:
  enum class Op : uint8_t {
    kPutVersion = 1,
    kDeleteVersion = 2,
    kPut = 3,
    kDelete = 4,
    kPublishRun = 5
  };

  void put_version(BytesView key, Timestamp ts, BytesView value);
  void delete_version(BytesView key, Timestamp ts);  // a tombstone
  void put(Keyspace keyspace, BytesView key, BytesView value);
  void remove(Keyspace keyspace, BytesView key);
  // The rows of the run under `key` become versions at `ts`, and the run goes. It must be there.
  void publish_run(BytesView key, Timestamp ts);
  void append(const WriteBatch& other);

  bool empty() const { return bytes_.empty(); }
  size_t count() const { return count_; }
  const Bytes& bytes() const { return bytes_; }
  void clear() {
    bytes_.clear();
    count_ = 0;
  }

 private:
  Bytes bytes_;
  size_t count_ = 0;
};

// Walks encoded operations. The views live as long as the bytes.
class WriteBatchReader {
 public:
  explicit WriteBatchReader(BytesView bytes) : rest_(bytes) {}
  // False at the end or at malformed input; status() tells which.
  bool next();
  const Status& status() const { return status_; }
  WriteBatch::Op op = WriteBatch::Op::kPut;
  Keyspace keyspace = Keyspace::kRow;
  BytesView key, value;
  Timestamp ts;

 private:
  BytesView rest_;
  Status status_;
};

}  // namespace quorate::storage
