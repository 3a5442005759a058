// Name resolution against one version of the catalog, as one statement sees it.
//
// A CatalogSnapshot is immutable; the node keeps the newest one it holds a lease on, and a
// transaction that has changed the catalog sees its own snapshot on top. What a statement used of
// it expires at lease_expiry(): the transaction's commit deadline (safety: schema-steps).
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/timestamp.h"
#include "sql/catalog/descriptor.h"

namespace quorate::sql {

class CatalogSnapshot {
 public:
  virtual ~CatalogSnapshot() = default;
  virtual uint64_t version() const = 0;
  // Raised by each renewal while somebody holds this version.
  virtual const Timestamp& lease_expiry() const = 0;

  virtual const DatabaseDescriptor* database(std::string_view name) const = 0;
  virtual const SchemaDescriptor* schema(Oid database, std::string_view name) const = 0;
  virtual const SchemaDescriptor* schema(Oid oid) const = 0;
  // nullptr: there is none. System tables (pg_catalog, information_schema, quorate) are not here:
  // see sql/system, which the analyzer asks by the same two names.
  virtual TablePtr table(Oid schema, std::string_view name) const = 0;
  virtual TablePtr table(Oid oid) const = 0;
  // The table that has an index of this name in the schema, and which one it is.
  virtual TablePtr table_of_index(Oid schema, std::string_view name, size_t* position) const = 0;
  virtual SequencePtr sequence(Oid schema, std::string_view name) const = 0;
  virtual SequencePtr sequence(Oid oid) const = 0;
  // Everything of a database, by oid: for the system catalogs.
  virtual std::vector<const DatabaseDescriptor*> databases() const = 0;
  virtual std::vector<const SchemaDescriptor*> schemas(Oid database) const = 0;
  virtual std::vector<TablePtr> tables(Oid database) const = 0;
  virtual std::vector<SequencePtr> sequences(Oid database) const = 0;
};
using CatalogPtr = std::shared_ptr<const CatalogSnapshot>;

}  // namespace quorate::sql
