// A physical plan: what the executor runs. Plain immutable data, made once, shared by all
// executions with their own parameters; it keeps alive what it was made from (tables, codecs).
//
// Each node yields rows of `width` Datums. A scan yields the columns that the query uses of its
// table, in the order of `columns`; joins yield the left row followed by the right one. Expressions
// are compiled against the row of the node's input (frame level 0); a node that runs once for each
// row of another (the inner side of a parameterised nested loop, a correlated sub-query) sees that
// row one level out.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sql/analyze/query.h"
#include "sql/catalog/row_codec.h"
#include "sql/catalog/system_table.h"
#include "sql/exec/expr_eval.h"
#include "sql/types/compare.h"

namespace quorate::sql {

enum class NodeKind : uint8_t {
  kResult,     // one row of `exprs`, or nothing where `filter` does not hold
  kValues,     // rows of expressions
  kTableScan,  // a range of an index, or all of it
  kPointGet,   // whole keys of a unique index
  kSystemScan,
  kFunctionScan,
  kFilter,
  kProject,
  kProjectSet,  // with set-returning functions among exprs
  kSort,
  kLimit,
  kDistinct,    // by hash; input order is kept
  kAggregate,   // by hash; without groups: exactly one row
  kNestedLoop,  // inner side once for each outer row, which it sees one level out
  kHashJoin,    // the right side is the table
  kLookupJoin,  // the right side's rows by whole keys computed from many left rows at a time
  kSetOperation,
  kApply,  // appends the values of correlated sub-queries to each row
  kLockRows,
  kInsert,
  kUpdate,
  kDelete,
};

struct PlanNode;
using PlanPtr = std::unique_ptr<PlanNode>;

// One bound of an index column.
struct KeyBound {
  CompiledExpr value;  // of the column's type; null means that nothing matches
  bool inclusive = true;
};

// The part of an index that is read: equal values for a prefix of its columns, then a range of the
// next.
struct IndexRange {
  size_t index = 0;                 // position in table->indexes
  std::vector<CompiledExpr> equal;  // null never matches
  std::optional<KeyBound> lower, upper;
  bool next_not_null = false;  // the column after `equal` is not null (col > x implies it)
};

struct SortKey {
  uint32_t slot = 0;
  Type type;
  bool descending = false, nulls_first = false;
};

struct AggregateStep {
  const AggregateInfo* info = nullptr;
  std::vector<CompiledExpr> args;
  std::vector<Type> arg_types;
  Type result;
  CompiledExpr filter;
  bool distinct = false;
  std::vector<CompiledExpr> order_by;
  std::vector<SortKey> order_keys;  // slots into order_by
};

enum class SubqueryKind : uint8_t { kScalar, kExists, kIn, kArray };

// A sub-query as a plan of its own.
struct SubPlan {
  SubqueryKind kind = SubqueryKind::kScalar;
  PlanPtr plan;
  Type type;                // of the value
  bool negated = false;     // kIn
  bool correlated = false;  // refers to rows further out; otherwise it runs once an execution
  std::vector<CompiledExpr> left;  // kIn: evaluated against the outer row
  std::vector<const FunctionInfo*> equal;
  std::vector<CompareFn> compare;
};

// A constraint to be checked on rows that are written.
struct CheckStep {
  std::string name;
  CompiledExpr condition;
};

// A foreign key of the table that is written: the parent must exist.
struct ParentStep {
  std::string name;
  TablePtr parent;
  std::shared_ptr<const RowCodec> codec;
  size_t index = 0;               // position of the referenced index in parent->indexes
  std::vector<uint32_t> columns;  // of the child, in the order of the index's columns
  std::vector<uint32_t> parent_columns;
};

struct TableWrite;

// A foreign key of another table that points to this one: no child may be left behind.
struct ChildStep {
  std::string name;
  std::string schema;  // the child's, for errors
  TablePtr child;
  std::shared_ptr<const RowCodec> codec;
  std::optional<size_t>
      index;  // of the child, whose columns begin with the key's; nullopt: all rows are read
  std::vector<uint32_t> columns;         // of the child, in the index's order
  std::vector<uint32_t> parent_columns;  // of this table, in the same order
  ForeignKeyAction on_delete = ForeignKeyAction::kNoAction, on_update = ForeignKeyAction::kNoAction;
  // For CASCADE, SET NULL, SET DEFAULT: how the child is written; stands in the statement's
  // TableWrite or is that itself.
  const TableWrite* write = nullptr;
  std::vector<CompiledExpr> defaults;  // SET DEFAULT: of `columns`; invalid: null
};

// Everything that writing rows of one table needs.
struct TableWrite {
  TablePtr table;
  std::string schema;  // its name, for errors
  std::shared_ptr<const RowCodec> codec;
  std::vector<CheckStep> checks;
  std::vector<ParentStep> parents;
  std::vector<ChildStep> children;
  // Tables that foreign keys' actions may write.
  std::vector<std::unique_ptr<TableWrite>> others;
  // What the statement has done to a row may be asked for again before it ends: by an action, or
  // by a foreign key of the table to itself.
  bool remembers_rows = false;
};

struct PlanNode {
  NodeKind kind = NodeKind::kResult;
  uint32_t width = 0;
  std::vector<Type> types;  // of the row
  std::vector<PlanPtr> children;
  double rows = 1;                 // estimate
  std::string label;               // alias of the relation, for EXPLAIN
  std::vector<std::string> notes;  // further lines of EXPLAIN: "Filter: (a > 1)"

  std::vector<CompiledExpr> exprs;  // kResult, kProject
  CompiledExpr filter;              // applied to what the node itself makes

  // kValues, kFunctionScan, kProjectSet
  std::vector<std::vector<CompiledExpr>> value_rows;
  struct SetCall {
    const FunctionInfo* function = nullptr;
    std::vector<CompiledExpr> args;
    std::vector<Type> arg_types;
    Type result;
    uint32_t slot = 0;  // kProjectSet: where its value goes in the input row, extended
  };
  std::vector<SetCall> calls;
  bool with_ordinality = false;

  // kTableScan, kPointGet, kLookupJoin
  TablePtr table;
  std::shared_ptr<const RowCodec> codec;
  std::vector<uint32_t> columns;  // positions in the row of the codec, one an output slot
  IndexRange range;               // kTableScan
  bool covered = false;           // the index alone gives the columns
  bool reverse = false;
  // kTableScan, kLockRows: how many rows will be asked for, where a LIMIT tells.
  CompiledExpr rows_hint;
  std::vector<std::vector<CompiledExpr>>
      keys;                // kPointGet: one list of key values a row; kLookupJoin: one list
  CompiledExpr key_array;  // kPointGet: keys[0] lacks its last value; each element gives one
  range::ColumnSet used = range::kAllColumns;
  range::LockMode lock = range::LockMode::kNone;
  range::WaitPolicy wait = range::WaitPolicy::kBlock;
  bool with_version =
      false;  // two further slots: the row's version (int) and whether it was found (bool)

  const SystemTable* system_table = nullptr;

  // kSort, kDistinct, kLimit
  std::vector<SortKey> sort;
  std::vector<uint32_t> distinct_slots;
  std::vector<Type> distinct_types;
  CompiledExpr limit, offset;
  std::optional<uint64_t>
      bound;  // kSort: only the first so many rows are wanted (limit without parameter)

  // kAggregate: groups first, then aggregates
  std::vector<CompiledExpr> groups;
  std::vector<Type> group_types;
  std::vector<AggregateStep> aggregates;

  // joins
  JoinKind join = JoinKind::kInner;
  CompiledExpr condition;                           // over left row + right row
  std::vector<CompiledExpr> left_keys, right_keys;  // kHashJoin
  std::vector<Type> key_types;

  SetOperation set_operation = SetOperation::kNone;
  bool set_all = false;

  std::vector<SubPlan> subplans;  // kApply: one appended slot each

  // kLockRows: which slots hold the key columns is recomputed from the primary key's columns
  struct LockTarget {
    TablePtr table;
    std::shared_ptr<const RowCodec> codec;
    std::vector<uint32_t> key_slots;  // primary key's columns in the input row
    std::vector<uint32_t> row_slots;  // where `columns` of the row stand in the input row
    std::vector<uint32_t> columns;
    range::LockMode mode = range::LockMode::kExclusive;
    range::WaitPolicy wait = range::WaitPolicy::kBlock;
  };
  std::vector<LockTarget> locks;
  CompiledExpr recheck;  // the whole condition, over the row as locked

  // kInsert, kUpdate, kDelete
  std::unique_ptr<TableWrite> write;
  std::vector<std::optional<uint32_t>>
      insert_slots;                           // for each table column: slot of the source row
  std::vector<CompiledExpr> column_defaults;  // where there is no slot; invalid: null
  std::vector<std::pair<uint32_t, CompiledExpr>> assignments;  // table column, over the input row
  std::vector<uint32_t>
      target_slots;  // UPDATE, DELETE: where the table's columns stand in the input row
  uint32_t version_slot = 0;
  struct Conflict {
    bool do_nothing = false;
    std::optional<size_t> index;
    std::vector<std::pair<uint32_t, CompiledExpr>> assignments;  // over existing row + excluded row
    CompiledExpr where;
  };
  std::unique_ptr<Conflict> conflict;
  bool counted = false;  // its rows are what the statement's command tag counts
  bool returning = false;
  std::vector<CompiledExpr>
      returning_exprs;  // over the new row (DELETE: the old one), then the input row
};

struct PlanColumn {
  std::string name;
  Type type;
  Oid table_oid = 0;
  int16_t column_number = 0;
};

// Plans that a session can run without operators where nothing has to be waited for.
enum class InPlace : uint8_t {
  kNo,
  kPoint,  // columns of one row by its whole primary key
  kRange,  // columns of rows of a range of an index that has them all
};

struct Plan {
  PlanPtr root;
  Command command = Command::kSelect;
  std::vector<PlanColumn> columns;  // of the result; empty where rows are only counted
  std::vector<SubPlan> init_plans;  // run once, before the root, in order
  std::vector<Type> params;
  bool read_only = true;  // writes nothing and locks nothing
  bool at_most_one_row = false;
  InPlace in_place = InPlace::kNo;
};
using PlanRef = std::shared_ptr<const Plan>;

}  // namespace quorate::sql
