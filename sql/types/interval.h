// interval: months, days and microseconds, kept apart because their lengths differ.
//
// In a Datum (frozen, it is on disk): 16 bytes, little-endian: i64 microseconds, i32 days, i32
// months.
#pragma once

#include "sql/types/type.h"

namespace quorate::sql {

inline constexpr int64_t kMicrosPerSecond = 1'000'000, kMicrosPerMinute = 60 * kMicrosPerSecond,
                         kMicrosPerHour = 60 * kMicrosPerMinute,
                         kMicrosPerDay = 24 * kMicrosPerHour;

struct Interval {
  int64_t micros = 0;
  int32_t days = 0, months = 0;

  static Interval from_datum(const Datum& d) {
    Interval v;
    BytesView b = d.as_bytes();
    CHECK(b.size() == 16);
    std::memcpy(&v.micros, b.data(), 8);
    std::memcpy(&v.days, b.data() + 8, 4);
    std::memcpy(&v.months, b.data() + 12, 4);
    return v;
  }
  Datum to_datum() const {
    char b[16];
    std::memcpy(b, &micros, 8);
    std::memcpy(b + 8, &days, 4);
    std::memcpy(b + 12, &months, 4);
    return Datum::of_bytes({b, 16});
  }
  // Its length with months of 30 days and days of 24 hours: what comparison uses.
  __int128 length() const {
    return static_cast<__int128>(micros) +
           (static_cast<__int128>(months) * 30 + days) * kMicrosPerDay;
  }
  friend bool operator==(const Interval&, const Interval&) = default;
};

// Text in all of PostgreSQL's forms: '1 day 02:03:04', '1 year 2 mons ago', 'P1Y2M', '@ 3 hours',
// '1-2', '3 4:05:06'.
Result<Interval> parse_interval(std::string_view text, int32_t typmod, IntervalStyle style);
std::string format_interval(const Interval& v, IntervalStyle style);
// Cuts to the fields and rounds to the precision of the modifier.
Result<Interval> fit_interval(Interval v, int32_t typmod);

Result<Interval> interval_add(const Interval& a, const Interval& b);
Result<Interval> interval_negate(const Interval& a);
Result<Interval> interval_multiply(const Interval& a, double factor);
Result<Interval> interval_divide(const Interval& a, double divisor);
Interval justify_hours(Interval v);
Interval justify_days(Interval v);
Interval justify_interval(Interval v);

}  // namespace quorate::sql
