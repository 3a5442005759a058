#include "sql/testing/mini_session.h"

#include "sql/types/date_time.h"
#include "sql/types/text_io.h"

namespace quorate::sql {
namespace {

using runtime::Task;

// All rows of an execution, as text.
Task<Status> collect(Execution* execution, const Plan* plan, const IoContext* io, MiniResult* out) {
  for (RowBatch batch;;) {
    CO_RETURN_IF_ERROR(co_await execution->next(&batch));
    if (batch.rows() == 0) co_return Status();
    for (size_t r = 0; r < batch.rows() && !plan->columns.empty(); ++r) {
      std::vector<std::optional<std::string>> row;
      for (size_t c = 0; c < plan->columns.size(); ++c) {
        const Datum& d = batch.row(r)[c];
        if (d.is_null())
          row.emplace_back();
        else
          row.emplace_back(to_text(plan->columns[c].type, d, *io));
      }
      out->rows.push_back(std::move(row));
    }
  }
}

void print(const PlanNode& node, size_t depth, std::string* out) {
  static constexpr std::string_view kNames[] = {
      "Result",    "Values",     "TableScan",  "PointGet",   "SystemScan",   "FunctionScan",
      "Filter",    "Project",    "ProjectSet", "Sort",       "Limit",        "Distinct",
      "Aggregate", "NestedLoop", "HashJoin",   "LookupJoin", "SetOperation", "Apply",
      "LockRows",  "Insert",     "Update",     "Delete"};
  const std::string indent(depth * 2, ' ');
  *out += indent + std::string(kNames[static_cast<size_t>(node.kind)]);
  if (!node.label.empty()) *out += " " + node.label;
  if (node.table != nullptr) {
    const IndexDescriptor& index = node.table->indexes[node.range.index];
    *out += " using " + (index.name.empty() ? "rowid" : index.name);
    if (node.covered && node.range.index != 0) *out += " only";
    if (node.reverse) *out += " backwards";
  }
  *out += "\n";
  for (const std::string& note : node.notes) *out += indent + "  - " + note + "\n";
  for (const PlanPtr& child : node.children) print(*child, depth + 1, out);
  for (const SubPlan& sub : node.subplans) {
    *out += indent + "  SubPlan\n";
    print(*sub.plan, depth + 2, out);
  }
}

}  // namespace

std::string to_text(const MiniResult& r, bool sorted) {
  std::string out;
  for (const Status& n : r.notices) out += "NOTICE " + n.message() + "\n";
  if (!r.status.ok()) {
    const Status::Fields& f = r.status.fields();
    out += "ERROR " + std::string(r.status.sqlstate().view()) + ": " + r.status.message() + "\n";
    const auto line = [&](std::string_view name, const std::string& value) {
      if (!value.empty()) out += std::string(name) + ": " + value + "\n";
    };
    line("DETAIL", f.detail);
    line("HINT", f.hint);
    line("POSITION", f.position > 0 ? std::to_string(f.position) : "");
    line("SCHEMA", f.schema);
    line("TABLE", f.table);
    line("COLUMN", f.column);
    line("CONSTRAINT", f.constraint);
    return out;
  }
  if (r.has_rows) {
    for (size_t i = 0; i < r.columns.size(); ++i) {
      out += (i > 0 ? "|" : "") + r.columns[i].name + ":" + std::to_string(r.columns[i].type.oid);
    }
    out += "\n";
  }
  std::vector<std::string> lines;
  for (const auto& row : r.rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) line += (i > 0 ? "|" : "") + row[i].value_or("NULL");
    if (line.empty()) line = "''";
    lines.push_back(std::move(line));
  }
  if (sorted) std::sort(lines.begin(), lines.end());
  for (const std::string& line : lines) out += line + "\n";
  return out + r.tag + "\n";
}

MiniNode::MiniNode(const SystemTables* tables) : manager(client, NodeId(1)), system_tables(tables) {
  Status s = run_task(client.executor(), manager.start());
  CHECK_MSG(s.ok(), s.to_string());
}

std::shared_ptr<const RowCodec> MiniNode::codec(const TablePtr& table) {
  auto& slot = codecs_[{table->oid, table->version}];
  // A version that was rolled back may come again with another content.
  if (slot == nullptr || &slot->table() != table.get()) slot = RowCodec::create(table);
  return slot;
}

struct MiniSession::Block {
  std::unique_ptr<txn::Transaction> txn;
  std::unique_ptr<CatalogWriter> writer;
  std::unique_ptr<DdlContext> ddl;
  struct Savepoint {
    std::string name;
    uint64_t mark;
    size_t catalog_mark;
  };
  std::vector<Savepoint> savepoints;
  CatalogPtr catalog;
  bool failed = false;
};

MiniSession::MiniSession(MiniNode& node) : node_(node), eval_(std::make_unique<EvalContext>()) {
  eval_->session = this;
  eval_->io.catalog = this;
}
MiniSession::~MiniSession() = default;

CatalogPtr MiniSession::catalog() const {
  if (block_ && block_->writer && block_->writer->begun()) return block_->writer->snapshot();
  if (block_ && block_->catalog) return block_->catalog;
  return node_.manager.snapshot();
}

AnalyzeContext MiniSession::analyze_context() {
  AnalyzeContext c;
  c.catalog = catalog();
  c.system_tables = node_.system_tables;
  c.database = kPostgresDatabase;
  c.database_name = "postgres";
  c.search_path = search_path;
  c.user = "postgres";
  c.io = &eval_->io;
  return c;
}

void MiniSession::begin_micros() {
  eval_->statement_micros = clock_micros();
  if (!block_) eval_->io.transaction_micros = eval_->statement_micros;
}

MiniResult MiniSession::run(std::string_view sql) {
  MiniResult last;
  auto list = parse(sql);
  if (!list.ok()) {
    last.status = list.status();
    if (block_) block_->failed = true;
    return last;
  }
  for (const ParsedStatement& s : *list) {
    last = run_one(s, {}, {});
    if (!last.status.ok()) break;
  }
  return last;
}

MiniResult MiniSession::run_with(std::string_view sql,
                                 std::vector<std::optional<std::string>> params,
                                 std::vector<Type> types) {
  MiniResult out;
  auto list = parse(sql);
  if (!list.ok()) {
    out.status = list.status();
    return out;
  }
  CHECK(list->size() == 1);
  types.resize(params.size(), Type{0, -1});
  return run_one((*list)[0], std::move(types), params);
}

MiniResult MiniSession::run_one(const ParsedStatement& parsed, std::vector<Type> types,
                                const std::vector<std::optional<std::string>>& params) {
  MiniResult out;
  begin_micros();
  if (block_ && block_->failed && !parsed.is_transaction_control()) {
    out.status = Status(StatusCode::kFailedPrecondition, sqlstate::kInFailedSqlTransaction,
                        "current transaction is aborted, commands ignored until end of "
                        "transaction block");
    return out;
  }
  AnalyzeContext context = analyze_context();
  context.params = types;
  context.infer_params = !params.empty();
  auto statement = analyze_statement(parsed, context);
  if (!statement.ok()) {
    out.status = statement.status();
  } else if (auto* query = std::get_if<std::unique_ptr<Query>>(&statement->body)) {
    out = run_query(**query, context.params, params, statement->tag);
  } else if (auto* ddl = std::get_if<Ddl>(&statement->body)) {
    context.catalog.reset();
    out = run_ddl(*ddl, statement->tag);
  } else if (auto* control = std::get_if<TransactionStatement>(&statement->body)) {
    context.catalog.reset();
    out = run_transaction(*control, statement->tag);
  } else if (std::holds_alternative<SetStatement>(statement->body)) {
    out.tag = statement->tag;
  } else {
    out.status = unimplemented(std::string(statement->tag) + " in a test session");
  }
  out.notices.insert(out.notices.begin(), context.notices.begin(), context.notices.end());
  if (!out.status.ok() && block_) block_->failed = true;
  return out;
}

Result<PlanRef> MiniSession::make_plan(const Query& query) {
  PlanContext context;
  context.catalog = catalog();
  context.codec = [this](const TablePtr& t) { return node_.codec(t); };
  context.rows = [this](const TableDescriptor& t) {
    auto it = node_.rows.find(t.name);
    return it == node_.rows.end() ? 1000.0 : it->second;
  };
  return plan(query, context);
}

MiniResult MiniSession::run_query(const Query& query, const std::vector<Type>& types,
                                  const std::vector<std::optional<std::string>>& params,
                                  std::string_view tag) {
  MiniResult out;
  auto made = make_plan(query);
  if (!made.ok()) {
    out.status = made.status();
    return out;
  }
  std::vector<Datum> values;
  for (size_t i = 0; i < params.size(); ++i) {
    if (!params[i]) {
      values.push_back(Datum::null());
      continue;
    }
    auto v = input_text(types.at(i), *params[i], eval_->io);
    if (!v.ok()) {
      out.status = v.status();
      return out;
    }
    values.push_back(v->own());
  }
  return run_plan(*made, values, tag);
}

MiniResult MiniSession::run_plan(const PlanRef& plan, std::span<const Datum> params,
                                 std::string_view tag) {
  MiniResult out;
  out.columns = plan->columns;
  out.has_rows = !plan->columns.empty() || plan->command == Command::kSelect;
  txn::TxnOptions options;
  options.isolation = isolation;
  std::unique_ptr<txn::Transaction> own;
  if (!block_) own = node_.client.begin(options);
  txn::Transaction* txn = block_ ? block_->txn.get() : own.get();
  txn->begin_statement();
  ExecContext context;
  context.txn = txn;
  context.eval = eval_.get();
  context.executor = &node_.client.executor();
  context.params = params;
  context.system.catalog = catalog();
  context.system.database = kPostgresDatabase;
  context.system.eval = eval_.get();
  context.system.node = node_.system_node;
  context.client = &node_.client;
  auto execution = Execution::create(plan, context);
  out.status =
      run_task(node_.client.executor(), collect(execution.get(), plan.get(), &eval_->io, &out));
  if (own) {
    if (out.status.ok())
      out.status = run_task(node_.client.executor(), own->commit());
    else
      run_task(node_.client.executor(), own->rollback());
  }
  if (!out.status.ok()) return out;
  out.tag = tag;
  if (tag == "INSERT") out.tag += " 0";
  out.tag += " " + std::to_string(execution->rows_affected());
  return out;
}

Result<PlanRef> MiniSession::prepare(std::string_view sql, std::vector<Type> types) {
  ASSIGN_OR_RETURN(auto list, parse(sql));
  AnalyzeContext context = analyze_context();
  context.params = std::move(types);
  context.infer_params = true;
  ASSIGN_OR_RETURN(auto query, analyze(list.at(0), context));
  return make_plan(*query);
}

MiniResult MiniSession::execute(const PlanRef& plan, std::span<const Datum> params) {
  begin_micros();
  return run_plan(plan, params, "EXECUTE");
}

std::string MiniSession::explain(std::string_view sql) {
  auto made = prepare(sql);
  if (!made.ok()) return made.status().to_string() + "\n";
  std::string out;
  print(*(*made)->root, 0, &out);
  for (const SubPlan& sub : (*made)->init_plans) {
    out += "InitPlan\n";
    print(*sub.plan, 1, &out);
  }
  return out;
}

MiniResult MiniSession::run_ddl(const Ddl& ddl, std::string_view tag) {
  MiniResult out;
  DdlContext alone;
  if (block_ && !block_->ddl) block_->ddl = std::make_unique<DdlContext>();
  DdlContext& c = block_ ? *block_->ddl : alone;
  c.manager = &node_.manager;
  c.database = kPostgresDatabase;
  c.database_name = "postgres";
  c.search_path = search_path;
  c.user = "postgres";
  c.io = &eval_->io;
  if (block_) {
    block_->catalog.reset();
    block_->txn->begin_statement();
    if (!block_->writer)
      block_->writer = std::make_unique<CatalogWriter>(block_->txn.get(), node_.client);
    out.status = run_task(node_.client.executor(), execute_ddl_in(&ddl, block_->writer.get(), &c));
  } else {
    out.status = run_task(node_.client.executor(), execute_ddl(&ddl, &c));
  }
  out.notices = std::move(c.notices);
  c.notices.clear();
  if (out.status.ok()) out.tag = tag;
  return out;
}

MiniResult MiniSession::run_transaction(const TransactionStatement& s, std::string_view tag) {
  MiniResult out;
  out.tag = tag;
  auto& executor = node_.client.executor();
  using Kind = TransactionStatement::Kind;
  const auto needs_block = [&](std::string_view what) {
    out.status = Status(StatusCode::kFailedPrecondition, sqlstate::kNoActiveSqlTransaction,
                        std::string(what) + " can only be used in transaction blocks");
  };
  const auto find = [&]() -> std::optional<size_t> {
    for (size_t i = block_->savepoints.size(); i-- > 0;) {
      if (block_->savepoints[i].name == s.savepoint) return i;
    }
    out.status = Status(StatusCode::kInvalidArgument, sqlstate::kInvalidSavepointSpecification,
                        "savepoint \"" + s.savepoint + "\" does not exist");
    return std::nullopt;
  };
  switch (s.kind) {
    case Kind::kBegin: {
      if (block_) return out;
      txn::TxnOptions options;
      options.isolation = s.modes.isolation.value_or(isolation);
      options.read_only = s.modes.read_only.value_or(false);
      auto block = std::make_unique<Block>();
      block->txn = node_.client.begin(options);
      block->catalog = node_.manager.snapshot();
      block_ = std::move(block);
      return out;
    }
    case Kind::kCommit:
    case Kind::kRollback: {
      if (!block_) return out;
      auto block = std::move(block_);
      block->catalog.reset();
      const bool commit = s.kind == Kind::kCommit && !block->failed;
      if (!commit) out.tag = "ROLLBACK";
      if (commit && block->writer) out.status = block->writer->seal();
      if (commit && out.status.ok())
        out.status = run_task(executor, block->txn->commit());
      else
        run_task(executor, block->txn->rollback());
      if (block->ddl) {
        Status done = commit && out.status.ok()
                          ? run_task(executor, finish_block(block->ddl.get()))
                          : run_task(executor, bring_online(block->ddl.get()));
        if (out.status.ok()) out.status = done;
      }
      return out;
    }
    case Kind::kSavepoint:
      if (!block_) {
        needs_block("SAVEPOINT");
        return out;
      }
      block_->savepoints.push_back(
          {s.savepoint, block_->txn->savepoint(), block_->writer ? block_->writer->mark() : 0});
      return out;
    case Kind::kRelease: {
      if (!block_) {
        needs_block("RELEASE SAVEPOINT");
        return out;
      }
      if (auto at = find()) {
        block_->txn->release(block_->savepoints[*at].mark);
        block_->savepoints.resize(*at);
      }
      return out;
    }
    case Kind::kRollbackTo: {
      if (!block_) {
        needs_block("ROLLBACK TO SAVEPOINT");
        return out;
      }
      if (auto at = find()) {
        out.status = block_->txn->rollback_to(block_->savepoints[*at].mark);
        block_->savepoints.resize(*at + 1);
        block_->failed = false;
        if (block_->writer) {
          Status s = block_->writer->rollback_to(block_->savepoints[*at].catalog_mark);
          if (out.status.ok()) out.status = s;
        }
      }
      return out;
    }
  }
  UNREACHABLE("transaction statement");
}

int64_t MiniSession::clock_micros() {
  return static_cast<int64_t>(node_.client.executor().wall_micros()) - kEpochMicros;
}
uint64_t MiniSession::random_u64() { return node_.client.env().random->next(); }
double MiniSession::random_double() {
  return static_cast<double>(random_u64() >> 11) / static_cast<double>(uint64_t{1} << 53);
}

std::vector<std::string> MiniSession::current_schemas(bool implicit) {
  std::vector<std::string> out;
  if (implicit) out.push_back("pg_catalog");
  auto c = catalog();
  for (const std::string& name : search_path) {
    if (c->schema(kPostgresDatabase, name) != nullptr) out.push_back(name);
  }
  return out;
}

Result<int64_t> MiniSession::nextval(Oid sequence) {
  SequencePtr d = catalog()->sequence(sequence);
  if (d == nullptr) return internal_error("no such sequence");
  MiniNode::Sequence& s = node_.sequences[sequence];
  const int64_t next = s.called ? s.last + d->increment : s.last != 0 ? s.last : d->start;
  if (next > d->max || next < d->min) {
    return Status(StatusCode::kInvalidArgument, sqlstate::kSequenceGeneratorLimitExceeded,
                  "nextval: reached maximum value of sequence \"" + d->name + "\" (" +
                      std::to_string(d->max) + ")");
  }
  s = {next, true};
  current_values_[sequence] = next;
  last_sequence_ = sequence;
  return next;
}

Result<int64_t> MiniSession::currval(Oid sequence) {
  auto it = current_values_.find(sequence);
  if (it != current_values_.end()) return it->second;
  return Status(StatusCode::kFailedPrecondition, sqlstate::kObjectNotInPrerequisiteState,
                "currval of sequence \"" + name_of(oid::kRegclass, sequence) +
                    "\" is not yet defined in this session");
}
Result<int64_t> MiniSession::lastval() {
  if (last_sequence_) return current_values_.at(*last_sequence_);
  return Status(StatusCode::kFailedPrecondition, sqlstate::kObjectNotInPrerequisiteState,
                "lastval is not yet defined in this session");
}
Result<int64_t> MiniSession::setval(Oid sequence, int64_t value, bool is_called) {
  node_.sequences[sequence] = {value, is_called};
  if (is_called) current_values_[sequence] = value;
  return value;
}

Result<std::string> MiniSession::setting(std::string_view name, bool missing_ok) {
  if (name == "search_path") return search_path.empty() ? std::string() : search_path[0];
  if (name == "server_version_num") return std::string("150000");
  if (missing_ok) return std::string();
  return Status(StatusCode::kInvalidArgument, sqlstate::kUndefinedObject,
                "unrecognized configuration parameter \"" + std::string(name) + "\"");
}

CatalogReader MiniSession::reader() const {
  return CatalogReader(catalog(), kPostgresDatabase, search_path);
}
Result<Oid> MiniSession::resolve(Oid type, std::string_view name) const {
  return reader().resolve(type, name);
}
std::string MiniSession::name_of(Oid type, Oid object) const {
  return reader().name_of(type, object);
}
Result<Datum> MiniSession::catalog_function(Oid oid, std::string_view name,
                                            std::span<const Datum> args) {
  return reader().call(oid, name, args);
}

std::string TextSession::run(std::string_view sql) {
  const MiniResult r = session_.run(sql);
  std::string out;
  for (const Status& n : r.notices) out += "NOTICE:  00000: " + n.message() + "\n";
  for (const auto& row : r.rows) {
    for (size_t i = 0; i < row.size(); ++i) out += (i > 0 ? "|" : "") + row[i].value_or("NULL");
    out += "\n";
  }
  if (r.status.ok()) {
    const bool told = !r.has_rows || (!r.tag.starts_with("SELECT"));
    return told ? out + r.tag + "\n" : out;
  }
  const Status::Fields& f = r.status.fields();
  out += "ERROR:  " + std::string(r.status.sqlstate().view()) + ": " + r.status.message() + "\n";
  if (!f.detail.empty()) out += "DETAIL:  " + f.detail + "\n";
  if (!f.hint.empty()) out += "HINT:  " + f.hint + "\n";
  return out;
}

}  // namespace quorate::sql
