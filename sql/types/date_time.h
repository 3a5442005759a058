// Dates, times and timestamps: their text, and the calendar below them (proleptic Gregorian).
//
// timetz in a Datum (frozen): 12 bytes, little-endian: i64 microseconds since midnight, i32 seconds
// *west* of UTC.
#pragma once

#include <memory>

#include "sql/types/interval.h"
#include "sql/types/type.h"

namespace quorate::sql {

class TimeZone;

// A moment broken into calendar fields; year 0 is 1 BC.
struct CivilTime {
  int64_t year = 2000;
  int month = 1, day = 1, hour = 0, minute = 0, second = 0, micros = 0;
};

// Days since 2000-01-01.
inline constexpr int64_t kEpochMicros = 946'684'800'000'000;  // 2000-01-01 in Unix time
inline constexpr int64_t kJulianOfEpoch = 2451545;            // the Julian day 2000-01-01
int64_t days_from_civil(int64_t year, int month, int day);
void civil_from_days(int64_t days, int64_t* year, int* month, int* day);
int days_in_month(int64_t year, int month);
CivilTime civil_from_micros(int64_t micros);
// No check of ranges; timestamp_in_range says whether the result can be stored.
int64_t micros_from_civil(const CivilTime& t);
bool timestamp_in_range(int64_t micros);  // 4713 BC to 294276 AD
bool date_in_range(int64_t days);
inline bool is_infinite_timestamp(int64_t v) {
  return v == kTimestampInfinity || v == kTimestampMinusInfinity;
}
inline bool is_infinite_date(int64_t v) { return v == kDateInfinity || v == kDateMinusInfinity; }
int weekday(int64_t days);  // 0: Sunday

Result<Datum> date_input(std::string_view text, const IoContext& io);
Result<Datum> time_input(std::string_view text, int32_t typmod, const IoContext& io);
Result<Datum> timetz_input(std::string_view text, int32_t typmod, const IoContext& io);
// with_zone: timestamptz.
Result<Datum> timestamp_input(std::string_view text, int32_t typmod, bool with_zone,
                              const IoContext& io);

void date_output(int64_t days, const IoContext& io, Bytes& out);
void time_output(int64_t micros, Bytes& out);
void timetz_output(const Datum& v, Bytes& out);
void timestamp_output(int64_t micros, bool with_zone, const IoContext& io, Bytes& out);

// Rounds to `precision` (0 .. 6) digits of a second; -1 and infinities: as it is.
int64_t round_micros(int64_t micros, int32_t precision);

// Conversions between the three, with the session's zone. 22008 where the result can't be stored.
Result<int64_t> timestamp_of_date(int64_t days);
int64_t date_of_timestamp(int64_t micros);
Result<int64_t> timestamptz_of_timestamp(int64_t local, const TimeZone* zone);
Result<int64_t> timestamp_of_timestamptz(int64_t utc, const TimeZone* zone);
// timestamp + interval; with_zone: days and months are added in local time.
Result<int64_t> timestamp_add(int64_t micros, const Interval& v, bool with_zone,
                              const TimeZone* zone);

// "2020-01-02 03:04:05.6" and so on as EncodeDateTime's ISO form; also to_char's pieces.
std::string_view month_name(int month);  // 1: "January"
std::string_view weekday_name(int day);  // 0: "Sunday"

}  // namespace quorate::sql
