// Visits of whole queries, sub-queries included, for the analyzer and the planner's rewrites.
#pragma once

#include <functional>

#include "sql/analyze/query.h"

namespace quorate::sql {

// Calls `visit` for every node of every expression of `q` and of the queries inside it; `depth`
// counts the queries between the node and the place where the visit began, so that a kColumn with
// levels_up == depth belongs to `q` and one above that to a query around it. Parents come before
// their children. `visit` may change nodes in place.
using ExprVisitor = std::function<void(Expr&, uint32_t depth)>;
void visit_query(Query& q, const ExprVisitor& visit, uint32_t depth = 0);
// The same from one expression of a query: its own nodes have `depth`.
void visit_expr(Expr& e, const ExprVisitor& visit, uint32_t depth = 0);

// Adds `delta` to the levels of all columns that belong to queries around `q`: after `q` was put
// that many queries deeper.
void shift_outer_levels(Query& q, uint32_t delta);
// Adds `delta` to the levels of the columns of an expression that moves that many queries deeper.
void shift_levels(Expr& e, uint32_t delta);

// A query around `q` that gives its columns as they are, with the same names; hidden targets stay
// inside.
std::unique_ptr<Query> wrap_query(std::unique_ptr<Query> q);

}  // namespace quorate::sql
