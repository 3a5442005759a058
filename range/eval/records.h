// The two records that commits leave in storage, and where they stand.
//
// Transaction record: Keyspace::kTxnRecord, key = anchor + id (16 bytes, big-endian), value =
// TxnRecord of range/api.h. The anchor stands as it is, so that a range's span tells its records
// too; that is exact because ranges are split at row keys and prefixes, of which none extends
// another row's key.
//
// Intent: Keyspace::kIntent, key = the row's key. A write that is staged: it counts when the
// record at `anchor` says so. One a key.
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

Bytes txn_record_key(BytesView anchor, const TxnId& txn);

// Bytes that can't be read are corruption.
Result<std::optional<TxnRecord>> load_record(storage::ReadView& view, BytesView anchor,
                                             const TxnId& txn);
Result<std::optional<Intent>> load_intent(storage::ReadView& view, BytesView key);
Result<Intent> parse_intent(BytesView value);
Result<TxnRecord> parse_record(BytesView value);

}  // namespace quorate::range
