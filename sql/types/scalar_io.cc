#include "sql/types/scalar_io.h"

#include <charconv>
#include <cmath>

#include "fmt/format.h"
#include "sql/types/scan.h"

namespace quorate::sql {
namespace {

Status bad_syntax(std::string_view type, std::string_view text) {
  return invalid_argument(fmt::format("invalid input syntax for type {}: \"{}\"", type, text),
                          sqlstate::kInvalidTextRepresentation);
}

Status out_of_range(std::string_view type, std::string_view text) {
  return invalid_argument(fmt::format("value \"{}\" is out of range for type {}", text, type),
                          sqlstate::kNumericValueOutOfRange);
}

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  c = to_lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

constexpr char kHexDigits[] = "0123456789abcdef";

bool is_prefix_of(std::string_view s, std::string_view word) {
  return !s.empty() && s.size() <= word.size() && equals_ignoring_case(s, word.substr(0, s.size()));
}

Result<Datum> bytea_hex(std::string_view text) {
  Bytes out;
  int high = -1;
  for (char c : text) {
    if (is_blank(c) && high < 0) continue;
    int digit = hex_digit(c);
    if (digit < 0) return invalid_argument(fmt::format("invalid hexadecimal digit: \"{}\"", c));
    if (high < 0) {
      high = digit;
    } else {
      out.push_back(static_cast<char>(high << 4 | digit));
      high = -1;
    }
  }
  if (high >= 0) return invalid_argument("invalid hexadecimal data: odd number of digits");
  return Datum::of_bytes(out);
}

// Digits and exponent of the shortest text, laid out as C's %g does.
void layout_shortest(std::string_view scientific, int exponent_limit, Bytes& out) {
  bool negative = scientific[0] == '-';
  if (negative) scientific.remove_prefix(1);
  size_t e = scientific.find('e');
  int exponent = std::atoi(std::string(scientific.substr(e + 1)).c_str());
  std::string digits(1, scientific[0]);
  if (e > 2) digits += scientific.substr(2, e - 2);
  if (negative) out.push_back('-');
  if (exponent < -4 || exponent >= exponent_limit) {
    out.push_back(digits[0]);
    if (digits.size() > 1) {
      out.push_back('.');
      out.append(digits, 1);
    }
    out += fmt::format("e{}{:02}", exponent < 0 ? '-' : '+', std::abs(exponent));
    return;
  }
  if (exponent < 0) {
    out += "0.";
    out.append(static_cast<size_t>(-exponent - 1), '0');
    out += digits;
    return;
  }
  size_t whole = static_cast<size_t>(exponent) + 1;
  if (digits.size() <= whole) {
    out += digits;
    out.append(whole - digits.size(), '0');
  } else {
    out.append(digits, 0, whole);
    out.push_back('.');
    out.append(digits, whole);
  }
}

std::string_view float_name(Oid type) { return type == oid::kFloat4 ? "real" : "double precision"; }

}  // namespace

Result<Datum> bool_input(std::string_view text) {
  std::string_view s = trim_blanks(text);
  if (is_prefix_of(s, "true") || is_prefix_of(s, "yes") || s == "1" ||
      equals_ignoring_case(s, "on")) {
    return Datum::of_bool(true);
  }
  if (is_prefix_of(s, "false") || is_prefix_of(s, "no") || s == "0" ||
      (s.size() >= 2 && is_prefix_of(s, "off"))) {
    return Datum::of_bool(false);
  }
  return bad_syntax("boolean", text);
}

Result<Datum> int_input(Oid type, std::string_view text) {
  std::string_view name = type_info(type).sql_name;
  std::string_view s = trim_blanks(text);
  std::string_view digits = s;
  if (!digits.empty() && (digits[0] == '+' || digits[0] == '-')) digits.remove_prefix(1);
  if (digits.empty()) return bad_syntax(name, text);
  for (char c : digits) {
    if (!is_digit(c)) return bad_syntax(name, text);
  }
  if (s[0] == '+') s.remove_prefix(1);
  int64_t v = 0;
  auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), v);
  int64_t max = type == oid::kInt2 ? INT16_MAX : type == oid::kInt4 ? INT32_MAX : INT64_MAX;
  if (error != std::errc() || v > max || v < -max - 1) return out_of_range(name, text);
  return Datum::of_int(v);
}

Result<Datum> oid_input(Oid type, std::string_view text) {
  std::string_view name = type_info(type).name;
  std::string_view s = trim_blanks(text);
  if (!s.empty() && s[0] == '+') s.remove_prefix(1);
  int64_t v = 0;
  auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), v);
  if (error == std::errc::result_out_of_range) return out_of_range(name, text);
  if (error != std::errc() || end != s.data() + s.size()) return bad_syntax(name, text);
  if (type == oid::kXid8) return Datum::of_int(v);
  // As PostgreSQL does, -1 is read as the largest one.
  if (v > int64_t{UINT32_MAX} || v < INT32_MIN) return out_of_range(name, text);
  return Datum::of_int(static_cast<uint32_t>(v));
}

Result<Datum> float_input(Oid type, std::string_view text) {
  std::string_view s = trim_blanks(text);
  std::string_view body = s;
  bool negative = !body.empty() && body[0] == '-';
  if (!body.empty() && (body[0] == '+' || body[0] == '-')) body.remove_prefix(1);
  if (equals_ignoring_case(body, "infinity") || equals_ignoring_case(body, "inf")) {
    return Datum::of_double(negative ? -INFINITY : INFINITY);
  }
  if (equals_ignoring_case(body, "nan")) return Datum::of_double(std::nan(""));
  if (body.empty() || !(is_digit(body[0]) || body[0] == '.'))
    return bad_syntax(float_name(type), text);
  auto finish = [&](auto v) -> Result<Datum> {
    auto [end, error] = std::from_chars(body.data(), body.data() + body.size(), v);
    if (end != body.data() + body.size()) return bad_syntax(float_name(type), text);
    if (error == std::errc::result_out_of_range) {
      return invalid_argument(
          fmt::format("\"{}\" is out of range for type {}", s, float_name(type)),
          sqlstate::kNumericValueOutOfRange);
    }
    if (error != std::errc()) return bad_syntax(float_name(type), text);
    return Datum::of_double(negative ? -v : v);
  };
  if (type == oid::kFloat4) return finish(float{0});
  return finish(double{0});
}

void float_output(Oid type, double v, int extra_float_digits, Bytes& out) {
  if (std::isnan(v)) {
    out += "NaN";
    return;
  }
  if (std::isinf(v)) {
    out += v > 0 ? "Infinity" : "-Infinity";
    return;
  }
  bool is_float = type == oid::kFloat4;
  if (extra_float_digits <= 0) {
    int digits = std::max(1, (is_float ? 6 : 15) + extra_float_digits);
    out += fmt::format("{:.{}g}", v, digits);
    return;
  }
  char buffer[40];
  std::to_chars_result r =
      is_float ? std::to_chars(buffer, buffer + sizeof(buffer), static_cast<float>(v),
                               std::chars_format::scientific)
               : std::to_chars(buffer, buffer + sizeof(buffer), v, std::chars_format::scientific);
  layout_shortest({buffer, static_cast<size_t>(r.ptr - buffer)}, is_float ? 6 : 15, out);
}

Result<Datum> bytea_input(std::string_view text) {
  if (text.starts_with("\\x")) return bytea_hex(text.substr(2));
  Bytes out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out.push_back(text[i]);
      continue;
    }
    auto octal = [&](size_t at, char max) {
      return at < text.size() && text[at] >= '0' && text[at] <= max;
    };
    if (i + 1 < text.size() && text[i + 1] == '\\') {
      out.push_back('\\');
      ++i;
    } else if (octal(i + 1, '3') && octal(i + 2, '7') && octal(i + 3, '7')) {
      out.push_back(static_cast<char>((text[i + 1] - '0') << 6 | (text[i + 2] - '0') << 3 |
                                      (text[i + 3] - '0')));
      i += 3;
    } else {
      return invalid_argument("invalid input syntax for type bytea",
                              sqlstate::kInvalidTextRepresentation);
    }
  }
  return Datum::of_bytes(out);
}

void bytea_output(BytesView v, ByteaOutput style, Bytes& out) {
  if (style == ByteaOutput::kHex) {
    out += "\\x";
    for (unsigned char c : v) {
      out.push_back(kHexDigits[c >> 4]);
      out.push_back(kHexDigits[c & 15]);
    }
    return;
  }
  for (unsigned char c : v) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c < 0x20 || c > 0x7e) {
      out += fmt::format("\\{:03o}", c);
    } else {
      out.push_back(static_cast<char>(c));
    }
  }
}

Result<Datum> uuid_input(std::string_view text) {
  std::string_view s = text;
  if (s.size() >= 2 && s.front() == '{' && s.back() == '}') s = s.substr(1, s.size() - 2);
  char bytes[16];
  size_t at = 0;
  for (int i = 0; i < 16; ++i) {
    if (at + 1 >= s.size()) return bad_syntax("uuid", text);
    int high = hex_digit(s[at]), low = hex_digit(s[at + 1]);
    if (high < 0 || low < 0) return bad_syntax("uuid", text);
    bytes[i] = static_cast<char>(high << 4 | low);
    at += 2;
    if (at < s.size() && s[at] == '-' && i % 2 == 1 && i < 15) ++at;
  }
  if (at != s.size()) return bad_syntax("uuid", text);
  return Datum::of_bytes({bytes, 16});
}

void uuid_output(BytesView v, Bytes& out) {
  CHECK(v.size() == 16);
  for (size_t i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out.push_back('-');
    auto c = static_cast<unsigned char>(v[i]);
    out.push_back(kHexDigits[c >> 4]);
    out.push_back(kHexDigits[c & 15]);
  }
}

Datum name_input(std::string_view text) {
  constexpr size_t kNameBytesMax = 63;
  if (text.size() <= kNameBytesMax) return Datum::of_bytes(text);
  size_t n = kNameBytesMax;
  while (n > 0 && (static_cast<unsigned char>(text[n]) & 0xc0) == 0x80) --n;
  return Datum::of_bytes(text.substr(0, n));
}

Result<Datum> reg_input(Oid type, std::string_view text, const IoContext& io) {
  if (text == "-") return Datum::of_int(0);
  bool number = !text.empty();
  for (char c : text) number = number && is_digit(c);
  if (number) return oid_input(oid::kOid, text);
  if (type == oid::kRegtype) {
    ASSIGN_OR_RETURN(Type t, parse_type_name(text));
    return Datum::of_int(t.oid);
  }
  if (io.catalog == nullptr)
    return unimplemented(fmt::format("{} by name here", type_info(type).name));
  ASSIGN_OR_RETURN(Oid oid, io.catalog->resolve(type, text));
  return Datum::of_int(oid);
}

void reg_output(Oid type, Oid value, const IoContext& io, Bytes& out) {
  std::string name;
  if (value == 0) {
    name = "-";
  } else if (type == oid::kRegtype) {
    if (find_type(value) != nullptr) name = format_type(value);
  } else if (io.catalog != nullptr) {
    name = io.catalog->name_of(type, value);
  }
  out += name.empty() ? fmt::format("{}", value) : name;
}

size_t utf8_length(std::string_view s) {
  size_t n = 0;
  for (char c : s) n += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  return n;
}

size_t utf8_prefix(std::string_view s, size_t n) {
  size_t at = 0;
  for (; at < s.size(); ++at) {
    if ((static_cast<unsigned char>(s[at]) & 0xc0) != 0x80 && n-- == 0) break;
  }
  return at;
}

}  // namespace quorate::sql
