// The map of the key space, which ranges divide. Frozen: on disk.
//
//   01 ...            the directory: descriptors of all ranges, by start key      (range 1 at
//   birth) 02 ...            the system's own rows: nodes, ids, settings, transaction status (range
//   2) 10 table index …  rows of SQL tables, the catalog's own tables among them     (range 3)
//
// table: 4 bytes, index: 2 bytes, big-endian; then the index columns, order-preserving
// (sql/catalog/row_codec).
#pragma once

#include "base/bytes.h"
#include "base/ids.h"
#include "base/span.h"

namespace quorate::range::keys {

inline constexpr char kDirectoryPrefix = '\x01';
inline constexpr char kSystemPrefix = '\x02';
inline constexpr char kTablePrefix = '\x10';

// The directory's row for the range that starts at `start`.
Bytes directory_key(BytesView start);
KeySpan directory_span();
KeySpan system_span();
KeySpan tables_span();
Bytes system_key(BytesView name);  // e.g. "node/7"
Bytes index_prefix(TableId table, IndexId index);
Bytes table_prefix(TableId table);
// Ids below are of the catalog's own tables.
inline constexpr TableId kFirstUserTable{100};
// Whether the key is of the directory, the system or the catalog: few rows, which must be writable
// where the disk is nearly full, so that reads go on and tables can be dropped.
bool is_vital(BytesView key);

// A range's own replicated records, in Keyspace::kRange. Frozen: on disk.
enum class RangeRecord : char {
  kDescriptor = 'd',  // RangeDescriptor
  kConf = 'c',        // raft::ConfState as of the applied index
  kGc = 'g',          // GcTrigger: threshold and record mark in force
};
Bytes range_record_key(RangeId range, RangeRecord record);
KeySpan range_records_span(RangeId range);

// False when the key is not a table's row.
bool parse_table_key(BytesView key, TableId& table, IndexId& index, BytesView& rest);

}  // namespace quorate::range::keys
