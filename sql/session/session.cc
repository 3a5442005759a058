#include "sql/session/session.h"

#include "runtime/sync.h"
#include "sql/session/session_running.h"
#include "sql/types/date_time.h"
#include "sql/types/text_io.h"

namespace quorate::sql {

using runtime::Task;

namespace {
// Of a statement's text, in pg_stat_activity: PostgreSQL's track_activity_query_size.
constexpr size_t kQueryShownMax = 1023;
}  // namespace

SessionImpl::Running::Running(SessionImpl& session) : session_(session) {
  if (session.cancel_.cancelled()) session.cancel_ = runtime::CancelSource();
  session.running_ = true;
  session.world_.cancel = session.cancel_.token();
  session.world_.settled();
  runtime::Env& env = session.node_.client.env();
  session.eval_.statement_micros = static_cast<int64_t>(env.clock->wall_micros()) - kEpochMicros;
  begin_statement();
}

void SessionImpl::Running::begin_statement() {
  const Settings::Typed& settings = session_.settings_.typed();
  EvalContext& eval = session_.eval_;
  const int64_t transaction_micros =
      session_.transaction_time_fixed_ ? eval.io.transaction_micros : eval.statement_micros;
  eval.io = settings.io;
  eval.io.catalog = &session_.world_;
  eval.io.transaction_micros = transaction_micros;
  stop_timer();
  if (settings.statement_timeout_ms <= 0) return;
  SessionImpl* s = &session_;
  timer_ = s->node_.client.env().executor->schedule_after(
      std::chrono::milliseconds(settings.statement_timeout_ms),
      [s] { s->cancel(deadline_exceeded("canceling statement due to statement timeout")); });
}

void SessionImpl::Running::stop_timer() {
  if (timer_ != 0) session_.node_.client.env().executor->cancel_timer(timer_);
  timer_ = 0;
}

SessionImpl::Running::~Running() {
  session_.running_ = false;
  stop_timer();
}

SessionImpl::SessionImpl(NodeServices* node, SessionOptions options)
    : node_(*node), world_(*node, settings_), terminate_(std::move(options.terminate)) {
  world_.user = options.user;
  world_.database_name = options.database;
  world_.pid = options.backend_pid;
  world_.txn = &txn_;
  world_.client_port = options.client_port;
  eval_.session = &world_;
  about_.pid = options.backend_pid;
  about_.user = options.user;
  about_.database = options.database;
  about_.client_addr = options.client_addr;
  about_.client_port = options.client_port;
  about_.backend_start = state_change_ = world_.clock_micros();
  node_.sessions.push_back(this);
}

SessionImpl::~SessionImpl() {
  std::erase(node_.sessions, static_cast<Session*>(this));
  // Executions look at the transaction, which rolls back by itself.
  portals_.clear();
  txn_.reset();
  if (!ddl_context_.offline.empty()) abandon(ddl_context_);
}

Task<Result<std::unique_ptr<Session>>> Session::open(NodeServices* node, SessionOptions options) {
  auto session = std::make_unique<SessionImpl>(node, options);
  Status s = co_await session->start(std::move(options));
  if (!s.ok()) co_return s;
  co_return std::unique_ptr<Session>(std::move(session));
}

Task<Status> SessionImpl::start(SessionOptions options) {
  // The one role there is.
  if (options.user != "postgres") {
    co_return Status(StatusCode::kInvalidArgument, sqlstate::kInvalidAuthorizationSpecification,
                     "role \"" + options.user + "\" does not exist");
  }
  settings_.force("session_authorization", options.user);
  for (const auto& [name, value] : options.settings) {
    CO_RETURN_IF_ERROR(settings_.set(name, value, false));
    settings_.make_default(name);
  }
  settings_.commit();
  (void)settings_.take_reports();
  Status s = co_await need_catalog();
  drop_catalog();
  co_return s;
}

// --- simple queries ---

Task<Status> SessionImpl::run_query(std::string_view text, ResultSink* sink) {
  Running running(*this);
  note_query(text);
  Status s = co_await run_query_inner(text, sink, running);
  if (!s.ok()) co_await failed();
  if (txn_ == nullptr && writer_ == nullptr) drop_catalog();
  tell_settings(sink);
  state_change_ = world_.clock_micros();
  co_return s;
}

Task<Status> SessionImpl::run_query_inner(std::string_view text, ResultSink* sink,
                                          Running& running) {
  CO_RETURN_IF_ERROR(check_utf8(text));
  // A protocol portal without a name does not live beyond the next query.
  portals_.erase(std::string());
  // In a failed block nothing is looked up, and nothing may be left of the text before.
  normalized_.clear();
  key_.clear();
  if (block_ != Block::kFailed) {
    CO_RETURN_IF_ERROR(co_await need_catalog());
    if (StatementRef known = find_simple(text)) {
      CO_RETURN_IF_ERROR(literal_params(text, *known));
      Run r{.statement = known, .params = params_, .sink = sink, .describe = true};
      r.commits = !in_block();
      co_return co_await run(r);
    }
  }
  Result<std::vector<ParsedStatement>> list = sql::parse(text);
  if (!list.ok()) co_return list.status();
  if (list->empty()) {
    sink->empty_query();
    co_return Status();
  }
  if (list->size() > 1) co_return co_await run_many(std::move(*list), sink, running);
  if (!(*list)[0].as_of().empty()) {
    // Its plan is of another catalog, and nobody asks for it again.
    normalized_.clear();
    key_.clear();
    CO_RETURN_IF_ERROR(look_back((*list)[0]));
  }
  Result<StatementRef> statement = co_await simple_statement(text, std::move((*list)[0]));
  if (!statement.ok()) co_return statement.status();
  CO_RETURN_IF_ERROR(literal_params(text, **statement));
  Run r{.statement = *statement, .params = params_, .sink = sink, .describe = true};
  r.commits = !in_block();
  co_return co_await run(r);
}

// Several statements in one string are one transaction where they don't say otherwise.
Task<Status> SessionImpl::run_many(std::vector<ParsedStatement> list, ResultSink* sink,
                                   Running& running) {
  for (size_t i = 0; i < list.size(); ++i) {
    if (i > 0) running.begin_statement();
    if (block_ == Block::kNone) block_ = Block::kImplicit;
    CO_RETURN_IF_ERROR(look_back(list[i]));
    Result<StatementRef> statement =
        co_await make_statement(std::move(list[i]), std::vector<Type>(), false);
    if (!statement.ok()) co_return statement.status();
    Run r{.statement = *statement, .sink = sink, .describe = true};
    r.commits = i + 1 == list.size() && block_ == Block::kImplicit;
    CO_RETURN_IF_ERROR(co_await run(r));
    if (i + 1 < list.size()) CO_RETURN_IF_ERROR(cancel_.token().status());
  }
  if (block_ == Block::kImplicit) co_return co_await commit_all();
  co_return Status();
}

// --- from aside ---

void SessionImpl::cancel(Status reason) {
  if (running_) cancel_.cancel(std::move(reason));
}

bool SessionImpl::terminate() {
  if (!terminate_) return false;
  terminate_();
  cancel(Status(StatusCode::kUnavailable, sqlstate::kAdminShutdown,
                "terminating connection due to administrator command"));
  return true;
}

void SessionImpl::note_query(std::string_view text) {
  size_t size = std::min(text.size(), kQueryShownMax);
  // Not in the middle of a character.
  while (size < text.size() && size > 0 && (static_cast<uint8_t>(text[size]) & 0xc0) == 0x80)
    --size;
  query_.assign(text.substr(0, size));
  query_start_ = state_change_ = eval_.statement_micros;
}

SessionRow SessionImpl::activity() const {
  SessionRow row = about_;
  row.application_name = settings_.find("application_name").value_or("");
  if (running_)
    row.state = "active";
  else if (block_ == Block::kFailed)
    row.state = "idle in transaction (aborted)";
  else
    row.state = block_ == Block::kExplicit ? "idle in transaction" : "idle";
  row.query = query_;
  row.query_start = query_start_;
  row.state_change = state_change_;
  if (transaction_time_fixed_)
    row.xact_start = eval_.io.transaction_micros;
  else if (running_)
    row.xact_start = eval_.statement_micros;
  return row;
}

runtime::Duration SessionImpl::idle_limit() const {
  const Settings::Typed& t = settings_.typed();
  return std::chrono::milliseconds(in_block() ? t.idle_in_transaction_ms : t.idle_session_ms);
}

Status SessionImpl::idle_error() const {
  if (in_block())
    return Status(StatusCode::kDeadlineExceeded, sqlstate::kIdleInTransactionSessionTimeout,
                  "terminating connection due to idle-in-transaction timeout");
  return Status(StatusCode::kDeadlineExceeded, sqlstate::kIdleSessionTimeout,
                "terminating connection due to idle-session timeout");
}

char SessionImpl::transaction_status() const {
  switch (block_) {
    case Block::kExplicit:
      return 'T';
    case Block::kFailed:
      return 'E';
    case Block::kNone:
    case Block::kImplicit:
      break;
  }
  return 'I';
}

void SessionImpl::report_settings(ResultSink* sink) const {
  for (const auto& [name, value] : settings_.reported()) sink->parameter_status(name, value);
}

void SessionImpl::tell_settings(ResultSink* sink) {
  if (!settings_.has_reports()) return;
  for (const auto& [name, value] : settings_.take_reports()) sink->parameter_status(name, value);
}

void SessionImpl::notice(ResultSink* sink, std::string_view severity, const Status& s) {
  int level = settings_.typed().client_min_messages;
  if (level == 2 || (level == 1 && severity != "WARNING")) return;
  sink->notice(severity, s);
}

void SessionImpl::warn(ResultSink* sink, SqlState state, std::string message) {
  notice(sink, "WARNING", Status(StatusCode::kFailedPrecondition, state, std::move(message)));
}

}  // namespace quorate::sql
