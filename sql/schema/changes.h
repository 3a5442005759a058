// Inside sql/schema: single steps on a CatalogWriter. They wait for nothing but what begin() did.
#pragma once

#include "sql/schema/backfill.h"
#include "sql/schema/names.h"

namespace quorate::sql {

// What a step leaves to be done with rows before its descriptors may be published.
struct Change {
  std::vector<TableDescriptor> tables;  // to be put when the jobs are done
  std::vector<std::shared_ptr<const BackfillJob>> jobs;
  std::vector<TableId> garbage;
};

// Nothing in these needs rows.
Status create_table(CatalogWriter& w, DdlContext& c, const CreateTable& s);
Status create_sequence(CatalogWriter& w, DdlContext& c, const CreateSequence& s);
Status alter_sequence(CatalogWriter& w, DdlContext& c, const AlterSequence& s);
Status create_schema(CatalogWriter& w, DdlContext& c, const CreateSchema& s);
Status create_database(CatalogWriter& w, DdlContext& c, const CreateDatabase& s);
Status drop_database(CatalogWriter& w, DdlContext& c, const DropDatabase& s);
Status drop_objects(CatalogWriter& w, DdlContext& c, const DropObjects& s);
Status rename_object(CatalogWriter& w, DdlContext& c, const Rename& s);
Status truncate_tables(CatalogWriter& w, DdlContext& c, const Truncate& s);

// Adds the columns' sequence, default and the like.
Status add_index(CatalogWriter& w, TableDescriptor* t, const KeyDefinition& key);
// A non-constraint index; null name chosen. *position is where it stands.
Status add_plain_index(CatalogWriter& w, DdlContext& c, TableDescriptor* t, const CreateIndex& s,
                       SchemaState state, size_t* position);
Status add_check(CatalogWriter& w, TableDescriptor* t, const CheckDefinition& check);
// Also changes the referenced table, which is put at once where it is another one.
Status add_foreign_key(CatalogWriter& w, DdlContext& c, TableDescriptor* t,
                       const ForeignKeyDefinition& key);
Status add_column(CatalogWriter& w, DdlContext& c, TableDescriptor* t, const ColumnDefinition& d);
// All actions of one ALTER TABLE on a table that nobody else uses.
Result<Change> alter_table(CatalogWriter& w, DdlContext& c, const AlterTable& s);

Status mark_garbage(CatalogWriter& w, TableId storage);
// Tables that a statement changes and that others may be using.
std::vector<Oid> tables_of(const CatalogData& data, const DdlContext& c, const Ddl& ddl);

}  // namespace quorate::sql
