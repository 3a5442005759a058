// Scopes and column references.
extern "C" {
#include <pg_query/pg_query.pb-c.h>
}

#include "sql/analyze/analyzer.h"
#include "sql/catalog/catalog_store.h"

namespace quorate::sql {

Status Analyzer::at(Status s, int32_t location) const {
  if (s.ok() || location < 0 || s.fields().position != 0) return s;
  return std::move(s).with_position(error_position(statement_.source(), location));
}

Status Analyzer::fail(SqlState state, std::string message, int32_t location) const {
  return at(Status(StatusCode::kInvalidArgument, state, std::move(message)), location);
}

Status Analyzer::unsupported(std::string_view construct, int32_t location) const {
  return at(unimplemented(construct), location);
}

const IoContext& Analyzer::io() const {
  static const IoContext kDefault;
  return context_.io != nullptr ? *context_.io : kDefault;
}

void Analyzer::use_table(Oid oid) {
  auto& used = context_.used_tables;
  auto at = std::lower_bound(used.begin(), used.end(), oid);
  if (at == used.end() || *at != oid) used.insert(at, oid);
}

std::string string_of(const Node* n) {
  return n != nullptr && n->node_case == PG_QUERY__NODE__NODE_STRING ? n->string->sval
                                                                     : std::string();
}

ExprPtr Analyzer::use_column(const ScopeColumn& c, uint32_t levels, int32_t location) {
  ExprPtr e = clone(*c.expr);
  shift_levels(*e, levels);
  e->location = location;
  return e;
}

Result<ExprPtr> Analyzer::find_unqualified(const std::string& name, int32_t location) {
  uint32_t levels = 0;
  for (Scope* s = scope_; s != nullptr; s = s->parent, ++levels) {
    const ScopeColumn* found = nullptr;
    for (const ScopeItem& item : s->items) {
      if (!item.columns_visible || (item.lateral_only && !s->lateral_active)) continue;
      for (const ScopeColumn& c : item.columns) {
        if (c.name != name) continue;
        if (found != nullptr)
          return fail(sqlstate::kAmbiguousColumn, "column reference \"" + name + "\" is ambiguous",
                      location);
        found = &c;
      }
    }
    if (found != nullptr) return use_column(*found, levels, location);
  }
  // A table's name alone is its row.
  bool ambiguous = false;
  if (find_item("", name, &levels, &ambiguous) != nullptr)
    return unsupported("a whole-row reference", location);
  return missing_column("", name, location);
}

ScopeItem* Analyzer::find_item(const std::string& schema, const std::string& table,
                               uint32_t* levels, bool* ambiguous) {
  *levels = 0;
  for (Scope* s = scope_; s != nullptr; s = s->parent, ++*levels) {
    ScopeItem* found = nullptr;
    for (ScopeItem& item : s->items) {
      if (!item.table_visible || item.name != table || item.name.empty()) continue;
      if (!schema.empty() && item.schema != schema) continue;
      if (item.lateral_only && !s->lateral_active) continue;
      if (found != nullptr) *ambiguous = true;
      found = &item;
    }
    if (found != nullptr) return found;
  }
  return nullptr;
}

Result<ExprPtr> Analyzer::find_qualified(const std::string& schema, const std::string& table,
                                         const std::string& column, int32_t location) {
  uint32_t levels = 0;
  bool ambiguous = false;
  ScopeItem* item = find_item(schema, table, &levels, &ambiguous);
  if (ambiguous)
    return fail(sqlstate::kAmbiguousAlias, "table reference \"" + table + "\" is ambiguous",
                location);
  if (item == nullptr) return missing_table(table, location);
  const ScopeColumn* found = nullptr;
  for (const ScopeColumn& c : item->columns) {
    if (c.name != column) continue;
    if (found != nullptr)
      return fail(sqlstate::kAmbiguousColumn, "column reference \"" + column + "\" is ambiguous",
                  location);
    found = &c;
  }
  // Of a catalog, for psql: which catalog it is.
  if (found == nullptr && column == "tableoid" && !item->columns.empty() &&
      item->columns[0].table_oid != 0 && item->columns[0].table_oid < kFirstUserOid)
    return make_const(Type{oid::kOid, -1}, Datum::of_int(item->columns[0].table_oid));
  if (found == nullptr) return missing_column(table, column, location);
  return use_column(*found, levels, location);
}

Result<ExprPtr> Analyzer::column_ref(const PgQuery__ColumnRef& ref) {
  std::vector<std::string> names;
  for (size_t i = 0; i < ref.n_fields; ++i) {
    if (ref.fields[i]->node_case == PG_QUERY__NODE__NODE_A_STAR)
      return unsupported("a whole-row reference", ref.location);
    names.push_back(string_of(ref.fields[i]));
  }
  switch (names.size()) {
    case 1:
      return find_unqualified(names[0], ref.location);
    case 2:
      return find_qualified("", names[0], names[1], ref.location);
    case 3:
      return find_qualified(names[0], names[1], names[2], ref.location);
    case 4:
      if (names[0] != context_.database_name)
        return fail(sqlstate::kFeatureNotSupported,
                    "cross-database references are not implemented: " + names[0] + "." + names[1] +
                        "." + names[2] + "." + names[3],
                    ref.location);
      return find_qualified(names[1], names[2], names[3], ref.location);
    default:
      return fail(sqlstate::kSyntaxError, "improper qualified name (too many dotted names)",
                  ref.location);
  }
}

Status Analyzer::missing_table(const std::string& table, int32_t location) {
  for (Scope* s = scope_; s != nullptr; s = s->parent) {
    for (const ScopeItem& item : s->items) {
      bool same = item.name == table;
      const Relation* r = item.relation && *item.relation < s->query->relations.size()
                              ? &s->query->relations[*item.relation]
                              : nullptr;
      if (same) {
        return fail(sqlstate::kUndefinedTable,
                    "invalid reference to FROM-clause entry for table \"" + table + "\"", location)
            .with_hint("There is an entry for table \"" + table +
                       "\", but it cannot be referenced from this part of the query.");
      }
      if (r != nullptr && r->table && r->table->name == table) {
        return fail(sqlstate::kUndefinedTable,
                    "invalid reference to FROM-clause entry for table \"" + table + "\"", location)
            .with_hint("Perhaps you meant to reference the table alias \"" + item.name + "\".");
      }
    }
  }
  return fail(sqlstate::kUndefinedTable, "missing FROM-clause entry for table \"" + table + "\"",
              location);
}

namespace {

// Levenshtein's distance, given up beyond `max`.
size_t distance(std::string_view a, std::string_view b, size_t max) {
  if (a.size() > b.size() + max || b.size() > a.size() + max) return max + 1;
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t up = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = up;
    }
  }
  return row[b.size()];
}

}  // namespace

// PostgreSQL's hint: the column within three edits and at most half of the name, nearest first; two
// that are equally near are both named, more give none.
Status Analyzer::missing_column(const std::string& table, const std::string& column,
                                int32_t location) {
  std::string message = table.empty() ? "column \"" + column + "\" does not exist"
                                      : "column " + table + "." + column + " does not exist";
  Status error = fail(sqlstate::kUndefinedColumn, std::move(message), location);
  size_t best = std::min<size_t>(3, column.size() / 2) + 1;
  std::vector<std::string> near;
  for (Scope* s = scope_; s != nullptr; s = s->parent) {
    for (const ScopeItem& item : s->items) {
      if (!item.relation) continue;
      size_t penalty = 0;
      if (!table.empty()) penalty = distance(table, item.name, 3);
      for (const ScopeColumn& c : item.columns) {
        std::string full = item.name + "." + c.name;
        if (c.name == column && penalty == 0) {
          return std::move(error).with_hint(
              "There is a column named \"" + column + "\" in table \"" + item.name +
              "\", but it cannot be referenced from this part of the query.");
        }
        size_t d = distance(column, c.name, 3) + penalty;
        if (d > best || d > column.size() / 2 || d > 3) continue;
        if (d < best) near.clear();
        best = d;
        near.push_back(std::move(full));
      }
    }
  }
  if (near.size() == 1)
    return std::move(error).with_hint("Perhaps you meant to reference the column \"" + near[0] +
                                      "\".");
  if (near.size() == 2)
    return std::move(error).with_hint("Perhaps you meant to reference the column \"" + near[0] +
                                      "\" or the column \"" + near[1] + "\".");
  return error;
}

Status Analyzer::expand_star(const PgQuery__ColumnRef& ref, std::vector<Target>* out) {
  auto add = [&](const ScopeItem& item, uint32_t levels) {
    for (const ScopeColumn& c : item.columns) {
      Target t;
      t.expr = use_column(c, levels, ref.location);
      t.name = c.name;
      t.table_oid = c.table_oid;
      t.column_number = c.number;
      out->push_back(std::move(t));
    }
  };
  if (ref.n_fields == 1) {
    bool any = false;
    for (const ScopeItem& item : scope_->items) {
      if (!item.columns_visible) continue;
      any = true;
      add(item, 0);
    }
    if (!any)
      return fail(sqlstate::kSyntaxError, "SELECT * with no tables specified is not valid",
                  ref.location);
    return {};
  }
  std::string schema = ref.n_fields == 3 ? string_of(ref.fields[0]) : "";
  std::string table = string_of(ref.fields[ref.n_fields - 2]);
  uint32_t levels = 0;
  bool ambiguous = false;
  ScopeItem* item = find_item(schema, table, &levels, &ambiguous);
  if (ambiguous)
    return fail(sqlstate::kAmbiguousAlias, "table reference \"" + table + "\" is ambiguous",
                ref.location);
  if (item == nullptr) return missing_table(table, ref.location);
  add(*item, levels);
  return {};
}

}  // namespace quorate::sql
