// FROM: relations, joins and the names they give.
extern "C" {
#include <pg_query/pg_query.pb-c.h>
}

#include "sql/analyze/analyzer.h"

namespace quorate::sql {
namespace {

std::string text_of(const char* s) { return s != nullptr ? s : ""; }

std::unique_ptr<FromNode> join_nodes(std::unique_ptr<FromNode> left,
                                     std::unique_ptr<FromNode> right, JoinKind kind) {
  auto n = std::make_unique<FromNode>();
  n->join = kind;
  n->left = std::move(left);
  n->right = std::move(right);
  return n;
}

void take(std::vector<ScopeItem>& to, std::vector<ScopeItem>& from) {
  for (auto& i : from) to.push_back(std::move(i));
  from.clear();
}

ScopeColumn copy_column(const ScopeColumn& c) {
  return {c.name, clone(*c.expr), c.table_oid, c.number};
}

}  // namespace

// PostgreSQL's order: an explicit schema; else the search path, with pg_catalog in front where it
// isn't named.
namespace {
// What `find` gives for the oid of that schema, or of the first of the search path that has any.
template <class F>
auto first_in_path(const AnalyzeContext& context, std::string_view schema, F find)
    -> decltype(find(Oid())) {
  auto in = [&](std::string_view s) -> decltype(find(Oid())) {
    const SchemaDescriptor* d = context.catalog->schema(context.database, s);
    return d != nullptr ? find(d->oid) : nullptr;
  };
  if (!schema.empty()) return in(schema);
  for (const auto& s : context.search_path)
    if (auto found = in(s)) return found;
  return nullptr;
}
}  // namespace

TablePtr find_table(const AnalyzeContext& context, std::string_view schema, std::string_view name) {
  return first_in_path(context, schema, [&](Oid s) { return context.catalog->table(s, name); });
}

SequencePtr find_sequence(const AnalyzeContext& context, std::string_view schema,
                          std::string_view name) {
  return first_in_path(context, schema, [&](Oid s) { return context.catalog->sequence(s, name); });
}

namespace {

const SystemTable* find_system(const AnalyzeContext& context, const std::string& schema,
                               const std::string& name) {
  if (context.system_tables == nullptr) return nullptr;
  if (!schema.empty()) return context.system_tables->find(schema, name);
  const auto& path = context.search_path;
  if (std::find(path.begin(), path.end(), "pg_catalog") == path.end())
    if (const auto* t = context.system_tables->find("pg_catalog", name)) return t;
  for (const auto& s : path)
    if (is_system_schema(s))
      if (const auto* t = context.system_tables->find(s, name)) return t;
  return nullptr;
}

}  // namespace

Cte* Analyzer::find_cte(const std::string& name, uint32_t* levels) {
  *levels = 0;
  for (Scope* s = scope_; s != nullptr; s = s->parent, ++*levels)
    for (auto it = s->ctes.rbegin(); it != s->ctes.rend(); ++it)
      if (it->name == name) return &*it;
  return nullptr;
}

Result<TablePtr> Analyzer::table_of(const PgQuery__RangeVar& v) {
  std::string schema = text_of(v.schemaname), name = text_of(v.relname);
  if (!text_of(v.catalogname).empty() && text_of(v.catalogname) != context_.database_name)
    return fail(sqlstate::kFeatureNotSupported,
                "cross-database references are not implemented: \"" + text_of(v.catalogname) + "." +
                    schema + "." + name + "\"",
                v.location);
  TablePtr t = find_table(context_, schema, name);
  if (t) {
    use_table(t->oid);
    return t;
  }
  std::string full = schema.empty() ? name : schema + "." + name;
  if (find_sequence(context_, schema, name) != nullptr)
    return unsupported("a sequence used as a table", v.location);
  return fail(sqlstate::kUndefinedTable, "relation \"" + full + "\" does not exist", v.location);
}

Result<TablePtr> Analyzer::table_of_index(const PgQuery__RangeVar& v, size_t* position) {
  const std::string schema = text_of(v.schemaname), name = text_of(v.relname);
  TablePtr t = first_in_path(
      context_, schema, [&](Oid s) { return context_.catalog->table_of_index(s, name, position); });
  if (t == nullptr) {
    const std::string full = schema.empty() ? name : schema + "." + name;
    return fail(sqlstate::kUndefinedTable, "relation \"" + full + "\" does not exist", v.location);
  }
  use_table(t->oid);
  return t;
}

Result<std::unique_ptr<FromNode>> Analyzer::add_relation(Relation r, const PgQuery__Alias* alias,
                                                         std::string_view own_name,
                                                         std::string_view schema,
                                                         std::vector<ScopeItem>* items) {
  auto index = static_cast<uint32_t>(scope_->query->relations.size());
  ScopeItem item;
  item.name = alias != nullptr ? alias->aliasname : std::string(own_name);
  if (alias == nullptr) item.schema = schema;
  item.relation = index;
  r.alias = item.name;
  size_t renamed = 0, live = 0;
  for (size_t i = 0; i < r.columns.size(); ++i) {
    RelationColumn& c = r.columns[i];
    if (c.name.empty() && r.kind == Relation::Kind::kTable) continue;  // dropped
    ++live;
    if (alias != nullptr && renamed < alias->n_colnames)
      c.name = string_of(alias->colnames[renamed++]);
    ScopeColumn column{c.name, make_column(index, static_cast<uint32_t>(i), c.type), 0, 0};
    if (r.table) {
      column.table_oid = r.table->oid;
      column.number = static_cast<int16_t>(r.table->columns[i].id);
    } else if (r.system_table != nullptr) {
      column.table_oid = r.system_table->oid();
      column.number = static_cast<int16_t>(i + 1);
    }
    item.columns.push_back(std::move(column));
  }
  if (alias != nullptr && alias->n_colnames > live)
    return fail(sqlstate::kInvalidColumnReference,
                "table \"" + item.name + "\" has " + std::to_string(live) +
                    " columns available but " + std::to_string(alias->n_colnames) +
                    " columns specified");
  scope_->query->relations.push_back(std::move(r));
  items->push_back(std::move(item));
  auto leaf = std::make_unique<FromNode>();
  leaf->relation = index;
  return leaf;
}

Status Analyzer::open_table(Query& q, TablePtr table) {
  CHECK(q.relations.empty());
  Relation r;
  r.kind = Relation::Kind::kTable;
  for (const auto& c : table->columns) r.columns.push_back({c.dropped ? "" : c.name, c.type});
  std::string name = table->name;
  r.table = std::move(table);
  return add_relation(std::move(r), nullptr, name, "", &scope_->items).status();
}

Result<std::unique_ptr<FromNode>> Analyzer::range_var(const PgQuery__RangeVar& v,
                                                      std::vector<ScopeItem>* items) {
  std::string schema = text_of(v.schemaname), name = text_of(v.relname);
  Relation r;
  uint32_t levels = 0;
  if (Cte* cte = schema.empty() ? find_cte(name, &levels) : nullptr) {
    r.kind = Relation::Kind::kCte;
    r.subquery = clone_query(*cte->query);
    shift_outer_levels(*r.subquery, levels);
    r.columns = cte->columns;
    return add_relation(std::move(r), v.alias, name, "", items);
  }
  if (const SystemTable* t = find_system(context_, schema, name)) {
    r.kind = Relation::Kind::kSystemTable;
    r.system_table = t;
    for (const auto& c : t->columns()) r.columns.push_back({std::string(c.name), c.type});
    return add_relation(std::move(r), v.alias, name, t->schema(), items);
  }
  ASSIGN_OR_RETURN(TablePtr table, table_of(v));
  r.kind = Relation::Kind::kTable;
  for (const auto& c : table->columns) r.columns.push_back({c.dropped ? "" : c.name, c.type});
  const SchemaDescriptor* s = context_.catalog->schema(table->schema);
  std::string schema_name = s != nullptr ? s->name : "";
  r.table = std::move(table);
  return add_relation(std::move(r), v.alias, name, schema_name, items);
}

Result<std::unique_ptr<FromNode>> Analyzer::range_subselect(const PgQuery__RangeSubselect& s,
                                                            std::vector<ScopeItem>* items) {
  if (s.alias == nullptr) {
    bool values = s.subquery->node_case == PG_QUERY__NODE__NODE_SELECT_STMT &&
                  s.subquery->select_stmt->n_values_lists > 0;
    return fail(sqlstate::kSyntaxError, values ? "VALUES in FROM must have an alias"
                                               : "subquery in FROM must have an alias")
        .with_hint(values ? "For example, FROM (VALUES ...) [AS] foo."
                          : "For example, FROM (SELECT ...) [AS] foo.");
  }
  bool before = std::exchange(scope_->lateral_active, s.lateral != 0);
  auto q = subquery(s.subquery);
  scope_->lateral_active = before;
  if (!q.ok()) return q.status();
  Relation r;
  r.kind = Relation::Kind::kSubquery;
  r.lateral = s.lateral != 0;
  for (const auto& t : (*q)->targets)
    if (!t.hidden) r.columns.push_back({t.name, t.expr->type});
  r.subquery = std::move(q).value();
  return add_relation(std::move(r), s.alias, "", "", items);
}

Result<std::unique_ptr<FromNode>> Analyzer::range_function(const PgQuery__RangeFunction& f,
                                                           std::vector<ScopeItem>* items) {
  if (f.n_functions != 1) return unsupported("ROWS FROM with several functions");
  const PgQuery__List& entry = *f.functions[0]->list;
  if (f.n_coldeflist > 0 || (entry.n_items > 1 && entry.items[1] != nullptr &&
                             entry.items[1]->node_case == PG_QUERY__NODE__NODE_LIST))
    return unsupported("a column definition list");
  // A function in FROM may always look to its left.
  bool before = std::exchange(scope_->lateral_active, true);
  Place place = std::exchange(scope_->place, Place::kFromFunction);
  auto e = expr(entry.items[0]);
  scope_->lateral_active = before;
  scope_->place = place;
  if (!e.ok()) return e.status();
  ASSIGN_OR_RETURN(ExprPtr function, resolve_unknown(std::move(e).value()));
  if (function->type.oid == oid::kRecord)
    return unsupported("a function that returns records in FROM", function->location);
  std::string name = figure_column_name(entry.items[0]);
  Relation r;
  r.kind = Relation::Kind::kFunction;
  r.with_ordinality = f.ordinality != 0;
  visit_expr(*function, [&](Expr& x, uint32_t depth) {
    if (x.kind == ExprKind::kColumn && x.levels_up == depth) r.lateral = true;
  });
  r.columns.push_back({f.alias != nullptr ? f.alias->aliasname : name, function->type});
  if (r.with_ordinality) r.columns.push_back({"ordinality", Type{oid::kInt8, -1}});
  r.function = std::move(function);
  return add_relation(std::move(r), f.alias, name, "", items);
}

Status Analyzer::check_names(const std::vector<ScopeItem>& a, const std::vector<ScopeItem>& b) {
  for (const auto& x : a) {
    if (x.name.empty() || !x.table_visible) continue;
    for (const auto& y : b) {
      if (!y.table_visible || x.name != y.name) continue;
      // public.t and other.t may stand side by side.
      if (!x.schema.empty() && !y.schema.empty() && x.schema != y.schema) continue;
      return fail(sqlstate::kDuplicateAlias,
                  "table name \"" + x.name + "\" specified more than once");
    }
  }
  return {};
}

Status Analyzer::join_using(const PgQuery__JoinExpr& j, std::vector<ScopeItem>& left,
                            std::vector<ScopeItem>& right, FromNode* node, ScopeItem* merged) {
  auto visible_columns = [](std::vector<ScopeItem>& items) {
    std::vector<ScopeColumn*> out;
    for (auto& i : items)
      if (i.columns_visible)
        for (auto& c : i.columns) out.push_back(&c);
    return out;
  };
  auto left_columns = visible_columns(left), right_columns = visible_columns(right);
  std::vector<std::string> names;
  for (size_t i = 0; i < j.n_using_clause; ++i) names.push_back(string_of(j.using_clause[i]));
  if (j.is_natural)
    for (auto* l : left_columns)
      for (auto* r : right_columns)
        if (l->name == r->name) {
          names.push_back(l->name);
          break;
        }
  auto find = [&](std::vector<ScopeColumn*>& list, const std::string& name,
                  const char* side) -> Result<ScopeColumn*> {
    ScopeColumn* found = nullptr;
    for (auto* c : list) {
      if (c->name != name) continue;
      if (found != nullptr)
        return fail(
            sqlstate::kAmbiguousColumn,
            "common column name \"" + name + "\" appears more than once in " + side + " table");
      found = c;
    }
    if (found == nullptr)
      return fail(sqlstate::kUndefinedColumn, "column \"" + name + "\" specified in USING clause " +
                                                  "does not exist in " + side + " table");
    return found;
  };
  std::vector<ScopeColumn*> used_left, used_right;
  std::vector<ExprPtr> conditions;
  for (const auto& name : names) {
    ASSIGN_OR_RETURN(ScopeColumn * l, find(left_columns, name, "left"));
    ASSIGN_OR_RETURN(ScopeColumn * r, find(right_columns, name, "right"));
    used_left.push_back(l);
    used_right.push_back(r);
    ASSIGN_OR_RETURN(ExprPtr same, operation("=", clone(*l->expr), clone(*r->expr), -1));
    conditions.push_back(std::move(same));
    ExprPtr a = clone(*l->expr), b = clone(*r->expr);
    ASSIGN_OR_RETURN(Type type, unify("JOIN/USING", {&a, &b}));
    ScopeColumn column;
    column.name = name;
    if (node->join == JoinKind::kFull) {
      column.expr = std::make_unique<Expr>();
      column.expr->kind = ExprKind::kCoalesce;
      column.expr->type = type;
      column.expr->args.push_back(std::move(a));
      column.expr->args.push_back(std::move(b));
    } else {
      const ScopeColumn& kept = node->join == JoinKind::kRight ? *r : *l;
      column.expr = std::move(node->join == JoinKind::kRight ? b : a);
      column.table_oid = kept.table_oid;
      column.number = kept.number;
    }
    merged->columns.push_back(std::move(column));
  }
  if (conditions.size() == 1) {
    node->condition = std::move(conditions[0]);
  } else if (!conditions.empty()) {
    node->condition = std::make_unique<Expr>();
    node->condition->kind = ExprKind::kAnd;
    node->condition->type = Type{oid::kBool, -1};
    node->condition->args = std::move(conditions);
  }
  auto rest = [&](std::vector<ScopeColumn*>& list, std::vector<ScopeColumn*>& used) {
    for (auto* c : list)
      if (std::find(used.begin(), used.end(), c) == used.end())
        merged->columns.push_back(copy_column(*c));
  };
  rest(left_columns, used_left);
  rest(right_columns, used_right);
  return {};
}

Result<std::unique_ptr<FromNode>> Analyzer::join(const PgQuery__JoinExpr& j,
                                                 std::vector<ScopeItem>* items) {
  std::vector<ScopeItem> left, right;
  ASSIGN_OR_RETURN(auto left_node, from_item(j.larg, &left));
  JoinKind kind = j.jointype == PG_QUERY__JOIN_TYPE__JOIN_LEFT    ? JoinKind::kLeft
                  : j.jointype == PG_QUERY__JOIN_TYPE__JOIN_RIGHT ? JoinKind::kRight
                  : j.jointype == PG_QUERY__JOIN_TYPE__JOIN_FULL  ? JoinKind::kFull
                                                                  : JoinKind::kInner;
  // The right side may look at the left one where it is LATERAL.
  size_t outer = scope_->items.size();
  size_t left_size = left.size();
  for (auto& i : left) {
    scope_->items.push_back(std::move(i));
    scope_->items.back().lateral_only = true;
  }
  auto right_result = from_item(j.rarg, &right);
  for (size_t i = 0; i < left_size; ++i) {
    left[i] = std::move(scope_->items[outer + i]);
    left[i].lateral_only = false;
  }
  scope_->items.resize(outer);
  if (!right_result.ok()) return right_result.status();
  RETURN_IF_ERROR(check_names(left, right));
  auto out = join_nodes(std::move(left_node), std::move(right_result).value(), kind);

  ScopeItem merged;
  bool has_using = j.is_natural || j.n_using_clause > 0;
  if (has_using) {
    RETURN_IF_ERROR(join_using(j, left, right, out.get(), &merged));
  } else if (j.quals != nullptr) {
    // ON sees both sides and what is around the query, not the rest of FROM.
    std::vector<ScopeItem> saved = std::move(scope_->items);
    scope_->items.clear();
    take(scope_->items, left);
    take(scope_->items, right);
    size_t n = left_size;
    auto e = expr_in(j.quals, Place::kJoin);
    for (size_t i = 0; i < scope_->items.size(); ++i)
      (i < n ? left : right).push_back(std::move(scope_->items[i]));
    scope_->items = std::move(saved);
    if (!e.ok()) return e.status();
    ASSIGN_OR_RETURN(out->condition, coerce_bool(std::move(e).value(), "JOIN/ON"));
  }
  if (j.alias != nullptr) {
    if (!has_using)
      for (auto* side : {&left, &right})
        for (auto& i : *side)
          if (i.columns_visible)
            for (auto& c : i.columns) merged.columns.push_back(copy_column(c));
    merged.name = j.alias->aliasname;
    for (size_t i = 0; i < j.alias->n_colnames && i < merged.columns.size(); ++i)
      merged.columns[i].name = string_of(j.alias->colnames[i]);
    items->push_back(std::move(merged));  // hides what is inside
    return out;
  }
  if (has_using) {
    for (auto* side : {&left, &right})
      for (auto& i : *side) i.columns_visible = false;
    merged.table_visible = false;
    if (j.join_using_alias != nullptr) return unsupported("an alias of JOIN ... USING");
  }
  take(*items, left);
  take(*items, right);
  if (has_using) items->push_back(std::move(merged));
  return out;
}

Result<std::unique_ptr<FromNode>> Analyzer::from_item(const Node* n,
                                                      std::vector<ScopeItem>* items) {
  switch (n->node_case) {
    case PG_QUERY__NODE__NODE_RANGE_VAR:
      return range_var(*n->range_var, items);
    case PG_QUERY__NODE__NODE_RANGE_SUBSELECT:
      return range_subselect(*n->range_subselect, items);
    case PG_QUERY__NODE__NODE_RANGE_FUNCTION:
      return range_function(*n->range_function, items);
    case PG_QUERY__NODE__NODE_JOIN_EXPR:
      return join(*n->join_expr, items);
    case PG_QUERY__NODE__NODE_RANGE_TABLE_SAMPLE:
      return unsupported("TABLESAMPLE", n->range_table_sample->location);
    case PG_QUERY__NODE__NODE_RANGE_TABLE_FUNC:
      return unsupported("XMLTABLE", n->range_table_func->location);
    default:
      return unsupported("this entry of FROM");
  }
}

// Extends query->from, which may already hold an UPDATE's or DELETE's table.
Status Analyzer::from_clause(Node* const* nodes, size_t n) {
  for (size_t i = 0; i < n; ++i) {
    std::vector<ScopeItem> items;
    // What stands left of it is seen by LATERAL alone.
    std::vector<bool> before;
    for (auto& item : scope_->items) before.push_back(std::exchange(item.lateral_only, true));
    auto leaf = from_item(nodes[i], &items);
    for (size_t k = 0; k < before.size(); ++k) scope_->items[k].lateral_only = before[k];
    if (!leaf.ok()) return leaf.status();
    RETURN_IF_ERROR(check_names(scope_->items, items));
    take(scope_->items, items);
    auto& from = scope_->query->from;
    from = from ? join_nodes(std::move(from), std::move(leaf).value(), JoinKind::kInner)
                : std::move(leaf).value();
  }
  return {};
}

}  // namespace quorate::sql
