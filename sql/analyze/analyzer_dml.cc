// INSERT, UPDATE, DELETE.
extern "C" {
#include <pg_query/pg_query.pb-c.h>
}

#include "sql/analyze/analyzer.h"

namespace quorate::sql {
namespace {

const PgQuery__SelectStmt* plain_values(const Node* n) {
  if (n == nullptr || n->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) return nullptr;
  const PgQuery__SelectStmt* s = n->select_stmt;
  bool plain = s->n_values_lists > 0 && s->n_sort_clause == 0 && s->limit_count == nullptr &&
               s->limit_offset == nullptr && s->n_locking_clause == 0 && s->with_clause == nullptr;
  return plain ? s : nullptr;
}

}  // namespace

Result<uint32_t> Analyzer::target_column(const std::string& name, int32_t location) {
  const TableDescriptor& t = target_table();
  for (uint32_t i = 0; i < t.columns.size(); ++i)
    if (!t.columns[i].dropped && t.columns[i].name == name) return i;
  return fail(sqlstate::kUndefinedColumn,
              "column \"" + name + "\" of relation \"" + t.name + "\" does not exist", location);
}

// Adds the table as relation 0 and names it; INSERT's is seen by RETURNING and ON CONFLICT only.
Result<uint32_t> Analyzer::open_target(const PgQuery__RangeVar& v, bool visible) {
  if (context_.system_tables != nullptr) {
    std::string schema = v.schemaname != nullptr ? v.schemaname : "";
    const SystemTable* system =
        context_.system_tables->find(schema.empty() ? "pg_catalog" : schema, v.relname);
    if (system != nullptr && (schema.empty() ? !find_table(context_, "", v.relname) : true))
      return fail(sqlstate::kInsufficientPrivilege,
                  "permission denied: \"" + std::string(v.relname) + "\" is a system catalog");
  }
  std::vector<ScopeItem> items;
  ASSIGN_OR_RETURN(TablePtr table, table_of(v));
  Relation r;
  r.kind = Relation::Kind::kTable;
  for (const auto& c : table->columns) r.columns.push_back({c.dropped ? "" : c.name, c.type});
  const SchemaDescriptor* s = context_.catalog->schema(table->schema);
  std::string schema = s != nullptr ? s->name : "", name = table->name;
  r.table = std::move(table);
  ASSIGN_OR_RETURN(auto leaf, add_relation(std::move(r), v.alias, name, schema, &items));
  scope_->query->target = *leaf->relation;
  items[0].table_visible = items[0].columns_visible = visible;
  scope_->items.push_back(std::move(items[0]));
  if (visible) scope_->query->from = std::move(leaf);
  return scope_->query->target;
}

Result<ExprPtr> Analyzer::default_of(uint32_t column) {
  const TableDescriptor& t = target_table();
  const ColumnDescriptor& c = t.columns[column];
  if (c.default_sql.empty()) {
    ExprPtr e = make_const(c.type, Datum::null());
    return e;
  }
  return bind_table_expression(c.default_sql, scope_->query->relations[scope_->query->target].table,
                               c.type, context_);
}

Status Analyzer::add_checks() {
  Query& q = *scope_->query;
  TablePtr table = q.relations[q.target].table;
  for (const auto& c : table->checks) {
    ASSIGN_OR_RETURN(ExprPtr e,
                     bind_table_expression(c.expression_sql, table, std::nullopt, context_));
    if (q.target != 0)
      visit_expr(*e, [&](Expr& x, uint32_t) {
        if (x.kind == ExprKind::kColumn) x.relation = q.target;
      });
    q.checks.emplace_back(c.name, std::move(e));
  }
  return {};
}

Status Analyzer::add_defaults() {
  Query& q = *scope_->query;
  const TableDescriptor& t = target_table();
  for (uint32_t i = 0; i < t.columns.size(); ++i) {
    const ColumnDescriptor& c = t.columns[i];
    if (c.dropped || c.default_sql.empty()) continue;
    if (std::find(q.insert_columns.begin(), q.insert_columns.end(), i) != q.insert_columns.end())
      continue;
    ASSIGN_OR_RETURN(ExprPtr e, default_of(i));
    q.defaults.push_back({i, std::move(e)});
  }
  return {};
}

Status Analyzer::insert_target_columns(Node* const* nodes, size_t n,
                                       std::vector<int32_t>* locations) {
  Query& q = *scope_->query;
  const TableDescriptor& t = target_table();
  if (n == 0) {
    for (uint32_t i = 0; i < t.columns.size(); ++i)
      if (!t.columns[i].dropped) q.insert_columns.push_back(i);
    locations->assign(q.insert_columns.size(), -1);
    return {};
  }
  for (size_t i = 0; i < n; ++i) {
    const PgQuery__ResTarget& r = *nodes[i]->res_target;
    ASSIGN_OR_RETURN(uint32_t column, target_column(r.name, r.location));
    if (r.n_indirection > 0) return unsupported("assignment to a part of a column", r.location);
    auto& list = q.insert_columns;
    if (std::find(list.begin(), list.end(), column) != list.end())
      return fail(sqlstate::kDuplicateColumn,
                  "column \"" + std::string(r.name) + "\" specified more than once", r.location);
    list.push_back(column);
    locations->push_back(r.location);
  }
  return {};
}

Status Analyzer::check_insert_width(size_t given, bool explicit_columns,
                                    const std::vector<int32_t>& locations, int32_t extra_location) {
  Query& q = *scope_->query;
  if (given > q.insert_columns.size())
    return fail(sqlstate::kSyntaxError, "INSERT has more expressions than target columns",
                extra_location);
  if (given < q.insert_columns.size()) {
    if (explicit_columns)
      return fail(sqlstate::kSyntaxError, "INSERT has more target columns than expressions",
                  locations[given]);
    q.insert_columns.resize(given);
  }
  return {};
}

// DEFAULT and the columns' types are put in row by row, as PostgreSQL does.
Status Analyzer::insert_values(const PgQuery__SelectStmt& s,
                               const std::vector<int32_t>& locations) {
  Query& q = *scope_->query;
  TablePtr table = q.relations[q.target].table;
  bool explicit_columns = !locations.empty() && locations[0] >= 0;
  size_t width = s.values_lists[0]->list->n_items;
  for (size_t i = 1; i < s.n_values_lists; ++i) {
    const PgQuery__List& row = *s.values_lists[i]->list;
    if (row.n_items == width) continue;
    ASSIGN_OR_RETURN(ExprPtr first, expr_in(row.items[0], Place::kValues));
    return fail(sqlstate::kSyntaxError, "VALUES lists must all be the same length",
                first->location);
  }
  if (width > q.insert_columns.size()) {
    const Node* extra = s.values_lists[0]->list->items[q.insert_columns.size()];
    int32_t location = -1;
    if (!is_set_to_default(extra)) {
      ASSIGN_OR_RETURN(ExprPtr e, expr_in(extra, Place::kValues));
      location = e->location;
    }
    return check_insert_width(width, explicit_columns, locations, location);
  }
  RETURN_IF_ERROR(check_insert_width(width, explicit_columns, locations, -1));
  std::vector<uint32_t> columns = q.insert_columns;
  std::vector<ExprPtr> defaults(width);
  const bool overriding_system = overriding_system_;

  auto source = std::make_unique<Query>();
  source->command = Command::kValues;
  Relation r;
  r.kind = Relation::Kind::kValues;
  {
    ScopeGuard scope(*this, source.get());
    scope->place = Place::kValues;
    r.values.reserve(s.n_values_lists);
    for (size_t i = 0; i < s.n_values_lists; ++i) {
      const PgQuery__List& row = *s.values_lists[i]->list;
      auto& out = r.values.emplace_back();
      out.reserve(width);
      for (size_t k = 0; k < width; ++k) {
        const ColumnDescriptor& c = table->columns[columns[k]];
        const bool replaced = overriding_user_ && c.identity != Identity::kNone;
        if (is_set_to_default(row.items[k]) || replaced) {
          if (!defaults[k]) {
            ASSIGN_OR_RETURN(defaults[k],
                             c.default_sql.empty()
                                 ? Result<ExprPtr>(make_const(c.type, Datum::null()))
                                 : bind_table_expression(c.default_sql, table, c.type, context_));
          }
          out.push_back(clone(*defaults[k]));
          continue;
        }
        if (c.identity == Identity::kAlways && !overriding_system)
          return Status(StatusCode::kInvalidArgument, sqlstate::kGeneratedAlways,
                        "cannot insert a non-DEFAULT value into column \"" + c.name + "\"")
              .with_detail("Column \"" + c.name +
                           "\" is an identity column defined as GENERATED ALWAYS.")
              .with_hint("Use OVERRIDING SYSTEM VALUE to override.");
        ASSIGN_OR_RETURN(ExprPtr e, expr(row.items[k]));
        ASSIGN_OR_RETURN(e, assign(std::move(e), c.type, c.name));
        out.push_back(std::move(e));
      }
    }
    for (size_t k = 0; k < width; ++k)
      r.columns.push_back({table->columns[columns[k]].name, table->columns[columns[k]].type});
    ASSIGN_OR_RETURN(source->from,
                     add_relation(std::move(r), nullptr, "*VALUES*", "", &scope->items));
    for (const auto& c : scope->items[0].columns) {
      Target t;
      t.expr = clone(*c.expr);
      t.name = c.name;
      source->targets.push_back(std::move(t));
    }
  }
  q.source = std::move(source);
  return {};
}

Status Analyzer::insert_select(const Node* n) {
  Query& q = *scope_->query;
  TablePtr table = q.relations[q.target].table;
  const bool overriding_system = overriding_system_;
  ASSIGN_OR_RETURN(auto source, subquery(n, false));
  size_t given = 0;
  int32_t extra = -1;
  for (const auto& t : source->targets) {
    if (t.hidden) continue;
    if (given++ == q.insert_columns.size()) extra = t.expr->location;
  }
  // Where the list of columns was written its positions are not kept; PostgreSQL points at the
  // first column without value.
  RETURN_IF_ERROR(check_insert_width(given, false, {}, extra));
  auto column = [&](size_t i) -> const ColumnDescriptor& {
    return table->columns[q.insert_columns[i]];
  };
  for (size_t i = 0; i < given; ++i)
    if (column(i).identity == Identity::kAlways && !overriding_system)
      return Status(StatusCode::kInvalidArgument, sqlstate::kGeneratedAlways,
                    "cannot insert a non-DEFAULT value into column \"" + column(i).name + "\"")
          .with_detail("Column \"" + column(i).name +
                       "\" is an identity column defined as GENERATED ALWAYS.")
          .with_hint("Use OVERRIDING SYSTEM VALUE to override.");
  auto cast = [&](size_t i, ExprPtr e) {
    return assign(std::move(e), column(i).type, column(i).name);
  };
  auto needed = [&](size_t i, const Expr& e) {
    return e.type.oid != column(i).type.oid ||
           (column(i).type.typmod >= 0 && e.type.typmod != column(i).type.typmod);
  };
  ASSIGN_OR_RETURN(q.source, coerce_columns(std::move(source), cast, needed));
  return {};
}

Result<std::unique_ptr<Query>> Analyzer::insert(const PgQuery__InsertStmt& s) {
  auto q = std::make_unique<Query>();
  q->command = Command::kInsert;
  ScopeGuard scope(*this, q.get());
  RETURN_IF_ERROR(with_clause(s.with_clause));
  const bool user_value = s.override == PG_QUERY__OVERRIDING_KIND__OVERRIDING_USER_VALUE;
  if (user_value && plain_values(s.select_stmt) == nullptr && s.select_stmt != nullptr)
    return unsupported("OVERRIDING USER VALUE with a query");
  RETURN_IF_ERROR(open_target(*s.relation, false));
  overriding_user_ = user_value;
  overriding_system_ = s.override == PG_QUERY__OVERRIDING_KIND__OVERRIDING_SYSTEM_VALUE;
  std::vector<int32_t> locations;
  RETURN_IF_ERROR(insert_target_columns(s.cols, s.n_cols, &locations));
  if (s.select_stmt == nullptr) {
    q->insert_columns.clear();  // DEFAULT VALUES: one row of no columns
  } else if (const auto* v = plain_values(s.select_stmt)) {
    RETURN_IF_ERROR(insert_values(*v, locations));
  } else {
    RETURN_IF_ERROR(insert_select(s.select_stmt));
    if (s.n_cols > q->insert_columns.size())
      return fail(sqlstate::kSyntaxError, "INSERT has more target columns than expressions",
                  locations[q->insert_columns.size()]);
  }
  RETURN_IF_ERROR(add_defaults());
  RETURN_IF_ERROR(add_checks());
  scope->items[0].table_visible = scope->items[0].columns_visible = true;
  if (s.on_conflict_clause != nullptr) RETURN_IF_ERROR(on_conflict(*s.on_conflict_clause));
  RETURN_IF_ERROR(
      target_list(s.returning_list, s.n_returning_list, &q->targets, Place::kReturning));
  for (auto& t : q->targets) {
    ASSIGN_OR_RETURN(t.expr, resolve_unknown(std::move(t.expr)));
  }
  return q;
}

Result<uint32_t> Analyzer::arbiter(const PgQuery__OnConflictClause& c) {
  const TableDescriptor& t = target_table();
  const PgQuery__InferClause& infer = *c.infer;
  if (infer.conname != nullptr && infer.conname[0] != '\0') {
    for (uint32_t i = 0; i < t.indexes.size(); ++i)
      if (t.indexes[i].constraint && t.indexes[i].name == infer.conname) return i;
    return fail(sqlstate::kUndefinedObject, "constraint \"" + std::string(infer.conname) +
                                                "\" for table \"" + t.name + "\" does not exist");
  }
  if (infer.where_clause != nullptr) return unsupported("ON CONFLICT ... WHERE for an index");
  std::vector<ColumnId> wanted;
  for (size_t i = 0; i < infer.n_index_elems; ++i) {
    const PgQuery__IndexElem& e = *infer.index_elems[i]->index_elem;
    if (e.expr != nullptr) return unsupported("ON CONFLICT on an expression", infer.location);
    const ColumnDescriptor* column = t.column(std::string_view(e.name));
    if (column == nullptr)
      return fail(sqlstate::kUndefinedColumn,
                  "column \"" + std::string(e.name) + "\" does not exist", infer.location);
    wanted.push_back(column->id);
  }
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  for (uint32_t i = 0; i < t.indexes.size(); ++i) {
    const IndexDescriptor& index = t.indexes[i];
    if (!index.unique || index.state != SchemaState::kPublic) continue;
    std::vector<ColumnId> has;
    for (const auto& k : index.columns) has.push_back(k.column);
    std::sort(has.begin(), has.end());
    if (has == wanted) return i;
  }
  return fail(sqlstate::kInvalidColumnReference,
              "there is no unique or exclusion constraint matching the ON CONFLICT specification");
}

Status Analyzer::on_conflict(const PgQuery__OnConflictClause& c) {
  Query& q = *scope_->query;
  q.on_conflict = std::make_unique<OnConflict>();
  OnConflict& out = *q.on_conflict;
  out.do_nothing = c.action == PG_QUERY__ON_CONFLICT_ACTION__ONCONFLICT_NOTHING;
  if (c.infer != nullptr) {
    ASSIGN_OR_RETURN(uint32_t index, arbiter(c));
    out.index = index;
  } else if (!out.do_nothing) {
    return fail(sqlstate::kSyntaxError,
                "ON CONFLICT DO UPDATE requires inference specification or constraint name",
                c.location)
        .with_hint("For example, ON CONFLICT (column_name).");
  }
  if (out.do_nothing) return {};
  TablePtr table = q.relations[q.target].table;
  Relation r;
  r.kind = Relation::Kind::kTable;
  for (const auto& col : table->columns)
    r.columns.push_back({col.dropped ? "" : col.name, col.type});
  r.table = table;
  std::vector<ScopeItem> items;
  ASSIGN_OR_RETURN(auto leaf, add_relation(std::move(r), nullptr, "excluded", "", &items));
  out.excluded = *leaf->relation;
  // Its columns need their qualifier.
  items[0].columns_visible = false;
  scope_->items.push_back(std::move(items[0]));
  RETURN_IF_ERROR(set_clause(c.target_list, c.n_target_list, &out.assignments));
  if (c.where_clause != nullptr) {
    ASSIGN_OR_RETURN(ExprPtr e, expr_in(c.where_clause, Place::kWhere));
    ASSIGN_OR_RETURN(out.where, coerce_bool(std::move(e), "WHERE"));
  }
  scope_->items.pop_back();  // RETURNING does not see it
  return {};
}

Result<ExprPtr> Analyzer::assigned_value(const Node* n, uint32_t column) {
  const ColumnDescriptor c = target_table().columns[column];
  if (is_set_to_default(n)) {
    ASSIGN_OR_RETURN(ExprPtr e, default_of(column));
    return e;
  }
  if (c.identity == Identity::kAlways)
    return Status(StatusCode::kInvalidArgument, sqlstate::kGeneratedAlways,
                  "column \"" + c.name + "\" can only be updated to DEFAULT")
        .with_detail("Column \"" + c.name +
                     "\" is an identity column defined as GENERATED ALWAYS.");
  ASSIGN_OR_RETURN(ExprPtr e, expr_in(n, Place::kUpdate));
  return assign(std::move(e), c.type, c.name);
}

// SET (a, b) = (SELECT ...): one sub-query a column, which hides the others' values.
Result<ExprPtr> Analyzer::column_of_subquery(const PgQuery__MultiAssignRef& m) {
  const PgQuery__SubLink& link = *m.source->sub_link;
  const Place before = std::exchange(scope_->place, Place::kUpdate);
  auto q = subquery(link.subselect);
  scope_->place = before;
  if (!q.ok()) return q.status();
  std::vector<Target*> columns;
  for (Target& t : (*q)->targets) {
    if (!t.hidden) columns.push_back(&t);
  }
  if (columns.size() != static_cast<size_t>(m.ncolumns))
    return fail(sqlstate::kSyntaxError, "number of columns does not match number of values",
                link.location);
  if ((*q)->distinct && columns.size() > 1)
    return unsupported("DISTINCT in UPDATE ... SET (...) = (SELECT ...)", link.location);
  if ((*q)->set_operation != SetOperation::kNone && columns.size() > 1)
    return unsupported("UNION in UPDATE ... SET (...) = (SELECT ...)", link.location);
  for (size_t i = 0; i < columns.size(); ++i) {
    columns[i]->hidden = i + 1 != static_cast<size_t>(m.colno);
  }
  auto e = std::make_unique<Expr>();
  e->kind = ExprKind::kScalarSubquery;
  e->type = columns[static_cast<size_t>(m.colno) - 1]->expr->type;
  e->location = link.location;
  e->subquery = std::move(*q);
  return e;
}

Status Analyzer::set_clause(Node* const* nodes, size_t n, std::vector<Assignment>* out) {
  for (size_t i = 0; i < n; ++i) {
    const PgQuery__ResTarget& r = *nodes[i]->res_target;
    ASSIGN_OR_RETURN(uint32_t column, target_column(r.name, r.location));
    if (r.n_indirection > 0) return unsupported("assignment to a part of a column", r.location);
    for (const auto& a : *out)
      if (a.column == column)
        return fail(sqlstate::kSyntaxError,
                    "multiple assignments to same column \"" + std::string(r.name) + "\"");
    const Node* value = r.val;
    if (value->node_case == PG_QUERY__NODE__NODE_MULTI_ASSIGN_REF) {
      const PgQuery__MultiAssignRef& m = *value->multi_assign_ref;
      if (m.source->node_case == PG_QUERY__NODE__NODE_SUB_LINK &&
          m.source->sub_link->sub_link_type == PG_QUERY__SUB_LINK_TYPE__EXPR_SUBLINK) {
        ASSIGN_OR_RETURN(ExprPtr e, column_of_subquery(m));
        const ColumnDescriptor& c = target_table().columns[column];
        ASSIGN_OR_RETURN(e, assign(std::move(e), c.type, c.name));
        out->push_back({column, std::move(e)});
        continue;
      }
      if (m.source->node_case != PG_QUERY__NODE__NODE_ROW_EXPR)
        return unsupported("UPDATE ... SET (...) = this expression", r.location);
      const PgQuery__RowExpr& row = *m.source->row_expr;
      if (row.n_args != static_cast<size_t>(m.ncolumns))
        return fail(sqlstate::kSyntaxError, "number of columns does not match number of values",
                    row.location);
      value = row.args[m.colno - 1];
    }
    ASSIGN_OR_RETURN(ExprPtr e, assigned_value(value, column));
    out->push_back({column, std::move(e)});
  }
  return {};
}

Result<std::unique_ptr<Query>> Analyzer::update(const PgQuery__UpdateStmt& s) {
  auto q = std::make_unique<Query>();
  q->command = Command::kUpdate;
  ScopeGuard scope(*this, q.get());
  RETURN_IF_ERROR(with_clause(s.with_clause));
  RETURN_IF_ERROR(open_target(*s.relation, true));
  RETURN_IF_ERROR(from_clause(s.from_clause, s.n_from_clause));
  RETURN_IF_ERROR(set_clause(s.target_list, s.n_target_list, &q->assignments));
  if (s.where_clause != nullptr) {
    ASSIGN_OR_RETURN(ExprPtr e, expr_in(s.where_clause, Place::kWhere));
    ASSIGN_OR_RETURN(q->where, coerce_bool(std::move(e), "WHERE"));
  }
  RETURN_IF_ERROR(add_checks());
  RETURN_IF_ERROR(
      target_list(s.returning_list, s.n_returning_list, &q->targets, Place::kReturning));
  for (auto& t : q->targets) {
    ASSIGN_OR_RETURN(t.expr, resolve_unknown(std::move(t.expr)));
  }
  return q;
}

Result<std::unique_ptr<Query>> Analyzer::remove(const PgQuery__DeleteStmt& s) {
  auto q = std::make_unique<Query>();
  q->command = Command::kDelete;
  ScopeGuard scope(*this, q.get());
  RETURN_IF_ERROR(with_clause(s.with_clause));
  RETURN_IF_ERROR(open_target(*s.relation, true));
  RETURN_IF_ERROR(from_clause(s.using_clause, s.n_using_clause));
  if (s.where_clause != nullptr) {
    ASSIGN_OR_RETURN(ExprPtr e, expr_in(s.where_clause, Place::kWhere));
    ASSIGN_OR_RETURN(q->where, coerce_bool(std::move(e), "WHERE"));
  }
  RETURN_IF_ERROR(
      target_list(s.returning_list, s.n_returning_list, &q->targets, Place::kReturning));
  for (auto& t : q->targets) {
    ASSIGN_OR_RETURN(t.expr, resolve_unknown(std::move(t.expr)));
  }
  return q;
}

// COPY: an INSERT without source, or the SELECT of the columns.
Result<std::unique_ptr<Query>> Analyzer::copy_target(const PgQuery__RangeVar& name,
                                                     const std::vector<std::string>& columns,
                                                     bool from) {
  auto q = std::make_unique<Query>();
  q->command = from ? Command::kInsert : Command::kSelect;
  ScopeGuard scope(*this, q.get());
  if (from) {
    RETURN_IF_ERROR(open_target(name, false));
  } else {
    ASSIGN_OR_RETURN(q->from, range_var(name, &scope->items));
  }
  const Relation& r = q->relations[0];
  std::vector<uint32_t> list;
  for (const auto& c : columns) {
    uint32_t at = 0;
    while (at < r.columns.size() && r.columns[at].name != c) ++at;
    if (at == r.columns.size())
      return fail(sqlstate::kUndefinedColumn,
                  "column \"" + c + "\" of relation \"" + r.alias + "\" does not exist");
    if (std::find(list.begin(), list.end(), at) != list.end())
      return fail(sqlstate::kDuplicateColumn, "column \"" + c + "\" specified more than once");
    list.push_back(at);
  }
  if (columns.empty())
    for (uint32_t i = 0; i < r.columns.size(); ++i)
      if (!r.columns[i].name.empty()) list.push_back(i);
  if (from) {
    q->insert_columns = std::move(list);
    RETURN_IF_ERROR(add_defaults());
    RETURN_IF_ERROR(add_checks());
    return q;
  }
  for (uint32_t i : list) {
    Target t;
    t.expr = make_column(0, i, r.columns[i].type);
    t.name = r.columns[i].name;
    q->targets.push_back(std::move(t));
  }
  return q;
}

}  // namespace quorate::sql
