#include "sql/session/literals.h"

#include <charconv>

#include "sql/parse/parse.h"
#include "sql/types/cast.h"
#include "sql/types/text_io.h"

namespace quorate::sql {
namespace {

bool is_word_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         (c & 0x80) != 0;
}

std::string_view trim_right(std::string_view s) {
  while (!s.empty() && (s.back() == ' ' || (s.back() >= '\t' && s.back() <= '\r')))
    s.remove_suffix(1);
  return s;
}

// The word that `s` ends with, in lower case; empty where it ends with something else.
std::string last_word(std::string_view s) {
  s = trim_right(s);
  size_t begin = s.size();
  while (begin > 0 && is_word_char(s[begin - 1])) --begin;
  std::string word(s.substr(begin));
  for (char& c : word)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return word;
}

bool is_one_of(std::string_view word, std::span<const std::string_view> list) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

// Words behind which a literal is a value like any other.
constexpr std::string_view kBeforeValue[] = {
    "and",    "between", "by",      "case", "distinct",  "else",  "escape", "except", "from",
    "ilike",  "in",      "is",      "like", "not",       "on",    "or",     "return", "returning",
    "select", "set",     "similar", "then", "to",        "union", "values", "when",   "where",
    "having", "all",     "any",     "some", "intersect", "using", "for",    "default"};
// Words behind which it shapes the statement.
constexpr std::string_view kBeforeShape[] = {"limit", "offset", "first", "next", "rows", "range"};
// Words whose parentheses hold modifiers.
constexpr std::string_view kTypesWithModifier[] = {
    "varchar", "char",      "character", "varying",     "bpchar", "numeric", "decimal", "dec",
    "time",    "timestamp", "interval",  "timestamptz", "timetz", "bit",     "float"};

// What precedes the literal's list: behind '(' and commas and literals, as in numeric(10, 2).
bool is_modifier(std::string_view before) {
  for (;;) {
    before = trim_right(before);
    if (before.empty()) return false;
    if (before.back() == '(') {
      return is_one_of(last_word(before.substr(0, before.size() - 1)), kTypesWithModifier);
    }
    if (before.back() != ',' && !(before.back() >= '0' && before.back() <= '9')) return false;
    before.remove_suffix(1);
  }
}

// An integer that stands alone in a list behind BY or DISTINCT ON ( may be an ordinal.
bool is_ordinal(std::string_view before, bool behind_by) {
  before = trim_right(before);
  if (last_word(before) == "by") return true;
  if (before.empty()) return false;
  if (before.back() == '(' && last_word(before.substr(0, before.size() - 1)) == "on") return true;
  return behind_by && before.back() == ',';
}

}  // namespace

std::vector<uint32_t> shaping_literals(std::string_view sql, const NormalizedText& text) {
  std::vector<uint32_t> out;
  bool behind_by = false;
  size_t looked_at = 0;
  for (uint32_t i = 0; i < text.literals.size(); ++i) {
    const Literal& l = text.literals[i];
    std::string_view before = sql.substr(0, l.offset);
    for (size_t at = looked_at; at + 1 < before.size(); ++at) {
      behind_by |= (before[at] == 'b' || before[at] == 'B') &&
                   (before[at + 1] == 'y' || before[at + 1] == 'Y') &&
                   (at == 0 || !is_word_char(before[at - 1])) &&
                   (at + 2 >= before.size() || !is_word_char(before[at + 2]));
    }
    looked_at = before.size() > 2 ? before.size() - 2 : 0;
    std::string word = last_word(before);
    bool shapes = is_one_of(word, kBeforeShape);
    if (l.kind == LiteralClass::kString) {
      shapes |= !word.empty() && !is_one_of(word, kBeforeValue);
    } else {
      shapes |= is_modifier(before) || is_ordinal(before, behind_by);
    }
    if (shapes) out.push_back(i);
  }
  return out;
}

std::string with_parameters(std::string_view sql, const NormalizedText& text,
                            const std::vector<uint32_t>& lifted) {
  std::string out;
  size_t at = 0;
  for (size_t n = 0; n < lifted.size(); ++n) {
    const Literal& l = text.literals[lifted[n]];
    out.append(sql.substr(at, l.offset - at));
    // "-5" after an operator or word must not run into what is before it.
    out.append("$" + std::to_string(n + 1));
    at = l.offset + l.size;
    if (at < sql.size() && is_word_char(sql[at])) out.push_back(' ');
  }
  out.append(sql.substr(at));
  return out;
}

Type literal_type(std::string_view sql, const Literal& literal) {
  switch (literal.kind) {
    case LiteralClass::kInteger:
      return Type{oid::kInt4, -1};
    case LiteralClass::kString:
      return Type{oid::kUnknown, -1};
    case LiteralClass::kNumber:
      break;
  }
  std::string_view digits = sql.substr(literal.offset, literal.size);
  int64_t v = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), v);
  bool whole = error == std::errc() && end == digits.data() + digits.size();
  return Type{whole ? oid::kInt8 : oid::kNumeric, -1};
}

Result<Datum> literal_value(std::string_view sql, const Literal& literal, Type type,
                            const IoContext& io) {
  if (literal.kind == LiteralClass::kInteger && type.oid == oid::kInt4)
    return Datum::of_int(literal.integer);
  std::string_view text = sql.substr(literal.offset, literal.size);
  Result<Datum> v(Status(internal_error("literal")));
  if (literal.kind != LiteralClass::kString) {
    v = input_text(type, text, io);
  } else {
    std::string_view inner = text.substr(1, text.size() - 2);
    bool plain = inner.find('\'') == std::string_view::npos;
    std::string unquoted;
    if (!plain) {
      unquoted = unquote_literal(text);
      inner = unquoted;
    }
    bool as_it_is = type.oid == oid::kText || type.oid == oid::kVarchar ||
                    type.oid == oid::kBpchar || type.oid == oid::kUnknown;
    // The session has checked the whole text for valid UTF-8.
    v = as_it_is ? Result<Datum>(Datum::of_bytes(inner)) : input_text(type, inner, io);
  }
  if (v.ok() || v.status().fields().position != 0) return v;
  Status s = v.status();
  return std::move(s).with_position(error_position(sql, static_cast<int32_t>(literal.offset)));
}

}  // namespace quorate::sql
