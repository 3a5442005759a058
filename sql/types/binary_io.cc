#include "sql/types/binary_io.h"

#include <bit>
#include <cmath>

#include "fmt/format.h"
#include "sql/types/array.h"
#include "sql/types/cast.h"
#include "sql/types/date_time.h"
#include "sql/types/interval.h"
#include "sql/types/json.h"
#include "sql/types/numeric.h"
#include "sql/types/record.h"
#include "sql/types/scalar_io.h"
#include "sql/types/text_io.h"

namespace quorate::sql {
namespace {

constexpr int32_t kZoneLimit = 16 * 3600;  // PostgreSQL's TZDISP_LIMIT, in seconds

template <class T>
void put(T v, Bytes& out) {
  for (int shift = 8 * (int{sizeof(T)} - 1); shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(v >> shift));
}

template <class T>
T get(BytesView in) {
  std::make_unsigned_t<T> v = 0;
  for (size_t i = 0; i < sizeof(T); ++i)
    v = static_cast<decltype(v)>(uint64_t{v} << 8 | static_cast<unsigned char>(in[i]));
  return static_cast<T>(v);
}

Status bad_format() {
  return invalid_argument("incorrect binary data format", sqlstate::kInvalidBinaryRepresentation);
}
Status too_short() {
  return invalid_argument("insufficient data left in message", sqlstate::kProtocolViolation);
}

Status out_of_range(std::string_view what) {
  return invalid_argument(fmt::format("{} out of range", what), sqlstate::kDatetimeFieldOverflow);
}

// The width of types whose binary form is one integer or float, else 0.
size_t plain_width(Oid type) {
  switch (type) {
    case oid::kBool:
      return 1;
    case oid::kInt2:
      return 2;
    case oid::kInt4:
    case oid::kFloat4:
    case oid::kDate:
    case oid::kOid:
    case oid::kXid:
    case oid::kCid:
    case oid::kRegproc:
    case oid::kRegprocedure:
    case oid::kRegoper:
    case oid::kRegoperator:
    case oid::kRegclass:
    case oid::kRegtype:
    case oid::kRegnamespace:
    case oid::kRegrole:
      return 4;
    case oid::kInt8:
    case oid::kFloat8:
    case oid::kTime:
    case oid::kTimestamp:
    case oid::kTimestamptz:
    case oid::kXid8:
      return 8;
    case oid::kTimetz:
      return 12;
    case oid::kInterval:
    case oid::kUuid:
      return 16;
    default:
      return 0;
  }
}

Result<Datum> receive_integer(Type type, BytesView in) {
  switch (type.oid) {
    case oid::kInt2:
      return Datum::of_int(get<int16_t>(in));
    case oid::kInt4:
      return Datum::of_int(get<int32_t>(in));
    case oid::kDate: {
      int64_t days = get<int32_t>(in);
      if (!is_infinite_date(days) && !date_in_range(days)) return out_of_range("date");
      return Datum::of_int(days);
    }
    case oid::kTime: {
      auto micros = get<int64_t>(in);
      if (micros < 0 || micros > kMicrosPerDay) return out_of_range("time");
      return Datum::of_int(round_micros(micros, type.typmod));
    }
    case oid::kTimestamp:
    case oid::kTimestamptz: {
      auto micros = get<int64_t>(in);
      if (!is_infinite_timestamp(micros) && !timestamp_in_range(micros))
        return out_of_range("timestamp");
      return Datum::of_int(round_micros(micros, type.typmod));
    }
    default:
      break;
  }
  return in.size() == 4 ? Datum::of_int(get<uint32_t>(in)) : Datum::of_int(get<int64_t>(in));
}

Result<Datum> receive_plain(Type type, BytesView in) {
  switch (type.oid) {
    case oid::kBool:
      return Datum::of_bool(in[0] != 0);
    case oid::kFloat4:
      return Datum::of_double(std::bit_cast<float>(get<uint32_t>(in)));
    case oid::kFloat8:
      return Datum::of_double(std::bit_cast<double>(get<uint64_t>(in)));
    case oid::kUuid:
      return Datum::of_bytes(in);
    case oid::kTimetz: {
      auto micros = get<int64_t>(in);
      auto zone = get<int32_t>(in.substr(8));
      if (micros < 0 || micros > kMicrosPerDay) return out_of_range("time");
      if (zone <= -kZoneLimit || zone >= kZoneLimit) {
        return invalid_argument("time zone displacement out of range",
                                sqlstate::kInvalidTimeZoneDisplacement);
      }
      micros = round_micros(micros, type.typmod);
      char b[12];
      std::memcpy(b, &micros, 8);
      std::memcpy(b + 8, &zone, 4);
      return Datum::of_bytes({b, 12});
    }
    case oid::kInterval: {
      Interval v{get<int64_t>(in), get<int32_t>(in.substr(8)), get<int32_t>(in.substr(12))};
      ASSIGN_OR_RETURN(v, fit_interval(v, type.typmod));
      return v.to_datum();
    }
    default:
      return receive_integer(type, in);
  }
}

}  // namespace

Result<Datum> receive_binary(Type type, BytesView in, const IoContext& io) {
  if (size_t width = plain_width(type.oid); width != 0) {
    if (in.size() < width) return too_short();
    if (in.size() > width) return bad_format();
    return receive_plain(type, in);
  }
  switch (type.oid) {
    case oid::kNumeric:
      return numeric_receive(in, type.typmod);
    case oid::kBytea:
      return Datum::of_bytes(in);
    case oid::kChar:
      if (in.empty()) return too_short();
      if (in.size() > 1) return bad_format();
      return Datum::of_bytes(in[0] == '\0' ? BytesView() : in);
    case oid::kJsonb:
      if (in.empty() || in[0] != 1) {
        return invalid_argument(
            fmt::format("unsupported jsonb version number {}", in.empty() ? 0 : int{in[0]}),
            sqlstate::kInternalError);
      }
      RETURN_IF_ERROR(check_utf8(in.substr(1)));
      return jsonb_input(in.substr(1));
    case oid::kText:
    case oid::kVarchar:
    case oid::kBpchar:
    case oid::kName:
    case oid::kUnknown:
    case oid::kJson:
    case oid::kXml:
      RETURN_IF_ERROR(check_utf8(in));
      return input_text(type, in, io);
    default:
      break;
  }
  const TypeInfo* t = find_type(type.oid);
  if (t != nullptr && t->category == 'A' && !t->is_pseudo())
    return array_receive(type.oid, type.typmod, in, io);
  return invalid_argument(
      fmt::format("no binary input function available for type {}", format_type(type)),
      sqlstate::kUndefinedFunction);
}

Status send_binary(Type type, const Datum& v, const IoContext& io, Bytes& out) {
  switch (type.oid) {
    case oid::kBool:
      out.push_back(v.as_bool() ? '\1' : '\0');
      return {};
    case oid::kFloat4:
      put(std::bit_cast<uint32_t>(static_cast<float>(v.as_double())), out);
      return {};
    case oid::kFloat8:
      put(std::bit_cast<uint64_t>(v.as_double()), out);
      return {};
    case oid::kNumeric:
      numeric_send(v, out);
      return {};
    case oid::kTimetz: {
      BytesView b = v.as_bytes();
      int64_t micros = 0;
      int32_t zone = 0;
      std::memcpy(&micros, b.data(), 8);
      std::memcpy(&zone, b.data() + 8, 4);
      put(micros, out);
      put(zone, out);
      return {};
    }
    case oid::kInterval: {
      Interval i = Interval::from_datum(v);
      put(i.micros, out);
      put(i.days, out);
      put(i.months, out);
      return {};
    }
    case oid::kChar:
      out.push_back(v.as_bytes().empty() ? '\0' : v.as_bytes()[0]);
      return {};
    case oid::kJsonb:
      out.push_back('\1');
      out += v.as_bytes();
      return {};
    case oid::kRecord:
      return record_send(v, io, out);
    case oid::kVoid:
      return {};
    case oid::kAclItem:
      return invalid_argument("no binary output function available for type aclitem",
                              sqlstate::kUndefinedFunction);
    default:
      break;
  }
  const TypeInfo& t = type_info(type.oid);
  if (t.category == 'A') return array_send(type.oid, v, io, out);
  if (t.rep == Rep::kInt) {
    switch (plain_width(type.oid)) {
      case 2:
        put(static_cast<int16_t>(v.as_int()), out);
        return {};
      case 4:
        put(static_cast<int32_t>(v.as_int()), out);
        return {};
      default:
        put(v.as_int(), out);
        return {};
    }
  }
  out += v.as_bytes();
  return {};
}

}  // namespace quorate::sql
