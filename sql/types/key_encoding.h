// Values inside keys: comparing encoded bytes compares values. Frozen: they are on disk.
//
//   tag       00 null that sorts first   01 a value   02 null that sorts last   (never
//   complemented) value     all bytes complemented where the column is descending
//     bool       one byte
//     int types  base/ordered_encoding.h i64          double types  double
//     bytes types  ordered bytes; bpchar without its trailing blanks; uuid the same
//     timetz     i64 UTC microseconds, i64 zone
//     interval   128-bit length as two words, then months and days: equal lengths ('1 day', '24
//     hours') are one
//                key, so what stands after the length can't be kept: decoding gives the days and
//                hours form
//     numeric    canonical (1.0 and 1.00 are one key), see key_encoding.cc
//     arrays     element by element, each with its tag, in a list closed by 00; then dimensions
//
// **Decoding gives a value that is equal, not always identical**: a numeric with the smallest scale
// that holds it, a bpchar without padding (`length_coercion` of cast.h pads it again), an interval
// in canonical form, -0 as 0. An index that must give back what was stored keeps it in the row's
// value.
#pragma once

#include "sql/types/type.h"

namespace quorate::sql {

// False for types that have no order and so can't be in a key.
bool can_be_key(Oid type);
// Whether decode_key gives back exactly what was stored (all but numeric, bpchar, interval, floats,
// arrays of them).
bool key_is_exact(Oid type);

// Appends. `v` may be null.
void encode_key(Type type, const Datum& v, bool descending, bool nulls_first, Bytes& out);
// Removes what it reads from the front of `in`. Corruption where the bytes aren't an encoding.
Status decode_key(Type type, BytesView& in, bool descending, bool nulls_first, Datum* out);
// Steps over one value without decoding it.
Status skip_key(Type type, BytesView& in, bool descending);

}  // namespace quorate::sql
