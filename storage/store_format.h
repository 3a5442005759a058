// Keys and values as they stand in the checkpoint (drawn in FORMAT.md). Frozen.
//
//   d key                  the current version of a row
//   h key ~ts              an older version, or the reminder of a tombstone
//   s|r|t|i key            plain records
//   m ...                  the checkpoint's own: groups, applied indexes, log position, statistics
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/status.h"
#include "base/timestamp.h"
#include "storage/write_batch.h"

namespace quorate::storage {

inline constexpr uint64_t kStoreFormat = 1;

inline constexpr char kHistory = 'h';
inline constexpr char kMeta = 'm';
inline constexpr size_t kHistorySuffix = 8;
inline constexpr size_t kStoredKeyBytesMax = 511;  // LMDB's

// A stored key made on the stack. `fits()` is false for what can't be stored, so is not there.
class StoredKey {
 public:
  StoredKey(char keyspace, BytesView key) { set(keyspace, key); }
  StoredKey(Keyspace keyspace, BytesView key) { set(static_cast<char>(keyspace), key); }
  // Of history: sorts the newest first.
  StoredKey(BytesView key, Timestamp ts) {
    set(kHistory, key);
    if (!fits()) return;
    for (int i = 0; i < 8; ++i) bytes_[size_++] = static_cast<char>(~ts.packed >> (56 - 8 * i));
  }
  bool fits() const { return size_ > 0; }
  BytesView view() const { return BytesView(bytes_, size_); }
  operator BytesView() const { return view(); }

 private:
  void set(char keyspace, BytesView key) {
    if (key.size() + 1 + kHistorySuffix > kStoredKeyBytesMax) return;
    bytes_[0] = keyspace;
    std::copy(key.begin(), key.end(), bytes_ + 1);
    size_ = key.size() + 1;
  }
  char bytes_[kStoredKeyBytesMax];
  size_t size_ = 0;
};

// Splits a history key into row key and timestamp.
bool parse_history_key(BytesView stored, BytesView& key, Timestamp& ts);

// A version as stored, under 'd' and 'h' alike. The checksum covers key, timestamp and value, but
// not under which of both it stands: so it moves as it is.
struct StoredVersion {
  Timestamp ts;
  bool deleted = false;
  BytesView value;
};
void encode_version(BytesView key, const StoredVersion& version, Bytes& out);
Result<StoredVersion> decode_version(BytesView key, BytesView stored);
// Timestamp and tombstone flag alone, unchecked.
bool peek_version(BytesView stored, Timestamp& ts, bool& deleted);

void encode_plain(Keyspace keyspace, BytesView key, BytesView value, Bytes& out);
Result<BytesView> decode_plain(Keyspace keyspace, BytesView key, BytesView stored);

// kCorruption where value and key don't belong together. Says nothing of the checkpoint's own
// records and of snapshots under way.
Status verify_stored(BytesView stored_key, BytesView value);
// Whose a stored row is: a range's own record, or (range 0) that of whoever has the key.
bool parse_stored_place(BytesView stored_key, RangeId& range, Bytes& key);

// The checkpoint's own records.
Bytes meta_group_key(RangeId range);     // LogGroupMeta
Bytes meta_applied_key(RangeId range);   // log index
Bytes meta_local_key(BytesView key);     // the store's own records
Bytes meta_clear_key(RangeId range);     // a span that is being cleared
Bytes meta_bucket_key(BytesView start);  // statistics
inline constexpr BytesView kMetaLogBatch = "mb";
inline constexpr BytesView kMetaFormat = "mf";
inline constexpr BytesView kMetaGroups = "mg", kMetaApplied = "ma", kMetaLocals = "ml",
                           kMetaClears = "mc", kMetaBuckets = "ms";
bool parse_meta_range(BytesView stored, RangeId& range);

// The stored spans of a range: rows, their history, intents and transaction records of the span,
// and the range's own records.
struct StoredSpan {
  Bytes start, end;
};
std::vector<StoredSpan> stored_spans(RangeId range, const KeySpan& span);

}  // namespace quorate::storage
