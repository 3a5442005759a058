// The records that commits leave in storage, and where they stand.
//
// Transaction record: Keyspace::kTxnRecord, key = anchor + id (16 bytes, big-endian), value =
// TxnRecord of range/api.h. The anchor stands as it is, so that a range's span tells its records
// too; that is exact because ranges are split at row keys and prefixes, of which none extends
// another row's key.
//
// Intent: Keyspace::kIntent, key = the row's key. A write that is staged: it counts when the
// record at `anchor` says so. One a key.
//
// Run: Keyspace::kRun, key = first row's key + id + sequence (4 bytes, big-endian), value =
// RunRecord; its rows stand under the same key in Keyspace::kRunBody. No run crosses the border of
// its range.
#pragma once

#include <optional>

#include "range/api.h"
#include "storage/engine.h"

namespace quorate::range {

// Frozen: on disk.
struct Intent {
  uint8_t format = 1;
  TxnId txn;
  Bytes anchor;
  Timestamp ts;       // exactly where it was staged
  Timestamp attempt;  // of the commit that staged it; an older one never replaces a newer
  Timestamp began;
  NodeId coordinator;
  uint64_t coordinator_epoch = 0;
  bool lock_only = false;  // a locked row that is not written (safety: locks-save-work)
  bool deleted = false;
  ColumnSet changed = kAllColumns;
  std::optional<Timestamp> base;
  Bytes value;
  template <class A>
  void serialize(A& a) {
    a(format, txn, anchor, ts, attempt, began, coordinator, coordinator_epoch, lock_only, deleted,
      changed, base, value);
  }
  // Whoever waits for it knows its transaction by this.
  TxnHeader header() const;
};

// Frozen: on disk.
struct RunRecord {
  uint8_t format = 1;
  TxnId txn;
  Bytes anchor;
  uint64_t sequence = 0;
  Bytes first, last;
  uint64_t rows = 0, bytes = 0;
  // Where it may be published at the lowest, as far as versions tell.
  Timestamp floor;
  Timestamp staged;   // where it is to be published; zero: its transaction goes on
  Timestamp attempt;  // of the commit that staged it
  Timestamp began;
  NodeId coordinator;
  uint64_t coordinator_epoch = 0;
  template <class A>
  void serialize(A& a) {
    a(format, txn, anchor, sequence, first, last, rows, bytes, floor, staged, attempt, began,
      coordinator, coordinator_epoch);
  }
  TxnHeader header() const;
  bool covers(BytesView key) const { return key >= first && key <= last; }
  bool overlaps(const KeySpan& span) const {
    return last >= span.start && (span.end.empty() || first < span.end);
  }
};

Bytes run_key(BytesView first, const TxnId& txn, uint64_t sequence);
Result<RunRecord> parse_run_record(BytesView value);

Bytes txn_record_key(BytesView anchor, const TxnId& txn);
bool parse_txn_record_key(BytesView stored, Bytes& anchor, TxnId& txn);

// Bytes that can't be read are corruption.
Result<std::optional<TxnRecord>> load_record(storage::ReadView& view, BytesView anchor,
                                             const TxnId& txn);
Result<std::optional<Intent>> load_intent(storage::ReadView& view, BytesView key);
Result<Intent> parse_intent(BytesView value);
Result<TxnRecord> parse_record(BytesView value);

}  // namespace quorate::range
