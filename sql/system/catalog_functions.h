// The functions that read the catalog, and the names of the reg* types.
//
// A session makes one CatalogReader a statement, from the version of the catalog that the statement
// uses; SessionFunctions::catalog_function() and IoContext::catalog lead here. Nothing waits.
#pragma once

#include "sql/functions/eval_context.h"
#include "sql/system/catalog_view.h"

namespace quorate::sql {

// What the functions know besides the catalog. Callbacks may be empty: then PostgreSQL's null.
struct CatalogFacts {
  std::string user = "postgres";
  // An estimate of the bytes that a table's index takes; pg_relation_size() and its family.
  std::function<std::optional<int64_t>(const TableDescriptor&, const IndexDescriptor&)> index_bytes;
};

class CatalogReader final : public CatalogNames {
 public:
  // `path`: the search path's schemas in order; pg_catalog is put first where it isn't named.
  CatalogReader(CatalogPtr catalog, Oid database, std::vector<std::string> path,
                CatalogFacts facts = {});

  // SessionFunctions::catalog_function(): pg_proc's OID and the arguments, none of them null where
  // the function is strict. 0A000 for those that are not there.
  Result<Datum> call(Oid function, std::string_view name, std::span<const Datum> args) const;

  Result<Oid> resolve(Oid type, std::string_view name) const override;
  std::string name_of(Oid type, Oid object) const override;

  const system::CatalogView& view() const { return view_; }
  const CatalogFacts& facts() const { return facts_; }

 private:
  CatalogPtr catalog_;
  system::CatalogView view_;
  CatalogFacts facts_;
};

namespace system {

// The columns that a table's expression names, in order of their numbers.
std::vector<ColumnId> check_columns(const TableDescriptor& table, std::string_view sql);

}  // namespace system
}  // namespace quorate::sql
