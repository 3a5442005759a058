// The input of dates and times: PostgreSQL's common forms, which are many. The text is cut into
// tokens; each token fills fields; at the end the fields must make a whole date or time.
#include <cmath>
#include <optional>
#include <vector>

#include "fmt/format.h"
#include "sql/types/date_time.h"
#include "sql/types/scan.h"
#include "sql/types/time_zone.h"

namespace quorate::sql {
namespace {

enum class Special : uint8_t {
  kNone,
  kNow,
  kToday,
  kTomorrow,
  kYesterday,
  kEpoch,
  kInfinity,
  kMinusInfinity,
  kAllBalls
};

// What went wrong, as the callers' messages differ by type.
enum class Failure : uint8_t { kNone, kFormat, kField, kMonthOrDay, kZone, kUnknownZone };

struct Fields {
  bool has_date = false, has_time = false;
  int64_t year = 0;
  int month = 0, day = 0;
  int64_t clock = 0;  // microseconds since midnight; 24:00:00 is allowed
  Special special = Special::kNone;
  std::optional<int32_t> offset;  // seconds east
  std::shared_ptr<const TimeZone> zone;
};

struct Token {
  enum class Kind : uint8_t { kNumber, kDate, kTime, kWord, kOffset } kind;
  std::string text;
};

int month_of(std::string_view word) {
  for (int m = 1; m <= 12; ++m) {
    std::string_view full = month_name(m);
    if (equals_ignoring_case(word, full) || equals_ignoring_case(word, full.substr(0, 3)) ||
        (m == 9 && equals_ignoring_case(word, "sept"))) {
      return m;
    }
  }
  return 0;
}

bool is_weekday(std::string_view word) {
  for (int d = 0; d < 7; ++d) {
    if (equals_ignoring_case(word, weekday_name(d)) ||
        equals_ignoring_case(word, weekday_name(d).substr(0, 3)))
      return true;
  }
  for (std::string_view w : {"tues", "weds", "thur", "thurs"}) {
    if (equals_ignoring_case(word, w)) return true;
  }
  return false;
}

bool is_julian(std::string_view word) {
  return equals_ignoring_case(word, "j") || equals_ignoring_case(word, "jd") ||
         equals_ignoring_case(word, "julian");
}

class Parser {
 public:
  // `of_day`: of a time without a date, where digits alone are hours, minutes and seconds.
  Parser(std::string_view text, const IoContext& io, bool of_day)
      : text_(text), io_(io), of_day_(of_day) {}

  Failure parse(Fields* out) {
    std::vector<Token> tokens;
    if (!tokenize(&tokens) || tokens.empty()) return Failure::kFormat;
    for (const Token& t : tokens) {
      if (Failure f = take(t); f != Failure::kNone) return f;
    }
    if (Failure f = finish(); f != Failure::kNone) return f;
    *out = std::move(fields_);
    return Failure::kNone;
  }
  const std::string& unknown_zone() const { return unknown_zone_; }

 private:
  using Kind = Token::Kind;

  char at(size_t i) const { return i < text_.size() ? text_[i] : '\0'; }

  bool tokenize(std::vector<Token>* out) {
    size_t i = 0;
    auto run = [&](auto accept) {
      size_t start = i;
      while (i < text_.size() && accept(text_[i])) ++i;
      return std::string(text_.substr(start, i - start));
    };
    auto alnum = [](char c) { return is_digit(c) || is_alpha(c); };
    while (i < text_.size()) {
      char c = text_[i];
      if (is_blank(c) || c == ',') {
        ++i;
      } else if (is_digit(c) || (c == '.' && is_digit(at(i + 1)))) {
        std::string digits = run(is_digit);
        if (at(i) == ':') {
          digits += run([](char x) { return is_digit(x) || x == ':' || x == '.'; });
          out->push_back({Kind::kTime, digits});
        } else if ((at(i) == '-' || at(i) == '/' || at(i) == '.') && alnum(at(i + 1)) &&
                   !(at(i) == '-' && saw_iso_time_)) {
          char separator = at(i);
          const size_t before = digits.size();
          digits += run([&](char x) { return alnum(x) || x == separator; });
          const bool julian =
              !out->empty() && out->back().kind == Kind::kWord && is_julian(out->back().text);
          if (separator == '.' && (julian || before == 6) &&
              digits.find_first_not_of("0123456789", before + 1) == std::string::npos) {
            out->push_back({Kind::kNumber, digits});
            continue;
          }
          // An ISO 'T' glued to the day: 2020-01-02T03:04:05.
          size_t t = digits.find_first_of("Tt", digits.rfind(separator));
          if (t != std::string::npos && t + 1 < digits.size() && is_digit(digits[t - 1]) &&
              is_digit(digits[t + 1])) {
            i -= digits.size() - t - 1;
            digits.resize(t);
            saw_iso_time_ = true;
          }
          out->push_back({Kind::kDate, digits});
        } else {
          out->push_back({Kind::kNumber, digits});
        }
      } else if (is_alpha(c)) {
        std::string word = run(is_alpha);
        char next = at(i);
        if ((next == '-' || next == '/' || next == '.') && month_of(word) != 0 &&
            alnum(at(i + 1))) {
          word += run([&](char x) { return alnum(x) || x == next; });
          out->push_back({Kind::kDate, word});
          continue;
        }
        if ((word == "T" || word == "t") && is_digit(next)) {
          saw_iso_time_ = true;
          continue;
        }
        if (next == '/' || next == '_' ||
            ((next == '+' || next == '-') && is_digit(at(i + 1)) && word.size() >= 3)) {
          word += run([&](char x) {
            return alnum(x) || x == '/' || x == '_' || x == '+' || x == '-' || x == ':';
          });
        }
        if (next == '.') ++i;
        out->push_back({Kind::kWord, word});
      } else if (c == '+' || c == '-') {
        ++i;
        while (i < text_.size() && is_blank(text_[i])) ++i;
        if (is_digit(at(i))) {
          out->push_back({Kind::kOffset, c + run([](char x) { return is_digit(x) || x == ':'; })});
        } else if (is_alpha(at(i))) {
          out->push_back({Kind::kWord, c + run(is_alpha)});
        } else {
          return false;
        }
      } else {
        return false;
      }
    }
    return true;
  }

  Failure take(const Token& t) {
    if (julian_) {
      if (t.kind != Kind::kNumber) return Failure::kFormat;
      return take_julian(t.text);
    }
    switch (t.kind) {
      case Kind::kDate:
        return take_date(t.text);
      case Kind::kTime:
        return take_time(t.text);
      case Kind::kNumber:
        return take_number(t.text);
      case Kind::kOffset:
        return take_offset(t.text);
      case Kind::kWord:
        return take_word(t.text);
    }
    return Failure::kFormat;
  }

  Failure take_date(std::string_view text) {
    if (fields_.has_date || !parts_.empty()) return Failure::kFormat;
    std::string part;
    for (size_t i = 0; i <= text.size(); ++i) {
      if (i < text.size() && (is_digit(text[i]) || is_alpha(text[i]))) {
        part.push_back(text[i]);
        continue;
      }
      if (part.empty()) return Failure::kFormat;
      if (int m = month_of(part); m != 0) {
        if (month_ != 0) return Failure::kFormat;
        month_ = m;
      } else {
        for (char c : part) {
          if (!is_digit(c)) return Failure::kFormat;
        }
        parts_.push_back(part);
      }
      part.clear();
    }
    return parts_.size() + (month_ != 0 ? 1 : 0) == 3 ? resolve_date() : Failure::kFormat;
  }

  // Which of the numbers is the year, the month and the day.
  Failure resolve_date() {
    std::string year, month, day;
    if (month_ != 0) {
      if (parts_.size() != 2) return Failure::kFormat;
      bool year_first = parts_[0].size() >= 3 || io_.date_order == DateOrder::kYmd;
      year = parts_[year_first ? 0 : 1];
      day = parts_[year_first ? 1 : 0];
    } else {
      if (parts_.size() != 3) return Failure::kFormat;
      if (parts_[0].size() >= 3 || io_.date_order == DateOrder::kYmd) {
        year = parts_[0], month = parts_[1], day = parts_[2];
      } else if (io_.date_order == DateOrder::kDmy) {
        day = parts_[0], month = parts_[1], year = parts_[2];
      } else {
        month = parts_[0], day = parts_[1], year = parts_[2];
      }
    }
    if (year.size() > 7 || month.size() > 4 || day.size() > 4) return Failure::kField;
    fields_.year = std::atoll(year.c_str());
    two_digit_year_ = year.size() <= 2;
    fields_.month = month_ != 0 ? month_ : std::atoi(month.c_str());
    fields_.day = std::atoi(day.c_str());
    fields_.has_date = true;
    parts_.clear();
    return Failure::kNone;
  }

  // hh:mm[:ss[.ffffff]]
  Failure take_time(std::string_view text) {
    if (fields_.has_time) return Failure::kFormat;
    int parts[3] = {0, 0, 0};
    int count = 0;
    size_t i = 0;
    for (;; ++i) {
      size_t start = i;
      int64_t v = 0;
      while (i < text.size() && is_digit(text[i]) && i - start < 9) v = v * 10 + (text[i++] - '0');
      if (i == start) return Failure::kFormat;
      parts[count++] = static_cast<int>(v);
      if (i >= text.size() || text[i] != ':') break;
      if (count == 3) return Failure::kFormat;
    }
    double fraction = 0;
    if (i < text.size()) {
      if (text[i] != '.' || count < 2) return Failure::kFormat;
      for (size_t j = i + 1; j < text.size(); ++j) {
        if (!is_digit(text[j])) return Failure::kFormat;
      }
      if (i + 1 < text.size())
        fraction = std::strtod(std::string("0" + std::string(text.substr(i))).c_str(), nullptr);
      if (count == 2) parts[2] = parts[1], parts[1] = parts[0], parts[0] = 0;  // mm:ss.fff
    }
    return set_clock(parts[0], parts[1], parts[2], fraction);
  }

  Failure set_clock(int hour, int minute, int second, double fraction) {
    if (hour > 24 || minute > 59 || second > 60) return Failure::kField;
    auto micros = static_cast<int64_t>(std::rint(fraction * 1e6));
    if (hour == 24 && (minute > 0 || second > 0 || micros > 0)) return Failure::kField;
    fields_.clock =
        hour * kMicrosPerHour + minute * kMicrosPerMinute + second * kMicrosPerSecond + micros;
    fields_.has_time = true;
    return Failure::kNone;
  }

  // Days since noon of 4714-11-24 BC; a fraction is a part of the day from its midnight on.
  Failure take_julian(const std::string& text) {
    julian_ = false;
    if (fields_.has_date || !parts_.empty() || month_ != 0) return Failure::kFormat;
    const size_t whole = std::min(text.find('.'), text.size());
    if (whole > 9) return Failure::kField;
    civil_from_days(std::atoll(text.c_str()) - kJulianOfEpoch, &fields_.year, &fields_.month,
                    &fields_.day);
    fields_.has_date = known_date_ = true;
    if (whole == text.size()) return Failure::kNone;
    if (fields_.has_time) return Failure::kFormat;
    const double part = std::strtod(text.c_str() + whole, nullptr);
    fields_.clock = static_cast<int64_t>(part * static_cast<double>(kMicrosPerDay));
    fields_.has_time = true;
    return Failure::kNone;
  }

  Failure take_number(const std::string& text) {
    auto number = [&](size_t from, size_t n) { return std::atoi(text.substr(from, n).c_str()); };
    bool date_open = !fields_.has_date && parts_.empty() && month_ == 0;
    const bool clock_open = !fields_.has_time && (fields_.has_date || (of_day_ && date_open));
    if (text.size() > 6 && text[6] == '.') {
      if (!clock_open) return Failure::kFormat;
      const double fraction = std::strtod(text.c_str() + 6, nullptr);
      return set_clock(number(0, 2), number(2, 2), number(4, 2), fraction);
    }
    if (text.size() == 8 && date_open) {
      fields_.year = number(0, 4), fields_.month = number(4, 2), fields_.day = number(6, 2);
      fields_.has_date = true;
      return Failure::kNone;
    }
    if (text.size() == 6 && clock_open)
      return set_clock(number(0, 2), number(2, 2), number(4, 2), 0);
    if (text.size() == 4 && clock_open) return set_clock(number(0, 2), number(2, 2), 0, 0);
    if (text.size() == 6 && date_open) {
      fields_.year = number(0, 2), fields_.month = number(2, 2), fields_.day = number(4, 2);
      two_digit_year_ = fields_.has_date = true;
      return Failure::kNone;
    }
    if (fields_.has_date) {
      // "3 PM": an hour alone is known by what follows.
      if (text.size() > 2 || fields_.has_time) return Failure::kFormat;
      loose_hour_ = true;
      return set_clock(number(0, 2), 0, 0, 0);
    }
    parts_.push_back(text);
    return parts_.size() + (month_ != 0 ? 1 : 0) >= 3 ? resolve_date() : Failure::kNone;
  }

  Failure take_offset(std::string_view text) {
    if (fields_.offset || fields_.zone) return Failure::kFormat;
    auto zone = find_time_zone(text);
    if (zone == nullptr) return Failure::kZone;
    int32_t offset = zone->offset_at_local(0);
    if (std::abs(offset) >= 16 * 3600) return Failure::kZone;
    fields_.offset = offset;
    return Failure::kNone;
  }

  Failure take_word(const std::string& text) {
    static constexpr std::pair<std::string_view, Special> kSpecials[] = {
        {"now", Special::kNow},
        {"today", Special::kToday},
        {"tomorrow", Special::kTomorrow},
        {"yesterday", Special::kYesterday},
        {"epoch", Special::kEpoch},
        {"infinity", Special::kInfinity},
        {"-infinity", Special::kMinusInfinity},
        {"+infinity", Special::kInfinity},
        {"allballs", Special::kAllBalls},
    };
    for (auto [name, special] : kSpecials) {
      if (!equals_ignoring_case(text, name)) continue;
      if (fields_.special != Special::kNone) return Failure::kFormat;
      fields_.special = special;
      return Failure::kNone;
    }
    if (int m = month_of(text); m != 0 && month_ == 0 && !fields_.has_date) {
      month_ = m;
      return parts_.size() == 2 ? resolve_date() : Failure::kNone;
    }
    if (is_weekday(text) || equals_ignoring_case(text, "ad") || equals_ignoring_case(text, "at") ||
        equals_ignoring_case(text, "t")) {
      return Failure::kNone;
    }
    if (is_julian(text)) {
      julian_ = true;
      return Failure::kNone;
    }
    if (equals_ignoring_case(text, "bc")) {
      before_christ_ = true;
      return Failure::kNone;
    }
    if (equals_ignoring_case(text, "am") || equals_ignoring_case(text, "pm"))
      return take_half_day(to_lower(text[0]) == 'p');
    if (fields_.offset || fields_.zone) return Failure::kFormat;
    fields_.zone = find_time_zone(text);
    if (fields_.zone == nullptr) {
      unknown_zone_ = text;
      for (char& c : unknown_zone_) c = to_lower(c);
      return text.find('/') != std::string::npos ? Failure::kUnknownZone : Failure::kFormat;
    }
    return Failure::kNone;
  }

  Failure take_half_day(bool afternoon) {
    int64_t hour = fields_.clock / kMicrosPerHour;
    if (!fields_.has_time || hour > 12) return Failure::kField;
    loose_hour_ = false;
    if (afternoon && hour != 12) fields_.clock += 12 * kMicrosPerHour;
    if (!afternoon && hour == 12) fields_.clock -= 12 * kMicrosPerHour;
    return Failure::kNone;
  }

  Failure finish() {
    if (!parts_.empty() || loose_hour_ || julian_) return Failure::kFormat;
    if (known_date_) return before_christ_ ? Failure::kFormat : Failure::kNone;
    if (month_ != 0 && !fields_.has_date) return Failure::kFormat;
    if (!fields_.has_date) return before_christ_ ? Failure::kFormat : Failure::kNone;
    if (before_christ_) {
      if (fields_.year <= 0) return Failure::kField;
      fields_.year = 1 - fields_.year;
    } else if (two_digit_year_) {
      fields_.year += fields_.year < 70 ? 2000 : 1900;
    } else if (fields_.year == 0) {
      return Failure::kField;
    }
    if (fields_.month < 1 || fields_.month > 12 || fields_.day < 1 || fields_.day > 31)
      return Failure::kMonthOrDay;
    return fields_.day > days_in_month(fields_.year, fields_.month) ? Failure::kField
                                                                    : Failure::kNone;
  }

  std::string_view text_;
  const IoContext& io_;
  const bool of_day_;
  Fields fields_;
  std::vector<std::string> parts_;  // numbers of a date that is not complete yet
  int month_ = 0;                   // given as a word
  bool two_digit_year_ = false, before_christ_ = false, saw_iso_time_ = false, loose_hour_ = false;
  bool julian_ = false;      // the number that follows is a day's
  bool known_date_ = false;  // it was: there is nothing to complete
  std::string unknown_zone_;
};

Status failure_status(Failure f, std::string_view type, std::string_view text,
                      const std::string& zone) {
  switch (f) {
    case Failure::kField:
      return invalid_argument(fmt::format("date/time field value out of range: \"{}\"", text),
                              sqlstate::kDatetimeFieldOverflow);
    case Failure::kMonthOrDay:
      return invalid_argument(fmt::format("date/time field value out of range: \"{}\"", text),
                              sqlstate::kDatetimeFieldOverflow)
          .with_hint("Perhaps you need a different \"datestyle\" setting.");
    case Failure::kZone:
      return invalid_argument(fmt::format("time zone displacement out of range: \"{}\"", text),
                              sqlstate::kInvalidTimeZoneDisplacement);
    case Failure::kUnknownZone:
      return invalid_argument(fmt::format("time zone \"{}\" not recognized", zone));
    case Failure::kFormat:
    case Failure::kNone:
      break;
  }
  return invalid_argument(fmt::format("invalid input syntax for type {}: \"{}\"", type, text),
                          sqlstate::kInvalidDatetimeFormat);
}

Result<Fields> parse_fields(std::string_view text, std::string_view type, const IoContext& io,
                            bool of_day = false) {
  Parser p(text, io, of_day);
  Fields f;
  if (Failure failure = p.parse(&f); failure != Failure::kNone)
    return failure_status(failure, type, text, p.unknown_zone());
  return f;
}

Status bad_syntax(std::string_view type, std::string_view text) {
  return failure_status(Failure::kFormat, type, text, "");
}

Status out_of_range(std::string_view what, std::string_view text) {
  return invalid_argument(fmt::format("{} out of range: \"{}\"", what, text),
                          sqlstate::kDatetimeFieldOverflow);
}

int64_t local_now(const IoContext& io) {
  return io.transaction_micros +
         zone_offset_at_utc(io.time_zone, io.transaction_micros).seconds_east * kMicrosPerSecond;
}

// Turns 'today' and its like into a date; false where the special word is no day.
bool special_day(const IoContext& io, Fields* f) {
  int64_t day = date_of_timestamp(local_now(io));
  switch (f->special) {
    case Special::kToday:
      break;
    case Special::kTomorrow:
      ++day;
      break;
    case Special::kYesterday:
      --day;
      break;
    default:
      return false;
  }
  civil_from_days(day, &f->year, &f->month, &f->day);
  f->has_date = true;
  return true;
}

int32_t offset_of(const Fields& f, const IoContext& io, int64_t local) {
  if (f.offset) return *f.offset;
  return f.zone != nullptr ? f.zone->offset_at_local(local)
                           : zone_offset_at_local(io.time_zone, local);
}

Datum make_timetz(int64_t micros, int32_t seconds_east) {
  int32_t west = -seconds_east;
  char b[12];
  std::memcpy(b, &micros, 8);
  std::memcpy(b + 8, &west, 4);
  return Datum::of_bytes({b, 12});
}

}  // namespace

Result<Datum> date_input(std::string_view text, const IoContext& io) {
  ASSIGN_OR_RETURN(Fields f, parse_fields(text, "date", io));
  switch (f.special) {
    case Special::kInfinity:
      return Datum::of_int(kDateInfinity);
    case Special::kMinusInfinity:
      return Datum::of_int(kDateMinusInfinity);
    case Special::kEpoch:
      return Datum::of_int(days_from_civil(1970, 1, 1));
    case Special::kNow:
      return Datum::of_int(date_of_timestamp(local_now(io)));
    default:
      special_day(io, &f);
      break;
  }
  if (!f.has_date) return bad_syntax("date", text);
  int64_t days = days_from_civil(f.year, f.month, f.day);
  if (!date_in_range(days)) return out_of_range("date", text);
  return Datum::of_int(days);
}

Result<Datum> timestamp_input(std::string_view text, int32_t typmod, bool with_zone,
                              const IoContext& io) {
  std::string_view type = with_zone ? "timestamp with time zone" : "timestamp";
  ASSIGN_OR_RETURN(Fields f, parse_fields(text, type, io));
  int64_t micros = 0;
  switch (f.special) {
    case Special::kInfinity:
      return Datum::of_int(kTimestampInfinity);
    case Special::kMinusInfinity:
      return Datum::of_int(kTimestampMinusInfinity);
    case Special::kEpoch:
      return Datum::of_int(days_from_civil(1970, 1, 1) * kMicrosPerDay);
    case Special::kNow:
      return Datum::of_int(round_micros(with_zone ? io.transaction_micros : local_now(io), typmod));
    default:
      special_day(io, &f);
      break;
  }
  if (!f.has_date) return bad_syntax(type, text);
  CivilTime t;
  t.year = f.year, t.month = f.month, t.day = f.day;
  __int128 wide =
      static_cast<__int128>(days_from_civil(t.year, t.month, t.day)) * kMicrosPerDay + f.clock;
  if (wide > INT64_MAX || wide < INT64_MIN) return out_of_range("timestamp", text);
  micros = static_cast<int64_t>(wide);
  if (!timestamp_in_range(micros)) return out_of_range("timestamp", text);
  if (with_zone) micros -= offset_of(f, io, micros) * kMicrosPerSecond;
  micros = round_micros(micros, typmod);
  if (!timestamp_in_range(micros)) return out_of_range("timestamp", text);
  return Datum::of_int(micros);
}

Result<Datum> time_input(std::string_view text, int32_t typmod, const IoContext& io) {
  ASSIGN_OR_RETURN(Fields f, parse_fields(text, "time", io, true));
  if (f.special == Special::kNow) {
    return Datum::of_int(
        round_micros(local_now(io) - date_of_timestamp(local_now(io)) * kMicrosPerDay, typmod));
  }
  if (f.special == Special::kAllBalls) return Datum::of_int(0);
  if (!f.has_time) return bad_syntax("time", text);
  return Datum::of_int(round_micros(f.clock, typmod));
}

Result<Datum> timetz_input(std::string_view text, int32_t typmod, const IoContext& io) {
  constexpr std::string_view kType = "time with time zone";
  ASSIGN_OR_RETURN(Fields f, parse_fields(text, kType, io, true));
  int64_t now = local_now(io);
  if (f.special == Special::kNow) {
    return make_timetz(round_micros(now - date_of_timestamp(now) * kMicrosPerDay, typmod),
                       offset_of(f, io, now));
  }
  if (f.special == Special::kAllBalls) return make_timetz(0, 0);
  if (!f.has_time) return bad_syntax(kType, text);
  // A zone with summer time needs a day: the one given, or today.
  int64_t day = f.has_date ? days_from_civil(f.year, f.month, f.day) : date_of_timestamp(now);
  return make_timetz(round_micros(f.clock, typmod),
                     offset_of(f, io, day * kMicrosPerDay + f.clock));
}

}  // namespace quorate::sql
