// Expressions.
extern "C" {
#include <pg_query/pg_query.pb-c.h>
}

#include "sql/analyze/analyzer.h"

namespace quorate::sql {
namespace {

ExprPtr node(ExprKind kind, Type type, int32_t location) {
  auto e = std::make_unique<Expr>();
  e->kind = kind;
  e->type = type;
  e->location = location;
  return e;
}

constexpr Type kBoolType{oid::kBool, -1};

int32_t leftmost(int32_t a, int32_t b) { return a < 0 ? b : b < 0 ? a : std::min(a, b); }

ExprPtr conjunction(ExprKind kind, std::vector<ExprPtr> args, int32_t location) {
  if (args.size() == 1) return std::move(args.front());
  ExprPtr e = node(kind, kBoolType, location);
  e->args = std::move(args);
  return e;
}

ExprPtr negation(ExprPtr e, int32_t location) {
  if (e->kind == ExprKind::kInList || e->kind == ExprKind::kInSubquery) {
    e->negated = !e->negated;
    return e;
  }
  ExprPtr out = node(ExprKind::kNot, kBoolType, location);
  out->args.push_back(std::move(e));
  return out;
}

}  // namespace

Result<ExprPtr> Analyzer::expr_in(const Node* n, Place place) {
  Place before = std::exchange(scope_->place, place);
  auto e = expr(n);
  scope_->place = before;
  return e;
}

Result<std::vector<ExprPtr>> Analyzer::expr_list(Node* const* nodes, size_t n) {
  std::vector<ExprPtr> out;
  out.reserve(n);
  for (size_t i = 0; i < n; ++i) {
    ASSIGN_OR_RETURN(ExprPtr e, expr(nodes[i]));
    out.push_back(std::move(e));
  }
  return out;
}

Result<ExprPtr> Analyzer::constant(const PgQuery__AConst& c) {
  Type type{oid::kUnknown, -1};
  Datum value;
  if (!c.isnull) {
    switch (c.val_case) {
      case PG_QUERY__A__CONST__VAL_IVAL:
        type.oid = oid::kInt4;
        value = Datum::of_int(c.ival->ival);
        break;
      case PG_QUERY__A__CONST__VAL_BOOLVAL:
        type.oid = oid::kBool;
        value = Datum::of_bool(c.boolval->boolval != 0);
        break;
      case PG_QUERY__A__CONST__VAL_FVAL: {
        // An integer too large for int4 is int8 where it fits, everything else numeric.
        std::string_view text = c.fval->fval;
        bool digits = text.find_first_not_of("0123456789") == std::string_view::npos;
        type.oid = oid::kNumeric;
        if (digits && (text.size() < 19 || (text.size() == 19 && text <= "9223372036854775807")))
          type.oid = oid::kInt8;
        ExprPtr e = make_const(Type{oid::kUnknown, -1}, Datum::of_bytes(text));
        e->location = c.location;
        return coerce_unknown(std::move(e), type);
      }
      case PG_QUERY__A__CONST__VAL_SVAL:
        value = Datum::of_bytes(c.sval->sval);
        break;
      case PG_QUERY__A__CONST__VAL_BSVAL:
        return unsupported("the type bit", c.location);
      default:
        return internal_error("a constant without value");
    }
  }
  ExprPtr e = make_const(type, std::move(value));
  e->location = c.location;
  return e;
}

Result<ExprPtr> Analyzer::param(int32_t number, int32_t location) {
  auto index = static_cast<size_t>(number) - 1;
  if (number <= 0 || number > 65'535 || (index >= context_.params.size() && !context_.infer_params))
    return fail(sqlstate::kUndefinedParameter, "there is no parameter $" + std::to_string(number),
                location);
  if (index >= context_.params.size()) context_.params.resize(index + 1);
  if (context_.params[index].oid == 0) context_.params[index] = Type{};
  ExprPtr e = node(ExprKind::kParam, context_.params[index], location);
  e->index = static_cast<uint32_t>(index);
  return e;
}

Result<ExprPtr> Analyzer::operation(const std::string& name, ExprPtr left, ExprPtr right,
                                    int32_t location) {
  auto op = resolve_operator(name, left ? left->type.oid : oid::kInvalid, right->type.oid);
  if (!op.ok()) return at(op.status(), location);
  ExprPtr e = node(ExprKind::kCall, Type{op->result, -1}, location);
  e->op = op->op;
  e->function = op->function;
  if (left) {
    e->location = leftmost(location, left->location);
    ASSIGN_OR_RETURN(left, coerce(std::move(left), Type{op->left, -1}, CastContext::kImplicit));
    CHECK(left != nullptr);
    e->args.push_back(std::move(left));
  }
  ASSIGN_OR_RETURN(right, coerce(std::move(right), Type{op->right, -1}, CastContext::kImplicit));
  CHECK(right != nullptr);
  e->args.push_back(std::move(right));
  return e;
}

namespace {

std::string operator_name(const PgQuery__AExpr& e) { return string_of(e.name[e.n_name - 1]); }

const PgQuery__RowExpr* as_row(const Node* n) {
  return n != nullptr && n->node_case == PG_QUERY__NODE__NODE_ROW_EXPR ? n->row_expr : nullptr;
}

}  // namespace

Result<ExprPtr> Analyzer::a_expr(const PgQuery__AExpr& e) {
  std::string name = e.n_name > 0 ? operator_name(e) : "";
  if (e.n_name > 1 && string_of(e.name[0]) != "pg_catalog")
    return fail(sqlstate::kUndefinedFunction,
                "operator does not exist: " + string_of(e.name[0]) + "." + name, e.location);
  switch (e.kind) {
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP: {
      const auto *left_row = as_row(e.lexpr), *right_row = as_row(e.rexpr);
      if (left_row != nullptr && right_row != nullptr) {
        ASSIGN_OR_RETURN(auto left, expr_list(left_row->args, left_row->n_args));
        ASSIGN_OR_RETURN(auto right, expr_list(right_row->args, right_row->n_args));
        return row_compare(name, std::move(left), std::move(right), e.location);
      }
      ExprPtr left;
      if (e.lexpr != nullptr) {
        ASSIGN_OR_RETURN(left, expr(e.lexpr));
      }
      ASSIGN_OR_RETURN(ExprPtr right, expr(e.rexpr));
      // -5 is a constant, as the grammar makes it where it can.
      return operation(name, std::move(left), std::move(right), e.location);
    }
    case PG_QUERY__A__EXPR__KIND__AEXPR_LIKE:
    case PG_QUERY__A__EXPR__KIND__AEXPR_ILIKE:
    case PG_QUERY__A__EXPR__KIND__AEXPR_SIMILAR: {
      ASSIGN_OR_RETURN(ExprPtr left, expr(e.lexpr));
      ASSIGN_OR_RETURN(ExprPtr right, expr(e.rexpr));
      return operation(name, std::move(left), std::move(right), e.location);
    }
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ANY:
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ALL: {
      ASSIGN_OR_RETURN(ExprPtr left, expr(e.lexpr));
      ASSIGN_OR_RETURN(ExprPtr right, expr(e.rexpr));
      return any_all(name, std::move(left), std::move(right),
                     e.kind == PG_QUERY__A__EXPR__KIND__AEXPR_OP_ALL, e.location);
    }
    case PG_QUERY__A__EXPR__KIND__AEXPR_DISTINCT:
      return distinct(e, false);
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_DISTINCT:
      return distinct(e, true);
    case PG_QUERY__A__EXPR__KIND__AEXPR_NULLIF: {
      ASSIGN_OR_RETURN(ExprPtr left, expr(e.lexpr));
      ASSIGN_OR_RETURN(ExprPtr right, expr(e.rexpr));
      ASSIGN_OR_RETURN(ExprPtr out, operation("=", std::move(left), std::move(right), e.location));
      if (out->type.oid != oid::kBool)
        return fail(sqlstate::kDatatypeMismatch, "NULLIF requires = operator to yield boolean",
                    e.location);
      out->kind = ExprKind::kNullIf;
      out->type = out->args[0]->type;
      return out;
    }
    case PG_QUERY__A__EXPR__KIND__AEXPR_IN:
      return in_list(e);
    case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN:
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN:
    case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN_SYM:
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN_SYM:
      return between(e);
    default:
      return unsupported("this kind of expression", e.location);
  }
}

// The middle expression is analyzed once for each comparison, as in PostgreSQL.
Result<ExprPtr> Analyzer::between(const PgQuery__AExpr& e) {
  const PgQuery__List& bounds = *e.rexpr->list;
  auto compare = [&](const char* op, const Node* bound) -> Result<ExprPtr> {
    ASSIGN_OR_RETURN(ExprPtr left, expr(e.lexpr));
    ASSIGN_OR_RETURN(ExprPtr right, expr(bound));
    return operation(op, std::move(left), std::move(right), e.location);
  };
  auto both = [&](const char* low_op, const char* high_op, const Node* low, const Node* high,
                  ExprKind kind) -> Result<ExprPtr> {
    std::vector<ExprPtr> parts(2);
    ASSIGN_OR_RETURN(parts[0], compare(low_op, low));
    ASSIGN_OR_RETURN(parts[1], compare(high_op, high));
    return conjunction(kind, std::move(parts), e.location);
  };
  const Node *a = bounds.items[0], *b = bounds.items[1];
  switch (e.kind) {
    case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN:
      return both(">=", "<=", a, b, ExprKind::kAnd);
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN:
      return both("<", ">", a, b, ExprKind::kOr);
    default:
      break;
  }
  bool negated = e.kind == PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN_SYM;
  std::vector<ExprPtr> parts(2);
  const char *low = negated ? "<" : ">=", *high = negated ? ">" : "<=";
  ExprKind inner = negated ? ExprKind::kOr : ExprKind::kAnd;
  ASSIGN_OR_RETURN(parts[0], both(low, high, a, b, inner));
  ASSIGN_OR_RETURN(parts[1], both(low, high, b, a, inner));
  return conjunction(negated ? ExprKind::kAnd : ExprKind::kOr, std::move(parts), e.location);
}

Result<ExprPtr> Analyzer::in_list(const PgQuery__AExpr& e) {
  bool negated = operator_name(e) == "<>";
  const PgQuery__List& list = *e.rexpr->list;
  if (const auto* row = as_row(e.lexpr)) {
    std::vector<ExprPtr> parts;
    for (size_t i = 0; i < list.n_items; ++i) {
      const auto* item = as_row(list.items[i]);
      if (item == nullptr) return unsupported("IN of rows and other values", e.location);
      ASSIGN_OR_RETURN(auto left, expr_list(row->args, row->n_args));
      ASSIGN_OR_RETURN(auto right, expr_list(item->args, item->n_args));
      ASSIGN_OR_RETURN(ExprPtr part,
                       row_compare("=", std::move(left), std::move(right), e.location));
      parts.push_back(std::move(part));
    }
    ExprPtr any = conjunction(ExprKind::kOr, std::move(parts), e.location);
    return negated ? negation(std::move(any), e.location) : std::move(any);
  }
  ASSIGN_OR_RETURN(ExprPtr left, expr(e.lexpr));
  ASSIGN_OR_RETURN(auto items, expr_list(list.items, list.n_items));
  std::vector<Oid> types{left->type.oid};
  for (const auto& i : items) types.push_back(i->type.oid);
  auto common = common_type("IN", types);
  bool unified = common.ok();
  for (const auto& i : items) unified = unified && can_coerce(*i, *common, CastContext::kImplicit);
  if (!unified) {
    // No type for all: a row of comparisons, each with an operator of its own.
    std::vector<ExprPtr> parts;
    for (auto& i : items) {
      ASSIGN_OR_RETURN(ExprPtr part,
                       operation(negated ? "<>" : "=", clone(*left), std::move(i), e.location));
      parts.push_back(std::move(part));
    }
    return conjunction(negated ? ExprKind::kAnd : ExprKind::kOr, std::move(parts), e.location);
  }
  auto op = resolve_operator("=", left->type.oid, *common);
  if (!op.ok()) return at(op.status(), e.location);
  ExprPtr out = node(ExprKind::kInList, kBoolType, leftmost(e.location, left->location));
  out->op = op->op;
  out->function = op->function;
  out->negated = negated;
  ASSIGN_OR_RETURN(left, coerce(std::move(left), Type{op->left, -1}, CastContext::kImplicit));
  CHECK(left != nullptr);
  out->args.push_back(std::move(left));
  for (auto& i : items) {
    ASSIGN_OR_RETURN(ExprPtr item,
                     coerce(std::move(i), Type{op->right, -1}, CastContext::kImplicit));
    CHECK(item != nullptr);
    out->args.push_back(std::move(item));
  }
  return out;
}

Result<ExprPtr> Analyzer::any_all(const std::string& name, ExprPtr left, ExprPtr array, bool all,
                                  int32_t location) {
  Oid element = array->type.oid == oid::kUnknown ? oid::kUnknown : element_type(array->type.oid);
  if (element == 0)
    return fail(sqlstate::kWrongObjectType, "op ANY/ALL (array) requires array on right side",
                location);
  auto op = resolve_operator(name, left->type.oid, element);
  if (!op.ok()) return at(op.status(), location);
  if (op->result != oid::kBool)
    return fail(sqlstate::kWrongObjectType, "op ANY/ALL (array) requires operator to yield boolean",
                location);
  ExprPtr out = node(all ? ExprKind::kAllOf : ExprKind::kAnyOf, kBoolType,
                     leftmost(location, left->location));
  out->op = op->op;
  out->function = op->function;
  ASSIGN_OR_RETURN(left, coerce(std::move(left), Type{op->left, -1}, CastContext::kImplicit));
  Type list{array_type(op->right), -1};
  if (is_polymorphic(op->right)) list = array->type;
  ASSIGN_OR_RETURN(array, coerce(std::move(array), list, CastContext::kImplicit));
  if (!left || !array)
    return fail(sqlstate::kUndefinedObject,
                "could not find array type for data type " + format_type(op->right), location);
  out->args.push_back(std::move(left));
  out->args.push_back(std::move(array));
  return out;
}

Result<ExprPtr> Analyzer::distinct(const PgQuery__AExpr& e, bool negated) {
  if (as_row(e.lexpr) != nullptr && as_row(e.rexpr) != nullptr)
    return unsupported("IS DISTINCT FROM between rows", e.location);
  ASSIGN_OR_RETURN(ExprPtr left, expr(e.lexpr));
  ASSIGN_OR_RETURN(ExprPtr right, expr(e.rexpr));
  // With a literal NULL it is a test for null.
  auto is_null = [](const Expr& x) { return x.kind == ExprKind::kConst && x.value.is_null(); };
  if (is_null(*right) || is_null(*left)) {
    ExprPtr test = node(negated ? ExprKind::kIsNull : ExprKind::kIsNotNull, kBoolType, e.location);
    ASSIGN_OR_RETURN(ExprPtr arg,
                     resolve_unknown(is_null(*right) ? std::move(left) : std::move(right)));
    test->args.push_back(std::move(arg));
    return test;
  }
  ASSIGN_OR_RETURN(ExprPtr out, operation("=", std::move(left), std::move(right), e.location));
  if (out->type.oid != oid::kBool)
    return fail(sqlstate::kDatatypeMismatch,
                "IS DISTINCT FROM requires = operator to yield boolean", e.location);
  out->kind = negated ? ExprKind::kNotDistinct : ExprKind::kDistinct;
  return out;
}

// (a, b) < (c, d) is a < c OR (a = c AND b < d): PostgreSQL's meaning, which knows nulls too.
Result<ExprPtr> Analyzer::row_compare(const std::string& name, std::vector<ExprPtr> left,
                                      std::vector<ExprPtr> right, int32_t location) {
  if (left.size() != right.size())
    return fail(sqlstate::kSyntaxError, "unequal number of entries in row expressions", location);
  if (left.empty())
    return fail(sqlstate::kFeatureNotSupported, "cannot compare rows of zero length", location);
  if (name == "=" || name == "<>") {
    std::vector<ExprPtr> parts;
    for (size_t i = 0; i < left.size(); ++i) {
      ASSIGN_OR_RETURN(ExprPtr part,
                       operation(name, std::move(left[i]), std::move(right[i]), location));
      parts.push_back(std::move(part));
    }
    return conjunction(name == "=" ? ExprKind::kAnd : ExprKind::kOr, std::move(parts), location);
  }
  if (name != "<" && name != "<=" && name != ">" && name != ">=")
    return fail(sqlstate::kFeatureNotSupported,
                "could not determine interpretation of row comparison operator " + name, location)
        .with_hint("Row comparison operators must be associated with btree operator families.");
  std::string strict = name.substr(0, 1);
  ExprPtr out;
  for (size_t i = left.size(); i-- > 0;) {
    bool last = i + 1 == left.size();
    ASSIGN_OR_RETURN(ExprPtr here,
                     operation(last ? name : strict, clone(*left[i]), clone(*right[i]), location));
    if (last) {
      out = std::move(here);
      continue;
    }
    ASSIGN_OR_RETURN(ExprPtr equal,
                     operation("=", std::move(left[i]), std::move(right[i]), location));
    std::vector<ExprPtr> rest, either;
    rest.push_back(std::move(equal));
    rest.push_back(std::move(out));
    either.push_back(std::move(here));
    either.push_back(conjunction(ExprKind::kAnd, std::move(rest), location));
    out = conjunction(ExprKind::kOr, std::move(either), location);
  }
  return out;
}

Result<ExprPtr> Analyzer::case_expr(const PgQuery__CaseExpr& c) {
  ExprPtr tested;
  if (c.arg != nullptr) {
    ASSIGN_OR_RETURN(tested, expr(c.arg));
    ASSIGN_OR_RETURN(tested, resolve_unknown(std::move(tested)));
  }
  ExprPtr out = node(ExprKind::kCase, {}, c.location);
  std::vector<ExprPtr> results;
  for (size_t i = 0; i < c.n_args; ++i) {
    const PgQuery__CaseWhen& w = *c.args[i]->case_when;
    ASSIGN_OR_RETURN(ExprPtr when, expr(w.expr));
    if (tested) {
      ASSIGN_OR_RETURN(when, operation("=", clone(*tested), std::move(when), w.location));
    }
    ASSIGN_OR_RETURN(when, coerce_bool(std::move(when), "CASE/WHEN"));
    ASSIGN_OR_RETURN(ExprPtr result, expr(w.result));
    out->args.push_back(std::move(when));
    out->args.emplace_back();
    results.push_back(std::move(result));
  }
  if (c.defresult != nullptr) {
    ASSIGN_OR_RETURN(ExprPtr otherwise, expr(c.defresult));
    results.push_back(std::move(otherwise));
  } else {
    results.push_back(make_const(Type{oid::kUnknown, -1}, Datum::null()));
  }
  // PostgreSQL looks at ELSE first.
  std::vector<ExprPtr*> order{&results.back()};
  for (size_t i = 0; i + 1 < results.size(); ++i) order.push_back(&results[i]);
  ASSIGN_OR_RETURN(out->type, unify("CASE", std::move(order)));
  for (size_t i = 0; i + 1 < results.size(); ++i) out->args[2 * i + 1] = std::move(results[i]);
  out->args.push_back(std::move(results.back()));
  return out;
}

Result<ExprPtr> Analyzer::list_expr(ExprKind kind, std::string_view what, Node* const* nodes,
                                    size_t n, int32_t location) {
  ExprPtr out = node(kind, {}, location);
  ASSIGN_OR_RETURN(out->args, expr_list(nodes, n));
  std::vector<ExprPtr*> list;
  for (auto& a : out->args) list.push_back(&a);
  ASSIGN_OR_RETURN(out->type, unify(what, std::move(list)));
  if (kind == ExprKind::kGreatest || kind == ExprKind::kLeast) {
    out->op = comparison_operator(ComparisonKind::kLess, out->type.oid);
    if (out->op == nullptr)
      return fail(sqlstate::kUndefinedFunction,
                  "could not identify a comparison function for type " + format_type(out->type.oid),
                  location);
    out->function = find_function(out->op->function);
  }
  return out;
}

// `element`: what a cast around it asks for, or 0.
Result<ExprPtr> Analyzer::array_expr(const Node* n, Oid element) {
  const PgQuery__AArrayExpr& a = *n->a_array_expr;
  ExprPtr out = node(ExprKind::kArray, {}, a.location);
  bool nested = false;
  for (size_t i = 0; i < a.n_elements; ++i) {
    bool inner = a.elements[i]->node_case == PG_QUERY__NODE__NODE_A_ARRAY_EXPR;
    nested |= inner;
    Result<ExprPtr> e = inner ? array_expr(a.elements[i], element) : expr(a.elements[i]);
    if (!e.ok()) return e.status();
    out->args.push_back(std::move(e).value());
  }
  if (element != 0 && !nested) {
    for (auto& e : out->args) {
      ASSIGN_OR_RETURN(e, explicit_cast(std::move(e), Type{element, -1}, a.location));
    }
    out->type = Type{array_type(element), -1};
    return out;
  }
  if (out->args.empty()) {
    if (element != 0) {
      out->type = Type{array_type(element), -1};
      return out;
    }
    return fail(sqlstate::kIndeterminateDatatype, "cannot determine type of empty array",
                a.location)
        .with_hint("Explicitly cast to the desired type, for example ARRAY[]::integer[].");
  }
  std::vector<ExprPtr*> list;
  for (auto& e : out->args) list.push_back(&e);
  ASSIGN_OR_RETURN(Type common, unify("ARRAY", std::move(list)));
  Oid array = element_type(common.oid) != 0 && nested ? common.oid : array_type(common.oid);
  if (array == 0)
    return fail(sqlstate::kUndefinedObject,
                "could not find array type for data type " + format_type(common.oid), a.location);
  out->type = Type{array, -1};
  return out;
}

Result<ExprPtr> Analyzer::indirection(const Node* n) {
  const PgQuery__AIndirection& x = *n->a_indirection;
  ASSIGN_OR_RETURN(ExprPtr e, expr(x.arg));
  for (size_t i = 0; i < x.n_indirection; ++i) {
    const Node* step = x.indirection[i];
    if (step->node_case != PG_QUERY__NODE__NODE_A_INDICES)
      return unsupported("field selection from a record", e->location);
    if (step->a_indices->is_slice) return unsupported("an array slice", e->location);
    Oid element = element_type(e->type.oid);
    if (element == 0)
      return fail(sqlstate::kDatatypeMismatch,
                  "cannot subscript type " + format_type(e->type.oid) +
                      " because it does not support subscripting",
                  e->location);
    ASSIGN_OR_RETURN(ExprPtr subscript, expr(step->a_indices->uidx));
    int32_t location = subscript->location;
    ASSIGN_OR_RETURN(subscript,
                     coerce(std::move(subscript), Type{oid::kInt4, -1}, CastContext::kAssignment));
    if (!subscript)
      return fail(sqlstate::kDatatypeMismatch, "array subscript must have type integer", location);
    // a[1][2] is one access of two dimensions: further subscripts are further arguments.
    if (e->kind == ExprKind::kSubscript && i > 0) {
      e->args.push_back(std::move(subscript));
      continue;
    }
    ExprPtr out = node(ExprKind::kSubscript, Type{element, e->type.typmod}, e->location);
    out->args.push_back(std::move(e));
    out->args.push_back(std::move(subscript));
    e = std::move(out);
  }
  return e;
}

namespace {

ExprKind boolean_test(PgQuery__BoolTestType t) {
  switch (t) {
    case PG_QUERY__BOOL_TEST_TYPE__IS_TRUE:
      return ExprKind::kIsTrue;
    case PG_QUERY__BOOL_TEST_TYPE__IS_NOT_TRUE:
      return ExprKind::kIsNotTrue;
    case PG_QUERY__BOOL_TEST_TYPE__IS_FALSE:
      return ExprKind::kIsFalse;
    case PG_QUERY__BOOL_TEST_TYPE__IS_NOT_FALSE:
      return ExprKind::kIsNotFalse;
    case PG_QUERY__BOOL_TEST_TYPE__IS_UNKNOWN:
      return ExprKind::kIsUnknown;
    default:
      return ExprKind::kIsNotUnknown;
  }
}

const char* boolean_test_name(ExprKind k) {
  switch (k) {
    case ExprKind::kIsTrue:
      return "IS TRUE";
    case ExprKind::kIsNotTrue:
      return "IS NOT TRUE";
    case ExprKind::kIsFalse:
      return "IS FALSE";
    case ExprKind::kIsNotFalse:
      return "IS NOT FALSE";
    case ExprKind::kIsUnknown:
      return "IS UNKNOWN";
    default:
      return "IS NOT UNKNOWN";
  }
}

bool known_collation(std::string_view name) {
  return name == "default" || name == "C" || name == "POSIX" || name == "ucs_basic";
}

}  // namespace

Result<ExprPtr> Analyzer::expr(const Node* n) {
  switch (n->node_case) {
    case PG_QUERY__NODE__NODE_A_CONST:
      return constant(*n->a_const);
    case PG_QUERY__NODE__NODE_COLUMN_REF:
      if (scope_->place == Place::kDefault)
        return fail(sqlstate::kFeatureNotSupported,
                    "cannot use column reference in DEFAULT expression", n->column_ref->location);
      return column_ref(*n->column_ref);
    case PG_QUERY__NODE__NODE_PARAM_REF:
      return param(n->param_ref->number, n->param_ref->location);
    case PG_QUERY__NODE__NODE_A_EXPR:
      return a_expr(*n->a_expr);
    case PG_QUERY__NODE__NODE_BOOL_EXPR: {
      const PgQuery__BoolExpr& b = *n->bool_expr;
      bool is_not = b.boolop == PG_QUERY__BOOL_EXPR_TYPE__NOT_EXPR;
      bool is_and = b.boolop == PG_QUERY__BOOL_EXPR_TYPE__AND_EXPR;
      std::vector<ExprPtr> args;
      for (size_t i = 0; i < b.n_args; ++i) {
        ASSIGN_OR_RETURN(ExprPtr e, expr(b.args[i]));
        ASSIGN_OR_RETURN(e, coerce_bool(std::move(e), is_not ? "NOT" : is_and ? "AND" : "OR"));
        args.push_back(std::move(e));
      }
      if (is_not) return negation(std::move(args[0]), b.location);
      int32_t location = args[0]->location;
      return conjunction(is_and ? ExprKind::kAnd : ExprKind::kOr, std::move(args), location);
    }
    case PG_QUERY__NODE__NODE_FUNC_CALL:
      return func_call(*n->func_call);
    case PG_QUERY__NODE__NODE_TYPE_CAST: {
      const PgQuery__TypeCast& c = *n->type_cast;
      ASSIGN_OR_RETURN(Type type, type_name(*c.type_name));
      if (c.arg->node_case == PG_QUERY__NODE__NODE_A_ARRAY_EXPR && element_type(type.oid) != 0) {
        ASSIGN_OR_RETURN(ExprPtr array, array_expr(c.arg, element_type(type.oid)));
        return explicit_cast(std::move(array), type, c.location);
      }
      ASSIGN_OR_RETURN(ExprPtr e, expr(c.arg));
      return explicit_cast(std::move(e), type, c.location);
    }
    case PG_QUERY__NODE__NODE_COLLATE_CLAUSE: {
      const PgQuery__CollateClause& c = *n->collate_clause;
      std::string name = string_of(c.collname[c.n_collname - 1]);
      if (!known_collation(name))
        return fail(sqlstate::kUndefinedObject,
                    "collation \"" + name + "\" for encoding \"UTF8\" does not exist", c.location);
      return expr(c.arg);
    }
    case PG_QUERY__NODE__NODE_SUB_LINK:
      return sublink(*n->sub_link);
    case PG_QUERY__NODE__NODE_CASE_EXPR:
      return case_expr(*n->case_expr);
    case PG_QUERY__NODE__NODE_COALESCE_EXPR:
      return list_expr(ExprKind::kCoalesce, "COALESCE", n->coalesce_expr->args,
                       n->coalesce_expr->n_args, n->coalesce_expr->location);
    case PG_QUERY__NODE__NODE_MIN_MAX_EXPR: {
      bool greatest = n->min_max_expr->op == PG_QUERY__MIN_MAX_OP__IS_GREATEST;
      return list_expr(greatest ? ExprKind::kGreatest : ExprKind::kLeast,
                       greatest ? "GREATEST" : "LEAST", n->min_max_expr->args,
                       n->min_max_expr->n_args, n->min_max_expr->location);
    }
    case PG_QUERY__NODE__NODE_NULL_TEST: {
      const PgQuery__NullTest& t = *n->null_test;
      ASSIGN_OR_RETURN(ExprPtr arg, expr(t.arg));
      ASSIGN_OR_RETURN(arg, resolve_unknown(std::move(arg)));
      if (arg->kind == ExprKind::kRow) {
        for (ExprPtr& field : arg->args) {
          ASSIGN_OR_RETURN(field, resolve_unknown(std::move(field)));
        }
      }
      bool is_null = t.nulltesttype == PG_QUERY__NULL_TEST_TYPE__IS_NULL;
      ExprPtr e = node(is_null ? ExprKind::kIsNull : ExprKind::kIsNotNull, kBoolType,
                       leftmost(t.location, arg->location));
      e->args.push_back(std::move(arg));
      return e;
    }
    case PG_QUERY__NODE__NODE_BOOLEAN_TEST: {
      const PgQuery__BooleanTest& t = *n->boolean_test;
      ExprKind kind = boolean_test(t.booltesttype);
      ASSIGN_OR_RETURN(ExprPtr arg, expr(t.arg));
      ASSIGN_OR_RETURN(arg, coerce_bool(std::move(arg), boolean_test_name(kind)));
      ExprPtr e = node(kind, kBoolType, leftmost(t.location, arg->location));
      e->args.push_back(std::move(arg));
      return e;
    }
    case PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION:
      return sql_value(*n->sqlvalue_function);
    case PG_QUERY__NODE__NODE_A_ARRAY_EXPR:
      return array_expr(n, 0);
    case PG_QUERY__NODE__NODE_A_INDIRECTION:
      return indirection(n);
    case PG_QUERY__NODE__NODE_ROW_EXPR: {
      ExprPtr e = node(ExprKind::kRow, Type{oid::kRecord, -1}, n->row_expr->location);
      ASSIGN_OR_RETURN(e->args, expr_list(n->row_expr->args, n->row_expr->n_args));
      for (auto& a : e->args) {
        ASSIGN_OR_RETURN(a, resolve_unknown(std::move(a)));
      }
      return e;
    }
    case PG_QUERY__NODE__NODE_SET_TO_DEFAULT:
      return fail(sqlstate::kSyntaxError, "DEFAULT is not allowed in this context",
                  n->set_to_default->location);
    case PG_QUERY__NODE__NODE_CURRENT_OF_EXPR:
      return unsupported("WHERE CURRENT OF");
    case PG_QUERY__NODE__NODE_GROUPING_FUNC:
      return unsupported("GROUPING", n->grouping_func->location);
    case PG_QUERY__NODE__NODE_XML_EXPR:
    case PG_QUERY__NODE__NODE_XML_SERIALIZE:
      return unsupported("XML");
    case PG_QUERY__NODE__NODE_NAMED_ARG_EXPR:
      return unsupported("a named argument", n->named_arg_expr->location);
    case PG_QUERY__NODE__NODE_MULTI_ASSIGN_REF:
      return unsupported("UPDATE ... SET (...) = (SELECT ...)");
    default:
      return unsupported("this kind of expression");
  }
}

}  // namespace quorate::sql
