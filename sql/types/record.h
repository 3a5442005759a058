// record: a row value, as ROW(...), whole-row references and sub-selects make them.
//
// In a Datum (never on disk): varint count, then for each field varint type OID, varint 0 for null
// or 1 + size, and the bytes of value_encoding.h.
#pragma once

#include <span>
#include <vector>

#include "sql/types/type.h"

namespace quorate::sql {

struct RecordField {
  Oid type = 0;
  Datum value;
};

Datum make_record(std::span<const Oid> types, std::span<const Datum> values);
// Fields are views into the record.
std::vector<RecordField> open_record(const Datum& record);
// (1,"a b",)
void record_output(const Datum& v, const IoContext& io, Bytes& out);
Status record_send(const Datum& v, const IoContext& io, Bytes& out);
// Field by field, nulls last. Different field counts: the shorter first.
int record_compare(const Datum& a, const Datum& b);
uint64_t record_hash(const Datum& v);

}  // namespace quorate::sql
