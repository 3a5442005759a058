// Sub-queries in expressions.
extern "C" {
#include <pg_query/pg_query.pb-c.h>
}

#include "sql/analyze/analyzer.h"

namespace quorate::sql {
namespace {

ExprPtr with_query(ExprKind kind, Type type, std::unique_ptr<Query> q, int32_t location) {
  auto e = std::make_unique<Expr>();
  e->kind = kind;
  e->type = type;
  e->location = location;
  e->subquery = std::move(q);
  return e;
}

std::vector<const Target*> visible(const Query& q) {
  std::vector<const Target*> out;
  for (const auto& t : q.targets)
    if (!t.hidden) out.push_back(&t);
  return out;
}

}  // namespace

Result<std::unique_ptr<Query>> Analyzer::subquery(const Node* n, bool resolve_unknowns) {
  if (n->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) return unsupported("this sub-query");
  return select(*n->select_stmt, resolve_unknowns);
}

Result<ExprPtr> Analyzer::sublink(const PgQuery__SubLink& s) {
  if (scope_->place == Place::kCheck)
    return fail(sqlstate::kFeatureNotSupported, "cannot use subquery in check constraint",
                s.location);
  if (scope_->place == Place::kDefault)
    return fail(sqlstate::kFeatureNotSupported, "cannot use subquery in DEFAULT expression",
                s.location);
  if (scope_->place == Place::kExecute)
    return fail(sqlstate::kFeatureNotSupported, "cannot use subquery in EXECUTE parameter",
                s.location);
  std::vector<ExprPtr> left;
  if (s.testexpr != nullptr) {
    if (s.testexpr->node_case == PG_QUERY__NODE__NODE_ROW_EXPR) {
      ASSIGN_OR_RETURN(left, expr_list(s.testexpr->row_expr->args, s.testexpr->row_expr->n_args));
    } else {
      ASSIGN_OR_RETURN(ExprPtr e, expr(s.testexpr));
      left.push_back(std::move(e));
    }
  }
  ASSIGN_OR_RETURN(auto q, subquery(s.subselect));
  auto columns = visible(*q);
  switch (s.sub_link_type) {
    case PG_QUERY__SUB_LINK_TYPE__EXISTS_SUBLINK:
      return with_query(ExprKind::kExists, Type{oid::kBool, -1}, std::move(q), s.location);
    case PG_QUERY__SUB_LINK_TYPE__EXPR_SUBLINK:
    case PG_QUERY__SUB_LINK_TYPE__ARRAY_SUBLINK: {
      if (columns.size() != 1)
        return fail(sqlstate::kSyntaxError, "subquery must return only one column", s.location);
      Type type = columns[0]->expr->type;
      if (s.sub_link_type == PG_QUERY__SUB_LINK_TYPE__EXPR_SUBLINK)
        return with_query(ExprKind::kScalarSubquery, type, std::move(q), s.location);
      Oid array = element_type(type.oid) != 0 ? type.oid : array_type(type.oid);
      if (array == 0)
        return fail(sqlstate::kUndefinedObject,
                    "could not find array type for data type " + format_type(type.oid), s.location);
      return with_query(ExprKind::kArraySubquery, Type{array, -1}, std::move(q), s.location);
    }
    case PG_QUERY__SUB_LINK_TYPE__ANY_SUBLINK:
    case PG_QUERY__SUB_LINK_TYPE__ALL_SUBLINK:
      break;
    default:
      return unsupported("a row compared with a sub-query", s.location);
  }
  if (left.size() < columns.size())
    return fail(sqlstate::kSyntaxError, "subquery has too many columns", s.location);
  if (left.size() > columns.size())
    return fail(sqlstate::kSyntaxError, "subquery has too few columns", s.location);
  bool all = s.sub_link_type == PG_QUERY__SUB_LINK_TYPE__ALL_SUBLINK;
  std::string name = s.n_oper_name > 0 ? string_of(s.oper_name[s.n_oper_name - 1]) : "=";
  if ((name == "=" && !all) || (name == "<>" && all)) {
    ASSIGN_OR_RETURN(ExprPtr in, in_subquery(std::move(left), std::move(q), s.location));
    in->negated = all;
    return in;
  }
  if (left.size() != 1) return unsupported("a row compared with ANY or ALL rows", s.location);
  // x < ANY (SELECT ...) is x < ANY (ARRAY(SELECT ...)).
  Oid array = array_type(columns[0]->expr->type.oid);
  if (array == 0) return unsupported("ANY or ALL over values of this type", s.location);
  ExprPtr list = with_query(ExprKind::kArraySubquery, Type{array, -1}, std::move(q), s.location);
  return any_all(name, std::move(left[0]), std::move(list), all, s.location);
}

// Both sides get the type in which they are compared, so that one hash table can answer.
Result<ExprPtr> Analyzer::in_subquery(std::vector<ExprPtr> left, std::unique_ptr<Query> q,
                                      int32_t location) {
  auto columns = visible(*q);
  std::vector<Type> types;
  const OperatorInfo* op = nullptr;
  for (size_t i = 0; i < left.size(); ++i) {
    Oid right = columns[i]->expr->type.oid;
    auto resolved = resolve_operator("=", left[i]->type.oid, right);
    if (!resolved.ok()) return at(resolved.status(), location);
    op = resolved->op;
    Oid common = resolved->left;
    if (resolved->left != resolved->right) {
      // int4 = int8 compares across types: the wider one holds both.
      std::vector<Oid> both{resolved->left, resolved->right};
      ASSIGN_OR_RETURN(common, common_type("IN", both));
    }
    if (is_polymorphic(common)) common = right;
    types.push_back(Type{common, -1});
    ASSIGN_OR_RETURN(left[i], coerce(std::move(left[i]), types[i], CastContext::kImplicit));
    CHECK(left[i] != nullptr);
    if (const OperatorInfo* same = comparison_operator(ComparisonKind::kEqual, common)) op = same;
  }
  auto cast = [&](size_t column, ExprPtr e) {
    return coerce(std::move(e), types[column], CastContext::kImplicit);
  };
  auto needed = [&](size_t column, const Expr& e) { return e.type.oid != types[column].oid; };
  ASSIGN_OR_RETURN(q, coerce_columns(std::move(q), cast, needed));
  ExprPtr e = with_query(ExprKind::kInSubquery, Type{oid::kBool, -1}, std::move(q), location);
  e->op = op;
  e->function = op != nullptr ? find_function(op->function) : nullptr;
  e->args = std::move(left);
  return e;
}

}  // namespace quorate::sql
