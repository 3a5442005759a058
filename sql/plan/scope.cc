#include "sql/plan/scope.h"

namespace quorate::sql {

void Layout::append(const Layout& other, uint32_t offset) {
  for (const auto& [key, slot] : other.columns_) columns_[key] = slot + offset;
  for (const auto& [e, slot] : other.computed_) computed_.emplace_back(e, slot + offset);
}

std::optional<uint32_t> Layout::column(uint32_t relation, uint32_t column) const {
  auto it = columns_.find({relation, column});
  if (it == columns_.end()) return std::nullopt;
  return it->second;
}

std::optional<uint32_t> Layout::computed(const Expr& e) const {
  for (const auto& [known, slot] : computed_) {
    if (known == &e) return slot;
  }
  // Constants are cheaper than looking for them, and sub-queries are only equal to themselves.
  if (e.kind == ExprKind::kConst || e.kind == ExprKind::kParam) return std::nullopt;
  for (const auto& [known, slot] : computed_) {
    if (known->kind == e.kind && same_expr(*known, e)) return slot;
  }
  return std::nullopt;
}

bool Layout::has_relation(uint32_t relation) const {
  auto it = columns_.lower_bound({relation, 0});
  return it != columns_.end() && it->first.first == relation;
}

std::optional<Slot> ExprScope::find(const Expr& e) const {
  if (layout != nullptr && !(e.kind == ExprKind::kColumn && e.levels_up > 0)) {
    if (auto slot = layout->computed(e)) return Slot{0, *slot};
  }
  if (e.kind != ExprKind::kColumn) return std::nullopt;
  const Query* target = query;
  if (e.levels_up > 0) {
    if (parents == nullptr || e.levels_up > parents->size()) return std::nullopt;
    target = (*parents)[e.levels_up - 1];
  } else if (layout != nullptr) {
    if (auto slot = layout->column(e.relation, e.index)) return Slot{0, *slot};
  }
  uint32_t level = 1;
  for (const Scope* s = outer; s != nullptr; s = s->outer, ++level) {
    if (s->query != target) continue;
    if (auto slot = s->layout->column(e.relation, e.index)) {
      s->used = true;
      return Slot{level, *slot};
    }
  }
  return std::nullopt;
}

Result<CompiledExpr> ExprScope::compile(const Expr& e) const {
  SlotFinder finder = [this](const Expr& x) { return find(x); };
  std::function<std::optional<uint32_t>(const Expr&)> init =
      [this](const Expr& x) -> std::optional<uint32_t> {
    if (init_plans == nullptr) return std::nullopt;
    auto it = init_plans->find(&x);
    if (it == init_plans->end()) return std::nullopt;
    return it->second;
  };
  return CompiledExpr::compile(e, finder, init);
}

namespace {

using Visit = std::function<void(uint32_t, uint32_t)>;

void visit_query(const Query& q, uint32_t depth, const Visit& visit);

void visit_from(const FromNode& f, uint32_t depth, const Visit& visit) {
  if (f.condition) for_each_column(*f.condition, depth, visit);
  if (f.left) visit_from(*f.left, depth, visit);
  if (f.right) visit_from(*f.right, depth, visit);
}

void visit_relation(const Relation& r, uint32_t depth, const Visit& visit) {
  if (r.subquery) visit_query(*r.subquery, depth + 1, visit);
  if (r.function) for_each_column(*r.function, depth, visit);
  for (const auto& row : r.values) {
    for (const auto& e : row) for_each_column(*e, depth, visit);
  }
}

void visit_query(const Query& q, uint32_t depth, const Visit& visit) {
  const auto each = [&](const ExprPtr& e) {
    if (e) for_each_column(*e, depth, visit);
  };
  for (const Relation& r : q.relations) visit_relation(r, depth, visit);
  if (q.from) visit_from(*q.from, depth, visit);
  each(q.where);
  for (const Target& t : q.targets) each(t.expr);
  for (const ExprPtr& e : q.group_by) each(e);
  each(q.having);
  each(q.limit);
  each(q.offset);
  if (q.left) visit_query(*q.left, depth + 1, visit);
  if (q.right) visit_query(*q.right, depth + 1, visit);
  if (q.source) visit_query(*q.source, depth + 1, visit);
  for (const Assignment& a : q.assignments) each(a.expr);
  for (const Assignment& a : q.defaults) each(a.expr);
  for (const auto& [name, check] : q.checks) each(check);
  if (q.on_conflict) {
    for (const Assignment& a : q.on_conflict->assignments) each(a.expr);
    each(q.on_conflict->where);
  }
}

}  // namespace

void for_each_column(const Expr& e, uint32_t depth, const Visit& visit) {
  if (e.kind == ExprKind::kColumn && e.levels_up == depth) visit(e.relation, e.index);
  for (const ExprPtr& arg : e.args) {
    if (arg) for_each_column(*arg, depth, visit);
  }
  if (e.aggregate) {
    if (e.aggregate->filter) for_each_column(*e.aggregate->filter, depth, visit);
    for (const auto& o : e.aggregate->order_by) for_each_column(*o.expr, depth, visit);
  }
  if (e.subquery) visit_query(*e.subquery, depth + 1, visit);
}

void for_each_column(const Query& query, const Visit& visit) { visit_query(query, 0, visit); }

std::vector<uint32_t> relations_of(const Expr& e) {
  std::set<uint32_t> found;
  for_each_column(e, 0, [&](uint32_t relation, uint32_t) { found.insert(relation); });
  return {found.begin(), found.end()};
}

void split_conjuncts(const Expr* e, std::vector<const Expr*>* out) {
  if (e == nullptr) return;
  if (e->kind == ExprKind::kAnd) {
    for (const ExprPtr& arg : e->args) split_conjuncts(arg.get(), out);
  } else {
    out->push_back(e);
  }
}

bool has_subquery(const Expr& e) {
  if (e.subquery) return true;
  for (const ExprPtr& arg : e.args) {
    if (arg && has_subquery(*arg)) return true;
  }
  return false;
}

}  // namespace quorate::sql
