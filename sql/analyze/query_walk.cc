#include "sql/analyze/query_walk.h"

namespace quorate::sql {
namespace {

void visit_opt(const ExprPtr& e, const ExprVisitor& visit, uint32_t depth) {
  if (e) visit_expr(*e, visit, depth);
}

void visit_from(FromNode& n, const ExprVisitor& visit, uint32_t depth) {
  visit_opt(n.condition, visit, depth);
  if (n.left) visit_from(*n.left, visit, depth);
  if (n.right) visit_from(*n.right, visit, depth);
}

void visit_relation(Relation& r, const ExprVisitor& visit, uint32_t depth) {
  if (r.subquery) visit_query(*r.subquery, visit, depth + 1);
  visit_opt(r.function, visit, depth);
  for (auto& row : r.values)
    for (auto& e : row) visit_opt(e, visit, depth);
}

}  // namespace

void visit_expr(Expr& e, const ExprVisitor& visit, uint32_t depth) {
  visit(e, depth);
  for (auto& a : e.args) visit_opt(a, visit, depth);
  if (e.aggregate) {
    visit_opt(e.aggregate->filter, visit, depth);
    for (auto& o : e.aggregate->order_by) visit_opt(o.expr, visit, depth);
  }
  if (e.subquery) visit_query(*e.subquery, visit, depth + 1);
}

void visit_query(Query& q, const ExprVisitor& visit, uint32_t depth) {
  for (auto& r : q.relations) visit_relation(r, visit, depth);
  if (q.from) visit_from(*q.from, visit, depth);
  visit_opt(q.where, visit, depth);
  for (auto& t : q.targets) visit_opt(t.expr, visit, depth);
  for (auto& g : q.group_by) visit_opt(g, visit, depth);
  visit_opt(q.having, visit, depth);
  visit_opt(q.limit, visit, depth);
  visit_opt(q.offset, visit, depth);
  if (q.left) visit_query(*q.left, visit, depth + 1);
  if (q.right) visit_query(*q.right, visit, depth + 1);
  if (q.source) visit_query(*q.source, visit, depth + 1);
  for (auto& a : q.assignments) visit_opt(a.expr, visit, depth);
  for (auto& a : q.defaults) visit_opt(a.expr, visit, depth);
  for (auto& [name, e] : q.checks) visit_opt(e, visit, depth);
  if (q.on_conflict) {
    for (auto& a : q.on_conflict->assignments) visit_opt(a.expr, visit, depth);
    visit_opt(q.on_conflict->where, visit, depth);
  }
}

void shift_outer_levels(Query& q, uint32_t delta) {
  if (delta == 0) return;
  visit_query(q, [delta](Expr& e, uint32_t depth) {
    if (e.kind == ExprKind::kColumn && e.levels_up > depth) e.levels_up += delta;
  });
}

void shift_levels(Expr& e, uint32_t delta) {
  if (delta == 0) return;
  visit_expr(e, [delta](Expr& x, uint32_t depth) {
    if (x.kind == ExprKind::kColumn && x.levels_up >= depth) x.levels_up += delta;
  });
}

std::unique_ptr<Query> wrap_query(std::unique_ptr<Query> q) {
  auto out = std::make_unique<Query>();
  Relation r;
  r.kind = Relation::Kind::kSubquery;
  for (const auto& t : q->targets) {
    if (t.hidden) continue;
    auto column = static_cast<uint32_t>(r.columns.size());
    r.columns.push_back({t.name, t.expr->type});
    Target target{make_column(0, column, t.expr->type), t.name, false, t.table_oid,
                  t.column_number};
    target.expr->location = t.expr->location;
    out->targets.push_back(std::move(target));
  }
  shift_outer_levels(*q, 1);
  r.subquery = std::move(q);
  out->relations.push_back(std::move(r));
  out->from = std::make_unique<FromNode>();
  out->from->relation = 0;
  return out;
}

}  // namespace quorate::sql
