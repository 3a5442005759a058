#include "sql/plan/planner.h"

#include "sql/plan/planner_impl.h"

namespace quorate::sql {
namespace {

void collect_aggregates(const Expr& e, std::vector<const Expr*>* out) {
  if (e.kind == ExprKind::kAggregate) {
    for (const Expr* known : *out) {
      if (known == &e || same_expr(*known, e)) return;
    }
    out->push_back(&e);
    return;
  }
  for (const ExprPtr& arg : e.args) {
    if (arg) collect_aggregates(*arg, out);
  }
}

void collect_sets(const Expr& e, std::vector<const Expr*>* out) {
  if (e.kind == ExprKind::kSetReturning) out->push_back(&e);
  for (const ExprPtr& arg : e.args) {
    if (arg) collect_sets(*arg, out);
  }
}

void nullable_relations(const FromNode& n, bool nullable, std::set<uint32_t>* out) {
  if (n.relation) {
    if (nullable) out->insert(*n.relation);
    return;
  }
  const bool left = n.join == JoinKind::kRight || n.join == JoinKind::kFull;
  const bool right = n.join == JoinKind::kLeft || n.join == JoinKind::kFull;
  nullable_relations(*n.left, nullable || left, out);
  nullable_relations(*n.right, nullable || right, out);
}

std::string_view lock_name(range::LockMode mode) {
  return mode == range::LockMode::kShared ? "FOR SHARE" : "FOR UPDATE";
}

std::optional<double> constant_number(const ExprPtr& e) {
  if (e == nullptr || e->kind != ExprKind::kConst || e->value.is_null() || !e->value.holds_int())
    return std::nullopt;
  return static_cast<double>(e->value.as_int());
}

}  // namespace

PlanPtr make_node(NodeKind kind, std::vector<PlanPtr> children) {
  auto node = std::make_unique<PlanNode>();
  node->kind = kind;
  node->children = std::move(children);
  return node;
}

Result<CompiledExpr> slot_expr(uint32_t slot, Type type) {
  ExprPtr column = make_column(0, 0, type);
  Layout layout;
  layout.add_column(0, 0, slot);
  return ExprScope({nullptr, &layout, nullptr, nullptr, nullptr}).compile(*column);
}

std::string describe(const Query& query, const Expr& e) {
  return deparse(e, [&](uint32_t relation, uint32_t column) {
    if (relation >= query.relations.size()) return std::string("?column?");
    const Relation& r = query.relations[relation];
    std::string name = column < r.columns.size() ? r.columns[column].name : "?column?";
    return query.relations.size() > 1 ? r.alias + "." + name : name;
  });
}

QueryPlanner::QueryPlanner(PlanState& state, const Query& query, const Scope* outer,
                           std::vector<const Query*> parents)
    : state_(state), query_(query), outer_(outer), parents_(std::move(parents)) {
  for_each_column(query_, [this](uint32_t relation, uint32_t column) {
    used_columns_[relation].insert(column);
  });
  // A row lock rereads the row: its key must be there.
  for (const RowLock& lock : query_.locks) {
    for (uint32_t relation : lock.relations) {
      const Relation& r = query_.relations[relation];
      if (r.kind != Relation::Kind::kTable) continue;
      for (const IndexColumn& c : r.table->indexes[0].columns) {
        for (uint32_t i = 0; i < r.table->columns.size(); ++i) {
          if (r.table->columns[i].id == c.column) used_columns_[relation].insert(i);
        }
        if (c.column == kRowidColumn)
          used_columns_[relation].insert(static_cast<uint32_t>(r.table->columns.size()));
      }
    }
  }
}

// ORDER BY as an order of one table's columns, where it is that.
PathWish QueryPlanner::order_wish() const {
  PathWish wish;
  if (query_.distinct || query_.has_aggregates || query_.has_set_returning ||
      query_.relations.size() != 1)
    return wish;
  for (const SortItem& item : query_.order_by) {
    const Expr& e = *query_.targets[item.target].expr;
    if (e.kind != ExprKind::kColumn || e.levels_up != 0) return PathWish();
    wish.order.push_back({e.index, item.descending, item.nulls_first});
  }
  auto limit = constant_number(query_.limit);
  if (limit) wish.limit = std::max(1.0, *limit + constant_number(query_.offset).value_or(0));
  return wish;
}

// SELECT min(c) or max(c) alone: the first or the last entry of an index that begins with what is
// fixed, then c.
bool QueryPlanner::extreme_of_index(PathWish* wish) const {
  if (!query_.has_aggregates || !query_.group_by.empty() || query_.having ||
      query_.relations.size() != 1)
    return false;
  std::vector<const Expr*> found;
  for (const Target& t : query_.targets) collect_aggregates(*t.expr, &found);
  if (found.size() != 1) return false;
  const Expr& e = *found[0];
  const bool min = e.aggregate->info->name == "min", max = e.aggregate->info->name == "max";
  if ((!min && !max) || e.aggregate->filter || e.args.size() != 1) return false;
  const Expr& column = *e.args[0];
  if (column.kind != ExprKind::kColumn || column.levels_up != 0) return false;
  const Relation& r = query_.relations[0];
  if (r.kind != Relation::Kind::kTable || column.index >= r.table->columns.size()) return false;
  if (!r.table->columns[column.index].not_null) return false;
  wish->order.push_back({column.index, max, max});
  wish->limit = 1;
  return true;
}

Result<Planned> QueryPlanner::plan_core() {
  if (query_.has_windows) return unimplemented("window function");
  std::vector<const Expr*> conjuncts;
  split_conjuncts(query_.where.get(), &conjuncts);
  wish_ = order_wish();
  const bool extreme = extreme_of_index(&wish_);
  wish_applies_ = !wish_.order.empty() || wish_.limit > 0;
  ASSIGN_OR_RETURN(Planned p, plan_from(std::move(conjuncts)));
  if (extreme && order_given_) {
    auto first = make_node(NodeKind::kLimit);
    first->width = p.node->width;
    first->types = p.node->types;
    ExprPtr one = make_const({oid::kInt8, -1}, Datum::of_int(1));
    ASSIGN_OR_RETURN(first->limit, compile(*one, p.layout));
    if (p.node->kind == NodeKind::kTableScan) p.node->rows_hint = first->limit;
    first->children.push_back(std::move(p.node));
    p.node = std::move(first);
  }
  if (query_.has_aggregates) order_given_ = false;
  return p;
}

Status QueryPlanner::aggregate(Planned* p) {
  if (!query_.has_aggregates) return Status();
  std::vector<const Expr*> calls;
  for (const Target& t : query_.targets) collect_aggregates(*t.expr, &calls);
  if (query_.having) collect_aggregates(*query_.having, &calls);
  std::vector<const Expr*> inputs;
  for (const ExprPtr& g : query_.group_by) inputs.push_back(g.get());
  for (const Expr* c : calls) {
    for (const ExprPtr& arg : c->args) inputs.push_back(arg.get());
    if (c->aggregate->filter) inputs.push_back(c->aggregate->filter.get());
  }
  RETURN_IF_ERROR(plan_subqueries(inputs, p));
  auto node = make_node(NodeKind::kAggregate);
  Layout layout;
  for (const ExprPtr& g : query_.group_by) {
    ASSIGN_OR_RETURN(CompiledExpr c, compile(*g, p->layout));
    if (hash_fn(g->type.oid) == nullptr) {
      return {StatusCode::kInvalidArgument, sqlstate::kUndefinedFunction,
              "could not identify an equality operator for type " + format_type(g->type)};
    }
    layout.add_computed(g.get(), node->width++);
    if (g->kind == ExprKind::kColumn && g->levels_up == 0)
      layout.add_column(g->relation, g->index, node->width - 1);
    node->groups.push_back(std::move(c));
    node->group_types.push_back(g->type);
    node->types.push_back(g->type);
  }
  for (const Expr* call : calls) {
    AggregateStep step;
    step.info = call->aggregate->info;
    step.distinct = call->aggregate->distinct;
    step.result = call->type;
    for (const ExprPtr& arg : call->args) {
      ASSIGN_OR_RETURN(CompiledExpr c, compile(*arg, p->layout));
      step.args.push_back(std::move(c));
      step.arg_types.push_back(arg->type);
    }
    if (call->aggregate->filter) {
      ASSIGN_OR_RETURN(step.filter, compile(*call->aggregate->filter, p->layout));
    }
    for (const auto& o : call->aggregate->order_by) {
      ASSIGN_OR_RETURN(CompiledExpr c, compile(*o.expr, p->layout));
      step.order_keys.push_back(
          {static_cast<uint32_t>(step.order_by.size()), o.expr->type, o.descending, o.nulls_first});
      step.order_by.push_back(std::move(c));
    }
    layout.add_computed(call, node->width++);
    node->types.push_back(call->type);
    node->aggregates.push_back(std::move(step));
  }
  node->rows = query_.group_by.empty() ? 1 : std::max(1.0, p->node->rows / 10);
  node->children.push_back(std::move(p->node));
  p->node = std::move(node);
  p->layout = std::move(layout);
  if (query_.having) {
    std::vector<const Expr*> conjuncts;
    split_conjuncts(query_.having.get(), &conjuncts);
    ASSIGN_OR_RETURN(*p, add_filter(std::move(*p), conjuncts));
  }
  return Status();
}

// Makes a row of all targets, hidden ones too: their positions are the slots from here on.
Status QueryPlanner::project(Planned* p) {
  std::vector<const Expr*> exprs, sets;
  for (const Target& t : query_.targets) {
    exprs.push_back(t.expr.get());
    collect_sets(*t.expr, &sets);
  }
  RETURN_IF_ERROR(plan_subqueries(exprs, p));
  auto node = make_node(sets.empty() ? NodeKind::kProject : NodeKind::kProjectSet);
  Layout input = p->layout;
  uint32_t slot = p->node->width;
  for (const Expr* e : sets) {
    PlanNode::SetCall call;
    call.function = e->function;
    call.result = e->type;
    call.slot = slot + static_cast<uint32_t>(node->calls.size());
    for (const ExprPtr& arg : e->args) {
      ASSIGN_OR_RETURN(CompiledExpr c, compile(*arg, input));
      call.args.push_back(std::move(c));
      call.arg_types.push_back(arg->type);
    }
    node->calls.push_back(std::move(call));
  }
  for (const Expr* e : sets) input.add_computed(e, slot++);
  bool identity = sets.empty() && query_.targets.size() == p->node->width;
  for (uint32_t i = 0; i < query_.targets.size(); ++i) {
    ASSIGN_OR_RETURN(CompiledExpr c, compile(*query_.targets[i].expr, input));
    identity = identity && c.plain_slot() == i;
    node->types.push_back(query_.targets[i].expr->type);
    node->exprs.push_back(std::move(c));
  }
  node->width = static_cast<uint32_t>(node->exprs.size());
  node->rows = p->node->rows * (sets.empty() ? 1 : 10);
  if (identity || (sets.empty() && narrow_scan(*node, p->node.get()))) return Status();
  node->children.push_back(std::move(p->node));
  p->node = std::move(node);
  return Status();
}

// Lets a scan give the columns of the projection above it, each once, in their order.
bool QueryPlanner::narrow_scan(const PlanNode& projection, PlanNode* scan) {
  if (scan->kind != NodeKind::kTableScan && scan->kind != NodeKind::kPointGet) return false;
  if (scan->with_version) return false;
  std::vector<uint32_t> columns;
  for (const CompiledExpr& e : projection.exprs) {
    auto slot = e.plain_slot();
    if (!slot) return false;
    const uint32_t column = scan->columns[*slot];
    if (std::find(columns.begin(), columns.end(), column) != columns.end()) return false;
    columns.push_back(column);
  }
  scan->columns = std::move(columns);
  scan->types = projection.types;
  scan->width = projection.width;
  return true;
}

Status QueryPlanner::distinct(Planned* p) {
  if (!query_.distinct && query_.distinct_on.empty()) return Status();
  auto node = make_node(NodeKind::kDistinct);
  node->width = p->node->width;
  node->types = p->node->types;
  node->rows = std::max(1.0, p->node->rows / 2);
  if (query_.distinct_on.empty()) {
    for (uint32_t i = 0; i < query_.targets.size(); ++i) {
      if (!query_.targets[i].hidden) node->distinct_slots.push_back(i);
    }
  } else {
    node->distinct_slots = query_.distinct_on;
  }
  for (uint32_t s : node->distinct_slots) {
    if (hash_fn(node->types[s].oid) == nullptr) {
      return {StatusCode::kInvalidArgument, sqlstate::kUndefinedFunction,
              "could not identify an equality operator for type " + format_type(node->types[s])};
    }
    node->distinct_types.push_back(node->types[s]);
  }
  node->children.push_back(std::move(p->node));
  p->node = std::move(node);
  return Status();
}

// `slots`: where each item of ORDER BY stands in the node's row.
Status QueryPlanner::add_sort_keys(PlanNode* node, const std::vector<uint32_t>& slots) {
  std::string note;
  for (size_t i = 0; i < slots.size(); ++i) {
    const SortItem& item = query_.order_by[i];
    const Type type = node->types[slots[i]];
    if (compare_fn(type.oid) == nullptr) {
      return Status(StatusCode::kInvalidArgument, sqlstate::kUndefinedFunction,
                    "could not identify an ordering operator for type " + format_type(type))
          .with_hint("Use an explicit ordering operator or modify the query.");
    }
    node->sort.push_back({slots[i], type, item.descending, item.nulls_first});
    note += (note.empty() ? "" : ", ") + describe(query_, *query_.targets[item.target].expr) +
            (item.descending ? " DESC" : "");
  }
  node->notes.push_back("Sort Key: " + note);
  return Status();
}

Status QueryPlanner::sort(Planned* p) {
  if (query_.order_by.empty() || order_given_) return Status();
  auto node = make_node(NodeKind::kSort);
  node->width = p->node->width;
  node->types = p->node->types;
  node->rows = p->node->rows;
  std::vector<uint32_t> slots;
  for (const SortItem& item : query_.order_by) slots.push_back(item.target);
  RETURN_IF_ERROR(add_sort_keys(node.get(), slots));
  auto limit = constant_number(query_.limit);
  auto offset = constant_number(query_.offset);
  if (limit && *limit >= 0 && (offset || !query_.offset) && query_.distinct_on.empty()) {
    node->bound = static_cast<uint64_t>(*limit + offset.value_or(0));
  }
  node->children.push_back(std::move(p->node));
  p->node = std::move(node);
  return Status();
}

// Rows are locked in the order asked for, and no more of them than a LIMIT lets through: the sort
// comes below the locks. What it sorts by is appended to the row.
Status QueryPlanner::sort_before_locks(Planned* p) {
  if (query_.order_by.empty() || order_given_) return Status();
  std::vector<const Expr*> keys;
  for (const SortItem& item : query_.order_by)
    keys.push_back(query_.targets[item.target].expr.get());
  RETURN_IF_ERROR(plan_subqueries(keys, p));
  auto row = make_node(NodeKind::kProject);
  row->types = p->node->types;
  for (uint32_t i = 0; i < row->types.size(); ++i) {
    ASSIGN_OR_RETURN(CompiledExpr c, slot_expr(i, row->types[i]));
    row->exprs.push_back(std::move(c));
  }
  std::vector<uint32_t> slots;
  for (const Expr* e : keys) {
    ASSIGN_OR_RETURN(CompiledExpr c, compile(*e, p->layout));
    if (auto plain = c.plain_slot()) {
      slots.push_back(*plain);
      continue;
    }
    slots.push_back(static_cast<uint32_t>(row->exprs.size()));
    row->exprs.push_back(std::move(c));
    row->types.push_back(e->type);
  }
  row->width = static_cast<uint32_t>(row->exprs.size());
  row->rows = p->node->rows;
  if (row->width > p->node->width) {
    row->children.push_back(std::move(p->node));
    p->node = std::move(row);
  }
  auto node = make_node(NodeKind::kSort);
  node->width = p->node->width;
  node->types = p->node->types;
  node->rows = p->node->rows;
  RETURN_IF_ERROR(add_sort_keys(node.get(), slots));
  node->children.push_back(std::move(p->node));
  p->node = std::move(node);
  order_given_ = true;
  return Status();
}

Status QueryPlanner::limit(Planned* p) {
  if (!query_.limit && !query_.offset) return Status();
  auto node = make_node(NodeKind::kLimit);
  node->width = p->node->width;
  node->types = p->node->types;
  node->rows = std::min(p->node->rows, constant_number(query_.limit).value_or(p->node->rows));
  Layout none;
  std::vector<const Expr*> exprs;
  if (query_.limit) exprs.push_back(query_.limit.get());
  if (query_.offset) exprs.push_back(query_.offset.get());
  RETURN_IF_ERROR(plan_subqueries(exprs, p));
  if (query_.limit) {
    ASSIGN_OR_RETURN(node->limit, compile(*query_.limit, none));
  }
  if (query_.offset) {
    ASSIGN_OR_RETURN(node->offset, compile(*query_.offset, none));
  }
  // A scan right below need not read ahead of what is wanted, and no more rows need be locked.
  PlanNode* below = p->node.get();
  for (;;) {
    if (below->kind == NodeKind::kLockRows && !query_.offset) below->rows_hint = node->limit;
    if (below->kind != NodeKind::kProject && below->kind != NodeKind::kLockRows) break;
    below = below->children[0].get();
  }
  if (below->kind == NodeKind::kTableScan && !query_.offset) below->rows_hint = node->limit;
  node->children.push_back(std::move(p->node));
  p->node = std::move(node);
  return Status();
}

// FOR UPDATE and its like: rows are read again under their lock, above everything that chooses
// them.
Status QueryPlanner::lock_rows(Planned* p) {
  if (query_.locks.empty()) return Status();
  state_.read_only = false;
  std::set<uint32_t> nullable;
  if (query_.from) nullable_relations(*query_.from, false, &nullable);
  for (const RowLock& lock : query_.locks) {
    for (uint32_t relation : lock.relations) {
      if (!nullable.contains(relation)) continue;
      return {StatusCode::kUnimplemented, sqlstate::kFeatureNotSupported,
              std::string(lock_name(lock.mode)) +
                  " cannot be applied to the nullable side of an outer join"};
    }
  }
  // One table, found by its whole key, nothing else to hold: the lookup itself locks.
  if (p->node->kind == NodeKind::kPointGet && query_.relations.size() == 1 &&
      query_.locks.size() == 1 && p->node->range.index == 0) {
    p->node->lock = query_.locks[0].mode;
    p->node->wait = query_.locks[0].wait;
    return Status();
  }
  auto node = make_node(NodeKind::kLockRows);
  node->width = p->node->width;
  node->types = p->node->types;
  node->rows = p->node->rows;
  for (const RowLock& lock : query_.locks) {
    for (uint32_t relation : lock.relations) {
      const Relation& r = query_.relations[relation];
      if (r.kind != Relation::Kind::kTable) continue;
      PlanNode::LockTarget target;
      target.table = r.table;
      target.codec = state_.context.codec(r.table);
      target.mode = lock.mode;
      target.wait = lock.wait;
      for (const IndexColumn& c : r.table->indexes[0].columns) {
        uint32_t position = static_cast<uint32_t>(r.table->columns.size());
        for (uint32_t i = 0; i < r.table->columns.size(); ++i) {
          if (r.table->columns[i].id == c.column) position = i;
        }
        auto slot = p->layout.column(relation, position);
        if (!slot) return internal_error("a key column of a locked table is missing");
        target.key_slots.push_back(*slot);
      }
      for (const auto& [key, slot] : p->layout.columns()) {
        if (key.first != relation) continue;
        target.columns.push_back(key.second);
        target.row_slots.push_back(slot);
      }
      node->locks.push_back(std::move(target));
    }
  }
  if (query_.where && !has_subquery(*query_.where)) {
    auto recheck = compile(*query_.where, p->layout);
    if (recheck.ok()) node->recheck = std::move(*recheck);
  }
  node->children.push_back(std::move(p->node));
  p->node = std::move(node);
  return Status();
}

Result<Planned> QueryPlanner::plan_set_operation() {
  std::vector<const Query*> parents = parents_;
  parents.insert(parents.begin(), &query_);
  auto node = make_node(NodeKind::kSetOperation);
  node->set_operation = query_.set_operation;
  node->set_all = query_.set_all;
  for (const Query* side : {query_.left.get(), query_.right.get()}) {
    QueryPlanner planner(state_, *side, outer_, parents);
    ASSIGN_OR_RETURN(PlanPtr child, planner.plan_select());
    node->rows += child->rows;
    node->children.push_back(std::move(child));
  }
  node->width = node->children[0]->width;
  node->types = node->children[0]->types;
  for (uint32_t i = 0; i < node->width; ++i) node->distinct_slots.push_back(i);
  node->distinct_types = node->types;
  Planned p;
  for (uint32_t i = 0; i < node->width; ++i) p.layout.add_column(0, i, i);
  p.node = std::move(node);
  return p;
}

Result<PlanPtr> QueryPlanner::plan_select() {
  Planned p;
  if (query_.set_operation != SetOperation::kNone) {
    ASSIGN_OR_RETURN(p, plan_set_operation());
  } else if (query_.command == Command::kSelect || query_.command == Command::kValues) {
    ASSIGN_OR_RETURN(p, plan_core());
    RETURN_IF_ERROR(aggregate(&p));
    if (!query_.locks.empty()) RETURN_IF_ERROR(sort_before_locks(&p));
    RETURN_IF_ERROR(lock_rows(&p));
  } else {
    return plan_write();
  }
  RETURN_IF_ERROR(project(&p));
  // DISTINCT ON takes the first of each group in the order asked for; DISTINCT needs no order.
  if (query_.distinct_on.empty()) RETURN_IF_ERROR(distinct(&p));
  RETURN_IF_ERROR(sort(&p));
  if (!query_.distinct_on.empty()) RETURN_IF_ERROR(distinct(&p));
  RETURN_IF_ERROR(limit(&p));
  size_t visible = 0;
  while (visible < query_.targets.size() && !query_.targets[visible].hidden) ++visible;
  if (visible < query_.targets.size()) {
    auto node = make_node(NodeKind::kProject);
    for (uint32_t i = 0; i < query_.targets.size(); ++i) {
      if (query_.targets[i].hidden) continue;
      ASSIGN_OR_RETURN(CompiledExpr c, slot_expr(i, p.node->types[i]));
      node->exprs.push_back(std::move(c));
      node->types.push_back(p.node->types[i]);
    }
    node->width = static_cast<uint32_t>(node->exprs.size());
    node->rows = p.node->rows;
    node->children.push_back(std::move(p.node));
    p.node = std::move(node);
  }
  return std::move(p.node);
}

// Whether the node can be seen to give one row at most.
static bool at_most_one_row(const PlanNode& node) {
  switch (node.kind) {
    case NodeKind::kPointGet:
      return node.keys.size() == 1 && !node.key_array.valid();
    case NodeKind::kAggregate:
      return node.groups.empty();
    case NodeKind::kResult:
      return true;
    case NodeKind::kProject:
    case NodeKind::kFilter:
    case NodeKind::kSort:
    case NodeKind::kLimit:
    case NodeKind::kLockRows:
    case NodeKind::kApply:
      return at_most_one_row(*node.children[0]);
    default:
      return false;
  }
}

static InPlace in_place(const Plan& plan) {
  const PlanNode& node = *plan.root;
  if (!plan.read_only || !plan.init_plans.empty() || node.with_version) return InPlace::kNo;
  const auto plain = [](const CompiledExpr& e) { return e.is_plain_input(); };
  if (node.kind == NodeKind::kPointGet) {
    const bool one = node.range.index == 0 && node.keys.size() == 1 && !node.key_array.valid();
    return one && std::all_of(node.keys[0].begin(), node.keys[0].end(), plain) ? InPlace::kPoint
                                                                               : InPlace::kNo;
  }
  if (node.kind != NodeKind::kTableScan || !node.covered) return InPlace::kNo;
  const IndexRange& range = node.range;
  const bool bounded = std::all_of(range.equal.begin(), range.equal.end(), plain) &&
                       (!range.lower || plain(range.lower->value)) &&
                       (!range.upper || plain(range.upper->value));
  return bounded ? InPlace::kRange : InPlace::kNo;
}

Result<PlanRef> plan(const Query& query, const PlanContext& context) {
  auto out = std::make_shared<Plan>();
  PlanState state{context, {}, {}, true};
  QueryPlanner planner(state, query, nullptr, {});
  const bool reads = query.command == Command::kSelect || query.command == Command::kValues;
  if (reads) {
    ASSIGN_OR_RETURN(out->root, planner.plan_select());
  } else {
    ASSIGN_OR_RETURN(out->root, planner.plan_write());
  }
  out->at_most_one_row = at_most_one_row(*out->root);
  out->command = query.command;
  out->init_plans = std::move(state.init_plans);
  out->read_only = reads && state.read_only;
  out->in_place = in_place(*out);
  if (reads || !query.targets.empty()) {
    for (const Target& t : query.targets) {
      if (!t.hidden) out->columns.push_back({t.name, t.expr->type, t.table_oid, t.column_number});
    }
  }
  return PlanRef(std::move(out));
}

}  // namespace quorate::sql
