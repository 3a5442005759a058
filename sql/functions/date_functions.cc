// Functions of dates, times and intervals.
#include <cmath>
#include <optional>

#include "fmt/format.h"
#include "sql/functions/families.h"
#include "sql/functions/regex_cache.h"
#include "sql/types/cast.h"
#include "sql/types/date_time.h"
#include "sql/types/interval.h"
#include "sql/types/numeric.h"
#include "sql/types/scan.h"
#include "sql/types/time_zone.h"

namespace quorate::sql {
namespace {

using Args = std::span<const Datum>;

Status out_of_range(std::string_view what) {
  return invalid_argument(fmt::format("{} out of range", what), sqlstate::kDatetimeFieldOverflow);
}
Result<Datum> int_result(Result<int64_t> r) {
  if (!r.ok()) return r.status();
  return Datum::of_int(*r);
}
Result<Datum> interval_result(Result<Interval> r) {
  if (!r.ok()) return r.status();
  return r->to_datum();
}
Result<Datum> days_result(int64_t days) {
  if (!date_in_range(days)) return out_of_range("date");
  return Datum::of_int(days);
}
int64_t day_part(int64_t micros) { return date_of_timestamp(micros) * kMicrosPerDay; }
int64_t within_day(int64_t micros) {
  int64_t r = micros % kMicrosPerDay;
  return r < 0 ? r + kMicrosPerDay : r;
}

// --- the time now ---

Result<Datum> transaction_time(EvalContext& ctx, Args) {
  return Datum::of_int(ctx.io.transaction_micros);
}
Result<Datum> statement_time(EvalContext& ctx, Args) { return Datum::of_int(ctx.statement_micros); }
Result<Datum> clock_time(EvalContext& ctx, Args) {
  return Datum::of_int(ctx.session->clock_micros());
}

// --- arithmetic ---

Result<Datum> date_plus_days(EvalContext&, Args a) {
  return is_infinite_date(a[0].as_int()) ? Result<Datum>(a[0])
                                         : days_result(a[0].as_int() + a[1].as_int());
}
Result<Datum> days_plus_date(EvalContext&, Args a) {
  return is_infinite_date(a[1].as_int()) ? Result<Datum>(a[1])
                                         : days_result(a[0].as_int() + a[1].as_int());
}
Result<Datum> date_minus_days(EvalContext&, Args a) {
  return is_infinite_date(a[0].as_int()) ? Result<Datum>(a[0])
                                         : days_result(a[0].as_int() - a[1].as_int());
}
Result<Datum> date_minus_date(EvalContext&, Args a) {
  if (is_infinite_date(a[0].as_int()) || is_infinite_date(a[1].as_int())) {
    return invalid_argument("cannot subtract infinite dates", sqlstate::kDatetimeFieldOverflow);
  }
  return Datum::of_int(a[0].as_int() - a[1].as_int());
}

template <bool kWithZone, bool kMinus>
Result<Datum> timestamp_plus(EvalContext& ctx, Args a) {
  Interval v = Interval::from_datum(a[1]);
  if (kMinus) {
    ASSIGN_OR_RETURN(v, interval_negate(v));
  }
  return int_result(timestamp_add(a[0].as_int(), v, kWithZone, ctx.io.time_zone));
}
template <bool kWithZone>
Result<Datum> interval_plus_timestamp(EvalContext& ctx, Args a) {
  return int_result(
      timestamp_add(a[1].as_int(), Interval::from_datum(a[0]), kWithZone, ctx.io.time_zone));
}
template <bool kMinus>
Result<Datum> date_plus_interval(EvalContext&, Args a) {
  ASSIGN_OR_RETURN(int64_t micros, timestamp_of_date(a[0].as_int()));
  Interval v = Interval::from_datum(a[1]);
  if (kMinus) {
    ASSIGN_OR_RETURN(v, interval_negate(v));
  }
  return int_result(timestamp_add(micros, v, false, nullptr));
}
Result<Datum> interval_plus_date(EvalContext& ctx, Args a) {
  const Datum swapped[] = {a[1], a[0]};
  return date_plus_interval<false>(ctx, swapped);
}
Result<Datum> date_plus_time(EvalContext&, Args a) {
  ASSIGN_OR_RETURN(int64_t micros, timestamp_of_date(a[0].as_int()));
  return Datum::of_int(is_infinite_timestamp(micros) ? micros : micros + a[1].as_int());
}
Result<Datum> time_plus_date(EvalContext& ctx, Args a) {
  const Datum swapped[] = {a[1], a[0]};
  return date_plus_time(ctx, swapped);
}
// The difference of timestamps counts whole days apart from the rest.
Result<Datum> timestamp_minus_timestamp(EvalContext&, Args a) {
  int64_t x = a[0].as_int(), y = a[1].as_int(), d = 0;
  if (is_infinite_timestamp(x) || is_infinite_timestamp(y)) {
    return invalid_argument("cannot subtract infinite timestamps",
                            sqlstate::kDatetimeFieldOverflow);
  }
  if (__builtin_sub_overflow(x, y, &d)) return out_of_range("interval");
  return justify_hours(Interval{d, 0, 0}).to_datum();
}
template <bool kMinus>
Result<Datum> time_plus_interval(EvalContext&, Args a) {
  int64_t micros = Interval::from_datum(a[1]).micros % kMicrosPerDay;
  return Datum::of_int(within_day(kMinus ? a[0].as_int() - micros : a[0].as_int() + micros));
}
Result<Datum> interval_plus_time(EvalContext& ctx, Args a) {
  const Datum swapped[] = {a[1], a[0]};
  return time_plus_interval<false>(ctx, swapped);
}
Result<Datum> time_minus_time(EvalContext&, Args a) {
  return Interval{a[0].as_int() - a[1].as_int(), 0, 0}.to_datum();
}

Result<Datum> interval_plus(EvalContext&, Args a) {
  return interval_result(interval_add(Interval::from_datum(a[0]), Interval::from_datum(a[1])));
}
Result<Datum> interval_minus(EvalContext&, Args a) {
  ASSIGN_OR_RETURN(Interval v, interval_negate(Interval::from_datum(a[1])));
  return interval_result(interval_add(Interval::from_datum(a[0]), v));
}
Result<Datum> interval_negative(EvalContext&, Args a) {
  return interval_result(interval_negate(Interval::from_datum(a[0])));
}
Result<Datum> interval_times(EvalContext&, Args a) {
  return interval_result(interval_multiply(Interval::from_datum(a[0]), a[1].as_double()));
}
Result<Datum> times_interval(EvalContext&, Args a) {
  return interval_result(interval_multiply(Interval::from_datum(a[1]), a[0].as_double()));
}
Result<Datum> interval_over(EvalContext&, Args a) {
  return interval_result(interval_divide(Interval::from_datum(a[0]), a[1].as_double()));
}
template <Interval (*kFn)(Interval)>
Result<Datum> justify(EvalContext&, Args a) {
  return kFn(Interval::from_datum(a[0])).to_datum();
}

// --- fields ---

enum class Field : uint8_t {
  kMicroseconds,
  kMilliseconds,
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
  kMillennium,
  kDayOfWeek,
  kIsoDayOfWeek,
  kDayOfYear,
  kIsoYear,
  kEpoch,
  kJulian,
  kZone,
  kZoneHour,
  kZoneMinute
};

std::optional<Field> field_of(std::string_view name) {
  static constexpr std::pair<std::string_view, Field> kFields[] = {
      {"microseconds", Field::kMicroseconds},
      {"microsecond", Field::kMicroseconds},
      {"milliseconds", Field::kMilliseconds},
      {"millisecond", Field::kMilliseconds},
      {"second", Field::kSecond},
      {"seconds", Field::kSecond},
      {"sec", Field::kSecond},
      {"minute", Field::kMinute},
      {"minutes", Field::kMinute},
      {"min", Field::kMinute},
      {"hour", Field::kHour},
      {"hours", Field::kHour},
      {"day", Field::kDay},
      {"days", Field::kDay},
      {"week", Field::kWeek},
      {"weeks", Field::kWeek},
      {"month", Field::kMonth},
      {"months", Field::kMonth},
      {"mon", Field::kMonth},
      {"quarter", Field::kQuarter},
      {"qtr", Field::kQuarter},
      {"year", Field::kYear},
      {"years", Field::kYear},
      {"decade", Field::kDecade},
      {"decades", Field::kDecade},
      {"century", Field::kCentury},
      {"centuries", Field::kCentury},
      {"millennium", Field::kMillennium},
      {"millennia", Field::kMillennium},
      {"dow", Field::kDayOfWeek},
      {"isodow", Field::kIsoDayOfWeek},
      {"doy", Field::kDayOfYear},
      {"isoyear", Field::kIsoYear},
      {"epoch", Field::kEpoch},
      {"julian", Field::kJulian},
      {"timezone", Field::kZone},
      {"timezone_hour", Field::kZoneHour},
      {"timezone_minute", Field::kZoneMinute}};
  for (auto [word, field] : kFields) {
    if (equals_ignoring_case(name, word)) return field;
  }
  return std::nullopt;
}

Status no_field(BytesView name, Oid type, bool known) {
  return known ? invalid_argument(fmt::format("unit \"{}\" not supported for type {}",
                                              lower_text(name), format_type(type)),
                                  sqlstate::kFeatureNotSupported)
               : invalid_argument(fmt::format("unit \"{}\" not recognized for type {}",
                                              lower_text(name), format_type(type)));
}

// ISO 8601: week 1 holds the first Thursday; weeks begin on Monday.
int64_t iso_week_start(int64_t year) {
  int64_t fourth = days_from_civil(year, 1, 4);
  return fourth - (weekday(fourth) + 6) % 7;
}
int64_t iso_year(int64_t days) {
  CivilTime t;
  civil_from_days(days, &t.year, &t.month, &t.day);
  if (days >= iso_week_start(t.year + 1)) return t.year + 1;
  return days < iso_week_start(t.year) ? t.year - 1 : t.year;
}

// A field's value as micro-units: seconds with their fraction are counted exactly.
struct FieldValue {
  __int128 value = 0;
  int scale = 0;  // digits after the point
};

FieldValue clock_field(Field f, int64_t second, int64_t micros) {
  int64_t total = second * kMicrosPerSecond + micros;
  if (f == Field::kMicroseconds) return {total, 0};
  return {total, f == Field::kMilliseconds ? 3 : 6};
}

int64_t shown_year(int64_t year) { return year > 0 ? year : year - 1; }

std::optional<FieldValue> timestamp_field(Field f, int64_t micros, std::optional<int32_t> zone,
                                          int64_t utc) {
  CivilTime t = civil_from_micros(micros);
  int64_t days = date_of_timestamp(micros);
  auto ceil_div = [](int64_t y, int64_t n) {
    return y > 0 ? (y + n - 1) / n : -((n - 1 - (y - 1)) / n);
  };
  switch (f) {
    case Field::kMicroseconds:
    case Field::kMilliseconds:
    case Field::kSecond:
      return clock_field(f, t.second, t.micros);
    case Field::kMinute:
      return FieldValue{t.minute};
    case Field::kHour:
      return FieldValue{t.hour};
    case Field::kDay:
      return FieldValue{t.day};
    case Field::kMonth:
      return FieldValue{t.month};
    case Field::kQuarter:
      return FieldValue{(t.month - 1) / 3 + 1};
    case Field::kYear:
      return FieldValue{shown_year(t.year)};
    case Field::kDecade:
      return FieldValue{t.year >= 0 ? t.year / 10 : -((8 - (t.year - 1)) / 10)};
    case Field::kCentury:
      return FieldValue{ceil_div(t.year, 100)};
    case Field::kMillennium:
      return FieldValue{ceil_div(t.year, 1000)};
    case Field::kWeek:
      return FieldValue{(days - iso_week_start(iso_year(days))) / 7 + 1};
    case Field::kIsoYear:
      return FieldValue{shown_year(iso_year(days))};
    case Field::kDayOfWeek:
      return FieldValue{weekday(days)};
    case Field::kIsoDayOfWeek:
      return FieldValue{(weekday(days) + 6) % 7 + 1};
    case Field::kDayOfYear:
      return FieldValue{days - days_from_civil(t.year, 1, 1) + 1};
    case Field::kEpoch:
      return FieldValue{static_cast<__int128>(utc) - days_from_civil(1970, 1, 1) * kMicrosPerDay,
                        6};
    case Field::kJulian:
      return std::nullopt;
    case Field::kZone:
    case Field::kZoneHour:
    case Field::kZoneMinute:
      if (!zone) return std::nullopt;
      return FieldValue{f == Field::kZone       ? *zone
                        : f == Field::kZoneHour ? *zone / 3600
                                                : *zone / 60 % 60};
  }
  return std::nullopt;
}

std::optional<FieldValue> interval_field(Field f, const Interval& v) {
  switch (f) {
    case Field::kMicroseconds:
    case Field::kMilliseconds:
    case Field::kSecond:
      return clock_field(f, v.micros / kMicrosPerSecond % 60, v.micros % kMicrosPerSecond);
    case Field::kMinute:
      return FieldValue{v.micros / kMicrosPerMinute % 60};
    case Field::kHour:
      return FieldValue{v.micros / kMicrosPerHour};
    case Field::kDay:
      return FieldValue{v.days};
    case Field::kMonth:
      return FieldValue{v.months % 12};
    case Field::kQuarter:
      return FieldValue{v.months % 12 / 3 + 1};
    case Field::kYear:
      return FieldValue{v.months / 12};
    case Field::kDecade:
      return FieldValue{v.months / 120};
    case Field::kCentury:
      return FieldValue{v.months / 1200};
    case Field::kMillennium:
      return FieldValue{v.months / 12000};
    case Field::kEpoch: {
      // Years count 365.25 days, months beyond them 30.
      __int128 days = static_cast<__int128>(v.months / 12) * 36525 +
                      static_cast<__int128>(v.months % 12) * 3000 +
                      static_cast<__int128>(v.days) * 100;
      return FieldValue{days * (kMicrosPerDay / 100) + v.micros, 6};
    }
    default:
      return std::nullopt;
  }
}

std::optional<FieldValue> time_field(Field f, int64_t micros, std::optional<int32_t> zone) {
  switch (f) {
    case Field::kMicroseconds:
    case Field::kMilliseconds:
    case Field::kSecond:
      return clock_field(f, micros / kMicrosPerSecond % 60, micros % kMicrosPerSecond);
    case Field::kMinute:
      return FieldValue{micros / kMicrosPerMinute % 60};
    case Field::kHour:
      return FieldValue{micros / kMicrosPerHour};
    case Field::kEpoch:
      return FieldValue{micros + (zone ? -int64_t{*zone} * kMicrosPerSecond : 0), 6};
    case Field::kZone:
    case Field::kZoneHour:
    case Field::kZoneMinute:
      if (!zone) return std::nullopt;
      return FieldValue{f == Field::kZone       ? *zone
                        : f == Field::kZoneHour ? *zone / 3600
                                                : *zone / 60 % 60};
    default:
      return std::nullopt;
  }
}

// extract() gives numeric, date_part() the same as double.
template <bool kNumeric>
Result<Datum> present(std::optional<FieldValue> v, BytesView name, Oid type) {
  if (!v) return no_field(name, type, true);
  if (kNumeric) return Numeric::from_int128(v->value, v->scale).to_datum();
  return Datum::of_double(static_cast<double>(v->value) / std::pow(10.0, v->scale));
}

template <bool kNumeric>
Result<Datum> infinite_field(Field f, bool negative) {
  // Fields that grow with time are infinite, others are null.
  switch (f) {
    case Field::kYear:
    case Field::kDecade:
    case Field::kCentury:
    case Field::kMillennium:
    case Field::kJulian:
    case Field::kIsoYear:
    case Field::kEpoch:
      break;
    default:
      return Datum::null();
  }
  if (!kNumeric) return Datum::of_double(negative ? -INFINITY : INFINITY);
  return Numeric::special(negative ? Numeric::Kind::kMinusInfinity : Numeric::Kind::kInfinity)
      .to_datum();
}

template <Oid kType, bool kNumeric>
Result<Datum> part(EvalContext& ctx, Args a) {
  BytesView name = a[0].as_bytes();
  std::optional<Field> f = field_of(name);
  if (!f) return no_field(name, kType, false);
  switch (kType) {
    case oid::kInterval:
      return present<kNumeric>(interval_field(*f, Interval::from_datum(a[1])), name, kType);
    case oid::kTime:
      return present<kNumeric>(time_field(*f, a[1].as_int(), std::nullopt), name, kType);
    case oid::kTimetz: {
      int64_t micros = 0;
      int32_t west = 0;
      std::memcpy(&micros, a[1].as_bytes().data(), 8);
      std::memcpy(&west, a[1].as_bytes().data() + 8, 4);
      return present<kNumeric>(time_field(*f, micros, -west), name, kType);
    }
    default:
      break;
  }
  int64_t micros = a[1].as_int();
  std::optional<int32_t> zone;
  if (kType == oid::kDate) {
    if (is_infinite_date(micros)) return infinite_field<kNumeric>(*f, micros < 0);
    if (*f <= Field::kHour) return no_field(name, kType, true);
    if (*f == Field::kJulian) return present<kNumeric>(FieldValue{micros + 2451545}, name, kType);
    if (*f == Field::kEpoch)
      return present<kNumeric>(FieldValue{(micros - days_from_civil(1970, 1, 1)) * 86400}, name,
                               kType);
    ASSIGN_OR_RETURN(micros, timestamp_of_date(micros));
    return present<kNumeric>(timestamp_field(*f, micros, zone, micros), name, kType);
  }
  if (is_infinite_timestamp(micros)) return infinite_field<kNumeric>(*f, micros < 0);
  int64_t utc = micros;
  if (kType == oid::kTimestamptz) {
    zone = zone_offset_at_utc(ctx.io.time_zone, micros).seconds_east;
    micros += *zone * kMicrosPerSecond;
  }
  if (*f == Field::kJulian) return unimplemented("the field julian of a timestamp");
  return present<kNumeric>(timestamp_field(*f, micros, zone, utc), name, kType);
}

// --- date_trunc ---

Result<int64_t> truncate(Field f, int64_t micros, BytesView name, Oid type) {
  CivilTime t = civil_from_micros(micros);
  int64_t day = date_of_timestamp(micros);
  auto start_of_year = [](int64_t y) { return days_from_civil(y, 1, 1) * kMicrosPerDay; };
  switch (f) {
    case Field::kMicroseconds:
      return micros;
    case Field::kMilliseconds:
      return micros - within_day(micros) % 1000;
    case Field::kSecond:
      return micros - within_day(micros) % kMicrosPerSecond;
    case Field::kMinute:
      return micros - within_day(micros) % kMicrosPerMinute;
    case Field::kHour:
      return micros - within_day(micros) % kMicrosPerHour;
    case Field::kDay:
      return day_part(micros);
    case Field::kWeek:
      return (day - (weekday(day) + 6) % 7) * kMicrosPerDay;
    case Field::kMonth:
      return days_from_civil(t.year, t.month, 1) * kMicrosPerDay;
    case Field::kQuarter:
      return days_from_civil(t.year, (t.month - 1) / 3 * 3 + 1, 1) * kMicrosPerDay;
    case Field::kYear:
      return start_of_year(t.year);
    case Field::kDecade:
      return start_of_year(t.year > 0 ? t.year / 10 * 10 : -((9 - t.year) / 10 * 10));
    case Field::kCentury:
      return start_of_year(t.year > 0 ? (t.year + 99) / 100 * 100 - 99
                                      : -((99 - (t.year - 1)) / 100 * 100) + 1);
    case Field::kMillennium:
      return start_of_year(t.year > 0 ? (t.year + 999) / 1000 * 1000 - 999
                                      : -((999 - (t.year - 1)) / 1000 * 1000) + 1);
    default:
      return no_field(name, type, f >= Field::kZone);
  }
}

Result<int64_t> truncate_named(BytesView name, int64_t micros, Oid type) {
  std::optional<Field> f = field_of(name);
  if (!f) return no_field(name, type, false);
  if (is_infinite_timestamp(micros)) return micros;
  return truncate(*f, micros, name, type);
}

Result<Datum> trunc_timestamp(EvalContext&, Args a) {
  return int_result(truncate_named(a[0].as_bytes(), a[1].as_int(), oid::kTimestamp));
}
Result<Datum> trunc_in_zone(BytesView name, int64_t utc, const TimeZone* zone) {
  if (is_infinite_timestamp(utc)) return Datum::of_int(utc);
  int64_t offset = zone_offset_at_utc(zone, utc).seconds_east * kMicrosPerSecond;
  ASSIGN_OR_RETURN(int64_t local, truncate_named(name, utc + offset, oid::kTimestamptz));
  return Datum::of_int(local - zone_offset_at_local(zone, local) * kMicrosPerSecond);
}
Result<Datum> trunc_timestamptz(EvalContext& ctx, Args a) {
  return trunc_in_zone(a[0].as_bytes(), a[1].as_int(), ctx.io.time_zone);
}
Result<std::shared_ptr<const TimeZone>> zone_of(BytesView name) {
  auto zone = find_time_zone(name);
  if (zone == nullptr)
    return invalid_argument(fmt::format("time zone \"{}\" not recognized", name));
  return zone;
}
Result<Datum> trunc_timestamptz_zone(EvalContext&, Args a) {
  ASSIGN_OR_RETURN(auto zone, zone_of(a[2].as_bytes()));
  return trunc_in_zone(a[0].as_bytes(), a[1].as_int(), zone.get());
}
Result<Datum> trunc_interval(EvalContext&, Args a) {
  std::optional<Field> f = field_of(a[0].as_bytes());
  if (!f) return no_field(a[0].as_bytes(), oid::kInterval, false);
  Interval v = Interval::from_datum(a[1]);
  auto months = [&](int n) { return Interval{0, 0, v.months / n * n}; };
  auto micros = [&](int64_t n) { return Interval{v.micros / n * n, v.days, v.months}; };
  switch (*f) {
    case Field::kMillennium:
      return months(12000).to_datum();
    case Field::kCentury:
      return months(1200).to_datum();
    case Field::kDecade:
      return months(120).to_datum();
    case Field::kYear:
      return months(12).to_datum();
    case Field::kQuarter:
      return months(3).to_datum();
    case Field::kMonth:
      return months(1).to_datum();
    case Field::kDay:
      return Interval{0, v.days, v.months}.to_datum();
    case Field::kHour:
      return micros(kMicrosPerHour).to_datum();
    case Field::kMinute:
      return micros(kMicrosPerMinute).to_datum();
    case Field::kSecond:
      return micros(kMicrosPerSecond).to_datum();
    case Field::kMilliseconds:
      return micros(1000).to_datum();
    case Field::kMicroseconds:
      return v.to_datum();
    default:
      return no_field(a[0].as_bytes(), oid::kInterval, true);
  }
}

// --- age, zones, making ---

Result<Interval> age_between(int64_t x, int64_t y) {
  if (is_infinite_timestamp(x) || is_infinite_timestamp(y)) return out_of_range("timestamp");
  bool negative = x < y;
  if (negative) std::swap(x, y);
  CivilTime a = civil_from_micros(x), b = civil_from_micros(y);
  int64_t micros = within_day(x) - within_day(y);
  int64_t days = a.day - b.day, months = (a.year - b.year) * 12 + a.month - b.month;
  if (micros < 0) {
    micros += kMicrosPerDay;
    --days;
  }
  while (days < 0) {
    // A borrowed month has the length of the earlier date's month, or of the later one's where the
    // result is negative.
    days += negative
                ? days_in_month(a.month == 1 ? a.year - 1 : a.year, a.month == 1 ? 12 : a.month - 1)
                : days_in_month(b.year, b.month);
    --months;
  }
  Interval v{micros, static_cast<int32_t>(days), static_cast<int32_t>(months)};
  return negative ? interval_negate(v) : v;
}
Result<Datum> age_timestamp(EvalContext&, Args a) {
  return interval_result(age_between(a[0].as_int(), a[1].as_int()));
}
Result<Datum> age_timestamptz(EvalContext& ctx, Args a) {
  ASSIGN_OR_RETURN(int64_t x, timestamp_of_timestamptz(a[0].as_int(), ctx.io.time_zone));
  ASSIGN_OR_RETURN(int64_t y, timestamp_of_timestamptz(a[1].as_int(), ctx.io.time_zone));
  return interval_result(age_between(x, y));
}
int64_t today(EvalContext& ctx) {
  int64_t now = ctx.io.transaction_micros;
  return day_part(now + zone_offset_at_utc(ctx.io.time_zone, now).seconds_east * kMicrosPerSecond);
}
Result<Datum> age_today(EvalContext& ctx, Args a) {
  return interval_result(age_between(today(ctx), a[0].as_int()));
}
Result<Datum> age_today_zone(EvalContext& ctx, Args a) {
  ASSIGN_OR_RETURN(int64_t local, timestamp_of_timestamptz(a[0].as_int(), ctx.io.time_zone));
  return interval_result(age_between(today(ctx), local));
}

Result<Datum> zone_timestamp(EvalContext&, Args a) {
  ASSIGN_OR_RETURN(auto zone, zone_of(a[0].as_bytes()));
  return int_result(timestamptz_of_timestamp(a[1].as_int(), zone.get()));
}
Result<Datum> zone_timestamptz(EvalContext&, Args a) {
  ASSIGN_OR_RETURN(auto zone, zone_of(a[0].as_bytes()));
  return int_result(timestamp_of_timestamptz(a[1].as_int(), zone.get()));
}

Result<Datum> make_date(EvalContext&, Args a) {
  int64_t y = a[0].as_int(), m = a[1].as_int(), d = a[2].as_int();
  int64_t year = y < 0 ? y + 1 : y;
  if (y == 0 || m < 1 || m > 12 || d < 1 || d > days_in_month(year, static_cast<int>(m))) {
    return invalid_argument(fmt::format("date field value out of range: {}-{:02}-{:02}", y, m, d),
                            sqlstate::kDatetimeFieldOverflow);
  }
  return days_result(days_from_civil(year, static_cast<int>(m), static_cast<int>(d)));
}
Result<int64_t> clock_of(const Datum& hour, const Datum& minute, const Datum& second) {
  int64_t h = hour.as_int(), m = minute.as_int();
  double s = second.as_double();
  if (h < 0 || h > 24 || m < 0 || m > 59 || !(s >= 0 && s <= 60) || (h == 24 && (m > 0 || s > 0))) {
    return invalid_argument(fmt::format("time field value out of range: {}:{:02}:{:02g}", h, m, s),
                            sqlstate::kDatetimeFieldOverflow);
  }
  return h * kMicrosPerHour + m * kMicrosPerMinute + static_cast<int64_t>(std::rint(s * 1e6));
}
Result<Datum> make_time(EvalContext&, Args a) { return int_result(clock_of(a[0], a[1], a[2])); }
Result<Datum> make_timestamp(EvalContext& ctx, Args a) {
  ASSIGN_OR_RETURN(Datum date, make_date(ctx, a));
  ASSIGN_OR_RETURN(int64_t clock, clock_of(a[3], a[4], a[5]));
  ASSIGN_OR_RETURN(int64_t micros, timestamp_of_date(date.as_int()));
  return Datum::of_int(micros + clock);
}
Result<Datum> make_timestamptz(EvalContext& ctx, Args a) {
  ASSIGN_OR_RETURN(Datum local, make_timestamp(ctx, a));
  return int_result(timestamptz_of_timestamp(local.as_int(), ctx.io.time_zone));
}
Result<Datum> timestamp_of_epoch(EvalContext&, Args a) {
  double s = a[0].as_double();
  if (std::isnan(s))
    return invalid_argument("timestamp cannot be NaN", sqlstate::kDatetimeFieldOverflow);
  if (std::isinf(s)) return Datum::of_int(s > 0 ? kTimestampInfinity : kTimestampMinusInfinity);
  double micros = std::rint((s + static_cast<double>(days_from_civil(1970, 1, 1)) * 86400) * 1e6);
  if (std::fabs(micros) >= 9.2e18 || !timestamp_in_range(static_cast<int64_t>(micros))) {
    return invalid_argument(fmt::format("timestamp out of range: \"{:g}\"", s),
                            sqlstate::kDatetimeFieldOverflow);
  }
  return Datum::of_int(static_cast<int64_t>(micros));
}
Result<Datum> is_finite_date(EvalContext&, Args a) {
  return Datum::of_bool(!is_infinite_date(a[0].as_int()));
}
Result<Datum> is_finite_timestamp(EvalContext&, Args a) {
  return Datum::of_bool(!is_infinite_timestamp(a[0].as_int()));
}
Result<Datum> always(EvalContext&, Args) { return Datum::of_bool(true); }

constexpr FunctionInfo kFunctions[] = {
    // clang-format off
    {1299, "now", 1184, {}, Volatility::kStable, true, transaction_time},
    {2647, "transaction_timestamp", 1184, {}, Volatility::kStable, true, transaction_time},
    {2648, "statement_timestamp", 1184, {}, Volatility::kStable, true, statement_time},
    {2649, "clock_timestamp", 1184, {}, Volatility::kVolatile, true, clock_time},
    {1141, "date_pli", 1082, {1082, 23}, Volatility::kImmutable, true, date_plus_days},
    {2550, "integer_pl_date", 1082, {23, 1082}, Volatility::kImmutable, true, days_plus_date},
    {1142, "date_mii", 1082, {1082, 23}, Volatility::kImmutable, true, date_minus_days},
    {1140, "date_mi", 23, {1082, 1082}, Volatility::kImmutable, true, date_minus_date},
    {2032, "timestamp_pl_interval", 1114, {1114, 1186}, Volatility::kImmutable, true, timestamp_plus<false, false>},
    {2033, "timestamp_mi_interval", 1114, {1114, 1186}, Volatility::kImmutable, true, timestamp_plus<false, true>},
    {1189, "timestamptz_pl_interval", 1184, {1184, 1186}, Volatility::kStable, true, timestamp_plus<true, false>},
    {1190, "timestamptz_mi_interval", 1184, {1184, 1186}, Volatility::kStable, true, timestamp_plus<true, true>},
    {2548, "interval_pl_timestamp", 1114, {1186, 1114}, Volatility::kImmutable, true, interval_plus_timestamp<false>},
    {2549, "interval_pl_timestamptz", 1184, {1186, 1184}, Volatility::kStable, true, interval_plus_timestamp<true>},
    {2071, "date_pl_interval", 1114, {1082, 1186}, Volatility::kImmutable, true, date_plus_interval<false>},
    {2072, "date_mi_interval", 1114, {1082, 1186}, Volatility::kImmutable, true, date_plus_interval<true>},
    {2546, "interval_pl_date", 1114, {1186, 1082}, Volatility::kImmutable, true, interval_plus_date},
    {1272, "datetime_pl", 1114, {1082, 1083}, Volatility::kImmutable, true, date_plus_time},
    {2025, "timestamp", 1114, {1082, 1083}, Volatility::kImmutable, true, date_plus_time},
    {1296, "timedate_pl", 1114, {1083, 1082}, Volatility::kImmutable, true, time_plus_date},
    {1188, "timestamptz_mi", 1186, {1184, 1184}, Volatility::kImmutable, true, timestamp_minus_timestamp},
    {2031, "timestamp_mi", 1186, {1114, 1114}, Volatility::kImmutable, true, timestamp_minus_timestamp},
    {1747, "time_pl_interval", 1083, {1083, 1186}, Volatility::kImmutable, true, time_plus_interval<false>},
    {1748, "time_mi_interval", 1083, {1083, 1186}, Volatility::kImmutable, true, time_plus_interval<true>},
    {1848, "interval_pl_time", 1083, {1186, 1083}, Volatility::kImmutable, true, interval_plus_time},
    {1690, "time_mi_time", 1186, {1083, 1083}, Volatility::kImmutable, true, time_minus_time},
    {1169, "interval_pl", 1186, {1186, 1186}, Volatility::kImmutable, true, interval_plus},
    {1170, "interval_mi", 1186, {1186, 1186}, Volatility::kImmutable, true, interval_minus},
    {1168, "interval_um", 1186, {1186}, Volatility::kImmutable, true, interval_negative},
    {1618, "interval_mul", 1186, {1186, 701}, Volatility::kImmutable, true, interval_times},
    {1624, "mul_d_interval", 1186, {701, 1186}, Volatility::kImmutable, true, times_interval},
    {1326, "interval_div", 1186, {1186, 701}, Volatility::kImmutable, true, interval_over},
    {1175, "justify_hours", 1186, {1186}, Volatility::kImmutable, true, justify<justify_hours>},
    {1295, "justify_days", 1186, {1186}, Volatility::kImmutable, true, justify<justify_days>},
    {2711, "justify_interval", 1186, {1186}, Volatility::kImmutable, true, justify<justify_interval>},
    {2021, "date_part", 701, {25, 1114}, Volatility::kImmutable, true, part<oid::kTimestamp, false>},
    {1171, "date_part", 701, {25, 1184}, Volatility::kStable, true, part<oid::kTimestamptz, false>},
    {1384, "date_part", 701, {25, 1082}, Volatility::kImmutable, true, part<oid::kDate, false>},
    {1172, "date_part", 701, {25, 1186}, Volatility::kImmutable, true, part<oid::kInterval, false>},
    {1385, "date_part", 701, {25, 1083}, Volatility::kImmutable, true, part<oid::kTime, false>},
    {1273, "date_part", 701, {25, 1266}, Volatility::kImmutable, true, part<oid::kTimetz, false>},
    {6202, "extract", 1700, {25, 1114}, Volatility::kImmutable, true, part<oid::kTimestamp, true>},
    {6203, "extract", 1700, {25, 1184}, Volatility::kStable, true, part<oid::kTimestamptz, true>},
    {6199, "extract", 1700, {25, 1082}, Volatility::kImmutable, true, part<oid::kDate, true>},
    {6204, "extract", 1700, {25, 1186}, Volatility::kImmutable, true, part<oid::kInterval, true>},
    {6200, "extract", 1700, {25, 1083}, Volatility::kImmutable, true, part<oid::kTime, true>},
    {6201, "extract", 1700, {25, 1266}, Volatility::kImmutable, true, part<oid::kTimetz, true>},
    {2020, "date_trunc", 1114, {25, 1114}, Volatility::kImmutable, true, trunc_timestamp},
    {1217, "date_trunc", 1184, {25, 1184}, Volatility::kStable, true, trunc_timestamptz},
    {1284, "date_trunc", 1184, {25, 1184, 25}, Volatility::kStable, true, trunc_timestamptz_zone},
    {1218, "date_trunc", 1186, {25, 1186}, Volatility::kImmutable, true, trunc_interval},
    {2058, "age", 1186, {1114, 1114}, Volatility::kImmutable, true, age_timestamp},
    {1199, "age", 1186, {1184, 1184}, Volatility::kImmutable, true, age_timestamptz},
    {2059, "age", 1186, {1114}, Volatility::kStable, true, age_today},
    {1386, "age", 1186, {1184}, Volatility::kStable, true, age_today_zone},
    {2069, "timezone", 1184, {25, 1114}, Volatility::kImmutable, true, zone_timestamp},
    {1159, "timezone", 1114, {25, 1184}, Volatility::kImmutable, true, zone_timestamptz},
    {3846, "make_date", 1082, {23, 23, 23}, Volatility::kImmutable, true, make_date},
    {3847, "make_time", 1083, {23, 23, 701}, Volatility::kImmutable, true, make_time},
    {3461, "make_timestamp", 1114, {23, 23, 23, 23, 23, 701}, Volatility::kImmutable, true, make_timestamp},
    {3462, "make_timestamptz", 1184, {23, 23, 23, 23, 23, 701}, Volatility::kStable, true, make_timestamptz},
    {1158, "to_timestamp", 1184, {701}, Volatility::kImmutable, true, timestamp_of_epoch},
    {1373, "isfinite", 16, {1082}, Volatility::kImmutable, true, is_finite_date},
    {2048, "isfinite", 16, {1114}, Volatility::kImmutable, true, is_finite_timestamp},
    {1389, "isfinite", 16, {1184}, Volatility::kImmutable, true, is_finite_timestamp},
    {1390, "isfinite", 16, {1186}, Volatility::kImmutable, true, always},
    // clang-format on
};

}  // namespace

std::span<const FunctionInfo> date_time_functions() { return kFunctions; }

}  // namespace quorate::sql
