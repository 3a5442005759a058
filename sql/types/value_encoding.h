// Values inside rows and arrays: compact, not ordered. Frozen: they are on disk.
//
//   bool 1 byte · int types zigzag varint (1 to 10 bytes) · float4 4 bytes, float8 8 bytes,
//   little-endian · all others their bytes as the Datum holds them
//
// No length and no null mark: the row's codec keeps both. Decoding gets exactly the value's bytes.
#pragma once

#include "sql/types/type.h"

namespace quorate::sql {

// Appends a value that is not null.
void encode_value(Oid type, const Datum& v, Bytes& out);
// `in` is one whole value. Bytes types give a *view* of `in` (nothing is allocated; see
// Datum::own). Corruption where the bytes aren't a value.
Result<Datum> decode_value(Oid type, BytesView in);
// The same without the checks' cost on a hot path: false on corruption.
bool decode_value_fast(Rep rep, Oid type, BytesView in, Datum* out);
// The encoded size where every value of the type has the same one (bool 1, float4 4, float8 8, uuid
// 16, interval 16, timetz 12); 0 where it varies.
size_t fixed_value_width(Oid type);

void put_varint(uint64_t v, Bytes& out);
bool take_varint(BytesView& in, uint64_t& v);
inline uint64_t zigzag(int64_t v) {
  return static_cast<uint64_t>(v) << 1 ^ static_cast<uint64_t>(v >> 63);
}
inline int64_t unzigzag(uint64_t v) {
  return static_cast<int64_t>(v >> 1) ^ -static_cast<int64_t>(v & 1);
}

}  // namespace quorate::sql
