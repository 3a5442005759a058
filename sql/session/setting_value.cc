// Values of settings: how they are read, checked and shown (PostgreSQL's guc.c, in words).
#include <charconv>
#include <cmath>

#include "sql/session/settings.h"

namespace quorate::sql {
namespace {

std::string lower(std::string_view s) {
  std::string out(s);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

std::string_view trim(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || (s.front() >= '\t' && s.front() <= '\r')))
    s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || (s.back() >= '\t' && s.back() <= '\r')))
    s.remove_suffix(1);
  return s;
}

Status invalid_value(const SettingInfo& info, std::string_view value) {
  return invalid_argument("invalid value for parameter \"" + std::string(info.name) + "\": \"" +
                          std::string(value) + "\"");
}

// true, yes, on, 1 and their unambiguous beginnings.
std::optional<bool> read_bool(std::string_view text) {
  std::string v = lower(text);
  auto begins = [&](std::string_view word, size_t least) {
    return v.size() >= least && word.substr(0, v.size()) == v;
  };
  if (begins("true", 1) || begins("yes", 1) || v == "on" || v == "1") return true;
  if (begins("false", 1) || begins("no", 1) || begins("off", 2) || v == "0") return false;
  return std::nullopt;
}

struct UnitName {
  std::string_view name;
  double factor;  // in base units
};
// From the largest to the smallest; what is shown takes the largest that divides evenly.
constexpr UnitName kTimeInMs[] = {{"d", 86'400'000}, {"h", 3'600'000}, {"min", 60'000},
                                  {"s", 1'000},      {"ms", 1},        {"us", 0.001}};
constexpr UnitName kTimeInS[] = {{"d", 86'400}, {"h", 3'600}, {"min", 60},
                                 {"s", 1},      {"ms", 1e-3}, {"us", 1e-6}};
constexpr UnitName kMemoryInKb[] = {
    {"TB", 1'073'741'824}, {"GB", 1'048'576}, {"MB", 1'024}, {"kB", 1}, {"B", 1.0 / 1'024}};
constexpr UnitName kMemoryInBlocks[] = {
    {"TB", 134'217'728}, {"GB", 131'072}, {"MB", 128}, {"kB", 0.125}, {"B", 1.0 / 8'192}};

std::span<const UnitName> units_of(SettingUnit unit) {
  switch (unit) {
    case SettingUnit::kMilliseconds:
      return kTimeInMs;
    case SettingUnit::kSeconds:
      return kTimeInS;
    case SettingUnit::kKilobytes:
      return kMemoryInKb;
    case SettingUnit::kBlocks:
      return kMemoryInBlocks;
    case SettingUnit::kNone:
      break;
  }
  return {};
}

std::string_view base_unit(SettingUnit unit) {
  switch (unit) {
    case SettingUnit::kMilliseconds:
      return "ms";
    case SettingUnit::kSeconds:
      return "s";
    case SettingUnit::kKilobytes:
      return "kB";
    case SettingUnit::kBlocks:
      return "8kB";
    case SettingUnit::kNone:
      break;
  }
  return "";
}

std::string plain(double v) {
  char text[64];
  auto end = std::to_chars(text, text + sizeof text, v).ptr;
  return std::string(text, end);
}

Result<std::string> read_number(const SettingInfo& info, std::string_view given) {
  std::string_view text = trim(given);
  double v = 0;
  const char* begin = text.data();
  const char* end = begin + text.size();
  if (begin != end && *begin == '+') ++begin;
  auto [rest, error] = std::from_chars(begin, end, v);
  if (error != std::errc() || !std::isfinite(v)) return invalid_value(info, given);
  std::string_view unit = trim({rest, static_cast<size_t>(end - rest)});
  std::span<const UnitName> units = units_of(info.unit);
  if (!unit.empty()) {
    bool known = false;
    for (const UnitName& u : units) {
      if (u.name != unit) continue;
      v *= u.factor;
      known = true;
      break;
    }
    if (!known) {
      Status s = invalid_value(info, given);
      if (info.unit == SettingUnit::kMilliseconds || info.unit == SettingUnit::kSeconds)
        return std::move(s).with_hint(
            "Valid units for this parameter are \"us\", \"ms\", \"s\", \"min\", \"h\", and \"d\".");
      if (!units.empty())
        return std::move(s).with_hint(
            "Valid units for this parameter are \"B\", \"kB\", \"MB\", \"GB\", and \"TB\".");
      return s;
    }
  }
  if (info.kind == SettingKind::kInt) v = std::rint(v);
  if (v < info.min || v > info.max) {
    std::string_view base = base_unit(info.unit);
    return invalid_argument(plain(v) + (base.empty() ? "" : " ") + std::string(base) +
                            " is outside the valid range for parameter \"" +
                            std::string(info.name) + "\" (" + plain(info.min) + " .. " +
                            plain(info.max) + ")");
  }
  if (info.kind == SettingKind::kReal) return plain(v);
  auto n = static_cast<int64_t>(v);
  if (n > 0) {
    for (const UnitName& u : units) {
      if (u.factor >= 1 && n % static_cast<int64_t>(u.factor) == 0)
        return std::to_string(n / static_cast<int64_t>(u.factor)) + std::string(u.name);
      if (u.factor < 1) return std::to_string(std::llround(v / u.factor)) + std::string(u.name);
    }
  }
  return std::to_string(n);
}

std::vector<std::string> choices_of(const SettingInfo& info) {
  char separator = info.choices.find('|') != std::string_view::npos ? '|' : ' ';
  std::vector<std::string> out;
  std::string_view rest = info.choices;
  while (!rest.empty()) {
    size_t at = rest.find(separator);
    out.emplace_back(rest.substr(0, at));
    rest = at == std::string_view::npos ? std::string_view() : rest.substr(at + 1);
  }
  return out;
}

Result<std::string> read_choice(const SettingInfo& info, std::string_view given) {
  std::string v = lower(given);
  std::vector<std::string> choices = choices_of(info);
  for (const std::string& c : choices)
    if (c == v) return c;
  // Words for on and off where the setting has these among others.
  if (std::optional<bool> b = read_bool(v)) {
    for (const std::string& c : choices)
      if (c == (*b ? "on" : "off")) return c;
  }
  std::string hint = "Available values: ";
  for (size_t i = 0; i < choices.size(); ++i) hint += (i > 0 ? ", " : "") + choices[i];
  return std::move(invalid_value(info, given)).with_hint(hint + ".");
}

Result<std::string> read_date_style(const SettingInfo& info, std::string_view given,
                                    const std::string& before) {
  DateStyle style = DateStyle::kIso;
  DateOrder order = DateOrder::kMdy;
  std::string bad;
  parse_date_style(before, &style, &order, &bad);
  if (!parse_date_style(given, &style, &order, &bad)) {
    Status s = invalid_value(info, given);
    if (bad.empty()) return std::move(s).with_detail("Conflicting \"datestyle\" specifications.");
    return std::move(s).with_detail("Unrecognized key word: \"" + bad + "\".");
  }
  static constexpr std::string_view kStyles[] = {"ISO", "Postgres", "SQL", "German"};
  static constexpr std::string_view kOrders[] = {"MDY", "DMY", "YMD"};
  return std::string(kStyles[static_cast<size_t>(style)]) + ", " +
         std::string(kOrders[static_cast<size_t>(order)]);
}

Result<std::string> read_encoding(const SettingInfo& info, std::string_view given) {
  std::string plain_name;
  for (char c : lower(given))
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) plain_name.push_back(c);
  if (plain_name == "utf8" || plain_name == "unicode") return std::string("UTF8");
  // Text that is ASCII alone is the same in these; conversion of the rest is not there yet.
  if (plain_name == "sqlascii") return std::string("SQL_ASCII");
  for (std::string_view known : {"latin1", "latin2", "latin9", "win1252", "win1250", "win1251",
                                 "iso88591", "iso885915", "koi8r", "eucjp", "sjis", "big5", "gbk",
                                 "gb18030", "euckr", "win1256", "win1258", "iso88595"}) {
    if (plain_name == known) return unimplemented("the client encoding " + std::string(given));
  }
  return invalid_value(info, given);
}

Result<std::string> read_time_zone(const SettingInfo& info, std::string_view given) {
  std::string v = lower(given);
  if (v == "default" || v == "local") return std::string(info.initial);
  std::shared_ptr<const TimeZone> zone = find_time_zone(given);
  if (zone == nullptr) return invalid_value(info, given);
  return zone->name();
}

Result<std::string> read_string(const SettingInfo& info, std::span<const std::string> values,
                                const std::string& before) {
  if (info.name == "search_path") {
    // One value may itself be a list (start-up parameters, set_config).
    std::string joined;
    for (const std::string& v : values)
      joined += (joined.empty() ? "" : ", ") + (values.size() == 1 ? v : quote_identifier(v));
    if (!split_identifiers(joined))
      return std::move(invalid_value(info, joined)).with_detail("List syntax is invalid.");
    return joined;
  }
  std::string given;
  for (const std::string& v : values) given += (given.empty() ? "" : ", ") + v;
  if (info.name == "DateStyle") return read_date_style(info, given, before);
  if (values.size() > 1)
    return invalid_argument("SET " + std::string(info.name) + " takes only one argument");
  if (info.name == "client_encoding") return read_encoding(info, given);
  if (info.name == "TimeZone") return read_time_zone(info, given);
  if (info.name == "role" && lower(given) == "none") return std::string("none");
  return given;
}

}  // namespace

bool parse_date_style(std::string_view text, DateStyle* style, DateOrder* order, std::string* bad) {
  std::optional<DateStyle> new_style;
  std::optional<DateOrder> new_order;
  bool conflict = false;
  auto put = [&](auto& slot, auto v) {
    conflict |= slot.has_value() && *slot != v;
    slot = v;
  };
  while (!text.empty()) {
    size_t comma = text.find(',');
    std::string word = lower(trim(text.substr(0, comma)));
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    if (word == "iso")
      put(new_style, DateStyle::kIso);
    else if (word == "sql")
      put(new_style, DateStyle::kSql);
    else if (word.starts_with("postgres"))
      put(new_style, DateStyle::kPostgres);
    else if (word == "german") {
      put(new_style, DateStyle::kGerman);
      if (!new_order) new_order = DateOrder::kDmy;
    } else if (word == "ymd")
      put(new_order, DateOrder::kYmd);
    else if (word == "dmy" || word.starts_with("euro"))
      put(new_order, DateOrder::kDmy);
    else if (word == "mdy" || word == "us" || word.starts_with("noneuro"))
      put(new_order, DateOrder::kMdy);
    else if (word == "default") {
      if (!new_style) new_style = DateStyle::kIso;
      if (!new_order) new_order = DateOrder::kMdy;
    } else {
      *bad = word;
      return false;
    }
  }
  if (conflict) return false;
  *style = new_style.value_or(*style);
  *order = new_order.value_or(*order);
  return true;
}

std::optional<std::vector<std::string>> split_identifiers(std::string_view list) {
  std::vector<std::string> out;
  std::string_view rest = trim(list);
  if (rest.empty()) return out;
  for (;;) {
    std::string name;
    if (rest.starts_with('"')) {
      size_t i = 1;
      for (;; ++i) {
        if (i >= rest.size()) return std::nullopt;
        if (rest[i] != '"') {
          name.push_back(rest[i]);
        } else if (i + 1 < rest.size() && rest[i + 1] == '"') {
          name.push_back('"');
          ++i;
        } else {
          break;
        }
      }
      rest = trim(rest.substr(i + 1));
    } else {
      size_t end = rest.find_first_of(", \t\n\r");
      name = lower(rest.substr(0, end));
      if (name.empty()) return std::nullopt;
      rest = end == std::string_view::npos ? std::string_view() : trim(rest.substr(end));
    }
    out.push_back(std::move(name));
    if (rest.empty()) return out;
    if (!rest.starts_with(',')) return std::nullopt;
    rest = trim(rest.substr(1));
  }
}

std::string quote_identifier(std::string_view name) {
  bool safe = !name.empty() && (name[0] == '_' || (name[0] >= 'a' && name[0] <= 'z'));
  for (char c : name) safe &= (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  if (safe) return std::string(name);
  std::string out = "\"";
  for (char c : name) {
    if (c == '"') out.push_back('"');
    out.push_back(c);
  }
  return out + "\"";
}

Result<std::string> canonical_setting(const SettingInfo& info, std::span<const std::string> values,
                                      const std::string& before) {
  if (info.kind == SettingKind::kString) return read_string(info, values, before);
  if (values.size() != 1)
    return invalid_argument("SET " + std::string(info.name) + " takes only one argument");
  switch (info.kind) {
    case SettingKind::kBool: {
      std::optional<bool> b = read_bool(trim(values[0]));
      if (!b)
        return invalid_argument("parameter \"" + std::string(info.name) +
                                "\" requires a Boolean value");
      return std::string(*b ? "on" : "off");
    }
    case SettingKind::kInt:
    case SettingKind::kReal:
      return read_number(info, values[0]);
    case SettingKind::kEnum:
      return read_choice(info, values[0]);
    case SettingKind::kString:
      break;
  }
  UNREACHABLE("setting's kind");
}

}  // namespace quorate::sql
