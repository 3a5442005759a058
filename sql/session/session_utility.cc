// Statements that are not plans.
#include "sql/analyze/analyze.h"
#include "sql/exec/explain.h"
#include "sql/session/session_impl.h"

namespace quorate::sql {

using runtime::Task;

namespace {

Status no_prepared(const std::string& name) {
  return Status(StatusCode::kNotFound, sqlstate::kInvalidSqlStatementName,
                "prepared statement \"" + name + "\" does not exist");
}

PlanColumn text_column(std::string name) {
  return {.name = std::move(name), .type = Type{oid::kText, -1}};
}

}  // namespace

Task<Status> SessionImpl::run_utility(Run r) {
  const CachedStatement& statement = *r.statement;
  if (statement.utility != nullptr) {
    co_return co_await transaction_control(&std::get<TransactionStatement>(statement.utility->body),
                                           r);
  }
  CO_RETURN_IF_ERROR(co_await need_catalog());
  Result<Statement> bound(Status(internal_error("not analyzed")));
  for (bool caught_up = false;;) {
    {
      // Gone before a schema change runs: nobody may hold an older version of the catalog then.
      AnalyzeContext context = analyze_context();
      bound = analyze_statement(statement.parsed, context);
      if (bound.ok()) {
        for (const Status& s : context.notices) notice(r.sink, "NOTICE", s);
      }
    }
    if (bound.ok() || caught_up || !may_be_stale(bound.status())) break;
    caught_up = true;
    CO_ASSIGN_OR_RETURN(const bool newer, co_await catch_up());
    if (!newer) break;
  }
  if (!bound.ok()) co_return bound.status();
  Statement body = std::move(*bound);
  co_return co_await run_body(&body, r);
}

Task<Status> SessionImpl::run_body(Statement* statement, Run r) {
  StatementBody& b = statement->body;
  if (auto* s = std::get_if<Ddl>(&b)) return ddl(s, r);
  if (auto* s = std::get_if<TransactionStatement>(&b)) return transaction_control(s, r);
  if (auto* s = std::get_if<SetStatement>(&b)) return set_variable(s, r);
  if (auto* s = std::get_if<ShowStatement>(&b)) return show_variable(s, r);
  if (auto* s = std::get_if<PrepareStatement>(&b)) return sql_prepare(s, r);
  if (auto* s = std::get_if<ExecuteStatement>(&b)) return sql_execute(s, r);
  if (auto* s = std::get_if<DeallocateStatement>(&b)) return sql_deallocate(s, r);
  if (auto* s = std::get_if<ExplainStatement>(&b)) return explain(s, r);
  if (auto* s = std::get_if<CopyStatement>(&b)) return copy(s, r);
  if (auto* s = std::get_if<CreateTableAsStatement>(&b)) return create_table_as(s, r);
  if (auto* s = std::get_if<DeclareStatement>(&b)) return declare(s, r);
  if (auto* s = std::get_if<FetchStatement>(&b)) return fetch(s, r);
  if (auto* s = std::get_if<CloseStatement>(&b)) return close_cursor(s, r);
  if (auto* s = std::get_if<VacuumStatement>(&b)) return vacuum(s, r);
  if (auto* s = std::get_if<LockTableStatement>(&b)) return lock_tables(s, r);
  if (auto* s = std::get_if<DiscardStatement>(&b)) return discard(s, r);
  return finish(r, r.statement->tag);
}

// Ends the statement: an implicit transaction commits before its tag is told.
Task<Status> SessionImpl::finish(Run r, std::string tag) {
  if (r.commits && !in_block()) CO_RETURN_IF_ERROR(co_await commit_all());
  r.sink->complete(tag);
  co_return Status();
}
Task<Status> SessionImpl::finish(Run r, std::string_view tag) {
  return finish(r, std::string(tag));
}

// --- settings ---

Task<Status> SessionImpl::set_variable(const SetStatement* s, Run r) {
  using Kind = SetStatement::Kind;
  const bool alone = block_ == Block::kNone;
  switch (s->kind) {
    case Kind::kValue:
      if (s->is_local && alone) {
        warn(r.sink, sqlstate::kNoActiveSqlTransaction,
             "SET LOCAL can only be used in transaction blocks");
      }
      CO_RETURN_IF_ERROR(set_value(*s));
      break;
    case Kind::kDefault:
      CO_RETURN_IF_ERROR(settings_.reset(s->name, s->is_local));
      break;
    case Kind::kResetAll:
      settings_.reset_all();
      break;
    case Kind::kTransaction:
      if (alone) {
        warn(r.sink, sqlstate::kNoActiveSqlTransaction,
             "SET TRANSACTION can only be used in transaction blocks");
      } else {
        CO_RETURN_IF_ERROR(set_modes(s->modes));
        CO_RETURN_IF_ERROR(set_as_of(r.statement->parsed.as_of()));
        show_modes();
      }
      break;
    case Kind::kCharacteristics:
      CO_RETURN_IF_ERROR(set_characteristics(s->modes));
      break;
    case Kind::kConstraints:
      if (alone) {
        warn(r.sink, sqlstate::kNoActiveSqlTransaction,
             "SET CONSTRAINTS can only be used in transaction blocks");
      }
      break;
  }
  if (!in_block()) show_modes();
  co_return co_await finish(r, r.statement->tag);
}

Status SessionImpl::set_value(const SetStatement& s) {
  if (s.name == "transaction_isolation" || s.name == "transaction_read_only") {
    TransactionModes modes;
    std::string v = s.values.empty() ? "" : s.values[0];
    RETURN_IF_ERROR(settings_.set(s.name, s.values, true));
    std::string canonical = *settings_.find(s.name);
    if (s.name == "transaction_read_only")
      modes.read_only = canonical == "on";
    else
      modes.isolation = canonical == "serializable"      ? range::Isolation::kSerializable
                        : canonical == "repeatable read" ? range::Isolation::kRepeatableRead
                                                         : range::Isolation::kReadCommitted;
    modes.uncommitted = canonical == "read uncommitted";
    return set_modes(modes);
  }
  return settings_.set(s.name, s.values, s.is_local);
}

Status SessionImpl::set_characteristics(const TransactionModes& modes) {
  if (modes.isolation) {
    std::string_view level = *modes.isolation == range::Isolation::kSerializable ? "serializable"
                             : *modes.isolation == range::Isolation::kRepeatableRead
                                 ? "repeatable read"
                             : modes.uncommitted ? "read uncommitted"
                                                 : "read committed";
    RETURN_IF_ERROR(settings_.set("default_transaction_isolation", level, false));
  }
  if (modes.read_only)
    RETURN_IF_ERROR(
        settings_.set("default_transaction_read_only", *modes.read_only ? "on" : "off", false));
  if (modes.deferrable)
    RETURN_IF_ERROR(
        settings_.set("default_transaction_deferrable", *modes.deferrable ? "on" : "off", false));
  return Status();
}

std::vector<PlanColumn> SessionImpl::show_columns(const ShowStatement& s) const {
  if (s.name == "all")
    return {text_column("name"), text_column("setting"), text_column("description")};
  Result<Settings::Shown> shown = settings_.show(s.name);
  return {text_column(std::string(shown.ok() ? shown->name : s.name))};
}

Task<Status> SessionImpl::show_variable(const ShowStatement* s, Run r) {
  std::vector<std::vector<Datum>> rows;
  if (s->name == "all") {
    for (const SettingInfo& info : all_settings()) {
      rows.push_back({Datum::of_bytes(info.name), Datum::of_bytes(*settings_.find(info.name)),
                      Datum::of_bytes(info.description)});
    }
  } else {
    Result<Settings::Shown> shown = settings_.show(s->name);
    if (!shown.ok()) co_return shown.status();
    rows.push_back({Datum::of_bytes(shown->value)});
  }
  CO_RETURN_IF_ERROR(tell_rows(show_columns(*s), rows, r));
  co_return co_await finish(r, r.statement->tag);
}

Status SessionImpl::tell_rows(const std::vector<PlanColumn>& columns,
                              const std::vector<std::vector<Datum>>& rows, const Run& r) {
  ResultShape shape{.columns = columns, .formats = r.formats};
  if (r.describe) r.sink->describe(shape);
  RowBatch batch;
  batch.reset(static_cast<uint32_t>(columns.size()));
  for (const std::vector<Datum>& row : rows) std::copy(row.begin(), row.end(), batch.add().begin());
  return r.sink->add_rows(shape, batch, 0, batch.rows(), eval_.io);
}

Task<Status> SessionImpl::discard(const DiscardStatement* s, Run r) {
  using What = DiscardStatement::What;
  if (s->what == What::kAll) {
    if (in_block()) {
      co_return failed_precondition("DISCARD ALL cannot run inside a transaction block",
                                    sqlstate::kActiveSqlTransaction);
    }
    portals_.clear();
    prepared_.clear();
    settings_.reset_all();
  }
  if (s->what == What::kAll || s->what == What::kSequences) world_.discard_sequences();
  co_return co_await finish(r, r.statement->tag);
}

// --- PREPARE ---

Task<Status> SessionImpl::sql_prepare(PrepareStatement* s, Run r) {
  if (prepared_.contains(s->name)) {
    co_return Status(StatusCode::kAlreadyExists, sqlstate::kDuplicatePreparedStatement,
                     "prepared statement \"" + s->name + "\" already exists");
  }
  auto prepared = std::make_shared<PreparedStatement>();
  prepared->parsed = s->body;
  prepared->declared = s->params;
  Result<StatementRef> made = co_await current(prepared.get());
  if (!made.ok()) co_return made.status();
  prepared_[s->name] = std::move(prepared);
  co_return co_await finish(r, r.statement->tag);
}

// The statement that EXECUTE names, and its arguments' values.
Task<Result<StatementRef>> SessionImpl::execute_target(const ExecuteStatement* s,
                                                       std::vector<Datum>* params) {
  auto found = prepared_.find(s->name);
  if (found == prepared_.end()) co_return no_prepared(s->name);
  std::shared_ptr<PreparedStatement> prepared = found->second;
  Result<StatementRef> target = co_await current(prepared.get());
  if (!target.ok()) co_return target;
  AnalyzeContext context = analyze_context();
  auto args = analyze_execute_args(*s, (*target)->params, context);
  if (!args.ok()) co_return args.status();
  for (const ExprPtr& e : *args) {
    Result<CompiledExpr> compiled =
        CompiledExpr::compile(*e, [](const Expr&) -> std::optional<Slot> { return std::nullopt; });
    if (!compiled.ok()) co_return compiled.status();
    Datum v;
    for (;;) {
      Frame frame;
      frame.context = &eval_;
      if (compiled->eval(frame, &v)) break;
      if (frame.error.code() != StatusCode::kUnavailable) co_return frame.error;
      CO_RETURN_IF_ERROR(co_await world_.await_missing());
    }
    params->push_back(v.own());
  }
  co_return target;
}

Task<Status> SessionImpl::sql_execute(const ExecuteStatement* s, Run r) {
  std::vector<Datum> params;
  Result<StatementRef> target = co_await execute_target(s, &params);
  if (!target.ok()) co_return target.status();
  Run inner = r;
  inner.statement = *target;
  inner.params = params;
  co_return co_await run(inner);
}

Task<Status> SessionImpl::sql_deallocate(const DeallocateStatement* s, Run r) {
  if (s->name.empty()) {
    prepared_.clear();
    co_return co_await finish(r, "DEALLOCATE ALL");
  }
  auto found = prepared_.find(s->name);
  if (found == prepared_.end()) co_return no_prepared(s->name);
  prepared_.erase(found);
  co_return co_await finish(r, r.statement->tag);
}

// --- EXPLAIN ---

Task<Status> SessionImpl::explain(const ExplainStatement* s, Run r) {
  if (s->format != ExplainStatement::Format::kText)
    co_return unimplemented("EXPLAIN in another format than text");
  std::vector<Datum> params;
  StatementRef target;
  if (s->body.is_query()) {
    Result<StatementRef> made =
        co_await make_statement(s->body, std::vector<Type>(r.statement->params), true);
    if (!made.ok()) co_return made.status();
    target = *made;
    params.assign(r.params.begin(), r.params.end());
  } else {
    AnalyzeContext context = analyze_context();
    Result<Statement> body = analyze_statement(s->body, context);
    if (!body.ok()) co_return body.status();
    auto* execute = std::get_if<ExecuteStatement>(&body->body);
    if (execute == nullptr) co_return unimplemented("EXPLAIN of this statement");
    ExecuteStatement named = *execute;
    Result<StatementRef> made = co_await execute_target(&named, &params);
    if (!made.ok()) co_return made.status();
    target = *made;
  }
  ExplainOptions options{.analyze = s->analyze, .costs = s->costs, .timing = s->timing};
  runtime::Executor& executor = *node_.client.env().executor;
  const std::map<const PlanNode*, NodeCounters>* counters = nullptr;
  std::unique_ptr<Execution> execution;
  ExecContext exec;
  runtime::Instant begun = executor.now();
  if (s->analyze) {
    CO_RETURN_IF_ERROR(co_await need_txn());
    if (!portals_.empty()) CO_RETURN_IF_ERROR(co_await settle_portals(*target));
    begin_statement();
    fill_exec(&exec, params);
    exec.instrument = true;
    execution = Execution::create(target->plan, exec);
    for (RowBatch batch;;) {
      CO_RETURN_IF_ERROR(co_await execution->next(&batch));
      if (batch.rows() == 0) break;
    }
    ++statements_in_txn_;
    counters = &execution->counters();
    options.execution_time = executor.now() - begun;
    // What it costs to commit belongs to a statement that is a transaction by itself.
    if (r.commits && !in_block()) {
      const runtime::Instant ended = executor.now();
      CO_RETURN_IF_ERROR(co_await commit_txn());
      options.commit_time = executor.now() - ended;
    }
    options.stats = txn_->stats();
  }
  std::vector<std::vector<Datum>> rows;
  for (const std::string& line : explain_plan(*target->plan, options, counters))
    rows.push_back({Datum::of_bytes(line)});
  std::vector<PlanColumn> columns{text_column("QUERY PLAN")};
  CO_RETURN_IF_ERROR(tell_rows(columns, rows, r));
  execution.reset();
  if (options.commit_time) {
    co_await end_transaction(true);
    r.sink->complete(r.statement->tag);
    co_return Status();
  }
  co_return co_await finish(r, r.statement->tag);
}

// --- maintenance ---

// Garbage is collected and rows are counted by the ranges themselves.
Task<Status> SessionImpl::vacuum(const VacuumStatement* s, Run r) {
  if (s->vacuum && in_block()) {
    co_return failed_precondition("VACUUM cannot run inside a transaction block",
                                  sqlstate::kActiveSqlTransaction);
  }
  co_return co_await finish(r, r.statement->tag);
}

// The conflicts that table locks prevent are found at commit here, whoever takes them; what LOCK
// can promise beyond that (nobody else writes from now on) is not there.
Task<Status> SessionImpl::lock_tables(const LockTableStatement* s, Run r) {
  (void)s;
  if (!in_block()) {
    co_return Status(StatusCode::kFailedPrecondition, sqlstate::kNoActiveSqlTransaction,
                     "LOCK TABLE can only be used in transaction blocks");
  }
  if (modes_.isolation.value_or(settings_.typed().default_isolation) !=
      range::Isolation::kSerializable)
    co_return unimplemented("LOCK TABLE below SERIALIZABLE");
  co_return co_await finish(r, r.statement->tag);
}

// --- DDL ---

void SessionImpl::fill_ddl_context() {
  ddl_context_.manager = &node_.catalog;
  ddl_context_.database = world_.database;
  ddl_context_.database_name = world_.database_name;
  ddl_context_.search_path = world_.search_path();
  ddl_context_.user = world_.user;
  ddl_context_.io = &eval_.io;
  ddl_context_.eval = &eval_;
  ddl_context_.await_missing = [this] { return world_.await_missing(); };
  ddl_context_.use_catalog = [this](CatalogPtr c) { world_.catalog = std::move(c); };
  ddl_context_.cancel = cancel_.token();
}

Task<Status> SessionImpl::ddl(const Ddl* d, Run r) {
  if (auto* split = std::get_if<SplitAt>(d)) co_return co_await split_ranges(split, r);
  fill_ddl_context();
  const bool alone = r.commits && !in_block() && txn_ == nullptr && writer_ == nullptr;
  Status s;
  if (modes_.read_only.value_or(settings_.typed().default_read_only)) {
    co_return Status(
        StatusCode::kFailedPrecondition, sqlstate::kReadOnlySqlTransaction,
        "cannot execute " + std::string(r.statement->tag) + " in a read-only transaction");
  }
  if (alone) {
    drop_catalog();
    s = co_await execute_ddl(d, &ddl_context_);
    node_.sequences.forget_all();
  } else {
    s = co_await ddl_in_block(d);
  }
  std::vector<Status> notices = std::move(ddl_context_.notices);
  ddl_context_.notices.clear();
  for (const Status& n : notices) notice(r.sink, "NOTICE", n);
  CO_RETURN_IF_ERROR(s);
  if (alone) {
    ddl_context_.offline.clear();
    r.sink->complete(r.statement->tag);
    co_return Status();
  }
  co_return co_await finish(r, r.statement->tag);
}

Task<Status> SessionImpl::ddl_in_block(const Ddl* d) {
  CO_RETURN_IF_ERROR(co_await need_txn());
  if (!portals_.empty()) {
    CachedStatement writes;
    CO_RETURN_IF_ERROR(co_await settle_portals(writes));
  }
  // What earlier statements used must still be so when others are kept from changing it.
  std::map<Oid, uint64_t> used;
  if (writer_ == nullptr && statements_in_txn_ > 0 && catalog_ != nullptr) {
    for (const TablePtr& t : catalog_->tables(world_.database)) used[t->oid] = t->version;
  }
  for (int attempt = 0;; ++attempt) {
    begin_statement();
    if (writer_ == nullptr) {
      writer_ = std::make_unique<CatalogWriter>(txn_.get(), node_.catalog.client());
      writer_->expect(used);
      world_.writer = writer_.get();
    }
    drop_catalog();
    Status s = co_await execute_ddl_in(d, writer_.get(), &ddl_context_);
    if (ddl_context_.offline_until) deadline_ = std::min(deadline_, ddl_context_.offline_until);
    if (s.ok()) break;
    // Taking a table offline changes the catalog under the transaction's snapshot: where it has
    // done nothing yet, it begins again.
    bool again = s.code() == StatusCode::kAborted && statements_in_txn_ == 0 &&
                 savepoints_.empty() && attempt < 10 && txn_->can_restart(s);
    if (!again) co_return s;
    writer_.reset();
    world_.writer = nullptr;
    CO_RETURN_IF_ERROR(co_await txn_->restart());
  }
  ++statements_in_txn_;
  txn_->note_results_seen();
  co_return co_await need_catalog();
}

Task<Status> SessionImpl::split_ranges(const SplitAt* s, Run r) {
  if (!node_.split_at) co_return unimplemented("SPLIT AT on this server");
  Result<std::vector<Bytes>> keys = split_keys(*s);
  if (!keys.ok()) co_return keys.status();
  CO_RETURN_IF_ERROR(co_await node_.split_at(std::move(*keys)));
  co_return co_await finish(r, r.statement->tag);
}

// --- what Describe tells of them ---

Task<Result<Session::Description>> SessionImpl::describe_utility(const CachedStatement* s) {
  Description d;
  if (s->plan != nullptr) {
    d.has_rows = s->gives_rows();
    d.shape = shape_of(*s, {});
    co_return d;
  }
  if (s->utility != nullptr) co_return d;
  if (s->tag != "SHOW" && s->tag != "EXPLAIN" && s->tag != "EXECUTE" && s->tag != "FETCH")
    co_return d;
  CO_RETURN_IF_ERROR(co_await need_catalog());
  AnalyzeContext context = analyze_context();
  Result<Statement> bound = analyze_statement(s->parsed, context);
  if (!bound.ok()) co_return bound.status();
  if (auto* show = std::get_if<ShowStatement>(&bound->body)) {
    utility_columns_ = show_columns(*show);
  } else if (std::holds_alternative<ExplainStatement>(bound->body)) {
    utility_columns_ = {text_column("QUERY PLAN")};
  } else if (auto* execute = std::get_if<ExecuteStatement>(&bound->body)) {
    auto found = prepared_.find(execute->name);
    if (found == prepared_.end()) co_return no_prepared(execute->name);
    std::shared_ptr<PreparedStatement> prepared = found->second;
    Result<StatementRef> target = co_await current(prepared.get());
    if (!target.ok()) co_return target.status();
    if ((*target)->plan == nullptr) co_return d;
    utility_columns_ = (*target)->plan->columns;
  } else if (auto* fetch = std::get_if<FetchStatement>(&bound->body)) {
    auto found = portals_.find(fetch->name);
    if (fetch->move || found == portals_.end() || found->second->statement == nullptr ||
        found->second->statement->plan == nullptr)
      co_return d;
    utility_columns_ = found->second->statement->plan->columns;
  }
  d.has_rows = !utility_columns_.empty();
  d.shape = {.columns = utility_columns_};
  co_return d;
}

}  // namespace quorate::sql
