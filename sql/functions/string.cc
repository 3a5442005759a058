// Functions of text, bpchar and bytea. Positions and lengths count characters of UTF-8, from 1.
#include <algorithm>

#include "fmt/format.h"
#include "sql/functions/digest.h"
#include "sql/functions/families.h"
#include "sql/functions/quote.h"
#include "sql/functions/regex_cache.h"
#include "sql/types/array.h"
#include "sql/types/compare.h"
#include "sql/types/scalar_io.h"
#include "sql/types/scan.h"
#include "sql/types/text_io.h"

namespace quorate::sql {

std::string lower_text(std::string_view s) {
  std::string out(s);
  for (char& c : out) c = to_lower(c);
  return out;
}

std::string upper_text(std::string_view s) {
  std::string out(s);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  }
  return out;
}

namespace {

using Args = std::span<const Datum>;

constexpr size_t kResultBytesMax = (1u << 30) - 5;  // PostgreSQL's bound of a value

Status too_large() { return resource_exhausted("requested length too large"); }

// A slice of the argument: no copy, see the header's rule about views.
Datum slice(BytesView v) { return Datum::view(v); }

Result<Datum> concatenate(EvalContext&, Args a) {
  Bytes out;
  out.reserve(a[0].as_bytes().size() + a[1].as_bytes().size());
  out += a[0].as_bytes();
  out += a[1].as_bytes();
  return Datum::of_bytes(out);
}
// text || anynonarray and the other way round.
Result<Datum> concatenate_any(EvalContext& ctx, Args a) {
  Bytes out;
  output_text(ctx.arg_types[0], a[0], ctx.io, out);
  output_text(ctx.arg_types[1], a[1], ctx.io, out);
  return Datum::of_bytes(out);
}

Result<Datum> text_length(EvalContext&, Args a) {
  return Datum::of_int(static_cast<int64_t>(utf8_length(a[0].as_bytes())));
}
Result<Datum> bpchar_length(EvalContext&, Args a) {
  return Datum::of_int(static_cast<int64_t>(utf8_length(without_trailing_blanks(a[0].as_bytes()))));
}
Result<Datum> byte_length(EvalContext&, Args a) {
  return Datum::of_int(static_cast<int64_t>(a[0].as_bytes().size()));
}
Result<Datum> bit_length(EvalContext&, Args a) {
  return Datum::of_int(8 * static_cast<int64_t>(a[0].as_bytes().size()));
}
Result<Datum> lower(EvalContext&, Args a) { return Datum::of_bytes(lower_text(a[0].as_bytes())); }
Result<Datum> upper(EvalContext&, Args a) { return Datum::of_bytes(upper_text(a[0].as_bytes())); }
Result<Datum> initcap(EvalContext&, Args a) {
  std::string out(a[0].as_bytes());
  bool inside = false;
  for (char& c : out) {
    char l = to_lower(c);
    c = inside ? l : (l >= 'a' && l <= 'z' ? static_cast<char>(l - 32) : l);
    inside = is_alpha(c) || is_digit(c);
  }
  return Datum::of_bytes(out);
}

// substring(v from start for count); PostgreSQL lets it begin before the first character.
Result<Datum> substring_with(Args a, bool characters) {
  BytesView v = a[0].as_bytes();
  int64_t start = a[1].as_int();
  int64_t end = INT64_MAX;
  if (a.size() > 2) {
    if (a[2].as_int() < 0)
      return invalid_argument("negative substring length not allowed", sqlstate::kSubstringError);
    end = start + a[2].as_int();
  }
  start = std::max<int64_t>(start, 1);
  if (end <= start) return Datum::of_bytes("");
  if (!characters) {
    if (start > static_cast<int64_t>(v.size())) return Datum::of_bytes("");
    return slice(v.substr(static_cast<size_t>(start - 1), static_cast<size_t>(end - start)));
  }
  v.remove_prefix(utf8_prefix(v, static_cast<size_t>(start - 1)));
  if (end != INT64_MAX) v = v.substr(0, utf8_prefix(v, static_cast<size_t>(end - start)));
  return slice(v);
}
Result<Datum> text_substring(EvalContext&, Args a) { return substring_with(a, true); }
Result<Datum> bytea_substring(EvalContext&, Args a) { return substring_with(a, false); }

// overlay(text PLACING new FROM start [FOR length]); without a length as many as `new` has.
Result<Datum> overlay_with(Args a, bool characters) {
  const BytesView v = a[0].as_bytes(), placed = a[1].as_bytes();
  const int64_t from = a[2].as_int();
  const auto size = [&](BytesView s) {
    return static_cast<int64_t>(characters ? utf8_length(s) : s.size());
  };
  const int64_t length = a.size() > 3 ? a[3].as_int() : size(placed);
  if (from <= 0)
    return invalid_argument("negative substring length not allowed", sqlstate::kSubstringError);
  if (from + length > INT32_MAX)
    return invalid_argument("integer out of range", sqlstate::kNumericValueOutOfRange);
  const auto bytes = [&](int64_t count) {
    if (count <= 0) return size_t{0};
    if (count >= size(v)) return v.size();
    return characters ? utf8_prefix(v, static_cast<size_t>(count)) : static_cast<size_t>(count);
  };
  Bytes out(v.substr(0, bytes(from - 1)));
  out += placed;
  out += v.substr(bytes(from - 1 + length));
  return Datum::of_bytes(out);
}
Result<Datum> text_overlay(EvalContext&, Args a) { return overlay_with(a, true); }
Result<Datum> bytea_overlay(EvalContext&, Args a) { return overlay_with(a, false); }

enum class Side : uint8_t { kLeft = 1, kRight = 2, kBoth = 3 };

bool contains_character(std::string_view set, std::string_view character) {
  return set.find(character) != std::string_view::npos;
}

template <Side kSide>
Result<Datum> trim(EvalContext&, Args a) {
  BytesView v = a[0].as_bytes();
  const Bytes blank = " ";
  BytesView set = a.size() > 1 ? a[1].as_bytes() : BytesView(blank);
  if ((static_cast<int>(kSide) & 1) != 0) {
    while (!v.empty()) {
      size_t n = utf8_prefix(v, 1);
      if (!contains_character(set, v.substr(0, n))) break;
      v.remove_prefix(n);
    }
  }
  if ((static_cast<int>(kSide) & 2) != 0) {
    while (!v.empty()) {
      size_t n = 1;
      while (n < v.size() && (static_cast<unsigned char>(v[v.size() - n]) & 0xc0) == 0x80) ++n;
      if (!contains_character(set, v.substr(v.size() - n))) break;
      v.remove_suffix(n);
    }
  }
  return slice(v);
}

Result<Datum> left(EvalContext&, Args a) {
  BytesView v = a[0].as_bytes();
  int64_t n = a[1].as_int();
  if (n < 0) n = std::max<int64_t>(0, static_cast<int64_t>(utf8_length(v)) + n);
  return slice(v.substr(0, utf8_prefix(v, static_cast<size_t>(n))));
}
Result<Datum> right(EvalContext&, Args a) {
  BytesView v = a[0].as_bytes();
  int64_t n = a[1].as_int();
  auto length = static_cast<int64_t>(utf8_length(v));
  int64_t skip = n < 0 ? -n : length - n;
  return slice(v.substr(utf8_prefix(v, static_cast<size_t>(std::clamp<int64_t>(skip, 0, length)))));
}

template <bool kLeft>
Result<Datum> pad(EvalContext&, Args a) {
  BytesView v = a[0].as_bytes();
  const Bytes blank = " ";
  BytesView fill = a.size() > 2 ? a[2].as_bytes() : BytesView(blank);
  int64_t wanted = std::max<int64_t>(a[1].as_int(), 0);
  auto length = static_cast<int64_t>(utf8_length(v));
  if (length >= wanted || fill.empty())
    return slice(v.substr(0, utf8_prefix(v, static_cast<size_t>(wanted))));
  if (static_cast<size_t>(wanted) * 4 > kResultBytesMax) return too_large();
  Bytes padding;
  int64_t missing = wanted - length;
  auto fill_length = static_cast<int64_t>(utf8_length(fill));
  for (; missing >= fill_length; missing -= fill_length) padding += fill;
  padding += fill.substr(0, utf8_prefix(fill, static_cast<size_t>(missing)));
  return Datum::of_bytes(kLeft ? padding + Bytes(v) : Bytes(v) + padding);
}

Result<Datum> replace(EvalContext&, Args a) {
  BytesView v = a[0].as_bytes(), from = a[1].as_bytes(), to = a[2].as_bytes();
  if (from.empty()) return a[0];
  Bytes out;
  for (;;) {
    size_t at = v.find(from);
    if (at == BytesView::npos) break;
    out += v.substr(0, at);
    out += to;
    v.remove_prefix(at + from.size());
  }
  out += v;
  return Datum::of_bytes(out);
}

Result<Datum> translate(EvalContext&, Args a) {
  BytesView v = a[0].as_bytes(), from = a[1].as_bytes(), to = a[2].as_bytes();
  Bytes out;
  while (!v.empty()) {
    size_t n = utf8_prefix(v, 1);
    BytesView c = v.substr(0, n);
    v.remove_prefix(n);
    size_t at = from.find(c);
    if (at == BytesView::npos) {
      out += c;
      continue;
    }
    BytesView rest = to.substr(utf8_prefix(to, utf8_length(from.substr(0, at))));
    out += rest.substr(0, utf8_prefix(rest, 1));
  }
  return Datum::of_bytes(out);
}

Result<Datum> position(EvalContext&, Args a) {
  BytesView v = a[0].as_bytes();
  size_t at = v.find(a[1].as_bytes());
  return Datum::of_int(
      at == BytesView::npos ? 0 : static_cast<int64_t>(utf8_length(v.substr(0, at))) + 1);
}
Result<Datum> starts_with(EvalContext&, Args a) {
  return Datum::of_bool(a[0].as_bytes().starts_with(a[1].as_bytes()));
}

std::vector<BytesView> split(BytesView v, BytesView by) {
  std::vector<BytesView> parts;
  for (size_t at = 0; !by.empty() && (at = v.find(by)) != BytesView::npos;) {
    parts.push_back(v.substr(0, at));
    v.remove_prefix(at + by.size());
  }
  parts.push_back(v);
  return parts;
}

Result<Datum> split_part(EvalContext&, Args a) {
  int64_t n = a[2].as_int();
  if (n == 0) return invalid_argument("field position must not be zero");
  if (a[0].as_bytes().empty()) return Datum::of_bytes("");
  std::vector<BytesView> parts = split(a[0].as_bytes(), a[1].as_bytes());
  auto count = static_cast<int64_t>(parts.size());
  int64_t at = n > 0 ? n - 1 : count + n;
  return at < 0 || at >= count ? Datum::of_bytes("") : slice(parts[static_cast<size_t>(at)]);
}

Result<Datum> string_to_array(EvalContext&, Args a) {
  if (a[0].is_null()) return Datum::null();
  BytesView v = a[0].as_bytes();
  auto value = [&](BytesView part) {
    return a.size() > 2 && !a[2].is_null() && part == a[2].as_bytes() ? Datum::null()
                                                                      : Datum::view(part);
  };
  std::vector<Datum> values;
  if (a[1].is_null()) {
    while (!v.empty()) {
      size_t n = utf8_prefix(v, 1);
      values.push_back(value(v.substr(0, n)));
      v.remove_prefix(n);
    }
  } else if (!v.empty()) {
    for (BytesView part : split(v, a[1].as_bytes())) values.push_back(value(part));
  }
  return Array::of(oid::kText, std::move(values)).to_datum();
}

Result<Datum> repeat(EvalContext&, Args a) {
  BytesView v = a[0].as_bytes();
  int64_t n = std::max<int64_t>(a[1].as_int(), 0);
  if (!v.empty() && static_cast<size_t>(n) > kResultBytesMax / v.size()) return too_large();
  Bytes out;
  out.reserve(v.size() * static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i) out += v;
  return Datum::of_bytes(out);
}

Result<Datum> reverse(EvalContext&, Args a) {
  BytesView v = a[0].as_bytes();
  Bytes out(v.size(), '\0');
  size_t end = v.size();
  while (!v.empty()) {
    size_t n = utf8_prefix(v, 1);
    end -= n;
    std::copy_n(v.data(), n, out.data() + end);
    v.remove_prefix(n);
  }
  return Datum::of_bytes(out);
}

Result<Datum> ascii(EvalContext&, Args a) {
  BytesView v = a[0].as_bytes();
  if (v.empty()) return Datum::of_int(0);
  auto c = static_cast<unsigned char>(v[0]);
  if (c < 0x80) return Datum::of_int(c);
  int32_t code = c >= 0xf0 ? c & 7 : c >= 0xe0 ? c & 15 : c & 31;
  for (size_t i = 1; i < utf8_prefix(v, 1); ++i)
    code = code << 6 | (static_cast<unsigned char>(v[i]) & 0x3f);
  return Datum::of_int(code);
}

Result<Datum> chr(EvalContext&, Args a) {
  int64_t c = a[0].as_int();
  if (c == 0) return resource_exhausted("null character not permitted");
  if (c < 0) return invalid_argument("character number must be positive");
  if (c > 0x10ffff)
    return resource_exhausted(fmt::format("requested character too large for encoding: {}", c));
  if (c >= 0xd800 && c < 0xe000)
    return resource_exhausted(fmt::format("requested character not valid for encoding: {}", c));
  Bytes out;
  auto put = [&](int64_t b) { out.push_back(static_cast<char>(b)); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xc0 | c >> 6), put(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    put(0xe0 | c >> 12), put(0x80 | (c >> 6 & 0x3f)), put(0x80 | (c & 0x3f));
  } else {
    put(0xf0 | c >> 18), put(0x80 | (c >> 12 & 0x3f)), put(0x80 | (c >> 6 & 0x3f)),
        put(0x80 | (c & 0x3f));
  }
  return Datum::of_bytes(out);
}

Result<Datum> md5(EvalContext&, Args a) {
  return Datum::of_bytes(to_hex(md5_digest(a[0].as_bytes())));
}

template <class Number>
std::string hex_of(Number v) {
  return fmt::format("{:x}", v);
}
Result<Datum> to_hex32(EvalContext&, Args a) {
  return Datum::of_bytes(hex_of(static_cast<uint32_t>(a[0].as_int())));
}
Result<Datum> to_hex64(EvalContext&, Args a) {
  return Datum::of_bytes(hex_of(static_cast<uint64_t>(a[0].as_int())));
}

// --- concat and format: arguments of any type, as text ---

Result<Datum> concat(EvalContext& ctx, Args a) {
  Bytes out;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!a[i].is_null()) output_text(ctx.arg_types[i], a[i], ctx.io, out);
  }
  return Datum::of_bytes(out);
}

Result<Datum> concat_ws(EvalContext& ctx, Args a) {
  if (a[0].is_null()) return Datum::null();
  Bytes out;
  bool first = true;
  for (size_t i = 1; i < a.size(); ++i) {
    if (a[i].is_null()) continue;
    if (!first) out += a[0].as_bytes();
    first = false;
    output_text(ctx.arg_types[i], a[i], ctx.io, out);
  }
  return Datum::of_bytes(out);
}

bool plain_identifier(BytesView s) {
  if (s.empty() || !(is_alpha(s[0]) || s[0] == '_')) return false;
  for (char c : s) {
    if (!(c >= 'a' && c <= 'z') && !is_digit(c) && c != '_') return false;
  }
  // Words that the grammar reserves must be quoted; the list is that of PostgreSQL 15's fully and
  // partly reserved words.
  static constexpr std::string_view kReserved[] = {"all",
                                                   "analyse",
                                                   "analyze",
                                                   "and",
                                                   "any",
                                                   "array",
                                                   "as",
                                                   "asc",
                                                   "asymmetric",
                                                   "authorization",
                                                   "between",
                                                   "bigint",
                                                   "binary",
                                                   "bit",
                                                   "boolean",
                                                   "both",
                                                   "case",
                                                   "cast",
                                                   "char",
                                                   "character",
                                                   "check",
                                                   "coalesce",
                                                   "collate",
                                                   "collation",
                                                   "column",
                                                   "concurrently",
                                                   "constraint",
                                                   "create",
                                                   "cross",
                                                   "current_catalog",
                                                   "current_date",
                                                   "current_role",
                                                   "current_schema",
                                                   "current_time",
                                                   "current_timestamp",
                                                   "current_user",
                                                   "dec",
                                                   "decimal",
                                                   "default",
                                                   "deferrable",
                                                   "desc",
                                                   "distinct",
                                                   "do",
                                                   "else",
                                                   "end",
                                                   "except",
                                                   "exists",
                                                   "extract",
                                                   "false",
                                                   "fetch",
                                                   "float",
                                                   "for",
                                                   "foreign",
                                                   "freeze",
                                                   "from",
                                                   "full",
                                                   "grant",
                                                   "greatest",
                                                   "group",
                                                   "grouping",
                                                   "having",
                                                   "ilike",
                                                   "in",
                                                   "initially",
                                                   "inner",
                                                   "inout",
                                                   "int",
                                                   "integer",
                                                   "intersect",
                                                   "interval",
                                                   "into",
                                                   "is",
                                                   "isnull",
                                                   "join",
                                                   "lateral",
                                                   "leading",
                                                   "least",
                                                   "left",
                                                   "like",
                                                   "limit",
                                                   "localtime",
                                                   "localtimestamp",
                                                   "national",
                                                   "natural",
                                                   "nchar",
                                                   "none",
                                                   "normalize",
                                                   "not",
                                                   "notnull",
                                                   "null",
                                                   "nullif",
                                                   "numeric",
                                                   "offset",
                                                   "on",
                                                   "only",
                                                   "or",
                                                   "order",
                                                   "out",
                                                   "outer",
                                                   "overlaps",
                                                   "overlay",
                                                   "placing",
                                                   "position",
                                                   "precision",
                                                   "primary",
                                                   "real",
                                                   "references",
                                                   "returning",
                                                   "right",
                                                   "row",
                                                   "select",
                                                   "session_user",
                                                   "setof",
                                                   "similar",
                                                   "smallint",
                                                   "some",
                                                   "substring",
                                                   "symmetric",
                                                   "table",
                                                   "tablesample",
                                                   "then",
                                                   "time",
                                                   "timestamp",
                                                   "to",
                                                   "trailing",
                                                   "treat",
                                                   "trim",
                                                   "true",
                                                   "union",
                                                   "unique",
                                                   "user",
                                                   "using",
                                                   "values",
                                                   "varchar",
                                                   "variadic",
                                                   "verbose",
                                                   "when",
                                                   "where",
                                                   "window",
                                                   "with",
                                                   "xmlattributes",
                                                   "xmlconcat",
                                                   "xmlelement",
                                                   "xmlexists",
                                                   "xmlforest",
                                                   "xmlnamespaces",
                                                   "xmlparse",
                                                   "xmlpi",
                                                   "xmlroot",
                                                   "xmlserialize",
                                                   "xmltable"};
  return !std::binary_search(std::begin(kReserved), std::end(kReserved), std::string_view(s));
}

}  // namespace

std::string quoted_identifier(BytesView s) {
  if (plain_identifier(s)) return std::string(s);
  std::string out = "\"";
  for (char c : s) {
    if (c == '"') out.push_back('"');
    out.push_back(c);
  }
  return out + "\"";
}

std::string quoted_literal(BytesView s) {
  std::string out = s.find('\\') != BytesView::npos ? " E'" : "'";
  if (out.size() > 1) out.erase(0, 1);
  for (char c : s) {
    if (c == '\'' || c == '\\') out.push_back(c);
    out.push_back(c);
  }
  return out + "'";
}

namespace {

Result<Datum> quote_ident(EvalContext&, Args a) {
  return Datum::of_bytes(quoted_identifier(a[0].as_bytes()));
}
Result<Datum> quote_literal(EvalContext& ctx, Args a) {
  Bytes text;
  if (ctx.arg_types.size() == 1 && ctx.arg_types[0].oid != oid::kText &&
      ctx.arg_types[0].oid != oid::kUnknown) {
    output_text(ctx.arg_types[0], a[0], ctx.io, text);
    return Datum::of_bytes(quoted_literal(text));
  }
  return Datum::of_bytes(quoted_literal(a[0].as_bytes()));
}
Result<Datum> quote_text(EvalContext&, Args a) {
  return Datum::of_bytes(quoted_literal(a[0].as_bytes()));
}
Result<Datum> quote_nullable(EvalContext&, Args a) {
  return Datum::of_bytes(a[0].is_null() ? "NULL" : quoted_literal(a[0].as_bytes()));
}

// One % of format(): %[position$][-][width]type.
struct FormatSpec {
  int64_t position = 0, width = 0;
  bool left = false, width_from_argument = false;
  char type = 0;
};

Result<FormatSpec> take_spec(BytesView f, size_t* at) {
  FormatSpec s;
  auto number = [&](int64_t* v) {
    size_t start = *at;
    while (*at < f.size() && is_digit(f[*at]) && *at - start < 9) *v = *v * 10 + (f[(*at)++] - '0');
    return *at > start;
  };
  int64_t n = 0;
  size_t before = *at;
  if (number(&n)) {
    if (*at < f.size() && f[*at] == '$') {
      ++*at;
      if (n == 0)
        return invalid_argument("format specifies argument 0, but arguments are numbered from 1");
      s.position = n;
    } else {
      *at = before;
    }
  }
  while (*at < f.size() && f[*at] == '-') s.left = true, ++*at;
  if (*at < f.size() && f[*at] == '*') {
    ++*at;
    s.width_from_argument = true;
  } else {
    number(&s.width);
  }
  if (*at >= f.size()) {
    return invalid_argument("unterminated format() type specifier")
        .with_hint("For a single \"%\" use \"%%\".");
  }
  s.type = f[(*at)++];
  if (s.type != 's' && s.type != 'I' && s.type != 'L') {
    return invalid_argument(fmt::format("unrecognized format() type specifier \"{}\"", s.type))
        .with_hint("For a single \"%\" use \"%%\".");
  }
  return s;
}

Result<Datum> format(EvalContext& ctx, Args a) {
  if (a[0].is_null()) return Datum::null();
  BytesView f = a[0].as_bytes();
  Bytes out;
  size_t next = 1;
  for (size_t at = 0; at < f.size();) {
    if (f[at] != '%') {
      out.push_back(f[at++]);
      continue;
    }
    ++at;
    if (at < f.size() && f[at] == '%') {
      out.push_back('%');
      ++at;
      continue;
    }
    ASSIGN_OR_RETURN(FormatSpec spec, take_spec(f, &at));
    if (spec.width_from_argument) {
      if (next >= a.size()) return invalid_argument("too few arguments for format()");
      if (!a[next].is_null()) {
        if (!a[next].holds_int())
          return unimplemented("format() with a width that is not an integer");
        spec.width = std::clamp<int64_t>(a[next].as_int(), -1'000'000, 1'000'000);
        if (spec.width < 0) spec.left = true, spec.width = -spec.width;
      }
      ++next;
    }
    size_t i = spec.position > 0 ? static_cast<size_t>(spec.position) : next;
    if (i >= a.size()) return invalid_argument("too few arguments for format()");
    next = i + 1;
    Bytes value;
    if (!a[i].is_null()) output_text(ctx.arg_types[i], a[i], ctx.io, value);
    if (spec.type == 'I') {
      if (a[i].is_null()) {
        return invalid_argument("null values cannot be formatted as an SQL identifier",
                                sqlstate::kNullValueNotAllowed);
      }
      value = quoted_identifier(value);
    } else if (spec.type == 'L') {
      value = a[i].is_null() ? "NULL" : quoted_literal(value);
    }
    auto length = static_cast<int64_t>(utf8_length(value));
    Bytes padding(static_cast<size_t>(std::max<int64_t>(0, spec.width - length)), ' ');
    out += spec.left ? value + padding : padding + value;
  }
  return Datum::of_bytes(out);
}

Result<Datum> encode(EvalContext&, Args a) {
  BytesView v = a[0].as_bytes(), how = a[1].as_bytes();
  if (equals_ignoring_case(how, "hex")) return Datum::of_bytes(to_hex(v));
  if (equals_ignoring_case(how, "escape")) {
    Bytes out;
    for (unsigned char c : v) {
      if (c == 0 || c >= 0x80) {
        out += fmt::format("\\{:03o}", c);
      } else {
        if (c == '\\') out.push_back('\\');
        out.push_back(static_cast<char>(c));
      }
    }
    return Datum::of_bytes(out);
  }
  if (equals_ignoring_case(how, "base64")) {
    return Datum::of_bytes(base64_encode(v));
  }
  return invalid_argument(fmt::format("unrecognized encoding: \"{}\"", how));
}

Result<Datum> decode(EvalContext&, Args a) {
  BytesView v = a[0].as_bytes(), how = a[1].as_bytes();
  if (equals_ignoring_case(how, "hex")) return bytea_input("\\x" + Bytes(v));
  if (equals_ignoring_case(how, "escape")) {
    return v.starts_with("\\x") ? invalid_argument("invalid input syntax for type bytea",
                                                   sqlstate::kInvalidTextRepresentation)
                                : bytea_input(v);
  }
  if (equals_ignoring_case(how, "base64")) {
    std::optional<Bytes> out = base64_decode(v);
    if (!out) {
      return invalid_argument("invalid base64 end sequence")
          .with_hint("Input data is missing padding, is truncated, or is otherwise corrupted.");
    }
    return Datum::of_bytes(*out);
  }
  return invalid_argument(fmt::format("unrecognized encoding: \"{}\"", how));
}

constexpr FunctionInfo kFunctions[] = {
    // clang-format off
    {1258, "textcat", 25, {25, 25}, Volatility::kImmutable, true, concatenate},
    {2011, "byteacat", 17, {17, 17}, Volatility::kImmutable, true, concatenate},
    {2003, "textanycat", 25, {25, 2776}, Volatility::kStable, true, concatenate_any, nullptr, 0, true},
    {2004, "anytextcat", 25, {2776, 25}, Volatility::kStable, true, concatenate_any, nullptr, 0, true},
    {1317, "length", 23, {25}, Volatility::kImmutable, true, text_length},
    {1381, "char_length", 23, {25}, Volatility::kImmutable, true, text_length},
    {1369, "character_length", 23, {25}, Volatility::kImmutable, true, text_length},
    {1318, "length", 23, {1042}, Volatility::kImmutable, true, bpchar_length},
    {1372, "char_length", 23, {1042}, Volatility::kImmutable, true, bpchar_length},
    {1367, "character_length", 23, {1042}, Volatility::kImmutable, true, bpchar_length},
    {2010, "length", 23, {17}, Volatility::kImmutable, true, byte_length},
    {1374, "octet_length", 23, {25}, Volatility::kImmutable, true, byte_length},
    {1375, "octet_length", 23, {1042}, Volatility::kImmutable, true, byte_length},
    {720, "octet_length", 23, {17}, Volatility::kImmutable, true, byte_length},
    {1811, "bit_length", 23, {25}, Volatility::kImmutable, true, bit_length},
    {1810, "bit_length", 23, {17}, Volatility::kImmutable, true, bit_length},
    {870, "lower", 25, {25}, Volatility::kImmutable, true, lower},
    {871, "upper", 25, {25}, Volatility::kImmutable, true, upper},
    {872, "initcap", 25, {25}, Volatility::kImmutable, true, initcap},
    {877, "substr", 25, {25, 23, 23}, Volatility::kImmutable, true, text_substring},
    {883, "substr", 25, {25, 23}, Volatility::kImmutable, true, text_substring},
    {936, "substring", 25, {25, 23, 23}, Volatility::kImmutable, true, text_substring},
    {937, "substring", 25, {25, 23}, Volatility::kImmutable, true, text_substring},
    {2012, "substring", 17, {17, 23, 23}, Volatility::kImmutable, true, bytea_substring},
    {2013, "substring", 17, {17, 23}, Volatility::kImmutable, true, bytea_substring},
    {2085, "substr", 17, {17, 23, 23}, Volatility::kImmutable, true, bytea_substring},
    {2086, "substr", 17, {17, 23}, Volatility::kImmutable, true, bytea_substring},
    {1404, "overlay", 25, {25, 25, 23, 23}, Volatility::kImmutable, true, text_overlay},
    {1405, "overlay", 25, {25, 25, 23}, Volatility::kImmutable, true, text_overlay},
    {749, "overlay", 17, {17, 17, 23, 23}, Volatility::kImmutable, true, bytea_overlay},
    {752, "overlay", 17, {17, 17, 23}, Volatility::kImmutable, true, bytea_overlay},
    {884, "btrim", 25, {25, 25}, Volatility::kImmutable, true, trim<Side::kBoth>},
    {885, "btrim", 25, {25}, Volatility::kImmutable, true, trim<Side::kBoth>},
    {875, "ltrim", 25, {25, 25}, Volatility::kImmutable, true, trim<Side::kLeft>},
    {881, "ltrim", 25, {25}, Volatility::kImmutable, true, trim<Side::kLeft>},
    {401, "text", 25, {1042}, Volatility::kImmutable, true, trim<Side::kRight>},
    {876, "rtrim", 25, {25, 25}, Volatility::kImmutable, true, trim<Side::kRight>},
    {882, "rtrim", 25, {25}, Volatility::kImmutable, true, trim<Side::kRight>},
    {3060, "left", 25, {25, 23}, Volatility::kImmutable, true, left},
    {3061, "right", 25, {25, 23}, Volatility::kImmutable, true, right},
    {873, "lpad", 25, {25, 23, 25}, Volatility::kImmutable, true, pad<true>},
    {874, "rpad", 25, {25, 23, 25}, Volatility::kImmutable, true, pad<false>},
    {879, "lpad", 25, {25, 23}, Volatility::kImmutable, true, pad<true>},
    {880, "rpad", 25, {25, 23}, Volatility::kImmutable, true, pad<false>},
    {2087, "replace", 25, {25, 25, 25}, Volatility::kImmutable, true, replace},
    {878, "translate", 25, {25, 25, 25}, Volatility::kImmutable, true, translate},
    {849, "position", 23, {25, 25}, Volatility::kImmutable, true, position},
    {868, "strpos", 23, {25, 25}, Volatility::kImmutable, true, position},
    {2014, "position", 23, {17, 17}, Volatility::kImmutable, true, position},
    {3696, "starts_with", 16, {25, 25}, Volatility::kImmutable, true, starts_with},
    {2088, "split_part", 25, {25, 25, 23}, Volatility::kImmutable, true, split_part},
    {394, "string_to_array", 1009, {25, 25}, Volatility::kImmutable, false, string_to_array},
    {376, "string_to_array", 1009, {25, 25, 25}, Volatility::kImmutable, false, string_to_array},
    {1622, "repeat", 25, {25, 23}, Volatility::kImmutable, true, repeat},
    {3062, "reverse", 25, {25}, Volatility::kImmutable, true, reverse},
    {1620, "ascii", 23, {25}, Volatility::kImmutable, true, ascii},
    {1621, "chr", 25, {23}, Volatility::kImmutable, true, chr},
    {2311, "md5", 25, {25}, Volatility::kImmutable, true, md5},
    {2321, "md5", 25, {17}, Volatility::kImmutable, true, md5},
    {2089, "to_hex", 25, {23}, Volatility::kImmutable, true, to_hex32},
    {2090, "to_hex", 25, {20}, Volatility::kImmutable, true, to_hex64},
    {3058, "concat", 25, {2276}, Volatility::kStable, false, concat, nullptr, 2276, true},
    {3059, "concat_ws", 25, {25, 2276}, Volatility::kStable, false, concat_ws, nullptr, 2276, true},
    {3539, "format", 25, {25, 2276}, Volatility::kStable, false, format, nullptr, 2276, true},
    {3540, "format", 25, {25}, Volatility::kStable, false, format},
    {1282, "quote_ident", 25, {25}, Volatility::kImmutable, true, quote_ident},
    {1283, "quote_literal", 25, {25}, Volatility::kImmutable, true, quote_text},
    {1285, "quote_literal", 25, {2283}, Volatility::kStable, true, quote_literal, nullptr, 0, true},
    {1289, "quote_nullable", 25, {25}, Volatility::kImmutable, false, quote_nullable},
    {1946, "encode", 25, {17, 25}, Volatility::kImmutable, true, encode},
    {1947, "decode", 17, {25, 25}, Volatility::kImmutable, true, decode},
    // clang-format on
};

}  // namespace

std::span<const FunctionInfo> string_functions() { return kFunctions; }

}  // namespace quorate::sql
