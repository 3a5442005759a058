// What a function call may look at besides its arguments.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sql/types/type.h"

namespace quorate::sql {

// One row of pg_settings.
struct SettingRow {
  std::string name, value, unit, category, description;
  std::string context = "user";  // who may set it: "user", "internal", "postmaster"
  std::string type = "string";   // "bool", "integer", "enum", "real", "string"
  std::string boot_value, reset_value;
};

// What only a session can answer. Implemented by sql/session (and by small fakes in tests); never
// blocks. Where an answer needs the cluster (a sequence's next value that is not reserved yet) the
// method returns StatusCode::kUnavailable; the executor then awaits what is missing and evaluates
// the expression again.
class SessionFunctions {
 public:
  virtual ~SessionFunctions() = default;

  // Microseconds since 2000-01-01 UTC, now: clock_timestamp().
  virtual int64_t clock_micros() = 0;
  virtual uint64_t random_u64() = 0;
  // random() after setseed() must repeat: the state is the session's.
  virtual void set_seed(double seed) = 0;
  virtual double random_double() = 0;  // [0, 1)

  virtual std::string current_database() = 0;
  virtual std::string current_user() = 0;
  virtual std::string session_user() = 0;
  // The search path's existing schemas in order, with pg_catalog when `implicit`.
  virtual std::vector<std::string> current_schemas(bool implicit) = 0;
  virtual int32_t backend_pid() = 0;
  // pg_postmaster_start_time() and the like may be added here.

  virtual Result<int64_t> nextval(Oid sequence) = 0;
  virtual Result<int64_t> currval(Oid sequence) = 0;
  virtual Result<int64_t> lastval() = 0;
  virtual Result<int64_t> setval(Oid sequence, int64_t value, bool is_called) = 0;

  // quorate.transfer_lease(): ok when the range's lease is at the node.
  virtual Status transfer_lease(int64_t range, int64_t node) {
    (void)range, (void)node;
    return unimplemented("quorate.transfer_lease()");
  }
  // pg_sleep: kUnavailable until the time has passed.
  virtual Status sleep(double seconds) {
    (void)seconds;
    return unimplemented("pg_sleep()");
  }
  // An expression that had to wait has been evaluated: what was kept for its repetition may go.
  virtual void settled() {}

  virtual Result<std::string> setting(std::string_view name,
                                      bool missing_ok) = 0;  // SHOW; null text "" when missing_ok
  virtual Result<std::string> set_setting(std::string_view name, std::string_view value,
                                          bool local) = 0;

  // Every setting that SHOW ALL would list, by name.
  virtual std::vector<SettingRow> all_settings() { return {}; }

  // Functions that read the catalog (pg_get_constraintdef, pg_table_is_visible,
  // has_table_privilege, obj_description, pg_relation_size ...): `oid` is pg_proc's. Gives null
  // where PostgreSQL does; 0A000 by default.
  virtual Result<Datum> catalog_function(Oid oid, std::string_view name,
                                         std::span<const Datum> args) {
    (void)oid, (void)args;
    return unimplemented(std::string(name) + "()");
  }
};

class RegexCache;

// One per executing statement; calls change nothing in it but `types` (set by the caller) and
// caches.
struct EvalContext {
  IoContext io;                         // io.transaction_micros is now()
  int64_t statement_micros = 0;         // statement_timestamp()
  SessionFunctions* session = nullptr;  // not owned; null only where no function asks for it
                                        // (constant folding of immutable functions, tests)
  // The types of the call being made, argument by argument, and its result's. Must be set before a
  // call of a function whose FunctionInfo::wants_types is true (polymorphic ones, "any"); others
  // don't look.
  std::span<const Type> arg_types;
  Type result_type;

  EvalContext();
  ~EvalContext();
  EvalContext(const EvalContext&) = delete;
  EvalContext& operator=(const EvalContext&) = delete;
  // Compiled LIKE, SIMILAR and ~ patterns, bounded; made at the first use.
  RegexCache& regexes();

 private:
  std::unique_ptr<RegexCache> regexes_;
};

}  // namespace quorate::sql
