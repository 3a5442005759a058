// Order, equality and hash of values, by type.
//
// The order is that of PostgreSQL's default btree operator class of the type, with the "C"
// collation for text (bytes compare as unsigned): names, varchar, text. bpchar compares without
// trailing blanks. In float4, float8 and numeric NaN equals itself and is the largest. Intervals
// compare by their length with months of 30 days and days of 24 hours. Equal values have equal
// hashes (1.0 and 1.00, '1 day' and '24 hours').
//
// Neither argument may be null: where nulls sort is the caller's affair. Both have the given type.
#pragma once

#include "sql/types/type.h"

namespace quorate::sql {

using CompareFn = int (*)(const Datum& a, const Datum& b);  // < 0, 0, > 0
using HashFn = uint64_t (*)(const Datum& v);

// nullptr for types without an order (json, xml, void, ...): DISTINCT, GROUP BY, ORDER BY refuse
// them (42883).
CompareFn compare_fn(Oid type);
// nullptr exactly where compare_fn is.
HashFn hash_fn(Oid type);

inline int compare(Oid type, const Datum& a, const Datum& b) { return compare_fn(type)(a, b); }
inline bool equal(Oid type, const Datum& a, const Datum& b) { return compare(type, a, b) == 0; }
inline uint64_t hash(Oid type, const Datum& v) { return hash_fn(type)(v); }

// bpchar's value for comparison, hash and keys: without its trailing blanks.
BytesView without_trailing_blanks(BytesView v);

}  // namespace quorate::sql
