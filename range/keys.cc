#include "range/keys.h"

#include "base/ordered_encoding.h"
#include "range/descriptor.h"

namespace quorate::range {

std::string RangeDescriptor::to_string() const {
  std::string out =
      "r" + id.to_string() + " " + span.to_string() + " gen " + std::to_string(generation) + " {";
  for (size_t i = 0; i < replicas.size(); ++i) {
    if (i > 0) out += ", ";
    out += "n" + replicas[i].node.to_string() + ":" + replicas[i].replica.to_string();
    if (replicas[i].role == ReplicaRole::kLearner) out += " learner";
  }
  return out + "}";
}

namespace keys {

Bytes directory_key(BytesView start) {
  Bytes key(1, kDirectoryPrefix);
  put_ordered_bytes(start, key);
  return key;
}
KeySpan directory_span() { return KeySpan::prefix(BytesView(&kDirectoryPrefix, 1)); }
KeySpan system_span() { return KeySpan::prefix(BytesView(&kSystemPrefix, 1)); }
KeySpan tables_span() { return KeySpan::prefix(BytesView(&kTablePrefix, 1)); }

Bytes system_key(BytesView name) {
  Bytes key(1, kSystemPrefix);
  key += name;
  return key;
}

Bytes table_prefix(TableId table) {
  Bytes key(1, kTablePrefix);
  put_ordered_u32(static_cast<uint32_t>(table.value), key);
  return key;
}

Bytes index_prefix(TableId table, IndexId index) {
  Bytes key = table_prefix(table);
  put_ordered_u8(static_cast<uint8_t>(index.value >> 8), key);
  put_ordered_u8(static_cast<uint8_t>(index.value), key);
  return key;
}

Bytes range_record_key(RangeId range, RangeRecord record) {
  Bytes key;
  put_ordered_u64(range.value, key);
  key.push_back(static_cast<char>(record));
  return key;
}

KeySpan range_records_span(RangeId range) {
  Bytes start, end;
  put_ordered_u64(range.value, start);
  put_ordered_u64(range.value + 1, end);
  return {start, end};
}

bool parse_table_key(BytesView key, TableId& table, IndexId& index, BytesView& rest) {
  uint32_t t = 0;
  uint8_t high = 0, low = 0;
  if (key.empty() || key[0] != kTablePrefix) return false;
  key.remove_prefix(1);
  if (!take_ordered_u32(key, t) || !take_ordered_u8(key, high) || !take_ordered_u8(key, low))
    return false;
  table = TableId(t);
  index = IndexId(static_cast<uint64_t>(high) << 8 | low);
  rest = key;
  return true;
}

bool is_vital(BytesView key) {
  TableId table;
  IndexId index;
  BytesView rest;
  return parse_table_key(key, table, index, rest) ? table < kFirstUserTable
                                                  : key < BytesView(&kTablePrefix, 1);
}

}  // namespace keys
}  // namespace quorate::range
