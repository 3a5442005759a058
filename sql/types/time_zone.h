// Time zones: the system's tz database by name, and fixed offsets.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"

namespace quorate::sql {

struct ZoneOffset {
  int32_t seconds_east = 0;
  std::string abbreviation;  // "CET"; for fixed offsets as PostgreSQL shows them
  bool is_dst = false;
};

// Immutable; shared by all sessions. Reading the database is a file access at the first use of a
// name: a session looks its zone up when the setting changes, and keeps it.
class TimeZone {
 public:
  virtual ~TimeZone() = default;
  virtual ZoneOffset at_utc(int64_t micros) const = 0;  // microseconds since 2000-01-01 UTC
  // The offset of a local time. In the hour that a spring change leaves out the earlier offset
  // counts, in the hour that an autumn change repeats the later (standard) one, as in PostgreSQL.
  virtual int32_t offset_at_local(int64_t micros) const = 0;
  virtual const std::string& name() const = 0;  // as SHOW timezone gives it
};

// "Europe/Berlin", "utc", "+02", "UTC-3" (POSIX: west), "EST". Case does not matter. Null when
// there is no such zone; the message belongs to the caller (22023 `time zone "x" not recognized`,
// `invalid value for parameter "TimeZone": "x"`).
std::shared_ptr<const TimeZone> find_time_zone(std::string_view name);
std::shared_ptr<const TimeZone> fixed_time_zone(int32_t seconds_east);
// Where the pointer is null: UTC.
ZoneOffset zone_offset_at_utc(const TimeZone* zone, int64_t micros);
int32_t zone_offset_at_local(const TimeZone* zone, int64_t micros);

}  // namespace quorate::sql
