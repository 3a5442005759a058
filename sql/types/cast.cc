#include "sql/types/cast.h"

#include <algorithm>
#include <cmath>

#include "fmt/format.h"
#include "sql/types/array.h"
#include "sql/types/compare.h"
#include "sql/types/date_time.h"
#include "sql/types/numeric.h"
#include "sql/types/scalar_io.h"
#include "sql/types/text_io.h"
#include "sql/types/time_zone.h"

namespace quorate::sql {
namespace {

Status int_out_of_range(Oid type) {
  return invalid_argument(fmt::format("{} out of range", type_info(type).sql_name),
                          sqlstate::kNumericValueOutOfRange);
}

Result<Datum> check_int(Oid type, int64_t v) {
  int64_t max = type == oid::kInt2 ? INT16_MAX : type == oid::kInt4 ? INT32_MAX : INT64_MAX;
  if (v > max || v < -max - 1) return int_out_of_range(type);
  return Datum::of_int(v);
}

Result<Datum> int_to_int(const IoContext&, Type, Type to, bool, const Datum& v) {
  return check_int(to.oid, v.as_int());
}
Result<Datum> int_to_double(const IoContext&, Type, Type to, bool, const Datum& v) {
  return Datum::of_double(to.oid == oid::kFloat4 ? static_cast<float>(v.as_int())
                                                 : static_cast<double>(v.as_int()));
}
Result<Datum> double_to_int(const IoContext&, Type, Type to, bool, const Datum& v) {
  double d = std::rint(v.as_double());
  // Both bounds are exact doubles; NaN fails the comparison.
  if (!(d >= -9223372036854775808.0 && d < 9223372036854775808.0)) return int_out_of_range(to.oid);
  return check_int(to.oid, static_cast<int64_t>(d));
}
Result<Datum> double_to_double(const IoContext&, Type, Type to, bool, const Datum& v) {
  if (to.oid != oid::kFloat4) return v;
  double d = v.as_double();
  auto f = static_cast<float>(d);
  if (std::isinf(f) && !std::isinf(d)) {
    return invalid_argument("value out of range: overflow", sqlstate::kNumericValueOutOfRange);
  }
  if (f == 0 && d != 0)
    return invalid_argument("value out of range: underflow", sqlstate::kNumericValueOutOfRange);
  return Datum::of_double(f);
}
Result<Datum> int_to_numeric(const IoContext&, Type, Type, bool, const Datum& v) {
  return numeric_of_int(v.as_int());
}
Result<Datum> numeric_to_int(const IoContext&, Type, Type to, bool, const Datum& v) {
  Numeric n = Numeric::from_datum(v);
  if (!n.is_finite()) {
    return invalid_argument(fmt::format("cannot convert {} to {}", n.is_nan() ? "NaN" : "infinity",
                                        type_info(to.oid).sql_name),
                            sqlstate::kFeatureNotSupported);
  }
  int64_t i = 0;
  if (!n.to_int64(&i)) return int_out_of_range(to.oid);
  return check_int(to.oid, i);
}
Result<Datum> numeric_to_double(const IoContext& io, Type from, Type to, bool, const Datum& v) {
  Numeric n = Numeric::from_datum(v);
  double d = n.to_double();
  if (n.is_finite() &&
      (std::isinf(d) || (to.oid == oid::kFloat4 && std::isinf(static_cast<float>(d))))) {
    return invalid_argument(fmt::format("\"{}\" is out of range for type {}", n.to_string(),
                                        type_info(to.oid).sql_name),
                            sqlstate::kNumericValueOutOfRange);
  }
  return double_to_double(io, from, to, true, Datum::of_double(d));
}
Result<Datum> double_to_numeric(const IoContext&, Type from, Type, bool, const Datum& v) {
  return Numeric::from_double(v.as_double(), from.oid == oid::kFloat4 ? 6 : 15).to_datum();
}
Result<Datum> bool_to_int(const IoContext&, Type, Type, bool, const Datum& v) {
  return Datum::of_int(v.as_bool() ? 1 : 0);
}
Result<Datum> int_to_bool(const IoContext&, Type, Type, bool, const Datum& v) {
  return Datum::of_bool(v.as_int() != 0);
}
Result<Datum> bool_to_text(const IoContext&, Type, Type, bool, const Datum& v) {
  return Datum::of_bytes(v.as_bool() ? "true" : "false");
}
Result<Datum> bpchar_to_text(const IoContext&, Type, Type, bool, const Datum& v) {
  return Datum::of_bytes(without_trailing_blanks(v.as_bytes()));
}
Result<Datum> to_name(const IoContext&, Type from, Type, bool, const Datum& v) {
  return name_input(from.oid == oid::kBpchar ? without_trailing_blanks(v.as_bytes())
                                             : v.as_bytes());
}
Result<Datum> same_bytes(const IoContext&, Type, Type, bool, const Datum& v) { return v; }
Result<Datum> text_to_char(const IoContext& io, Type, Type, bool, const Datum& v) {
  return input_text(Type{oid::kChar}, v.as_bytes(), io);
}
Result<Datum> char_to_int(const IoContext&, Type, Type, bool, const Datum& v) {
  BytesView b = v.as_bytes();
  return Datum::of_int(b.empty() ? 0 : static_cast<signed char>(b[0]));
}
Result<Datum> int_to_char(const IoContext&, Type, Type, bool, const Datum& v) {
  if (v.as_int() < INT8_MIN || v.as_int() > INT8_MAX) {
    return invalid_argument("\"char\" out of range", sqlstate::kNumericValueOutOfRange);
  }
  char c = static_cast<char>(v.as_int());
  return Datum::of_bytes(BytesView(&c, c == '\0' ? 0 : 1));
}
Result<Datum> int_to_oid(const IoContext&, Type from, Type, bool, const Datum& v) {
  int64_t i = v.as_int();
  if (from.oid == oid::kInt8 && (i < 0 || i > int64_t{UINT32_MAX})) {
    return invalid_argument("OID out of range", sqlstate::kNumericValueOutOfRange);
  }
  return Datum::of_int(static_cast<uint32_t>(i));
}
Result<Datum> oid_to_int(const IoContext&, Type, Type to, bool, const Datum& v) {
  return Datum::of_int(to.oid == oid::kInt4 ? static_cast<int32_t>(v.as_int()) : v.as_int());
}
Result<Datum> text_to_regclass(const IoContext& io, Type, Type to, bool, const Datum& v) {
  return reg_input(to.oid, v.as_bytes(), io);
}
Result<Datum> through_text(const IoContext& io, Type from, Type to, bool, const Datum& v) {
  Bytes text;
  output_text(from, v, io, text);
  // bpchar gives up its padding on the way to other string types.
  if (from.oid == oid::kBpchar) text.resize(without_trailing_blanks(text).size());
  return input_text(Type{to.oid}, text, io);
}
// A literal of unknown type: the target's input function, without the modifier, so that an explicit
// cast may cut.
Result<Datum> from_literal(const IoContext& io, Type, Type to, bool, const Datum& v) {
  return input_text(Type{to.oid, to.oid == oid::kInterval ? to.typmod : -1}, v.as_bytes(), io);
}
Result<Datum> array_to_array(const IoContext& io, Type from, Type to, bool is_explicit,
                             const Datum& v) {
  Array a = Array::open(v);
  Type element_from{element_type(from.oid)}, element_to{element_type(to.oid), to.typmod};
  for (Datum& e : a.values) {
    ASSIGN_OR_RETURN(e, cast_value(io, element_from, element_to, is_explicit, e));
  }
  a.element = element_to.oid;
  return a.to_datum();
}

// --- dates and times ---

Datum make_timetz(int64_t micros, int32_t seconds_east) {
  int32_t west = -seconds_east;
  char b[12];
  std::memcpy(b, &micros, 8);
  std::memcpy(b + 8, &west, 4);
  return Datum::of_bytes({b, 12});
}
int64_t time_of_day(int64_t micros) {
  int64_t r = micros % kMicrosPerDay;
  return r < 0 ? r + kMicrosPerDay : r;
}
Result<Datum> as_int_datum(Result<int64_t> r) {
  if (!r.ok()) return r.status();
  return Datum::of_int(*r);
}
Result<Datum> date_to_timestamp(const IoContext&, Type, Type, bool, const Datum& v) {
  return as_int_datum(timestamp_of_date(v.as_int()));
}
Result<Datum> date_to_timestamptz(const IoContext& io, Type, Type, bool, const Datum& v) {
  ASSIGN_OR_RETURN(int64_t local, timestamp_of_date(v.as_int()));
  return as_int_datum(timestamptz_of_timestamp(local, io.time_zone));
}
Result<Datum> timestamp_to_date(const IoContext&, Type, Type, bool, const Datum& v) {
  return Datum::of_int(date_of_timestamp(v.as_int()));
}
Result<Datum> timestamp_to_time(const IoContext&, Type, Type, bool, const Datum& v) {
  return is_infinite_timestamp(v.as_int()) ? Datum::null() : Datum::of_int(time_of_day(v.as_int()));
}
Result<Datum> timestamp_to_timestamptz(const IoContext& io, Type, Type, bool, const Datum& v) {
  return as_int_datum(timestamptz_of_timestamp(v.as_int(), io.time_zone));
}
Result<Datum> timestamptz_to_timestamp(const IoContext& io, Type, Type, bool, const Datum& v) {
  return as_int_datum(timestamp_of_timestamptz(v.as_int(), io.time_zone));
}
Result<Datum> timestamptz_to_date(const IoContext& io, Type, Type, bool, const Datum& v) {
  ASSIGN_OR_RETURN(int64_t local, timestamp_of_timestamptz(v.as_int(), io.time_zone));
  return Datum::of_int(date_of_timestamp(local));
}
Result<Datum> timestamptz_to_time(const IoContext& io, Type, Type, bool, const Datum& v) {
  if (is_infinite_timestamp(v.as_int())) return Datum::null();
  ASSIGN_OR_RETURN(int64_t local, timestamp_of_timestamptz(v.as_int(), io.time_zone));
  return Datum::of_int(time_of_day(local));
}
Result<Datum> timestamptz_to_timetz(const IoContext& io, Type, Type, bool, const Datum& v) {
  if (is_infinite_timestamp(v.as_int())) return Datum::null();
  int32_t offset = zone_offset_at_utc(io.time_zone, v.as_int()).seconds_east;
  return make_timetz(time_of_day(v.as_int() + offset * kMicrosPerSecond), offset);
}
Result<Datum> time_to_interval(const IoContext&, Type, Type, bool, const Datum& v) {
  return Interval{v.as_int(), 0, 0}.to_datum();
}
Result<Datum> interval_to_time(const IoContext&, Type, Type, bool, const Datum& v) {
  return Datum::of_int(time_of_day(Interval::from_datum(v).micros));
}
Result<Datum> time_to_timetz(const IoContext& io, Type, Type, bool, const Datum& v) {
  return make_timetz(v.as_int(),
                     zone_offset_at_utc(io.time_zone, io.transaction_micros).seconds_east);
}
Result<Datum> timetz_to_time(const IoContext&, Type, Type, bool, const Datum& v) {
  int64_t micros = 0;
  std::memcpy(&micros, v.as_bytes().data(), 8);
  return Datum::of_int(micros);
}

// Ordered by source and target. oid, source, target, function, context, method, our function
constexpr CastInfo kCasts[] = {
    // clang-format off
    {10035, 16, 23, 2558, CastContext::kExplicit, 'f', bool_to_int},  // bool>int4
    {10191, 16, 25, 2971, CastContext::kAssignment, 'f', bool_to_text},  // bool>text
    {10201, 16, 1042, 2971, CastContext::kAssignment, 'f', bool_to_text},  // bool>bpchar
    {10196, 16, 1043, 2971, CastContext::kAssignment, 'f', bool_to_text},  // bool>varchar
    {10143, 18, 23, 77, CastContext::kExplicit, 'f', char_to_int},  // char>int4
    {10131, 18, 25, 946, CastContext::kImplicit, 'f', through_text},  // char>text
    {10132, 18, 1042, 860, CastContext::kAssignment, 'f', through_text},  // char>bpchar
    {10133, 18, 1043, 946, CastContext::kAssignment, 'f', through_text},  // char>varchar
    {10134, 19, 25, 406, CastContext::kImplicit, 'f', same_bytes},  // name>text
    {10135, 19, 1042, 408, CastContext::kAssignment, 'f', same_bytes},  // name>bpchar
    {10136, 19, 1043, 1401, CastContext::kAssignment, 'f', same_bytes},  // name>varchar
    {10000, 20, 21, 714, CastContext::kAssignment, 'f', int_to_int},  // int8>int2
    {10001, 20, 23, 480, CastContext::kAssignment, 'f', int_to_int},  // int8>int4
    {10044, 20, 24, 1287, CastContext::kImplicit, 'f', int_to_oid},  // int8>regproc
    {10037, 20, 26, 1287, CastContext::kImplicit, 'f', int_to_oid},  // int8>oid
    {10002, 20, 700, 652, CastContext::kImplicit, 'f', int_to_double},  // int8>float4
    {10003, 20, 701, 482, CastContext::kImplicit, 'f', int_to_double},  // int8>float8
    {10004, 20, 1700, 1781, CastContext::kImplicit, 'f', int_to_numeric},  // int8>numeric
    {10053, 20, 2202, 1287, CastContext::kImplicit, 'f', int_to_oid},  // int8>regprocedure
    {10060, 20, 2203, 1287, CastContext::kImplicit, 'f', int_to_oid},  // int8>regoper
    {10069, 20, 2204, 1287, CastContext::kImplicit, 'f', int_to_oid},  // int8>regoperator
    {10076, 20, 2205, 1287, CastContext::kImplicit, 'f', int_to_oid},  // int8>regclass
    {10090, 20, 2206, 1287, CastContext::kImplicit, 'f', int_to_oid},  // int8>regtype
    {10120, 20, 4089, 1287, CastContext::kImplicit, 'f', int_to_oid},  // int8>regnamespace
    {10113, 20, 4096, 1287, CastContext::kImplicit, 'f', int_to_oid},  // int8>regrole
    {10005, 21, 20, 754, CastContext::kImplicit, 'f', int_to_int},  // int2>int8
    {10006, 21, 23, 313, CastContext::kImplicit, 'f', int_to_int},  // int2>int4
    {10045, 21, 24, 313, CastContext::kImplicit, 'f', int_to_oid},  // int2>regproc
    {10038, 21, 26, 313, CastContext::kImplicit, 'f', int_to_oid},  // int2>oid
    {10007, 21, 700, 236, CastContext::kImplicit, 'f', int_to_double},  // int2>float4
    {10008, 21, 701, 235, CastContext::kImplicit, 'f', int_to_double},  // int2>float8
    {10009, 21, 1700, 1782, CastContext::kImplicit, 'f', int_to_numeric},  // int2>numeric
    {10054, 21, 2202, 313, CastContext::kImplicit, 'f', int_to_oid},  // int2>regprocedure
    {10061, 21, 2203, 313, CastContext::kImplicit, 'f', int_to_oid},  // int2>regoper
    {10070, 21, 2204, 313, CastContext::kImplicit, 'f', int_to_oid},  // int2>regoperator
    {10077, 21, 2205, 313, CastContext::kImplicit, 'f', int_to_oid},  // int2>regclass
    {10091, 21, 2206, 313, CastContext::kImplicit, 'f', int_to_oid},  // int2>regtype
    {10121, 21, 4089, 313, CastContext::kImplicit, 'f', int_to_oid},  // int2>regnamespace
    {10114, 21, 4096, 313, CastContext::kImplicit, 'f', int_to_oid},  // int2>regrole
    {10034, 23, 16, 2557, CastContext::kExplicit, 'f', int_to_bool},  // int4>bool
    {10144, 23, 18, 78, CastContext::kExplicit, 'f', int_to_char},  // int4>char
    {10010, 23, 20, 481, CastContext::kImplicit, 'f', int_to_int},  // int4>int8
    {10011, 23, 21, 314, CastContext::kAssignment, 'f', int_to_int},  // int4>int2
    {10046, 23, 24, 0, CastContext::kImplicit, 'b', nullptr},  // int4>regproc
    {10039, 23, 26, 0, CastContext::kImplicit, 'b', nullptr},  // int4>oid
    {10012, 23, 700, 318, CastContext::kImplicit, 'f', int_to_double},  // int4>float4
    {10013, 23, 701, 316, CastContext::kImplicit, 'f', int_to_double},  // int4>float8
    {10014, 23, 1700, 1740, CastContext::kImplicit, 'f', int_to_numeric},  // int4>numeric
    {10055, 23, 2202, 0, CastContext::kImplicit, 'b', nullptr},  // int4>regprocedure
    {10062, 23, 2203, 0, CastContext::kImplicit, 'b', nullptr},  // int4>regoper
    {10071, 23, 2204, 0, CastContext::kImplicit, 'b', nullptr},  // int4>regoperator
    {10078, 23, 2205, 0, CastContext::kImplicit, 'b', nullptr},  // int4>regclass
    {10092, 23, 2206, 0, CastContext::kImplicit, 'b', nullptr},  // int4>regtype
    {10122, 23, 4089, 0, CastContext::kImplicit, 'b', nullptr},  // int4>regnamespace
    {10115, 23, 4096, 0, CastContext::kImplicit, 'b', nullptr},  // int4>regrole
    {10047, 24, 20, 1288, CastContext::kAssignment, 'f', oid_to_int},  // regproc>int8
    {10048, 24, 23, 0, CastContext::kAssignment, 'b', nullptr},  // regproc>int4
    {10043, 24, 26, 0, CastContext::kImplicit, 'b', nullptr},  // regproc>oid
    {10049, 24, 2202, 0, CastContext::kImplicit, 'b', nullptr},  // regproc>regprocedure
    {10137, 25, 18, 944, CastContext::kAssignment, 'f', text_to_char},  // text>char
    {10140, 25, 19, 407, CastContext::kImplicit, 'f', to_name},  // text>name
    {10125, 25, 1042, 0, CastContext::kImplicit, 'b', nullptr},  // text>bpchar
    {10126, 25, 1043, 0, CastContext::kImplicit, 'b', nullptr},  // text>varchar
    {10109, 25, 2205, 1079, CastContext::kImplicit, 'f', text_to_regclass},  // text>regclass
    {10040, 26, 20, 1288, CastContext::kAssignment, 'f', oid_to_int},  // oid>int8
    {10041, 26, 23, 0, CastContext::kAssignment, 'b', nullptr},  // oid>int4
    {10042, 26, 24, 0, CastContext::kImplicit, 'b', nullptr},  // oid>regproc
    {10051, 26, 2202, 0, CastContext::kImplicit, 'b', nullptr},  // oid>regprocedure
    {10058, 26, 2203, 0, CastContext::kImplicit, 'b', nullptr},  // oid>regoper
    {10067, 26, 2204, 0, CastContext::kImplicit, 'b', nullptr},  // oid>regoperator
    {10074, 26, 2205, 0, CastContext::kImplicit, 'b', nullptr},  // oid>regclass
    {10088, 26, 2206, 0, CastContext::kImplicit, 'b', nullptr},  // oid>regtype
    {10118, 26, 4089, 0, CastContext::kImplicit, 'b', nullptr},  // oid>regnamespace
    {10111, 26, 4096, 0, CastContext::kImplicit, 'b', nullptr},  // oid>regrole
    {10214, 114, 3802, 0, CastContext::kAssignment, 'i', through_text},  // json>jsonb
    {10192, 142, 25, 0, CastContext::kAssignment, 'b', nullptr},  // xml>text
    {10202, 142, 1042, 0, CastContext::kAssignment, 'b', nullptr},  // xml>bpchar
    {10197, 142, 1043, 0, CastContext::kAssignment, 'b', nullptr},  // xml>varchar
    {10145, 194, 25, 0, CastContext::kImplicit, 'b', nullptr},  // pg_node_tree>text
    {10015, 700, 20, 653, CastContext::kAssignment, 'f', double_to_int},  // float4>int8
    {10016, 700, 21, 238, CastContext::kAssignment, 'f', double_to_int},  // float4>int2
    {10017, 700, 23, 319, CastContext::kAssignment, 'f', double_to_int},  // float4>int4
    {10018, 700, 701, 311, CastContext::kImplicit, 'f', double_to_double},  // float4>float8
    {10019, 700, 1700, 1742, CastContext::kAssignment, 'f', double_to_numeric},  // float4>numeric
    {10020, 701, 20, 483, CastContext::kAssignment, 'f', double_to_int},  // float8>int8
    {10021, 701, 21, 237, CastContext::kAssignment, 'f', double_to_int},  // float8>int2
    {10022, 701, 23, 317, CastContext::kAssignment, 'f', double_to_int},  // float8>int4
    {10023, 701, 700, 312, CastContext::kAssignment, 'f', double_to_double},  // float8>float4
    {10024, 701, 1700, 1743, CastContext::kAssignment, 'f', double_to_numeric},  // float8>numeric
    {10138, 1042, 18, 944, CastContext::kAssignment, 'f', text_to_char},  // bpchar>char
    {10141, 1042, 19, 409, CastContext::kImplicit, 'f', to_name},  // bpchar>name
    {10127, 1042, 25, 401, CastContext::kImplicit, 'f', bpchar_to_text},  // bpchar>text
    {10128, 1042, 1043, 401, CastContext::kImplicit, 'f', bpchar_to_text},  // bpchar>varchar
    {10139, 1043, 18, 944, CastContext::kAssignment, 'f', text_to_char},  // varchar>char
    {10142, 1043, 19, 1400, CastContext::kImplicit, 'f', to_name},  // varchar>name
    {10129, 1043, 25, 0, CastContext::kImplicit, 'b', nullptr},  // varchar>text
    {10130, 1043, 1042, 0, CastContext::kImplicit, 'b', nullptr},  // varchar>bpchar
    {10110, 1043, 2205, 1079, CastContext::kImplicit, 'f', text_to_regclass},  // varchar>regclass
    {10152, 1082, 1114, 2024, CastContext::kImplicit, 'f', date_to_timestamp},  // date>timestamp
    {10153, 1082, 1184, 1174, CastContext::kImplicit, 'f', date_to_timestamptz},  // date>timestamptz
    {10154, 1083, 1186, 1370, CastContext::kImplicit, 'f', time_to_interval},  // time>interval
    {10155, 1083, 1266, 2047, CastContext::kImplicit, 'f', time_to_timetz},  // time>timetz
    {10156, 1114, 1082, 2029, CastContext::kAssignment, 'f', timestamp_to_date},  // timestamp>date
    {10157, 1114, 1083, 1316, CastContext::kAssignment, 'f', timestamp_to_time},  // timestamp>time
    {10158, 1114, 1184, 2028, CastContext::kImplicit, 'f', timestamp_to_timestamptz},  // timestamp>timestamptz
    {10159, 1184, 1082, 1178, CastContext::kAssignment, 'f', timestamptz_to_date},  // timestamptz>date
    {10160, 1184, 1083, 2019, CastContext::kAssignment, 'f', timestamptz_to_time},  // timestamptz>time
    {10161, 1184, 1114, 2027, CastContext::kAssignment, 'f', timestamptz_to_timestamp},  // timestamptz>timestamp
    {10162, 1184, 1266, 1388, CastContext::kAssignment, 'f', timestamptz_to_timetz},  // timestamptz>timetz
    {10163, 1186, 1083, 1419, CastContext::kAssignment, 'f', interval_to_time},  // interval>time
    {10164, 1266, 1083, 2046, CastContext::kAssignment, 'f', timetz_to_time},  // timetz>time
    {10025, 1700, 20, 1779, CastContext::kAssignment, 'f', numeric_to_int},  // numeric>int8
    {10026, 1700, 21, 1783, CastContext::kAssignment, 'f', numeric_to_int},  // numeric>int2
    {10027, 1700, 23, 1744, CastContext::kAssignment, 'f', numeric_to_int},  // numeric>int4
    {10028, 1700, 700, 1745, CastContext::kImplicit, 'f', numeric_to_double},  // numeric>float4
    {10029, 1700, 701, 1746, CastContext::kImplicit, 'f', numeric_to_double},  // numeric>float8
    {10056, 2202, 20, 1288, CastContext::kAssignment, 'f', oid_to_int},  // regprocedure>int8
    {10057, 2202, 23, 0, CastContext::kAssignment, 'b', nullptr},  // regprocedure>int4
    {10050, 2202, 24, 0, CastContext::kImplicit, 'b', nullptr},  // regprocedure>regproc
    {10052, 2202, 26, 0, CastContext::kImplicit, 'b', nullptr},  // regprocedure>oid
    {10063, 2203, 20, 1288, CastContext::kAssignment, 'f', oid_to_int},  // regoper>int8
    {10064, 2203, 23, 0, CastContext::kAssignment, 'b', nullptr},  // regoper>int4
    {10059, 2203, 26, 0, CastContext::kImplicit, 'b', nullptr},  // regoper>oid
    {10065, 2203, 2204, 0, CastContext::kImplicit, 'b', nullptr},  // regoper>regoperator
    {10072, 2204, 20, 1288, CastContext::kAssignment, 'f', oid_to_int},  // regoperator>int8
    {10073, 2204, 23, 0, CastContext::kAssignment, 'b', nullptr},  // regoperator>int4
    {10068, 2204, 26, 0, CastContext::kImplicit, 'b', nullptr},  // regoperator>oid
    {10066, 2204, 2203, 0, CastContext::kImplicit, 'b', nullptr},  // regoperator>regoper
    {10079, 2205, 20, 1288, CastContext::kAssignment, 'f', oid_to_int},  // regclass>int8
    {10080, 2205, 23, 0, CastContext::kAssignment, 'b', nullptr},  // regclass>int4
    {10075, 2205, 26, 0, CastContext::kImplicit, 'b', nullptr},  // regclass>oid
    {10093, 2206, 20, 1288, CastContext::kAssignment, 'f', oid_to_int},  // regtype>int8
    {10094, 2206, 23, 0, CastContext::kAssignment, 'b', nullptr},  // regtype>int4
    {10089, 2206, 26, 0, CastContext::kImplicit, 'b', nullptr},  // regtype>oid
    {10215, 3802, 114, 0, CastContext::kAssignment, 'i', through_text},  // jsonb>json
    {10123, 4089, 20, 1288, CastContext::kAssignment, 'f', oid_to_int},  // regnamespace>int8
    {10124, 4089, 23, 0, CastContext::kAssignment, 'b', nullptr},  // regnamespace>int4
    {10119, 4089, 26, 0, CastContext::kImplicit, 'b', nullptr},  // regnamespace>oid
    {10116, 4096, 20, 1288, CastContext::kAssignment, 'f', oid_to_int},  // regrole>int8
    {10117, 4096, 23, 0, CastContext::kAssignment, 'b', nullptr},  // regrole>int4
    {10112, 4096, 26, 0, CastContext::kImplicit, 'b', nullptr},  // regrole>oid
    {10036, 5069, 28, 5071, CastContext::kExplicit, 'f', oid_to_int},  // xid8>xid
    // clang-format on
};

const CastInfo* listed_cast(Oid source, Oid target) {
  auto key = [](const CastInfo& c) { return std::pair(c.source, c.target); };
  auto it =
      std::lower_bound(std::begin(kCasts), std::end(kCasts), std::pair(source, target),
                       [&](const CastInfo& c, const std::pair<Oid, Oid>& k) { return key(c) < k; });
  return it != std::end(kCasts) && key(*it) == std::pair(source, target) ? &*it : nullptr;
}

bool is_string(Oid type) {
  const TypeInfo* t = find_type(type);
  return t != nullptr && t->category == 'S';
}

Status too_long(Type target, int32_t length) {
  return invalid_argument(
      fmt::format("value too long for type {}({})", type_info(target.oid).sql_name, length),
      sqlstate::kStringDataRightTruncation);
}

Result<Datum> fit_string(Type target, bool is_explicit, Datum v) {
  int32_t length = length_of_typmod(target.typmod);
  if (length < 0) return v;
  BytesView text = v.as_bytes();
  auto limit = static_cast<size_t>(length);
  // Bytes bound characters from above, which spares counting in the usual case.
  size_t count =
      text.size() <= limit && target.oid == oid::kVarchar ? text.size() : utf8_length(text);
  if (count > limit) {
    size_t keep = utf8_prefix(text, limit);
    if (!is_explicit && text.find_first_not_of(' ', keep) != BytesView::npos)
      return too_long(target, length);
    return Datum::of_bytes(text.substr(0, keep));
  }
  if (target.oid == oid::kVarchar || count == limit) return v;
  Bytes padded(text);
  padded.append(limit - count, ' ');
  return Datum::of_bytes(padded);
}

}  // namespace

std::span<const CastInfo> all_casts() { return kCasts; }

std::optional<CastPath> find_cast(Oid source, Oid target, CastContext context) {
  if (source == target)
    return CastPath{CastInfo{0, source, target, 0, CastContext::kImplicit, 'b', nullptr}};
  if (source == oid::kUnknown)
    return CastPath{CastInfo{0, source, target, 0, CastContext::kImplicit, 'i', from_literal}};
  if (const CastInfo* c = listed_cast(source, target)) {
    if (c->context > context) return std::nullopt;
    return CastPath{*c};
  }
  const TypeInfo *from = find_type(source), *to = find_type(target);
  if (from == nullptr || to == nullptr) return std::nullopt;
  // int2vector and oidvector are arrays of these already.
  if (to->is_array() && !from->is_array() && from->category == 'A' && from->element == to->element)
    return CastPath{CastInfo{0, source, target, 0, CastContext::kImplicit, 'b', nullptr}};
  if (from->is_array() && to->is_array()) {
    std::optional<CastPath> element = find_cast(from->element, to->element, context);
    if (!element) return std::nullopt;
    return CastPath{CastInfo{0, source, target, 0, element->cast.context, 'f', array_to_array}};
  }
  if (to->is_pseudo() && target != oid::kUnknown) return std::nullopt;
  if (is_string(target) && context >= CastContext::kAssignment) {
    return CastPath{CastInfo{0, source, target, 0, CastContext::kAssignment, 'i', through_text}};
  }
  if (is_string(source) && context == CastContext::kExplicit) {
    return CastPath{CastInfo{0, source, target, 0, CastContext::kExplicit, 'i', through_text}};
  }
  return std::nullopt;
}

bool needs_length_coercion(Type source, Type target) {
  if (target.typmod < 0 || source == target) return false;
  const TypeInfo& t = type_info(target.oid);
  Oid base = t.is_array() ? t.element : t.oid;
  switch (base) {
    case oid::kVarchar:
    case oid::kBpchar:
    case oid::kNumeric:
    case oid::kTime:
    case oid::kTimetz:
    case oid::kTimestamp:
    case oid::kTimestamptz:
    case oid::kInterval:
      return true;
    default:
      return false;
  }
}

Result<Datum> length_coercion(const IoContext& io, Type target, bool is_explicit, Datum v) {
  if (target.typmod < 0) return v;
  switch (target.oid) {
    case oid::kVarchar:
    case oid::kBpchar:
      return fit_string(target, is_explicit, std::move(v));
    case oid::kNumeric:
      return numeric_fit(std::move(v), target.typmod);
    case oid::kTime:
    case oid::kTimestamp:
    case oid::kTimestamptz:
      return Datum::of_int(round_micros(v.as_int(), target.typmod));
    case oid::kTimetz: {
      int64_t micros = 0;
      Bytes bytes(v.as_bytes());
      std::memcpy(&micros, bytes.data(), 8);
      micros = round_micros(micros, target.typmod);
      std::memcpy(bytes.data(), &micros, 8);
      return Datum::of_bytes(bytes);
    }
    case oid::kInterval: {
      ASSIGN_OR_RETURN(Interval i, fit_interval(Interval::from_datum(v), target.typmod));
      return i.to_datum();
    }
    default:
      break;
  }
  const TypeInfo& t = type_info(target.oid);
  if (!t.is_array()) return v;
  Array a = Array::open(v);
  for (Datum& e : a.values) {
    if (e.is_null()) continue;
    ASSIGN_OR_RETURN(
        e, length_coercion(io, Type{t.element, target.typmod}, is_explicit, std::move(e)));
  }
  return a.to_datum();
}

Result<Datum> cast_value(const IoContext& io, Type source, Type target, bool is_explicit,
                         const Datum& v) {
  if (v.is_null()) return v;
  std::optional<CastPath> path = find_cast(source.oid, target.oid, CastContext::kExplicit);
  CHECK(path.has_value());
  Datum out = v;
  if (!path->binary()) {
    ASSIGN_OR_RETURN(out, path->cast.fn(io, source, target, is_explicit, v));
    if (out.is_null()) return out;
  }
  // A cast to bpchar without length keeps what it has; fit pads it where there is one.
  return length_coercion(io, target, is_explicit, std::move(out));
}

}  // namespace quorate::sql
