// Keys as people read them: /accounts/accounts_pkey/7 for a row, /system/node\3 for the system's
// own.
#pragma once

#include <map>

#include "base/span.h"
#include "sql/catalog/catalog.h"

namespace quorate::sql::system {

class KeyText {
 public:
  // Names are those of `catalog`, which must outlive it; tables of other databases than `database`
  // are qualified with theirs.
  KeyText(const CatalogSnapshot& catalog, Oid database);

  // Table, index, and as many column values as the key holds whole; what has no name or can't be
  // decoded is shown as a number or in hex.
  std::string key(BytesView key) const;
  // The table that the key belongs to; empty: none that has a name.
  std::string table_of(BytesView key) const;
  // The tables that have keys in `span`, in the order of their keys: at most kTablesShown by name.
  std::string tables_in(const KeySpan& span) const;

  static constexpr size_t kTablesShown = 4;

 private:
  struct Named {
    std::string name;
    TablePtr table;
  };
  const Named* find(BytesView key) const;
  std::map<TableId, Named> tables_;
};

}  // namespace quorate::sql::system
