// Function calls, aggregates, SQL's special functions, and the names that columns get.
extern "C" {
#include <pg_query/pg_query.pb-c.h>
}

#include "sql/analyze/analyzer.h"

namespace quorate::sql {
namespace {

// As PostgreSQL's messages name the place.
const char* place_name(Place p) {
  switch (p) {
    case Place::kWhere:
      return "WHERE";
    case Place::kGroupBy:
      return "GROUP BY";
    case Place::kJoin:
      return "JOIN conditions";
    case Place::kLimit:
      return "LIMIT";
    case Place::kOffset:
      return "OFFSET";
    case Place::kFromFunction:
      return "functions in FROM";
    case Place::kValues:
    case Place::kInsert:
      return "VALUES";
    case Place::kUpdate:
      return "UPDATE";
    case Place::kReturning:
      return "RETURNING";
    case Place::kDefault:
      return "DEFAULT expressions";
    case Place::kCheck:
      return "check constraints";
    case Place::kExecute:
      return "EXECUTE parameters";
    case Place::kFilter:
      return "FILTER";
    default:
      return nullptr;
  }
}

bool srf_allowed(Place p) {
  return p == Place::kSelect || p == Place::kOrderBy || p == Place::kGroupBy ||
         p == Place::kDistinctOn || p == Place::kFromFunction;
}

ExprPtr make_array(std::vector<ExprPtr> elements, Oid array) {
  auto e = std::make_unique<Expr>();
  e->kind = ExprKind::kArray;
  e->type = Type{array, -1};
  e->args = std::move(elements);
  return e;
}

}  // namespace

Status Analyzer::check_aggregate_place(int32_t location) const {
  if (scope_->place == Place::kAggregateArgument)
    return fail(sqlstate::kGroupingError, "aggregate function calls cannot be nested", location);
  if (const char* where = place_name(scope_->place))
    return fail(sqlstate::kGroupingError,
                std::string("aggregate functions are not allowed in ") + where, location);
  return {};
}

Result<ExprPtr> Analyzer::call(std::string_view name, std::vector<ExprPtr> args, int32_t location,
                               bool variadic) {
  std::vector<Oid> types;
  for (const auto& a : args) types.push_back(a->type.oid);
  auto f = resolve_function(name, types, variadic);
  if (!f.ok()) return at(f.status(), location);
  if (f->is_cast) return explicit_cast(std::move(args[0]), Type{f->result, -1}, location);
  auto e = std::make_unique<Expr>();
  e->location = location;
  e->function = f->function;
  e->type = Type{f->result, -1};
  e->kind = f->function->returns_set() ? ExprKind::kSetReturning : ExprKind::kCall;
  for (size_t i = 0; i < args.size(); ++i) {
    Type source = args[i]->type;
    ASSIGN_OR_RETURN(args[i],
                     coerce(std::move(args[i]), Type{f->args[i], -1}, CastContext::kImplicit));
    if (!args[i])
      return fail(sqlstate::kCannotCoerce,
                  "cannot cast type " + format_type(source.oid) + " to " + format_type(f->args[i]),
                  location);
  }
  if (f->variadic_from >= 0) {
    auto from = static_cast<size_t>(f->variadic_from);
    std::vector<ExprPtr> tail(std::make_move_iterator(args.begin() + f->variadic_from),
                              std::make_move_iterator(args.end()));
    // VARIADIC "any" takes its arguments as they are.
    if (f->function->variadic != oid::kAny) {
      Oid element = tail.empty() ? f->function->variadic : tail.front()->type.oid;
      args.resize(from);
      args.push_back(make_array(std::move(tail), array_type(element)));
    } else {
      for (size_t i = 0; i < tail.size(); ++i) args[from + i] = std::move(tail[i]);
    }
  }
  e->args = std::move(args);
  if (f->function->returns_set()) {
    if (!srf_allowed(scope_->place)) {
      const char* where = place_name(scope_->place);
      return fail(sqlstate::kFeatureNotSupported,
                  std::string("set-returning functions are not allowed in ") +
                      (where != nullptr ? where : "this context"),
                  location);
    }
    if (scope_->place != Place::kFromFunction) scope_->query->has_set_returning = true;
  }
  return e;
}

Result<ExprPtr> Analyzer::aggregate_call(const PgQuery__FuncCall& f, const std::string& name,
                                         std::vector<ExprPtr> args) {
  if (f.agg_within_group) return unsupported("WITHIN GROUP", f.location);
  std::vector<Oid> types;
  for (const auto& a : args) types.push_back(a->type.oid);
  auto r = resolve_aggregate(name, types, f.agg_star != 0);
  if (!r.ok()) return at(r.status(), f.location);
  auto e = std::make_unique<Expr>();
  e->kind = ExprKind::kAggregate;
  e->location = f.location;
  e->type = Type{r->result, -1};
  e->aggregate = std::make_unique<AggregateCall>();
  e->aggregate->info = r->aggregate;
  e->aggregate->distinct = f.agg_distinct != 0;
  for (size_t i = 0; i < args.size(); ++i) {
    ASSIGN_OR_RETURN(args[i],
                     coerce(std::move(args[i]), Type{r->args[i], -1}, CastContext::kImplicit));
    CHECK(args[i] != nullptr);
    if (f.agg_distinct) RETURN_IF_ERROR(check_sortable(args[i]->type, false, args[i]->location));
  }
  // min and max of a column keep its modifier's type, not the modifier, as in PostgreSQL.
  e->args = std::move(args);
  Place before = std::exchange(scope_->place, Place::kAggregateArgument);
  for (size_t i = 0; i < f.n_agg_order; ++i) {
    const PgQuery__SortBy& s = *f.agg_order[i]->sort_by;
    auto key = expr(s.node);
    if (!key.ok()) return key.status();
    const bool descending = s.sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_DESC;
    const bool nulls_first = s.sortby_nulls == PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_DEFAULT
                                 ? descending
                                 : s.sortby_nulls == PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_FIRST;
    e->aggregate->order_by.push_back({std::move(key).value(), descending, nulls_first});
  }
  scope_->place = before;
  if (f.agg_filter != nullptr) {
    ASSIGN_OR_RETURN(ExprPtr filter, expr_in(f.agg_filter, Place::kFilter));
    ASSIGN_OR_RETURN(e->aggregate->filter, coerce_bool(std::move(filter), "FILTER"));
  }
  // An aggregate over an outer query's columns alone belongs to that query.
  bool own = e->args.empty(), outer = false;
  for (auto& a : e->args)
    visit_expr(*a, [&](Expr& x, uint32_t depth) {
      if (x.kind != ExprKind::kColumn) return;
      (x.levels_up > depth ? outer : own) = true;
    });
  if (outer && !own) return unsupported("an aggregate of an outer query", f.location);
  scope_->query->has_aggregates = true;
  return e;
}

Result<ExprPtr> Analyzer::func_call(const PgQuery__FuncCall& f) {
  std::string name = string_of(f.funcname[f.n_funcname - 1]);
  std::string schema = f.n_funcname > 1 ? string_of(f.funcname[f.n_funcname - 2]) : "";
  if (f.over != nullptr) return unsupported("a window function", f.location);
  bool aggregate = is_aggregate_name(name) && (schema.empty() || schema == "pg_catalog");
  if (aggregate) RETURN_IF_ERROR(check_aggregate_place(f.location));
  if (f.func_variadic && aggregate) return unsupported("VARIADIC in an aggregate", f.location);

  Place before = scope_->place;
  if (aggregate) scope_->place = Place::kAggregateArgument;
  std::vector<ExprPtr> args;
  for (size_t i = 0; i < f.n_args; ++i) {
    auto e = expr(f.args[i]);
    if (!e.ok()) {
      scope_->place = before;
      return e.status();
    }
    args.push_back(std::move(e).value());
  }
  scope_->place = before;
  if (aggregate) return aggregate_call(f, name, std::move(args));
  if (f.agg_distinct || f.n_agg_order > 0 || f.agg_filter != nullptr || f.agg_star) {
    const char* what = f.agg_distinct      ? "DISTINCT"
                       : f.n_agg_order > 0 ? "ORDER BY"
                       : f.agg_star        ? "(*)"
                                           : "FILTER";
    if (is_function_name(name))
      return fail(sqlstate::kWrongObjectType,
                  std::string(what) + " specified, but " + name + " is not an aggregate function",
                  f.location);
  }
  if (schema == "quorate" && is_function_name("quorate." + name))
    return call("quorate." + name, std::move(args), f.location, f.func_variadic != 0);
  if (!schema.empty() && schema != "pg_catalog") {
    if (context_.catalog->schema(context_.database, schema) == nullptr && !is_system_schema(schema))
      return fail(sqlstate::kInvalidSchemaName, "schema \"" + schema + "\" does not exist",
                  f.location);
    // There are only built-in functions.
    std::string list;
    for (const auto& a : args) list += (list.empty() ? "" : ", ") + format_type(a->type.oid);
    return fail(sqlstate::kUndefinedFunction,
                "function " + schema + "." + name + "(" + list + ") does not exist", f.location)
        .with_hint(
            "No function matches the given name and argument types. You might need to add explicit "
            "type casts.");
  }
  return call(name, std::move(args), f.location, f.func_variadic != 0);
}

Result<ExprPtr> Analyzer::sql_value(const PgQuery__SQLValueFunction& f) {
  auto now_as = [&](Oid type, int32_t typmod) -> Result<ExprPtr> {
    ASSIGN_OR_RETURN(ExprPtr now, call("now", {}, f.location));
    return explicit_cast(std::move(now), Type{type, typmod}, f.location);
  };
  switch (f.op) {
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_DATE:
      return now_as(oid::kDate, -1);
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIME:
      return now_as(oid::kTimetz, -1);
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIME_N:
      return now_as(oid::kTimetz, f.typmod);
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIMESTAMP:
      return now_as(oid::kTimestamptz, -1);
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIMESTAMP_N:
      return now_as(oid::kTimestamptz, f.typmod);
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIME:
      return now_as(oid::kTime, -1);
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIME_N:
      return now_as(oid::kTime, f.typmod);
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIMESTAMP:
      return now_as(oid::kTimestamp, -1);
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIMESTAMP_N:
      return now_as(oid::kTimestamp, f.typmod);
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_ROLE:
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_USER:
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_USER:
      return call("current_user", {}, f.location);
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_SESSION_USER:
      return call("session_user", {}, f.location);
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_CATALOG:
      return call("current_database", {}, f.location);
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_SCHEMA:
      return call("current_schema", {}, f.location);
    default:
      return unsupported("this SQL value function", f.location);
  }
}

namespace {

const char* sql_value_name(PgQuery__SQLValueFunctionOp op) {
  switch (op) {
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_DATE:
      return "current_date";
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIME:
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIME_N:
      return "current_time";
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIMESTAMP:
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIMESTAMP_N:
      return "current_timestamp";
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIME:
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIME_N:
      return "localtime";
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIMESTAMP:
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIMESTAMP_N:
      return "localtimestamp";
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_ROLE:
      return "current_role";
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_USER:
      return "current_user";
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_USER:
      return "user";
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_SESSION_USER:
      return "session_user";
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_CATALOG:
      return "current_catalog";
    default:
      return "current_schema";
  }
}

// PostgreSQL's FigureColnameInternal: 0 no name, 1 a weak one, 2 a good one.
int figure_name(const Node* n, std::string* name) {
  if (n == nullptr) return 0;
  auto good = [&](std::string v) {
    *name = std::move(v);
    return 2;
  };
  switch (n->node_case) {
    case PG_QUERY__NODE__NODE_COLUMN_REF: {
      const auto& c = *n->column_ref;
      for (size_t i = c.n_fields; i-- > 0;)
        if (c.fields[i]->node_case == PG_QUERY__NODE__NODE_STRING)
          return good(string_of(c.fields[i]));
      return 0;
    }
    case PG_QUERY__NODE__NODE_A_INDIRECTION: {
      const auto& x = *n->a_indirection;
      for (size_t i = x.n_indirection; i-- > 0;)
        if (x.indirection[i]->node_case == PG_QUERY__NODE__NODE_STRING)
          return good(string_of(x.indirection[i]));
      return figure_name(x.arg, name);
    }
    case PG_QUERY__NODE__NODE_FUNC_CALL:
      return good(string_of(n->func_call->funcname[n->func_call->n_funcname - 1]));
    case PG_QUERY__NODE__NODE_A_EXPR:
      if (n->a_expr->kind == PG_QUERY__A__EXPR__KIND__AEXPR_NULLIF) return good("nullif");
      return 0;
    case PG_QUERY__NODE__NODE_TYPE_CAST: {
      int strength = figure_name(n->type_cast->arg, name);
      if (strength > 1) return strength;
      const auto& t = *n->type_cast->type_name;
      *name = string_of(t.names[t.n_names - 1]);
      return 1;
    }
    case PG_QUERY__NODE__NODE_COLLATE_CLAUSE:
      return figure_name(n->collate_clause->arg, name);
    case PG_QUERY__NODE__NODE_SUB_LINK: {
      const auto& s = *n->sub_link;
      if (s.sub_link_type == PG_QUERY__SUB_LINK_TYPE__EXISTS_SUBLINK) return good("exists");
      if (s.sub_link_type == PG_QUERY__SUB_LINK_TYPE__ARRAY_SUBLINK) return good("array");
      if (s.sub_link_type != PG_QUERY__SUB_LINK_TYPE__EXPR_SUBLINK) return 0;
      const auto* q = s.subselect->select_stmt;
      while (q->larg != nullptr) q = q->larg;
      if (q->n_target_list == 0) return 0;
      const auto& t = *q->target_list[0]->res_target;
      if (t.name != nullptr && t.name[0] != '\0') return good(t.name);
      return figure_name(t.val, name);
    }
    case PG_QUERY__NODE__NODE_CASE_EXPR: {
      int strength = figure_name(n->case_expr->defresult, name);
      if (strength > 1) return strength;
      *name = "case";
      return 1;
    }
    case PG_QUERY__NODE__NODE_A_ARRAY_EXPR:
      return good("array");
    case PG_QUERY__NODE__NODE_ROW_EXPR:
      return good("row");
    case PG_QUERY__NODE__NODE_COALESCE_EXPR:
      return good("coalesce");
    case PG_QUERY__NODE__NODE_MIN_MAX_EXPR:
      return good(n->min_max_expr->op == PG_QUERY__MIN_MAX_OP__IS_GREATEST ? "greatest" : "least");
    case PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION:
      return good(sql_value_name(n->sqlvalue_function->op));
    case PG_QUERY__NODE__NODE_GROUPING_FUNC:
      return good("grouping");
    default:
      return 0;
  }
}

}  // namespace

std::string figure_column_name(const Node* n) {
  std::string name;
  return figure_name(n, &name) > 0 ? name : "?column?";
}

bool is_set_to_default(const Node* n) {
  return n->node_case == PG_QUERY__NODE__NODE_SET_TO_DEFAULT;
}

}  // namespace quorate::sql
