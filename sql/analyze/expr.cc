#include "sql/analyze/expr.h"

#include "sql/analyze/query.h"

namespace quorate::sql {

Expr::Expr() = default;
Expr::~Expr() = default;
Relation::Relation() = default;
Relation::~Relation() = default;
Relation::Relation(Relation&&) noexcept = default;
Relation& Relation::operator=(Relation&&) noexcept = default;
Query::Query() = default;
Query::~Query() = default;

ExprPtr make_const(Type type, Datum value) {
  auto e = std::make_unique<Expr>();
  e->kind = ExprKind::kConst;
  e->type = type;
  e->value = std::move(value).own();
  return e;
}

ExprPtr make_column(uint32_t relation, uint32_t index, Type type, uint32_t levels_up) {
  auto e = std::make_unique<Expr>();
  e->kind = ExprKind::kColumn;
  e->type = type;
  e->relation = relation;
  e->index = index;
  e->levels_up = levels_up;
  return e;
}

namespace {

ExprPtr clone_or_null(const ExprPtr& e) { return e ? clone(*e) : nullptr; }

std::unique_ptr<AggregateCall> clone_aggregate(const AggregateCall& a) {
  auto out = std::make_unique<AggregateCall>();
  out->info = a.info;
  out->distinct = a.distinct;
  out->filter = clone_or_null(a.filter);
  for (const auto& o : a.order_by)
    out->order_by.push_back({clone(*o.expr), o.descending, o.nulls_first});
  return out;
}

std::unique_ptr<FromNode> clone_from(const FromNode& n) {
  auto out = std::make_unique<FromNode>();
  out->relation = n.relation;
  out->join = n.join;
  if (n.left) out->left = clone_from(*n.left);
  if (n.right) out->right = clone_from(*n.right);
  out->condition = clone_or_null(n.condition);
  return out;
}

Relation clone_relation(const Relation& r) {
  Relation out;
  out.kind = r.kind;
  out.alias = r.alias;
  out.columns = r.columns;
  out.table = r.table;
  out.system_table = r.system_table;
  if (r.subquery) out.subquery = clone_query(*r.subquery);
  out.function = clone_or_null(r.function);
  out.with_ordinality = r.with_ordinality;
  out.lateral = r.lateral;
  for (const auto& row : r.values) {
    auto& copy = out.values.emplace_back();
    for (const auto& e : row) copy.push_back(clone(*e));
  }
  return out;
}

std::vector<Assignment> clone_assignments(const std::vector<Assignment>& list) {
  std::vector<Assignment> out;
  for (const auto& a : list) out.push_back({a.column, clone(*a.expr)});
  return out;
}

}  // namespace

std::unique_ptr<Query> clone_query(const Query& q) {
  auto out = std::make_unique<Query>();
  out->command = q.command;
  for (const auto& r : q.relations) out->relations.push_back(clone_relation(r));
  if (q.from) out->from = clone_from(*q.from);
  out->where = clone_or_null(q.where);
  for (const auto& t : q.targets) {
    out->targets.push_back(Target{clone(*t.expr), t.name, t.hidden, t.table_oid, t.column_number});
  }
  for (const auto& g : q.group_by) out->group_by.push_back(clone(*g));
  out->has_aggregates = q.has_aggregates;
  out->has_set_returning = q.has_set_returning;
  out->has_windows = q.has_windows;
  out->having = clone_or_null(q.having);
  out->distinct = q.distinct;
  out->distinct_on = q.distinct_on;
  out->order_by = q.order_by;
  out->limit = clone_or_null(q.limit);
  out->offset = clone_or_null(q.offset);
  out->locks = q.locks;
  out->set_operation = q.set_operation;
  out->set_all = q.set_all;
  if (q.left) out->left = clone_query(*q.left);
  if (q.right) out->right = clone_query(*q.right);
  out->target = q.target;
  out->insert_columns = q.insert_columns;
  if (q.source) out->source = clone_query(*q.source);
  out->assignments = clone_assignments(q.assignments);
  out->defaults = clone_assignments(q.defaults);
  for (const auto& [name, e] : q.checks) out->checks.emplace_back(name, clone(*e));
  if (q.on_conflict) {
    out->on_conflict = std::make_unique<OnConflict>();
    out->on_conflict->do_nothing = q.on_conflict->do_nothing;
    out->on_conflict->index = q.on_conflict->index;
    out->on_conflict->assignments = clone_assignments(q.on_conflict->assignments);
    out->on_conflict->where = clone_or_null(q.on_conflict->where);
    out->on_conflict->excluded = q.on_conflict->excluded;
  }
  return out;
}

ExprPtr clone(const Expr& e) {
  auto out = std::make_unique<Expr>();
  out->kind = e.kind;
  out->type = e.type;
  out->location = e.location;
  out->value = e.value;
  out->index = e.index;
  out->relation = e.relation;
  out->levels_up = e.levels_up;
  out->function = e.function;
  out->op = e.op;
  out->cast = e.cast;
  out->is_explicit = e.is_explicit;
  out->coerce_length = e.coerce_length;
  out->negated = e.negated;
  out->args.reserve(e.args.size());
  for (const auto& a : e.args) out->args.push_back(clone_or_null(a));
  if (e.aggregate) out->aggregate = clone_aggregate(*e.aggregate);
  if (e.subquery) out->subquery = clone_query(*e.subquery);
  return out;
}

namespace {

bool same_value(const Datum& a, const Datum& b) {
  if (a.is_null() || b.is_null()) return a.is_null() && b.is_null();
  if (a.holds_bytes() && b.holds_bytes()) return a.as_bytes() == b.as_bytes();
  if (a.holds_bool() && b.holds_bool()) return a.as_bool() == b.as_bool();
  if (a.holds_int() && b.holds_int()) return a.as_int() == b.as_int();
  // Bits, so that 0 and -0 stay two values.
  if (a.holds_double() && b.holds_double()) {
    double x = a.as_double(), y = b.as_double();
    return std::memcmp(&x, &y, sizeof x) == 0;
  }
  return false;
}

bool same_aggregate(const AggregateCall& a, const AggregateCall& b) {
  if (a.info != b.info || a.distinct != b.distinct || !a.filter != !b.filter ||
      a.order_by.size() != b.order_by.size())
    return false;
  if (a.filter && !same_expr(*a.filter, *b.filter)) return false;
  for (size_t i = 0; i < a.order_by.size(); ++i)
    if (a.order_by[i].descending != b.order_by[i].descending ||
        a.order_by[i].nulls_first != b.order_by[i].nulls_first ||
        !same_expr(*a.order_by[i].expr, *b.order_by[i].expr))
      return false;
  return true;
}

}  // namespace

bool same_expr(const Expr& a, const Expr& b) {
  if (a.kind != b.kind || a.type != b.type || a.index != b.index || a.relation != b.relation ||
      a.levels_up != b.levels_up || a.function != b.function || a.op != b.op ||
      a.negated != b.negated || a.args.size() != b.args.size() || a.subquery || b.subquery ||
      !a.aggregate != !b.aggregate || a.coerce_length != b.coerce_length ||
      a.cast.fn != b.cast.fn || !same_value(a.value, b.value))
    return false;
  if (a.function != nullptr && a.function->volatility == Volatility::kVolatile) return false;
  if (a.aggregate && !same_aggregate(*a.aggregate, *b.aggregate)) return false;
  for (size_t i = 0; i < a.args.size(); ++i) {
    if (!a.args[i] != !b.args[i]) return false;
    if (a.args[i] && !same_expr(*a.args[i], *b.args[i])) return false;
  }
  return true;
}

bool is_constant(const Expr& e) { return e.kind == ExprKind::kConst; }

void walk(const Expr& e, const std::function<void(const Expr&)>& visit) {
  visit(e);
  for (const auto& a : e.args)
    if (a) walk(*a, visit);
  if (e.aggregate) {
    if (e.aggregate->filter) walk(*e.aggregate->filter, visit);
    for (const auto& o : e.aggregate->order_by) walk(*o.expr, visit);
  }
}

bool is_stable(const Expr& e) {
  bool stable = true;
  walk(e, [&](const Expr& x) {
    switch (x.kind) {
      case ExprKind::kColumn:
      case ExprKind::kScalarSubquery:
      case ExprKind::kExists:
      case ExprKind::kInSubquery:
      case ExprKind::kArraySubquery:
      case ExprKind::kAggregate:
      case ExprKind::kWindow:
      case ExprKind::kSetReturning:
      case ExprKind::kDefault:
      case ExprKind::kCurrentOf:
        stable = false;
        break;
      default:
        if (x.function != nullptr && x.function->volatility == Volatility::kVolatile)
          stable = false;
    }
  });
  return stable;
}

bool contains_aggregate(const Expr& e) {
  bool found = false;
  walk(e, [&](const Expr& x) { found |= x.kind == ExprKind::kAggregate; });
  return found;
}

}  // namespace quorate::sql
