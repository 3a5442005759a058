#include "sql/types/text_io.h"

#include "fmt/format.h"
#include "sql/types/array.h"
#include "sql/types/cast.h"
#include "sql/types/date_time.h"
#include "sql/types/interval.h"
#include "sql/types/json.h"
#include "sql/types/numeric.h"
#include "sql/types/record.h"
#include "sql/types/scalar_io.h"

namespace quorate::sql {
namespace {

Result<Datum> interval_input(Type type, std::string_view text, const IoContext& io) {
  ASSIGN_OR_RETURN(Interval v, parse_interval(text, type.typmod, io.interval_style));
  return v.to_datum();
}

// How many bytes the UTF-8 character that `s` begins with has; 0 when it is none.
size_t utf8_character(std::string_view s) {
  auto at = [&](size_t i) { return i < s.size() ? static_cast<unsigned char>(s[i]) : 0; };
  auto tail = [&](size_t i) { return (at(i) & 0xc0) == 0x80; };
  unsigned char c = at(0);
  if (c == 0) return 0;
  if (c < 0x80) return 1;
  if (c >= 0xc2 && c < 0xe0) return tail(1) ? 2 : 0;
  if (c >= 0xe0 && c < 0xf0) {
    if ((c == 0xe0 && at(1) < 0xa0) || (c == 0xed && at(1) > 0x9f)) return 0;
    return tail(1) && tail(2) ? 3 : 0;
  }
  if (c >= 0xf0 && c < 0xf5) {
    if ((c == 0xf0 && at(1) < 0x90) || (c == 0xf4 && at(1) > 0x8f)) return 0;
    return tail(1) && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

bool is_octal(char c) { return c >= '0' && c <= '7'; }

// A byte of "char" that is not ASCII stands as \ooo, since it is no text by itself.
Datum char_input(std::string_view text) {
  if (text.size() == 4 && text[0] == '\\' && is_octal(text[1]) && is_octal(text[2]) &&
      is_octal(text[3])) {
    const auto byte = static_cast<char>((text[1] - '0') * 64 + (text[2] - '0') * 8 + text[3] - '0');
    return Datum::of_bytes({&byte, byte != 0 ? size_t{1} : 0});
  }
  return Datum::of_bytes(text.substr(0, 1));
}

void char_output(BytesView v, Bytes& out) {
  if (v.empty() || static_cast<signed char>(v[0]) >= 0) {
    out.append(v);
  } else {
    out += fmt::format("\\{:03o}", static_cast<unsigned char>(v[0]));
  }
}

}  // namespace

Result<Datum> input_text(Type type, std::string_view text, const IoContext& io) {
  switch (type.oid) {
    case oid::kBool:
      return bool_input(text);
    case oid::kInt2:
    case oid::kInt4:
    case oid::kInt8:
      return int_input(type.oid, text);
    case oid::kOid:
    case oid::kXid:
    case oid::kCid:
    case oid::kXid8:
      return oid_input(type.oid, text);
    case oid::kFloat4:
    case oid::kFloat8:
      return float_input(type.oid, text);
    case oid::kNumeric:
      return numeric_input(text, type.typmod);
    case oid::kText:
    case oid::kUnknown:
    case oid::kCstring:
    case oid::kXml:
      return Datum::of_bytes(text);
    case oid::kVarchar:
    case oid::kBpchar:
      return length_coercion(io, type, false, Datum::of_bytes(text));
    case oid::kName:
      return name_input(text);
    case oid::kChar:
      return char_input(text);
    case oid::kBytea:
      return bytea_input(text);
    case oid::kUuid:
      return uuid_input(text);
    case oid::kDate:
      return date_input(text, io);
    case oid::kTime:
      return time_input(text, type.typmod, io);
    case oid::kTimetz:
      return timetz_input(text, type.typmod, io);
    case oid::kTimestamp:
      return timestamp_input(text, type.typmod, false, io);
    case oid::kTimestamptz:
      return timestamp_input(text, type.typmod, true, io);
    case oid::kInterval:
      return interval_input(type, text, io);
    case oid::kJson: {
      RETURN_IF_ERROR(json_check(text));
      return Datum::of_bytes(text);
    }
    case oid::kJsonb:
      return jsonb_input(text);
    case oid::kRegproc:
    case oid::kRegprocedure:
    case oid::kRegoper:
    case oid::kRegoperator:
    case oid::kRegclass:
    case oid::kRegtype:
    case oid::kRegnamespace:
    case oid::kRegrole:
      return reg_input(type.oid, text, io);
    case oid::kVoid:
      return Datum::of_bytes("");
    default:
      break;
  }
  const TypeInfo* t = find_type(type.oid);
  if (t != nullptr && t->category == 'A' && !t->is_pseudo())
    return array_input(type.oid, type.typmod, text, io);
  if (t != nullptr && t->is_pseudo() && type.oid != oid::kRecord) {
    return invalid_argument(fmt::format("cannot accept a value of type {}", t->name),
                            sqlstate::kFeatureNotSupported);
  }
  return unimplemented(fmt::format("input of type {}", format_type(type)));
}

void output_text(Type type, const Datum& v, const IoContext& io, Bytes& out) {
  DCHECK(!v.is_null());
  switch (type.oid) {
    case oid::kBool:
      out.push_back(v.as_bool() ? 't' : 'f');
      return;
    case oid::kInt2:
    case oid::kInt4:
    case oid::kInt8:
    case oid::kOid:
    case oid::kXid:
    case oid::kCid:
    case oid::kXid8: {
      fmt::format_int text(v.as_int());
      out.append(text.data(), text.size());
      return;
    }
    case oid::kFloat4:
    case oid::kFloat8:
      return float_output(type.oid, v.as_double(), io.extra_float_digits, out);
    case oid::kNumeric:
      return numeric_output(v, out);
    case oid::kChar:
      return char_output(v.as_bytes(), out);
    case oid::kBytea:
      return bytea_output(v.as_bytes(), io.bytea_output, out);
    case oid::kUuid:
      return uuid_output(v.as_bytes(), out);
    case oid::kDate:
      return date_output(v.as_int(), io, out);
    case oid::kTime:
      return time_output(v.as_int(), out);
    case oid::kTimetz:
      return timetz_output(v, out);
    case oid::kTimestamp:
      return timestamp_output(v.as_int(), false, io, out);
    case oid::kTimestamptz:
      return timestamp_output(v.as_int(), true, io, out);
    case oid::kInterval:
      out += format_interval(Interval::from_datum(v), io.interval_style);
      return;
    case oid::kRecord:
      return record_output(v, io, out);
    case oid::kRegproc:
    case oid::kRegprocedure:
    case oid::kRegoper:
    case oid::kRegoperator:
    case oid::kRegclass:
    case oid::kRegtype:
    case oid::kRegnamespace:
    case oid::kRegrole:
      return reg_output(type.oid, static_cast<Oid>(v.as_int()), io, out);
    default:
      break;
  }
  if (type_info(type.oid).category == 'A') return array_output(type.oid, v, io, out);
  out += v.as_bytes();
}

Status check_utf8(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    // Eight bytes at once where they are all ASCII and none is zero.
    for (uint64_t word; at + 8 <= text.size(); at += 8) {
      std::memcpy(&word, text.data() + at, 8);
      const uint64_t zero = (word - 0x0101010101010101u) & ~word;
      if (((word | zero) & 0x8080808080808080u) != 0) break;
    }
    if (at == text.size()) break;
    auto c = static_cast<unsigned char>(text[at]);
    if (c != 0 && c < 0x80) {
      ++at;
      continue;
    }
    size_t size = utf8_character(text.substr(at));
    if (size == 0) {
      size_t shown = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
      std::string bytes;
      for (size_t i = at; i < std::min(at + shown, text.size()); ++i) {
        bytes += fmt::format("{}0x{:02x}", bytes.empty() ? "" : " ",
                             static_cast<unsigned char>(text[i]));
      }
      return invalid_argument(fmt::format("invalid byte sequence for encoding \"UTF8\": {}", bytes),
                              sqlstate::kCharacterNotInRepertoire);
    }
    at += size;
  }
  return {};
}

}  // namespace quorate::sql
