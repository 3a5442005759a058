// The extended protocol.
#include "sql/session/session_impl.h"
#include "sql/session/session_running.h"
#include "sql/types/binary_io.h"
#include "sql/types/text_io.h"

namespace quorate::sql {

using runtime::Task;

namespace {

constexpr size_t kPreparedMax = 10'000;
constexpr size_t kPortalsMax = 1'000;

Status no_statement(std::string_view name) {
  if (name.empty())
    return Status(StatusCode::kNotFound, sqlstate::kInvalidSqlStatementName,
                  "unnamed prepared statement does not exist");
  return Status(StatusCode::kNotFound, sqlstate::kInvalidSqlStatementName,
                "prepared statement \"" + std::string(name) + "\" does not exist");
}

Status no_portal(std::string_view name) {
  return Status(StatusCode::kNotFound, sqlstate::kInvalidCursorName,
                "portal \"" + std::string(name) + "\" does not exist");
}

Status in_failed_block() {
  return failed_precondition(
      "current transaction is aborted, commands ignored until end of transaction block",
      sqlstate::kInFailedSqlTransaction);
}

Status violation(std::string message) {
  return Status(StatusCode::kInvalidArgument, sqlstate::kProtocolViolation, std::move(message));
}

// As PostgreSQL, which by default does not show the value.
Status of_parameter(Status s, std::string_view portal, size_t parameter, int16_t format) {
  std::string where = portal.empty() ? "unnamed portal" : "portal \"" + std::string(portal) + "\"";
  where += " parameter $" + std::to_string(parameter + 1);
  if (format == 0) where += " = '...'";
  return std::move(s).with_where(std::move(where));
}

}  // namespace

Task<Status> SessionImpl::parse(std::string_view name, std::string_view text,
                                std::vector<Oid> types, ResultSink* sink) {
  Running running(*this);
  CO_RETURN_IF_ERROR(check_utf8(text));
  if (!name.empty() && prepared_.contains(name)) {
    co_return Status(StatusCode::kAlreadyExists, sqlstate::kDuplicatePreparedStatement,
                     "prepared statement \"" + std::string(name) + "\" already exists");
  }
  if (prepared_.size() >= kPreparedMax)
    co_return resource_exhausted("too many prepared statements in one session");
  if (name.empty()) prepared_.erase(std::string());
  auto prepared = std::make_shared<PreparedStatement>();
  prepared->text = text;
  for (Oid t : types) prepared->declared.push_back(Type{t == 0 ? oid::kUnknown : t, -1});
  // Drivers that parse the same text again and again find its plan without parsing.
  if (block_ != Block::kFailed && writer_ == nullptr) {
    CO_RETURN_IF_ERROR(co_await need_catalog());
    key_ = cache_prefix();
    key_.push_back('P');
    for (const Type& t : prepared->declared)
      key_.append(reinterpret_cast<const char*>(&t.oid), sizeof t.oid);
    key_.push_back('\0');
    key_ += text;
    if (StatementRef known = node_.plans.find(key_)) {
      prepared->current = known;
      prepared->prefix = cache_prefix();
      prepared->parsed = known->parsed;
      prepared_[std::string(name)] = std::move(prepared);
      co_return Status();
    }
  }
  Result<std::vector<ParsedStatement>> list = sql::parse(text);
  if (!list.ok()) co_return list.status();
  if (list->size() > 1) {
    co_return Status(StatusCode::kInvalidArgument, sqlstate::kSyntaxError,
                     "cannot insert multiple commands into a prepared statement");
  }
  if (list->empty()) {
    prepared->empty = true;
  } else {
    prepared->parsed = std::move((*list)[0]);
    if (prepared->parsed.is_query() && !prepared->parsed.as_of().empty()) {
      co_return unimplemented("AS OF SYSTEM TIME in a prepared statement")
          .with_hint("Begin a transaction with BEGIN AS OF SYSTEM TIME.");
    }
    if (block_ == Block::kFailed && !prepared->parsed.is_transaction_control())
      co_return in_failed_block();
    Result<StatementRef> made = co_await current(prepared.get());
    if (!made.ok()) co_return made.status();
    for (const Status& s : notices_) notice(sink, "NOTICE", s);
    notices_.clear();
  }
  prepared_[std::string(name)] = std::move(prepared);
  if (txn_ == nullptr) drop_catalog();
  co_return Status();
}

Status SessionImpl::bind(std::string_view portal_name, std::string_view statement_name,
                         std::span<const BoundParameter> params,
                         std::span<const int16_t> result_formats) {
  auto found = prepared_.find(statement_name);
  if (found == prepared_.end()) return no_statement(statement_name);
  PreparedStatement& prepared = *found->second;
  if (block_ == Block::kFailed && !prepared.empty && !prepared.parsed.is_transaction_control())
    return in_failed_block();
  const std::vector<Type>& types =
      prepared.current != nullptr ? prepared.current->params : prepared.declared;
  if (params.size() != types.size()) {
    return violation("bind message supplies " + std::to_string(params.size()) +
                     " parameters, but prepared statement \"" + std::string(statement_name) +
                     "\" requires " + std::to_string(types.size()));
  }
  auto existing = portals_.find(portal_name);
  if (existing != portals_.end() && !portal_name.empty()) {
    return Status(StatusCode::kAlreadyExists, sqlstate::kDuplicateCursor,
                  "cursor \"" + std::string(portal_name) + "\" already exists");
  }
  if (portals_.size() >= kPortalsMax) return resource_exhausted("too many portals in one session");
  // A nameless portal is made of the last one that has been run.
  Portals::node_type node;
  if (portal_name.empty() && existing == portals_.end()) node = std::move(spare_portal_);
  std::unique_ptr<Portal> portal;
  if (!node.empty()) portal = std::move(node.mapped());
  if (portal == nullptr) portal = std::make_unique<Portal>();
  portal->name = portal_name;
  portal->params.clear();
  portal->empty = prepared.empty;
  portal->prepared = found->second;
  eval_.io.catalog = &world_;
  for (size_t i = 0; i < params.size(); ++i) {
    if (!params[i].bytes) {
      portal->params.emplace_back();
      continue;
    }
    if (params[i].format != 0 && params[i].format != 1)
      return invalid_argument("unsupported format code: " + std::to_string(params[i].format));
    Result<Datum> v(Status(internal_error("not bound")));
    if (params[i].format == 1) {
      v = receive_binary(types[i], *params[i].bytes, eval_.io);
    } else {
      Status utf8 = check_utf8(*params[i].bytes);
      v = utf8.ok() ? input_text(types[i], *params[i].bytes, eval_.io) : Result<Datum>(utf8);
    }
    if (!v.ok()) return of_parameter(v.status(), portal_name, i, params[i].format);
    portal->params.push_back(std::move(*v).own());
  }
  if (result_formats.size() > 1 && prepared.current != nullptr &&
      prepared.current->plan != nullptr &&
      result_formats.size() != prepared.current->plan->columns.size()) {
    return violation("bind message has " + std::to_string(result_formats.size()) +
                     " result formats but query has " +
                     std::to_string(prepared.current->plan->columns.size()) + " columns");
  }
  for (int16_t f : result_formats)
    if (f != 0 && f != 1) return invalid_argument("unsupported format code: " + std::to_string(f));
  portal->formats.assign(result_formats.begin(), result_formats.end());
  if (existing != portals_.end()) {
    existing->second = std::move(portal);
  } else if (!node.empty()) {
    node.mapped() = std::move(portal);
    portals_.insert(std::move(node));
  } else {
    portals_.emplace(std::string(portal_name), std::move(portal));
  }
  return Status();
}

Task<Result<Session::Description>> SessionImpl::describe_statement(std::string_view name) {
  Running running(*this);
  auto found = prepared_.find(name);
  if (found == prepared_.end()) co_return no_statement(name);
  std::shared_ptr<PreparedStatement> prepared = found->second;
  if (prepared->empty) co_return Description();
  Result<StatementRef> s = co_await current(prepared.get());
  if (!s.ok()) co_return s.status();
  described_ = *s;
  Result<Description> d = co_await describe_utility(described_.get());
  if (!d.ok()) co_return d;
  for (const Type& t : described_->params) d->params.push_back(t.oid);
  if (txn_ == nullptr) drop_catalog();
  co_return d;
}

Task<Result<Session::Description>> SessionImpl::describe_portal(std::string_view name) {
  Running running(*this);
  auto found = portals_.find(name);
  if (found == portals_.end()) co_return no_portal(name);
  described_formats_ = found->second->formats;
  if (found->second->empty) co_return Description();
  if (found->second->statement != nullptr) {
    described_ = found->second->statement;
  } else {
    std::shared_ptr<PreparedStatement> prepared = found->second->prepared;
    Result<StatementRef> s = co_await current(prepared.get());
    if (!s.ok()) co_return s.status();
    described_ = *s;
  }
  Result<Description> d = co_await describe_utility(described_.get());
  if (!d.ok()) co_return d;
  d->shape.formats = described_formats_;
  co_return d;
}

Task<Status> SessionImpl::execute(std::string_view name, uint64_t rows_max, bool commits,
                                  ResultSink* sink) {
  Running running(*this);
  if (auto found = portals_.find(name); found != portals_.end() && found->second->prepared)
    note_query(found->second->prepared->text);
  Status s = co_await execute_portal(std::string(name), rows_max, commits, sink);
  if (!s.ok()) co_await failed();
  if (txn_ == nullptr && writer_ == nullptr) drop_catalog();
  tell_settings(sink);
  state_change_ = world_.clock_micros();
  co_return s;
}

Task<Status> SessionImpl::execute_portal(std::string name, uint64_t rows_max, bool commits,
                                         ResultSink* sink) {
  auto found = portals_.find(name);
  if (found == portals_.end()) co_return no_portal(name);
  Portal* portal = found->second.get();
  if (portal->empty) {
    sink->empty_query();
    co_return Status();
  }
  if (portal->is_cursor) co_return unimplemented("Execute of a cursor that SQL declared");
  if (!portal->started) {
    std::shared_ptr<PreparedStatement> prepared = portal->prepared;
    Result<StatementRef> s = co_await current(prepared.get());
    if (!s.ok()) co_return s.status();
    portal->statement = *s;
  }
  const bool implicit = !in_block();
  // A pipeline up to its Sync is one transaction.
  if (implicit && !commits && block_ == Block::kNone) block_ = Block::kImplicit;
  const CachedStatement& statement = *portal->statement;
  if (block_ == Block::kFailed && statement.utility == nullptr) co_return in_failed_block();

  bool to_end = !portal->started && (rows_max == 0 || statement.plan == nullptr);
  if (to_end) {
    // It runs once, out of the session's list: what it does may end the transaction.
    std::unique_ptr<Portal> own = std::move(found->second);
    portals_.erase(found);
    Run r{
        .statement = own->statement, .params = own->params, .formats = own->formats, .sink = sink};
    r.commits = implicit && commits;
    r.extended = true;
    Status s = co_await run(r);
    if (s.ok() && !own->name.empty() && in_block()) {
      own->started = own->done = true;
      portals_.emplace(own->name, std::move(own));
    }
    co_return s;
  }
  co_return co_await execute_some(portal, rows_max, sink);
}

// A portal with a row limit: it stays where it stopped, and its transaction with it.
Task<Status> SessionImpl::execute_some(Portal* portal, uint64_t rows_max, ResultSink* sink) {
  const CachedStatement& statement = *portal->statement;
  if (portal->done && portal->execution == nullptr) {
    sink->complete(complete_tag(statement, {}, 0));
    co_return Status();
  }
  if (block_ == Block::kNone) block_ = Block::kImplicit;
  if (!portal->started) {
    CO_RETURN_IF_ERROR(co_await need_txn());
    CO_RETURN_IF_ERROR(check_writes(statement));
    if (portals_.size() > 1) CO_RETURN_IF_ERROR(co_await settle_portals(statement));
    begin_statement();
    portal->started = true;
    fill_exec(&portal->exec, portal->params);
    portal->execution = Execution::create(statement.plan, portal->exec);
    if (!statement.plan->read_only) {
      // What changes rows runs to its end before it gives the first.
      RowBatch all;
      for (;;) {
        CO_RETURN_IF_ERROR(co_await portal->execution->next(&portal->batch));
        if (portal->batch.rows() == 0) break;
        if (all.width() == 0) all.reset(portal->batch.width());
        for (size_t i = 0; i < portal->batch.rows(); ++i) {
          std::span<const Datum> from = portal->batch.row(i);
          std::span<Datum> to = all.add();
          for (size_t c = 0; c < from.size(); ++c) to[c] = from[c].own();
        }
      }
      portal->batch = std::move(all);
    }
    ++statements_in_txn_;
    txn_->note_results_seen();
  }
  portal->exec.cancel = cancel_.token();
  txn_->set_cancel(cancel_.token());
  bool more = false;
  uint64_t before = portal->sent;
  CO_RETURN_IF_ERROR(
      co_await fetch_rows(portal, rows_max, sink, shape_of(statement, portal->formats), &more));
  if (more) {
    sink->suspended();
    co_return Status();
  }
  bool query =
      statement.plan->command == Command::kSelect || statement.plan->command == Command::kValues;
  uint64_t rows = query ? portal->sent - before : portal->execution->rows_affected();
  sink->complete(complete_tag(statement, {}, rows));
  co_return Status();
}

void SessionImpl::close_statement(std::string_view name) {
  auto found = prepared_.find(name);
  if (found != prepared_.end()) prepared_.erase(found);
}

void SessionImpl::close_portal(std::string_view name) {
  auto found = portals_.find(name);
  if (found != portals_.end()) portals_.erase(found);
}

Task<Status> SessionImpl::sync(ResultSink* sink) {
  Running running(*this);
  Status s;
  if (!in_block()) {
    if (txn_ != nullptr || block_ == Block::kImplicit) s = co_await commit_all();
    drop_catalog();
    if (!portals_.empty()) drop_portals(true);
  }
  tell_settings(sink);
  co_return s;
}

Task<void> SessionImpl::fail() { co_await failed(); }

}  // namespace quorate::sql
