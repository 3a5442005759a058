// Bound expressions: names resolved, types known, casts explicit. What the analyzer makes, the
// planner rewrites and the executor evaluates. Trees own their children; they are immutable once a
// plan is made and then shared by executions.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sql/functions/registry.h"
#include "sql/types/cast.h"

namespace quorate::sql {

struct Query;  // sql/analyze/query.h
struct Expr;
using ExprPtr = std::unique_ptr<Expr>;

enum class ExprKind : uint8_t {
  kConst,   // value
  kParam,   // $n: `index` is n-1
  kColumn,  // column `index` of range-table entry `relation`, `levels_up` queries above
  kCall,    // function over args
  kCast,    // args[0] to `type` by `cast` (fn null: relabel) and then length coercion where
            // `coerce_length`
  kAnd,
  kOr,
  kNot,
  kIsNull,
  kIsNotNull,
  kIsTrue,
  kIsNotTrue,
  kIsFalse,
  kIsNotFalse,
  kIsUnknown,
  kIsNotUnknown,
  kDistinct,
  kNotDistinct,  // IS [NOT] DISTINCT FROM; `function` is the = operator's
  kCase,  // args: [when, then]*, else. Searched form: the analyzer has put in the comparisons
  kCoalesce,
  kNullIf,
  kGreatest,
  kLeast,
  kArray,  // ARRAY[...]
  kRow,    // ROW(...)
  kAnyOf,
  kAllOf,      // args[0] op ANY/ALL (args[1] array); `function` is the operator's
  kInList,     // args[0] IN (args[1..]); constants where possible; `function` is the = operator's.
               // `negated`
  kSubscript,  // args[0][args[1]]
  kField,      // (record).column
  kScalarSubquery,
  kExists,
  kInSubquery,
  kArraySubquery,  // `subquery`; kInSubquery: args are the left side, cast to the types of the
                   // sub-query's columns, compared by their type's =; `negated`
  kAggregate,      // only in Query::targets/having/order of an aggregating query
  kWindow,
  kSetReturning,  // a set-returning function in a select list
  kDefault,       // DEFAULT in INSERT/UPDATE, replaced before planning
  kCurrentOf
};

struct AggregateCall {
  const AggregateInfo* info = nullptr;
  bool distinct = false;
  ExprPtr filter;  // FILTER (WHERE ...)
  struct Order {
    ExprPtr expr;
    bool descending = false, nulls_first = false;
  };
  std::vector<Order> order_by;
};

struct Expr {
  ExprKind kind = ExprKind::kConst;
  Type type;
  int32_t location = -1;  // byte offset in the statement's text, for errors; -1: none

  Datum value;             // kConst; owned
  uint32_t index = 0;      // kParam, kColumn, kField
  uint32_t relation = 0;   // kColumn: position in Query::relations
  uint32_t levels_up = 0;  // kColumn
  const FunctionInfo* function = nullptr;
  const OperatorInfo* op =
      nullptr;               // kCall made from an operator; also kAnyOf, kAllOf, kInList, kDistinct
  CastInfo cast;             // kCast
  bool is_explicit = false;  // kCast
  bool coerce_length = false;  // kCast
  bool negated = false;
  std::vector<ExprPtr> args;
  std::unique_ptr<AggregateCall> aggregate;
  std::unique_ptr<Query> subquery;

  Expr();
  ~Expr();
  Expr(const Expr&) = delete;
};

ExprPtr make_const(Type type, Datum value);
ExprPtr make_column(uint32_t relation, uint32_t index, Type type, uint32_t levels_up = 0);
ExprPtr clone(const Expr& e);  // deep
// Whether both compute the same from the same: structure, types and values; locations don't count.
// Never true where a volatile function or a sub-query is inside.
bool same_expr(const Expr& a, const Expr& b);
bool is_constant(const Expr& e);  // kConst
// True when the expression's value can't change within one execution (no volatile calls, columns or
// sub-queries).
bool is_stable(const Expr& e);
bool contains_aggregate(const Expr& e);
// Calls `visit` for e and everything below, sub-queries' expressions not included.
void walk(const Expr& e, const std::function<void(const Expr&)>& visit);
// For EXPLAIN and pg_get_expr: PostgreSQL's deparsed form. `column_name` gives a column's printed
// name; `io` how constants are written: with its catalog, regclass constants by their names.
std::string deparse(
    const Expr& e, const std::function<std::string(uint32_t relation, uint32_t index)>& column_name,
    const IoContext& io = IoContext());

}  // namespace quorate::sql
