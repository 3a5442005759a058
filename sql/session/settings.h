// A session's settings: PostgreSQL's names, forms and rules (what SET, SHOW, RESET, start-up
// parameters and set_config() work on).
//
// A value is kept in its canonical text, as SHOW gives it; what the hot path reads is kept typed
// beside it. Changes inside a transaction are undone with it: begin() marks its start, savepoints
// are marks in the log of changes, SET LOCAL ends with the transaction.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "range/api.h"
#include "sql/types/io_context.h"
#include "sql/types/time_zone.h"

namespace quorate::sql {

enum class SettingKind : uint8_t { kBool, kInt, kReal, kEnum, kString };
enum class SettingUnit : uint8_t { kNone, kMilliseconds, kSeconds, kKilobytes, kBlocks };
// Who may change it, by PostgreSQL's words.
enum class SettingContext : uint8_t { kUser, kPostmaster, kInternal };

// One row of pg_settings.
struct SettingInfo {
  std::string_view name;  // in canonical case: "DateStyle"
  SettingKind kind;
  std::string_view initial;  // canonical text
  double min = 0, max = 0;   // kInt, kReal, in the unit
  SettingUnit unit = SettingUnit::kNone;
  std::string_view choices;  // kEnum: separated by blanks
  SettingContext context = SettingContext::kUser;
  bool reported = false;  // ParameterStatus
  bool in_plans = false;  // plans made under different values differ
  std::string_view description;
};

std::span<const SettingInfo> all_settings();

class Settings {
 public:
  Settings();

  // 42704, 22023, 55P02 with PostgreSQL's messages. `values` are joined as a list. `local` needs a
  // transaction.
  Status set(std::string_view name, std::span<const std::string> values, bool local);
  Status set(std::string_view name, std::string_view value, bool local) {
    std::string v(value);
    return set(name, std::span<const std::string>(&v, 1), local);
  }
  Status reset(std::string_view name, bool local);
  void reset_all();
  // Makes a value the one that RESET goes back to: start-up parameters.
  void make_default(std::string_view name);
  // For values that only the server changes: is_superuser, session_authorization.
  void force(std::string_view name, std::string value);

  // SHOW: its canonical name and value. 42704.
  struct Shown {
    std::string_view name;
    std::string value;
  };
  Result<Shown> show(std::string_view name) const;
  std::optional<std::string> find(std::string_view name) const;

  // --- transactions ---
  void begin() { log_.clear(); }
  void commit();
  void rollback() { rollback_to(0); }
  size_t mark() const { return log_.size(); }
  void rollback_to(size_t mark);

  // Reported settings that changed since the last call, in order of the table.
  std::vector<std::pair<std::string_view, std::string>> take_reports();
  std::vector<std::pair<std::string_view, std::string>> reported() const;

  // Whether take_reports() may have something to tell: asked after each statement.
  bool has_reports() const { return has_reports_; }
  // What plans depend on, as one text; changes with each relevant change.
  const std::string& plan_fingerprint() const { return fingerprint_; }

  // --- typed ---
  struct Typed {
    IoContext io;                          // its times and catalog are not ours
    std::vector<std::string> search_path;  // "$user" as it stands
    int64_t statement_timeout_ms = 0, lock_timeout_ms = 0, idle_in_transaction_ms = 0,
            idle_session_ms = 0;
    range::Isolation default_isolation = range::Isolation::kSerializable;
    bool default_uncommitted = false;  // READ UNCOMMITTED, which is READ COMMITTED by another name
    bool default_read_only = false;
    int client_min_messages = 0;  // 0 notices and less, 1 warnings, 2 errors alone
  };
  const Typed& typed() const { return typed_; }

 private:
  struct Change {
    size_t at;
    std::string current, session;
  };
  struct Value {
    std::string current, session, initial;
  };
  std::optional<size_t> index(std::string_view name) const;
  std::string_view name_of(size_t at) const;
  void change(size_t at, std::string value, bool local);
  void apply(size_t at);
  void apply_typed(std::string_view name, const std::string& v);
  void make_fingerprint();
  Status check_changeable(size_t at) const;

  std::vector<Value> values_;  // of all_settings(), then of custom ones
  std::vector<std::string> custom_;
  std::vector<Change> log_;
  std::vector<bool> changed_;
  bool has_reports_ = false;
  std::string fingerprint_;
  Typed typed_;
  std::shared_ptr<const TimeZone> zone_;
};

// The canonical text of a value, or PostgreSQL's error.
Result<std::string> canonical_setting(const SettingInfo& info, std::span<const std::string> values,
                                      const std::string& before);
// A list of identifiers as search_path holds them: quotes are read, the rest is folded to lower
// case. nullopt: malformed.
std::optional<std::vector<std::string>> split_identifiers(std::string_view list);
std::string quote_identifier(std::string_view name);
// "iso, mdy" and what it says.
bool parse_date_style(std::string_view text, DateStyle* style, DateOrder* order, std::string* bad);

}  // namespace quorate::sql
