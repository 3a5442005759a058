#include "sql/types/key_encoding.h"

#include <algorithm>

#include "base/ordered_encoding.h"
#include "fmt/format.h"
#include "sql/types/array.h"
#include "sql/types/compare.h"
#include "sql/types/interval.h"
#include "sql/types/numeric.h"
#include "sql/types/value_encoding.h"

namespace quorate::sql {
namespace {

constexpr char kNullFirst = 0, kValue = 1, kNullLast = 2;
// In a list of array elements; the elements' own tags are kValue and kNullLast.
constexpr char kListEnd = 0;

Status damaged() { return corruption("a key holds bytes that no value encodes to"); }

void put_interval(const Datum& v, Bytes& out) {
  __int128 length = Interval::from_datum(v).length();
  put_ordered_i64(static_cast<int64_t>(length >> 64), out);
  put_ordered_u64(static_cast<uint64_t>(length), out);
}

bool take_interval(BytesView& in, bool descending, Datum* out) {
  int64_t high = 0;
  uint64_t low = 0;
  if (!take_ordered_i64(in, high, descending) || !take_ordered_u64(in, low, descending))
    return false;
  __int128 length = static_cast<__int128>(high) << 64 | low;
  // What is more than that many months stands in days, and then in microseconds.
  constexpr __int128 kMost = INT32_MAX, kLeast = INT32_MIN;
  const __int128 days = length / kMicrosPerDay;
  const __int128 months = std::clamp(days / 30, kLeast, kMost);
  const __int128 rest = std::clamp(days - months * 30, kLeast, kMost);
  const __int128 micros = length - (months * 30 + rest) * kMicrosPerDay;
  if (micros > INT64_MAX || micros < INT64_MIN) return false;
  Interval v;
  v.months = static_cast<int32_t>(months);
  v.days = static_cast<int32_t>(rest);
  v.micros = static_cast<int64_t>(micros);
  *out = v.to_datum();
  return true;
}

void put_timetz(const Datum& v, Bytes& out) {
  int64_t micros = 0;
  int32_t zone = 0;
  BytesView b = v.as_bytes();
  std::memcpy(&micros, b.data(), 8);
  std::memcpy(&zone, b.data() + 8, 4);
  put_ordered_i64(micros + zone * kMicrosPerSecond, out);
  put_ordered_i64(zone, out);
}

bool take_timetz(BytesView& in, bool descending, Datum* out) {
  int64_t utc = 0, zone = 0;
  if (!take_ordered_i64(in, utc, descending) || !take_ordered_i64(in, zone, descending))
    return false;
  // Beyond these no time of day lies, and nothing overflows.
  constexpr int64_t kDaySeconds = kMicrosPerDay / kMicrosPerSecond;
  if (zone < -kDaySeconds || zone > kDaySeconds) return false;
  if (utc < -2 * kMicrosPerDay || utc > 2 * kMicrosPerDay) return false;
  int64_t micros = utc - zone * kMicrosPerSecond;
  auto zone32 = static_cast<int32_t>(zone);
  char b[12];
  std::memcpy(b, &micros, 8);
  std::memcpy(b + 8, &zone32, 4);
  *out = Datum::of_bytes({b, 12});
  return true;
}

void put_ascending(Oid type, const Datum& v, Bytes& out);

void put_array(const Datum& v, Bytes& out) {
  Array a = Array::open(v);
  for (const Datum& e : a.values) encode_key(Type{a.element}, e, false, false, out);
  out.push_back(kListEnd);
  put_ordered_u8(static_cast<uint8_t>(a.dimensions.size()), out);
  for (const ArrayDimension& d : a.dimensions) {
    put_ordered_i64(d.length, out);
    put_ordered_i64(d.lower, out);
  }
}

void put_ascending(Oid type, const Datum& v, Bytes& out) {
  const TypeInfo& t = type_info(type);
  switch (t.rep) {
    case Rep::kBool:
      return put_ordered_u8(v.as_bool() ? 1 : 0, out);
    case Rep::kInt:
      return put_ordered_i64(v.as_int(), out);
    case Rep::kDouble:
      return put_ordered_double(v.as_double(), out);
    case Rep::kBytes:
      break;
  }
  switch (type) {
    case oid::kBpchar:
      return put_ordered_bytes(without_trailing_blanks(v.as_bytes()), out);
    case oid::kNumeric:
      return numeric_encode_key(v.as_bytes(), out);
    case oid::kInterval:
      return put_interval(v, out);
    case oid::kTimetz:
      return put_timetz(v, out);
    default:
      break;
  }
  if (t.category == 'A') return put_array(v, out);
  put_ordered_bytes(v.as_bytes(), out);
}

bool take_array(Oid type, BytesView& in, bool descending, Datum* out) {
  // The complement of a descending array reaches into its elements, so it is undone as a whole:
  // elements are read from a copy, and what they used is taken off the input.
  Bytes plain(in);
  if (descending) invert_from(0, plain);
  BytesView rest = plain;
  Array a;
  a.element = element_type(type);
  for (;;) {
    if (rest.empty()) return false;
    if (rest[0] == kListEnd) break;
    Datum e;
    if (!decode_key(Type{a.element}, rest, false, false, &e).ok()) return false;
    a.values.push_back(e.own());
  }
  rest.remove_prefix(1);
  uint8_t dimensions = 0;
  if (!take_ordered_u8(rest, dimensions) || dimensions > kArrayDimensionsMax) return false;
  uint64_t count = dimensions == 0 ? 0 : 1;
  for (int i = 0; i < dimensions; ++i) {
    int64_t length = 0, lower = 0;
    if (!take_ordered_i64(rest, length) || !take_ordered_i64(rest, lower)) return false;
    if (length < 1 || length > kArrayElementsMax || lower != static_cast<int32_t>(lower))
      return false;
    count *= static_cast<uint64_t>(length);
    if (count > a.values.size()) return false;
    a.dimensions.push_back({static_cast<int32_t>(length), static_cast<int32_t>(lower)});
  }
  if (count != a.values.size()) return false;
  in.remove_prefix(in.size() - rest.size());
  *out = a.to_datum();
  return true;
}

bool take_value(Oid type, BytesView& in, bool descending, Datum* out) {
  const TypeInfo& t = type_info(type);
  switch (t.rep) {
    case Rep::kBool: {
      uint8_t v = 0;
      if (!take_ordered_u8(in, v)) return false;
      if (descending) v = static_cast<uint8_t>(~v);
      if (v > 1) return false;
      *out = Datum::of_bool(v != 0);
      return true;
    }
    case Rep::kInt: {
      int64_t v = 0;
      if (!take_ordered_i64(in, v, descending)) return false;
      *out = Datum::of_int(v);
      return true;
    }
    case Rep::kDouble: {
      double v = 0;
      if (!take_ordered_double(in, v, descending)) return false;
      *out = Datum::of_double(v);
      return true;
    }
    case Rep::kBytes:
      break;
  }
  switch (type) {
    case oid::kNumeric:
      return numeric_decode_key(in, descending ? 0xff : 0, out);
    case oid::kInterval:
      return take_interval(in, descending, out);
    case oid::kTimetz:
      return take_timetz(in, descending, out);
    default:
      break;
  }
  if (t.category == 'A') return take_array(type, in, descending, out);
  Bytes bytes;
  if (!take_ordered_bytes(in, bytes, descending)) return false;
  if (size_t width = fixed_value_width(type); width != 0 && bytes.size() != width) return false;
  *out = Datum::of_bytes(bytes);
  return true;
}

}  // namespace

bool can_be_key(Oid type) {
  const TypeInfo* t = find_type(type);
  if (t == nullptr || t->is_pseudo() || type == oid::kJsonb || type == oid::kAclItem) return false;
  if (t->category == 'A') return can_be_key(t->element);
  return compare_fn(type) != nullptr;
}

bool key_is_exact(Oid type) {
  const TypeInfo& t = type_info(type);
  if (t.category == 'A') return key_is_exact(t.element);
  return type != oid::kNumeric && type != oid::kBpchar && type != oid::kInterval &&
         t.rep != Rep::kDouble;
}

void encode_key(Type type, const Datum& v, bool descending, bool nulls_first, Bytes& out) {
  if (v.is_null()) {
    out.push_back(nulls_first ? kNullFirst : kNullLast);
    return;
  }
  out.push_back(kValue);
  size_t start = out.size();
  put_ascending(type.oid, v, out);
  if (descending) invert_from(start, out);
}

Status decode_key(Type type, BytesView& in, bool descending, bool nulls_first, Datum* out) {
  if (in.empty()) return damaged();
  char tag = in[0];
  in.remove_prefix(1);
  if (tag == (nulls_first ? kNullFirst : kNullLast)) {
    *out = Datum::null();
    return {};
  }
  if (tag != kValue || !take_value(type.oid, in, descending, out)) return damaged();
  return {};
}

Status skip_key(Type type, BytesView& in, bool descending) {
  if (in.empty()) return damaged();
  if (in[0] != kValue) {
    in.remove_prefix(1);
    return {};
  }
  Datum ignored;
  return decode_key(type, in, descending, false, &ignored);
}

}  // namespace quorate::sql
