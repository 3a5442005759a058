#include "sql/types/compare.h"

#include <cmath>

#include "sql/types/array.h"
#include "sql/types/hash.h"
#include "sql/types/interval.h"
#include "sql/types/json.h"
#include "sql/types/numeric.h"
#include "sql/types/record.h"

namespace quorate::sql {
namespace {

template <class T>
int order(T a, T b) {
  return a < b ? -1 : a > b;
}

int compare_bool(const Datum& a, const Datum& b) { return int{a.as_bool()} - int{b.as_bool()}; }
int compare_int(const Datum& a, const Datum& b) { return order(a.as_int(), b.as_int()); }
// OIDs are unsigned in PostgreSQL and never negative here.
int compare_double(const Datum& a, const Datum& b) {
  double x = a.as_double(), y = b.as_double();
  if (std::isnan(x) || std::isnan(y)) return int{std::isnan(x)} - int{std::isnan(y)};
  return order(x, y);
}
int compare_bytes(const Datum& a, const Datum& b) {
  int c = a.as_bytes().compare(b.as_bytes());
  return c < 0 ? -1 : c > 0;
}
int compare_bpchar(const Datum& a, const Datum& b) {
  int c = without_trailing_blanks(a.as_bytes()).compare(without_trailing_blanks(b.as_bytes()));
  return c < 0 ? -1 : c > 0;
}
int compare_numeric(const Datum& a, const Datum& b) {
  return numeric_compare(a.as_bytes(), b.as_bytes());
}
int compare_interval(const Datum& a, const Datum& b) {
  return order(Interval::from_datum(a).length(), Interval::from_datum(b).length());
}

struct TimetzParts {
  int64_t utc, zone;
};
TimetzParts timetz_parts(const Datum& v) {
  int64_t micros = 0;
  int32_t zone = 0;  // seconds west of UTC
  BytesView b = v.as_bytes();
  CHECK(b.size() == 12);
  std::memcpy(&micros, b.data(), 8);
  std::memcpy(&zone, b.data() + 8, 4);
  return {micros + zone * kMicrosPerSecond, zone};
}
int compare_timetz(const Datum& a, const Datum& b) {
  TimetzParts x = timetz_parts(a), y = timetz_parts(b);
  return x.utc != y.utc ? order(x.utc, y.utc) : order(x.zone, y.zone);
}

uint64_t hash_of_bool(const Datum& v) { return hash_u64(v.as_bool() ? 1 : 0); }
uint64_t hash_of_int(const Datum& v) { return hash_u64(static_cast<uint64_t>(v.as_int())); }
uint64_t hash_of_double(const Datum& v) {
  double d = v.as_double();
  if (std::isnan(d)) return hash_u64(0x7ff8);
  if (d == 0) d = 0;  // -0 equals 0
  uint64_t bits = 0;
  std::memcpy(&bits, &d, sizeof(bits));
  return hash_u64(bits);
}
uint64_t hash_of_bytes(const Datum& v) { return hash_bytes(v.as_bytes()); }
uint64_t hash_of_bpchar(const Datum& v) {
  return hash_bytes(without_trailing_blanks(v.as_bytes()));
}
uint64_t hash_of_numeric(const Datum& v) { return numeric_hash(v.as_bytes()); }
uint64_t hash_of_interval(const Datum& v) {
  __int128 length = Interval::from_datum(v).length();
  return hash_combine(static_cast<uint64_t>(length), static_cast<uint64_t>(length >> 64));
}
uint64_t hash_of_timetz(const Datum& v) {
  TimetzParts p = timetz_parts(v);
  return hash_combine(static_cast<uint64_t>(p.utc), static_cast<uint64_t>(p.zone));
}

struct Order {
  CompareFn compare = nullptr;
  HashFn hash = nullptr;
};

Order order_of(Oid type) {
  switch (type) {
    case oid::kJson:
    case oid::kXml:
    case oid::kPgNodeTree:
    case oid::kAclItem:
    case oid::kXid:
    case oid::kCid:
      // PostgreSQL has equality for the last three and no order; grouping needs only the hash and
      // equality.
      if (type == oid::kXid || type == oid::kCid) return {compare_int, hash_of_int};
      if (type == oid::kAclItem) return {compare_bytes, hash_of_bytes};
      return {};
    case oid::kBpchar:
      return {compare_bpchar, hash_of_bpchar};
    case oid::kNumeric:
      return {compare_numeric, hash_of_numeric};
    case oid::kInterval:
      return {compare_interval, hash_of_interval};
    case oid::kTimetz:
      return {compare_timetz, hash_of_timetz};
    case oid::kJsonb:
      return {jsonb_compare, hash_of_bytes};
    case oid::kRecord:
      return {record_compare, record_hash};
    case oid::kVoid:
      return {};
    default:
      break;
  }
  const TypeInfo* t = find_type(type);
  if (t == nullptr) return {};
  if (t->category == 'A') {
    return order_of(t->element).compare == nullptr ? Order{} : Order{array_compare, array_hash};
  }
  if (t->is_pseudo() && type != oid::kUnknown && type != oid::kCstring) return {};
  switch (t->rep) {
    case Rep::kBool:
      return {compare_bool, hash_of_bool};
    case Rep::kInt:
      return {compare_int, hash_of_int};
    case Rep::kDouble:
      return {compare_double, hash_of_double};
    case Rep::kBytes:
      return {compare_bytes, hash_of_bytes};
  }
  return {};
}

}  // namespace

CompareFn compare_fn(Oid type) { return order_of(type).compare; }
HashFn hash_fn(Oid type) { return order_of(type).hash; }

BytesView without_trailing_blanks(BytesView v) {
  size_t n = v.size();
  while (n > 0 && v[n - 1] == ' ') --n;
  return v.substr(0, n);
}

}  // namespace quorate::sql
