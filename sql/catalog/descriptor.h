// What the catalog knows of databases, schemas, tables, indexes, constraints and sequences.
// Descriptors are values: immutable once published, replaced as a whole by a schema change, shared
// by every plan. Stored encoded (base/archive.h, format first) in the catalog's own table; frozen:
// on disk.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/archive.h"
#include "base/ids.h"
#include "base/timestamp.h"
#include "sql/types/type.h"

namespace quorate::sql {

// Object ids are OIDs as clients see them: a table's id is pg_class.oid. First user object: 16384.
using ColumnId = uint32_t;  // 1-based, never reused within a table; attnum

enum class Identity : char { kNone = ' ', kAlways = 'a', kByDefault = 'd' };

struct ColumnDescriptor {
  ColumnId id = 0;
  std::string name;
  Type type;
  bool not_null = false;
  bool dropped = false;
  std::string default_sql;  // the default expression's text, as pg_get_expr gives it; empty: none
  std::string missing_sql;  // the constant that rows written before ADD COLUMN have; empty: null
  Identity identity = Identity::kNone;
  Oid owned_sequence = 0;  // of serial and identity columns
  template <class A>
  void serialize(A& a) {
    a(id, name, type, not_null, dropped, default_sql, missing_sql, identity, owned_sequence);
  }
};

// The steps of an online schema change (safety: schema-steps). Readers use kPublic only; writers
// keep what is at least kDeleteOnly (removals) or kWriteOnly (removals and insertions).
enum class SchemaState : uint8_t { kPublic = 0, kDeleteOnly = 1, kWriteOnly = 2, kDropping = 3 };

struct IndexColumn {
  ColumnId column = 0;
  bool descending = false;
  bool nulls_first = false;
  template <class A>
  void serialize(A& a) {
    a(column, descending, nulls_first);
  }
};

struct IndexDescriptor {
  IndexId id;   // 1: the primary index, whose value is the whole row
  Oid oid = 0;  // pg_class.oid of the index; a table without primary key has index 1 on the hidden
                // rowid, oid 0
  std::string name;
  bool unique = false;
  bool primary = false;     // of a PRIMARY KEY
  bool constraint = false;  // of a UNIQUE constraint or PRIMARY KEY
  SchemaState state = SchemaState::kPublic;
  std::vector<IndexColumn> columns;
  template <class A>
  void serialize(A& a) {
    a(id, oid, name, unique, primary, constraint, state, columns);
  }
};

struct CheckDescriptor {
  Oid oid = 0;
  std::string name;
  std::string expression_sql;
  bool validated = true;
  template <class A>
  void serialize(A& a) {
    a(oid, name, expression_sql, validated);
  }
};

enum class ForeignKeyAction : char {
  kNoAction = 'a',
  kRestrict = 'r',
  kCascade = 'c',
  kSetNull = 'n',
  kSetDefault = 'd'
};

// Stands at the referencing table; the referenced table lists who refers to it.
struct ForeignKeyDescriptor {
  Oid oid = 0;
  std::string name;
  std::vector<ColumnId> columns;
  Oid referenced_table = 0;
  std::vector<ColumnId> referenced_columns;
  IndexId referenced_index;  // the unique index that answers the check
  ForeignKeyAction on_delete = ForeignKeyAction::kNoAction, on_update = ForeignKeyAction::kNoAction;
  bool validated = true;
  template <class A>
  void serialize(A& a) {
    a(oid, name, columns, referenced_table, referenced_columns, referenced_index, on_delete,
      on_update, validated);
  }
};

struct TableDescriptor {
  static constexpr uint8_t kFormat = 2;  // 1: without offline_by
  uint8_t format = kFormat;
  Oid oid = 0;      // and TableId of its keys, unless TRUNCATE gave it a new one:
  TableId storage;  // the id in keys; never reused
  Oid schema = 0;
  std::string name;
  uint64_t version = 1;
  std::vector<ColumnDescriptor> columns;  // in order of id; dropped ones stay
  std::vector<IndexDescriptor> indexes;   // [0] is the primary index
  std::vector<CheckDescriptor> checks;
  std::vector<ForeignKeyDescriptor> foreign_keys;  // of this table
  std::vector<Oid> referenced_by;                  // tables with a foreign key to this one, sorted
  ColumnId next_column = 1;
  IndexId next_index{1};
  // A table without PRIMARY KEY has a hidden int8 column "rowid" (id kRowidColumn, not in
  // `columns`) as its primary index: node-unique, ordered by time.
  bool hidden_rowid = false;
  // A schema change holds the table for itself: until this time nobody else's statement may use it.
  // The change commits before it, or not at all, so that nothing is held for ever; where the node
  // that does it is gone, others give the table back before (sql/schema: free_abandoned).
  Timestamp offline_until;
  NodeId offline_by;
  template <class A>
  void serialize(A& a) {
    a(format, oid, storage, schema, name, version, columns, indexes, checks, foreign_keys,
      referenced_by, next_column, next_index, hidden_rowid, offline_until);
    if (format >= 2) a(offline_by);
  }
  const ColumnDescriptor* column(ColumnId id) const {
    for (const auto& c : columns)
      if (c.id == id) return &c;
    return nullptr;
  }
  const ColumnDescriptor* column(std::string_view name) const {
    for (const auto& c : columns)
      if (!c.dropped && c.name == name) return &c;
    return nullptr;
  }
};
inline constexpr ColumnId kRowidColumn = 0x7fff'ffff;
using TablePtr = std::shared_ptr<const TableDescriptor>;

struct SequenceDescriptor {
  uint8_t format = 1;
  Oid oid = 0;
  Oid schema = 0;
  std::string name;
  Oid type = oid::kInt8;
  int64_t start = 1, increment = 1, min = 1, max = INT64_MAX, cache = 1;
  bool cycle = false;
  Oid owner_table = 0;
  ColumnId owner_column = 0;
  template <class A>
  void serialize(A& a) {
    a(format, oid, schema, name, type, start, increment, min, max, cache, cycle, owner_table,
      owner_column);
  }
};
using SequencePtr = std::shared_ptr<const SequenceDescriptor>;

struct SchemaDescriptor {
  uint8_t format = 1;
  Oid oid = 0, database = 0;
  std::string name;
  template <class A>
  void serialize(A& a) {
    a(format, oid, database, name);
  }
};

struct DatabaseDescriptor {
  uint8_t format = 1;
  Oid oid = 0;
  std::string name;
  template <class A>
  void serialize(A& a) {
    a(format, oid, name);
  }
};

}  // namespace quorate::sql
