// DROP, TRUNCATE, RENAME.
#include "sql/schema/changes.h"

namespace quorate::sql {
namespace {

const char* kind_name(ObjectKind k) {
  switch (k) {
    case ObjectKind::kTable:
      return "table";
    case ObjectKind::kIndex:
      return "index";
    case ObjectKind::kSequence:
      return "sequence";
    case ObjectKind::kSchema:
      return "schema";
    case ObjectKind::kView:
      return "view";
  }
  return "object";
}

const char* drop_hint(const char* kind) {
  return std::string_view(kind) == "table"      ? "Use DROP TABLE to remove a table."
         : std::string_view(kind) == "sequence" ? "Use DROP SEQUENCE to remove a sequence."
                                                : "Use DROP INDEX to remove an index.";
}

Status dependents(const std::string& object, const std::string& detail) {
  return ddl_error(sqlstate::kDependentObjectsStillExist,
                   "cannot drop " + object + " because other objects depend on it")
      .with_detail(detail)
      .with_hint("Use DROP ... CASCADE to drop the dependent objects too.");
}

Status drop_owned_sequences(CatalogWriter& w, Oid table) {
  std::vector<Oid> owned;
  const SchemaDescriptor* schema = w.data().schema(w.data().table(table)->schema);
  for (const auto& s : w.data().sequences(schema->database))
    if (s->owner_table == table) owned.push_back(s->oid);
  for (Oid oid : owned) {
    RETURN_IF_ERROR(w.txn()->remove(catalog_store::sequence_key(oid), std::nullopt));
    RETURN_IF_ERROR(w.remove(oid));
  }
  return {};
}

// Takes `table` out of the lists of those that it refers to.
Status forget_references(CatalogWriter& w, const TableDescriptor& t) {
  for (const auto& f : t.foreign_keys) {
    TablePtr parent = w.data().table(f.referenced_table);
    if (!parent || parent->oid == t.oid) continue;
    TableDescriptor changed = *parent;
    std::erase(changed.referenced_by, t.oid);
    RETURN_IF_ERROR(w.put(std::move(changed)));
  }
  return {};
}

Status drop_table(CatalogWriter& w, DdlContext& c, TablePtr t, bool cascade,
                  const std::vector<Oid>& also) {
  std::string depending;
  for (Oid child : t->referenced_by) {
    if (child == t->oid) continue;
    TablePtr other = w.data().table(child);
    if (!other) continue;
    bool going = std::find(also.begin(), also.end(), child) != also.end();
    TableDescriptor changed = *other;
    for (const auto& f : other->foreign_keys) {
      if (f.referenced_table != t->oid) continue;
      if (!cascade && !going) {
        depending += (depending.empty() ? "" : "\n");
        depending +=
            "constraint " + f.name + " on table " + other->name + " depends on table " + t->name;
      }
      if (!going) notice(&c, "drop cascades to constraint " + f.name + " on table " + other->name);
    }
    std::erase_if(changed.foreign_keys,
                  [&](const ForeignKeyDescriptor& f) { return f.referenced_table == t->oid; });
    if (cascade || going) RETURN_IF_ERROR(w.put(std::move(changed)));
  }
  if (!depending.empty()) return dependents("table " + t->name, depending);
  t = w.data().table(t->oid);
  RETURN_IF_ERROR(forget_references(w, *t));
  RETURN_IF_ERROR(drop_owned_sequences(w, t->oid));
  RETURN_IF_ERROR(mark_garbage(w, t->storage));
  return w.remove(t->oid);
}

Status drop_index(CatalogWriter& w, TablePtr t, size_t position) {
  const IndexDescriptor& index = t->indexes[position];
  if (index.constraint)
    return ddl_error(sqlstate::kDependentObjectsStillExist,
                     "cannot drop index " + index.name + " because constraint " + index.name +
                         " on table " + t->name + " requires it")
        .with_hint("You can drop constraint " + index.name + " on table " + t->name + " instead.");
  for (Oid child : t->referenced_by)
    if (TablePtr other = w.data().table(child))
      for (const auto& f : other->foreign_keys)
        if (f.referenced_table == t->oid && f.referenced_index == index.id)
          return dependents("index " + index.name, "constraint " + f.name + " on table " +
                                                       other->name + " depends on index " +
                                                       index.name);
  TableDescriptor changed = *t;
  changed.indexes.erase(changed.indexes.begin() + static_cast<ptrdiff_t>(position));
  // Its entries stay with the table's storage, under an index id that is never used again, and go
  // with it.
  return w.put(std::move(changed));
}

Status drop_schema(CatalogWriter& w, DdlContext& c, const ObjectName& name, bool if_exists,
                   bool cascade) {
  const SchemaDescriptor* found = w.data().schema(c.database, name.name);
  if (found == nullptr) {
    if (!if_exists)
      return ddl_error(sqlstate::kInvalidSchemaName, "schema \"" + name.name + "\" does not exist");
    notice(&c, "schema \"" + name.name + "\" does not exist, skipping");
    return {};
  }
  Oid oid = found->oid;
  std::vector<Oid> tables, sequences;
  for (const auto& t : w.data().tables(c.database))
    if (t->schema == oid) tables.push_back(t->oid);
  for (const auto& s : w.data().sequences(c.database))
    if (s->schema == oid && s->owner_table == 0) sequences.push_back(s->oid);
  if (!cascade && (!tables.empty() || !sequences.empty())) {
    std::string detail;
    for (Oid t : tables)
      detail +=
          (detail.empty() ? "" : "\n") + ("table " + name.name + "." + w.data().table(t)->name +
                                          " depends on schema " + name.name);
    for (Oid s : sequences)
      detail += (detail.empty() ? "" : "\n") +
                ("sequence " + name.name + "." + w.data().sequence(s)->name +
                 " depends on schema " + name.name);
    return dependents("schema " + name.name, detail);
  }
  if (tables.size() + sequences.size() == 1)
    notice(&c, "drop cascades to " +
                   (tables.empty()
                        ? "sequence " + name.name + "." + w.data().sequence(sequences[0])->name
                        : "table " + name.name + "." + w.data().table(tables[0])->name));
  else if (tables.size() + sequences.size() > 1)
    notice(&c, "drop cascades to " + std::to_string(tables.size() + sequences.size()) +
                   " other objects");
  for (Oid t : tables) RETURN_IF_ERROR(drop_table(w, c, w.data().table(t), true, tables));
  for (Oid s : sequences) RETURN_IF_ERROR(w.remove(s));
  return w.remove(oid);
}

}  // namespace

Status mark_garbage(CatalogWriter& w, TableId storage) {
  return w.txn()->put(catalog_store::garbage_key(storage), "", range::kAllColumns, std::nullopt);
}

Status drop_objects(CatalogWriter& w, DdlContext& c, const DropObjects& s) {
  std::vector<Oid> all;
  if (s.kind == ObjectKind::kTable)
    for (const auto& name : s.names)
      if (TablePtr t = lookup_table(w.data(), c, name)) all.push_back(t->oid);
  for (const auto& name : s.names) {
    if (s.kind == ObjectKind::kSchema) {
      RETURN_IF_ERROR(drop_schema(w, c, name, s.if_exists, s.cascade));
      continue;
    }
    if (!name.schema.empty() && w.data().schema(c.database, name.schema) == nullptr &&
        !is_system_schema(name.schema)) {
      std::string message = "schema \"" + name.schema + "\" does not exist";
      if (!s.if_exists) return ddl_error(sqlstate::kInvalidSchemaName, message);
      notice(&c, message + ", skipping");
      continue;
    }
    size_t position = 0;
    TablePtr table = lookup_table(w.data(), c, name);
    SequencePtr sequence = lookup_sequence(w.data(), c, name);
    TablePtr of_index = lookup_index(w.data(), c, name, &position);
    const char* found = table ? "table" : sequence ? "sequence" : of_index ? "index" : nullptr;
    if (found == nullptr) {
      std::string message =
          std::string(kind_name(s.kind)) + " \"" + display_name(name) + "\" does not exist";
      bool index = s.kind == ObjectKind::kIndex;
      if (!s.if_exists)
        return ddl_error(index ? sqlstate::kUndefinedObject : sqlstate::kUndefinedTable, message);
      notice(&c, message + ", skipping");
      continue;
    }
    std::string_view wanted = kind_name(s.kind);
    if (wanted != found)
      return ddl_error(sqlstate::kWrongObjectType, "\"" + name.name + "\" is not " +
                                                       (wanted == "index" ? "an " : "a ") +
                                                       std::string(wanted))
          .with_hint(drop_hint(found));
    if (table) {
      RETURN_IF_ERROR(drop_table(w, c, table, s.cascade, all));
    } else if (of_index) {
      RETURN_IF_ERROR(drop_index(w, of_index, position));
    } else {
      if (sequence->owner_table != 0 && !s.cascade)
        if (TablePtr owner = w.data().table(sequence->owner_table)) {
          const ColumnDescriptor* column = owner->column(sequence->owner_column);
          std::string where = column != nullptr ? column->name : "";
          return dependents("sequence " + sequence->name,
                            "default value for column " + where + " of table " + owner->name +
                                " depends on sequence " + sequence->name);
        }
      RETURN_IF_ERROR(w.txn()->remove(catalog_store::sequence_key(sequence->oid), std::nullopt));
      RETURN_IF_ERROR(w.remove(sequence->oid));
    }
  }
  return {};
}

Status drop_database(CatalogWriter& w, DdlContext& c, const DropDatabase& s) {
  const DatabaseDescriptor* d = w.data().database(s.name);
  if (d == nullptr) {
    std::string message = "database \"" + s.name + "\" does not exist";
    if (!s.if_exists) return ddl_error(sqlstate::kInvalidCatalogName, message);
    notice(&c, message + ", skipping");
    return {};
  }
  if (d->oid == c.database)
    return ddl_error(sqlstate::kObjectInUse, "cannot drop the currently open database");
  if (d->oid == kTemplate1Database)
    return ddl_error(sqlstate::kWrongObjectType, "cannot drop a template database");
  Oid oid = d->oid;
  for (const auto& t : w.data().tables(oid)) {
    RETURN_IF_ERROR(mark_garbage(w, t->storage));
    RETURN_IF_ERROR(w.remove(t->oid));
  }
  for (const auto& q : w.data().sequences(oid)) RETURN_IF_ERROR(w.remove(q->oid));
  std::vector<Oid> schemas;
  for (const auto* n : w.data().schemas(oid)) schemas.push_back(n->oid);
  for (Oid n : schemas) RETURN_IF_ERROR(w.remove(n));
  return w.remove(oid);
}

Status truncate_tables(CatalogWriter& w, DdlContext& c, const Truncate& s) {
  std::vector<Oid> list;
  for (const auto& name : s.names) {
    ASSIGN_OR_RETURN(TablePtr t, require_table(w.data(), c, name));
    if (std::find(list.begin(), list.end(), t->oid) == list.end()) list.push_back(t->oid);
  }
  for (size_t i = 0; i < list.size(); ++i) {
    TablePtr t = w.data().table(list[i]);
    for (Oid child : t->referenced_by) {
      if (std::find(list.begin(), list.end(), child) != list.end()) continue;
      TablePtr other = w.data().table(child);
      if (!other) continue;
      if (!s.cascade)
        return ddl_error(sqlstate::kFeatureNotSupported,
                         "cannot truncate a table referenced in a foreign key constraint")
            .with_detail("Table \"" + other->name + "\" references \"" + t->name + "\".")
            .with_hint("Truncate table \"" + other->name +
                       "\" at the same time, or use TRUNCATE ... CASCADE.");
      notice(&c, "truncate cascades to table \"" + other->name + "\"");
      list.push_back(child);
    }
  }
  for (Oid oid : list) {
    TableDescriptor t = *w.data().table(oid);
    RETURN_IF_ERROR(mark_garbage(w, t.storage));
    ASSIGN_OR_RETURN(Oid storage, w.allocate_oid());
    t.storage = TableId(storage);
    RETURN_IF_ERROR(w.put(std::move(t)));
    if (!s.restart_identity) continue;
    for (const auto& q : w.data().sequences(c.database)) {
      if (q->owner_table != oid) continue;
      SequenceState state;
      state.last_value = q->start;
      RETURN_IF_ERROR(w.txn()->put(catalog_store::sequence_key(q->oid), encode(state),
                                   range::kAllColumns, std::nullopt));
    }
  }
  return {};
}

namespace {

Status rename_part(CatalogWriter& w, DdlContext& c, const Rename& s) {
  TablePtr found = lookup_table(w.data(), c, s.name);
  if (!found) {
    std::string message = "relation \"" + display_name(s.name) + "\" does not exist";
    if (!s.if_exists) return ddl_error(sqlstate::kUndefinedTable, message, s.name.position);
    notice(&c, message + ", skipping");
    return {};
  }
  TableDescriptor t = *found;
  if (s.kind == Rename::Kind::kColumn) {
    if (t.column(std::string_view(s.new_name)) != nullptr)
      return ddl_error(sqlstate::kDuplicateColumn, "column \"" + s.new_name + "\" of relation \"" +
                                                       t.name + "\" already exists");
    // Their texts name columns; they would have to be written anew.
    for (const auto& check : t.checks)
      if (check.expression_sql.find(s.old_part) != std::string::npos)
        return unimplemented("renaming a column that a check constraint may use");
    for (auto& column : t.columns)
      if (!column.dropped && column.name == s.old_part) {
        column.name = s.new_name;
        return w.put(std::move(t));
      }
    return ddl_error(sqlstate::kUndefinedColumn, "column \"" + s.old_part + "\" does not exist");
  }
  if (constraint_exists(t, s.new_name))
    return ddl_error(
        sqlstate::kDuplicateObject,
        "constraint \"" + s.new_name + "\" for relation \"" + t.name + "\" already exists");
  for (auto& i : t.indexes)
    if (i.constraint && i.name == s.old_part) {
      i.name = s.new_name;
      return w.put(std::move(t));
    }
  for (auto& check : t.checks)
    if (check.name == s.old_part) {
      check.name = s.new_name;
      return w.put(std::move(t));
    }
  for (auto& f : t.foreign_keys)
    if (f.name == s.old_part) {
      f.name = s.new_name;
      return w.put(std::move(t));
    }
  return ddl_error(sqlstate::kUndefinedObject,
                   "constraint \"" + s.old_part + "\" for table \"" + t.name + "\" does not exist");
}

}  // namespace

Status rename_object(CatalogWriter& w, DdlContext& c, const Rename& s) {
  using Kind = Rename::Kind;
  if (s.kind == Kind::kColumn || s.kind == Kind::kConstraint) return rename_part(w, c, s);
  if (s.kind == Kind::kSchema) {
    const SchemaDescriptor* d = w.data().schema(c.database, s.name.name);
    if (d == nullptr)
      return ddl_error(sqlstate::kInvalidSchemaName,
                       "schema \"" + s.name.name + "\" does not exist");
    if (w.data().schema(c.database, s.new_name) != nullptr)
      return ddl_error(sqlstate::kDuplicateSchema, "schema \"" + s.new_name + "\" already exists");
    SchemaDescriptor changed = *d;
    changed.name = s.new_name;
    return w.put(std::move(changed));
  }
  if (s.kind == Kind::kDatabase) {
    const DatabaseDescriptor* d = w.data().database(s.name.name);
    if (d == nullptr)
      return ddl_error(sqlstate::kInvalidCatalogName,
                       "database \"" + s.name.name + "\" does not exist");
    if (d->oid == c.database)
      return ddl_error(sqlstate::kFeatureNotSupported, "current database cannot be renamed");
    if (w.data().database(s.new_name) != nullptr)
      return ddl_error(sqlstate::kDuplicateDatabase,
                       "database \"" + s.new_name + "\" already exists");
    DatabaseDescriptor changed = *d;
    changed.name = s.new_name;
    return w.put(std::move(changed));
  }
  size_t position = 0;
  TablePtr table = lookup_table(w.data(), c, s.name);
  SequencePtr sequence = lookup_sequence(w.data(), c, s.name);
  TablePtr of_index = table || sequence ? nullptr : lookup_index(w.data(), c, s.name, &position);
  if (!table && !sequence && !of_index) {
    std::string message = "relation \"" + display_name(s.name) + "\" does not exist";
    if (!s.if_exists) return ddl_error(sqlstate::kUndefinedTable, message, s.name.position);
    notice(&c, message + ", skipping");
    return {};
  }
  Oid schema = table ? table->schema : sequence ? sequence->schema : of_index->schema;
  if (w.data().relation_exists(schema, s.new_name))
    return ddl_error(sqlstate::kDuplicateTable, "relation \"" + s.new_name + "\" already exists");
  if (sequence) {
    SequenceDescriptor d = *sequence;
    d.name = s.new_name;
    return w.put(std::move(d));
  }
  TableDescriptor d = table ? *table : *of_index;
  (table ? d.name : d.indexes[position].name) = s.new_name;
  return w.put(std::move(d));
}

}  // namespace quorate::sql
