// Names that PostgreSQL chooses, and where the names of a DDL statement lead.
#pragma once

#include "sql/schema/schema_change.h"

namespace quorate::sql {

// name1_name2_label, each part cut so that the whole has at most 63 bytes.
std::string make_object_name(std::string_view name1, std::string_view name2,
                             std::string_view label);
// The first of these that is free in the schema: a number is added to the label.
std::string choose_relation_name(const CatalogData& data, Oid schema, std::string_view table,
                                 std::string_view columns, std::string_view label);
// The same among the table's constraints.
std::string choose_constraint_name(const TableDescriptor& table, const CatalogData& data,
                                   std::string_view columns, std::string_view label);
bool constraint_exists(const TableDescriptor& table, std::string_view name);

// Where a new object goes: 3F000 where there is no such schema, or none to create in.
Result<const SchemaDescriptor*> creation_schema(const CatalogData& data, const DdlContext& context,
                                                const ObjectName& name);
// By the search path; null where there is none.
TablePtr lookup_table(const CatalogData& data, const DdlContext& context, const ObjectName& name);
SequencePtr lookup_sequence(const CatalogData& data, const DdlContext& context,
                            const ObjectName& name);
TablePtr lookup_index(const CatalogData& data, const DdlContext& context, const ObjectName& name,
                      size_t* position);
// 42P01 `relation "x" does not exist`.
Result<TablePtr> require_table(const CatalogData& data, const DdlContext& context,
                               const ObjectName& name);
std::string display_name(const ObjectName& name);

Status ddl_error(SqlState state, std::string message, int32_t position = 0);
void notice(DdlContext* context, std::string message, SqlState state = sqlstate::kSuccess);

}  // namespace quorate::sql
