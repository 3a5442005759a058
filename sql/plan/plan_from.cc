#include <cmath>

#include "sql/plan/planner_impl.h"

namespace quorate::sql {
namespace {

constexpr double kUnknownRows = 1000;

bool subset(const std::vector<uint32_t>& inner, const std::vector<uint32_t>& outer) {
  return std::includes(outer.begin(), outer.end(), inner.begin(), inner.end());
}

std::vector<uint32_t> merged(std::vector<uint32_t> a, const std::vector<uint32_t>& b) {
  a.insert(a.end(), b.begin(), b.end());
  std::sort(a.begin(), a.end());
  a.erase(std::unique(a.begin(), a.end()), a.end());
  return a;
}

}  // namespace

double QueryPlanner::table_rows(const TableDescriptor& table) const {
  return state_.context.rows ? std::max(1.0, state_.context.rows(table)) : kUnknownRows;
}

// Whether everything that `e` needs stands in `available` or further out.
bool QueryPlanner::computable(const Expr& e, const Layout* available, const Scope* outer) const {
  if (has_subquery(e) && !state_.init_numbers.contains(&e)) return false;
  bool ok = true;
  const ExprScope s = scope(available, outer);
  std::function<void(const Expr&)> visit = [&](const Expr& x) {
    if (x.kind == ExprKind::kColumn && !s.find(x)) ok = false;
    if (x.kind == ExprKind::kCall && x.function != nullptr &&
        x.function->volatility == Volatility::kVolatile)
      ok = false;
  };
  walk(e, visit);
  return ok;
}

Result<Planned> QueryPlanner::add_filter(Planned input, const std::vector<const Expr*>& conjuncts) {
  if (conjuncts.empty()) return input;
  RETURN_IF_ERROR(plan_subqueries(conjuncts, &input));
  auto node = make_node(NodeKind::kFilter);
  std::vector<CompiledExpr> conditions;
  node->width = input.node->width;
  node->types = input.node->types;
  node->rows =
      std::max(1.0, input.node->rows * std::pow(0.3, static_cast<double>(conjuncts.size())));
  std::string note;
  for (const Expr* e : conjuncts) {
    ASSIGN_OR_RETURN(CompiledExpr c, compile(*e, input.layout));
    conditions.push_back(std::move(c));
    note += (note.empty() ? "" : " AND ") + describe(query_, *e);
  }
  node->exprs = std::move(conditions);  // all must hold
  node->notes.push_back("Filter: " + note);
  node->children.push_back(std::move(input.node));
  input.node = std::move(node);
  return input;
}

Result<Planned> QueryPlanner::plan_table(uint32_t relation,
                                         const std::vector<const Expr*>& conjuncts,
                                         const Scope* outer, const Layout* outer_layout,
                                         const PathWish& base_wish,
                                         std::vector<const Expr*>* left_over) {
  const Relation& r = query_.relations[relation];
  auto codec = state_.context.codec(r.table);
  Planned out;
  PathWish wish = base_wish;
  const bool locked = relation == lock_relation_;
  if (locked) {
    for (uint32_t i = 0; i < r.table->columns.size(); ++i) wish.used.push_back(i);
    if (r.table->hidden_rowid) wish.used.push_back(static_cast<uint32_t>(r.table->columns.size()));
    wish.whole_rows = true;
  } else {
    for (uint32_t c : used_columns_[relation]) wish.used.push_back(c);
  }
  // A parameterised inner side sees the outer side's row one level out.
  Scope* inner_outer = nullptr;
  if (outer_layout != nullptr) {
    scopes_.push_back(Scope{&query_, outer_layout, outer});
    inner_outer = &scopes_.back();
  }
  const Scope* visible = inner_outer != nullptr ? inner_outer : outer;
  std::vector<ColumnCondition> conditions;
  for (const Expr* e : conjuncts) {
    auto c = column_condition(*e, relation, *r.table,
                              [&](const Expr& v) { return computable(v, nullptr, visible); });
    if (c) conditions.push_back(*c);
  }
  AccessPath path = choose_path(*r.table, *codec, table_rows(*r.table), conditions, wish);
  const ExprScope key_scope = scope(nullptr, visible);
  auto node = make_node(NodeKind::kTableScan);
  node->table = r.table;
  node->codec = codec;
  node->label = r.alias;
  node->columns = wish.used;
  node->covered = path.covered;
  node->reverse = path.reverse;
  node->rows = path.rows;
  node->range.index = path.index;
  std::set<const Expr*> done;
  std::string note;
  const auto take = [&](const ColumnCondition& c) {
    done.insert(c.conjunct);
    note += (note.empty() ? "" : " AND ") + describe(query_, *c.conjunct);
  };
  for (const ColumnCondition* c : path.equal) {
    ASSIGN_OR_RETURN(CompiledExpr v, key_scope.compile(*c->value));
    node->range.equal.push_back(std::move(v));
    take(*c);
  }
  if (path.unique || path.in_list != nullptr) {
    node->kind = NodeKind::kPointGet;
    if (path.in_list == nullptr) {
      node->keys.push_back(node->range.equal);
    } else {
      take(*path.in_list);
      if (path.in_list->array != nullptr) {
        node->keys.push_back(node->range.equal);
        ASSIGN_OR_RETURN(node->key_array, key_scope.compile(*path.in_list->array));
      }
      for (const Expr* e : path.in_list->list) {
        std::vector<CompiledExpr> key = node->range.equal;
        ASSIGN_OR_RETURN(CompiledExpr v, key_scope.compile(*e));
        key.push_back(std::move(v));
        node->keys.push_back(std::move(key));
      }
    }
  } else {
    for (const auto* bound : {path.lower, path.upper}) {
      if (bound == nullptr) continue;
      ASSIGN_OR_RETURN(CompiledExpr v, key_scope.compile(*bound->value));
      KeyBound b{std::move(v), bound->kind == ComparisonKind::kGreaterEqual ||
                                   bound->kind == ComparisonKind::kLessEqual};
      (bound == path.lower ? node->range.lower : node->range.upper) = std::move(b);
      node->range.next_not_null = true;
      take(*bound);
    }
  }
  if (!note.empty()) node->notes.push_back("Index Cond: " + note);
  order_given_ = path.ordered;
  for (uint32_t i = 0; i < wish.used.size(); ++i) {
    const uint32_t c = wish.used[i];
    out.layout.add_column(relation, c, i);
    node->types.push_back(c < r.table->columns.size() ? r.table->columns[c].type
                                                      : Type{oid::kInt8, -1});
  }
  node->width = static_cast<uint32_t>(wish.used.size());
  for (uint32_t c : wish.used) {
    if (node->used == range::kAllColumns) node->used = 0;
    node->used |= range::column_bit(c);
  }
  for (const ColumnCondition& c : conditions) node->used |= range::column_bit(c.column);
  if (wish.used.empty() && conditions.empty()) node->used = range::kAllColumns;
  if (locked) {
    node->with_version = true;
    node->types.push_back({oid::kInt8, -1});
    ++node->width;
    node->used = range::kAllColumns;
  }
  out.node = std::move(node);
  // What the key does not decide is filtered here where it can be: cheap columns first.
  std::vector<CompiledExpr> filters;
  std::string filter_note;
  const ExprScope row_scope = scope(&out.layout, visible);
  for (const Expr* e : conjuncts) {
    if (done.contains(e)) continue;
    if (has_subquery(*e) || !computable(*e, &out.layout, visible)) {
      left_over->push_back(e);
      continue;
    }
    ASSIGN_OR_RETURN(CompiledExpr c, row_scope.compile(*e));
    filters.push_back(std::move(c));
    filter_note += (filter_note.empty() ? "" : " AND ") + describe(query_, *e);
  }
  if (!filters.empty()) {
    auto filter = make_node(NodeKind::kFilter);
    filter->width = out.node->width;
    filter->types = out.node->types;
    filter->rows = std::max(1.0, out.node->rows * 0.3);
    filter->exprs = std::move(filters);
    filter->notes.push_back("Filter: " + filter_note);
    filter->children.push_back(std::move(out.node));
    out.node = std::move(filter);
  }
  return out;
}

// Rows of expressions; with sub-queries that must be run anew for a row, each row is a query of its
// own.
Result<Planned> QueryPlanner::plan_values(uint32_t relation) {
  const Relation& r = query_.relations[relation];
  Planned out;
  for (const auto& row : r.values) {
    Planned one;
    one.node = make_node(NodeKind::kResult);
    std::vector<const Expr*> exprs;
    for (const ExprPtr& e : row) exprs.push_back(e.get());
    RETURN_IF_ERROR(plan_subqueries(exprs, &one));
    const bool apart = one.node->kind == NodeKind::kApply;
    std::vector<CompiledExpr> compiled;
    for (const Expr* e : exprs) {
      ASSIGN_OR_RETURN(CompiledExpr c, compile(*e, one.layout));
      compiled.push_back(std::move(c));
    }
    PlanPtr node;
    if (!apart && out.node != nullptr && out.node->kind == NodeKind::kValues) {
      out.node->value_rows.push_back(std::move(compiled));
      continue;
    }
    if (apart) {
      node = make_node(NodeKind::kProject);
      node->exprs = std::move(compiled);
      node->children.push_back(std::move(one.node));
    } else {
      node = make_node(NodeKind::kValues);
      node->value_rows.push_back(std::move(compiled));
    }
    node->width = static_cast<uint32_t>(r.columns.size());
    for (const RelationColumn& c : r.columns) node->types.push_back(c.type);
    if (out.node != nullptr) {
      auto both = make_node(NodeKind::kSetOperation);
      both->set_operation = SetOperation::kUnion;
      both->set_all = true;
      both->width = node->width;
      both->types = node->types;
      both->children.push_back(std::move(out.node));
      both->children.push_back(std::move(node));
      node = std::move(both);
    }
    out.node = std::move(node);
  }
  for (uint32_t i = 0; i < r.columns.size(); ++i) out.layout.add_column(relation, i, i);
  out.node->label = r.alias;
  out.node->rows = static_cast<double>(r.values.size());
  return out;
}

// Everything that is not a table with paths to choose from.
Result<Planned> QueryPlanner::plan_relation(uint32_t relation, const Scope* outer) {
  const Relation& r = query_.relations[relation];
  Planned out;
  const auto all_columns = [&] {
    for (uint32_t i = 0; i < r.columns.size(); ++i) {
      out.layout.add_column(relation, i, i);
      out.node->types.push_back(r.columns[i].type);
    }
    out.node->width = static_cast<uint32_t>(r.columns.size());
    out.node->label = r.alias;
  };
  const ExprScope s = scope(nullptr, outer);
  switch (r.kind) {
    case Relation::Kind::kSystemTable:
      out.node = make_node(NodeKind::kSystemScan);
      out.node->system_table = r.system_table;
      out.node->rows = 300;
      all_columns();
      return out;
    case Relation::Kind::kSubquery:
    case Relation::Kind::kCte: {
      std::vector<const Query*> parents = parents_;
      parents.insert(parents.begin(), &query_);
      QueryPlanner planner(state_, *r.subquery, outer, parents);
      ASSIGN_OR_RETURN(out.node, r.subquery->command == Command::kSelect ||
                                         r.subquery->command == Command::kValues
                                     ? planner.plan_select()
                                     : planner.plan_write());
      for (uint32_t i = 0; i < r.columns.size(); ++i) out.layout.add_column(relation, i, i);
      return out;
    }
    case Relation::Kind::kValues: {
      const Scope* before = std::exchange(outer_, outer);
      auto planned = plan_values(relation);
      outer_ = before;
      return planned;
    }
    case Relation::Kind::kFunction: {
      out.node = make_node(NodeKind::kFunctionScan);
      PlanNode::SetCall call;
      call.function = r.function->function;
      call.result = r.function->type;
      for (const ExprPtr& e : r.function->args) {
        ASSIGN_OR_RETURN(CompiledExpr c, s.compile(*e));
        call.args.push_back(std::move(c));
        call.arg_types.push_back(e->type);
      }
      if (call.function == nullptr || !call.function->returns_set()) {
        ASSIGN_OR_RETURN(CompiledExpr value, s.compile(*r.function));
        out.node->exprs.push_back(std::move(value));
      } else {
        out.node->calls.push_back(std::move(call));
      }
      out.node->with_ordinality = r.with_ordinality;
      out.node->rows = 100;
      all_columns();
      return out;
    }
    case Relation::Kind::kTable:
    case Relation::Kind::kJoin:
      break;
  }
  return internal_error("a relation without a plan");
}

Result<QueryPlanner::Item> QueryPlanner::make_item(uint32_t relation) {
  const Relation& r = query_.relations[relation];
  Item item;
  item.relations = {relation};
  if (r.kind == Relation::Kind::kTable) {
    item.relation = relation;
    item.rows = table_rows(*r.table);
    return item;
  }
  // Whatever refers to relations beside it waits until these are there.
  if (r.lateral || r.kind == Relation::Kind::kFunction) {
    bool refers = false;
    const auto note = [&](uint32_t, uint32_t) { refers = true; };
    if (r.function) for_each_column(*r.function, 0, note);
    if (r.subquery) {
      for (const Target& t : r.subquery->targets) for_each_column(*t.expr, 1, note);
      if (!refers && r.lateral) refers = true;
    }
    if (refers) {
      item.relation = relation;
      item.lateral = true;
      return item;
    }
  }
  ASSIGN_OR_RETURN(item.planned, plan_relation(relation, outer_));
  item.rows = item.planned.node->rows;
  return item;
}

Status QueryPlanner::flatten(const FromNode& node, std::vector<Item>* items,
                             std::vector<const Expr*>* conjuncts) {
  if (node.relation) {
    ASSIGN_OR_RETURN(Item item, make_item(*node.relation));
    items->push_back(std::move(item));
    return Status();
  }
  if (node.join == JoinKind::kInner) {
    RETURN_IF_ERROR(flatten(*node.left, items, conjuncts));
    RETURN_IF_ERROR(flatten(*node.right, items, conjuncts));
    split_conjuncts(node.condition.get(), conjuncts);
    return Status();
  }
  ASSIGN_OR_RETURN(Item item, plan_outer_join(node));
  items->push_back(std::move(item));
  return Status();
}

Result<QueryPlanner::Item> QueryPlanner::plan_outer_join(const FromNode& node) {
  const bool mirrored = node.join == JoinKind::kRight;
  const FromNode& preserved = mirrored ? *node.right : *node.left;
  const FromNode& other = mirrored ? *node.left : *node.right;
  std::vector<const Expr*> conditions;
  split_conjuncts(node.condition.get(), &conditions);
  std::vector<Item> left_items, right_items;
  std::vector<const Expr*> left_conjuncts, right_conjuncts;
  RETURN_IF_ERROR(flatten(preserved, &left_items, &left_conjuncts));
  RETURN_IF_ERROR(flatten(other, &right_items, &right_conjuncts));
  std::vector<uint32_t> left_relations;
  for (const Item& i : left_items) left_relations = merged(left_relations, i.relations);
  // WHERE's conditions on the preserved side alone may be applied before the join.
  if (node.join != JoinKind::kFull) {
    std::vector<const Expr*> later;
    for (const Expr* e : where_) {
      if (!has_subquery(*e) && !relations_of(*e).empty() &&
          subset(relations_of(*e), left_relations)) {
        left_conjuncts.push_back(e);
      } else {
        later.push_back(e);
      }
    }
    where_ = later;
  }
  ASSIGN_OR_RETURN(Planned left, join_items(std::move(left_items), left_conjuncts));
  Item right;
  if (right_items.size() == 1 && right_conjuncts.empty()) {
    right = std::move(right_items[0]);
  } else {
    for (const Item& i : right_items) right.relations = merged(right.relations, i.relations);
    ASSIGN_OR_RETURN(right.planned, join_items(std::move(right_items), right_conjuncts));
    right.rows = right.planned.node->rows;
  }
  Item out;
  out.relations = merged(left_relations, right.relations);
  const JoinKind kind = node.join == JoinKind::kFull ? JoinKind::kFull : JoinKind::kLeft;
  ASSIGN_OR_RETURN(out.planned, join(std::move(left), std::move(right), kind, conditions));
  out.rows = out.planned.node->rows;
  return out;
}

Result<Planned> QueryPlanner::plan_from(std::vector<const Expr*> conjuncts) {
  where_ = std::move(conjuncts);
  if (query_.from == nullptr) {
    Planned p;
    p.node = make_node(NodeKind::kResult);
    return add_filter(std::move(p), where_);
  }
  std::vector<Item> items;
  std::vector<const Expr*> all;
  RETURN_IF_ERROR(flatten(*query_.from, &items, &all));
  all.insert(all.end(), where_.begin(), where_.end());
  return join_items(std::move(items), all);
}

// Greedy: the cheapest first, then whatever can be looked up by key, then whatever has an equality,
// smallest first.
Result<Planned> QueryPlanner::join_items(std::vector<Item> items,
                                         std::vector<const Expr*> conjuncts) {
  const auto path_rows = [&](const Item& item, const Layout* have, bool* by_key) {
    *by_key = false;
    if (!item.relation || item.lateral) return item.rows;
    const Relation& r = query_.relations[*item.relation];
    Scope probe{&query_, have, outer_};
    std::vector<ColumnCondition> conditions;
    for (const Expr* e : conjuncts) {
      auto c = column_condition(*e, *item.relation, *r.table, [&](const Expr& v) {
        return computable(v, nullptr, have != nullptr ? &probe : outer_);
      });
      if (c) conditions.push_back(*c);
    }
    PathWish wish;
    wish.whole_rows = true;
    auto codec = state_.context.codec(r.table);
    AccessPath path = choose_path(*r.table, *codec, table_rows(*r.table), conditions, wish);
    *by_key = !path.equal.empty() || path.in_list != nullptr;
    return path.rows;
  };
  const auto ready = [&](const Item& item, const std::vector<uint32_t>& have) {
    if (!item.lateral) return true;
    std::set<uint32_t> needs;
    const Relation& r = query_.relations[*item.relation];
    const auto note = [&](uint32_t relation, uint32_t) { needs.insert(relation); };
    if (r.function) for_each_column(*r.function, 0, note);
    if (r.subquery) {
      Expr holder;
      (void)holder;
      for (uint32_t i = 0; i < *item.relation; ++i) {
        bool own = std::any_of(items.begin(), items.end(), [&](const Item& o) {
          return std::find(o.relations.begin(), o.relations.end(), i) != o.relations.end();
        });
        if (own) needs.insert(i);
      }
    }
    needs.erase(*item.relation);
    return std::includes(have.begin(), have.end(), needs.begin(), needs.end());
  };
  size_t first = 0;
  double fewest = -1;
  for (size_t i = 0; i < items.size(); ++i) {
    bool by_key = false;
    if (!ready(items[i], {})) continue;
    double rows = path_rows(items[i], nullptr, &by_key);
    if (fewest < 0 || rows < fewest) {
      fewest = rows;
      first = i;
    }
  }
  const auto take_for = [&](const std::vector<uint32_t>& have) {
    std::vector<const Expr*> mine, rest;
    for (const Expr* e : conjuncts) {
      (subset(relations_of(*e), have) && !has_subquery(*e) ? mine : rest).push_back(e);
    }
    conjuncts = rest;
    return mine;
  };
  Item start = std::move(items[first]);
  items.erase(items.begin() + static_cast<std::ptrdiff_t>(first));
  Planned current;
  std::vector<uint32_t> have = start.relations;
  std::vector<const Expr*> mine = take_for(have);
  if (start.relation && !start.lateral) {
    std::vector<const Expr*> left_over;
    const bool whole = items.empty() && wish_applies_;
    ASSIGN_OR_RETURN(current, plan_table(*start.relation, mine, outer_, nullptr,
                                         whole ? wish_ : PathWish(), &left_over));
    if (!whole) order_given_ = false;
    conjuncts.insert(conjuncts.begin(), left_over.begin(), left_over.end());
  } else {
    if (start.relation) {
      ASSIGN_OR_RETURN(current, plan_relation(*start.relation, outer_));
    } else {
      current = std::move(start.planned);
    }
    ASSIGN_OR_RETURN(current, add_filter(std::move(current), mine));
    order_given_ = false;
  }
  while (!items.empty()) {
    size_t best = items.size();
    double best_cost = 0;
    for (size_t i = 0; i < items.size(); ++i) {
      if (!ready(items[i], have)) continue;
      bool by_key = false;
      double rows = path_rows(items[i], &current.layout, &by_key);
      bool linked = false;
      const std::vector<uint32_t> with = merged(have, items[i].relations);
      for (const Expr* e : conjuncts) {
        auto needs = relations_of(*e);
        linked = linked || (subset(needs, with) && !subset(needs, have) &&
                            !subset(needs, items[i].relations));
      }
      double cost = by_key ? rows : linked ? items[i].rows + 100 : (items[i].rows + 100) * 1000;
      if (best == items.size() || cost < best_cost) {
        best = i;
        best_cost = cost;
      }
    }
    if (best == items.size())
      return internal_error("a lateral relation refers to one that is never joined");
    Item next = std::move(items[best]);
    items.erase(items.begin() + static_cast<std::ptrdiff_t>(best));
    have = merged(have, next.relations);
    mine = take_for(have);
    ASSIGN_OR_RETURN(current, join(std::move(current), std::move(next), JoinKind::kInner, mine));
    order_given_ = false;
  }
  return add_filter(std::move(current), conjuncts);
}

// Whole keys of the right table can be computed from left rows: many rows are looked up at a time.
Result<bool> QueryPlanner::lookup_join(Planned* left, const Item& right, JoinKind kind,
                                       const std::vector<const Expr*>& conditions) {
  const Relation& r = query_.relations[*right.relation];
  std::vector<ColumnCondition> found;
  for (const Expr* e : conditions) {
    auto c = column_condition(*e, *right.relation, *r.table,
                              [&](const Expr& v) { return computable(v, &left->layout, outer_); });
    if (c) found.push_back(*c);
  }
  PathWish wish;
  wish.whole_rows = true;
  auto codec = state_.context.codec(r.table);
  AccessPath path = choose_path(*r.table, *codec, table_rows(*r.table), found, wish);
  if (!path.unique || *right.relation == lock_relation_) return false;
  auto node = make_node(NodeKind::kLookupJoin);
  node->join = kind;
  node->table = r.table;
  node->codec = codec;
  node->label = r.alias;
  node->range.index = path.index;
  node->keys.emplace_back();
  std::set<const Expr*> done;
  std::string note;
  for (const ColumnCondition* c : path.equal) {
    ASSIGN_OR_RETURN(CompiledExpr v, compile(*c->value, left->layout));
    node->keys[0].push_back(std::move(v));
    done.insert(c->conjunct);
    note += (note.empty() ? "" : " AND ") + describe(query_, *c->conjunct);
  }
  node->notes.push_back("Index Cond: " + note);
  const uint32_t base = left->node->width;
  node->types = left->node->types;
  node->used = 0;
  for (uint32_t c : used_columns_[*right.relation]) {
    left->layout.add_column(*right.relation, c, base + static_cast<uint32_t>(node->columns.size()));
    node->columns.push_back(c);
    node->types.push_back(c < r.table->columns.size() ? r.table->columns[c].type
                                                      : Type{oid::kInt8, -1});
    node->used |= range::column_bit(c);
  }
  if (node->used == 0) node->used = range::kAllColumns;
  node->width = base + static_cast<uint32_t>(node->columns.size());
  node->rows = left->node->rows;
  std::vector<const Expr*> rest;
  for (const Expr* e : conditions) {
    if (!done.contains(e)) rest.push_back(e);
  }
  node->children.push_back(std::move(left->node));
  if (kind == JoinKind::kInner) {
    left->node = std::move(node);
    ASSIGN_OR_RETURN(*left, add_filter(std::move(*left), rest));
    return true;
  }
  for (const Expr* e : rest) {
    ASSIGN_OR_RETURN(CompiledExpr c, compile(*e, left->layout));
    node->exprs.push_back(std::move(c));
  }
  left->node = std::move(node);
  return true;
}

Result<Planned> QueryPlanner::hash_join(Planned left, Planned right, JoinKind kind,
                                        const std::vector<const Expr*>& conditions) {
  auto node = make_node(NodeKind::kHashJoin);
  std::vector<const Expr*> rest;
  std::string note;
  for (const Expr* e : conditions) {
    bool keyed = false;
    const bool equality =
        e->kind == ExprKind::kCall && e->op != nullptr && e->args.size() == 2 &&
        e->op->comparison == ComparisonKind::kEqual &&
        type_info(e->args[0]->type.oid).rep == type_info(e->args[1]->type.oid).rep &&
        (type_info(e->args[0]->type.oid).rep == Rep::kInt ||
         e->args[0]->type.oid == e->args[1]->type.oid);
    for (int side = 0; side < 2 && equality && !keyed; ++side) {
      const Expr &a = *e->args[side], &b = *e->args[1 - side];
      if (has_subquery(*e) || !computable(a, &left.layout, outer_) ||
          !computable(b, &right.layout, outer_) || relations_of(a).empty() ||
          relations_of(b).empty()) {
        continue;
      }
      ASSIGN_OR_RETURN(CompiledExpr l, compile(a, left.layout));
      ASSIGN_OR_RETURN(CompiledExpr r, compile(b, right.layout));
      node->left_keys.push_back(std::move(l));
      node->right_keys.push_back(std::move(r));
      node->key_types.push_back(a.type);
      note += (note.empty() ? "" : " AND ") + describe(query_, *e);
      keyed = true;
    }
    if (!keyed) rest.push_back(e);
  }
  if (!note.empty()) node->notes.push_back("Hash Cond: " + note);
  node->join = kind;
  node->width = left.node->width + right.node->width;
  node->types = left.node->types;
  node->types.insert(node->types.end(), right.node->types.begin(), right.node->types.end());
  node->rows = node->left_keys.empty() ? left.node->rows * right.node->rows
                                       : std::max(left.node->rows, right.node->rows);
  Planned out;
  out.layout = std::move(left.layout);
  out.layout.append(right.layout, left.node->width);
  node->children.push_back(std::move(left.node));
  node->children.push_back(std::move(right.node));
  if (kind != JoinKind::kInner) {
    for (const Expr* e : rest) {
      if (has_subquery(*e)) return unimplemented("a sub-query in an outer join's condition");
      ASSIGN_OR_RETURN(CompiledExpr c, compile(*e, out.layout));
      node->exprs.push_back(std::move(c));
      node->notes.push_back("Join Filter: " + describe(query_, *e));
    }
    out.node = std::move(node);
    return out;
  }
  out.node = std::move(node);
  return add_filter(std::move(out), rest);
}

// An outer join whose condition has sub-queries: they are run inside the right side, which sees the
// left row one level out.
Result<Planned> QueryPlanner::join_with_subquery(Planned left, const Item& right, JoinKind kind,
                                                 const std::vector<const Expr*>& conditions) {
  if (kind == JoinKind::kFull || !right.relation)
    return unimplemented("a sub-query in this outer join's condition");
  auto node = make_node(NodeKind::kNestedLoop);
  node->join = kind;
  Layout left_layout = left.layout;
  scopes_.push_back(Scope{&query_, &left_layout, outer_});
  const Scope* before = std::exchange(outer_, &scopes_.back());
  const auto plan_right = [&]() -> Result<Planned> {
    Planned inner;
    std::vector<const Expr*> rest = conditions;
    if (right.lateral || query_.relations[*right.relation].kind != Relation::Kind::kTable) {
      ASSIGN_OR_RETURN(inner, plan_relation(*right.relation, outer_));
    } else {
      rest.clear();
      ASSIGN_OR_RETURN(inner,
                       plan_table(*right.relation, conditions, outer_, nullptr, PathWish(), &rest));
    }
    return add_filter(std::move(inner), rest);
  };
  auto inner = plan_right();
  outer_ = before;
  if (!inner.ok()) return inner.status();
  node->width = left.node->width + inner->node->width;
  node->types = left.node->types;
  node->types.insert(node->types.end(), inner->node->types.begin(), inner->node->types.end());
  node->rows = left.node->rows * std::max(1.0, inner->node->rows);
  Planned out;
  out.layout = std::move(left.layout);
  out.layout.append(inner->layout, left.node->width);
  node->children.push_back(std::move(left.node));
  node->children.push_back(std::move(inner->node));
  out.node = std::move(node);
  return out;
}

Result<Planned> QueryPlanner::join(Planned left, Item right, JoinKind kind,
                                   const std::vector<const Expr*>& conditions) {
  if (kind != JoinKind::kInner && std::any_of(conditions.begin(), conditions.end(),
                                              [](const Expr* e) { return has_subquery(*e); })) {
    return join_with_subquery(std::move(left), right, kind, conditions);
  }
  if (right.relation && !right.lateral && kind != JoinKind::kFull) {
    ASSIGN_OR_RETURN(bool looked_up, lookup_join(&left, right, kind, conditions));
    if (looked_up) return left;
  }
  bool parameterised = right.lateral;
  if (right.relation && !right.lateral && kind != JoinKind::kFull) {
    // An index whose leading columns come from the left row, when there are not too many of these.
    const Relation& r = query_.relations[*right.relation];
    Scope probe{&query_, &left.layout, outer_};
    std::vector<ColumnCondition> found;
    bool from_left = false;
    for (const Expr* e : conditions) {
      auto c = column_condition(*e, *right.relation, *r.table,
                                [&](const Expr& v) { return computable(v, nullptr, &probe); });
      if (!c) continue;
      if (c->value != nullptr && !relations_of(*c->value).empty()) from_left = true;
      found.push_back(*c);
    }
    PathWish wish;
    wish.whole_rows = true;
    auto codec = state_.context.codec(r.table);
    AccessPath path = choose_path(*r.table, *codec, table_rows(*r.table), found, wish);
    bool keyed = std::any_of(path.equal.begin(), path.equal.end(), [](const ColumnCondition* c) {
      return c->value != nullptr && !relations_of(*c->value).empty();
    });
    parameterised = from_left && keyed &&
                    left.node->rows * (path.rows + 20) < table_rows(*r.table) + left.node->rows;
  }
  if (!parameterised) {
    Planned inner;
    std::vector<const Expr*> rest = conditions;
    if (right.relation) {
      std::vector<const Expr*> own, others, left_over;
      for (const Expr* e : conditions) {
        (subset(relations_of(*e), right.relations) && !has_subquery(*e) ? own : others)
            .push_back(e);
      }
      const bool order = order_given_;
      ASSIGN_OR_RETURN(inner,
                       plan_table(*right.relation, own, outer_, nullptr, PathWish(), &left_over));
      order_given_ = order;
      others.insert(others.end(), left_over.begin(), left_over.end());
      rest = others;
    } else {
      inner = std::move(right.planned);
    }
    return hash_join(std::move(left), std::move(inner), kind, rest);
  }
  auto node = make_node(NodeKind::kNestedLoop);
  node->join = kind;
  // The inner plan's expressions refer to this layout for as long as they are compiled, which is
  // now.
  Layout left_layout = left.layout;
  Planned inner;
  std::vector<const Expr*> left_over;
  if (right.lateral) {
    scopes_.push_back(Scope{&query_, &left_layout, outer_});
    ASSIGN_OR_RETURN(inner, plan_relation(*right.relation, &scopes_.back()));
    left_over = conditions;
  } else {
    ASSIGN_OR_RETURN(inner, plan_table(*right.relation, conditions, outer_, &left_layout,
                                       PathWish(), &left_over));
  }
  node->width = left.node->width + inner.node->width;
  node->types = left.node->types;
  node->types.insert(node->types.end(), inner.node->types.begin(), inner.node->types.end());
  node->rows = left.node->rows * std::max(1.0, inner.node->rows);
  Planned out;
  out.layout = std::move(left.layout);
  out.layout.append(inner.layout, left.node->width);
  node->children.push_back(std::move(left.node));
  node->children.push_back(std::move(inner.node));
  if (kind == JoinKind::kInner) {
    out.node = std::move(node);
    return add_filter(std::move(out), left_over);
  }
  for (const Expr* e : left_over) {
    if (has_subquery(*e)) return unimplemented("a sub-query in an outer join's condition");
    ASSIGN_OR_RETURN(CompiledExpr c, compile(*e, out.layout));
    node->exprs.push_back(std::move(c));
  }
  out.node = std::move(node);
  return out;
}

}  // namespace quorate::sql
