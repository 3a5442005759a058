// Functions of arrays.
#include "fmt/format.h"
#include "sql/functions/families.h"
#include "sql/types/array.h"
#include "sql/types/compare.h"
#include "sql/types/text_io.h"

namespace quorate::sql {
namespace {

using Args = std::span<const Datum>;

const ArrayDimension* dimension(const Array& a, int64_t n) {
  return n < 1 || n > static_cast<int64_t>(a.dimensions.size())
             ? nullptr
             : &a.dimensions[static_cast<size_t>(n - 1)];
}

Result<Datum> array_length(EvalContext&, Args a) {
  Array v = Array::open(a[0]);
  const ArrayDimension* d = dimension(v, a[1].as_int());
  return d == nullptr ? Datum::null() : Datum::of_int(d->length);
}
Result<Datum> array_lower(EvalContext&, Args a) {
  Array v = Array::open(a[0]);
  const ArrayDimension* d = dimension(v, a[1].as_int());
  return d == nullptr ? Datum::null() : Datum::of_int(d->lower);
}
Result<Datum> array_upper(EvalContext&, Args a) {
  Array v = Array::open(a[0]);
  const ArrayDimension* d = dimension(v, a[1].as_int());
  return d == nullptr ? Datum::null() : Datum::of_int(int64_t{d->lower} + d->length - 1);
}
Result<Datum> array_ndims(EvalContext&, Args a) {
  Array v = Array::open(a[0]);
  return v.dimensions.empty() ? Datum::null()
                              : Datum::of_int(static_cast<int64_t>(v.dimensions.size()));
}
Result<Datum> cardinality(EvalContext&, Args a) { return Datum::of_int(array_cardinality(a[0])); }

// The array argument or, for null, an empty one of the result's type.
Array opened_or_empty(EvalContext& ctx, const Datum& v) {
  if (!v.is_null()) return Array::open(v);
  Array empty;
  empty.element = element_type(ctx.result_type.oid);
  return empty;
}

Result<Datum> array_append(EvalContext& ctx, Args a) {
  Array v = opened_or_empty(ctx, a[0]);
  if (v.dimensions.size() > 1)
    return invalid_argument("argument must be empty or one-dimensional array",
                            sqlstate::kDataException);
  int32_t lower = v.dimensions.empty() ? 1 : v.dimensions[0].lower;
  v.values.push_back(a[1]);
  return Array::of(v.element, std::move(v.values), lower).to_datum();
}
Result<Datum> array_prepend(EvalContext& ctx, Args a) {
  Array v = opened_or_empty(ctx, a[1]);
  if (v.dimensions.size() > 1)
    return invalid_argument("argument must be empty or one-dimensional array",
                            sqlstate::kDataException);
  int32_t lower = v.dimensions.empty() ? 1 : v.dimensions[0].lower;
  v.values.insert(v.values.begin(), a[0]);
  return Array::of(v.element, std::move(v.values), lower).to_datum();
}
Result<Datum> array_cat(EvalContext&, Args a) {
  if (a[0].is_null() || a[1].is_null()) return a[0].is_null() ? a[1] : a[0];
  Array x = Array::open(a[0]), y = Array::open(a[1]);
  if (x.values.empty() || y.values.empty()) return x.values.empty() ? a[1] : a[0];
  if (x.dimensions.size() != 1 || y.dimensions.size() != 1)
    return unimplemented("array_cat() of multidimensional arrays");
  int32_t lower = x.dimensions[0].lower;
  x.values.insert(x.values.end(), y.values.begin(), y.values.end());
  return Array::of(x.element, std::move(x.values), lower).to_datum();
}

Result<CompareFn> order_of(Oid element) {
  CompareFn fn = compare_fn(element);
  if (fn == nullptr) {
    return invalid_argument(
        "could not identify an equality operator for type " + format_type(element),
        sqlstate::kUndefinedFunction);
  }
  return fn;
}

bool same(CompareFn fn, const Datum& x, const Datum& y) {
  return x.is_null() || y.is_null() ? x.is_null() && y.is_null() : fn(x, y) == 0;
}

Result<Datum> array_position(EvalContext&, Args a) {
  if (a[0].is_null()) return Datum::null();
  Array v = Array::open(a[0]);
  if (v.dimensions.size() > 1)
    return unimplemented("searching for elements in multidimensional arrays");
  ASSIGN_OR_RETURN(CompareFn fn, order_of(v.element));
  if (v.values.empty()) return Datum::null();
  int64_t from = v.dimensions[0].lower;
  if (a.size() > 2) {
    if (a[2].is_null())
      return invalid_argument("initial position must not be null", sqlstate::kNullValueNotAllowed);
    from = a[2].as_int();
  }
  for (size_t i = 0; i < v.values.size(); ++i) {
    int64_t at = v.dimensions[0].lower + static_cast<int64_t>(i);
    if (at >= from && same(fn, v.values[i], a[1])) return Datum::of_int(at);
  }
  return Datum::null();
}
Result<Datum> array_positions(EvalContext&, Args a) {
  if (a[0].is_null()) return Datum::null();
  Array v = Array::open(a[0]);
  if (v.dimensions.size() > 1)
    return unimplemented("searching for elements in multidimensional arrays");
  ASSIGN_OR_RETURN(CompareFn fn, order_of(v.element));
  std::vector<Datum> found;
  for (size_t i = 0; i < v.values.size(); ++i) {
    if (same(fn, v.values[i], a[1]))
      found.push_back(Datum::of_int(v.dimensions[0].lower + static_cast<int64_t>(i)));
  }
  return Array::of(oid::kInt4, std::move(found)).to_datum();
}

Result<Datum> array_remove(EvalContext&, Args a) {
  if (a[0].is_null()) return Datum::null();
  Array v = Array::open(a[0]);
  if (v.dimensions.size() > 1)
    return unimplemented("removing elements from multidimensional arrays");
  ASSIGN_OR_RETURN(CompareFn fn, order_of(v.element));
  std::erase_if(v.values, [&](const Datum& e) { return same(fn, e, a[1]); });
  return Array::of(v.element, std::move(v.values), v.dimensions.empty() ? 1 : v.dimensions[0].lower)
      .to_datum();
}
Result<Datum> array_replace(EvalContext&, Args a) {
  if (a[0].is_null()) return Datum::null();
  Array v = Array::open(a[0]);
  ASSIGN_OR_RETURN(CompareFn fn, order_of(v.element));
  for (Datum& e : v.values) {
    if (same(fn, e, a[1])) e = a[2];
  }
  return v.to_datum();
}

// Every element of `inner` is in `outer`; nulls are in nothing.
Result<bool> contains(const Datum& outer, const Datum& inner) {
  Array x = Array::open(outer), y = Array::open(inner);
  ASSIGN_OR_RETURN(CompareFn fn, order_of(x.element));
  for (const Datum& e : y.values) {
    bool found = false;
    for (const Datum& o : x.values)
      found = found || (!e.is_null() && !o.is_null() && fn(e, o) == 0);
    if (!found) return false;
  }
  return true;
}
Result<Datum> array_contains(EvalContext&, Args a) {
  ASSIGN_OR_RETURN(bool v, contains(a[0], a[1]));
  return Datum::of_bool(v);
}
Result<Datum> array_contained(EvalContext&, Args a) {
  ASSIGN_OR_RETURN(bool v, contains(a[1], a[0]));
  return Datum::of_bool(v);
}
Result<Datum> array_overlap(EvalContext&, Args a) {
  Array x = Array::open(a[0]), y = Array::open(a[1]);
  ASSIGN_OR_RETURN(CompareFn fn, order_of(x.element));
  for (const Datum& e : y.values) {
    for (const Datum& o : x.values) {
      if (!e.is_null() && !o.is_null() && fn(e, o) == 0) return Datum::of_bool(true);
    }
  }
  return Datum::of_bool(false);
}

Result<Datum> array_to_string(EvalContext& ctx, Args a) {
  if (a[0].is_null() || a[1].is_null()) return Datum::null();
  Array v = Array::open(a[0]);
  bool show_nulls = a.size() > 2 && !a[2].is_null();
  Bytes out;
  bool first = true;
  for (const Datum& e : v.values) {
    if (e.is_null() && !show_nulls) continue;
    if (!first) out += a[1].as_bytes();
    first = false;
    if (e.is_null()) {
      out += a[2].as_bytes();
    } else {
      output_text(Type{v.element}, e, ctx.io, out);
    }
  }
  return Datum::of_bytes(out);
}

constexpr FunctionInfo kFunctions[] = {
    // clang-format off
    {2176, "array_length", 23, {2277, 23}, Volatility::kImmutable, true, array_length, nullptr, 0, true},
    {2091, "array_lower", 23, {2277, 23}, Volatility::kImmutable, true, array_lower, nullptr, 0, true},
    {2092, "array_upper", 23, {2277, 23}, Volatility::kImmutable, true, array_upper, nullptr, 0, true},
    {748, "array_ndims", 23, {2277}, Volatility::kImmutable, true, array_ndims, nullptr, 0, true},
    {3179, "cardinality", 23, {2277}, Volatility::kImmutable, true, cardinality, nullptr, 0, true},
    {378, "array_append", 5078, {5078, 5077}, Volatility::kImmutable, false, array_append, nullptr, 0, true},
    {379, "array_prepend", 5078, {5077, 5078}, Volatility::kImmutable, false, array_prepend, nullptr, 0, true},
    {383, "array_cat", 5078, {5078, 5078}, Volatility::kImmutable, false, array_cat, nullptr, 0, true},
    {3277, "array_position", 23, {5078, 5077}, Volatility::kImmutable, false, array_position, nullptr, 0, true},
    {3278, "array_position", 23, {5078, 5077, 23}, Volatility::kImmutable, false, array_position, nullptr, 0, true},
    {3279, "array_positions", 1007, {5078, 5077}, Volatility::kImmutable, false, array_positions, nullptr, 0, true},
    {3167, "array_remove", 5078, {5078, 5077}, Volatility::kImmutable, false, array_remove, nullptr, 0, true},
    {3168, "array_replace", 5078, {5078, 5077, 5077}, Volatility::kImmutable, false, array_replace, nullptr, 0, true},
    {2748, "arraycontains", 16, {2277, 2277}, Volatility::kImmutable, true, array_contains, nullptr, 0, true},
    {2749, "arraycontained", 16, {2277, 2277}, Volatility::kImmutable, true, array_contained, nullptr, 0, true},
    {2747, "arrayoverlap", 16, {2277, 2277}, Volatility::kImmutable, true, array_overlap, nullptr, 0, true},
    {395, "array_to_string", 25, {2277, 25}, Volatility::kStable, true, array_to_string, nullptr, 0, true},
    {384, "array_to_string", 25, {2277, 25, 25}, Volatility::kStable, false, array_to_string, nullptr, 0, true},
    // clang-format on
};

}  // namespace

std::span<const FunctionInfo> array_functions() { return kFunctions; }

}  // namespace quorate::sql
