// Relations of one database, own and system ones alike, by OID and by name, and the definitions
// that PostgreSQL prints for them.
#pragma once

#include "sql/catalog/catalog.h"
#include "sql/system/system_tables.h"

namespace quorate::sql::system {

struct Relation {
  Oid oid = 0, schema = 0;
  std::string_view name;
  char kind = 'r';  // pg_class.relkind: r table, i index, S sequence, v view
  // What stands behind it: of an index, its table too.
  TablePtr table;
  const IndexDescriptor* index = nullptr;
  SequencePtr sequence;
  const ShapedTable* system = nullptr;
};

struct SchemaName {
  Oid oid = 0;
  std::string_view name;
};

class CatalogView {
 public:
  // `path`: the search path with pg_catalog in its place. The view lives no longer than `catalog`.
  CatalogView(const CatalogSnapshot& catalog, Oid database, std::vector<std::string> path = {})
      : catalog_(catalog), database_(database), path_(std::move(path)) {}

  const CatalogSnapshot& catalog() const { return catalog_; }
  Oid database() const { return database_; }

  std::vector<SchemaName> schemas() const;
  std::optional<SchemaName> schema(std::string_view name) const;
  std::string_view schema_name(Oid oid) const;  // empty: none

  // Own relations (tables with their indexes, then sequences), then system ones.
  std::vector<Relation> relations() const;
  std::vector<Relation> own_relations() const;
  std::optional<Relation> relation(Oid oid) const;
  std::optional<Relation> relation(Oid schema, std::string_view name) const;
  // By the search path.
  std::optional<Relation> relation(std::string_view name) const;
  bool visible(const Relation& r) const;
  // As regclass shows it: quoted, and qualified where it isn't visible.
  std::string display_name(const Relation& r) const;
  std::string qualified_name(const Relation& r) const;
  // A descriptor's expression with the relations that it holds by OID ('16385'::regclass) by name.
  std::string shown_expression(std::string_view sql) const;

 private:
  const CatalogSnapshot& catalog_;
  Oid database_;
  std::vector<std::string> path_;
};

enum class Style : uint8_t { kPlain, kPretty };

// What CREATE INDEX would make it; `relation` is the table's name as it is to appear.
std::string index_definition(const TableDescriptor& table, const IndexDescriptor& index,
                             std::string_view relation);
// One column of it with its options, 1-based.
std::string index_column_definition(const TableDescriptor& table, const IndexDescriptor& index,
                                    size_t column);
std::string key_definition(const TableDescriptor& table, const IndexDescriptor& index);
std::string check_definition(const CheckDescriptor& check, Style style);
std::string foreign_key_definition(const CatalogView& view, const TableDescriptor& table,
                                   const ForeignKeyDescriptor& key);
// An expression as kept in a descriptor (every operator in parentheses), without those that
// precedence makes needless.
std::string pretty_expression(std::string_view sql);

}  // namespace quorate::sql::system
