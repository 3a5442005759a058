#include "sql/system/catalog_functions.h"

#include "sql/functions/quote.h"
#include "sql/functions/registry.h"
#include "sql/system/btree_classes.h"
#include "sql/system/names.h"
#include "sql/system/rows.h"

namespace quorate::sql {
namespace system {
namespace {

using Args = std::span<const Datum>;
using Call = Result<Datum> (*)(const CatalogReader&, Args);

Oid oid_of(const Datum& v) { return static_cast<Oid>(v.as_int()); }
bool pretty(Args a, size_t at) { return a.size() > at && a[at].as_bool(); }

// --- what is the same for every object ---

Result<Datum> always_null(const CatalogReader&, Args) { return null(); }
Result<Datum> always_false(const CatalogReader&, Args) { return flag(false); }
Result<Datum> no_oid(const CatalogReader&, Args) { return num(0); }
Result<Datum> no_location(const CatalogReader&, Args) { return text(""); }

// --- visibility ---

Result<Datum> table_is_visible(const CatalogReader& r, Args a) {
  std::optional<Relation> relation = r.view().relation(oid_of(a[0]));
  return relation ? flag(r.view().visible(*relation)) : null();
}
// Types, functions and operators all stand in pg_catalog, which every search path holds.
Result<Datum> type_is_visible(const CatalogReader&, Args a) {
  return find_type(oid_of(a[0])) != nullptr ? flag(true) : null();
}
Result<Datum> function_is_visible(const CatalogReader&, Args a) {
  return find_procedure(oid_of(a[0])) ? flag(true) : null();
}
Result<Datum> operator_is_visible(const CatalogReader&, Args a) {
  return find_operator(oid_of(a[0])) != nullptr ? flag(true) : null();
}
Result<Datum> opclass_is_visible(const CatalogReader&, Args a) {
  for (const BtreeClass& c : btree_classes())
    if (c.oid == oid_of(a[0])) return flag(true);
  return null();
}
Result<Datum> opfamily_is_visible(const CatalogReader&, Args a) {
  for (const BtreeClass& c : btree_classes())
    if (c.family == oid_of(a[0])) return flag(true);
  return null();
}
Result<Datum> collation_is_visible(const CatalogReader&, Args a) {
  const Oid oid = oid_of(a[0]);
  return oid == kDefaultCollation || oid == kCCollation || oid == 951 ? flag(true) : null();
}

// --- definitions ---

Result<Datum> constraint_definition(const CatalogReader& r, Args a) {
  const Oid oid = oid_of(a[0]);
  const Style style = pretty(a, 1) ? Style::kPretty : Style::kPlain;
  for (const TablePtr& t : r.view().catalog().tables(r.view().database())) {
    for (const CheckDescriptor& c : t->checks)
      if (c.oid == oid) return text(check_definition(c, style));
    for (const ForeignKeyDescriptor& k : t->foreign_keys)
      if (k.oid == oid) return text(foreign_key_definition(r.view(), *t, k));
    for (const IndexDescriptor& i : t->indexes)
      if (i.constraint && i.oid == oid) return text(key_definition(*t, i));
  }
  return null();
}

Result<Datum> index_definition_of(const CatalogReader& r, Args a) {
  std::optional<Relation> relation = r.view().relation(oid_of(a[0]));
  if (!relation || relation->index == nullptr) return null();
  const int64_t column = a.size() > 1 ? a[1].as_int() : 0;
  if (column < 0 || column > static_cast<int64_t>(relation->index->columns.size())) return text("");
  if (column > 0)
    return text(
        index_column_definition(*relation->table, *relation->index, static_cast<size_t>(column)));
  std::optional<Relation> table = r.view().relation(relation->table->oid);
  return text(index_definition(
      *relation->table, *relation->index,
      pretty(a, 2) ? r.view().display_name(*table) : r.view().qualified_name(*table)));
}

Result<Datum> expression(const CatalogReader& r, Args a) {
  const std::string shown = r.view().shown_expression(a[0].as_bytes());
  return text(pretty(a, 2) ? pretty_expression(shown) : shown);
}

Result<Datum> function_arguments(const CatalogReader&, Args a) {
  std::optional<ProcedureRef> f = find_procedure(oid_of(a[0]));
  if (!f) return null();
  return text(argument_list(*f, ", "));
}
Result<Datum> function_result(const CatalogReader&, Args a) {
  std::optional<ProcedureRef> f = find_procedure(oid_of(a[0]));
  if (!f) return null();
  return text((f->returns_set ? "SETOF " : "") + format_type(f->result));
}

Result<Datum> user_by_id(const CatalogReader&, Args a) {
  const Oid oid = oid_of(a[0]);
  if (oid == kSuperuser) return text("postgres");
  if (oid == kDatabaseOwner) return text("pg_database_owner");
  return text("unknown (OID=" + std::to_string(oid) + ")");
}

Result<Datum> serial_sequence(const CatalogReader& r, Args a) {
  ASSIGN_OR_RETURN(Oid oid, r.resolve(oid::kRegclass, a[0].as_bytes()));
  std::optional<Relation> relation = r.view().relation(oid);
  const ColumnDescriptor* column = relation && relation->table && relation->index == nullptr
                                       ? relation->table->column(std::string_view(a[1].as_bytes()))
                                       : nullptr;
  if (column == nullptr)
    return invalid_argument("column \"" + std::string(a[1].as_bytes()) + "\" of relation \"" +
                                std::string(relation ? relation->name : a[0].as_bytes()) +
                                "\" does not exist",
                            sqlstate::kUndefinedColumn);
  std::optional<Relation> sequence =
      column->owned_sequence != 0 ? r.view().relation(column->owned_sequence) : std::nullopt;
  return sequence ? text(r.view().qualified_name(*sequence)) : null();
}

Result<Datum> replica_identity_index(const CatalogReader& r, Args a) {
  std::optional<Relation> relation = r.view().relation(oid_of(a[0]));
  if (!relation || !relation->table) return null();
  const IndexDescriptor& primary = relation->table->indexes.front();
  return primary.oid != 0 ? num(primary.oid) : null();
}

// --- privileges: of the one role that there is, which may do everything ---

constexpr std::string_view kPrivileges[] = {
    "SELECT",  "INSERT", "UPDATE", "DELETE",  "TRUNCATE",  "REFERENCES", "TRIGGER",
    "EXECUTE", "USAGE",  "CREATE", "CONNECT", "TEMPORARY", "TEMP",       "MEMBER"};

// "SELECT, INSERT WITH GRANT OPTION": every word must be a privilege.
Status check_privileges(std::string_view list) {
  while (!list.empty()) {
    size_t comma = std::min(list.find(','), list.size());
    std::string word(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
    for (char& c : word) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    std::string_view w = word;
    while (w.starts_with(' ')) w.remove_prefix(1);
    while (w.ends_with(' ')) w.remove_suffix(1);
    for (std::string_view option : {" WITH GRANT OPTION", " WITH ADMIN OPTION"})
      if (w.ends_with(option)) w.remove_suffix(option.size());
    if (std::find(std::begin(kPrivileges), std::end(kPrivileges), w) == std::end(kPrivileges))
      return invalid_argument("unrecognized privilege type: \"" + std::string(w) + "\"",
                              sqlstate::kInvalidParameterValue);
  }
  return Status();
}

// The arguments are [role,] object, privilege; names are looked up, OIDs of nothing give null.
template <Oid kKind>
Result<Datum> has_privilege(const CatalogReader& r, Args a) {
  RETURN_IF_ERROR(check_privileges(a.back().as_bytes()));
  if (a.size() > 2 && !a[0].holds_int())
    RETURN_IF_ERROR(r.resolve(oid::kRegrole, quoted_identifier(a[0].as_bytes())).status());
  const Datum& object = a[a.size() - 2];
  if (!object.holds_int())
    RETURN_IF_ERROR(r.resolve(kKind, object.as_bytes()).status());
  else if (r.name_of(kKind, oid_of(object)).empty())
    return null();
  return flag(true);
}

Result<Datum> has_column_privilege(const CatalogReader& r, Args a) {
  RETURN_IF_ERROR(check_privileges(a.back().as_bytes()));
  const Datum& table = a[a.size() - 3];
  Oid oid = table.holds_int() ? oid_of(table) : 0;
  if (!table.holds_int()) {
    ASSIGN_OR_RETURN(oid, r.resolve(oid::kRegclass, table.as_bytes()));
  }
  return r.view().relation(oid) ? flag(true) : null();
}

Result<Datum> has_database_privilege(const CatalogReader& r, Args a) {
  RETURN_IF_ERROR(check_privileges(a.back().as_bytes()));
  const Datum& database = a[a.size() - 2];
  for (const DatabaseDescriptor* d : r.view().catalog().databases())
    if (database.holds_int() ? d->oid == oid_of(database) : d->name == database.as_bytes())
      return flag(true);
  if (database.holds_int()) return null();
  return invalid_argument("database \"" + std::string(database.as_bytes()) + "\" does not exist",
                          sqlstate::kInvalidCatalogName);
}

Result<Datum> has_role(const CatalogReader& r, Args a) {
  RETURN_IF_ERROR(check_privileges(a.back().as_bytes()));
  for (const Datum& role : a.first(a.size() - 1))
    if (!role.holds_int())
      RETURN_IF_ERROR(r.resolve(oid::kRegrole, quoted_identifier(role.as_bytes())).status());
  return flag(true);
}

// --- sizes ---

enum class Part : uint8_t { kTable, kIndexes, kAll };

std::optional<int64_t> bytes_of(const CatalogReader& r, const Relation& relation, Part part) {
  if (!r.facts().index_bytes || !relation.table) return std::nullopt;
  if (relation.index != nullptr) return r.facts().index_bytes(*relation.table, *relation.index);
  int64_t sum = 0;
  const auto& indexes = relation.table->indexes;
  for (size_t i = 0; i < indexes.size(); ++i) {
    // The primary index is the table itself.
    const bool wanted = part == Part::kAll || (i == 0) == (part == Part::kTable);
    if (!wanted) continue;
    std::optional<int64_t> bytes = r.facts().index_bytes(*relation.table, indexes[i]);
    if (!bytes) return std::nullopt;
    sum += *bytes;
  }
  return sum;
}

template <Part kPart>
Result<Datum> relation_size(const CatalogReader& r, Args a) {
  std::optional<Relation> relation = r.view().relation(oid_of(a[0]));
  if (!relation) return null();
  std::optional<int64_t> bytes = bytes_of(r, *relation, kPart);
  return bytes ? num(*bytes) : null();
}

Result<Datum> database_size(const CatalogReader& r, Args a) {
  Oid oid = 0;
  for (const DatabaseDescriptor* d : r.view().catalog().databases())
    if (a[0].holds_int() ? d->oid == oid_of(a[0]) : d->name == a[0].as_bytes()) oid = d->oid;
  if (oid == 0) {
    if (a[0].holds_int()) return null();
    return invalid_argument("database \"" + std::string(a[0].as_bytes()) + "\" does not exist",
                            sqlstate::kInvalidCatalogName);
  }
  int64_t sum = 0;
  for (const TablePtr& t : r.view().catalog().tables(oid)) {
    Relation relation;
    relation.table = t;
    std::optional<int64_t> bytes = bytes_of(r, relation, Part::kAll);
    if (!bytes) return null();
    sum += *bytes;
  }
  return num(sum);
}

// Units change at ten times their size, so that at least two digits are shown.
Result<Datum> size_pretty(const CatalogReader&, Args a) {
  if (!a[0].holds_int()) return unimplemented("pg_size_pretty(numeric)");
  const int64_t bytes = a[0].as_int();
  const bool negative = bytes < 0;
  uint64_t v = negative ? 0 - static_cast<uint64_t>(bytes) : static_cast<uint64_t>(bytes);
  if (v < 10 * 1024) return text(std::to_string(bytes) + " bytes");
  v >>= 9;  // twice the number of kB: the last bit rounds
  std::string_view unit;
  for (std::string_view u : {"kB", "MB", "GB", "TB", "PB"}) {
    unit = u;
    if (v < 20 * 1024 - 1 || u == "PB") break;
    v >>= 10;
  }
  const uint64_t rounded = (v + 1) / 2;
  return text((negative ? "-" : "") + std::to_string(rounded) + " " + std::string(unit));
}

// --- names ---

template <Oid kType>
Result<Datum> to_reg(const CatalogReader& r, Args a) {
  Result<Oid> oid = r.resolve(kType, a[0].as_bytes());
  if (oid.ok()) return num(*oid);
  // What isn't there is null; a malformed name stays an error.
  if (oid.status().sqlstate() == sqlstate::kInvalidName) return oid.status();
  return null();
}
Result<Datum> to_regtype(const CatalogReader&, Args a) {
  Result<Type> type = parse_type_name(a[0].as_bytes());
  return type.ok() ? num(type->oid) : null();
}

Result<Datum> encoding_number(const CatalogReader&, Args a) {
  std::string name;
  for (char c : a[0].as_bytes())
    if (c != '-' && c != '_') name += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  if (name == "utf8" || name == "unicode") return num(6);
  if (name == "sqlascii") return num(0);
  if (name == "latin1" || name == "iso88591") return num(8);
  return num(-1);
}

Result<Datum> filenode(const CatalogReader& r, Args a) {
  std::optional<Relation> relation = r.view().relation(oid_of(a[0]));
  return relation && relation->kind != 'v' ? num(relation->oid) : null();
}
Result<Datum> is_publishable(const CatalogReader& r, Args a) {
  std::optional<Relation> relation = r.view().relation(oid_of(a[0]));
  if (!relation) return null();
  return flag(relation->table != nullptr && relation->index == nullptr);
}

struct Entry {
  std::string_view name;
  Call call;
};

// By name: overloads differ in how they name the object, which the values tell.
constexpr Entry kCalls[] = {
    {"col_description", always_null},
    {"has_any_column_privilege", has_privilege<oid::kRegclass>},
    {"has_column_privilege", has_column_privilege},
    {"has_database_privilege", has_database_privilege},
    {"has_schema_privilege", has_privilege<oid::kRegnamespace>},
    {"has_sequence_privilege", has_privilege<oid::kRegclass>},
    {"has_table_privilege", has_privilege<oid::kRegclass>},
    {"obj_description", always_null},
    {"pg_char_to_encoding", encoding_number},
    {"pg_collation_is_visible", collation_is_visible},
    {"pg_database_size", database_size},
    {"pg_function_is_visible", function_is_visible},
    {"pg_get_constraintdef", constraint_definition},
    {"pg_get_expr", expression},
    {"pg_get_function_arguments", function_arguments},
    {"pg_get_function_identity_arguments", function_arguments},
    {"pg_get_function_result", function_result},
    {"pg_get_indexdef", index_definition_of},
    {"pg_get_partkeydef", always_null},
    {"pg_get_replica_identity_index", replica_identity_index},
    {"pg_get_ruledef", always_null},
    {"pg_get_serial_sequence", serial_sequence},
    {"pg_get_statisticsobjdef_columns", always_null},
    {"pg_get_triggerdef", always_null},
    {"pg_get_userbyid", user_by_id},
    {"pg_get_viewdef", always_null},
    {"pg_has_role", has_role},
    {"pg_indexes_size", relation_size<Part::kIndexes>},
    {"pg_is_in_recovery", always_false},
    {"pg_is_other_temp_schema", always_false},
    {"pg_my_temp_schema", no_oid},
    {"pg_opclass_is_visible", opclass_is_visible},
    {"pg_opfamily_is_visible", opfamily_is_visible},
    {"pg_operator_is_visible", operator_is_visible},
    {"pg_relation_filenode", filenode},
    {"pg_relation_is_publishable", is_publishable},
    {"pg_relation_size", relation_size<Part::kTable>},
    {"pg_size_pretty", size_pretty},
    {"pg_table_is_visible", table_is_visible},
    {"pg_table_size", relation_size<Part::kTable>},
    {"pg_tablespace_location", no_location},
    {"pg_total_relation_size", relation_size<Part::kAll>},
    {"pg_type_is_visible", type_is_visible},
    {"pg_conversion_is_visible", always_null},
    {"pg_statistics_obj_is_visible", always_null},
    {"pg_ts_config_is_visible", always_null},
    {"pg_ts_dict_is_visible", always_null},
    {"pg_ts_parser_is_visible", always_null},
    {"pg_ts_template_is_visible", always_null},
    {"row_security_active", always_false},
    {"shobj_description", always_null},
    {"to_regclass", to_reg<oid::kRegclass>},
    {"to_regnamespace", to_reg<oid::kRegnamespace>},
    {"to_regproc", to_reg<oid::kRegproc>},
    {"to_regtype", to_regtype},
};

bool is_word_char(char c) {
  return c == '_' || c == '$' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9') || static_cast<unsigned char>(c) >= 0x80;
}

}  // namespace

std::vector<ColumnId> check_columns(const TableDescriptor& table, std::string_view sql) {
  std::vector<ColumnId> out;
  for (size_t i = 0; i < sql.size();) {
    if (sql[i] == '\'') {
      i = std::min(sql.find('\'', i + 1), sql.size() - 1) + 1;
      continue;
    }
    const bool quoted = sql[i] == '"';
    if (!quoted && !is_word_char(sql[i])) {
      ++i;
      continue;
    }
    size_t begin = quoted ? i + 1 : i, end = begin;
    while (end < sql.size() && (quoted ? sql[end] != '"' : is_word_char(sql[end]))) ++end;
    const std::string_view word = sql.substr(begin, end - begin);
    const bool type_name = begin >= 2 && sql.substr(begin - 2, 2) == "::";
    const bool call = end < sql.size() && sql[end] == '(';
    i = end + 1;
    const ColumnDescriptor* c = type_name || call ? nullptr : table.column(word);
    if (c != nullptr && std::find(out.begin(), out.end(), c->id) == out.end()) out.push_back(c->id);
  }
  return out;
}

}  // namespace system

namespace {

std::vector<std::string> with_pg_catalog(std::vector<std::string> path) {
  if (std::find(path.begin(), path.end(), "pg_catalog") == path.end())
    path.insert(path.begin(), "pg_catalog");
  return path;
}

}  // namespace

CatalogReader::CatalogReader(CatalogPtr catalog, Oid database, std::vector<std::string> path,
                             CatalogFacts facts)
    : catalog_(std::move(catalog)),
      view_(*catalog_, database, with_pg_catalog(std::move(path))),
      facts_(std::move(facts)) {}

Result<Datum> CatalogReader::call(Oid, std::string_view name, std::span<const Datum> args) const {
  for (const system::Entry& e : system::kCalls)
    if (e.name == name) return e.call(*this, args);
  return unimplemented(std::string(name) + "()");
}

}  // namespace quorate::sql
