// Tables whose rows are computed: pg_catalog, information_schema, quorate. The analyzer finds them
// by name, the executor asks them for rows; they are data of sql/system and live as long as the
// process.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "runtime/task.h"
#include "sql/catalog/catalog.h"
#include "sql/functions/eval_context.h"

namespace quorate::sql {

struct SystemColumn {
  std::string_view name;
  Type type;
};

// What a system table may look at. Outlives the call of rows().
struct SystemTableContext {
  CatalogPtr catalog;
  Oid database = 0;
  EvalContext* eval = nullptr;  // the session behind it
  void* node = nullptr;         // what `quorate`'s own tables need of the server; null: none there
};

class SystemTable {
 public:
  virtual ~SystemTable() = default;
  virtual std::string_view schema() const = 0;  // "pg_catalog", "information_schema", "quorate"
  virtual std::string_view name() const = 0;
  virtual Oid oid() const = 0;
  virtual std::span<const SystemColumn> columns() const = 0;
  // All rows, one Datum a column, each owned.
  virtual runtime::Task<Result<std::vector<std::vector<Datum>>>> rows(
      SystemTableContext context) const = 0;
};

class SystemTables {
 public:
  virtual ~SystemTables() = default;
  virtual const SystemTable* find(std::string_view schema, std::string_view name) const = 0;
  virtual std::span<const SystemTable* const> all() const = 0;
};

// The schemas that hold system tables; every database has them.
inline bool is_system_schema(std::string_view name) {
  return name == "pg_catalog" || name == "information_schema" || name == "quorate";
}

}  // namespace quorate::sql
