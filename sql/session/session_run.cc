// Running a plan: rows to the sink, commit, retries.
#include "base/mark.h"
#include "runtime/sync.h"
#include "sql/session/session_impl.h"

namespace quorate::sql {

using runtime::Task;

namespace {
constexpr int kAttemptsMax = 30;
}

void SessionImpl::fill_exec(ExecContext* exec, std::span<const Datum> params) {
  exec->txn = txn_.get();
  exec->eval = &eval_;
  exec->executor = node_.client.env().executor;
  exec->params = params;
  exec->cancel = cancel_.token();
  exec->system.catalog = catalog_;
  exec->system.database = world_.database;
  exec->system.eval = &eval_;
  exec->system.node = node_.system_node;
  exec->client = &node_.client;
  exec->await_missing = [this] { return world_.await_missing(); };
}

ResultShape SessionImpl::shape_of(const CachedStatement& s,
                                  std::span<const int16_t> formats) const {
  return {.columns = s.plan->columns, .formats = formats, .description = s.description};
}

std::string SessionImpl::complete_tag(const CachedStatement& statement, std::string_view tag,
                                      uint64_t rows) const {
  std::string out(tag.empty() ? statement.tag : tag);
  if (statement.plan != nullptr) {
    if (statement.plan->command == Command::kInsert) out += " 0";
    out.push_back(' ');
    out += std::to_string(rows);
  }
  return out;
}

Task<Status> SessionImpl::run(Run r) {
  if (!notices_.empty()) {
    for (const Status& s : notices_) notice(r.sink, "NOTICE", s);
    notices_.clear();
  }
  if (r.statement->plan == nullptr) return run_utility(std::move(r));
  return run_plan(std::move(r));
}

Task<Status> SessionImpl::run_plan(Run r) {
  const uint64_t mark = r.sink->mark();
  for (int attempt = 0;; ++attempt) {
    uint64_t rows = 0;
    bool from_commit = false;
    Status s = co_await run_plan_once(&r, &rows);
    if (s.ok() && r.commits) {
      s = co_await commit_txn();
      if (node_.client.planted.autocommit_unchecked) s = Status();
      from_commit = !s.ok();
    }
    if (s.ok()) {
      ++statements_in_txn_;
      if (r.commits)
        co_await end_transaction(true);
      else
        txn_->note_results_seen();
      r.sink->complete(complete_tag(*r.statement, r.tag, rows));
      co_return Status();
    }
    if (modes_.as_of) co_return past_error(std::move(s));
    if (!may_retry(s, attempt) || (in_block() && !txn_->can_restart(s))) co_return s;
    if (!node_.client.planted.rows_sent_twice && !r.sink->rewind(mark)) co_return s;
    if (from_commit) {
      MARK("sql: a commit is refused and its statement run again");
      // The transaction is over; the next one may need another version of the catalog.
      txn_.reset();
      if (writer_ == nullptr) drop_catalog();
    }
    CO_RETURN_IF_ERROR(co_await start_over(s, attempt, &r));
  }
}

// 25006 in PostgreSQL's words, before anything is read.
Status SessionImpl::check_writes(const CachedStatement& statement) const {
  const Plan& plan = *statement.plan;
  if (plan.read_only || !txn_->read_only()) return Status();
  std::string what(statement.tag);
  if (what == "SELECT") what = "SELECT FOR UPDATE";
  return Status(StatusCode::kFailedPrecondition, sqlstate::kReadOnlySqlTransaction,
                "cannot execute " + what + " in a read-only transaction");
}

Task<Status> SessionImpl::run_plan_once(const Run* r, uint64_t* rows) {
  CO_RETURN_IF_ERROR(co_await need_txn());
  CO_RETURN_IF_ERROR(check_writes(*r->statement));
  if (!portals_.empty()) CO_RETURN_IF_ERROR(co_await settle_portals(*r->statement));
  begin_statement();
  ExecContext exec;
  fill_exec(&exec, r->params);
  const CachedStatement& statement = *r->statement;
  std::unique_ptr<Execution> execution = Execution::create(statement.plan, exec);
  ResultShape shape = shape_of(statement, r->formats);
  const bool gives_rows = statement.gives_rows();
  if (gives_rows && r->describe) r->sink->describe(shape);
  *rows = 0;
  for (;;) {
    CO_RETURN_IF_ERROR(co_await execution->next(&batch_));
    if (batch_.rows() == 0) break;
    if (gives_rows)
      CO_RETURN_IF_ERROR(r->sink->add_rows(shape, batch_, 0, batch_.rows(), eval_.io));
    *rows += batch_.rows();
    if (r->sink->should_flush()) {
      txn_->note_results_seen();
      CO_RETURN_IF_ERROR(co_await r->sink->flush());
    }
  }
  if (statement.plan->command != Command::kSelect && statement.plan->command != Command::kValues)
    *rows = execution->rows_affected();
  co_return Status();
}

// What the client has not seen can be done again: the statement is alone in its transaction.
bool SessionImpl::may_retry(const Status& failure, int attempt) const {
  return failure.code() == StatusCode::kAborted && statements_in_txn_ == 0 && savepoints_.empty() &&
         writer_ == nullptr && attempt < kAttemptsMax && !cancel_.cancelled();
}

Task<Status> SessionImpl::start_over(Status failure, int attempt, Run* r) {
  runtime::Env& env = node_.client.env();
  portals_.erase(std::string());
  if (attempt >= 2) {
    int64_t most = int64_t{500} << std::min(attempt, 8);
    runtime::Duration pause =
        std::chrono::microseconds(env.random->below(static_cast<uint64_t>(most)) + 100);
    CO_RETURN_IF_ERROR(co_await runtime::sleep_for(*env.executor, pause, cancel_.token()));
  }
  if (txn_ != nullptr) {
    if (txn_->can_restart(failure)) {
      MARK("sql: a session runs its transaction again");
      Status s = co_await txn_->restart();
      if (s.ok()) co_return s;
    }
    if (in_block()) co_return failure;
    co_await txn_->rollback();
    txn_.reset();
  }
  if (catalog_ == nullptr) {
    CO_RETURN_IF_ERROR(co_await need_catalog());
    if (catalog_->version() != r->statement->catalog_version) {
      MARK("sql: a statement that runs again meets another catalog");
      std::vector<Type> params = r->statement->params;
      Result<StatementRef> made =
          co_await make_statement(r->statement->parsed, std::move(params), false);
      if (!made.ok()) co_return made.status();
      r->statement = *made;
    }
  }
  co_return Status();
}

// Gives up to `rows_max` rows (0: all) of a started portal.
Task<Status> SessionImpl::fetch_rows(Portal* portal, uint64_t rows_max, ResultSink* sink,
                                     ResultShape shape, bool* more) {
  uint64_t left = rows_max == 0 ? UINT64_MAX : rows_max;
  *more = false;
  const bool gives_rows = portal->statement->gives_rows();
  while (!portal->done) {
    if (portal->at >= portal->batch.rows()) {
      portal->at = 0;
      CO_RETURN_IF_ERROR(co_await portal->execution->next(&portal->batch));
      if (portal->batch.rows() == 0) {
        portal->done = true;
        break;
      }
    }
    if (left == 0) {
      *more = true;
      break;
    }
    size_t count = std::min<uint64_t>(left, portal->batch.rows() - portal->at);
    if (gives_rows) {
      CO_RETURN_IF_ERROR(
          sink->add_rows(shape, portal->batch, portal->at, portal->at + count, eval_.io));
    }
    portal->at += count;
    portal->sent += count;
    left -= count;
    // As PostgreSQL: exactly as many rows as asked for leave the portal suspended, whether or not
    // there are more.
    if (left == 0) {
      *more = true;
      break;
    }
    if (sink->should_flush()) CO_RETURN_IF_ERROR(co_await sink->flush());
  }
  co_return Status();
}

// Open portals see the database as it was when they were opened: what they have not given yet is
// read now, before a statement that changes something, or moves a READ COMMITTED snapshot.
Task<Status> SessionImpl::settle_portals(const CachedStatement& next) {
  if (node_.client.planted.cursor_goes_on) co_return Status();
  bool moves = txn_->isolation() == txn::Isolation::kReadCommitted;
  if (next.plan != nullptr && next.plan->read_only && !moves) co_return Status();
  for (auto& [name, portal] : portals_) {
    Portal* p = portal.get();
    if (p->execution == nullptr || p->done) continue;
    if (p->is_cursor) {
      CO_RETURN_IF_ERROR(co_await cursor_fill(p, INT64_MAX));
      continue;
    }
    RowBatch all;
    all.reset(p->batch.width());
    for (;;) {
      for (; p->at < p->batch.rows(); ++p->at) {
        std::span<const Datum> from = p->batch.row(p->at);
        std::span<Datum> to = all.add();
        for (size_t i = 0; i < from.size(); ++i) to[i] = from[i].own();
      }
      p->at = 0;
      CO_RETURN_IF_ERROR(co_await p->execution->next(&p->batch));
      if (p->batch.rows() == 0) break;
      if (all.width() != p->batch.width()) all.reset(p->batch.width());
    }
    p->batch = std::move(all);
    p->at = 0;
  }
  co_return Status();
}

}  // namespace quorate::sql
