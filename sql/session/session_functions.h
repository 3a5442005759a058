// What functions and reg* types ask of a session.
#pragma once

#include "runtime/random.h"
#include "sql/catalog/catalog_writer.h"
#include "sql/session/node_services.h"
#include "sql/session/settings.h"
#include "sql/system/catalog_functions.h"

namespace quorate::sql {

// "a", "s.a", "\"A b\".c": the parts, folded and unquoted; nullopt where it is malformed.
std::optional<std::vector<std::string>> split_qualified_name(std::string_view name);

class SessionWorld final : public SessionFunctions, public CatalogNames {
 public:
  SessionWorld(NodeServices& node, Settings& settings) : node_(node), settings_(settings) {}

  // --- set by the session ---
  std::string user, database_name;
  Oid database = 0;
  int32_t pid = 0;
  CatalogPtr catalog;  // of the running transaction; null: none
  // Sequences that the open transaction has made are used inside it.
  CatalogWriter* writer = nullptr;
  // The session's open transaction, where it has one.
  const std::unique_ptr<txn::Transaction>* txn = nullptr;
  int32_t client_port = 0;
  // Warnings of functions are not ours: none raises any yet.

  // The search path with "$user" replaced, for the analyzer.
  std::vector<std::string> search_path() const;
  // What pg_sleep() waits by.
  runtime::CancelToken cancel;

  // The open transaction has ended, or gone back to a savepoint.
  void forget_own() { own_.clear(); }
  // Before COMMIT: of a transaction that has asked for its number.
  Status record_commit();
  // Gets what the last kUnavailable was about.
  runtime::Task<Status> await_missing();
  void discard_sequences() {
    current_.clear();
    last_.reset();
  }

  // --- SessionFunctions ---
  int64_t clock_micros() override;
  uint64_t random_u64() override;
  void set_seed(double seed) override;
  double random_double() override;
  std::string current_database() override { return database_name; }
  std::string current_user() override { return user; }
  std::string session_user() override { return user; }
  std::vector<std::string> current_schemas(bool implicit) override;
  int32_t backend_pid() override { return pid; }
  Result<int64_t> nextval(Oid sequence) override;
  Result<int64_t> currval(Oid sequence) override;
  Result<int64_t> lastval() override;
  Result<int64_t> setval(Oid sequence, int64_t value, bool is_called) override;
  Status transfer_lease(int64_t range, int64_t node) override;
  Status sleep(double seconds) override;
  void settled() override { slept_ = sleeps_seen_ = 0; }
  Result<std::string> setting(std::string_view name, bool missing_ok) override;
  Result<std::string> set_setting(std::string_view name, std::string_view value,
                                  bool local) override;
  std::vector<SettingRow> all_settings() override;
  Result<Datum> catalog_function(Oid oid, std::string_view name,
                                 std::span<const Datum> args) override;

  // --- CatalogNames ---
  Result<Oid> resolve(Oid type, std::string_view name) const override;
  std::string name_of(Oid type, Oid object) const override;

 private:
  struct Wanted {
    SequencePtr sequence;
    bool set = false, is_called = false;
    int64_t value = 0;
    bool done = false;
  };
  struct LeaseMove {
    int64_t range = 0, node = 0;
    bool done = false;
  };
  struct Number {
    TxnId owner;
    uint64_t xid = 0;
  };
  struct StatusWanted {
    uint64_t xid = 0;
    std::optional<std::string> found;
  };
  const Number* own_number() const;
  Result<Datum> txn_number();
  Result<Datum> txn_status_of(uint64_t xid);
  Datum stop_backend(int64_t pid, bool terminates);
  Result<SequencePtr> sequence(Oid oid) const;
  bool is_own(Oid oid) const { return writer != nullptr && writer->is_own(oid); }
  void note(Oid sequence, int64_t value);
  CatalogReader reader() const;

  NodeServices& node_;
  Settings& settings_;
  std::optional<runtime::Random> seeded_;
  std::optional<Wanted> wanted_;
  std::optional<LeaseMove> lease_move_;
  std::optional<Number> number_;  // of the last transaction that asked
  bool number_wanted_ = false;
  std::optional<StatusWanted> status_wanted_;
  // pg_sleep() in an expression that is evaluated again: how many calls of it have slept, and how
  // many have been made since it began. What the next await_missing() waits for.
  int slept_ = 0, sleeps_seen_ = 0;
  std::optional<double> sleep_wanted_;
  // Rows of the open transaction's own sequences as it last wrote them: a statement does not see
  // what it has written itself, so they cannot be read again.
  std::map<Oid, SequenceState> own_;
  std::map<Oid, int64_t> current_;  // by nextval or setval of this session
  std::optional<std::pair<Oid, int64_t>> last_;
};

}  // namespace quorate::sql
