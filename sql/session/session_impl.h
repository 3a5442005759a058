// The session behind sql/session/session.h. Split by what it does:
//
//   session.cc              opening, simple queries, cancelling, timeouts
//   session_prepare.cc      from text to a statement that can run: plan cache, literals, analysis
//   session_run.cc          running a plan: rows to the sink, retries
//   session_extended.cc     the extended protocol's messages
//   session_now.cc          those of them that need not wait
//   session_transaction.cc  transaction blocks
//   session_past.cc         AS OF SYSTEM TIME
//   session_utility.cc      SET, SHOW, PREPARE, EXPLAIN and their like; DDL
//   session_create_as.cc    CREATE TABLE ... AS
//   session_cursor.cc       DECLARE, FETCH, MOVE, CLOSE
//   session_copy.cc         COPY
//
// State of a transaction:
//
//   kNone ──statement──► kImplicit ──end of the query string or Sync──► kNone
//     │ BEGIN                │ BEGIN
//     └────────► kExplicit ◄─┘ ──error──► kFailed ──ROLLBACK, COMMIT──► kNone
//                    ▲                        │ ROLLBACK TO
//                    └────────────────────────┘
//
// A transaction of txn/ is begun by the first statement that needs one, which also fixes the
// catalog's version for all its statements.
#pragma once

#include "runtime/cancel.h"
#include "sql/parse/normalize.h"
#include "sql/schema/schema_change.h"
#include "sql/session/session.h"
#include "sql/session/session_functions.h"

namespace quorate::sql {

class RowWriter;  // sql/exec/row_writer.h
struct NewRow;

struct PreparedStatement {
  std::string text;  // of the protocol's Parse; what the tree's positions refer to
  ParsedStatement parsed;
  bool empty = false;  // Parse of an empty text
  std::vector<Type> declared;
  bool infer = true;
  StatementRef current;
  std::string prefix;  // of the cache's key when `current` was made
};

// A bound statement, or a cursor.
struct Portal {
  std::string name;
  std::shared_ptr<PreparedStatement> prepared;  // until it runs
  StatementRef statement;
  bool empty = false;
  std::vector<Datum> params;
  std::vector<int16_t> formats;

  // Running.
  bool started = false, done = false;
  ExecContext exec;
  std::unique_ptr<Execution> execution;
  RowBatch batch;
  size_t at = 0;      // in batch
  uint64_t sent = 0;  // rows
  // Utility statements with rows run to their end at once.
  std::vector<PlanColumn> columns;

  // A cursor: rows fetched so far where it may go back, and where it stands (0: before the first).
  bool is_cursor = false, scroll = false, hold = false, from_earlier_transaction = false;
  std::vector<std::vector<Datum>> rows;
  bool all_fetched = false;
  int64_t position = 0;
  size_t bytes = 0;
  uint64_t made_at_mark = 0;  // savepoints since are older than it
};

class SessionImpl final : public Session {
 public:
  SessionImpl(NodeServices* node, SessionOptions options);
  ~SessionImpl() override;
  runtime::Task<Status> start(SessionOptions options);

  runtime::Task<Status> run_query(std::string_view text, ResultSink* sink) override;
  runtime::Task<Status> parse(std::string_view name, std::string_view text, std::vector<Oid> types,
                              ResultSink* sink) override;
  Status bind(std::string_view portal, std::string_view statement,
              std::span<const BoundParameter> params,
              std::span<const int16_t> result_formats) override;
  runtime::Task<Result<Description>> describe_statement(std::string_view name) override;
  runtime::Task<Result<Description>> describe_portal(std::string_view name) override;
  runtime::Task<Status> execute(std::string_view portal, uint64_t rows_max, bool commits,
                                ResultSink* sink) override;
  bool describe_portal_now(std::string_view name, Description* out) override;
  bool execute_now(std::string_view portal, uint64_t rows_max, bool commits,
                   ResultSink* sink) override;
  bool sync_now(ResultSink* sink) override;
  void close_statement(std::string_view name) override;
  void close_portal(std::string_view name) override;
  runtime::Task<Status> sync(ResultSink* sink) override;
  runtime::Task<void> fail() override;
  char transaction_status() const override;
  void cancel(Status reason) override;
  bool is_running() const override { return running_; }
  bool terminate() override;
  SessionRow activity() const override;
  runtime::Duration idle_limit() const override;
  Status idle_error() const override;
  void report_settings(ResultSink* sink) const override;

 private:
  enum class Block : uint8_t { kNone, kImplicit, kExplicit, kFailed };
  // One statement to be run.
  struct Run {
    StatementRef statement;
    std::span<const Datum> params;
    std::span<const int16_t> formats;
    ResultSink* sink = nullptr;
    bool describe = false;  // the simple protocol sends RowDescription
    bool commits = false;   // an implicit transaction ends with it
    bool extended = false;
    std::string_view tag;  // another than the statement's own; empty: its own
  };
  struct Savepoint {
    std::string name;
    uint64_t mark = 0;
    size_t settings_mark = 0;
    size_t catalog_mark = 0;  // CatalogWriter::mark()
  };
  // Holds what is true while a statement runs: cancellable, under its timeout.
  class Running;

  // --- session_prepare.cc ---
  runtime::Task<Status> need_catalog();
  void drop_catalog();
  const std::string& cache_prefix();
  AnalyzeContext analyze_context();
  PlanContext plan_context();
  bool may_be_stale(const Status& failure) const;
  runtime::Task<Result<bool>> catch_up();
  runtime::Task<Result<StatementRef>> make_statement(ParsedStatement parsed,
                                                     std::vector<Type> params, bool infer);
  Result<StatementRef> make_now(const ParsedStatement& parsed, std::vector<Type> params, bool infer,
                                std::vector<Oid>* used);
  StatementRef find_simple(std::string_view text);
  runtime::Task<Result<StatementRef>> simple_statement(std::string_view text,
                                                       ParsedStatement parsed);
  Status literal_params(std::string_view text, const CachedStatement& statement);
  runtime::Task<Result<StatementRef>> current(PreparedStatement* prepared);
  void tell_notices(std::vector<Status>* notices);

  // --- session.cc ---
  runtime::Task<Status> run_query_inner(std::string_view text, ResultSink* sink, Running& running);
  runtime::Task<Status> run_many(std::vector<ParsedStatement> list, ResultSink* sink,
                                 Running& running);
  void note_query(std::string_view text);
  void tell_settings(ResultSink* sink);
  void notice(ResultSink* sink, std::string_view severity, const Status& s);
  void warn(ResultSink* sink, SqlState state, std::string message);

  // --- session_run.cc ---
  // Runs the statement whatever it is, and tells its completion.
  runtime::Task<Status> run(Run r);
  runtime::Task<Status> run_plan(Run r);
  runtime::Task<Status> run_plan_once(const Run* r, uint64_t* rows);
  Status check_writes(const CachedStatement& statement) const;
  void fill_exec(ExecContext* exec, std::span<const Datum> params);
  bool may_retry(const Status& failure, int attempt) const;
  runtime::Task<Status> start_over(Status failure, int attempt, Run* r);
  std::string complete_tag(const CachedStatement& statement, std::string_view tag,
                           uint64_t rows) const;
  runtime::Task<Status> fetch_rows(Portal* portal, uint64_t rows_max, ResultSink* sink,
                                   ResultShape shape, bool* more);
  runtime::Task<Status> settle_portals(const CachedStatement& next);
  ResultShape shape_of(const CachedStatement& s, std::span<const int16_t> formats) const;

  // --- session_extended.cc ---
  runtime::Task<Status> execute_portal(std::string name, uint64_t rows_max, bool commits,
                                       ResultSink* sink);
  runtime::Task<Status> execute_some(Portal* portal, uint64_t rows_max, ResultSink* sink);

  // --- session_now.cc ---
  bool catalog_now();
  const CachedStatement* current_now(const PreparedStatement& prepared);
  bool query_now(const CachedStatement& statement, const Portal& portal, bool commits,
                 ResultSink* sink);
  bool control_now(const CachedStatement& statement, ResultSink* sink);
  bool read_now(const CachedStatement& statement, const Portal& portal, ResultSink* sink,
                uint64_t* rows);
  bool read_point_now(const PlanNode& node, const Frame& frame);
  bool read_range_now(const PlanNode& node, const Frame& frame);

  // --- session_transaction.cc ---
  bool has_modes() const { return modes_.isolation || modes_.read_only || modes_.deferrable; }
  bool in_block() const { return block_ == Block::kExplicit || block_ == Block::kFailed; }
  runtime::Task<Status> need_txn();
  void begin_statement();
  // Commits what is open and leaves the session idle, whatever comes of it.
  runtime::Task<Status> commit_all();
  // The transaction's commit alone; the session's state stays.
  runtime::Task<Status> commit_txn();
  runtime::Task<void> rollback_all();
  runtime::Task<void> end_transaction(bool committed);
  bool changes_schema() const { return writer_ != nullptr || !ddl_context_.offline.empty(); }
  void forget_transaction(bool committed);
  // After an error of a statement.
  runtime::Task<void> failed();
  runtime::Task<Status> transaction_control(const TransactionStatement* t, Run r);
  runtime::Task<Status> begin_block(const TransactionStatement* t, Run r);
  runtime::Task<Status> commit_block(bool chain, Run r);
  runtime::Task<Status> rollback_block(bool chain, Run r);
  runtime::Task<Status> savepoint_statement(const TransactionStatement* t, Run r);
  Status set_modes(const TransactionModes& modes);
  void show_modes();
  void drop_portals(bool committed);

  // --- session_past.cc ---
  Status set_as_of(std::string_view text);
  Status look_back(const ParsedStatement& parsed);
  Result<int64_t> moment_of(std::string_view text) const;
  runtime::Task<Result<CatalogPtr>> past_catalog();
  Status past_error(Status failure) const;

  // --- session_utility.cc ---
  runtime::Task<Status> run_utility(Run r);
  runtime::Task<Status> run_body(Statement* statement, Run r);
  runtime::Task<Status> finish(Run r, std::string tag);
  runtime::Task<Status> finish(Run r, std::string_view tag);
  runtime::Task<Status> finish(Run r, const char* tag) { return finish(r, std::string(tag)); }
  runtime::Task<Status> set_variable(const SetStatement* s, Run r);
  Status set_value(const SetStatement& s);
  Status set_characteristics(const TransactionModes& modes);
  std::vector<PlanColumn> show_columns(const ShowStatement& s) const;
  runtime::Task<Status> show_variable(const ShowStatement* s, Run r);
  // Rows that a utility statement gives.
  Status tell_rows(const std::vector<PlanColumn>& columns,
                   const std::vector<std::vector<Datum>>& rows, const Run& r);
  runtime::Task<Status> discard(const DiscardStatement* s, Run r);
  runtime::Task<Status> sql_prepare(PrepareStatement* s, Run r);
  runtime::Task<Result<StatementRef>> execute_target(const ExecuteStatement* s,
                                                     std::vector<Datum>* params);
  runtime::Task<Status> sql_execute(const ExecuteStatement* s, Run r);
  runtime::Task<Status> sql_deallocate(const DeallocateStatement* s, Run r);
  runtime::Task<Status> explain(const ExplainStatement* s, Run r);
  runtime::Task<Status> vacuum(const VacuumStatement* s, Run r);
  runtime::Task<Status> lock_tables(const LockTableStatement* s, Run r);
  void fill_ddl_context();
  runtime::Task<Status> ddl(const Ddl* d, Run r);
  runtime::Task<Status> ddl_in_block(const Ddl* d);
  runtime::Task<Status> split_ranges(const SplitAt* s, Run r);
  runtime::Task<Result<Description>> describe_utility(const CachedStatement* s);

  // --- session_create_as.cc ---
  runtime::Task<Status> create_table_as(const CreateTableAsStatement* s, Run r);

  // --- session_cursor.cc ---
  runtime::Task<Status> declare(DeclareStatement* s, Run r);
  runtime::Task<Status> cursor_fill(Portal* portal, int64_t until);
  runtime::Task<Status> hold_cursors();
  runtime::Task<Status> fetch(const FetchStatement* s, Run r);
  runtime::Task<Status> close_cursor(const CloseStatement* s, Run r);

  // --- session_copy.cc ---
  runtime::Task<Status> copy(CopyStatement* s, Run r);
  runtime::Task<Status> copy_to(CopyStatement* s, Run r);
  runtime::Task<Status> copy_from(CopyStatement* s, Run r);
  runtime::Task<Status> copy_rows(CopyStatement* s, const Plan* plan, Run* r, uint64_t* rows);
  runtime::Task<Status> copy_batch(RowWriter* writer, std::vector<NewRow>* batch, uint64_t* rows);
  runtime::Task<Status> copy_defaults(const PlanNode* node, const std::vector<bool>* given,
                                      std::vector<Datum>* values);

  NodeServices& node_;
  Settings settings_;
  SessionWorld world_;
  EvalContext eval_;

  Block block_ = Block::kNone;
  std::unique_ptr<txn::Transaction> txn_;
  TransactionModes modes_;          // of this block
  uint64_t statements_in_txn_ = 0;  // that have succeeded
  bool transaction_time_fixed_ = false;
  std::vector<Savepoint> savepoints_;
  CatalogPtr catalog_;                     // the version that this transaction's statements use
  Timestamp deadline_ = Timestamp::max();  // of versions used before that
  std::unique_ptr<CatalogWriter> writer_;  // where the transaction changes the catalog
  DdlContext ddl_context_;

  std::map<std::string, std::shared_ptr<PreparedStatement>, std::less<>> prepared_;
  using Portals = std::map<std::string, std::unique_ptr<Portal>, std::less<>>;
  Portals portals_;
  Portals::node_type spare_portal_;          // the last nameless one, for the next Bind
  StatementRef described_;                   // keeps a Description's columns alive
  std::vector<PlanColumn> utility_columns_;  // the same for utility statements
  std::vector<int16_t> described_formats_;

  std::string prefix_, prefix_fingerprint_;
  uint64_t prefix_version_ = 0;
  std::string key_;  // used again for each look-up
  NormalizedText normalized_;
  std::vector<Datum> params_;  // of a simple query's lifted literals
  RowBatch batch_;             // of the statement that runs to its end

  // Used again by every read in place.
  std::vector<Bytes> now_key_ = std::vector<Bytes>(1);
  txn::ScanOptions now_scan_;
  range::RowSet now_rows_;
  std::vector<Datum> now_values_;

  bool running_ = false;
  runtime::CancelSource cancel_;
  std::function<void()> terminate_;
  // For pg_stat_activity; times in microseconds since 2000-01-01.
  SessionRow about_;  // what does not change
  std::string query_;
  int64_t query_start_ = 0, state_change_ = 0;
  std::vector<Status> notices_;  // of the analysis being made
};

}  // namespace quorate::sql
