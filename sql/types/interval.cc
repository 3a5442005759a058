#include "sql/types/interval.h"

#include <cmath>
#include <optional>

#include "fmt/format.h"
#include "sql/types/scan.h"

namespace quorate::sql {
namespace {

// The bits of an interval's modifier, PostgreSQL's.
constexpr int kMonthBit = 1 << 1, kYearBit = 1 << 2, kDayBit = 1 << 3, kHourBit = 1 << 10,
              kMinuteBit = 1 << 11, kSecondBit = 1 << 12, kFullRange = 0x7fff,
              kFullPrecision = 0xffff;

enum class Unit : uint8_t {
  kMicrosecond,
  kMillisecond,
  kSecond,
  kMinute,
  kHour,
  kDay,
  kWeek,
  kMonth,
  kQuarter,
  kYear,
  kDecade,
  kCentury,
  kMillennium
};

std::optional<Unit> unit_of(std::string_view word) {
  static constexpr std::pair<std::string_view, Unit> kUnits[] = {
      {"s", Unit::kSecond},
      {"sec", Unit::kSecond},
      {"secs", Unit::kSecond},
      {"second", Unit::kSecond},
      {"seconds", Unit::kSecond},
      {"m", Unit::kMinute},
      {"min", Unit::kMinute},
      {"mins", Unit::kMinute},
      {"minute", Unit::kMinute},
      {"minutes", Unit::kMinute},
      {"h", Unit::kHour},
      {"hr", Unit::kHour},
      {"hrs", Unit::kHour},
      {"hour", Unit::kHour},
      {"hours", Unit::kHour},
      {"d", Unit::kDay},
      {"day", Unit::kDay},
      {"days", Unit::kDay},
      {"w", Unit::kWeek},
      {"week", Unit::kWeek},
      {"weeks", Unit::kWeek},
      {"mon", Unit::kMonth},
      {"mons", Unit::kMonth},
      {"month", Unit::kMonth},
      {"months", Unit::kMonth},
      {"y", Unit::kYear},
      {"yr", Unit::kYear},
      {"yrs", Unit::kYear},
      {"year", Unit::kYear},
      {"years", Unit::kYear},
      {"dec", Unit::kDecade},
      {"decs", Unit::kDecade},
      {"decade", Unit::kDecade},
      {"decades", Unit::kDecade},
      {"c", Unit::kCentury},
      {"cent", Unit::kCentury},
      {"century", Unit::kCentury},
      {"centuries", Unit::kCentury},
      {"mil", Unit::kMillennium},
      {"mils", Unit::kMillennium},
      {"millennium", Unit::kMillennium},
      {"millennia", Unit::kMillennium},
      {"ms", Unit::kMillisecond},
      {"msec", Unit::kMillisecond},
      {"msecs", Unit::kMillisecond},
      {"millisecond", Unit::kMillisecond},
      {"milliseconds", Unit::kMillisecond},
      {"us", Unit::kMicrosecond},
      {"usec", Unit::kMicrosecond},
      {"usecs", Unit::kMicrosecond},
      {"microsecond", Unit::kMicrosecond},
      {"microseconds", Unit::kMicrosecond},
      {"qtr", Unit::kQuarter},
      {"quarter", Unit::kQuarter},
  };
  for (auto [name, unit] : kUnits) {
    if (equals_ignoring_case(word, name)) return unit;
  }
  return std::nullopt;
}

Status field_overflow(std::string_view text) {
  return invalid_argument(fmt::format("interval field value out of range: \"{}\"", text),
                          sqlstate::kIntervalFieldOverflow);
}
Status bad_syntax(std::string_view text) {
  return invalid_argument(fmt::format("invalid input syntax for type interval: \"{}\"", text),
                          sqlstate::kInvalidDatetimeFormat);
}
Status interval_out_of_range() {
  return invalid_argument("interval out of range", sqlstate::kDatetimeFieldOverflow);
}

// Sums up fields; `ok` turns false when something does not fit.
struct Sum {
  __int128 months = 0, days = 0, micros = 0;

  void add_micros(double v) { micros += static_cast<int64_t>(std::rint(v)); }
  void add_days(double v) {
    double whole = std::trunc(v);
    days += static_cast<int64_t>(whole);
    add_micros((v - whole) * static_cast<double>(kMicrosPerDay));
  }
  // A number with a fraction, which spills into smaller units.
  void add(Unit unit, int64_t whole, double fraction) {
    switch (unit) {
      case Unit::kMicrosecond:
        micros += whole;
        add_micros(fraction);
        return;
      case Unit::kMillisecond:
        micros += static_cast<__int128>(whole) * 1000;
        add_micros(fraction * 1000);
        return;
      case Unit::kSecond:
        add_time(whole, fraction, kMicrosPerSecond);
        return;
      case Unit::kMinute:
        add_time(whole, fraction, kMicrosPerMinute);
        return;
      case Unit::kHour:
        add_time(whole, fraction, kMicrosPerHour);
        return;
      case Unit::kDay:
        days += whole;
        add_days(fraction);
        return;
      case Unit::kWeek:
        days += static_cast<__int128>(whole) * 7;
        add_days(fraction * 7);
        return;
      case Unit::kMonth:
        months += whole;
        add_days(fraction * 30);
        return;
      case Unit::kQuarter:
        add_months(whole, fraction, 3);
        return;
      case Unit::kYear:
        add_months(whole, fraction, 12);
        return;
      case Unit::kDecade:
        add_months(whole, fraction, 120);
        return;
      case Unit::kCentury:
        add_months(whole, fraction, 1200);
        return;
      case Unit::kMillennium:
        add_months(whole, fraction, 12000);
        return;
    }
  }
  void add_time(int64_t whole, double fraction, int64_t unit) {
    micros += static_cast<__int128>(whole) * unit;
    add_micros(fraction * static_cast<double>(unit));
  }
  void add_months(int64_t whole, double fraction, int unit) {
    months +=
        static_cast<__int128>(whole) * unit + static_cast<int64_t>(std::rint(fraction * unit));
  }
  bool fits() const {
    return months >= INT32_MIN && months <= INT32_MAX && days >= INT32_MIN && days <= INT32_MAX &&
           micros >= INT64_MIN && micros <= INT64_MAX;
  }
  Interval value() const {
    return {static_cast<int64_t>(micros), static_cast<int32_t>(days), static_cast<int32_t>(months)};
  }
};

// The unit of a number that has none: the smallest that the modifier names.
Unit default_unit(int32_t typmod) {
  int range = typmod < 0 ? kFullRange : typmod >> 16 & kFullRange;
  if (range == kFullRange || (range & kSecondBit) != 0) return Unit::kSecond;
  if ((range & kMinuteBit) != 0) return Unit::kMinute;
  if ((range & kHourBit) != 0) return Unit::kHour;
  if ((range & kDayBit) != 0) return Unit::kDay;
  if ((range & kMonthBit) != 0) return Unit::kMonth;
  return (range & kYearBit) != 0 ? Unit::kYear : Unit::kSecond;
}

class Parser {
 public:
  Parser(std::string_view text, int32_t typmod, IntervalStyle style)
      : text_(text), typmod_(typmod), style_(style) {}

  Result<Interval> parse() {
    std::string_view trimmed = trim_blanks(text_);
    if (!trimmed.empty() && trimmed[0] == 'P') return parse_iso(trimmed.substr(1));
    bool ago = false, any = false;
    // SQL's form puts one sign before all fields.
    all_negative_ = style_ == IntervalStyle::kSqlStandard && !trimmed.empty() &&
                    trimmed[0] == '-' && trimmed.find_first_of("+-", 1) == std::string_view::npos;
    for (;;) {
      skip_blanks();
      if (i_ >= text_.size()) break;
      if (text_[i_] == '@' || text_[i_] == ',') {
        ++i_;
        continue;
      }
      if (is_alpha(text_[i_])) {
        std::string_view word = take_word();
        if (!equals_ignoring_case(word, "ago") || !any) return bad_syntax(text_);
        skip_blanks();
        if (i_ < text_.size()) return bad_syntax(text_);
        ago = true;
        continue;
      }
      RETURN_IF_ERROR(take_field());
      any = true;
    }
    if (!any) return bad_syntax(text_);
    if (ago) sum_.months = -sum_.months, sum_.days = -sum_.days, sum_.micros = -sum_.micros;
    if (!sum_.fits()) return field_overflow(text_);
    return fit_interval(sum_.value(), typmod_);
  }

 private:
  void skip_blanks() {
    while (i_ < text_.size() && is_blank(text_[i_])) ++i_;
  }
  std::string_view take_word() {
    size_t start = i_;
    while (i_ < text_.size() && is_alpha(text_[i_])) ++i_;
    return text_.substr(start, i_ - start);
  }
  bool take_digits(int64_t* v) {
    size_t start = i_;
    *v = 0;
    while (i_ < text_.size() && is_digit(text_[i_])) {
      if (__builtin_mul_overflow(*v, 10, v) || __builtin_add_overflow(*v, text_[i_] - '0', v))
        return false;
      ++i_;
    }
    return i_ > start;
  }
  double take_fraction() {
    if (i_ >= text_.size() || text_[i_] != '.') return 0;
    size_t start = i_++;
    while (i_ < text_.size() && is_digit(text_[i_])) ++i_;
    return i_ - start == 1
               ? 0
               : std::strtod(("0" + std::string(text_.substr(start, i_ - start))).c_str(), nullptr);
  }

  Status take_field() {
    bool negative = all_negative_;
    if (text_[i_] == '+' || text_[i_] == '-') {
      negative = text_[i_] == '-';
      ++i_;
      skip_blanks();
    }
    int64_t v = 0;
    bool dot_first = i_ < text_.size() && text_[i_] == '.';
    size_t before = i_;
    if (!dot_first && !take_digits(&v)) {
      return i_ > before ? field_overflow(text_) : bad_syntax(text_);
    }
    if (i_ < text_.size() && text_[i_] == ':') return take_clock(v, negative);
    if (i_ + 1 < text_.size() && text_[i_] == '-' && is_digit(text_[i_ + 1])) {
      ++i_;
      int64_t months = 0;
      if (!take_digits(&months) || months > 11) return field_overflow(text_);
      int64_t total = 0;
      if (__builtin_mul_overflow(v, 12, &total)) return field_overflow(text_);
      sum_.months += negative ? -(total + months) : total + months;
      return {};
    }
    double fraction = take_fraction();
    skip_blanks();
    size_t word_at = i_;
    std::string_view word = take_word();
    Unit unit = default_unit(typmod_);
    if (word.empty() || equals_ignoring_case(word, "ago")) {
      i_ = word_at;
      // '1 2:03': a number before a clock counts days.
      size_t j = i_;
      if (j < text_.size() && (text_[j] == '+' || text_[j] == '-')) ++j;
      while (j < text_.size() && is_digit(text_[j])) ++j;
      if (j > i_ && j < text_.size() && text_[j] == ':') unit = Unit::kDay;
    } else {
      std::optional<Unit> named = unit_of(word);
      if (!named) return bad_syntax(text_);
      unit = *named;
    }
    sum_.add(unit, negative ? -v : v, negative ? -fraction : fraction);
    return {};
  }

  // h:mm[:ss[.f]], or m:ss where the modifier says MINUTE TO SECOND.
  Status take_clock(int64_t first, bool negative) {
    ++i_;
    int64_t second_part = 0, seconds = 0;
    if (!take_digits(&second_part)) return bad_syntax(text_);
    bool three = i_ < text_.size() && text_[i_] == ':';
    if (three) {
      ++i_;
      if (!take_digits(&seconds)) return bad_syntax(text_);
    }
    double fraction = take_fraction();
    int range = typmod_ < 0 ? kFullRange : typmod_ >> 16 & kFullRange;
    int64_t hours = first, minutes = second_part;
    if (!three && (range == (kMinuteBit | kSecondBit) || fraction != 0)) {
      hours = 0, minutes = first, seconds = second_part;
    }
    if (minutes > 59 || seconds > 60 || hours > INT64_MAX / kMicrosPerHour)
      return field_overflow(text_);
    __int128 total = static_cast<__int128>(hours) * kMicrosPerHour + minutes * kMicrosPerMinute +
                     seconds * kMicrosPerSecond + static_cast<int64_t>(std::rint(fraction * 1e6));
    sum_.micros += negative ? -total : total;
    return {};
  }

  // P1Y2M3DT4H5M6S; P0001-02-03T04:05:06 is rare and refused as bad syntax.
  Result<Interval> parse_iso(std::string_view s) {
    bool time = false, any = false;
    size_t base = static_cast<size_t>(s.data() - text_.data());
    for (i_ = base; i_ < base + s.size();) {
      if (text_[i_] == 'T' && !time) {
        time = true;
        ++i_;
        continue;
      }
      bool negative = text_[i_] == '-';
      if (text_[i_] == '-' || text_[i_] == '+') ++i_;
      int64_t v = 0;
      if (!take_digits(&v) && !(i_ < text_.size() && text_[i_] == '.')) return bad_syntax(text_);
      double fraction = take_fraction();
      char c = i_ < text_.size() ? text_[i_++] : '\0';
      Unit unit = Unit::kSecond;
      switch (c) {
        case 'Y':
          unit = Unit::kYear;
          break;
        case 'M':
          unit = time ? Unit::kMinute : Unit::kMonth;
          break;
        case 'W':
          unit = Unit::kWeek;
          break;
        case 'D':
          unit = Unit::kDay;
          break;
        case 'H':
          unit = Unit::kHour;
          break;
        case 'S':
          unit = Unit::kSecond;
          break;
        default:
          return bad_syntax(text_);
      }
      sum_.add(unit, negative ? -v : v, negative ? -fraction : fraction);
      any = true;
    }
    if (!any) return bad_syntax(text_);
    if (!sum_.fits()) return field_overflow(text_);
    return fit_interval(sum_.value(), typmod_);
  }

  std::string_view text_;
  int32_t typmod_;
  IntervalStyle style_;
  size_t i_ = 0;
  bool all_negative_ = false;
  Sum sum_;
};

struct Clock {
  int64_t hours, minutes, seconds, micros;
};
Clock clock_of(int64_t micros) {
  return {micros / kMicrosPerHour, micros / kMicrosPerMinute % 60, micros / kMicrosPerSecond % 60,
          micros % kMicrosPerSecond};
}

std::string seconds_text(int64_t seconds, int64_t micros, bool pad) {
  std::string out =
      pad ? fmt::format("{:02}", std::llabs(seconds)) : fmt::format("{}", std::llabs(seconds));
  if (micros != 0) {
    out += fmt::format(".{:06}", std::llabs(micros));
    out.resize(out.find_last_not_of('0') + 1);
  }
  return out;
}

std::string format_postgres(const Interval& v) {
  std::string out;
  bool before = false;
  auto put = [&](int64_t n, std::string_view unit) {
    if (n == 0) return;
    out += fmt::format("{}{}{} {}{}", out.empty() ? "" : " ", before && n > 0 ? "+" : "", n, unit,
                       n == 1 ? "" : "s");
    before = n < 0;
  };
  put(v.months / 12, "year");
  put(v.months % 12, "mon");
  put(v.days, "day");
  if (out.empty() || v.micros != 0) {
    Clock c = clock_of(v.micros);
    out += fmt::format("{}{}{:02}:{:02}:", out.empty() ? "" : " ",
                       v.micros < 0 ? "-"
                       : before     ? "+"
                                    : "",
                       std::llabs(c.hours), std::llabs(c.minutes));
    out += seconds_text(c.seconds, c.micros, true);
  }
  return out;
}

std::string format_verbose(const Interval& v) {
  std::string out = "@";
  bool before = false, zero = true;
  auto put = [&](int64_t n, std::string_view unit) {
    if (n == 0) return;
    // The first field says whether all is "ago"; later ones show their sign relative to it.
    if (zero) before = n < 0;
    if (before) n = -n;
    out += fmt::format(" {} {}{}", n, unit, n == 1 ? "" : "s");
    zero = false;
  };
  put(v.months / 12, "year");
  put(v.months % 12, "mon");
  put(v.days, "day");
  Clock c = clock_of(v.micros);
  put(c.hours, "hour");
  put(c.minutes, "min");
  if (c.seconds != 0 || c.micros != 0) {
    bool negative = c.seconds < 0 || c.micros < 0;
    if (zero) before = negative;
    std::string text = seconds_text(c.seconds, c.micros, false);
    out += fmt::format(" {}{} sec{}", negative != before ? "-" : "", text,
                       std::llabs(c.seconds) == 1 && c.micros == 0 ? "" : "s");
    zero = false;
  }
  if (zero) out += " 0";
  return before ? out + " ago" : out;
}

std::string format_iso8601(const Interval& v) {
  if (v == Interval{}) return "PT0S";
  std::string out = "P";
  auto put = [&](int64_t n, char unit) {
    if (n != 0) out += fmt::format("{}{}", n, unit);
  };
  put(v.months / 12, 'Y');
  put(v.months % 12, 'M');
  put(v.days, 'D');
  if (v.micros == 0) return out;
  Clock c = clock_of(v.micros);
  out.push_back('T');
  put(c.hours, 'H');
  put(c.minutes, 'M');
  if (c.seconds != 0 || c.micros != 0) {
    out += fmt::format("{}{}S", c.seconds < 0 || c.micros < 0 ? "-" : "",
                       seconds_text(c.seconds, c.micros, false));
  }
  return out;
}

std::string format_sql(const Interval& v) {
  bool negative = v.months < 0 || v.days < 0 || v.micros < 0,
       positive = v.months > 0 || v.days > 0 || v.micros > 0;
  bool has_month = v.months != 0, has_day = v.days != 0, has_time = v.micros != 0;
  if (!negative && !positive) return "0";
  Clock c = clock_of(v.micros);
  auto clock = [&](bool pad) {
    return fmt::format("{}:{:02}:",
                       pad ? fmt::format("{:02}", std::llabs(c.hours))
                           : fmt::format("{}", std::llabs(c.hours)),
                       std::llabs(c.minutes)) +
           seconds_text(c.seconds, c.micros, true);
  };
  int64_t years = std::llabs(v.months / 12), months = std::llabs(v.months % 12);
  if ((negative && positive) || (has_month && (has_day || has_time))) {
    return fmt::format("{}{}-{} {}{} {}", v.months < 0 ? '-' : '+', years, months,
                       v.days < 0 ? '-' : '+', std::llabs(int64_t{v.days}),
                       v.micros < 0 ? '-' : '+') +
           clock(false);
  }
  std::string sign = negative ? "-" : "";
  if (has_month) return sign + fmt::format("{}-{}", years, months);
  if (has_day) return sign + fmt::format("{} ", std::llabs(int64_t{v.days})) + clock(false);
  return sign + clock(false);
}

int64_t cut(int64_t v, int64_t unit) { return v / unit * unit; }

}  // namespace

Result<Interval> parse_interval(std::string_view text, int32_t typmod, IntervalStyle style) {
  return Parser(text, typmod, style).parse();
}

std::string format_interval(const Interval& v, IntervalStyle style) {
  switch (style) {
    case IntervalStyle::kPostgres:
      return format_postgres(v);
    case IntervalStyle::kPostgresVerbose:
      return format_verbose(v);
    case IntervalStyle::kSqlStandard:
      return format_sql(v);
    case IntervalStyle::kIso8601:
      return format_iso8601(v);
  }
  return {};
}

Result<Interval> fit_interval(Interval v, int32_t typmod) {
  if (typmod < 0) return v;
  int range = typmod >> 16 & kFullRange, precision = typmod & kFullPrecision;
  if (range != kFullRange) {
    constexpr int kTime = kHourBit | kMinuteBit | kSecondBit;
    if ((range & (kDayBit | kTime)) == 0) {
      v.days = 0;
      v.micros = 0;
      if ((range & kMonthBit) == 0) v.months = static_cast<int32_t>(cut(v.months, 12));
    } else if ((range & kTime) == 0) {
      v.micros = 0;
    } else if ((range & (kMinuteBit | kSecondBit)) == 0) {
      v.micros = cut(v.micros, kMicrosPerHour);
    } else if ((range & kSecondBit) == 0) {
      v.micros = cut(v.micros, kMicrosPerMinute);
    }
  }
  if (precision < 6) {
    int64_t unit = 1;
    for (int i = precision; i < 6; ++i) unit *= 10;
    int64_t half = v.micros >= 0 ? unit / 2 : -(unit / 2);
    if (__builtin_add_overflow(v.micros, half, &v.micros)) return interval_out_of_range();
    v.micros = cut(v.micros, unit);
  }
  return v;
}

Result<Interval> interval_add(const Interval& a, const Interval& b) {
  Interval v;
  if (__builtin_add_overflow(a.months, b.months, &v.months) ||
      __builtin_add_overflow(a.days, b.days, &v.days) ||
      __builtin_add_overflow(a.micros, b.micros, &v.micros)) {
    return interval_out_of_range();
  }
  return v;
}

Result<Interval> interval_negate(const Interval& a) {
  if (a.months == INT32_MIN || a.days == INT32_MIN || a.micros == INT64_MIN)
    return interval_out_of_range();
  return Interval{-a.micros, -a.days, -a.months};
}

namespace {

// Applies `scale` to each field; what a month or a day leaves over goes down, rounded to
// microseconds to hide the noise of floats.
template <class Scale>
Result<Interval> scale_interval(const Interval& a, Scale scale) {
  double months = scale(a.months), days = scale(a.days);
  if (std::isnan(months) || std::isnan(days) || std::fabs(months) > INT32_MAX ||
      std::fabs(days) > INT32_MAX) {
    return interval_out_of_range();
  }
  Interval v;
  v.months = static_cast<int32_t>(months);
  v.days = static_cast<int32_t>(days);
  auto tidy = [](double x) { return std::rint(x * 1e6) / 1e6; };
  double month_rest = tidy((months - v.months) * 30);
  double seconds = tidy((days - v.days + month_rest - std::trunc(month_rest)) * 86400);
  if (std::fabs(seconds) >= 86400) {
    v.days += static_cast<int32_t>(seconds / 86400);
    seconds -= std::trunc(seconds / 86400) * 86400;
  }
  v.days += static_cast<int32_t>(month_rest);
  double micros = std::rint(scale(static_cast<double>(a.micros)) + seconds * 1e6);
  if (std::isnan(micros) || std::fabs(micros) >= 9.2233720368547758e18)
    return interval_out_of_range();
  v.micros = static_cast<int64_t>(micros);
  return v;
}

}  // namespace

Result<Interval> interval_multiply(const Interval& a, double factor) {
  return scale_interval(a, [&](double v) { return v * factor; });
}

Result<Interval> interval_divide(const Interval& a, double divisor) {
  if (divisor == 0) return invalid_argument("division by zero", sqlstate::kDivisionByZero);
  return scale_interval(a, [&](double v) { return v / divisor; });
}

Interval justify_hours(Interval v) {
  v.days += static_cast<int32_t>(v.micros / kMicrosPerDay);
  v.micros %= kMicrosPerDay;
  if (v.days > 0 && v.micros < 0) {
    v.micros += kMicrosPerDay;
    --v.days;
  } else if (v.days < 0 && v.micros > 0) {
    v.micros -= kMicrosPerDay;
    ++v.days;
  }
  return v;
}

Interval justify_days(Interval v) {
  v.months += v.days / 30;
  v.days %= 30;
  if (v.months > 0 && v.days < 0) {
    v.days += 30;
    --v.months;
  } else if (v.months < 0 && v.days > 0) {
    v.days -= 30;
    ++v.months;
  }
  return v;
}

Interval justify_interval(Interval v) {
  v = justify_days(justify_hours(v));
  if (v.months > 0 && (v.days < 0 || (v.days == 0 && v.micros < 0))) {
    v.days += 30;
    --v.months;
  } else if (v.months < 0 && (v.days > 0 || (v.days == 0 && v.micros > 0))) {
    v.days -= 30;
    ++v.months;
  }
  return justify_hours(v);
}

}  // namespace quorate::sql
