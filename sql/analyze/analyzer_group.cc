// ORDER BY, GROUP BY, DISTINCT, and the rule that what is not grouped must be aggregated.
extern "C" {
#include <pg_query/pg_query.pb-c.h>
}

#include "sql/analyze/analyzer.h"

namespace quorate::sql {
namespace {

const char* clause_name(Place p) {
  return p == Place::kGroupBy ? "GROUP BY" : p == Place::kDistinctOn ? "DISTINCT ON" : "ORDER BY";
}

}  // namespace

Status Analyzer::check_sortable(Type type, bool order, int32_t location) const {
  ComparisonKind kind = order ? ComparisonKind::kLess : ComparisonKind::kEqual;
  if (type.oid == oid::kUnknown || type.oid == oid::kRecord ||
      comparison_operator(kind, type.oid) != nullptr)
    return {};
  Oid element = element_type(type.oid);
  if (element != 0 && comparison_operator(kind, element) != nullptr) return {};
  Status s = fail(sqlstate::kUndefinedFunction,
                  std::string("could not identify an ") + (order ? "ordering" : "equality") +
                      " operator for type " + format_type(type.oid),
                  location);
  if (!order) return s;
  return std::move(s).with_hint("Use an explicit ordering operator or modify the query.");
}

// The target that computes `e`, appended hidden where there is none.
Result<uint32_t> Analyzer::target_of_expr(ExprPtr e) {
  auto& targets = scope_->query->targets;
  ASSIGN_OR_RETURN(e, resolve_unknown(std::move(e)));
  for (uint32_t i = 0; i < targets.size(); ++i)
    if (same_expr(*targets[i].expr, *e)) return i;
  Target t;
  t.expr = std::move(e);
  t.hidden = true;
  targets.push_back(std::move(t));
  return static_cast<uint32_t>(targets.size() - 1);
}

// SQL-92's reading: a bare name may be an output column's, an integer is a position. ORDER BY looks
// at output names first, GROUP BY only where FROM has no such column.
Result<uint32_t> Analyzer::target_for(const Node* n, Place place, bool output_names_first) {
  auto& targets = scope_->query->targets;
  const char* clause = clause_name(place);
  if (n->node_case == PG_QUERY__NODE__NODE_COLUMN_REF && n->column_ref->n_fields == 1 &&
      n->column_ref->fields[0]->node_case == PG_QUERY__NODE__NODE_STRING) {
    std::string name = string_of(n->column_ref->fields[0]);
    bool look = output_names_first;
    if (!look) {
      bool in_from = false;
      for (const auto& item : scope_->items)
        for (const auto& c : item.columns) in_from |= item.columns_visible && c.name == name;
      look = !in_from;
    }
    std::optional<uint32_t> found;
    for (uint32_t i = 0; look && i < targets.size(); ++i) {
      if (targets[i].hidden || targets[i].name != name) continue;
      if (found && !same_expr(*targets[*found].expr, *targets[i].expr))
        return fail(sqlstate::kAmbiguousColumn,
                    std::string(clause) + " \"" + name + "\" is ambiguous",
                    n->column_ref->location);
      if (!found) found = i;
    }
    if (found) return *found;
  }
  if (n->node_case == PG_QUERY__NODE__NODE_A_CONST) {
    const PgQuery__AConst& c = *n->a_const;
    if (c.isnull || c.val_case != PG_QUERY__A__CONST__VAL_IVAL)
      return fail(sqlstate::kSyntaxError, std::string("non-integer constant in ") + clause,
                  c.location);
    int32_t position = c.ival->ival;
    for (uint32_t i = 0, k = 0; i < targets.size(); ++i)
      if (!targets[i].hidden && static_cast<int32_t>(++k) == position) return i;
    return fail(
        sqlstate::kInvalidColumnReference,
        std::string(clause) + " position " + std::to_string(position) + " is not in select list",
        c.location);
  }
  ASSIGN_OR_RETURN(ExprPtr e, expr_in(n, place));
  return target_of_expr(std::move(e));
}

Status Analyzer::order_by(Node* const* nodes, size_t n) {
  Query& q = *scope_->query;
  for (size_t i = 0; i < n; ++i) {
    const PgQuery__SortBy& s = *nodes[i]->sort_by;
    SortItem item;
    ASSIGN_OR_RETURN(item.target, target_for(s.node, Place::kOrderBy, true));
    Target& t = q.targets[item.target];
    ASSIGN_OR_RETURN(t.expr, resolve_unknown(std::move(t.expr)));
    RETURN_IF_ERROR(check_sortable(t.expr->type, true, t.expr->location));
    if (s.sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_USING) {
      std::string op = string_of(s.use_op[s.n_use_op - 1]);
      if (op != "<" && op != ">") return unsupported("ORDER BY ... USING " + op, s.location);
      item.descending = op == ">";
    } else {
      item.descending = s.sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_DESC;
    }
    item.nulls_first =
        s.sortby_nulls == PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_FIRST ||
        (s.sortby_nulls != PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_LAST && item.descending);
    bool again = false;
    for (const auto& other : q.order_by) again |= other.target == item.target;
    if (!again) q.order_by.push_back(item);
  }
  return {};
}

Status Analyzer::group_by(Node* const* nodes, size_t n) {
  Query& q = *scope_->query;
  if (n > 0) q.has_aggregates = true;
  for (size_t i = 0; i < n; ++i) {
    if (nodes[i]->node_case == PG_QUERY__NODE__NODE_GROUPING_SET) {
      const PgQuery__GroupingSet& g = *nodes[i]->grouping_set;
      if (g.kind == PG_QUERY__GROUPING_SET_KIND__GROUPING_SET_EMPTY) continue;
      return unsupported("GROUPING SETS, CUBE and ROLLUP", g.location);
    }
    // GROUP BY (a, b) is GROUP BY a, b.
    if (nodes[i]->node_case == PG_QUERY__NODE__NODE_ROW_EXPR &&
        nodes[i]->row_expr->row_format == PG_QUERY__COERCION_FORM__COERCE_IMPLICIT_CAST) {
      RETURN_IF_ERROR(group_by(nodes[i]->row_expr->args, nodes[i]->row_expr->n_args));
      continue;
    }
    size_t before = q.targets.size();
    ASSIGN_OR_RETURN(uint32_t target, target_for(nodes[i], Place::kGroupBy, false));
    Target& t = q.targets[target];
    ASSIGN_OR_RETURN(t.expr, resolve_unknown(std::move(t.expr)));
    if (contains_aggregate(*t.expr))
      return fail(sqlstate::kGroupingError, "aggregate functions are not allowed in GROUP BY",
                  t.expr->location);
    RETURN_IF_ERROR(check_sortable(t.expr->type, false, t.expr->location));
    bool again = false;
    for (const auto& g : q.group_by) again |= same_expr(*g, *t.expr);
    // A target made for GROUP BY alone need not be computed.
    bool own = q.targets.size() > before;
    if (!again) q.group_by.push_back(own ? std::move(t.expr) : clone(*t.expr));
    if (own) q.targets.pop_back();
  }
  return {};
}

Status Analyzer::distinct_clause(Node* const* nodes, size_t n) {
  Query& q = *scope_->query;
  if (n == 0) return {};
  bool plain = nodes[0] == nullptr || nodes[0]->node_case == PG_QUERY__NODE__NODE__NOT_SET;
  if (plain) {
    q.distinct = true;
    for (auto& t : q.targets) {
      if (t.hidden)
        return fail(sqlstate::kInvalidColumnReference,
                    "for SELECT DISTINCT, ORDER BY expressions must appear in select list",
                    t.expr->location);
      RETURN_IF_ERROR(check_sortable(t.expr->type, false, t.expr->location));
    }
    return {};
  }
  for (size_t i = 0; i < n; ++i) {
    ASSIGN_OR_RETURN(uint32_t target, target_for(nodes[i], Place::kDistinctOn, true));
    RETURN_IF_ERROR(
        check_sortable(q.targets[target].expr->type, false, q.targets[target].expr->location));
    auto& on = q.distinct_on;
    if (std::find(on.begin(), on.end(), target) == on.end()) on.push_back(target);
  }
  // The first sort keys must be these, in any order.
  const auto& on = q.distinct_on;
  size_t leading = 0;
  while (leading < q.order_by.size() &&
         std::find(on.begin(), on.end(), q.order_by[leading].target) != on.end())
    ++leading;
  if (leading == q.order_by.size()) return {};
  for (uint32_t target : on) {
    bool sorted = false;
    for (size_t i = 0; i < leading; ++i) sorted |= q.order_by[i].target == target;
    if (!sorted)
      return fail(sqlstate::kInvalidColumnReference,
                  "SELECT DISTINCT ON expressions must match initial ORDER BY expressions",
                  q.targets[target].expr->location);
  }
  return {};
}

std::string Analyzer::column_name(uint32_t relation, uint32_t column, bool qualified) const {
  const Relation& r = scope_->query->relations[relation];
  const std::string& name = r.columns[column].name;
  return qualified && !r.alias.empty() ? r.alias + "." + name : name;
}

namespace {

// The relation's columns outside the groups follow from the groups where these hold its whole
// primary key.
bool key_is_grouped(const Query& q, uint32_t relation) {
  const Relation& r = q.relations[relation];
  if (!r.table || r.kind != Relation::Kind::kTable) return false;
  const IndexDescriptor& primary = r.table->indexes[0];
  if (!primary.primary) return false;
  for (const auto& k : primary.columns) {
    bool found = false;
    for (const auto& g : q.group_by)
      found |= g->kind == ExprKind::kColumn && g->levels_up == 0 && g->relation == relation &&
               r.table->columns[g->index].id == k.column;
    if (!found) return false;
  }
  return true;
}

// The first column of the query that stands outside aggregates and groups, or null. What is
// dependent on a grouped key becomes a group of its own, which changes no group.
class GroupCheck {
 public:
  explicit GroupCheck(Query& q) : q_(q) {}
  const Expr* find(Expr& e, uint32_t depth) {
    if (depth == 0) {
      for (const auto& g : q_.group_by)
        if (same_expr(*g, e)) return nullptr;
      if (e.kind == ExprKind::kAggregate) return nullptr;
    }
    if (e.kind == ExprKind::kColumn && e.levels_up == depth) return column(e);
    for (auto& a : e.args)
      if (a)
        if (const Expr* bad = find(*a, depth)) return bad;
    if (e.subquery) return in_subquery(*e.subquery, depth + 1);
    return nullptr;
  }

 private:
  const Expr* column(const Expr& e) {
    for (const auto& g : q_.group_by)
      if (g->kind == ExprKind::kColumn && g->levels_up == 0 && g->relation == e.relation &&
          g->index == e.index)
        return nullptr;
    if (!key_is_grouped(q_, e.relation)) return &e;
    q_.group_by.push_back(make_column(e.relation, e.index, e.type));
    return nullptr;
  }
  const Expr* in_subquery(Query& q, uint32_t depth) {
    const Expr* bad = nullptr;
    visit_query(
        q,
        [&](Expr& x, uint32_t d) {
          if (bad == nullptr && x.kind == ExprKind::kColumn && x.levels_up == d) bad = column(x);
        },
        depth);
    return bad;
  }
  Query& q_;
};

}  // namespace

Status Analyzer::check_grouping() {
  Query& q = *scope_->query;
  if (!q.has_aggregates) return {};
  GroupCheck check(q);
  auto report = [&](const Expr* bad, bool in_subquery) -> Status {
    if (bad == nullptr) return {};
    std::string name = column_name(bad->relation, bad->index, true);
    if (in_subquery)
      return fail(sqlstate::kGroupingError,
                  "subquery uses ungrouped column \"" + name + "\" from outer query",
                  bad->location);
    return fail(sqlstate::kGroupingError,
                "column \"" + name +
                    "\" must appear in the GROUP BY clause or be used in an aggregate function",
                bad->location);
  };
  for (auto& t : q.targets) {
    const Expr* bad = check.find(*t.expr, 0);
    RETURN_IF_ERROR(report(bad, bad != nullptr && bad->levels_up > 0));
  }
  if (q.having) {
    const Expr* bad = check.find(*q.having, 0);
    RETURN_IF_ERROR(report(bad, bad != nullptr && bad->levels_up > 0));
  }
  return {};
}

}  // namespace quorate::sql
