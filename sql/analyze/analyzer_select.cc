// SELECT, VALUES, set operations, WITH.
extern "C" {
#include <pg_query/pg_query.pb-c.h>
}

#include "sql/analyze/analyzer.h"

namespace quorate::sql {
namespace {

bool used_by_order(const Query& q, uint32_t target) {
  for (const auto& s : q.order_by)
    if (s.target == target) return true;
  return std::find(q.distinct_on.begin(), q.distinct_on.end(), target) != q.distinct_on.end();
}

// Whether a cast of this target inside the query leaves what the query computes as it is.
bool casts_in_place(const Query& q, uint32_t target) {
  if (q.command != Command::kSelect || q.set_operation != SetOperation::kNone) return false;
  if (q.targets[target].expr->kind == ExprKind::kSetReturning) return false;
  return !q.distinct && !used_by_order(q, target);
}

}  // namespace

Result<std::unique_ptr<Query>> Analyzer::query(const Node* n) {
  switch (n->node_case) {
    case PG_QUERY__NODE__NODE_SELECT_STMT:
      return select(*n->select_stmt, true);
    case PG_QUERY__NODE__NODE_INSERT_STMT:
      return insert(*n->insert_stmt);
    case PG_QUERY__NODE__NODE_UPDATE_STMT:
      return update(*n->update_stmt);
    case PG_QUERY__NODE__NODE_DELETE_STMT:
      return remove(*n->delete_stmt);
    case PG_QUERY__NODE__NODE_MERGE_STMT:
      return unsupported("MERGE");
    default:
      return unsupported("this statement");
  }
}

Result<std::unique_ptr<Query>> Analyzer::select(const PgQuery__SelectStmt& s,
                                                bool resolve_unknowns) {
  if (s.into_clause != nullptr) return unsupported("SELECT INTO");
  if (s.op != PG_QUERY__SET_OPERATION__SETOP_NONE) return set_operation(s);
  if (s.n_values_lists > 0) return values(s);
  return plain_select(s, resolve_unknowns);
}

Status Analyzer::with_clause(const PgQuery__WithClause* w) {
  if (w == nullptr) return {};
  if (w->recursive) return unsupported("WITH RECURSIVE", w->location);
  for (size_t i = 0; i < w->n_ctes; ++i) {
    const PgQuery__CommonTableExpr& c = *w->ctes[i]->common_table_expr;
    for (const auto& other : scope_->ctes)
      if (other.name == c.ctename)
        return fail(sqlstate::kDuplicateAlias,
                    "WITH query name \"" + other.name + "\" specified more than once", c.location);
    if (c.ctequery->node_case != PG_QUERY__NODE__NODE_SELECT_STMT)
      return unsupported("a data-modifying statement in WITH", c.location);
    Cte cte;
    cte.name = c.ctename;
    ASSIGN_OR_RETURN(cte.query, select(*c.ctequery->select_stmt, true));
    for (const auto& t : cte.query->targets)
      if (!t.hidden) cte.columns.push_back({t.name, t.expr->type});
    if (c.n_aliascolnames > cte.columns.size())
      return fail(sqlstate::kInvalidColumnReference,
                  "WITH query \"" + cte.name + "\" has " + std::to_string(cte.columns.size()) +
                      " columns available but " + std::to_string(c.n_aliascolnames) +
                      " columns specified",
                  c.location);
    for (size_t k = 0; k < c.n_aliascolnames; ++k)
      cte.columns[k].name = string_of(c.aliascolnames[k]);
    scope_->ctes.push_back(std::move(cte));
  }
  return {};
}

Status Analyzer::target_list(Node* const* nodes, size_t n, std::vector<Target>* out, Place place) {
  for (size_t i = 0; i < n; ++i) {
    const PgQuery__ResTarget& r = *nodes[i]->res_target;
    if (r.val->node_case == PG_QUERY__NODE__NODE_COLUMN_REF) {
      const PgQuery__ColumnRef& c = *r.val->column_ref;
      if (c.fields[c.n_fields - 1]->node_case == PG_QUERY__NODE__NODE_A_STAR) {
        RETURN_IF_ERROR(expand_star(c, out));
        continue;
      }
    }
    Target t;
    ASSIGN_OR_RETURN(t.expr, expr_in(r.val, place));
    t.name = r.name != nullptr && r.name[0] != '\0' ? r.name : figure_column_name(r.val);
    if (t.expr->kind == ExprKind::kColumn) {
      const Scope* s = scope_;
      for (uint32_t up = t.expr->levels_up; up > 0 && s != nullptr; --up) s = s->parent;
      const Relation* rel = s != nullptr ? &s->query->relations[t.expr->relation] : nullptr;
      if (rel != nullptr && rel->table) {
        t.table_oid = rel->table->oid;
        t.column_number = static_cast<int16_t>(rel->table->columns[t.expr->index].id);
      } else if (rel != nullptr && rel->system_table != nullptr) {
        t.table_oid = rel->system_table->oid();
        t.column_number = static_cast<int16_t>(t.expr->index + 1);
      }
    }
    out->push_back(std::move(t));
  }
  return {};
}

Result<std::unique_ptr<Query>> Analyzer::plain_select(const PgQuery__SelectStmt& s,
                                                      bool resolve_unknowns) {
  auto q = std::make_unique<Query>();
  ScopeGuard scope(*this, q.get());
  if (s.n_window_clause > 0) return unsupported("WINDOW");
  RETURN_IF_ERROR(with_clause(s.with_clause));
  RETURN_IF_ERROR(from_clause(s.from_clause, s.n_from_clause));
  RETURN_IF_ERROR(target_list(s.target_list, s.n_target_list, &q->targets, Place::kSelect));
  if (s.where_clause != nullptr) {
    ASSIGN_OR_RETURN(ExprPtr e, expr_in(s.where_clause, Place::kWhere));
    ASSIGN_OR_RETURN(q->where, coerce_bool(std::move(e), "WHERE"));
  }
  if (s.having_clause != nullptr) {
    ASSIGN_OR_RETURN(ExprPtr e, expr_in(s.having_clause, Place::kHaving));
    ASSIGN_OR_RETURN(q->having, coerce_bool(std::move(e), "HAVING"));
    q->has_aggregates = true;
  }
  RETURN_IF_ERROR(order_by(s.sort_clause, s.n_sort_clause));
  RETURN_IF_ERROR(group_by(s.group_clause, s.n_group_clause));
  RETURN_IF_ERROR(distinct_clause(s.distinct_clause, s.n_distinct_clause));
  RETURN_IF_ERROR(limit_clause(s));
  if (resolve_unknowns) {
    for (auto& t : q->targets) {
      ASSIGN_OR_RETURN(t.expr, resolve_unknown(std::move(t.expr)));
    }
  }
  RETURN_IF_ERROR(check_grouping());
  RETURN_IF_ERROR(locking_clause(s));
  return q;
}

Status Analyzer::limit_clause(const PgQuery__SelectStmt& s) {
  if (s.limit_option == PG_QUERY__LIMIT_OPTION__LIMIT_OPTION_WITH_TIES)
    return unsupported("FETCH ... WITH TIES");
  auto number = [&](const Node* n, Place place, const char* what, ExprPtr* out) -> Status {
    if (n == nullptr) return {};
    ASSIGN_OR_RETURN(ExprPtr e, expr_in(n, place));
    if (e->kind == ExprKind::kConst && e->value.is_null()) return {};  // LIMIT ALL
    Status column;
    visit_expr(*e, [&](Expr& x, uint32_t depth) {
      if (x.kind == ExprKind::kColumn && x.levels_up == depth)
        column =
            fail(sqlstate::kInvalidColumnReference,
                 std::string("argument of ") + what + " must not contain variables", x.location);
    });
    RETURN_IF_ERROR(column);
    ASSIGN_OR_RETURN(*out, coerce_int8(std::move(e), what));
    return {};
  };
  RETURN_IF_ERROR(number(s.limit_offset, Place::kOffset, "OFFSET", &scope_->query->offset));
  return number(s.limit_count, Place::kLimit, "LIMIT", &scope_->query->limit);
}

Status Analyzer::locking_clause(const PgQuery__SelectStmt& s) {
  if (s.n_locking_clause == 0) return {};
  Query& q = *scope_->query;
  for (size_t i = 0; i < s.n_locking_clause; ++i) {
    const PgQuery__LockingClause& c = *s.locking_clause[i]->locking_clause;
    bool exclusive = c.strength == PG_QUERY__LOCK_CLAUSE_STRENGTH__LCS_FORUPDATE ||
                     c.strength == PG_QUERY__LOCK_CLAUSE_STRENGTH__LCS_FORNOKEYUPDATE;
    const char* name =
        c.strength == PG_QUERY__LOCK_CLAUSE_STRENGTH__LCS_FORUPDATE        ? "FOR UPDATE"
        : c.strength == PG_QUERY__LOCK_CLAUSE_STRENGTH__LCS_FORNOKEYUPDATE ? "FOR NO KEY UPDATE"
        : c.strength == PG_QUERY__LOCK_CLAUSE_STRENGTH__LCS_FORSHARE       ? "FOR SHARE"
                                                                           : "FOR KEY SHARE";
    const char* clash = q.distinct || !q.distinct_on.empty() ? "DISTINCT clause"
                        : !q.group_by.empty()                ? "GROUP BY clause"
                        : q.having != nullptr                ? "HAVING clause"
                        : q.has_aggregates                   ? "aggregate functions"
                        : q.has_set_returning ? "set-returning functions in the target list"
                                              : nullptr;
    if (clash != nullptr)
      return fail(sqlstate::kFeatureNotSupported,
                  std::string(name) + " is not allowed with " + clash);
    RowLock lock;
    lock.mode = exclusive ? range::LockMode::kExclusive : range::LockMode::kShared;
    lock.wait =
        c.wait_policy == PG_QUERY__LOCK_WAIT_POLICY__LockWaitSkip ? range::WaitPolicy::kSkipLocked
        : c.wait_policy == PG_QUERY__LOCK_WAIT_POLICY__LockWaitError ? range::WaitPolicy::kNoWait
                                                                     : range::WaitPolicy::kBlock;
    if (c.n_locked_rels == 0) {
      for (uint32_t r = 0; r < q.relations.size(); ++r) {
        if (q.relations[r].kind == Relation::Kind::kTable) lock.relations.push_back(r);
        if (q.relations[r].kind == Relation::Kind::kSubquery)
          return unsupported(std::string(name) + " of a sub-query in FROM");
      }
    }
    for (size_t k = 0; k < c.n_locked_rels; ++k) {
      const PgQuery__RangeVar& v = *c.locked_rels[k]->range_var;
      bool found = false;
      for (const auto& item : scope_->items) {
        if (!item.relation || item.name != v.relname) continue;
        found = true;
        if (q.relations[*item.relation].kind != Relation::Kind::kTable)
          return unsupported(std::string(name) + " of what is not a table", v.location);
        lock.relations.push_back(*item.relation);
      }
      if (!found)
        return fail(sqlstate::kUndefinedTable,
                    "relation \"" + std::string(v.relname) + "\" in " + name +
                        " clause not found in FROM clause",
                    v.location);
    }
    q.locks.push_back(std::move(lock));
  }
  return {};
}

Result<std::unique_ptr<Query>> Analyzer::values(const PgQuery__SelectStmt& s) {
  auto q = std::make_unique<Query>();
  q->command = Command::kValues;
  ScopeGuard scope(*this, q.get());
  RETURN_IF_ERROR(with_clause(s.with_clause));
  Relation r;
  r.kind = Relation::Kind::kValues;
  r.alias = "*VALUES*";
  size_t width = s.values_lists[0]->list->n_items;
  Place before = std::exchange(scope_->place, Place::kValues);
  for (size_t i = 0; i < s.n_values_lists; ++i) {
    const PgQuery__List& row = *s.values_lists[i]->list;
    auto list = expr_list(row.items, row.n_items);
    if (!list.ok()) return list.status();
    if (row.n_items != width)
      return fail(sqlstate::kSyntaxError, "VALUES lists must all be the same length",
                  list->empty() ? -1 : list->front()->location);
    r.values.push_back(std::move(list).value());
  }
  scope_->place = before;
  for (size_t c = 0; c < width; ++c) {
    std::vector<ExprPtr*> column;
    for (auto& row : r.values) column.push_back(&row[c]);
    ASSIGN_OR_RETURN(Type type, unify("VALUES", std::move(column)));
    r.columns.push_back({"column" + std::to_string(c + 1), type});
  }
  ASSIGN_OR_RETURN(q->from, add_relation(std::move(r), nullptr, "*VALUES*", "", &scope_->items));
  for (const auto& c : scope_->items[0].columns) {
    Target t;
    t.expr = clone(*c.expr);
    t.name = c.name;
    q->targets.push_back(std::move(t));
  }
  if (s.n_locking_clause > 0)
    return fail(sqlstate::kFeatureNotSupported, "FOR UPDATE cannot be applied to VALUES");
  RETURN_IF_ERROR(order_by(s.sort_clause, s.n_sort_clause));
  RETURN_IF_ERROR(limit_clause(s));
  return q;
}

Result<std::unique_ptr<Query>> Analyzer::coerce_columns(
    std::unique_ptr<Query> q, const std::function<Result<ExprPtr>(size_t, ExprPtr)>& cast,
    const std::function<bool(size_t, const Expr&)>& needed) {
  bool wrap = false;
  size_t column = 0;
  for (uint32_t i = 0; i < q->targets.size(); ++i) {
    const Target& t = q->targets[i];
    if (t.hidden) continue;
    bool literal = t.expr->kind == ExprKind::kConst || t.expr->kind == ExprKind::kParam;
    if (needed(column, *t.expr) && !(literal && !q->distinct) && !casts_in_place(*q, i))
      wrap = true;
    ++column;
  }
  // A literal whose type is still open gets it where it stands, even below what wraps it.
  if (wrap) {
    for (auto& t : q->targets) {
      ASSIGN_OR_RETURN(t.expr, resolve_unknown(std::move(t.expr)));
    }
    q = wrap_query(std::move(q));
  }
  column = 0;
  for (auto& t : q->targets) {
    if (t.hidden) continue;
    if (needed(column, *t.expr)) {
      int32_t location = t.expr->location;
      ASSIGN_OR_RETURN(t.expr, cast(column, std::move(t.expr)));
      CHECK(t.expr != nullptr);
      t.expr->location = location;
    }
    ++column;
  }
  return q;
}

namespace {

const char* set_name(PgQuery__SetOperation op) {
  return op == PG_QUERY__SET_OPERATION__SETOP_UNION       ? "UNION"
         : op == PG_QUERY__SET_OPERATION__SETOP_INTERSECT ? "INTERSECT"
                                                          : "EXCEPT";
}

std::vector<Target*> visible(Query& q) {
  std::vector<Target*> out;
  for (auto& t : q.targets)
    if (!t.hidden) out.push_back(&t);
  return out;
}

}  // namespace

Result<std::unique_ptr<Query>> Analyzer::set_operation(const PgQuery__SelectStmt& s) {
  auto q = std::make_unique<Query>();
  ScopeGuard scope(*this, q.get());
  RETURN_IF_ERROR(with_clause(s.with_clause));
  q->set_operation = s.op == PG_QUERY__SET_OPERATION__SETOP_UNION       ? SetOperation::kUnion
                     : s.op == PG_QUERY__SET_OPERATION__SETOP_INTERSECT ? SetOperation::kIntersect
                                                                        : SetOperation::kExcept;
  q->set_all = s.all != 0;
  const char* name = set_name(s.op);
  if (s.n_locking_clause > 0)
    return fail(sqlstate::kFeatureNotSupported,
                "FOR UPDATE is not allowed with UNION/INTERSECT/EXCEPT");
  ASSIGN_OR_RETURN(q->left, select(*s.larg, false));
  ASSIGN_OR_RETURN(q->right, select(*s.rarg, false));
  auto left = visible(*q->left), right = visible(*q->right);
  if (left.size() != right.size())
    return fail(sqlstate::kSyntaxError,
                std::string("each ") + name + " query must have the same number of columns",
                right.empty() ? -1 : right[0]->expr->location);
  Relation r;
  r.kind = Relation::Kind::kSubquery;
  for (size_t i = 0; i < left.size(); ++i) {
    std::vector<Oid> types{left[i]->expr->type.oid, right[i]->expr->type.oid};
    auto common = common_type(name, types);
    if (!common.ok()) return at(common.status(), right[i]->expr->location);
    Type type{*common, -1};
    if (left[i]->expr->type == right[i]->expr->type) type.typmod = left[i]->expr->type.typmod;
    if (!q->set_all || q->set_operation != SetOperation::kUnion)
      RETURN_IF_ERROR(check_sortable(type, false, left[i]->expr->location));
    r.columns.push_back({left[i]->name, type});
  }
  for (auto* side : {&q->left, &q->right}) {
    auto cast = [&](size_t column, ExprPtr e) -> Result<ExprPtr> {
      Type source = e->type;
      int32_t location = e->location;
      ASSIGN_OR_RETURN(ExprPtr out, coerce(std::move(e), Type{r.columns[column].type.oid, -1},
                                           CastContext::kImplicit));
      if (out) return out;
      return fail(sqlstate::kCannotCoerce,
                  std::string(name) + " could not convert type " + format_type(source.oid) +
                      " to " + format_type(r.columns[column].type.oid),
                  location);
    };
    auto needed = [&](size_t column, const Expr& e) {
      return e.type.oid != r.columns[column].type.oid;
    };
    ASSIGN_OR_RETURN(*side, coerce_columns(std::move(*side), cast, needed));
  }
  std::unique_ptr<FromNode> unused;
  ASSIGN_OR_RETURN(unused, add_relation(std::move(r), nullptr, "", "", &scope_->items));
  for (const auto& c : scope_->items[0].columns) {
    Target t;
    t.expr = clone(*c.expr);
    t.name = c.name;
    q->targets.push_back(std::move(t));
  }
  size_t columns = q->targets.size();
  RETURN_IF_ERROR(order_by(s.sort_clause, s.n_sort_clause));
  if (q->targets.size() > columns)
    return fail(sqlstate::kFeatureNotSupported, "invalid UNION/INTERSECT/EXCEPT ORDER BY clause",
                q->targets[columns].expr->location)
        .with_detail("Only result column names can be used, not expressions or functions.")
        .with_hint(
            "Add the expression/function to every SELECT, or move the UNION into a FROM clause.");
  RETURN_IF_ERROR(limit_clause(s));
  return q;
}

}  // namespace quorate::sql
