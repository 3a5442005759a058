#include "sql/session/settings.h"

#include <algorithm>
#include <charconv>

namespace quorate::sql {
namespace {

bool same_name(std::string_view a, std::string_view b) {
  auto low = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return low(x) == low(y); });
}

// "class.name", each a word: what extensions and applications may set without being known.
bool is_custom_name(std::string_view name) {
  size_t dot = name.find('.');
  if (dot == std::string_view::npos) return false;
  bool start = true;
  for (char c : name) {
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80) != 0;
    bool digit = (c >= '0' && c <= '9') || c == '$';
    if (c == '.') {
      if (start) return false;
      start = true;
      continue;
    }
    if (!letter && (start || !digit)) return false;
    start = false;
  }
  return !start;
}

// A canonical time of a setting in milliseconds: "90s", "0".
int64_t milliseconds(std::string_view v) {
  int64_t n = 0;
  auto [end, error] = std::from_chars(v.data(), v.data() + v.size(), n);
  std::string_view unit = v.substr(static_cast<size_t>(end - v.data()));
  if (unit == "d") return n * 86'400'000;
  if (unit == "h") return n * 3'600'000;
  if (unit == "min") return n * 60'000;
  if (unit == "s") return n * 1'000;
  return n;
}

Status unknown(std::string_view name) {
  return not_found("unrecognized configuration parameter \"" + std::string(name) + "\"");
}

}  // namespace

Settings::Settings() {
  for (const SettingInfo& info : all_settings()) {
    std::string v(info.initial);
    values_.push_back({v, v, v});
  }
  changed_.resize(values_.size());
  for (size_t i = 0; i < values_.size(); ++i)
    apply_typed(all_settings()[i].name, values_[i].current);
  make_fingerprint();
}

std::optional<size_t> Settings::index(std::string_view name) const {
  // PostgreSQL's own shorthand of SET TIME ZONE and the grammar's names.
  if (same_name(name, "time zone")) name = "TimeZone";
  std::span<const SettingInfo> table = all_settings();
  for (size_t i = 0; i < table.size(); ++i)
    if (same_name(table[i].name, name)) return i;
  for (size_t i = 0; i < custom_.size(); ++i)
    if (same_name(custom_[i], name)) return table.size() + i;
  return std::nullopt;
}

std::string_view Settings::name_of(size_t at) const {
  size_t known = all_settings().size();
  return at < known ? all_settings()[at].name : std::string_view(custom_[at - known]);
}

Status Settings::check_changeable(size_t at) const {
  if (at >= all_settings().size()) return Status();
  const SettingInfo& info = all_settings()[at];
  std::string name(info.name);
  if (info.context == SettingContext::kInternal && name != "session_authorization")
    return failed_precondition("parameter \"" + name + "\" cannot be changed",
                               sqlstate::kCantChangeRuntimeParam);
  if (info.context == SettingContext::kPostmaster)
    return failed_precondition(
        "parameter \"" + name + "\" cannot be changed without restarting the server",
        sqlstate::kCantChangeRuntimeParam);
  return Status();
}

Status Settings::set(std::string_view name, std::span<const std::string> values, bool local) {
  std::optional<size_t> at = index(name);
  if (!at) {
    if (!is_custom_name(name)) return unknown(name);
    custom_.emplace_back(name);
    values_.emplace_back();
    changed_.push_back(false);
    at = values_.size() - 1;
  }
  RETURN_IF_ERROR(check_changeable(*at));
  std::string v;
  if (*at < all_settings().size()) {
    const SettingInfo& info = all_settings()[*at];
    ASSIGN_OR_RETURN(v, canonical_setting(info, values, values_[*at].current));
    if (info.name == "standard_conforming_strings" && v == "off")
      return unimplemented("standard_conforming_strings = off");
    if ((info.name == "role" && v != "none" && v != *find("session_authorization")) ||
        (info.name == "session_authorization" && v != values_[*at].current && v != "default"))
      return invalid_argument("role \"" + v + "\" does not exist");
    if (info.name == "session_authorization") return Status();
  } else {
    for (const std::string& one : values) v += (v.empty() ? "" : ", ") + one;
  }
  change(*at, std::move(v), local);
  return Status();
}

Status Settings::reset(std::string_view name, bool local) {
  std::optional<size_t> at = index(name);
  if (!at) return unknown(name);
  RETURN_IF_ERROR(check_changeable(*at));
  change(*at, values_[*at].initial, local);
  return Status();
}

void Settings::reset_all() {
  for (size_t i = 0; i < values_.size(); ++i) {
    std::string_view name = name_of(i);
    // As in PostgreSQL: the running transaction keeps its characteristics.
    if (name.starts_with("transaction_") || !check_changeable(i).ok()) continue;
    if (name == "role" || name == "session_authorization") continue;
    if (values_[i].current != values_[i].initial || values_[i].session != values_[i].initial)
      change(i, values_[i].initial, false);
  }
}

void Settings::make_default(std::string_view name) {
  if (std::optional<size_t> at = index(name)) values_[*at].initial = values_[*at].session;
}

void Settings::force(std::string_view name, std::string value) {
  std::optional<size_t> at = index(name);
  CHECK(at.has_value());
  if (values_[*at].current == value) return;
  values_[*at] = {value, value, value};
  apply(*at);
}

Result<Settings::Shown> Settings::show(std::string_view name) const {
  std::optional<size_t> at = index(name);
  if (!at) return unknown(name);
  return Shown{name_of(*at), values_[*at].current};
}

std::optional<std::string> Settings::find(std::string_view name) const {
  std::optional<size_t> at = index(name);
  if (!at) return std::nullopt;
  return values_[*at].current;
}

void Settings::commit() {
  for (const Change& c : log_) {
    if (values_[c.at].current == values_[c.at].session) continue;
    values_[c.at].current = values_[c.at].session;
    apply(c.at);
  }
  log_.clear();
}

void Settings::rollback_to(size_t mark) {
  while (log_.size() > mark) {
    Change& c = log_.back();
    values_[c.at].session = std::move(c.session);
    bool differs = values_[c.at].current != c.current;
    values_[c.at].current = std::move(c.current);
    size_t at = c.at;
    log_.pop_back();
    if (differs) apply(at);
  }
}

std::vector<std::pair<std::string_view, std::string>> Settings::take_reports() {
  has_reports_ = false;
  std::vector<std::pair<std::string_view, std::string>> out;
  std::span<const SettingInfo> table = all_settings();
  for (size_t i = 0; i < table.size(); ++i) {
    if (changed_[i] && table[i].reported) out.emplace_back(table[i].name, values_[i].current);
    changed_[i] = false;
  }
  return out;
}

std::vector<std::pair<std::string_view, std::string>> Settings::reported() const {
  std::vector<std::pair<std::string_view, std::string>> out;
  std::span<const SettingInfo> table = all_settings();
  for (size_t i = 0; i < table.size(); ++i)
    if (table[i].reported) out.emplace_back(table[i].name, values_[i].current);
  return out;
}

void Settings::change(size_t at, std::string value, bool local) {
  Value& v = values_[at];
  log_.push_back({at, v.current, v.session});
  if (!local) v.session = value;
  if (v.current == value) return;
  v.current = std::move(value);
  apply(at);
}

void Settings::apply(size_t at) {
  changed_[at] = true;
  has_reports_ = true;
  if (at >= all_settings().size()) return;
  apply_typed(all_settings()[at].name, values_[at].current);
  if (all_settings()[at].in_plans) make_fingerprint();
}

void Settings::apply_typed(std::string_view name, const std::string& v) {
  Typed& t = typed_;
  if (name == "DateStyle") {
    std::string bad;
    parse_date_style(v, &t.io.date_style, &t.io.date_order, &bad);
  } else if (name == "IntervalStyle") {
    t.io.interval_style = v == "postgres_verbose" ? IntervalStyle::kPostgresVerbose
                          : v == "sql_standard"   ? IntervalStyle::kSqlStandard
                          : v == "iso_8601"       ? IntervalStyle::kIso8601
                                                  : IntervalStyle::kPostgres;
  } else if (name == "bytea_output") {
    t.io.bytea_output = v == "escape" ? ByteaOutput::kEscape : ByteaOutput::kHex;
  } else if (name == "extra_float_digits") {
    t.io.extra_float_digits = static_cast<int>(milliseconds(v));
  } else if (name == "TimeZone") {
    zone_ = find_time_zone(v);
    t.io.time_zone = zone_.get();
  } else if (name == "search_path") {
    t.search_path = split_identifiers(v).value_or(std::vector<std::string>());
  } else if (name == "statement_timeout") {
    t.statement_timeout_ms = milliseconds(v);
  } else if (name == "lock_timeout") {
    t.lock_timeout_ms = milliseconds(v);
  } else if (name == "idle_in_transaction_session_timeout") {
    t.idle_in_transaction_ms = milliseconds(v);
  } else if (name == "idle_session_timeout") {
    t.idle_session_ms = milliseconds(v);
  } else if (name == "default_transaction_isolation") {
    t.default_isolation = v == "serializable"      ? range::Isolation::kSerializable
                          : v == "repeatable read" ? range::Isolation::kRepeatableRead
                                                   : range::Isolation::kReadCommitted;
    t.default_uncommitted = v == "read uncommitted";
  } else if (name == "default_transaction_read_only") {
    t.default_read_only = v == "on";
  } else if (name == "client_min_messages") {
    t.client_min_messages = v == "warning" ? 1 : v == "error" ? 2 : 0;
  }
}

void Settings::make_fingerprint() {
  fingerprint_.clear();
  std::span<const SettingInfo> table = all_settings();
  for (size_t i = 0; i < table.size(); ++i) {
    if (!table[i].in_plans) continue;
    fingerprint_ += values_[i].current;
    fingerprint_.push_back('\0');
  }
}

}  // namespace quorate::sql
