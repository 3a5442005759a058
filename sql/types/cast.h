// Casts between types, as pg_cast lists them, plus PostgreSQL's built-in conversions through text.
#pragma once

#include <optional>
#include <span>

#include "sql/types/type.h"

namespace quorate::sql {

enum class CastContext : uint8_t { kImplicit, kAssignment, kExplicit };

// Converts one value that is not null. `target` carries the modifier for casts that know about it
// (explicit says whether the user asked: an explicit cast to varchar(n) cuts silently).
using CastFn = Result<Datum> (*)(const IoContext& io, Type source, Type target, bool is_explicit,
                                 const Datum& v);

struct CastInfo {
  Oid oid = 0;  // pg_cast's; 0 for conversions through text, which pg_cast does not list
  Oid source = 0, target = 0;
  Oid function = 0;                              // pg_proc's OID where pg_cast names one
  CastContext context = CastContext::kExplicit;  // the weakest one in which it may be used
  char method = 'f';    // pg_cast.castmethod: 'f' function, 'b' binary coercible, 'i' through text
  CastFn fn = nullptr;  // null: the value stays as it is (binary coercible)
};

// pg_cast's rows for types that we know.
std::span<const CastInfo> all_casts();

// How `source` becomes `target` where `context` allows it: an own cast, conversion through text (to
// a string type: assignment; from a string type: explicit), or array to array by elements. Empty
// (nullopt) where there is no way, and the analyzer says 42846 `cannot cast type x to y` or 42804.
// source == target gives a cast without function. `unknown` (a literal) casts to everything
// implicitly, through input_text.
struct CastPath {
  CastInfo cast;
  bool binary() const { return cast.fn == nullptr; }
};
std::optional<CastPath> find_cast(Oid source, Oid target, CastContext context);
inline bool can_cast(Oid source, Oid target, CastContext context) {
  return source == target || find_cast(source, target, context).has_value();
}

// Makes a value of `target.oid` fit target.typmod: varchar(n) and bpchar(n) are cut or 22001,
// bpchar padded, numeric rounded or 22003, time types rounded, intervals cut to their fields;
// arrays by element. The value itself where typmod is -1. Never null in.
Result<Datum> length_coercion(const IoContext& io, Type target, bool is_explicit, Datum v);
// Whether length_coercion can do anything for this type and modifier: lets a plan leave it out.
bool needs_length_coercion(Type source, Type target);

// Both in one: cast, then length coercion. Null gives null. CHECKs that there is a cast.
Result<Datum> cast_value(const IoContext& io, Type source, Type target, bool is_explicit,
                         const Datum& v);

}  // namespace quorate::sql
