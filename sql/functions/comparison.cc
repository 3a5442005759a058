// =, <>, <, <=, >, >= of all types. A function here is made of a comparison and a predicate on its
// result.
#include "sql/functions/families.h"
#include "sql/types/array.h"
#include "sql/types/compare.h"
#include "sql/types/date_time.h"
#include "sql/types/numeric.h"
#include "sql/types/record.h"

namespace quorate::sql {
namespace {

using Args = std::span<const Datum>;

struct Eq {
  static bool test(int c) { return c == 0; }
};
struct Ne {
  static bool test(int c) { return c != 0; }
};
struct Lt {
  static bool test(int c) { return c < 0; }
};
struct Le {
  static bool test(int c) { return c <= 0; }
};
struct Gt {
  static bool test(int c) { return c > 0; }
};
struct Ge {
  static bool test(int c) { return c >= 0; }
};

struct OfBool {
  static int compare(const Datum& a, const Datum& b) { return int{a.as_bool()} - int{b.as_bool()}; }
};
// All integers, in any mixture of widths; date, time, timestamp, oid.
struct OfInt {
  static int compare(const Datum& a, const Datum& b) {
    return a.as_int() < b.as_int() ? -1 : a.as_int() > b.as_int();
  }
};
struct OfBytes {
  static int compare(const Datum& a, const Datum& b) { return a.as_bytes().compare(b.as_bytes()); }
};
struct OfNumeric {
  static int compare(const Datum& a, const Datum& b) {
    return numeric_compare(a.as_bytes(), b.as_bytes());
  }
};
template <Oid kType>
struct Of {
  static int compare(const Datum& a, const Datum& b) { return quorate::sql::compare(kType, a, b); }
};
using OfDouble = Of<oid::kFloat8>;

template <class By, class Test>
Result<Datum> is(EvalContext&, Args a) {
  return Datum::of_bool(Test::test(By::compare(a[0], a[1])));
}
template <class By>
Result<Datum> order(EvalContext&, Args a) {
  int c = By::compare(a[0], a[1]);
  return Datum::of_int(c < 0 ? -1 : c > 0);
}
template <class By>
Result<Datum> larger(EvalContext&, Args a) {
  return By::compare(a[0], a[1]) >= 0 ? a[0] : a[1];
}
template <class By>
Result<Datum> smaller(EvalContext&, Args a) {
  return By::compare(a[0], a[1]) <= 0 ? a[0] : a[1];
}

// Elements without an order make arrays and rows that can't be compared.
Status no_order(Oid element) {
  return invalid_argument(
      "could not identify a comparison function for type " + format_type(element),
      sqlstate::kUndefinedFunction);
}

template <class Test>
Result<Datum> array_is(EvalContext&, Args a) {
  Oid element = Array::open(a[0]).element;
  if (compare_fn(element) == nullptr) return no_order(element);
  return Datum::of_bool(Test::test(array_compare(a[0], a[1])));
}

template <class Test>
Result<Datum> record_is(EvalContext&, Args a) {
  std::vector<RecordField> x = open_record(a[0]), y = open_record(a[1]);
  if (x.size() != y.size()) {
    return invalid_argument("cannot compare record types with different numbers of columns",
                            sqlstate::kDatatypeMismatch);
  }
  for (size_t i = 0; i < x.size(); ++i) {
    if (x[i].type != y[i].type) {
      return invalid_argument("cannot compare dissimilar column types " + format_type(x[i].type) +
                                  " and " + format_type(y[i].type) + " at record column " +
                                  std::to_string(i + 1),
                              sqlstate::kDatatypeMismatch);
    }
    if (compare_fn(x[i].type) == nullptr) return no_order(x[i].type);
  }
  return Datum::of_bool(Test::test(record_compare(a[0], a[1])));
}

// date, timestamp and timestamptz among each other; what has no zone is read in the session's.
enum class Moment : uint8_t { kDate, kLocal, kUtc };

template <Moment kFrom, bool kToUtc>
int64_t widen(EvalContext& ctx, const Datum& v) {
  int64_t micros = v.as_int();
  if (kFrom == Moment::kDate) {
    if (is_infinite_date(micros)) return micros > 0 ? kTimestampInfinity : kTimestampMinusInfinity;
    // A date beyond timestamp's range is later than all timestamps.
    if (__builtin_mul_overflow(micros, kMicrosPerDay, &micros)) return kTimestampInfinity - 1;
  }
  if (kFrom == Moment::kUtc || !kToUtc) return micros;
  Result<int64_t> utc = timestamptz_of_timestamp(micros, ctx.io.time_zone);
  return utc.ok() ? *utc : micros;
}

template <Moment kLeft, Moment kRight, class Test>
Result<Datum> moment_is(EvalContext& ctx, Args a) {
  constexpr bool kUtc = kLeft == Moment::kUtc || kRight == Moment::kUtc;
  int64_t x = widen<kLeft, kUtc>(ctx, a[0]), y = widen<kRight, kUtc>(ctx, a[1]);
  return Datum::of_bool(Test::test(x < y ? -1 : x > y));
}

constexpr FunctionInfo kFunctions[] = {
    // clang-format off
    {60, "booleq", 16, {16, 16}, Volatility::kImmutable, true, is<OfBool, Eq>},
    {63, "int2eq", 16, {21, 21}, Volatility::kImmutable, true, is<OfInt, Eq>},
    {65, "int4eq", 16, {23, 23}, Volatility::kImmutable, true, is<OfInt, Eq>},
    {158, "int24eq", 16, {21, 23}, Volatility::kImmutable, true, is<OfInt, Eq>},
    {159, "int42eq", 16, {23, 21}, Volatility::kImmutable, true, is<OfInt, Eq>},
    {184, "oideq", 16, {26, 26}, Volatility::kImmutable, true, is<OfInt, Eq>},
    {467, "int8eq", 16, {20, 20}, Volatility::kImmutable, true, is<OfInt, Eq>},
    {474, "int84eq", 16, {20, 23}, Volatility::kImmutable, true, is<OfInt, Eq>},
    {852, "int48eq", 16, {23, 20}, Volatility::kImmutable, true, is<OfInt, Eq>},
    {1086, "date_eq", 16, {1082, 1082}, Volatility::kImmutable, true, is<OfInt, Eq>},
    {1145, "time_eq", 16, {1083, 1083}, Volatility::kImmutable, true, is<OfInt, Eq>},
    {1152, "timestamptz_eq", 16, {1184, 1184}, Volatility::kImmutable, true, is<OfInt, Eq>},
    {1850, "int28eq", 16, {21, 20}, Volatility::kImmutable, true, is<OfInt, Eq>},
    {1856, "int82eq", 16, {20, 21}, Volatility::kImmutable, true, is<OfInt, Eq>},
    {2052, "timestamp_eq", 16, {1114, 1114}, Volatility::kImmutable, true, is<OfInt, Eq>},
    {287, "float4eq", 16, {700, 700}, Volatility::kImmutable, true, is<OfDouble, Eq>},
    {293, "float8eq", 16, {701, 701}, Volatility::kImmutable, true, is<OfDouble, Eq>},
    {299, "float48eq", 16, {700, 701}, Volatility::kImmutable, true, is<OfDouble, Eq>},
    {305, "float84eq", 16, {701, 700}, Volatility::kImmutable, true, is<OfDouble, Eq>},
    {61, "chareq", 16, {18, 18}, Volatility::kImmutable, true, is<OfBytes, Eq>},
    {62, "nameeq", 16, {19, 19}, Volatility::kImmutable, true, is<OfBytes, Eq>},
    {67, "texteq", 16, {25, 25}, Volatility::kImmutable, true, is<OfBytes, Eq>},
    {1948, "byteaeq", 16, {17, 17}, Volatility::kImmutable, true, is<OfBytes, Eq>},
    {2956, "uuid_eq", 16, {2950, 2950}, Volatility::kImmutable, true, is<OfBytes, Eq>},
    {1048, "bpchareq", 16, {1042, 1042}, Volatility::kImmutable, true, is<Of<oid::kBpchar>, Eq>},
    {1718, "numeric_eq", 16, {1700, 1700}, Volatility::kImmutable, true, is<OfNumeric, Eq>},
    {1162, "interval_eq", 16, {1186, 1186}, Volatility::kImmutable, true, is<Of<oid::kInterval>, Eq>},
    {1352, "timetz_eq", 16, {1266, 1266}, Volatility::kImmutable, true, is<Of<oid::kTimetz>, Eq>},
    {4043, "jsonb_eq", 16, {3802, 3802}, Volatility::kImmutable, true, is<Of<oid::kJsonb>, Eq>},
    {679, "oidvectoreq", 16, {30, 30}, Volatility::kImmutable, true, is<Of<oid::kOidVector>, Eq>},
    {744, "array_eq", 16, {2277, 2277}, Volatility::kImmutable, true, array_is<Eq>, nullptr, 0, true},
    {2981, "record_eq", 16, {2249, 2249}, Volatility::kImmutable, true, record_is<Eq>},
    {2340, "date_eq_timestamp", 16, {1082, 1114}, Volatility::kImmutable, true, moment_is<Moment::kDate, Moment::kLocal, Eq>},
    {2353, "date_eq_timestamptz", 16, {1082, 1184}, Volatility::kStable, true, moment_is<Moment::kDate, Moment::kUtc, Eq>},
    {2366, "timestamp_eq_date", 16, {1114, 1082}, Volatility::kImmutable, true, moment_is<Moment::kLocal, Moment::kDate, Eq>},
    {2379, "timestamptz_eq_date", 16, {1184, 1082}, Volatility::kStable, true, moment_is<Moment::kUtc, Moment::kDate, Eq>},
    {2522, "timestamp_eq_timestamptz", 16, {1114, 1184}, Volatility::kStable, true, moment_is<Moment::kLocal, Moment::kUtc, Eq>},
    {2529, "timestamptz_eq_timestamp", 16, {1184, 1114}, Volatility::kStable, true, moment_is<Moment::kUtc, Moment::kLocal, Eq>},
    {84, "boolne", 16, {16, 16}, Volatility::kImmutable, true, is<OfBool, Ne>},
    {144, "int4ne", 16, {23, 23}, Volatility::kImmutable, true, is<OfInt, Ne>},
    {145, "int2ne", 16, {21, 21}, Volatility::kImmutable, true, is<OfInt, Ne>},
    {164, "int24ne", 16, {21, 23}, Volatility::kImmutable, true, is<OfInt, Ne>},
    {165, "int42ne", 16, {23, 21}, Volatility::kImmutable, true, is<OfInt, Ne>},
    {185, "oidne", 16, {26, 26}, Volatility::kImmutable, true, is<OfInt, Ne>},
    {468, "int8ne", 16, {20, 20}, Volatility::kImmutable, true, is<OfInt, Ne>},
    {475, "int84ne", 16, {20, 23}, Volatility::kImmutable, true, is<OfInt, Ne>},
    {853, "int48ne", 16, {23, 20}, Volatility::kImmutable, true, is<OfInt, Ne>},
    {1091, "date_ne", 16, {1082, 1082}, Volatility::kImmutable, true, is<OfInt, Ne>},
    {1106, "time_ne", 16, {1083, 1083}, Volatility::kImmutable, true, is<OfInt, Ne>},
    {1153, "timestamptz_ne", 16, {1184, 1184}, Volatility::kImmutable, true, is<OfInt, Ne>},
    {1851, "int28ne", 16, {21, 20}, Volatility::kImmutable, true, is<OfInt, Ne>},
    {1857, "int82ne", 16, {20, 21}, Volatility::kImmutable, true, is<OfInt, Ne>},
    {2053, "timestamp_ne", 16, {1114, 1114}, Volatility::kImmutable, true, is<OfInt, Ne>},
    {288, "float4ne", 16, {700, 700}, Volatility::kImmutable, true, is<OfDouble, Ne>},
    {294, "float8ne", 16, {701, 701}, Volatility::kImmutable, true, is<OfDouble, Ne>},
    {300, "float48ne", 16, {700, 701}, Volatility::kImmutable, true, is<OfDouble, Ne>},
    {306, "float84ne", 16, {701, 700}, Volatility::kImmutable, true, is<OfDouble, Ne>},
    {70, "charne", 16, {18, 18}, Volatility::kImmutable, true, is<OfBytes, Ne>},
    {157, "textne", 16, {25, 25}, Volatility::kImmutable, true, is<OfBytes, Ne>},
    {659, "namene", 16, {19, 19}, Volatility::kImmutable, true, is<OfBytes, Ne>},
    {1953, "byteane", 16, {17, 17}, Volatility::kImmutable, true, is<OfBytes, Ne>},
    {2959, "uuid_ne", 16, {2950, 2950}, Volatility::kImmutable, true, is<OfBytes, Ne>},
    {1053, "bpcharne", 16, {1042, 1042}, Volatility::kImmutable, true, is<Of<oid::kBpchar>, Ne>},
    {1719, "numeric_ne", 16, {1700, 1700}, Volatility::kImmutable, true, is<OfNumeric, Ne>},
    {1163, "interval_ne", 16, {1186, 1186}, Volatility::kImmutable, true, is<Of<oid::kInterval>, Ne>},
    {1353, "timetz_ne", 16, {1266, 1266}, Volatility::kImmutable, true, is<Of<oid::kTimetz>, Ne>},
    {4038, "jsonb_ne", 16, {3802, 3802}, Volatility::kImmutable, true, is<Of<oid::kJsonb>, Ne>},
    {619, "oidvectorne", 16, {30, 30}, Volatility::kImmutable, true, is<Of<oid::kOidVector>, Ne>},
    {390, "array_ne", 16, {2277, 2277}, Volatility::kImmutable, true, array_is<Ne>, nullptr, 0, true},
    {2982, "record_ne", 16, {2249, 2249}, Volatility::kImmutable, true, record_is<Ne>},
    {2343, "date_ne_timestamp", 16, {1082, 1114}, Volatility::kImmutable, true, moment_is<Moment::kDate, Moment::kLocal, Ne>},
    {2356, "date_ne_timestamptz", 16, {1082, 1184}, Volatility::kStable, true, moment_is<Moment::kDate, Moment::kUtc, Ne>},
    {2369, "timestamp_ne_date", 16, {1114, 1082}, Volatility::kImmutable, true, moment_is<Moment::kLocal, Moment::kDate, Ne>},
    {2382, "timestamptz_ne_date", 16, {1184, 1082}, Volatility::kStable, true, moment_is<Moment::kUtc, Moment::kDate, Ne>},
    {2525, "timestamp_ne_timestamptz", 16, {1114, 1184}, Volatility::kStable, true, moment_is<Moment::kLocal, Moment::kUtc, Ne>},
    {2532, "timestamptz_ne_timestamp", 16, {1184, 1114}, Volatility::kStable, true, moment_is<Moment::kUtc, Moment::kLocal, Ne>},
    {56, "boollt", 16, {16, 16}, Volatility::kImmutable, true, is<OfBool, Lt>},
    {64, "int2lt", 16, {21, 21}, Volatility::kImmutable, true, is<OfInt, Lt>},
    {66, "int4lt", 16, {23, 23}, Volatility::kImmutable, true, is<OfInt, Lt>},
    {160, "int24lt", 16, {21, 23}, Volatility::kImmutable, true, is<OfInt, Lt>},
    {161, "int42lt", 16, {23, 21}, Volatility::kImmutable, true, is<OfInt, Lt>},
    {469, "int8lt", 16, {20, 20}, Volatility::kImmutable, true, is<OfInt, Lt>},
    {476, "int84lt", 16, {20, 23}, Volatility::kImmutable, true, is<OfInt, Lt>},
    {716, "oidlt", 16, {26, 26}, Volatility::kImmutable, true, is<OfInt, Lt>},
    {854, "int48lt", 16, {23, 20}, Volatility::kImmutable, true, is<OfInt, Lt>},
    {1087, "date_lt", 16, {1082, 1082}, Volatility::kImmutable, true, is<OfInt, Lt>},
    {1102, "time_lt", 16, {1083, 1083}, Volatility::kImmutable, true, is<OfInt, Lt>},
    {1154, "timestamptz_lt", 16, {1184, 1184}, Volatility::kImmutable, true, is<OfInt, Lt>},
    {1852, "int28lt", 16, {21, 20}, Volatility::kImmutable, true, is<OfInt, Lt>},
    {1858, "int82lt", 16, {20, 21}, Volatility::kImmutable, true, is<OfInt, Lt>},
    {2054, "timestamp_lt", 16, {1114, 1114}, Volatility::kImmutable, true, is<OfInt, Lt>},
    {289, "float4lt", 16, {700, 700}, Volatility::kImmutable, true, is<OfDouble, Lt>},
    {295, "float8lt", 16, {701, 701}, Volatility::kImmutable, true, is<OfDouble, Lt>},
    {301, "float48lt", 16, {700, 701}, Volatility::kImmutable, true, is<OfDouble, Lt>},
    {307, "float84lt", 16, {701, 700}, Volatility::kImmutable, true, is<OfDouble, Lt>},
    {655, "namelt", 16, {19, 19}, Volatility::kImmutable, true, is<OfBytes, Lt>},
    {740, "text_lt", 16, {25, 25}, Volatility::kImmutable, true, is<OfBytes, Lt>},
    {1246, "charlt", 16, {18, 18}, Volatility::kImmutable, true, is<OfBytes, Lt>},
    {1949, "bytealt", 16, {17, 17}, Volatility::kImmutable, true, is<OfBytes, Lt>},
    {2160, "text_pattern_lt", 16, {25, 25}, Volatility::kImmutable, true, is<OfBytes, Lt>},
    {2954, "uuid_lt", 16, {2950, 2950}, Volatility::kImmutable, true, is<OfBytes, Lt>},
    {1049, "bpcharlt", 16, {1042, 1042}, Volatility::kImmutable, true, is<Of<oid::kBpchar>, Lt>},
    {2174, "bpchar_pattern_lt", 16, {1042, 1042}, Volatility::kImmutable, true, is<Of<oid::kBpchar>, Lt>},
    {1722, "numeric_lt", 16, {1700, 1700}, Volatility::kImmutable, true, is<OfNumeric, Lt>},
    {1164, "interval_lt", 16, {1186, 1186}, Volatility::kImmutable, true, is<Of<oid::kInterval>, Lt>},
    {1354, "timetz_lt", 16, {1266, 1266}, Volatility::kImmutable, true, is<Of<oid::kTimetz>, Lt>},
    {4039, "jsonb_lt", 16, {3802, 3802}, Volatility::kImmutable, true, is<Of<oid::kJsonb>, Lt>},
    {677, "oidvectorlt", 16, {30, 30}, Volatility::kImmutable, true, is<Of<oid::kOidVector>, Lt>},
    {391, "array_lt", 16, {2277, 2277}, Volatility::kImmutable, true, array_is<Lt>, nullptr, 0, true},
    {2983, "record_lt", 16, {2249, 2249}, Volatility::kImmutable, true, record_is<Lt>},
    {2338, "date_lt_timestamp", 16, {1082, 1114}, Volatility::kImmutable, true, moment_is<Moment::kDate, Moment::kLocal, Lt>},
    {2351, "date_lt_timestamptz", 16, {1082, 1184}, Volatility::kStable, true, moment_is<Moment::kDate, Moment::kUtc, Lt>},
    {2364, "timestamp_lt_date", 16, {1114, 1082}, Volatility::kImmutable, true, moment_is<Moment::kLocal, Moment::kDate, Lt>},
    {2377, "timestamptz_lt_date", 16, {1184, 1082}, Volatility::kStable, true, moment_is<Moment::kUtc, Moment::kDate, Lt>},
    {2520, "timestamp_lt_timestamptz", 16, {1114, 1184}, Volatility::kStable, true, moment_is<Moment::kLocal, Moment::kUtc, Lt>},
    {2527, "timestamptz_lt_timestamp", 16, {1184, 1114}, Volatility::kStable, true, moment_is<Moment::kUtc, Moment::kLocal, Lt>},
    {1691, "boolle", 16, {16, 16}, Volatility::kImmutable, true, is<OfBool, Le>},
    {148, "int2le", 16, {21, 21}, Volatility::kImmutable, true, is<OfInt, Le>},
    {149, "int4le", 16, {23, 23}, Volatility::kImmutable, true, is<OfInt, Le>},
    {166, "int24le", 16, {21, 23}, Volatility::kImmutable, true, is<OfInt, Le>},
    {167, "int42le", 16, {23, 21}, Volatility::kImmutable, true, is<OfInt, Le>},
    {471, "int8le", 16, {20, 20}, Volatility::kImmutable, true, is<OfInt, Le>},
    {478, "int84le", 16, {20, 23}, Volatility::kImmutable, true, is<OfInt, Le>},
    {717, "oidle", 16, {26, 26}, Volatility::kImmutable, true, is<OfInt, Le>},
    {856, "int48le", 16, {23, 20}, Volatility::kImmutable, true, is<OfInt, Le>},
    {1088, "date_le", 16, {1082, 1082}, Volatility::kImmutable, true, is<OfInt, Le>},
    {1103, "time_le", 16, {1083, 1083}, Volatility::kImmutable, true, is<OfInt, Le>},
    {1155, "timestamptz_le", 16, {1184, 1184}, Volatility::kImmutable, true, is<OfInt, Le>},
    {1854, "int28le", 16, {21, 20}, Volatility::kImmutable, true, is<OfInt, Le>},
    {1860, "int82le", 16, {20, 21}, Volatility::kImmutable, true, is<OfInt, Le>},
    {2055, "timestamp_le", 16, {1114, 1114}, Volatility::kImmutable, true, is<OfInt, Le>},
    {290, "float4le", 16, {700, 700}, Volatility::kImmutable, true, is<OfDouble, Le>},
    {296, "float8le", 16, {701, 701}, Volatility::kImmutable, true, is<OfDouble, Le>},
    {302, "float48le", 16, {700, 701}, Volatility::kImmutable, true, is<OfDouble, Le>},
    {308, "float84le", 16, {701, 700}, Volatility::kImmutable, true, is<OfDouble, Le>},
    {72, "charle", 16, {18, 18}, Volatility::kImmutable, true, is<OfBytes, Le>},
    {656, "namele", 16, {19, 19}, Volatility::kImmutable, true, is<OfBytes, Le>},
    {741, "text_le", 16, {25, 25}, Volatility::kImmutable, true, is<OfBytes, Le>},
    {1950, "byteale", 16, {17, 17}, Volatility::kImmutable, true, is<OfBytes, Le>},
    {2161, "text_pattern_le", 16, {25, 25}, Volatility::kImmutable, true, is<OfBytes, Le>},
    {2955, "uuid_le", 16, {2950, 2950}, Volatility::kImmutable, true, is<OfBytes, Le>},
    {1050, "bpcharle", 16, {1042, 1042}, Volatility::kImmutable, true, is<Of<oid::kBpchar>, Le>},
    {2175, "bpchar_pattern_le", 16, {1042, 1042}, Volatility::kImmutable, true, is<Of<oid::kBpchar>, Le>},
    {1723, "numeric_le", 16, {1700, 1700}, Volatility::kImmutable, true, is<OfNumeric, Le>},
    {1165, "interval_le", 16, {1186, 1186}, Volatility::kImmutable, true, is<Of<oid::kInterval>, Le>},
    {1355, "timetz_le", 16, {1266, 1266}, Volatility::kImmutable, true, is<Of<oid::kTimetz>, Le>},
    {4041, "jsonb_le", 16, {3802, 3802}, Volatility::kImmutable, true, is<Of<oid::kJsonb>, Le>},
    {678, "oidvectorle", 16, {30, 30}, Volatility::kImmutable, true, is<Of<oid::kOidVector>, Le>},
    {393, "array_le", 16, {2277, 2277}, Volatility::kImmutable, true, array_is<Le>, nullptr, 0, true},
    {2985, "record_le", 16, {2249, 2249}, Volatility::kImmutable, true, record_is<Le>},
    {2339, "date_le_timestamp", 16, {1082, 1114}, Volatility::kImmutable, true, moment_is<Moment::kDate, Moment::kLocal, Le>},
    {2352, "date_le_timestamptz", 16, {1082, 1184}, Volatility::kStable, true, moment_is<Moment::kDate, Moment::kUtc, Le>},
    {2365, "timestamp_le_date", 16, {1114, 1082}, Volatility::kImmutable, true, moment_is<Moment::kLocal, Moment::kDate, Le>},
    {2378, "timestamptz_le_date", 16, {1184, 1082}, Volatility::kStable, true, moment_is<Moment::kUtc, Moment::kDate, Le>},
    {2521, "timestamp_le_timestamptz", 16, {1114, 1184}, Volatility::kStable, true, moment_is<Moment::kLocal, Moment::kUtc, Le>},
    {2528, "timestamptz_le_timestamp", 16, {1184, 1114}, Volatility::kStable, true, moment_is<Moment::kUtc, Moment::kLocal, Le>},
    {57, "boolgt", 16, {16, 16}, Volatility::kImmutable, true, is<OfBool, Gt>},
    {146, "int2gt", 16, {21, 21}, Volatility::kImmutable, true, is<OfInt, Gt>},
    {147, "int4gt", 16, {23, 23}, Volatility::kImmutable, true, is<OfInt, Gt>},
    {162, "int24gt", 16, {21, 23}, Volatility::kImmutable, true, is<OfInt, Gt>},
    {163, "int42gt", 16, {23, 21}, Volatility::kImmutable, true, is<OfInt, Gt>},
    {470, "int8gt", 16, {20, 20}, Volatility::kImmutable, true, is<OfInt, Gt>},
    {477, "int84gt", 16, {20, 23}, Volatility::kImmutable, true, is<OfInt, Gt>},
    {855, "int48gt", 16, {23, 20}, Volatility::kImmutable, true, is<OfInt, Gt>},
    {1089, "date_gt", 16, {1082, 1082}, Volatility::kImmutable, true, is<OfInt, Gt>},
    {1104, "time_gt", 16, {1083, 1083}, Volatility::kImmutable, true, is<OfInt, Gt>},
    {1157, "timestamptz_gt", 16, {1184, 1184}, Volatility::kImmutable, true, is<OfInt, Gt>},
    {1638, "oidgt", 16, {26, 26}, Volatility::kImmutable, true, is<OfInt, Gt>},
    {1853, "int28gt", 16, {21, 20}, Volatility::kImmutable, true, is<OfInt, Gt>},
    {1859, "int82gt", 16, {20, 21}, Volatility::kImmutable, true, is<OfInt, Gt>},
    {2057, "timestamp_gt", 16, {1114, 1114}, Volatility::kImmutable, true, is<OfInt, Gt>},
    {291, "float4gt", 16, {700, 700}, Volatility::kImmutable, true, is<OfDouble, Gt>},
    {297, "float8gt", 16, {701, 701}, Volatility::kImmutable, true, is<OfDouble, Gt>},
    {303, "float48gt", 16, {700, 701}, Volatility::kImmutable, true, is<OfDouble, Gt>},
    {309, "float84gt", 16, {701, 700}, Volatility::kImmutable, true, is<OfDouble, Gt>},
    {73, "chargt", 16, {18, 18}, Volatility::kImmutable, true, is<OfBytes, Gt>},
    {657, "namegt", 16, {19, 19}, Volatility::kImmutable, true, is<OfBytes, Gt>},
    {742, "text_gt", 16, {25, 25}, Volatility::kImmutable, true, is<OfBytes, Gt>},
    {1951, "byteagt", 16, {17, 17}, Volatility::kImmutable, true, is<OfBytes, Gt>},
    {2164, "text_pattern_gt", 16, {25, 25}, Volatility::kImmutable, true, is<OfBytes, Gt>},
    {2958, "uuid_gt", 16, {2950, 2950}, Volatility::kImmutable, true, is<OfBytes, Gt>},
    {1051, "bpchargt", 16, {1042, 1042}, Volatility::kImmutable, true, is<Of<oid::kBpchar>, Gt>},
    {2178, "bpchar_pattern_gt", 16, {1042, 1042}, Volatility::kImmutable, true, is<Of<oid::kBpchar>, Gt>},
    {1720, "numeric_gt", 16, {1700, 1700}, Volatility::kImmutable, true, is<OfNumeric, Gt>},
    {1167, "interval_gt", 16, {1186, 1186}, Volatility::kImmutable, true, is<Of<oid::kInterval>, Gt>},
    {1357, "timetz_gt", 16, {1266, 1266}, Volatility::kImmutable, true, is<Of<oid::kTimetz>, Gt>},
    {4040, "jsonb_gt", 16, {3802, 3802}, Volatility::kImmutable, true, is<Of<oid::kJsonb>, Gt>},
    {681, "oidvectorgt", 16, {30, 30}, Volatility::kImmutable, true, is<Of<oid::kOidVector>, Gt>},
    {392, "array_gt", 16, {2277, 2277}, Volatility::kImmutable, true, array_is<Gt>, nullptr, 0, true},
    {2984, "record_gt", 16, {2249, 2249}, Volatility::kImmutable, true, record_is<Gt>},
    {2341, "date_gt_timestamp", 16, {1082, 1114}, Volatility::kImmutable, true, moment_is<Moment::kDate, Moment::kLocal, Gt>},
    {2354, "date_gt_timestamptz", 16, {1082, 1184}, Volatility::kStable, true, moment_is<Moment::kDate, Moment::kUtc, Gt>},
    {2367, "timestamp_gt_date", 16, {1114, 1082}, Volatility::kImmutable, true, moment_is<Moment::kLocal, Moment::kDate, Gt>},
    {2380, "timestamptz_gt_date", 16, {1184, 1082}, Volatility::kStable, true, moment_is<Moment::kUtc, Moment::kDate, Gt>},
    {2523, "timestamp_gt_timestamptz", 16, {1114, 1184}, Volatility::kStable, true, moment_is<Moment::kLocal, Moment::kUtc, Gt>},
    {2530, "timestamptz_gt_timestamp", 16, {1184, 1114}, Volatility::kStable, true, moment_is<Moment::kUtc, Moment::kLocal, Gt>},
    {1692, "boolge", 16, {16, 16}, Volatility::kImmutable, true, is<OfBool, Ge>},
    {150, "int4ge", 16, {23, 23}, Volatility::kImmutable, true, is<OfInt, Ge>},
    {151, "int2ge", 16, {21, 21}, Volatility::kImmutable, true, is<OfInt, Ge>},
    {168, "int24ge", 16, {21, 23}, Volatility::kImmutable, true, is<OfInt, Ge>},
    {169, "int42ge", 16, {23, 21}, Volatility::kImmutable, true, is<OfInt, Ge>},
    {472, "int8ge", 16, {20, 20}, Volatility::kImmutable, true, is<OfInt, Ge>},
    {479, "int84ge", 16, {20, 23}, Volatility::kImmutable, true, is<OfInt, Ge>},
    {857, "int48ge", 16, {23, 20}, Volatility::kImmutable, true, is<OfInt, Ge>},
    {1090, "date_ge", 16, {1082, 1082}, Volatility::kImmutable, true, is<OfInt, Ge>},
    {1105, "time_ge", 16, {1083, 1083}, Volatility::kImmutable, true, is<OfInt, Ge>},
    {1156, "timestamptz_ge", 16, {1184, 1184}, Volatility::kImmutable, true, is<OfInt, Ge>},
    {1639, "oidge", 16, {26, 26}, Volatility::kImmutable, true, is<OfInt, Ge>},
    {1855, "int28ge", 16, {21, 20}, Volatility::kImmutable, true, is<OfInt, Ge>},
    {1861, "int82ge", 16, {20, 21}, Volatility::kImmutable, true, is<OfInt, Ge>},
    {2056, "timestamp_ge", 16, {1114, 1114}, Volatility::kImmutable, true, is<OfInt, Ge>},
    {292, "float4ge", 16, {700, 700}, Volatility::kImmutable, true, is<OfDouble, Ge>},
    {298, "float8ge", 16, {701, 701}, Volatility::kImmutable, true, is<OfDouble, Ge>},
    {304, "float48ge", 16, {700, 701}, Volatility::kImmutable, true, is<OfDouble, Ge>},
    {310, "float84ge", 16, {701, 700}, Volatility::kImmutable, true, is<OfDouble, Ge>},
    {74, "charge", 16, {18, 18}, Volatility::kImmutable, true, is<OfBytes, Ge>},
    {658, "namege", 16, {19, 19}, Volatility::kImmutable, true, is<OfBytes, Ge>},
    {743, "text_ge", 16, {25, 25}, Volatility::kImmutable, true, is<OfBytes, Ge>},
    {1952, "byteage", 16, {17, 17}, Volatility::kImmutable, true, is<OfBytes, Ge>},
    {2163, "text_pattern_ge", 16, {25, 25}, Volatility::kImmutable, true, is<OfBytes, Ge>},
    {2957, "uuid_ge", 16, {2950, 2950}, Volatility::kImmutable, true, is<OfBytes, Ge>},
    {1052, "bpcharge", 16, {1042, 1042}, Volatility::kImmutable, true, is<Of<oid::kBpchar>, Ge>},
    {2177, "bpchar_pattern_ge", 16, {1042, 1042}, Volatility::kImmutable, true, is<Of<oid::kBpchar>, Ge>},
    {1721, "numeric_ge", 16, {1700, 1700}, Volatility::kImmutable, true, is<OfNumeric, Ge>},
    {1166, "interval_ge", 16, {1186, 1186}, Volatility::kImmutable, true, is<Of<oid::kInterval>, Ge>},
    {1356, "timetz_ge", 16, {1266, 1266}, Volatility::kImmutable, true, is<Of<oid::kTimetz>, Ge>},
    {4042, "jsonb_ge", 16, {3802, 3802}, Volatility::kImmutable, true, is<Of<oid::kJsonb>, Ge>},
    {680, "oidvectorge", 16, {30, 30}, Volatility::kImmutable, true, is<Of<oid::kOidVector>, Ge>},
    {396, "array_ge", 16, {2277, 2277}, Volatility::kImmutable, true, array_is<Ge>, nullptr, 0, true},
    {2986, "record_ge", 16, {2249, 2249}, Volatility::kImmutable, true, record_is<Ge>},
    {2342, "date_ge_timestamp", 16, {1082, 1114}, Volatility::kImmutable, true, moment_is<Moment::kDate, Moment::kLocal, Ge>},
    {2355, "date_ge_timestamptz", 16, {1082, 1184}, Volatility::kStable, true, moment_is<Moment::kDate, Moment::kUtc, Ge>},
    {2368, "timestamp_ge_date", 16, {1114, 1082}, Volatility::kImmutable, true, moment_is<Moment::kLocal, Moment::kDate, Ge>},
    {2381, "timestamptz_ge_date", 16, {1184, 1082}, Volatility::kStable, true, moment_is<Moment::kUtc, Moment::kDate, Ge>},
    {2524, "timestamp_ge_timestamptz", 16, {1114, 1184}, Volatility::kStable, true, moment_is<Moment::kLocal, Moment::kUtc, Ge>},
    {2531, "timestamptz_ge_timestamp", 16, {1184, 1114}, Volatility::kStable, true, moment_is<Moment::kUtc, Moment::kLocal, Ge>},
    {68, "xideq", 16, {28, 28}, Volatility::kImmutable, true, is<OfInt, Eq>},
    {69, "cideq", 16, {29, 29}, Volatility::kImmutable, true, is<OfInt, Eq>},
    {1319, "xideqint4", 16, {28, 23}, Volatility::kImmutable, true, is<OfInt, Eq>},
    {3308, "xidneq", 16, {28, 28}, Volatility::kImmutable, true, is<OfInt, Ne>},
    {3309, "xidneqint4", 16, {28, 23}, Volatility::kImmutable, true, is<OfInt, Ne>},
    {350, "btint2cmp", 23, {21, 21}, Volatility::kImmutable, true, order<OfInt>},
    {351, "btint4cmp", 23, {23, 23}, Volatility::kImmutable, true, order<OfInt>},
    {356, "btoidcmp", 23, {26, 26}, Volatility::kImmutable, true, order<OfInt>},
    {842, "btint8cmp", 23, {20, 20}, Volatility::kImmutable, true, order<OfInt>},
    {1092, "date_cmp", 23, {1082, 1082}, Volatility::kImmutable, true, order<OfInt>},
    {1107, "time_cmp", 23, {1083, 1083}, Volatility::kImmutable, true, order<OfInt>},
    {1314, "timestamptz_cmp", 23, {1184, 1184}, Volatility::kImmutable, true, order<OfInt>},
    {2045, "timestamp_cmp", 23, {1114, 1114}, Volatility::kImmutable, true, order<OfInt>},
    {2188, "btint48cmp", 23, {23, 20}, Volatility::kImmutable, true, order<OfInt>},
    {2189, "btint84cmp", 23, {20, 23}, Volatility::kImmutable, true, order<OfInt>},
    {2190, "btint24cmp", 23, {21, 23}, Volatility::kImmutable, true, order<OfInt>},
    {2191, "btint42cmp", 23, {23, 21}, Volatility::kImmutable, true, order<OfInt>},
    {2192, "btint28cmp", 23, {21, 20}, Volatility::kImmutable, true, order<OfInt>},
    {2193, "btint82cmp", 23, {20, 21}, Volatility::kImmutable, true, order<OfInt>},
    {359, "btnamecmp", 23, {19, 19}, Volatility::kImmutable, true, order<OfBytes>},
    {360, "bttextcmp", 23, {25, 25}, Volatility::kImmutable, true, order<OfBytes>},
    {1954, "byteacmp", 23, {17, 17}, Volatility::kImmutable, true, order<OfBytes>},
    {2960, "uuid_cmp", 23, {2950, 2950}, Volatility::kImmutable, true, order<OfBytes>},
    {1769, "numeric_cmp", 23, {1700, 1700}, Volatility::kImmutable, true, order<OfNumeric>},
    {354, "btfloat4cmp", 23, {700, 700}, Volatility::kImmutable, true, order<OfDouble>},
    {355, "btfloat8cmp", 23, {701, 701}, Volatility::kImmutable, true, order<OfDouble>},
    {1693, "btboolcmp", 23, {16, 16}, Volatility::kImmutable, true, order<OfBool>},
    // clang-format on
};

}  // namespace

std::span<const FunctionInfo> comparison_functions() { return kFunctions; }

}  // namespace quorate::sql
