// One client's session: settings, transaction block, prepared statements, portals, and the running
// of statements. It knows nothing of the wire; pgwire/connection knows nothing of SQL but this.
//
//     opened ──► run_query()                                  simple protocol
//            └─► parse() bind() execute() close() ... sync()  extended protocol
//
// Everything runs on the node's executor, one call at a time; cancel() and abandon() may come while
// a call is suspended. A call that fails leaves the error to its caller, which tells the client;
// the session has then already failed or rolled back the transaction as PostgreSQL does, and in
// the extended protocol nothing may be called but sync() and run_query() until the client's Sync.
//
// Retries: a statement that fails with kAborted is run again from a fresh timestamp, unseen by the
// client, when it is alone in its transaction and none of its output has left (ResultSink::rewind);
// an autocommit statement's COMMIT is part of it. Never after 40003. Otherwise 40001 is told.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "runtime/task.h"
#include "sql/session/node_services.h"
#include "sql/session/result_sink.h"
#include "sql/system/cluster_info.h"

namespace quorate::sql {

struct SessionOptions {
  std::string user, database;
  // Settings of the start-up packet, in order; unknown ones are errors.
  std::vector<std::pair<std::string, std::string>> settings;
  int32_t backend_pid = 0;
  // Where the client is; empty: not over TCP.
  std::string client_addr;
  int32_t client_port = 0;
  // Ends the connection after what runs (57P01): pg_terminate_backend(). Empty: it cannot be ended.
  std::function<void()> terminate;
};

// One value to be bound: null, or bytes in the format given.
struct BoundParameter {
  std::optional<BytesView> bytes;
  int16_t format = 0;
};

class Session {
 public:
  virtual ~Session() = default;  // rolls back what is open
  // 3D000 where there is no such database; errors of settings. Waits until the node can serve.
  static runtime::Task<Result<std::unique_ptr<Session>>> open(NodeServices* node,
                                                              SessionOptions options);

  // --- simple protocol ---
  // Runs all statements of the text. `text` must stay until the call returns.
  virtual runtime::Task<Status> run_query(std::string_view text, ResultSink* sink) = 0;

  // --- extended protocol ---
  virtual runtime::Task<Status> parse(std::string_view name, std::string_view text,
                                      std::vector<Oid> types, ResultSink* sink) = 0;
  virtual Status bind(std::string_view portal, std::string_view statement,
                      std::span<const BoundParameter> params,
                      std::span<const int16_t> result_formats) = 0;
  struct Description {
    bool has_rows = false;
    ResultShape shape;        // where it has; valid until the next call
    std::vector<Oid> params;  // of a statement
  };
  virtual runtime::Task<Result<Description>> describe_statement(std::string_view name) = 0;
  virtual runtime::Task<Result<Description>> describe_portal(std::string_view name) = 0;
  // `rows_max` 0: all. `commits`: the client's Sync is known to follow, so that an implicit
  // transaction may be committed before its result is told.
  virtual runtime::Task<Status> execute(std::string_view portal, uint64_t rows_max, bool commits,
                                        ResultSink* sink) = 0;
  // The same messages where nothing has to be waited for, in place. False: nothing has been done,
  // call the other.
  virtual bool describe_portal_now(std::string_view name, Description* out) = 0;
  virtual bool execute_now(std::string_view portal, uint64_t rows_max, bool commits,
                           ResultSink* sink) = 0;
  virtual bool sync_now(ResultSink* sink) = 0;
  virtual void close_statement(std::string_view name) = 0;
  virtual void close_portal(std::string_view name) = 0;
  // Ends an implicit transaction.
  virtual runtime::Task<Status> sync(ResultSink* sink) = 0;
  // The connection found an error of its own (a malformed message): as if a statement had failed.
  virtual runtime::Task<void> fail() = 0;

  // 'I' idle, 'T' in a transaction block, 'E' in a failed one.
  virtual char transaction_status() const = 0;

  // --- from aside ---
  // Cancels what runs now with this reason; nothing when nothing runs.
  virtual void cancel(Status reason) = 0;
  virtual bool is_running() const = 0;
  // pg_terminate_backend(): what runs is cancelled, then the connection ends. False: it can't.
  virtual bool terminate() = 0;
  // Its row in pg_stat_activity.
  virtual SessionRow activity() const = 0;
  // How long the client may stay silent now; zero: for ever. And what to tell it then (FATAL).
  virtual runtime::Duration idle_limit() const = 0;
  virtual Status idle_error() const = 0;

  // ParameterStatus at the start: every setting that is reported.
  virtual void report_settings(ResultSink* sink) const = 0;
};

}  // namespace quorate::sql
