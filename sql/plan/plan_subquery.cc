#include "sql/plan/planner_impl.h"

namespace quorate::sql {
namespace {

// Sub-queries of an expression, outermost ones only: what is inside them is theirs. What is
// computed already (an aggregate, a group) needs nothing more.
void collect(const Expr& e, const Layout& have, std::vector<const Expr*>* out) {
  if (have.computed(e)) return;
  if (e.subquery != nullptr) {
    out->push_back(&e);
    return;
  }
  for (const ExprPtr& arg : e.args) {
    if (arg) collect(*arg, have, out);
  }
}

SubqueryKind kind_of(ExprKind k) {
  switch (k) {
    case ExprKind::kExists:
      return SubqueryKind::kExists;
    case ExprKind::kInSubquery:
      return SubqueryKind::kIn;
    case ExprKind::kArraySubquery:
      return SubqueryKind::kArray;
    default:
      return SubqueryKind::kScalar;
  }
}

}  // namespace

Result<SubPlan> QueryPlanner::plan_subquery(const Expr& e, const Planned& input, bool* correlated) {
  SubPlan sub;
  sub.kind = kind_of(e.kind);
  sub.type = e.type;
  sub.negated = e.negated;
  Scope row{&query_, &input.layout, outer_};
  std::vector<const Scope*> around;
  for (const Scope* s = outer_; s != nullptr; s = s->outer) around.push_back(s);
  std::vector<bool> before;
  for (const Scope* s : around) {
    before.push_back(s->used);
    s->used = false;
  }
  std::vector<const Query*> parents = parents_;
  parents.insert(parents.begin(), &query_);
  QueryPlanner planner(state_, *e.subquery, &row, parents);
  ASSIGN_OR_RETURN(sub.plan, planner.plan_select());
  *correlated = row.used;
  for (size_t i = 0; i < around.size(); ++i) {
    *correlated = *correlated || around[i]->used;
    around[i]->used = around[i]->used || before[i];
  }
  sub.correlated = *correlated;
  if (sub.kind != SubqueryKind::kIn) return sub;
  for (const ExprPtr& arg : e.args) {
    if (has_subquery(*arg)) return unimplemented("a sub-query on the left side of IN (SELECT ...)");
    ASSIGN_OR_RETURN(CompiledExpr c, compile(*arg, input.layout));
    CompareFn compare = compare_fn(arg->type.oid);
    if (compare == nullptr) return unimplemented("IN over a type without an order");
    sub.left.push_back(std::move(c));
    sub.compare.push_back(compare);
  }
  return sub;
}

Status QueryPlanner::plan_subqueries(const std::vector<const Expr*>& exprs, Planned* input) {
  std::vector<const Expr*> found;
  for (const Expr* e : exprs) collect(*e, input->layout, &found);
  if (found.empty()) return Status();
  auto apply = make_node(NodeKind::kApply);
  std::vector<const Expr*> appended;
  for (const Expr* e : found) {
    if (state_.init_numbers.contains(e) || input->layout.computed(*e)) continue;
    bool correlated = false;
    ASSIGN_OR_RETURN(SubPlan sub, plan_subquery(*e, *input, &correlated));
    if (!correlated && sub.kind != SubqueryKind::kIn) {
      state_.init_numbers[e] = static_cast<uint32_t>(state_.init_plans.size());
      state_.init_plans.push_back(std::move(sub));
      continue;
    }
    apply->subplans.push_back(std::move(sub));
    appended.push_back(e);
  }
  if (appended.empty()) return Status();
  apply->types = input->node->types;
  apply->rows = input->node->rows;
  uint32_t slot = input->node->width;
  for (const Expr* e : appended) {
    input->layout.add_computed(e, slot++);
    apply->types.push_back(e->type);
  }
  apply->width = slot;
  apply->children.push_back(std::move(input->node));
  input->node = std::move(apply);
  return Status();
}

}  // namespace quorate::sql
