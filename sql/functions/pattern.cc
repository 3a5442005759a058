// LIKE, regular expressions and their functions.
#include <re2/re2.h>

#include "fmt/format.h"
#include "sql/functions/families.h"
#include "sql/functions/regex_cache.h"
#include "sql/types/array.h"
#include "sql/types/scan.h"

namespace quorate::sql {

RegexCache::RegexCache() = default;
RegexCache::~RegexCache() = default;

Result<const re2::RE2*> RegexCache::regex(std::string_view pattern, bool ignore_case) {
  std::string key = (ignore_case ? "i" : "c") + std::string(pattern);
  auto it = compiled_.find(key);
  if (it != compiled_.end()) return static_cast<const re2::RE2*>(it->second.get());
  re2::RE2::Options options;
  options.set_case_sensitive(!ignore_case);
  options.set_log_errors(false);
  options.set_dot_nl(true);  // in PostgreSQL's default mode newline is an ordinary character
  options.set_max_mem(8 << 20);
  auto compiled =
      std::make_unique<re2::RE2>(re2::StringPiece(pattern.data(), pattern.size()), options);
  if (!compiled->ok()) {
    // RE2's reasons in PostgreSQL's words, where both have them.
    std::string reason = compiled->error();
    switch (compiled->error_code()) {
      case re2::RE2::ErrorMissingBracket:
        reason = "brackets [] not balanced";
        break;
      case re2::RE2::ErrorMissingParen:
      case re2::RE2::ErrorUnexpectedParen:
        reason = "parentheses () not balanced";
        break;
      case re2::RE2::ErrorRepeatArgument:
        reason = "quantifier operand invalid";
        break;
      case re2::RE2::ErrorTrailingBackslash:
        reason = "invalid escape \\ sequence";
        break;
      default:
        break;
    }
    return invalid_argument("invalid regular expression: " + reason,
                            sqlstate::kInvalidRegularExpression);
  }
  if (compiled_.size() >= kPatternsMax) compiled_.clear();
  return static_cast<const re2::RE2*>(
      compiled_.emplace(std::move(key), std::move(compiled)).first->second.get());
}

namespace {

size_t next_character(std::string_view s, size_t at) {
  ++at;
  while (at < s.size() && (static_cast<unsigned char>(s[at]) & 0xc0) == 0x80) ++at;
  return at;
}

Status escape_at_end() {
  return invalid_argument("LIKE pattern must not end with escape character",
                          sqlstate::kInvalidEscapeSequence);
}

}  // namespace

// Greedy matching that remembers the last % only: with it, what stood before need not be tried
// again.
Result<bool> like_match(std::string_view text, std::string_view pattern) {
  constexpr size_t kNone = std::string_view::npos;
  size_t t = 0, p = 0, star_pattern = kNone, star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '%') {
      star_pattern = ++p;
      star_text = t;
      continue;
    }
    bool match = false;
    size_t p_next = p, t_next = t + 1;
    if (p < pattern.size()) {
      if (pattern[p] == '_') {
        match = true;
        p_next = p + 1;
        t_next = next_character(text, t);
      } else {
        size_t literal = p;
        if (pattern[p] == '\\') {
          literal = p + 1;
          if (literal >= pattern.size()) return escape_at_end();
        }
        match = pattern[literal] == text[t];
        p_next = literal + 1;
      }
    }
    if (match) {
      p = p_next;
      t = t_next;
    } else if (star_pattern != kNone) {
      star_text = next_character(text, star_text);
      t = star_text;
      p = star_pattern;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '%') ++p;
  return p == pattern.size();
}

namespace {

using Args = std::span<const Datum>;
using re2::StringPiece;

StringPiece piece(BytesView v) { return {v.data(), v.size()}; }

template <bool kNegate>
Result<Datum> like(EvalContext&, Args a) {
  ASSIGN_OR_RETURN(bool match, like_match(a[0].as_bytes(), a[1].as_bytes()));
  return Datum::of_bool(match != kNegate);
}

template <bool kNegate>
Result<Datum> ilike(EvalContext&, Args a) {
  ASSIGN_OR_RETURN(bool match,
                   like_match(lower_text(a[0].as_bytes()), lower_text(a[1].as_bytes())));
  return Datum::of_bool(match != kNegate);
}

// LIKE ... ESCAPE: rewrites the pattern to the backslash as escape.
Result<Datum> like_escape(EvalContext&, Args a) {
  BytesView pattern = a[0].as_bytes(), escape = a[1].as_bytes();
  if (escape.size() > 1 && next_character(escape, 0) != escape.size()) {
    return invalid_argument("invalid escape string", sqlstate::kInvalidEscapeSequence)
        .with_hint("Escape string must be empty or one character.");
  }
  Bytes out;
  for (size_t i = 0; i < pattern.size();) {
    if (!escape.empty() && pattern.substr(i).starts_with(escape) && escape != "\\") {
      out.push_back('\\');
      i += escape.size();
      if (i < pattern.size()) out.push_back(pattern[i++]);
      continue;
    }
    if (escape == "\\" && pattern[i] == '\\') {
      out.push_back(pattern[i++]);
      if (i < pattern.size()) out.push_back(pattern[i++]);
      continue;
    }
    if (pattern[i] == '\\') out.push_back('\\');
    out.push_back(pattern[i++]);
  }
  return Datum::of_bytes(out);
}

template <bool kIgnoreCase, bool kNegate>
Result<Datum> regex(EvalContext& ctx, Args a) {
  ASSIGN_OR_RETURN(const re2::RE2* re, ctx.regexes().regex(a[1].as_bytes(), kIgnoreCase));
  return Datum::of_bool(re2::RE2::PartialMatch(piece(a[0].as_bytes()), *re) != kNegate);
}

struct Flags {
  bool global = false, ignore_case = false;
};
Result<Flags> flags_of(BytesView text) {
  Flags f;
  for (char c : text) {
    switch (c) {
      case 'g':
        f.global = true;
        break;
      case 'i':
        f.ignore_case = true;
        break;
      case 'c':
        f.ignore_case = false;
        break;
      case 's':
        break;
      default:
        return invalid_argument(fmt::format("invalid regular expression option: \"{}\"", c));
    }
  }
  return f;
}

// \1 and \& of PostgreSQL's replacement text in RE2's spelling.
std::string rewrite_of(BytesView text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out.push_back(text[i]);
      continue;
    }
    char next = i + 1 < text.size() ? text[i + 1] : '\0';
    if (next == '&') {
      out += "\\0";
      ++i;
    } else if (next >= '1' && next <= '9') {
      out += {'\\', next};
      ++i;
    } else {
      out += "\\\\";
      if (next == '\\') ++i;
    }
  }
  return out;
}

Result<Datum> regexp_replace(EvalContext& ctx, Args a) {
  Flags flags;
  if (a.size() > 3) {
    ASSIGN_OR_RETURN(flags, flags_of(a[3].as_bytes()));
  }
  ASSIGN_OR_RETURN(const re2::RE2* re, ctx.regexes().regex(a[1].as_bytes(), flags.ignore_case));
  std::string text(a[0].as_bytes()), rewrite = rewrite_of(a[2].as_bytes());
  if (flags.global) {
    re2::RE2::GlobalReplace(&text, *re, rewrite);
  } else {
    re2::RE2::Replace(&text, *re, rewrite);
  }
  return Datum::of_bytes(text);
}

// The groups of one match as an array; the whole match where the pattern has no group.
Datum match_groups(const std::vector<StringPiece>& groups) {
  std::vector<Datum> values;
  for (size_t i = groups.size() > 1 ? 1 : 0; i < groups.size(); ++i) {
    values.push_back(groups[i].data() == nullptr
                         ? Datum::null()
                         : Datum::of_bytes({groups[i].data(), groups[i].size()}));
  }
  return Array::of(oid::kText, std::move(values)).to_datum();
}

Result<Datum> regexp_match(EvalContext& ctx, Args a) {
  Flags flags;
  if (a.size() > 2) {
    ASSIGN_OR_RETURN(flags, flags_of(a[2].as_bytes()));
  }
  ASSIGN_OR_RETURN(const re2::RE2* re, ctx.regexes().regex(a[1].as_bytes(), flags.ignore_case));
  std::vector<StringPiece> groups(static_cast<size_t>(re->NumberOfCapturingGroups()) + 1);
  StringPiece text = piece(a[0].as_bytes());
  if (!re->Match(text, 0, text.size(), re2::RE2::UNANCHORED, groups.data(),
                 static_cast<int>(groups.size())))
    return Datum::null();
  return match_groups(groups);
}

Result<Datum> regexp_substring(EvalContext& ctx, Args a) {
  ASSIGN_OR_RETURN(const re2::RE2* re, ctx.regexes().regex(a[1].as_bytes(), false));
  std::vector<StringPiece> groups(static_cast<size_t>(std::min(1, re->NumberOfCapturingGroups())) +
                                  1);
  StringPiece text = piece(a[0].as_bytes());
  if (!re->Match(text, 0, text.size(), re2::RE2::UNANCHORED, groups.data(),
                 static_cast<int>(groups.size())))
    return Datum::null();
  const StringPiece& g = groups.back();
  return g.data() == nullptr ? Datum::null() : Datum::of_bytes({g.data(), g.size()});
}

Result<Datum> regexp_split(EvalContext& ctx, Args a) {
  Flags flags;
  if (a.size() > 2) {
    ASSIGN_OR_RETURN(flags, flags_of(a[2].as_bytes()));
  }
  ASSIGN_OR_RETURN(const re2::RE2* re, ctx.regexes().regex(a[1].as_bytes(), flags.ignore_case));
  StringPiece text = piece(a[0].as_bytes()), match;
  std::vector<Datum> parts;
  size_t start = 0, at = 0;
  while (at <= text.size() && re->Match(text, at, text.size(), re2::RE2::UNANCHORED, &match, 1)) {
    size_t from = static_cast<size_t>(match.data() - text.data());
    if (match.empty()) {
      // An empty match splits between characters, but not at the ends.
      if (from >= text.size()) break;
      if (from == start) {
        at = next_character(a[0].as_bytes(), from);
        if (at >= text.size()) break;
        parts.push_back(Datum::of_bytes({text.data() + start, at - start}));
        start = at;
        continue;
      }
    }
    parts.push_back(Datum::of_bytes({text.data() + start, from - start}));
    start = at = from + match.size();
  }
  parts.push_back(Datum::of_bytes({text.data() + start, text.size() - start}));
  return Array::of(oid::kText, std::move(parts)).to_datum();
}

// SIMILAR TO's pattern as a regular expression: % and _ are wildcards, | * + ? {} () [] mean what
// they mean there, everything else stands for itself.
Result<Datum> similar_to_escape(EvalContext&, Args a) {
  BytesView pattern = a[0].as_bytes();
  BytesView escape = a.size() > 1 ? a[1].as_bytes() : BytesView("\\");
  if (escape.size() > 1 && next_character(escape, 0) != escape.size()) {
    return invalid_argument("invalid escape string", sqlstate::kInvalidEscapeSequence)
        .with_hint("Escape string must be empty or one character.");
  }
  Bytes out = "^(?:";
  bool in_class = false;
  for (size_t i = 0; i < pattern.size();) {
    if (!escape.empty() && pattern.substr(i).starts_with(escape)) {
      i += escape.size();
      if (i < pattern.size()) {
        out.push_back('\\');
        out.push_back(pattern[i++]);
      }
      continue;
    }
    const char c = pattern[i++];
    if (in_class) {
      if (c == '\\') out.push_back('\\');
      out.push_back(c);
      in_class = c != ']';
    } else if (c == '[') {
      out.push_back(c);
      in_class = true;
    } else if (c == '%') {
      out += ".*";
    } else if (c == '_') {
      out.push_back('.');
    } else if (c == '(') {
      out += "(?:";
    } else {
      if (c == '\\' || c == '.' || c == '^' || c == '$') out.push_back('\\');
      out.push_back(c);
    }
  }
  return Datum::of_bytes(out + ")$");
}

constexpr FunctionInfo kFunctions[] = {
    // clang-format off
    {850, "textlike", 16, {25, 25}, Volatility::kImmutable, true, like<false>},
    {858, "namelike", 16, {19, 25}, Volatility::kImmutable, true, like<false>},
    {1569, "like", 16, {25, 25}, Volatility::kImmutable, true, like<false>},
    {1571, "like", 16, {19, 25}, Volatility::kImmutable, true, like<false>},
    {1631, "bpcharlike", 16, {1042, 25}, Volatility::kImmutable, true, like<false>},
    {2005, "bytealike", 16, {17, 17}, Volatility::kImmutable, true, like<false>},
    {2007, "like", 16, {17, 17}, Volatility::kImmutable, true, like<false>},
    {851, "textnlike", 16, {25, 25}, Volatility::kImmutable, true, like<true>},
    {859, "namenlike", 16, {19, 25}, Volatility::kImmutable, true, like<true>},
    {1570, "notlike", 16, {25, 25}, Volatility::kImmutable, true, like<true>},
    {1572, "notlike", 16, {19, 25}, Volatility::kImmutable, true, like<true>},
    {1632, "bpcharnlike", 16, {1042, 25}, Volatility::kImmutable, true, like<true>},
    {2006, "byteanlike", 16, {17, 17}, Volatility::kImmutable, true, like<true>},
    {2008, "notlike", 16, {17, 17}, Volatility::kImmutable, true, like<true>},
    {1633, "texticlike", 16, {25, 25}, Volatility::kImmutable, true, ilike<false>},
    {1635, "nameiclike", 16, {19, 25}, Volatility::kImmutable, true, ilike<false>},
    {1660, "bpchariclike", 16, {1042, 25}, Volatility::kImmutable, true, ilike<false>},
    {1634, "texticnlike", 16, {25, 25}, Volatility::kImmutable, true, ilike<true>},
    {1636, "nameicnlike", 16, {19, 25}, Volatility::kImmutable, true, ilike<true>},
    {1661, "bpcharicnlike", 16, {1042, 25}, Volatility::kImmutable, true, ilike<true>},
    {1637, "like_escape", 25, {25, 25}, Volatility::kImmutable, true, like_escape},
    {2009, "like_escape", 17, {17, 17}, Volatility::kImmutable, true, like_escape},
    {79, "nameregexeq", 16, {19, 25}, Volatility::kImmutable, true, regex<false, false>},
    {1254, "textregexeq", 16, {25, 25}, Volatility::kImmutable, true, regex<false, false>},
    {1658, "bpcharregexeq", 16, {1042, 25}, Volatility::kImmutable, true, regex<false, false>},
    {1252, "nameregexne", 16, {19, 25}, Volatility::kImmutable, true, regex<false, true>},
    {1256, "textregexne", 16, {25, 25}, Volatility::kImmutable, true, regex<false, true>},
    {1659, "bpcharregexne", 16, {1042, 25}, Volatility::kImmutable, true, regex<false, true>},
    {1238, "texticregexeq", 16, {25, 25}, Volatility::kImmutable, true, regex<true, false>},
    {1240, "nameicregexeq", 16, {19, 25}, Volatility::kImmutable, true, regex<true, false>},
    {1656, "bpcharicregexeq", 16, {1042, 25}, Volatility::kImmutable, true, regex<true, false>},
    {1239, "texticregexne", 16, {25, 25}, Volatility::kImmutable, true, regex<true, true>},
    {1241, "nameicregexne", 16, {19, 25}, Volatility::kImmutable, true, regex<true, true>},
    {1657, "bpcharicregexne", 16, {1042, 25}, Volatility::kImmutable, true, regex<true, true>},
    {1986, "similar_to_escape", 25, {25, 25}, Volatility::kImmutable, true, similar_to_escape},
    {1987, "similar_to_escape", 25, {25}, Volatility::kImmutable, true, similar_to_escape},
    {2284, "regexp_replace", 25, {25, 25, 25}, Volatility::kImmutable, true, regexp_replace},
    {2285, "regexp_replace", 25, {25, 25, 25, 25}, Volatility::kImmutable, true, regexp_replace},
    {3396, "regexp_match", 1009, {25, 25}, Volatility::kImmutable, true, regexp_match},
    {3397, "regexp_match", 1009, {25, 25, 25}, Volatility::kImmutable, true, regexp_match},
    {2073, "substring", 25, {25, 25}, Volatility::kImmutable, true, regexp_substring},
    {2767, "regexp_split_to_array", 1009, {25, 25}, Volatility::kImmutable, true, regexp_split},
    {2768, "regexp_split_to_array", 1009, {25, 25, 25}, Volatility::kImmutable, true, regexp_split},
    // clang-format on
};

}  // namespace

std::span<const FunctionInfo> pattern_functions() { return kFunctions; }

}  // namespace quorate::sql
