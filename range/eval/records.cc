#include "range/eval/records.h"

#include "base/ordered_encoding.h"

namespace quorate::range {

namespace {
// Whose an intent or a run is, as whoever waits for it must know.
template <class Record>
TxnHeader header_of(const Record& record, Timestamp ts) {
  TxnHeader h;
  h.id = record.txn;
  h.anchor = record.anchor;
  h.read_ts = ts;
  h.began = record.began;
  h.coordinator = record.coordinator;
  h.coordinator_epoch = record.coordinator_epoch;
  return h;
}
}  // namespace

TxnHeader Intent::header() const { return header_of(*this, ts); }

TxnHeader RunRecord::header() const { return header_of(*this, staged); }

Bytes run_key(BytesView first, const TxnId& txn, uint64_t sequence) {
  Bytes key = txn_record_key(first, txn);
  put_ordered_u32(static_cast<uint32_t>(sequence), key);
  return key;
}

Result<RunRecord> parse_run_record(BytesView value) {
  RunRecord record;
  RETURN_IF_ERROR(decode(value, record));
  if (record.format != 1) return corruption("a run's record has an unknown format");
  return record;
}

Bytes txn_record_key(BytesView anchor, const TxnId& txn) {
  Bytes key;
  key.reserve(anchor.size() + 16);
  key.append(anchor);
  put_ordered_u64(txn.high, key);
  put_ordered_u64(txn.low, key);
  return key;
}

bool parse_txn_record_key(BytesView stored, Bytes& anchor, TxnId& txn) {
  constexpr size_t kIdBytes = 16;
  if (stored.size() < kIdBytes) return false;
  anchor = Bytes(stored.substr(0, stored.size() - kIdBytes));
  BytesView id = stored.substr(stored.size() - kIdBytes);
  return take_ordered_u64(id, txn.high) && take_ordered_u64(id, txn.low);
}

Result<TxnRecord> parse_record(BytesView value) {
  TxnRecord record;
  RETURN_IF_ERROR(decode(value, record));
  if (record.format != 1 && record.format != TxnRecord::kWithRuns)
    return corruption("a transaction record has an unknown format");
  return record;
}

Result<Intent> parse_intent(BytesView value) {
  Intent intent;
  RETURN_IF_ERROR(decode(value, intent));
  if (intent.format != 1) return corruption("an intent has an unknown format");
  return intent;
}

Result<std::optional<TxnRecord>> load_record(storage::ReadView& view, BytesView anchor,
                                             const TxnId& txn) {
  ASSIGN_OR_RETURN(auto value,
                   view.plain(storage::Keyspace::kTxnRecord, txn_record_key(anchor, txn)));
  if (!value) return std::optional<TxnRecord>();
  ASSIGN_OR_RETURN(TxnRecord record, parse_record(*value));
  return std::optional<TxnRecord>(std::move(record));
}

Result<std::optional<Intent>> load_intent(storage::ReadView& view, BytesView key) {
  ASSIGN_OR_RETURN(auto value, view.plain(storage::Keyspace::kIntent, key));
  if (!value) return std::optional<Intent>();
  ASSIGN_OR_RETURN(Intent intent, parse_intent(*value));
  return std::optional<Intent>(std::move(intent));
}

}  // namespace quorate::range
