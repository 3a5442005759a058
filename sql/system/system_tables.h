// The system relations: pg_catalog and information_schema with PostgreSQL 15's columns, and
// quorate.
//
// Their rows are computed from the statement's own version of the catalog, from the registry of
// types and functions, and (quorate) from the server's ClusterInfo. A relation of PostgreSQL's for
// which there is nothing here (pg_trigger, pg_policy, ...) is an empty table.
#pragma once

#include "sql/catalog/system_table.h"

namespace quorate::sql {

// One table of a process; immutable, shared by all threads.
const SystemTables& system_tables();

namespace system {

// What the catalog's own rows tell of a system relation.
class ShapedTable : public SystemTable {
 public:
  std::string_view schema() const override { return schema_; }
  std::string_view name() const override { return name_; }
  Oid oid() const override { return oid_; }
  std::span<const SystemColumn> columns() const override { return columns_; }
  char kind() const { return kind_; }
  bool not_null(size_t column) const { return not_null_[column]; }

 protected:
  std::string_view schema_, name_;
  Oid oid_ = 0;
  char kind_ = 'r';
  std::vector<SystemColumn> columns_;
  std::vector<bool> not_null_;
};

std::span<const ShapedTable* const> shaped_tables();
Oid system_schema_oid(std::string_view name);
// By pg_class.oid; null where it is no system relation.
const ShapedTable* find_system_table(Oid oid);

}  // namespace system
}  // namespace quorate::sql
