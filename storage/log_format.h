// The bytes of the log: batches of records in 4 KiB blocks (drawn in storage/FORMAT.md). Pure; the
// files are log_segments.h, the meaning of the records is durable_log.h.
//
// A batch is what one sync makes durable: header, records, padding, footer. Header and footer both
// name the groups in it and what of theirs it holds, so that a damaged batch still tells who lost
// what. Everything is bound by checksums to its segment's life and to its place there, so that what
// a recycled segment held before can't be taken for the present (safety: record-life).
#pragma once

#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/log_entry.h"
#include "base/status.h"
#include "runtime/disk.h"

namespace quorate::storage {

inline constexpr size_t kLogBlock = 4096;

// Frozen: on disk.
enum class RecordType : uint8_t {
  kEntry = 1,   // drops the group's entries at and above its index
  kCopied = 2,  // an entry carried forward from an older segment; drops nothing
  kHardState = 3,
  kTruncate = 4,
  kReset = 5,
  kRemove = 6,
  kLocal = 7,
};

// One record, staged or read. Which fields count depends on the type; the body on disk holds
// exactly those.
struct LogRecord {
  RecordType type = RecordType::kLocal;
  RangeId range;
  ReplicaId replica;  // kRemove: the least one acceptable
  LogIndex index;
  Term term;
  uint8_t kind = 0;
  Bytes key;                             // kLocal
  Bytes value;                           // kHardState: the state; kLocal
  std::shared_ptr<const Bytes> payload;  // entries

  bool is_entry() const { return type == RecordType::kEntry || type == RecordType::kCopied; }
  // What it takes in a batch, at most.
  size_t bytes_max() const;
};

// What one batch holds of one group.
struct GroupExtent {
  // Frozen: on disk.
  static constexpr uint8_t kHardState = 1;  // a hard state
  static constexpr uint8_t kOther = 2;      // a reset or a removal
  RangeId range;                            // none: the store's own records
  ReplicaId replica;
  LogIndex first, last;  // of kEntry records; none when there are none
  Term last_term;
  uint8_t flags = 0;
  friend bool operator==(const GroupExtent&, const GroupExtent&) = default;
  template <class A>
  void serialize(A& a) {
    a(range, replica, first, last, last_term, flags);
  }
};

// What identifies a batch; in header and footer alike.
struct BatchIdentity {
  uint64_t life = 0;       // of the segment: grows with each use of a file
  uint64_t position = 0;   // in the segment
  uint64_t number = 0;     // of the batch: consecutive over all segments, from 1
  uint64_t log_start = 0;  // batches below this number were no longer needed when it was written
  uint64_t synced = 0;     // batches up to this number were synced when it was written
  uint32_t batch_bytes = 0;
  friend bool operator==(const BatchIdentity&, const BatchIdentity&) = default;
};

struct BatchHeader {
  BatchIdentity id;
  uint32_t header_bytes = 0, records_bytes = 0, records_crc = 0;
  std::vector<GroupExtent> groups;
};

struct BatchFooter {
  BatchIdentity id;
  std::vector<GroupExtent> groups;
};

// Where a record stands in its segment: offset of its length field, and bytes with both fields.
struct RecordPlace {
  uint64_t offset = 0;
  uint32_t bytes = 0;
};

// Lays one batch out. The buffer grows as needed and is reused.
class BatchEncoder {
 public:
  // `id.batch_bytes` is filled in. The view lives until the next call.
  BytesView encode(BatchIdentity id, const std::vector<LogRecord>& records);
  const std::vector<RecordPlace>& places() const { return places_; }  // one a record

 private:
  std::vector<GroupExtent> extents(const std::vector<LogRecord>& records) const;

  runtime::AlignedBuffer buffer_{kLogBlock};
  std::vector<RecordPlace> places_;
  Bytes text_;
};

// At most what encode() makes of records that sum to `record_bytes` over `groups` groups.
size_t batch_bytes_max(size_t record_bytes, size_t groups);

// The header that begins at `offset` of the segment; false unless it is whole and belongs there.
bool parse_header(BytesView segment, uint64_t offset, BatchHeader& header);
// The footer that ends at `end` of the segment.
bool parse_footer(BytesView segment, uint64_t end, BatchFooter& footer);
// Whether records and footer agree with the header.
bool batch_is_whole(BytesView segment, const BatchHeader& header);
// Reads the record at `offset` (of the segment) from `bytes`, which begin there. False: not one.
bool parse_record(BytesView bytes, uint64_t life, uint64_t offset, LogRecord& record,
                  RecordPlace& place);

}  // namespace quorate::storage
