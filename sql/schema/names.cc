#include "sql/schema/names.h"

namespace quorate::sql {

Status ddl_error(SqlState state, std::string message, int32_t position) {
  Status s(StatusCode::kFailedPrecondition, state, std::move(message));
  return position > 0 ? std::move(s).with_position(position) : s;
}

void notice(DdlContext* context, std::string message, SqlState state) {
  context->notices.emplace_back(StatusCode::kFailedPrecondition, state, std::move(message));
}

std::string display_name(const ObjectName& name) {
  return name.schema.empty() ? name.name : name.schema + "." + name.name;
}

namespace {

constexpr size_t kNameBytesMax = 63;

// Cuts at a character's boundary.
std::string_view clip(std::string_view s, size_t bytes) {
  if (s.size() <= bytes) return s;
  while (bytes > 0 && (static_cast<unsigned char>(s[bytes]) & 0xc0) == 0x80) --bytes;
  return s.substr(0, bytes);
}

template <class Taken>
std::string choose(std::string_view table, std::string_view columns, std::string_view label,
                   const Taken& taken) {
  std::string tail(label);
  for (int pass = 1;; ++pass) {
    std::string name = make_object_name(table, columns, tail);
    if (!taken(name)) return name;
    tail = std::string(label) + std::to_string(pass);
  }
}

}  // namespace

std::string make_object_name(std::string_view name1, std::string_view name2,
                             std::string_view label) {
  size_t overhead = (name2.empty() ? 0 : 1) + (label.empty() ? 0 : label.size() + 1);
  size_t room = kNameBytesMax - overhead, a = name1.size(), b = name2.size();
  // The longer one gives way first, as in PostgreSQL.
  while (a + b > room) (a > b ? a : b)--;
  std::string out(clip(name1, a));
  if (!name2.empty()) out.append("_").append(clip(name2, b));
  if (!label.empty()) out.append("_").append(label);
  return out;
}

std::string choose_relation_name(const CatalogData& data, Oid schema, std::string_view table,
                                 std::string_view columns, std::string_view label) {
  return choose(table, columns, label,
                [&](const std::string& name) { return data.relation_exists(schema, name); });
}

bool constraint_exists(const TableDescriptor& table, std::string_view name) {
  for (const auto& i : table.indexes)
    if ((i.constraint || i.primary) && i.name == name) return true;
  for (const auto& c : table.checks)
    if (c.name == name) return true;
  for (const auto& f : table.foreign_keys)
    if (f.name == name) return true;
  return false;
}

std::string choose_constraint_name(const TableDescriptor& table, const CatalogData& data,
                                   std::string_view columns, std::string_view label) {
  return choose(table.name, columns, label, [&](const std::string& name) {
    return constraint_exists(table, name) || data.relation_exists(table.schema, name);
  });
}

Result<const SchemaDescriptor*> creation_schema(const CatalogData& data, const DdlContext& context,
                                                const ObjectName& name) {
  if (!name.database.empty() && name.database != context.database_name)
    return ddl_error(sqlstate::kFeatureNotSupported,
                     "cross-database references are not implemented: \"" + name.database + "." +
                         name.schema + "." + name.name + "\"");
  if (!name.schema.empty()) {
    if (is_system_schema(name.schema))
      return ddl_error(sqlstate::kInsufficientPrivilege,
                       "permission denied for schema " + name.schema);
    const SchemaDescriptor* s = data.schema(context.database, name.schema);
    if (s == nullptr)
      return ddl_error(sqlstate::kInvalidSchemaName,
                       "schema \"" + name.schema + "\" does not exist", name.position);
    return s;
  }
  for (const auto& path : context.search_path)
    if (const SchemaDescriptor* s = data.schema(context.database, path)) return s;
  return ddl_error(sqlstate::kInvalidSchemaName, "no schema has been selected to create in",
                   name.position);
}

namespace {

template <class Find>
auto lookup(const CatalogData& data, const DdlContext& context, const ObjectName& name,
            const Find& find) -> decltype(find(Oid{})) {
  if (!name.schema.empty()) {
    const SchemaDescriptor* s = data.schema(context.database, name.schema);
    return s != nullptr ? find(s->oid) : nullptr;
  }
  for (const auto& path : context.search_path) {
    const SchemaDescriptor* s = data.schema(context.database, path);
    if (s == nullptr) continue;
    if (auto found = find(s->oid)) return found;
  }
  return nullptr;
}

}  // namespace

TablePtr lookup_table(const CatalogData& data, const DdlContext& context, const ObjectName& name) {
  return lookup(data, context, name, [&](Oid schema) { return data.table(schema, name.name); });
}

SequencePtr lookup_sequence(const CatalogData& data, const DdlContext& context,
                            const ObjectName& name) {
  return lookup(data, context, name, [&](Oid schema) { return data.sequence(schema, name.name); });
}

TablePtr lookup_index(const CatalogData& data, const DdlContext& context, const ObjectName& name,
                      size_t* position) {
  return lookup(data, context, name,
                [&](Oid schema) { return data.table_of_index(schema, name.name, position); });
}

Result<TablePtr> require_table(const CatalogData& data, const DdlContext& context,
                               const ObjectName& name) {
  TablePtr t = lookup_table(data, context, name);
  if (t) return t;
  // PostgreSQL gives no position in schema changes.
  return ddl_error(sqlstate::kUndefinedTable,
                   "relation \"" + display_name(name) + "\" does not exist");
}

}  // namespace quorate::sql
