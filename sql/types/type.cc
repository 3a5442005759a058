#include "sql/types/type.h"

#include <algorithm>
#include <cctype>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "fmt/format.h"

namespace quorate::sql {
namespace {

// SQL's names that are not typnames. format_type's own spellings are found through the table.
constexpr std::pair<std::string_view, Oid> kAliases[] = {
    {"int", oid::kInt4},
    {"decimal", oid::kNumeric},
    {"dec", oid::kNumeric},
    {"float", oid::kFloat8},
    {"char varying", oid::kVarchar},
    {"national character varying", oid::kVarchar},
    {"national character", oid::kBpchar},
    {"national char", oid::kBpchar},
    {"nchar", oid::kBpchar},
    {"time", oid::kTime},
    {"timestamp", oid::kTimestamp},
};

using NameMap = absl::flat_hash_map<std::string_view, const TypeInfo*>;

const NameMap& names() {
  static const NameMap map = [] {
    NameMap m;
    for (const TypeInfo& t : all_types()) m.emplace(t.name, &t);
    for (const TypeInfo& t : all_types()) {
      if (!t.is_array() && t.sql_name.front() != '"') m.emplace(t.sql_name, &t);
    }
    for (auto [alias, oid] : kAliases) m.emplace(alias, find_type(oid));
    return m;
  }();
  return map;
}

constexpr int kIntervalFullRange = 0x7fff, kIntervalFullPrecision = 0xffff;

std::string interval_fields(int range) {
  static constexpr std::pair<int, std::string_view> kFields[] = {
      {1 << 2, " year"},
      {1 << 1, " month"},
      {1 << 2 | 1 << 1, " year to month"},
      {1 << 3, " day"},
      {1 << 10, " hour"},
      {1 << 11, " minute"},
      {1 << 12, " second"},
      {1 << 3 | 1 << 10, " day to hour"},
      {1 << 3 | 1 << 10 | 1 << 11, " day to minute"},
      {1 << 3 | 1 << 10 | 1 << 11 | 1 << 12, " day to second"},
      {1 << 10 | 1 << 11, " hour to minute"},
      {1 << 10 | 1 << 11 | 1 << 12, " hour to second"},
      {1 << 11 | 1 << 12, " minute to second"},
  };
  for (auto [mask, text] : kFields) {
    if (mask == range) return std::string(text);
  }
  return "";
}

std::string with_precision(std::string_view name, int32_t typmod) {
  size_t blank = name.find(' ');
  return fmt::format("{}({}){}", name.substr(0, blank), typmod, name.substr(blank));
}

std::string format_modified(const TypeInfo& t, int32_t typmod) {
  switch (t.oid) {
    case oid::kVarchar:
    case oid::kBpchar:
      if (typmod >= 4) return fmt::format("{}({})", t.sql_name, typmod - 4);
      break;
    case oid::kBit:
    case oid::kVarbit:
      return fmt::format("{}({})", t.sql_name, typmod);
    case oid::kNumeric:
      if (typmod >= 4) {
        int bits = typmod - 4;
        int scale = ((bits & 0x7ff) ^ 1024) - 1024;
        return fmt::format("numeric({},{})", bits >> 16 & 0xffff, scale);
      }
      break;
    case oid::kTime:
    case oid::kTimetz:
    case oid::kTimestamp:
    case oid::kTimestamptz:
      return with_precision(t.sql_name, typmod);
    case oid::kInterval: {
      std::string out = "interval" + interval_fields(typmod >> 16 & kIntervalFullRange);
      int precision = typmod & kIntervalFullPrecision;
      if (precision != kIntervalFullPrecision) out += fmt::format("({})", precision);
      return out;
    }
    default:
      break;
  }
  return std::string(t.sql_name);
}

Result<int32_t> string_typmod(std::string_view name, std::span<const int32_t> args) {
  if (args.size() != 1) return invalid_argument("invalid type modifier");
  if (args[0] < 1)
    return invalid_argument(fmt::format("length for type {} must be at least 1", name));
  constexpr int32_t kMax = 10 * 1024 * 1024;
  if (args[0] > kMax)
    return invalid_argument(fmt::format("length for type {} cannot exceed {}", name, kMax));
  return args[0] + (name == "bit" || name == "varbit" ? 0 : 4);
}

Result<int32_t> numeric_typmod(std::span<const int32_t> args) {
  if (args.size() > 2) return invalid_argument("invalid NUMERIC type modifier");
  if (args[0] < 1 || args[0] > 1000) {
    return invalid_argument(
        fmt::format("NUMERIC precision {} must be between 1 and 1000", args[0]));
  }
  int32_t scale = args.size() == 2 ? args[1] : 0;
  if (scale < -1000 || scale > 1000) {
    return invalid_argument(fmt::format("NUMERIC scale {} must be between -1000 and 1000", scale));
  }
  return (args[0] << 16 | (scale & 0x7ff)) + 4;
}

// PostgreSQL reduces larger ones to 6 with a warning.
int32_t fraction_digits(int32_t n) { return std::min(n, 6); }

struct TypeNameParser {
  std::string_view text;
  size_t at = 0;

  void skip_blanks() {
    while (at < text.size() && std::isspace(static_cast<unsigned char>(text[at]))) ++at;
  }
  bool take(char c) {
    skip_blanks();
    if (at >= text.size() || text[at] != c) return false;
    ++at;
    return true;
  }
  // A word in lower case, or what stands in double quotes as it is; empty where there is none.
  std::string word(bool* quoted) {
    skip_blanks();
    std::string out;
    *quoted = false;
    if (at < text.size() && text[at] == '"') {
      *quoted = true;
      for (++at; at < text.size(); ++at) {
        if (text[at] == '"' && (at + 1 >= text.size() || text[at + 1] != '"')) break;
        if (text[at] == '"') ++at;
        out.push_back(text[at]);
      }
      ++at;
      return out;
    }
    while (at < text.size()) {
      unsigned char c = static_cast<unsigned char>(text[at]);
      if (!std::isalnum(c) && c != '_' && c < 0x80) break;
      out.push_back(static_cast<char>(std::tolower(c)));
      ++at;
    }
    return out;
  }
  bool number(int32_t* n) {
    skip_blanks();
    bool negative = at < text.size() && text[at] == '-';
    if (negative) ++at;
    int64_t v = 0;
    size_t start = at;
    while (at < text.size() && std::isdigit(static_cast<unsigned char>(text[at])) &&
           at - start < 9) {
      v = v * 10 + (text[at++] - '0');
    }
    *n = static_cast<int32_t>(negative ? -v : v);
    return at > start;
  }
};

Status bad_type_name(std::string_view text) {
  return invalid_argument(fmt::format("invalid type name \"{}\"", text), sqlstate::kSyntaxError);
}

}  // namespace

const TypeInfo& type_info(Oid oid) {
  const TypeInfo* t = find_type(oid);
  CHECK(t != nullptr);
  return *t;
}

const TypeInfo* find_type_by_name(std::string_view name) {
  auto it = names().find(name);
  return it == names().end() ? nullptr : it->second;
}

Oid element_type(Oid array) {
  const TypeInfo* t = find_type(array);
  return t != nullptr && t->category == 'A' ? t->element : 0;
}

Oid array_type(Oid element) {
  const TypeInfo* t = find_type(element);
  return t == nullptr ? 0 : t->array;
}

bool is_polymorphic(Oid oid) {
  switch (oid) {
    case oid::kAnyElement:
    case oid::kAnyArray:
    case oid::kAnyNonArray:
    case oid::kAnyEnum:
    case oid::kAnyCompatible:
    case oid::kAnyCompatibleArray:
    case oid::kAnyCompatibleNonArray:
      return true;
    default:
      return false;
  }
}

std::string format_type(Type type) {
  if (type.oid == oid::kInvalid) return "-";
  const TypeInfo* t = find_type(type.oid);
  if (t == nullptr) return "???";
  if (t->is_array()) return format_type(Type{t->element, type.typmod}) + "[]";
  return type.typmod < 0 ? std::string(t->sql_name) : format_modified(*t, type.typmod);
}

Result<int32_t> make_typmod(Oid oid, std::span<const int32_t> args) {
  const TypeInfo& t = type_info(oid);
  if (t.is_array()) return make_typmod(t.element, args);
  if (args.empty()) return -1;
  switch (oid) {
    case oid::kVarchar:
      return string_typmod("varchar", args);
    case oid::kBpchar:
      return string_typmod("char", args);
    case oid::kBit:
      return string_typmod("bit", args);
    case oid::kVarbit:
      return string_typmod("varbit", args);
    case oid::kNumeric:
      return numeric_typmod(args);
    case oid::kTime:
    case oid::kTimetz:
    case oid::kTimestamp:
    case oid::kTimestamptz:
      if (args.size() != 1) return invalid_argument("invalid type modifier");
      return fraction_digits(args[0]);
    case oid::kInterval:
      if (args.size() == 1) {
        if (args[0] == kIntervalFullRange) return -1;
        return static_cast<int32_t>(args[0] << 16 | kIntervalFullPrecision);
      }
      if (args.size() != 2) return invalid_argument("invalid INTERVAL type modifier");
      return static_cast<int32_t>(args[0] << 16 | fraction_digits(args[1]));
    default:
      return invalid_argument(fmt::format("type modifier is not allowed for type \"{}\"", t.name),
                              sqlstate::kSyntaxError);
  }
}

Result<Type> parse_type_name(std::string_view text) {
  TypeNameParser p{text};
  bool quoted = false;
  std::string name = p.word(&quoted);
  if (name.empty()) return bad_type_name(text);
  std::string shown = name;
  if (p.take('.')) {
    std::string schema = name;
    name = p.word(&quoted);
    shown = schema + "." + name;
    if (schema != "pg_catalog") {
      return not_found(fmt::format("type \"{}\" does not exist", shown),
                       sqlstate::kUndefinedObject);
    }
    quoted = true;  // a qualified name is a typname
  }
  std::vector<int32_t> args;
  auto take_args = [&]() -> bool {
    if (!p.take('(')) return true;
    do {
      int32_t n = 0;
      if (!p.number(&n)) return false;
      args.push_back(n);
    } while (p.take(','));
    return p.take(')');
  };
  if (!take_args()) return bad_type_name(text);
  for (bool q = false; !quoted;) {
    size_t before = p.at;
    std::string more = p.word(&q);
    if (more.empty() || q) {
      p.at = before;
      break;
    }
    name += " " + more;
    if (!take_args()) return bad_type_name(text);
  }
  // Unquoted CHAR is SQL's character; the internal one-byte type must be quoted.
  const TypeInfo* t = !quoted && name == "char" ? find_type(oid::kBpchar) : find_type_by_name(name);
  if (t == nullptr) {
    return not_found(fmt::format("type \"{}\" does not exist", shown), sqlstate::kUndefinedObject);
  }
  if (!quoted && t->oid == oid::kBpchar && args.empty() && name != "bpchar") args.push_back(1);
  bool array = false;
  while (p.take('[')) {
    int32_t ignored = 0;
    p.number(&ignored);
    if (!p.take(']')) return bad_type_name(text);
    array = true;
  }
  p.skip_blanks();
  if (p.at != text.size()) return bad_type_name(text);
  // In a type's name the one argument of interval is its precision.
  if (t->oid == oid::kInterval && args.size() == 1) args.insert(args.begin(), kIntervalFullRange);
  ASSIGN_OR_RETURN(int32_t typmod, make_typmod(t->oid, args));
  return Type{array && t->array != 0 ? t->array : t->oid, typmod};
}

}  // namespace quorate::sql
