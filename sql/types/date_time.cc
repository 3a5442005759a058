// The calendar, and the output of dates and times. Their input is in date_time_parse.cc.
#include "sql/types/date_time.h"

#include <cmath>

#include "fmt/format.h"
#include "sql/types/time_zone.h"

namespace quorate::sql {
namespace {

constexpr std::string_view kMonths[] = {"January",   "February", "March",    "April",
                                        "May",       "June",     "July",     "August",
                                        "September", "October",  "November", "December"};
constexpr std::string_view kDays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                      "Thursday", "Friday", "Saturday"};

constexpr int64_t kTimestampMin = -211813488000000000, kTimestampEnd = 9223371331200000000;
constexpr int64_t kDateMin = -kJulianOfEpoch, kDateEnd = 2147483494 - kJulianOfEpoch;

int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

void put_clock(int hour, int minute, int second, int micros, Bytes& out) {
  out += fmt::format("{:02}:{:02}:{:02}", hour, minute, second);
  if (micros == 0) return;
  std::string fraction = fmt::format(".{:06}", micros);
  fraction.resize(fraction.find_last_not_of('0') + 1);
  out += fraction;
}

void put_offset(int32_t seconds_east, Bytes& out) {
  int32_t a = std::abs(seconds_east);
  out += fmt::format("{}{:02}", seconds_east < 0 ? '-' : '+', a / 3600);
  if (a % 3600 != 0) out += fmt::format(":{:02}", a / 60 % 60);
  if (a % 60 != 0) out += fmt::format(":{:02}", a % 60);
}

int64_t shown_year(int64_t year) { return year > 0 ? year : 1 - year; }

void put_date(int64_t year, int month, int day, const IoContext& io, Bytes& out) {
  int64_t y = shown_year(year);
  bool day_first = io.date_order == DateOrder::kDmy;
  switch (io.date_style) {
    case DateStyle::kIso:
      out += fmt::format("{:04}-{:02}-{:02}", y, month, day);
      return;
    case DateStyle::kSql:
      out += day_first ? fmt::format("{:02}/{:02}/{:04}", day, month, y)
                       : fmt::format("{:02}/{:02}/{:04}", month, day, y);
      return;
    case DateStyle::kGerman:
      out += fmt::format("{:02}.{:02}.{:04}", day, month, y);
      return;
    case DateStyle::kPostgres:
      out += day_first ? fmt::format("{:02}-{:02}-{:04}", day, month, y)
                       : fmt::format("{:02}-{:02}-{:04}", month, day, y);
      return;
  }
}

void put_zone(bool with_zone, const ZoneOffset& zone, bool iso, Bytes& out) {
  if (!with_zone) return;
  if (iso) return put_offset(zone.seconds_east, out);
  if (zone.abbreviation.empty() || zone.abbreviation[0] == '+' || zone.abbreviation[0] == '-') {
    out.push_back(' ');
    return put_offset(zone.seconds_east, out);
  }
  out += " " + zone.abbreviation;
}

bool infinity_output(int64_t v, int64_t plus, int64_t minus, Bytes& out) {
  if (v == plus) out += "infinity";
  if (v == minus) out += "-infinity";
  return v == plus || v == minus;
}

Status timestamp_out_of_range() {
  return invalid_argument("timestamp out of range", sqlstate::kDatetimeFieldOverflow);
}

}  // namespace

std::string_view month_name(int month) { return kMonths[month - 1]; }
std::string_view weekday_name(int day) { return kDays[day]; }

int64_t days_from_civil(int64_t year, int month, int day) {
  // Years begin in March, so that the leap day is the last one; eras are 400 years.
  year -= month <= 2;
  int64_t era = floor_div(year, 400);
  int64_t year_of_era = year - era * 400;
  int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 730425;
}

void civil_from_days(int64_t days, int64_t* year, int* month, int* day) {
  days += 730425;
  int64_t era = floor_div(days, 146097);
  int64_t day_of_era = days - era * 146097;
  int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  int64_t shifted = (5 * day_of_year + 2) / 153;
  *day = static_cast<int>(day_of_year - (153 * shifted + 2) / 5 + 1);
  *month = static_cast<int>(shifted < 10 ? shifted + 3 : shifted - 9);
  *year = year_of_era + era * 400 + (*month <= 2);
}

int days_in_month(int64_t year, int month) {
  static constexpr int kLengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return kLengths[month - 1] + (month == 2 && leap);
}

CivilTime civil_from_micros(int64_t micros) {
  int64_t days = floor_div(micros, kMicrosPerDay);
  int64_t rest = micros - days * kMicrosPerDay;
  CivilTime t;
  civil_from_days(days, &t.year, &t.month, &t.day);
  t.hour = static_cast<int>(rest / kMicrosPerHour);
  t.minute = static_cast<int>(rest / kMicrosPerMinute % 60);
  t.second = static_cast<int>(rest / kMicrosPerSecond % 60);
  t.micros = static_cast<int>(rest % kMicrosPerSecond);
  return t;
}

int64_t micros_from_civil(const CivilTime& t) {
  __int128 v = static_cast<__int128>(days_from_civil(t.year, t.month, t.day)) * kMicrosPerDay +
               t.hour * kMicrosPerHour + t.minute * kMicrosPerMinute + t.second * kMicrosPerSecond +
               t.micros;
  if (v > INT64_MAX || v < INT64_MIN) return v > 0 ? INT64_MAX : INT64_MIN;
  return static_cast<int64_t>(v);
}

bool timestamp_in_range(int64_t micros) {
  return micros >= kTimestampMin && micros < kTimestampEnd;
}
bool date_in_range(int64_t days) { return days >= kDateMin && days < kDateEnd; }

int weekday(int64_t days) {
  int64_t d = (days + 6) % 7;  // 2000-01-01 was a Saturday
  return static_cast<int>(d < 0 ? d + 7 : d);
}

void date_output(int64_t days, const IoContext& io, Bytes& out) {
  if (infinity_output(days, kDateInfinity, kDateMinusInfinity, out)) return;
  CivilTime t;
  civil_from_days(days, &t.year, &t.month, &t.day);
  put_date(t.year, t.month, t.day, io, out);
  if (t.year <= 0) out += " BC";
}

void time_output(int64_t micros, Bytes& out) {
  put_clock(static_cast<int>(micros / kMicrosPerHour),
            static_cast<int>(micros / kMicrosPerMinute % 60),
            static_cast<int>(micros / kMicrosPerSecond % 60),
            static_cast<int>(micros % kMicrosPerSecond), out);
}

void timetz_output(const Datum& v, Bytes& out) {
  BytesView b = v.as_bytes();
  int64_t micros = 0;
  int32_t west = 0;
  std::memcpy(&micros, b.data(), 8);
  std::memcpy(&west, b.data() + 8, 4);
  time_output(micros, out);
  put_offset(-west, out);
}

void timestamp_output(int64_t micros, bool with_zone, const IoContext& io, Bytes& out) {
  if (infinity_output(micros, kTimestampInfinity, kTimestampMinusInfinity, out)) return;
  ZoneOffset zone;
  if (with_zone) zone = zone_offset_at_utc(io.time_zone, micros);
  CivilTime t = civil_from_micros(micros + zone.seconds_east * kMicrosPerSecond);
  if (io.date_style == DateStyle::kPostgres) {
    std::string_view day =
        weekday_name(weekday(days_from_civil(t.year, t.month, t.day))).substr(0, 3);
    std::string_view month = month_name(t.month).substr(0, 3);
    out += io.date_order == DateOrder::kDmy ? fmt::format("{} {:02} {} ", day, t.day, month)
                                            : fmt::format("{} {} {:02} ", day, month, t.day);
    put_clock(t.hour, t.minute, t.second, t.micros, out);
    out += fmt::format(" {:04}", shown_year(t.year));
  } else {
    put_date(t.year, t.month, t.day, io, out);
    out.push_back(' ');
    put_clock(t.hour, t.minute, t.second, t.micros, out);
  }
  put_zone(with_zone, zone, io.date_style == DateStyle::kIso, out);
  if (t.year <= 0) out += " BC";
}

int64_t round_micros(int64_t micros, int32_t precision) {
  if (precision < 0 || precision >= 6 || is_infinite_timestamp(micros)) return micros;
  static constexpr int64_t kUnit[] = {1000000, 100000, 10000, 1000, 100, 10};
  int64_t unit = kUnit[precision];
  return micros >= 0 ? (micros + unit / 2) / unit * unit : -((-micros + unit / 2) / unit * unit);
}

Result<int64_t> timestamp_of_date(int64_t days) {
  if (days == kDateInfinity) return kTimestampInfinity;
  if (days == kDateMinusInfinity) return kTimestampMinusInfinity;
  if (days >= kTimestampEnd / kMicrosPerDay) {
    return invalid_argument("date out of range for timestamp", sqlstate::kDatetimeFieldOverflow);
  }
  return days * kMicrosPerDay;
}

int64_t date_of_timestamp(int64_t micros) {
  if (micros == kTimestampInfinity) return kDateInfinity;
  if (micros == kTimestampMinusInfinity) return kDateMinusInfinity;
  return floor_div(micros, kMicrosPerDay);
}

Result<int64_t> timestamptz_of_timestamp(int64_t local, const TimeZone* zone) {
  if (is_infinite_timestamp(local)) return local;
  int64_t utc = local - zone_offset_at_local(zone, local) * kMicrosPerSecond;
  if (!timestamp_in_range(utc)) return timestamp_out_of_range();
  return utc;
}

Result<int64_t> timestamp_of_timestamptz(int64_t utc, const TimeZone* zone) {
  if (is_infinite_timestamp(utc)) return utc;
  int64_t local = utc + zone_offset_at_utc(zone, utc).seconds_east * kMicrosPerSecond;
  if (!timestamp_in_range(local)) return timestamp_out_of_range();
  return local;
}

Result<int64_t> timestamp_add(int64_t micros, const Interval& v, bool with_zone,
                              const TimeZone* zone) {
  if (is_infinite_timestamp(micros)) return micros;
  if (v.months != 0 || v.days != 0) {
    int64_t offset =
        with_zone ? zone_offset_at_utc(zone, micros).seconds_east * kMicrosPerSecond : 0;
    CivilTime t = civil_from_micros(micros + offset);
    if (v.months != 0) {
      int64_t months = t.year * 12 + t.month - 1 + v.months;
      t.year = floor_div(months, 12);
      t.month = static_cast<int>(months - t.year * 12) + 1;
      t.day = std::min(t.day, days_in_month(t.year, t.month));
    }
    int64_t local = micros_from_civil(t);
    if (__builtin_add_overflow(local, v.days * kMicrosPerDay, &local) ||
        !timestamp_in_range(local)) {
      return timestamp_out_of_range();
    }
    micros = with_zone ? local - zone_offset_at_local(zone, local) * kMicrosPerSecond : local;
  }
  if (__builtin_add_overflow(micros, v.micros, &micros) || !timestamp_in_range(micros))
    return timestamp_out_of_range();
  return micros;
}

}  // namespace quorate::sql
