#include "sql/analyze/analyze.h"
#include "sql/plan/planner_impl.h"

namespace quorate::sql {
namespace {

uint32_t position(const TableDescriptor& table, ColumnId id) {
  for (uint32_t i = 0; i < table.columns.size(); ++i) {
    if (table.columns[i].id == id) return i;
  }
  UNREACHABLE("a constraint names a column that is not there");
}

std::optional<size_t> index_position(const TableDescriptor& table, IndexId id) {
  for (size_t i = 0; i < table.indexes.size(); ++i) {
    if (table.indexes[i].id == id) return i;
  }
  return std::nullopt;
}

// Pairs a key's columns in the order of the referenced index.
Result<ParentStep> parent_step(const TableDescriptor& child, const ForeignKeyDescriptor& fk,
                               TablePtr parent, const PlanContext& context) {
  ParentStep step;
  step.name = fk.name;
  step.codec = context.codec(parent);
  auto index = index_position(*parent, fk.referenced_index);
  if (!index) return internal_error("the index behind foreign key " + fk.name + " is gone");
  step.index = *index;
  for (const IndexColumn& c : parent->indexes[*index].columns) {
    for (size_t i = 0; i < fk.referenced_columns.size(); ++i) {
      if (fk.referenced_columns[i] != c.column) continue;
      step.columns.push_back(position(child, fk.columns[i]));
      step.parent_columns.push_back(position(*parent, c.column));
    }
  }
  step.parent = std::move(parent);
  return step;
}

ChildStep child_step(const TableDescriptor& parent, TablePtr child, const ForeignKeyDescriptor& fk,
                     const PlanContext& context) {
  ChildStep step;
  step.name = fk.name;
  step.codec = context.codec(child);
  step.on_delete = fk.on_delete;
  step.on_update = fk.on_update;
  std::vector<ColumnId> order = fk.columns;
  for (size_t i = 0; i < child->indexes.size() && !step.index; ++i) {
    const IndexDescriptor& index = child->indexes[i];
    if (index.state != SchemaState::kPublic || index.columns.size() < fk.columns.size()) continue;
    std::vector<ColumnId> prefix;
    for (size_t k = 0; k < fk.columns.size(); ++k) prefix.push_back(index.columns[k].column);
    if (std::is_permutation(prefix.begin(), prefix.end(), fk.columns.begin())) {
      step.index = i;
      order = prefix;
    }
  }
  for (ColumnId id : order) {
    size_t i = static_cast<size_t>(std::find(fk.columns.begin(), fk.columns.end(), id) -
                                   fk.columns.begin());
    step.columns.push_back(position(*child, id));
    step.parent_columns.push_back(position(parent, fk.referenced_columns[i]));
  }
  const SchemaDescriptor* schema = context.catalog->schema(child->schema);
  if (schema != nullptr) step.schema = schema->name;
  step.child = std::move(child);
  return step;
}

bool writes_child(ForeignKeyAction action) {
  return action != ForeignKeyAction::kNoAction && action != ForeignKeyAction::kRestrict;
}

}  // namespace

Result<std::unique_ptr<TableWrite>> QueryPlanner::table_write(const Relation& target) {
  auto write = std::make_unique<TableWrite>();
  write->table = target.table;
  const SchemaDescriptor* schema = state_.context.catalog->schema(target.table->schema);
  if (schema != nullptr) write->schema = schema->name;
  write->codec = state_.context.codec(target.table);
  Layout row;
  for (uint32_t i = 0; i < target.table->columns.size(); ++i) row.add_column(query_.target, i, i);
  for (const auto& [name, check] : query_.checks) {
    ASSIGN_OR_RETURN(CompiledExpr c, compile(*check, row));
    write->checks.push_back({name, std::move(c)});
  }
  std::sort(write->checks.begin(), write->checks.end(),
            [](const CheckStep& a, const CheckStep& b) { return a.name < b.name; });
  RETURN_IF_ERROR(add_foreign_keys(write.get(), write.get()));
  return write;
}

// `root`: the statement's own table, which owns the tables that actions write.
Status QueryPlanner::add_foreign_keys(TableWrite* write, TableWrite* root) {
  const TablePtr table = write->table;
  const auto find = [&](Oid oid) {
    return oid == table->oid         ? table
           : oid == root->table->oid ? root->table
                                     : state_.context.catalog->table(oid);
  };
  for (const ForeignKeyDescriptor& fk : table->foreign_keys) {
    TablePtr parent = find(fk.referenced_table);
    if (parent == nullptr)
      return internal_error("the table behind foreign key " + fk.name + " is gone");
    ASSIGN_OR_RETURN(ParentStep step, parent_step(*table, fk, std::move(parent), state_.context));
    write->parents.push_back(std::move(step));
  }
  for (Oid oid : table->referenced_by) {
    TablePtr child = find(oid);
    if (child == nullptr) continue;
    for (const ForeignKeyDescriptor& fk : child->foreign_keys) {
      if (fk.referenced_table != table->oid) continue;
      ChildStep step = child_step(*table, child, fk, state_.context);
      if (oid == table->oid) write->remembers_rows = true;
      if (writes_child(fk.on_delete) || writes_child(fk.on_update)) {
        root->remembers_rows = true;
        ASSIGN_OR_RETURN(step.write, action_target(child, root));
      }
      if (fk.on_delete == ForeignKeyAction::kSetDefault ||
          fk.on_update == ForeignKeyAction::kSetDefault) {
        for (uint32_t c : step.columns) {
          ASSIGN_OR_RETURN(CompiledExpr e, column_default(child, c));
          step.defaults.push_back(std::move(e));
        }
      }
      write->children.push_back(std::move(step));
    }
  }
  return Status();
}

Result<const TableWrite*> QueryPlanner::action_target(TablePtr table, TableWrite* root) {
  if (table->oid == root->table->oid) return root;
  for (const auto& other : root->others) {
    if (other->table->oid == table->oid) return other.get();
  }
  root->others.push_back(std::make_unique<TableWrite>());
  TableWrite* write = root->others.back().get();
  write->table = table;
  write->remembers_rows = true;
  const SchemaDescriptor* schema = state_.context.catalog->schema(table->schema);
  if (schema != nullptr) write->schema = schema->name;
  write->codec = state_.context.codec(table);
  for (const CheckDescriptor& check : table->checks) {
    ASSIGN_OR_RETURN(CompiledExpr c, table_expression(check.expression_sql, table, std::nullopt));
    write->checks.push_back({check.name, std::move(c)});
  }
  std::sort(write->checks.begin(), write->checks.end(),
            [](const CheckStep& a, const CheckStep& b) { return a.name < b.name; });
  RETURN_IF_ERROR(add_foreign_keys(write, root));
  return write;
}

// An expression of the catalog, over a row of the table.
Result<CompiledExpr> QueryPlanner::table_expression(std::string_view sql, const TablePtr& table,
                                                    std::optional<Type> type) const {
  static const IoContext kIo;
  AnalyzeContext context;
  context.catalog = state_.context.catalog;
  context.io = &kIo;
  ASSIGN_OR_RETURN(ExprPtr e, bind_table_expression(sql, table, type, context));
  Layout row;
  for (uint32_t i = 0; i < table->columns.size(); ++i) row.add_column(0, i, i);
  return ExprScope({nullptr, &row, nullptr, nullptr, nullptr}).compile(*e);
}

Result<CompiledExpr> QueryPlanner::column_default(const TablePtr& table, uint32_t column) const {
  const ColumnDescriptor& c = table->columns[column];
  if (c.default_sql.empty()) return CompiledExpr();
  return table_expression(c.default_sql, table, c.type);
}

// RETURNING sees the row as written, then whatever the statement joined it with. With sub-queries
// in it these rows are what the write gives, and the list is computed above it.
Result<PlanPtr> QueryPlanner::add_returning(PlanPtr node, const Layout& input,
                                            const std::vector<Type>& input_types) {
  node->counted = parents_.empty();
  if (query_.targets.empty()) return node;
  node->returning = true;
  const TableDescriptor& table = *node->write->table;
  const uint32_t table_width = static_cast<uint32_t>(table.columns.size());
  Layout layout;
  layout.append(input, table_width);
  for (uint32_t i = 0; i < table_width; ++i) layout.add_column(query_.target, i, i);
  const bool above = std::any_of(query_.targets.begin(), query_.targets.end(),
                                 [](const Target& t) { return has_subquery(*t.expr); });
  if (!above) {
    for (const Target& t : query_.targets) {
      ASSIGN_OR_RETURN(CompiledExpr c, compile(*t.expr, layout));
      node->returning_exprs.push_back(std::move(c));
      node->types.push_back(t.expr->type);
    }
    node->width = static_cast<uint32_t>(node->returning_exprs.size());
    return node;
  }
  for (const ColumnDescriptor& c : table.columns) node->types.push_back(c.type);
  node->types.insert(node->types.end(), input_types.begin(), input_types.end());
  node->width = static_cast<uint32_t>(node->types.size());
  for (uint32_t i = 0; i < node->width; ++i) {
    ASSIGN_OR_RETURN(CompiledExpr c, slot_expr(i, node->types[i]));
    node->returning_exprs.push_back(std::move(c));
  }
  Planned p;
  p.node = std::move(node);
  p.layout = std::move(layout);
  RETURN_IF_ERROR(project(&p));
  return std::move(p.node);
}

Result<PlanPtr> QueryPlanner::plan_insert() {
  const Relation& target = query_.relations[query_.target];
  auto node = make_node(NodeKind::kInsert);
  ASSIGN_OR_RETURN(node->write, table_write(target));
  const size_t columns = target.table->columns.size();
  node->insert_slots.resize(columns);
  node->column_defaults.resize(columns);
  std::vector<const Query*> parents = parents_;
  parents.insert(parents.begin(), &query_);
  if (query_.source) {
    QueryPlanner source(state_, *query_.source, outer_, parents);
    ASSIGN_OR_RETURN(PlanPtr child, source.plan_select());
    node->rows = child->rows;
    node->children.push_back(std::move(child));
    for (uint32_t i = 0; i < query_.insert_columns.size(); ++i)
      node->insert_slots[query_.insert_columns[i]] = i;
  } else {
    node->children.push_back(make_node(NodeKind::kResult));
  }
  Layout none;
  for (const Assignment& a : query_.defaults) {
    ASSIGN_OR_RETURN(node->column_defaults[a.column], compile(*a.expr, none));
  }
  if (query_.on_conflict) {
    const OnConflict& oc = *query_.on_conflict;
    node->conflict = std::make_unique<PlanNode::Conflict>();
    node->conflict->do_nothing = oc.do_nothing;
    if (oc.index) node->conflict->index = *oc.index;
    Layout both;
    for (uint32_t i = 0; i < columns; ++i) {
      both.add_column(query_.target, i, i);
      both.add_column(oc.excluded, i, static_cast<uint32_t>(columns) + i);
    }
    std::vector<const Expr*> exprs;
    for (const Assignment& a : oc.assignments) exprs.push_back(a.expr.get());
    if (oc.where) exprs.push_back(oc.where.get());
    Planned pair;
    pair.node = make_node(NodeKind::kResult);
    pair.layout = both;
    RETURN_IF_ERROR(plan_subqueries(exprs, &pair));
    if (pair.node->kind == NodeKind::kApply)
      return unimplemented("a correlated sub-query in ON CONFLICT DO UPDATE");
    for (const Assignment& a : oc.assignments) {
      ASSIGN_OR_RETURN(CompiledExpr c, compile(*a.expr, both));
      node->conflict->assignments.emplace_back(a.column, std::move(c));
    }
    if (oc.where) {
      ASSIGN_OR_RETURN(node->conflict->where, compile(*oc.where, both));
    }
  }
  node->label = target.alias;
  return add_returning(std::move(node), Layout(), {});
}

Result<PlanPtr> QueryPlanner::plan_update_delete() {
  const Relation& target = query_.relations[query_.target];
  const bool update = query_.command == Command::kUpdate;
  lock_relation_ = query_.target;
  std::vector<const Expr*> conjuncts;
  split_conjuncts(query_.where.get(), &conjuncts);
  ASSIGN_OR_RETURN(Planned p, plan_from(conjuncts));
  auto node = make_node(update ? NodeKind::kUpdate : NodeKind::kDelete);
  ASSIGN_OR_RETURN(node->write, table_write(target));
  const uint32_t columns = static_cast<uint32_t>(target.table->columns.size());
  const uint32_t row_width = columns + (target.table->hidden_rowid ? 1 : 0);
  for (uint32_t i = 0; i < row_width; ++i) {
    auto slot = p.layout.column(query_.target, i);
    if (!slot) return internal_error("a target column is missing");
    node->target_slots.push_back(*slot);
  }
  // plan_table puts the version right after the target's columns.
  node->version_slot = node->target_slots.back() + 1;
  // The lookup locks where it alone decides; otherwise the rows that are left are locked and looked
  // at again.
  PlanNode* scan = p.node.get();
  if (scan->kind == NodeKind::kPointGet && scan->range.index == 0) {
    scan->lock = range::LockMode::kExclusive;
  } else {
    auto lock = make_node(NodeKind::kLockRows);
    lock->width = p.node->width;
    lock->types = p.node->types;
    lock->rows = p.node->rows;
    PlanNode::LockTarget t;
    t.table = target.table;
    t.codec = node->write->codec;
    t.mode = range::LockMode::kExclusive;
    for (const IndexColumn& c : target.table->indexes[0].columns) {
      uint32_t position = columns;
      for (uint32_t i = 0; i < columns; ++i) {
        if (target.table->columns[i].id == c.column) position = i;
      }
      t.key_slots.push_back(node->target_slots[position]);
    }
    for (uint32_t i = 0; i < row_width; ++i) {
      t.columns.push_back(i);
      t.row_slots.push_back(node->target_slots[i]);
    }
    lock->locks.push_back(std::move(t));
    lock->with_version = true;
    lock->exprs.clear();
    if (query_.where && !has_subquery(*query_.where)) {
      ASSIGN_OR_RETURN(lock->recheck, compile(*query_.where, p.layout));
    }
    lock->version_slot = node->version_slot;
    lock->children.push_back(std::move(p.node));
    p.node = std::move(lock);
  }
  std::vector<const Expr*> exprs;
  for (const Assignment& a : query_.assignments) exprs.push_back(a.expr.get());
  RETURN_IF_ERROR(plan_subqueries(exprs, &p));
  for (const Assignment& a : query_.assignments) {
    ASSIGN_OR_RETURN(CompiledExpr c, compile(*a.expr, p.layout));
    node->assignments.emplace_back(a.column, std::move(c));
  }
  node->label = target.alias;
  node->rows = p.node->rows;
  const std::vector<Type> input_types = p.node->types;
  node->children.push_back(std::move(p.node));
  return add_returning(std::move(node), p.layout, input_types);
}

Result<PlanPtr> QueryPlanner::plan_write() {
  state_.read_only = false;
  switch (query_.command) {
    case Command::kInsert:
      return plan_insert();
    case Command::kUpdate:
    case Command::kDelete:
      return plan_update_delete();
    case Command::kSelect:
    case Command::kValues:
      break;
  }
  return plan_select();
}

}  // namespace quorate::sql
