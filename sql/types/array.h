// Arrays (and int2vector, oidvector, which are arrays that begin at 0).
//
// In a Datum (frozen, it is on disk):
//
//   varint  dimensions n, 0 .. 6; 0 is the empty array
//   varint  element type's OID
//   n times varint length, zigzag varint lower bound
//   then each element, the last dimension's index running fastest: varint 0 for null, else 1 + size
//   and the bytes of value_encoding.h
#pragma once

#include <vector>

#include "sql/types/type.h"

namespace quorate::sql {

inline constexpr int kArrayDimensionsMax = 6;
inline constexpr int64_t kArrayElementsMax = 134217727;  // PostgreSQL's MaxArraySize

struct ArrayDimension {
  int32_t length = 0, lower = 1;
  friend bool operator==(const ArrayDimension&, const ArrayDimension&) = default;
};

// An opened array. Elements are views into the Datum it was opened from.
struct Array {
  Oid element = 0;
  std::vector<ArrayDimension> dimensions;  // empty: no elements
  std::vector<Datum> values;

  // CHECKs the form: stored arrays are under checksums.
  static Array open(const Datum& d);
  // One dimension that begins at `lower`; empty when there are no values.
  static Array of(Oid element, std::vector<Datum> values, int32_t lower = 1);
  Datum to_datum() const;
};

// The number of elements without opening the rest.
int64_t array_cardinality(const Datum& d);

Result<Datum> array_input(Oid type, int32_t typmod, std::string_view text, const IoContext& io);
void array_output(Oid type, const Datum& v, const IoContext& io, Bytes& out);
Result<Datum> array_receive(Oid type, int32_t typmod, BytesView data, const IoContext& io);
Status array_send(Oid type, const Datum& v, const IoContext& io, Bytes& out);
// Element by element, nulls last, then by size and dimensions.
int array_compare(const Datum& a, const Datum& b);
uint64_t array_hash(const Datum& v);

}  // namespace quorate::sql
