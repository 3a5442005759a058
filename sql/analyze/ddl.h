// DDL statements as sql/schema carries them out. Types are resolved and expressions bound and
// deparsed; names of objects are as the user wrote them, since they are looked up again inside the
// schema change's own transaction.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "sql/analyze/expr.h"
#include "sql/catalog/descriptor.h"

namespace quorate::sql {

struct ObjectName {
  std::string database;  // empty: the current one
  std::string schema;    // empty: by the search path
  std::string name;
  int32_t position = 0;  // for errors
};

struct SequenceOptions {
  std::optional<Oid> type;
  std::optional<int64_t> start, increment, min, max, cache, restart;
  std::optional<bool> cycle;
  bool no_min = false, no_max = false, restart_at_start = false;
  std::optional<ObjectName> owned_by_table;  // OWNED BY t.c
  std::string owned_by_column;
  bool owned_by_none = false;
};

struct ColumnDefinition {
  std::string name;
  Type type;
  bool not_null = false;
  bool serial =
      false;  // smallserial, serial, bigserial: a sequence of its own, owned by the column
  Identity identity = Identity::kNone;
  SequenceOptions sequence;  // of an identity column
  std::string default_sql;   // bound to the column's type and deparsed; empty: none
  int32_t position = 0;
};

struct KeyDefinition {
  bool primary = false;  // else UNIQUE
  std::string name;      // empty: to be chosen
  std::vector<std::string> columns;
  std::string using_index;  // ADD CONSTRAINT ... USING INDEX
  int32_t position = 0;
};

struct CheckDefinition {
  std::string name;
  std::string expression_sql;
  std::vector<std::string> columns;  // that it uses: the chosen name is made of the only one
  bool not_valid = false;
};

struct ForeignKeyDefinition {
  std::string name;
  std::vector<std::string> columns;
  ObjectName referenced;
  std::vector<std::string> referenced_columns;  // empty: its primary key
  ForeignKeyAction on_delete = ForeignKeyAction::kNoAction, on_update = ForeignKeyAction::kNoAction;
  bool not_valid = false;
  int32_t position = 0;
};

struct CreateTable {
  ObjectName name;
  bool if_not_exists = false;
  std::vector<ColumnDefinition> columns;
  std::vector<KeyDefinition> keys;
  std::vector<CheckDefinition> checks;
  std::vector<ForeignKeyDefinition> foreign_keys;
};

struct CreateIndex {
  std::string name;  // empty: to be chosen
  ObjectName table;
  bool unique = false, concurrently = false, if_not_exists = false;
  struct Column {
    std::string name;
    bool descending = false, nulls_first = false;
  };
  std::vector<Column> columns;
};

enum class ObjectKind : uint8_t { kTable, kIndex, kSequence, kSchema, kView };
struct DropObjects {
  ObjectKind kind = ObjectKind::kTable;
  std::vector<ObjectName> names;
  bool if_exists = false, cascade = false, concurrently = false;
};

struct Truncate {
  std::vector<ObjectName> names;
  bool restart_identity = false, cascade = false;
};

struct CreateSchema {
  std::string name;
  bool if_not_exists = false;
};
struct CreateDatabase {
  std::string name;
};
struct DropDatabase {
  std::string name;
  bool if_exists = false;
};
struct CreateSequence {
  ObjectName name;
  bool if_not_exists = false;
  SequenceOptions options;
};
struct AlterSequence {
  ObjectName name;
  bool if_exists = false;
  SequenceOptions options;
};

// --- ALTER TABLE ---
struct AddColumn {
  ColumnDefinition column;
  bool if_not_exists = false;
  std::vector<KeyDefinition> keys;  // that stand at the column
  std::vector<CheckDefinition> checks;
  std::vector<ForeignKeyDefinition> foreign_keys;
};
struct DropColumn {
  std::string name;
  bool if_exists = false, cascade = false;
};
struct SetDefault {
  std::string column;
  std::string default_sql;  // empty: DROP DEFAULT
};
struct SetNotNull {
  std::string column;
  bool not_null = false;
};
struct AddConstraint {
  std::variant<KeyDefinition, CheckDefinition, ForeignKeyDefinition> constraint;
};
struct DropConstraint {
  std::string name;
  bool if_exists = false, cascade = false;
};
struct ValidateConstraint {
  std::string name;
};
// SET (fillfactor = ...), OWNER TO, CLUSTER ON and the like: checked, nothing to do.
struct AlterNothing {};
using AlterAction = std::variant<AddColumn, DropColumn, SetDefault, SetNotNull, AddConstraint,
                                 DropConstraint, ValidateConstraint, AlterNothing>;
struct AlterTable {
  ObjectName name;
  bool if_exists = false;
  std::vector<AlterAction> actions;
};

struct Rename {
  enum class Kind : uint8_t {
    kTable,
    kColumn,
    kConstraint,
    kIndex,
    kSequence,
    kSchema,
    kDatabase
  } kind = Kind::kTable;
  ObjectName name;       // the object, or the table of a column or constraint
  std::string old_part;  // kColumn, kConstraint
  std::string new_name;
  bool if_exists = false;
};

// ALTER TABLE t SPLIT AT VALUES (...), ...: each row gives the first columns of the primary key, as
// constants of the columns' types; ALTER INDEX i SPLIT AT VALUES ...: those of the index.
struct SplitAt {
  TablePtr table;
  size_t index = 0;
  std::vector<std::vector<Datum>> rows;
};

using Ddl =
    std::variant<CreateTable, CreateIndex, DropObjects, Truncate, CreateSchema, CreateDatabase,
                 DropDatabase, CreateSequence, AlterSequence, AlterTable, Rename, SplitAt>;

}  // namespace quorate::sql
