#include "sql/types/time_zone.h"

// How the system's library was built; the layout of its tables depends on it.
#define USE_OS_TZDB 1
#define HAS_REMOTE_API 0
#include <date/tz.h>

#include <cstdlib>

#include "fmt/format.h"
#include "sql/types/date_time.h"
#include "sql/types/scan.h"

namespace quorate::sql {
namespace {

constexpr int64_t kEpochSeconds = 946684800;  // 2000-01-01 in Unix time

int64_t floor_seconds(int64_t micros) {
  int64_t s = micros / kMicrosPerSecond;
  return micros % kMicrosPerSecond < 0 ? s - 1 : s;
}

class FixedZone final : public TimeZone {
 public:
  FixedZone(int32_t seconds_east, std::string name, std::string abbreviation)
      : seconds_east_(seconds_east),
        name_(std::move(name)),
        abbreviation_(std::move(abbreviation)) {}
  ZoneOffset at_utc(int64_t) const override { return {seconds_east_, abbreviation_, false}; }
  int32_t offset_at_local(int64_t) const override { return seconds_east_; }
  const std::string& name() const override { return name_; }

 private:
  int32_t seconds_east_;
  std::string name_, abbreviation_;
};

// The database lists transitions up to 2037 only; later years repeat the rules of a year before
// that with the same calendar (the Gregorian calendar repeats every 28 years within 1901..2099,
// every 400 in general).
int64_t years_back(int64_t seconds_since_2000) {
  int64_t year = 0;
  int month = 0, day = 0;
  int64_t days = seconds_since_2000 / 86400;
  civil_from_days(days, &year, &month, &day);
  if (year <= 2036) return 0;
  for (int64_t candidate = 2036; candidate > 1996; --candidate) {
    bool same_length = days_in_month(candidate, 2) == days_in_month(year, 2);
    if (same_length &&
        weekday(days_from_civil(candidate, 1, 1)) == weekday(days_from_civil(year, 1, 1))) {
      return (days_from_civil(year, 1, 1) - days_from_civil(candidate, 1, 1)) * 86400;
    }
  }
  return 0;
}

class NamedZone final : public TimeZone {
 public:
  explicit NamedZone(const date::time_zone* zone) : zone_(zone), name_(zone->name()) {}

  ZoneOffset at_utc(int64_t micros) const override {
    int64_t s = floor_seconds(micros);
    s -= years_back(s);
    date::sys_info info =
        zone_->get_info(date::sys_seconds(std::chrono::seconds(s + kEpochSeconds)));
    return {static_cast<int32_t>(info.offset.count()), info.abbrev, info.save.count() != 0};
  }

  int32_t offset_at_local(int64_t micros) const override {
    int64_t s = floor_seconds(micros);
    s -= years_back(s);
    date::local_info info =
        zone_->get_info(date::local_seconds(std::chrono::seconds(s + kEpochSeconds)));
    bool second = info.result == date::local_info::ambiguous;
    return static_cast<int32_t>((second ? info.second : info.first).offset.count());
  }

  const std::string& name() const override { return name_; }

 private:
  const date::time_zone*
      zone_;  // owned by the library's database, which lives as long as the process
  std::string name_;
};

struct Abbreviation {
  std::string_view name;
  int hours;
};
// PostgreSQL's "Default" abbreviations that are in use today.
constexpr Abbreviation kAbbreviations[] = {
    {"utc", 0},   {"gmt", 0},  {"z", 0},    {"zulu", 0},  {"ut", 0},    {"wet", 0},   {"west", 1},
    {"bst", 1},   {"cet", 1},  {"cest", 2}, {"met", 1},   {"mest", 2},  {"eet", 2},   {"eest", 3},
    {"sast", 2},  {"msk", 3},  {"est", -5}, {"edt", -4},  {"cst", -6},  {"cdt", -5},  {"mst", -7},
    {"mdt", -6},  {"pst", -8}, {"pdt", -7}, {"akst", -9}, {"akdt", -8}, {"hst", -10}, {"ast", -4},
    {"adt", -3},  {"jst", 9},  {"kst", 9},  {"hkt", 8},   {"aest", 10}, {"aedt", 11}, {"nzst", 12},
    {"nzdt", 13}, {"ist", 2},  {"pkt", 5},  {"wib", 7},
};

// [+-]hh[:mm[:ss]] or hhmm; false when it is not one.
bool parse_offset(std::string_view s, int32_t* seconds) {
  if (s.empty()) return false;
  bool negative = s[0] == '-';
  if (s[0] == '+' || s[0] == '-') s.remove_prefix(1);
  int parts[3] = {0, 0, 0};
  int count = 0;
  size_t digits = 0;
  for (char c : s) {
    if (c == ':') {
      if (digits == 0 || ++count > 2) return false;
      digits = 0;
    } else if (is_digit(c) && digits < 4) {
      parts[count] = parts[count] * 10 + (c - '0');
      ++digits;
    } else {
      return false;
    }
  }
  if (digits == 0) return false;
  if (count == 0 && digits > 2) parts[1] = parts[0] % 100, parts[0] /= 100;
  if (parts[0] > 167 || parts[1] > 59 || parts[2] > 59) return false;
  *seconds = (parts[0] * 60 + parts[1]) * 60 + parts[2];
  if (negative) *seconds = -*seconds;
  return true;
}

const date::time_zone* locate(std::string_view name) {
  try {
    const date::tzdb& db = date::get_tzdb();
    for (const date::time_zone& z : db.zones) {
      if (equals_ignoring_case(z.name(), name)) return &z;
    }
  } catch (const std::exception&) {
    // No database on this system: only fixed offsets are known.
  }
  return nullptr;
}

}  // namespace

std::shared_ptr<const TimeZone> fixed_time_zone(int32_t seconds_east) {
  int32_t a = std::abs(seconds_east);
  std::string text = fmt::format("{:02}", a / 3600);
  if (a % 3600 != 0) text += fmt::format(":{:02}", a / 60 % 60);
  if (a % 60 != 0) text += fmt::format(":{:02}", a % 60);
  std::string east = (seconds_east < 0 ? "-" : "+") + text;
  return std::make_shared<FixedZone>(
      seconds_east, "<" + east + ">" + (seconds_east < 0 ? "+" : "-") + text, east);
}

std::shared_ptr<const TimeZone> find_time_zone(std::string_view name) {
  if (equals_ignoring_case(name, "utc") || equals_ignoring_case(name, "gmt")) {
    std::string upper = equals_ignoring_case(name, "utc") ? "UTC" : "GMT";
    return std::make_shared<FixedZone>(0, upper, upper);
  }
  int32_t offset = 0;
  if (parse_offset(name, &offset)) return fixed_time_zone(offset);
  if (const date::time_zone* z = locate(name)) return std::make_shared<NamedZone>(z);
  for (const Abbreviation& a : kAbbreviations) {
    if (equals_ignoring_case(name, a.name)) {
      std::string upper(name);
      for (char& c : upper) c = is_alpha(c) ? static_cast<char>(c & ~32) : c;
      return std::make_shared<FixedZone>(a.hours * 3600, upper, upper);
    }
  }
  // POSIX: letters, or anything between angle brackets, and an offset counted westward.
  if (size_t end = name.find('>'); name.starts_with('<') && end != std::string_view::npos) {
    if (!parse_offset(name.substr(end + 1), &offset)) return nullptr;
    return std::make_shared<FixedZone>(-offset, std::string(name),
                                       std::string(name.substr(1, end - 1)));
  }
  size_t letters = 0;
  while (letters < name.size() && is_alpha(name[letters])) ++letters;
  if (letters >= 3 && letters < name.size() && parse_offset(name.substr(letters), &offset)) {
    return std::make_shared<FixedZone>(-offset, std::string(name),
                                       std::string(name.substr(0, letters)));
  }
  return nullptr;
}

ZoneOffset zone_offset_at_utc(const TimeZone* zone, int64_t micros) {
  return zone == nullptr ? ZoneOffset{0, "UTC", false} : zone->at_utc(micros);
}
int32_t zone_offset_at_local(const TimeZone* zone, int64_t micros) {
  return zone == nullptr ? 0 : zone->offset_at_local(micros);
}

}  // namespace quorate::sql
