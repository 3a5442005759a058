// A bound statement: what the analyzer makes of a parse tree and the planner plans.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "range/api.h"
#include "sql/analyze/expr.h"
#include "sql/catalog/descriptor.h"

namespace quorate::sql {

class SystemTable;  // sql/catalog/system_table.h: a table whose rows are computed

struct RelationColumn {
  std::string name;
  Type type;
};

// One entry of FROM (or the target of INSERT/UPDATE/DELETE).
struct Relation {
  enum class Kind : uint8_t {
    kTable,
    kSystemTable,
    kSubquery,
    kFunction,
    kValues,
    kJoin,
    kCte
  } kind = Kind::kTable;
  std::string alias;  // the name columns are qualified with
  std::vector<RelationColumn>
      columns;  // kTable: as table->columns, in order, dropped ones included with empty name
  TablePtr table;
  const SystemTable* system_table = nullptr;
  std::unique_ptr<Query> subquery;  // kSubquery, and kCte's own copy
  ExprPtr function;                 // kFunction: a set-returning (or any) call
  bool with_ordinality = false;
  bool lateral = false;                      // may refer to relations before it
  std::vector<std::vector<ExprPtr>> values;  // kValues
  Relation();
  ~Relation();
  Relation(Relation&&) noexcept;
  Relation& operator=(Relation&&) noexcept;
};

enum class JoinKind : uint8_t { kInner, kLeft, kRight, kFull, kSemi, kAnti };

// The FROM clause as a tree. A leaf is a relation; kCross lists in FROM are inner joins without
// condition.
struct FromNode {
  std::optional<uint32_t> relation;  // a leaf
  JoinKind join = JoinKind::kInner;
  std::unique_ptr<FromNode> left, right;
  ExprPtr condition;  // null: none. USING and NATURAL are put in here
};

struct Target {
  ExprPtr expr;
  std::string name;
  bool hidden = false;  // only for ORDER BY, GROUP BY, DISTINCT ON
  // For RowDescription: where the column comes from; 0 when it is not a plain column.
  Oid table_oid = 0;
  int16_t column_number = 0;
};

struct SortItem {
  uint32_t target = 0;  // position in Query::targets
  bool descending = false;
  bool nulls_first = false;
};

struct RowLock {
  range::LockMode mode = range::LockMode::kExclusive;
  range::WaitPolicy wait = range::WaitPolicy::kBlock;
  std::vector<uint32_t> relations;  // which are locked
};

enum class SetOperation : uint8_t { kNone, kUnion, kIntersect, kExcept };

struct Assignment {
  uint32_t column = 0;  // position in the target table's columns
  ExprPtr expr;
};

struct OnConflict {
  bool do_nothing = false;
  std::optional<uint32_t>
      index;  // position in table->indexes of the arbiter; nullopt: any (DO NOTHING only)
  std::vector<Assignment> assignments;  // may refer to relation `excluded`
  ExprPtr where;
  uint32_t excluded = 0;  // relation that stands for the proposed row
};

enum class Command : uint8_t { kSelect, kInsert, kUpdate, kDelete, kValues };

// kValues: relations[0] holds the rows, targets are its columns; otherwise like a SELECT.
struct Query {
  Command command = Command::kSelect;
  std::vector<Relation> relations;
  std::unique_ptr<FromNode> from;  // null: no FROM
  ExprPtr where;
  std::vector<Target> targets;  // SELECT list, or RETURNING of the others
  std::vector<ExprPtr>
      group_by;  // grouping expressions; targets and having refer to them by equality
  bool has_aggregates = false;     // or GROUP BY / HAVING
  bool has_set_returning = false;  // in the select list
  bool has_windows = false;
  ExprPtr having;
  bool distinct = false;
  std::vector<uint32_t> distinct_on;  // targets
  std::vector<SortItem> order_by;
  ExprPtr limit, offset;  // int8
  std::vector<RowLock> locks;

  // UNION and friends: targets are the columns of relations[0], a kSubquery without query that
  // stands for the result of the operation. `left` and `right` have the same column types as
  // targets; order_by, limit apply to the whole.
  SetOperation set_operation = SetOperation::kNone;
  bool set_all = false;
  std::unique_ptr<Query> left, right;

  // INSERT, UPDATE, DELETE. relations[target] is the table.
  uint32_t target = 0;
  std::vector<uint32_t> insert_columns;  // positions in the table, one a source column
  std::unique_ptr<Query> source;  // INSERT: VALUES or SELECT, already cast to the columns' types
  std::vector<Assignment> assignments;  // UPDATE
  std::vector<Assignment> defaults;     // INSERT: columns that the source does not give
  // All CHECK constraints of the table, bound to relations[target]; name for the error.
  std::vector<std::pair<std::string, ExprPtr>> checks;
  std::unique_ptr<OnConflict> on_conflict;

  Query();
  ~Query();
};

std::unique_ptr<Query> clone_query(const Query& q);  // deep

// What the client is told: types of parameters and of the result's columns.
struct StatementShape {
  std::vector<Type> params;
};

}  // namespace quorate::sql
