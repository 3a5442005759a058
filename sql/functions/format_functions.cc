// to_char, to_date, to_timestamp, to_number: the patterns in common use. A pattern that is not
// known here gives 0A000.
#include <cmath>
#include <optional>

#include "fmt/format.h"
#include "sql/functions/families.h"
#include "sql/functions/regex_cache.h"
#include "sql/types/date_time.h"
#include "sql/types/numeric.h"
#include "sql/types/scan.h"
#include "sql/types/time_zone.h"

namespace quorate::sql {
namespace {

using Args = std::span<const Datum>;

// The words of date patterns, longest first among those with a common beginning.
constexpr std::string_view kDateWords[] = {
    "SSSSS", "SSSS", "YYYY", "Y,YYY", "MONTH", "Month", "month", "HH24", "HH12", "A.M.",
    "P.M.",  "a.m.", "p.m.", "B.C.",  "A.D.",  "IYYY",  "YYY",   "IYY",  "DDD",  "DAY",
    "Day",   "day",  "MON",  "Mon",   "mon",   "IW",    "IY",    "YY",   "MM",   "DD",
    "HH",    "MI",   "SS",   "MS",    "US",    "FF1",   "FF2",   "FF3",  "FF4",  "FF5",
    "FF6",   "AM",   "PM",   "am",    "pm",    "BC",    "AD",    "bc",   "ad",   "DY",
    "Dy",    "dy",   "WW",   "CC",    "TZH",   "TZM",   "TZ",    "tz",   "OF",   "ID",
    "RM",    "rm",   "Y",    "D",     "W",     "Q",     "J",     "I"};

struct Word {
  std::string_view text;  // empty: a literal
  std::string literal;
  bool fill = true, ordinal = false;  // FM before it; TH after it
  bool ordinal_lower = false;
};

std::vector<Word> words_of(BytesView pattern) {
  std::vector<Word> out;
  bool fill = true;
  auto literal = [&](char c) {
    if (out.empty() || !out.back().text.empty()) out.push_back({});
    out.back().literal.push_back(c);
  };
  for (size_t i = 0; i < pattern.size();) {
    if (pattern[i] == '"') {
      for (++i; i < pattern.size() && pattern[i] != '"'; ++i) {
        if (pattern[i] == '\\' && i + 1 < pattern.size()) ++i;
        literal(pattern[i]);
      }
      ++i;
      continue;
    }
    if (pattern.substr(i, 2) == "FM") {
      fill = false;
      i += 2;
      continue;
    }
    std::string_view found;
    for (std::string_view w : kDateWords) {
      // Only names and halves of the day tell cases apart.
      bool exact = pattern.substr(i, w.size()) == w;
      bool any_case = !w.empty() && w == upper_text(w) &&
                      equals_ignoring_case(pattern.substr(i, w.size()), w) && w != "MONTH" &&
                      w != "MON" && w != "DAY" && w != "DY" && w != "AM" && w != "PM" &&
                      w != "A.M." && w != "P.M." && w != "BC" && w != "AD" && w != "TZ" &&
                      w != "RM";
      if ((exact || any_case) && w.size() > found.size()) found = w;
    }
    if (found.empty()) {
      literal(pattern[i++]);
      continue;
    }
    Word w;
    w.text = found;
    w.fill = fill;
    fill = true;
    i += found.size();
    if (equals_ignoring_case(pattern.substr(i, 2), "th")) {
      w.ordinal = true;
      w.ordinal_lower = pattern[i] == 't';
      i += 2;
    }
    out.push_back(std::move(w));
  }
  return out;
}

std::string ordinal_suffix(int64_t n, bool lower) {
  n = std::abs(n);
  std::string_view s = n % 100 / 10 == 1 ? "TH"
                       : n % 10 == 1     ? "ST"
                       : n % 10 == 2     ? "ND"
                       : n % 10 == 3     ? "RD"
                                         : "TH";
  return lower ? lower_text(s) : std::string(s);
}

struct Moment {
  CivilTime t;
  int64_t days = 0;
  ZoneOffset zone;
};

std::string cased(std::string_view name, std::string_view like, bool fill, size_t width) {
  std::string s(name);
  if (like == upper_text(like)) s = upper_text(s);
  if (like == lower_text(like)) s = lower_text(s);
  if (fill && s.size() < width) s.append(width - s.size(), ' ');
  return s;
}

int64_t iso_start(int64_t year) {
  int64_t fourth = days_from_civil(year, 1, 4);
  return fourth - (weekday(fourth) + 6) % 7;
}

// The number that a word stands for and its width; nullopt for words that are text.
std::optional<std::pair<int64_t, int>> number_of(std::string_view w, const Moment& m) {
  const CivilTime& t = m.t;
  int64_t year = t.year > 0 ? t.year : 1 - t.year;
  int64_t iso_year = m.days >= iso_start(t.year + 1) ? t.year + 1
                     : m.days < iso_start(t.year)    ? t.year - 1
                                                     : t.year;
  int64_t day_of_year = m.days - days_from_civil(t.year, 1, 1) + 1;
  int half = t.hour % 12 == 0 ? 12 : t.hour % 12;
  if (w == "YYYY") return std::pair(year, 4);
  if (w == "YYY") return std::pair(year % 1000, 3);
  if (w == "YY") return std::pair(year % 100, 2);
  if (w == "Y") return std::pair(year % 10, 1);
  if (w == "IYYY") return std::pair(iso_year, 4);
  if (w == "IYY") return std::pair(iso_year % 1000, 3);
  if (w == "IY") return std::pair(iso_year % 100, 2);
  if (w == "I") return std::pair(iso_year % 10, 1);
  if (w == "MM") return std::pair(int64_t{t.month}, 2);
  if (w == "DD") return std::pair(int64_t{t.day}, 2);
  if (w == "DDD") return std::pair(day_of_year, 3);
  if (w == "D") return std::pair(int64_t{weekday(m.days) + 1}, 1);
  if (w == "ID") return std::pair(int64_t{(weekday(m.days) + 6) % 7 + 1}, 1);
  if (w == "HH24") return std::pair(int64_t{t.hour}, 2);
  if (w == "HH12" || w == "HH") return std::pair(int64_t{half}, 2);
  if (w == "MI") return std::pair(int64_t{t.minute}, 2);
  if (w == "SS") return std::pair(int64_t{t.second}, 2);
  if (w == "MS") return std::pair(int64_t{t.micros / 1000}, 3);
  if (w == "US") return std::pair(int64_t{t.micros}, 6);
  if (w == "SSSS" || w == "SSSSS")
    return std::pair(int64_t{t.hour} * 3600 + t.minute * 60 + t.second, 0);
  if (w == "WW") return std::pair((day_of_year - 1) / 7 + 1, 2);
  if (w == "IW") return std::pair((m.days - iso_start(iso_year)) / 7 + 1, 2);
  if (w == "W") return std::pair(int64_t{(t.day - 1) / 7 + 1}, 1);
  if (w == "Q") return std::pair(int64_t{(t.month - 1) / 3 + 1}, 1);
  if (w == "CC") return std::pair(t.year > 0 ? (t.year + 99) / 100 : (t.year - 99) / 100, 2);
  if (w == "J") return std::pair(m.days + 2451545, 0);
  if (w.size() == 3 && w.starts_with("FF")) {
    int digits = w[2] - '0';
    return std::pair(static_cast<int64_t>(t.micros / std::pow(10, 6 - digits)), digits);
  }
  return std::nullopt;
}

Result<std::string> text_of(const Word& w, const Moment& m) {
  const CivilTime& t = m.t;
  std::string_view s = w.text;
  if (equals_ignoring_case(s, "month")) return cased(month_name(t.month), s, w.fill, 9);
  if (equals_ignoring_case(s, "mon")) return cased(month_name(t.month).substr(0, 3), s, false, 0);
  if (equals_ignoring_case(s, "day")) return cased(weekday_name(weekday(m.days)), s, w.fill, 9);
  if (equals_ignoring_case(s, "dy"))
    return cased(weekday_name(weekday(m.days)).substr(0, 3), s, false, 0);
  if (equals_ignoring_case(s, "am") || equals_ignoring_case(s, "pm"))
    return cased(t.hour >= 12 ? "pm" : "am", s, false, 0);
  if (equals_ignoring_case(s, "a.m.") || equals_ignoring_case(s, "p.m."))
    return cased(t.hour >= 12 ? "p.m." : "a.m.", s, false, 0);
  if (equals_ignoring_case(s, "bc") || equals_ignoring_case(s, "ad"))
    return cased(t.year <= 0 ? "bc" : "ad", s, false, 0);
  if (s == "TZ") return m.zone.abbreviation;
  if (s == "tz") return lower_text(m.zone.abbreviation);
  int32_t offset = m.zone.seconds_east;
  char sign = offset < 0 ? '-' : '+';
  if (s == "TZH") return fmt::format("{}{:02}", sign, std::abs(offset) / 3600);
  if (s == "TZM") return fmt::format("{:02}", std::abs(offset) / 60 % 60);
  if (s == "OF") {
    std::string out = fmt::format("{}{:02}", sign, std::abs(offset) / 3600);
    if (offset % 3600 != 0) out += fmt::format(":{:02}", std::abs(offset) / 60 % 60);
    return out;
  }
  return unimplemented(fmt::format("the pattern \"{}\" of to_char()", s));
}

Result<Datum> write_moment(const Moment& m, BytesView pattern) {
  Bytes out;
  for (const Word& w : words_of(pattern)) {
    if (w.text.empty()) {
      out += w.literal;
    } else if (auto number = number_of(w.text, m)) {
      auto [n, width] = *number;
      out += w.fill || w.text == "MS" || w.text == "US" || w.text.starts_with("FF")
                 ? fmt::format("{:0{}}", n, width)
                 : fmt::format("{}", n);
      if (w.ordinal) out += ordinal_suffix(n, w.ordinal_lower);
    } else {
      ASSIGN_OR_RETURN(std::string text, text_of(w, m));
      out += text;
    }
  }
  return Datum::of_bytes(out);
}

Result<Datum> timestamp_to_char(EvalContext&, Args a) {
  int64_t v = a[0].as_int();
  if (a[1].as_bytes().empty() || is_infinite_timestamp(v)) return Datum::null();
  return write_moment({civil_from_micros(v), date_of_timestamp(v), {0, "", false}},
                      a[1].as_bytes());
}
Result<Datum> timestamptz_to_char(EvalContext& ctx, Args a) {
  int64_t v = a[0].as_int();
  if (a[1].as_bytes().empty() || is_infinite_timestamp(v)) return Datum::null();
  ZoneOffset zone = zone_offset_at_utc(ctx.io.time_zone, v);
  int64_t local = v + zone.seconds_east * kMicrosPerSecond;
  return write_moment({civil_from_micros(local), date_of_timestamp(local), zone}, a[1].as_bytes());
}

// --- reading ---

struct Read {
  int64_t year = 1;
  bool has_year = false, bc = false, pm = false, has_half = false;
  int month = 1, day = 1, hour = 0, minute = 0, second = 0, micros = 0;
  std::optional<int64_t> day_of_year;
};

Status bad_value(BytesView text, std::string_view word) {
  return invalid_argument(fmt::format("invalid value \"{}\" for \"{}\"", text, word),
                          sqlstate::kInvalidDatetimeFormat);
}

// Takes up to `width` digits (all there are when nothing separates them from what follows).
bool take_number(BytesView s, size_t* at, int width, int64_t* v) {
  size_t start = *at;
  *v = 0;
  while (*at < s.size() && is_digit(s[*at]) &&
         (width == 0 || static_cast<int>(*at - start) < width))
    *v = *v * 10 + (s[(*at)++] - '0');
  return *at > start;
}

Status read_number(const Word& w, BytesView s, size_t* at, bool bounded, Read* r) {
  static constexpr std::pair<std::string_view, int> kWidths[] = {
      {"YYYY", 4}, {"YYY", 3},  {"YY", 2}, {"Y", 1},  {"MM", 2}, {"DD", 2}, {"DDD", 3},
      {"HH24", 2}, {"HH12", 2}, {"HH", 2}, {"MI", 2}, {"SS", 2}, {"MS", 3}, {"US", 6}};
  for (auto [word, width] : kWidths) {
    if (word != w.text) continue;
    int64_t v = 0;
    size_t start = *at;
    bool open_year = word == "YYYY" && !bounded;
    if (!take_number(s, at, open_year ? 0 : width, &v))
      return bad_value(s.substr(start, static_cast<size_t>(width)), word);
    size_t digits = *at - start;
    if (word[0] == 'Y') {
      r->has_year = true;
      if (word == "YY" || word == "Y") v += v < 70 ? 2000 : 1900;
      if (word == "YYY") v += v < 520 ? 2000 : 1000;
      r->year = v;
    } else if (word == "MM") {
      r->month = static_cast<int>(v);
    } else if (word == "DD") {
      r->day = static_cast<int>(v);
    } else if (word == "DDD") {
      r->day_of_year = v;
    } else if (word[0] == 'H') {
      r->hour = static_cast<int>(v);
    } else if (word == "MI") {
      r->minute = static_cast<int>(v);
    } else if (word == "SS") {
      r->second = static_cast<int>(v);
    } else {
      for (size_t i = digits; i < 6; ++i) v *= 10;
      r->micros = static_cast<int>(v);
    }
    return {};
  }
  return unimplemented(fmt::format("the pattern \"{}\" of to_timestamp()", w.text));
}

Status read_word(const Word& w, BytesView s, size_t* at, bool bounded, Read* r) {
  std::string_view text = w.text;
  bool full = equals_ignoring_case(text, "month"), brief = equals_ignoring_case(text, "mon");
  if (full || brief) {
    for (int m = 1; m <= 12; ++m) {
      std::string_view name = full ? month_name(m) : month_name(m).substr(0, 3);
      if (!equals_ignoring_case(s.substr(*at, name.size()), name)) continue;
      r->month = m;
      *at += name.size();
      return {};
    }
    return bad_value(s.substr(*at, 3), text);
  }
  bool day = equals_ignoring_case(text, "day");
  if (day || equals_ignoring_case(text, "dy")) {
    while (*at < s.size() && is_alpha(s[*at])) ++*at;
    return {};
  }
  size_t dots = text.find('.') != std::string_view::npos ? 4 : 2;
  char first = to_lower(text[0]);
  if (text.size() == dots && (first == 'a' || first == 'p') &&
      to_lower(text[dots == 4 ? 2 : 1]) == 'm') {
    r->has_half = true;
    r->pm = *at < s.size() && to_lower(s[*at]) == 'p';
    *at += dots;
    return {};
  }
  if (equals_ignoring_case(text, "bc") || equals_ignoring_case(text, "ad")) {
    r->bc = *at < s.size() && to_lower(s[*at]) == 'b';
    *at += 2;
    return {};
  }
  return read_number(w, s, at, bounded, r);
}

Result<CivilTime> finish(const Read& r, BytesView text) {
  auto bad = [&]() -> Status {
    return invalid_argument(fmt::format("date/time field value out of range: \"{}\"", text),
                            sqlstate::kDatetimeFieldOverflow);
  };
  CivilTime t;
  t.year = !r.has_year ? 0 : r.bc ? 1 - r.year : r.year;
  t.month = r.month, t.day = r.day, t.hour = r.hour, t.minute = r.minute, t.second = r.second,
  t.micros = r.micros;
  if (r.has_half) {
    if (t.hour < 1 || t.hour > 12) {
      return invalid_argument(fmt::format("hour \"{}\" is invalid for the 12-hour clock", t.hour),
                              sqlstate::kInvalidDatetimeFormat)
          .with_hint("Use the 24-hour clock, or give an hour between 1 and 12.");
    }
    t.hour = t.hour % 12 + (r.pm ? 12 : 0);
  }
  if (t.month < 1 || t.month > 12 || t.day < 1 || t.day > days_in_month(t.year, t.month))
    return bad();
  if (t.hour > 23 || t.minute > 59 || t.second > 59) return bad();
  if (r.day_of_year) {
    if (*r.day_of_year < 1 || *r.day_of_year > 366) return bad();
    civil_from_days(days_from_civil(t.year, 1, 1) + *r.day_of_year - 1, &t.year, &t.month, &t.day);
  }
  return t;
}

Result<CivilTime> read_moment(BytesView s, BytesView pattern) {
  Read r;
  size_t at = 0;
  std::vector<Word> words = words_of(pattern);
  for (size_t i = 0; i < words.size(); ++i) {
    const Word& w = words[i];
    if (w.text.empty()) {
      // A separator in the pattern stands for any separators in the text.
      for (char c : w.literal) {
        if (at >= s.size()) break;
        if (is_alpha(c) || is_digit(c)) {
          ++at;
        } else if (!is_alpha(s[at]) && !is_digit(s[at])) {
          ++at;
        }
      }
      continue;
    }
    while (at < s.size() && is_blank(s[at])) ++at;
    if (at >= s.size()) break;
    if (i > 0 && words[i - 1].text.empty()) {
      while (at < s.size() && !is_alpha(s[at]) && !is_digit(s[at])) ++at;
    }
    bool bounded = i + 1 < words.size() && !words[i + 1].text.empty();
    RETURN_IF_ERROR(read_word(w, s, &at, bounded, &r));
  }
  return finish(r, s);
}

Result<Datum> to_date(EvalContext&, Args a) {
  ASSIGN_OR_RETURN(CivilTime t, read_moment(a[0].as_bytes(), a[1].as_bytes()));
  return Datum::of_int(days_from_civil(t.year, t.month, t.day));
}
Result<Datum> to_timestamp(EvalContext& ctx, Args a) {
  ASSIGN_OR_RETURN(CivilTime t, read_moment(a[0].as_bytes(), a[1].as_bytes()));
  Result<int64_t> utc = timestamptz_of_timestamp(micros_from_civil(t), ctx.io.time_zone);
  if (!utc.ok()) return utc.status();
  return Datum::of_int(*utc);
}

// --- numbers ---

struct NumberPattern {
  int before = 0, after = 0;  // digits
  int zeros_from = -1;        // the first digit position that is always shown
  bool fill = true, point = false, sign = false, sign_last = false, minus_last = false;
  std::string layout;  // 9, 0, ',' and 'D' in order, literals included
};

Result<NumberPattern> number_pattern(BytesView p) {
  NumberPattern n;
  for (size_t i = 0; i < p.size(); ++i) {
    char c = p[i];
    if (equals_ignoring_case(p.substr(i, 2), "FM")) {
      n.fill = false;
      ++i;
    } else if (equals_ignoring_case(p.substr(i, 2), "MI") && i + 2 == p.size()) {
      n.minus_last = true;
      ++i;
    } else if (c == 'S' || c == 's') {
      n.sign = true;
      n.sign_last = i + 1 == p.size();
    } else if (c == '9' || c == '0') {
      if (c == '0' && n.zeros_from < 0 && !n.point) n.zeros_from = n.before;
      ++(n.point ? n.after : n.before);
      n.layout.push_back(c);
    } else if (c == '.' || c == 'D' || c == 'd') {
      if (n.point) return invalid_argument("multiple decimal points", sqlstate::kSyntaxError);
      n.point = true;
      n.layout.push_back('.');
    } else if (c == ',' || c == 'G' || c == 'g') {
      n.layout.push_back(',');
    } else if (c == ' ' || c == '$' || c == '-' || c == '/' || c == ':') {
      n.layout.push_back(c);
    } else {
      return unimplemented(fmt::format("the pattern \"{}\" of to_char()", c));
    }
  }
  return n;
}

Result<Datum> write_number(Numeric v, BytesView pattern) {
  ASSIGN_OR_RETURN(NumberPattern n, number_pattern(pattern));
  if (!v.is_finite()) return unimplemented("to_char() of NaN and infinity");
  v.round(n.after);
  bool negative = v.sign() < 0;
  std::string digits = v.to_string();
  if (negative) digits.erase(0, 1);
  size_t dot = digits.find('.');
  std::string whole = digits.substr(0, dot),
              fraction = dot == std::string::npos ? "" : digits.substr(dot + 1);
  bool zero_whole = whole == "0";
  if (zero_whole) whole.clear();
  bool too_wide = static_cast<int>(whole.size()) > n.before;
  whole.insert(0, static_cast<size_t>(std::max(0, n.before - static_cast<int>(whole.size()))), ' ');
  // A value below one shows its zero only where the pattern has one, or has no fraction.
  if (zero_whole && n.zeros_from < 0 && n.after == 0 && n.before > 0) whole.back() = '0';
  if (n.zeros_from >= 0) {
    for (int i = n.zeros_from; i < n.before; ++i) {
      if (whole[static_cast<size_t>(i)] == ' ') whole[static_cast<size_t>(i)] = '0';
    }
  }
  std::string body;
  size_t at = 0, after = 0;
  bool started = false, in_fraction = false;
  for (char c : n.layout) {
    if (c == '.') {
      in_fraction = true;
      body.push_back('.');
    } else if (c == '9' || c == '0') {
      char d = in_fraction ? fraction[after++] : whole[at++];
      if (too_wide) d = '#';
      started = started || d != ' ';
      body.push_back(d);
    } else if (c == ',') {
      body.push_back(started ? ',' : ' ');
    } else {
      body.push_back(c);
    }
  }
  if (!n.fill) {
    // FM drops the blanks and the zeros that 9 would show at the end of the fraction.
    std::erase(body, ' ');
    size_t point = n.layout.find('.');
    if (point != std::string::npos && n.layout.find('0', point) == std::string::npos) {
      size_t last = body.find_last_not_of('0');
      if (body.find('.') != std::string::npos && last != std::string::npos) body.resize(last + 1);
    }
  }
  std::string sign = negative ? "-" : n.sign ? "+" : n.fill ? " " : "";
  if (n.sign_last || n.minus_last)
    return Datum::of_bytes(body + (n.minus_last ? (negative ? "-" : n.fill ? " " : "") : sign));
  size_t first = body.find_first_not_of(' ');
  if (first == std::string::npos) first = body.size();
  std::string blanks = body.substr(0, first);
  return Datum::of_bytes(blanks + sign + body.substr(first));
}

Result<Datum> int_to_char(EvalContext&, Args a) {
  return write_number(Numeric(a[0].as_int()), a[1].as_bytes());
}
Result<Datum> numeric_to_char(EvalContext&, Args a) {
  return write_number(Numeric::from_datum(a[0]), a[1].as_bytes());
}
Result<Datum> double_to_char(EvalContext&, Args a) {
  return write_number(Numeric::from_double(a[0].as_double(), 15), a[1].as_bytes());
}

Result<Datum> to_number(EvalContext&, Args a) {
  std::string digits;
  bool negative = false, point = false;
  for (char c : a[0].as_bytes()) {
    if (c == '-') negative = true;
    if (is_digit(c) || (c == '.' && !point)) {
      point = point || c == '.';
      digits.push_back(c);
    }
  }
  if (digits.empty() || digits == ".") {
    return invalid_argument("invalid input syntax for type numeric: \" \"",
                            sqlstate::kInvalidTextRepresentation);
  }
  return numeric_input((negative ? "-" : "") + digits, -1);
}

constexpr FunctionInfo kFunctions[] = {
    // clang-format off
    {2049, "to_char", 25, {1114, 25}, Volatility::kStable, true, timestamp_to_char},
    {1770, "to_char", 25, {1184, 25}, Volatility::kStable, true, timestamptz_to_char},
    {1773, "to_char", 25, {23, 25}, Volatility::kStable, true, int_to_char},
    {1774, "to_char", 25, {20, 25}, Volatility::kStable, true, int_to_char},
    {1772, "to_char", 25, {1700, 25}, Volatility::kStable, true, numeric_to_char},
    {1775, "to_char", 25, {700, 25}, Volatility::kStable, true, double_to_char},
    {1776, "to_char", 25, {701, 25}, Volatility::kStable, true, double_to_char},
    {1780, "to_date", 1082, {25, 25}, Volatility::kStable, true, to_date},
    {1778, "to_timestamp", 1184, {25, 25}, Volatility::kStable, true, to_timestamp},
    {1777, "to_number", 1700, {25, 25}, Volatility::kStable, true, to_number},
    // clang-format on
};

}  // namespace

std::span<const FunctionInfo> format_functions() { return kFunctions; }

}  // namespace quorate::sql
