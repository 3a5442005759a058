#include "sql/system/catalog_view.h"

#include "sql/functions/quote.h"
#include "sql/system/rows.h"

namespace quorate::sql::system {
namespace {

Relation of_table(const TablePtr& t) {
  Relation r;
  r.oid = t->oid;
  r.schema = t->schema;
  r.name = t->name;
  r.table = t;
  return r;
}
Relation of_index(const TablePtr& t, const IndexDescriptor& index) {
  Relation r = of_table(t);
  r.oid = index.oid;
  r.name = index.name;
  r.kind = 'i';
  r.index = &index;
  return r;
}
Relation of_sequence(const SequencePtr& s) {
  Relation r;
  r.oid = s->oid;
  r.schema = s->schema;
  r.name = s->name;
  r.kind = 'S';
  r.sequence = s;
  return r;
}
Relation of_system(const ShapedTable* t) {
  Relation r;
  r.oid = t->oid();
  r.schema = system_schema_oid(t->schema());
  r.name = t->name();
  r.kind = t->kind();
  r.system = t;
  return r;
}

std::string column_list(const TableDescriptor& table, const std::vector<ColumnId>& columns) {
  std::string out = "(";
  for (ColumnId id : columns) {
    if (out.size() > 1) out += ", ";
    const ColumnDescriptor* c = table.column(id);
    out += c != nullptr ? quoted_identifier(c->name) : "?";
  }
  return out + ")";
}

std::string_view action_words(ForeignKeyAction action) {
  switch (action) {
    case ForeignKeyAction::kRestrict:
      return "RESTRICT";
    case ForeignKeyAction::kCascade:
      return "CASCADE";
    case ForeignKeyAction::kSetNull:
      return "SET NULL";
    case ForeignKeyAction::kSetDefault:
      return "SET DEFAULT";
    case ForeignKeyAction::kNoAction:
      break;
  }
  return {};
}

}  // namespace

std::vector<SchemaName> CatalogView::schemas() const {
  std::vector<SchemaName> out;
  for (std::string_view name : {"pg_catalog", "information_schema", "quorate"})
    out.push_back({system_schema_oid(name), name});
  for (const SchemaDescriptor* s : catalog_.schemas(database_)) out.push_back({s->oid, s->name});
  return out;
}
std::optional<SchemaName> CatalogView::schema(std::string_view name) const {
  if (is_system_schema(name)) return SchemaName{system_schema_oid(name), name};
  const SchemaDescriptor* s = catalog_.schema(database_, name);
  if (s == nullptr) return std::nullopt;
  return SchemaName{s->oid, s->name};
}
std::string_view CatalogView::schema_name(Oid oid) const {
  for (const SchemaName& s : schemas())
    if (s.oid == oid) return s.name;
  return {};
}

std::vector<Relation> CatalogView::own_relations() const {
  std::vector<Relation> out;
  for (const TablePtr& t : catalog_.tables(database_)) {
    out.push_back(of_table(t));
    for (const IndexDescriptor& i : t->indexes)
      if (i.oid != 0) out.push_back(of_index(t, i));
  }
  for (const SequencePtr& s : catalog_.sequences(database_)) out.push_back(of_sequence(s));
  return out;
}
std::vector<Relation> CatalogView::relations() const {
  std::vector<Relation> out = own_relations();
  for (const ShapedTable* t : shaped_tables()) out.push_back(of_system(t));
  return out;
}

std::optional<Relation> CatalogView::relation(Oid oid) const {
  if (const ShapedTable* t = find_system_table(oid)) return of_system(t);
  if (TablePtr t = catalog_.table(oid)) return of_table(t);
  if (SequencePtr s = catalog_.sequence(oid)) return of_sequence(s);
  for (const TablePtr& t : catalog_.tables(database_))
    for (const IndexDescriptor& i : t->indexes)
      if (i.oid != 0 && i.oid == oid) return of_index(t, i);
  return std::nullopt;
}

std::optional<Relation> CatalogView::relation(Oid schema, std::string_view name) const {
  const std::string_view schema_text = schema_name(schema);
  if (is_system_schema(schema_text)) {
    const SystemTable* t = system_tables().find(schema_text, name);
    if (t == nullptr) return std::nullopt;
    return of_system(static_cast<const ShapedTable*>(t));
  }
  if (TablePtr t = catalog_.table(schema, name)) return of_table(t);
  if (SequencePtr s = catalog_.sequence(schema, name)) return of_sequence(s);
  for (const TablePtr& t : catalog_.tables(database_))
    if (t->schema == schema)
      for (const IndexDescriptor& i : t->indexes)
        if (i.oid != 0 && i.name == name) return of_index(t, i);
  return std::nullopt;
}

std::optional<Relation> CatalogView::relation(std::string_view name) const {
  for (const std::string& s : path_)
    if (std::optional<SchemaName> found = schema(s))
      if (std::optional<Relation> r = relation(found->oid, name)) return r;
  return std::nullopt;
}

bool CatalogView::visible(const Relation& r) const {
  std::optional<Relation> first = relation(r.name);
  return first && first->oid == r.oid;
}
std::string CatalogView::qualified_name(const Relation& r) const {
  return quoted_identifier(schema_name(r.schema)) + "." + quoted_identifier(r.name);
}
std::string CatalogView::display_name(const Relation& r) const {
  return visible(r) ? quoted_identifier(r.name) : qualified_name(r);
}

std::string CatalogView::shown_expression(std::string_view sql) const {
  constexpr std::string_view kCast = "'::regclass";
  std::string out;
  for (size_t at; (at = sql.find(kCast)) != std::string_view::npos;) {
    size_t digits = at;
    while (digits > 0 && sql[digits - 1] >= '0' && sql[digits - 1] <= '9') --digits;
    const std::string_view number = sql.substr(digits, at - digits);
    std::optional<Relation> r;
    if (digits > 0 && sql[digits - 1] == '\'' && !number.empty() && number.size() < 11)
      r = relation(static_cast<Oid>(std::stoull(std::string(number))));
    out.append(sql.substr(0, r ? digits : at));
    if (r) out += display_name(*r);
    out.append(kCast);
    sql.remove_prefix(at + kCast.size());
  }
  return out.append(sql);
}

std::string index_column_definition(const TableDescriptor& table, const IndexDescriptor& index,
                                    size_t column) {
  const ColumnDescriptor* c = table.column(index.columns[column - 1].column);
  return c != nullptr ? quoted_identifier(c->name) : "?";
}

std::string index_definition(const TableDescriptor& table, const IndexDescriptor& index,
                             std::string_view relation) {
  std::string out = index.unique ? "CREATE UNIQUE INDEX " : "CREATE INDEX ";
  out += quoted_identifier(index.name) + " ON ";
  out.append(relation).append(" USING btree (");
  for (size_t i = 0; i < index.columns.size(); ++i) {
    const IndexColumn& c = index.columns[i];
    if (i > 0) out += ", ";
    out += index_column_definition(table, index, i + 1);
    if (c.descending) out += " DESC";
    if (c.nulls_first != c.descending) out += c.nulls_first ? " NULLS FIRST" : " NULLS LAST";
  }
  return out + ")";
}

std::string key_definition(const TableDescriptor& table, const IndexDescriptor& index) {
  std::vector<ColumnId> columns;
  for (const IndexColumn& c : index.columns) columns.push_back(c.column);
  return (index.primary ? "PRIMARY KEY " : "UNIQUE ") + column_list(table, columns);
}

std::string check_definition(const CheckDescriptor& check, Style style) {
  std::string text = style == Style::kPretty ? pretty_expression(check.expression_sql)
                                             : std::string(check.expression_sql);
  return "CHECK (" + text + ")" + (check.validated ? "" : " NOT VALID");
}

std::string foreign_key_definition(const CatalogView& view, const TableDescriptor& table,
                                   const ForeignKeyDescriptor& key) {
  std::string out = "FOREIGN KEY " + column_list(table, key.columns) + " REFERENCES ";
  std::optional<Relation> target = view.relation(key.referenced_table);
  if (target && target->table)
    out += view.display_name(*target) + column_list(*target->table, key.referenced_columns);
  if (auto words = action_words(key.on_update); !words.empty())
    out.append(" ON UPDATE ").append(words);
  if (auto words = action_words(key.on_delete); !words.empty())
    out.append(" ON DELETE ").append(words);
  if (!key.validated) out += " NOT VALID";
  return out;
}

namespace {

// The place of the parenthesis that closes the one at `open`; literals and quoted names are
// skipped.
size_t closing(std::string_view s, size_t open) {
  int depth = 0;
  for (size_t i = open; i < s.size(); ++i) {
    if (s[i] == '\'' || s[i] == '"') {
      size_t end = s.find(s[i], i + 1);
      if (end == std::string_view::npos) return end;
      i = end;
    } else if (s[i] == '(') {
      ++depth;
    } else if (s[i] == ')' && --depth == 0) {
      return i;
    }
  }
  return std::string_view::npos;
}

bool is_word(std::string_view s) {
  if (s.empty()) return false;
  if (s.front() == '"') return s.find('"', 1) == s.size() - 1;
  return std::all_of(s.begin(), s.end(), [](char c) {
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  });
}

// The boolean connective at the top of an expression's text: "AND", "OR", "NOT" or none.
std::string_view connective(std::string_view s) {
  if (s.starts_with("NOT ")) return "NOT";
  for (size_t i = 0; i < s.size(); ++i) {
    if (s[i] == '(') {
      i = closing(s, i);
      if (i == std::string_view::npos) break;
    } else if (s[i] == '\'' || s[i] == '"') {
      i = s.find(s[i], i + 1);
      if (i == std::string_view::npos) break;
    } else if (s.substr(i).starts_with(" AND ")) {
      return "AND";
    } else if (s.substr(i).starts_with(" OR ")) {
      return "OR";
    }
  }
  return {};
}

}  // namespace

std::string pretty_expression(std::string_view sql) {
  if (sql.starts_with('(') && closing(sql, 0) == sql.size() - 1)
    sql = sql.substr(1, sql.size() - 2);
  const std::string_view outer = connective(sql);
  std::string out;
  for (size_t i = 0; i < sql.size(); ++i) {
    if (sql[i] == '\'' || sql[i] == '"') {
      size_t end = std::min(sql.find(sql[i], i + 1), sql.size() - 1);
      out.append(sql.substr(i, end - i + 1));
      i = end;
      continue;
    }
    size_t end = sql[i] == '(' ? closing(sql, i) : std::string_view::npos;
    if (end == std::string_view::npos) {
      out += sql[i];
      continue;
    }
    const std::string_view inner = sql.substr(i + 1, end - i - 1);
    const bool call = i > 0 && (is_word(sql.substr(i - 1, 1)) || sql[i - 1] == '"');
    const std::string_view within = connective(inner);
    const bool operand = !outer.empty() && outer != "NOT" && (within.empty() || within == "AND");
    const bool cast_of_word = sql.substr(end + 1).starts_with("::") && is_word(inner);
    if (!call && (cast_of_word || operand))
      out += pretty_expression(sql.substr(i, end - i + 1));
    else
      out += "(" + pretty_expression(inner) + ")";
    i = end;
  }
  return out;
}

}  // namespace quorate::sql::system
