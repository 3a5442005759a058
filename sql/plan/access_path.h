// How the rows of one table are found: which index, which part of it, in which order.
#pragma once

#include "sql/plan/plan.h"

namespace quorate::sql {

// A condition on one column: `column op value`, where the value does not depend on the table's own
// row.
struct ColumnCondition {
  const Expr* conjunct = nullptr;
  uint32_t column = 0;  // position in the table's columns
  ComparisonKind kind = ComparisonKind::kNone;
  const Expr* value = nullptr;    // null for IN lists and ANY
  std::vector<const Expr*> list;  // IN (...): each alternative
  const Expr* array = nullptr;    // = ANY (array)
  bool is_list() const { return !list.empty() || array != nullptr; }
};

// What a path must give besides rows.
struct PathWish {
  // Columns in the wanted order; empty: any order.
  struct Order {
    uint32_t column;
    bool descending;
    bool nulls_first;
  };
  std::vector<Order> order;
  double limit = 0;            // rows wanted when known; 0: all
  std::vector<uint32_t> used;  // positions in the codec's row that must be given
  bool whole_rows = false;     // the primary entry is needed whatever the index covers
};

struct AccessPath {
  size_t index = 0;
  std::vector<const ColumnCondition*> equal;  // one an index column of the prefix
  const ColumnCondition* in_list =
      nullptr;  // on the column after `equal`, making several whole keys
  const ColumnCondition* lower = nullptr;
  const ColumnCondition* upper = nullptr;
  bool unique = false;   // at most one row
  bool ordered = false;  // gives the wished order
  bool reverse = false;
  bool covered = false;
  double rows = 0, cost = 0;
};

// Reads `conjunct` as a condition on a column of `relation`; nullopt where it is none. `usable`
// tells whether an expression can be computed before the table's row is known.
std::optional<ColumnCondition> column_condition(const Expr& conjunct, uint32_t relation,
                                                const TableDescriptor& table,
                                                const std::function<bool(const Expr&)>& usable);

AccessPath choose_path(const TableDescriptor& table, const RowCodec& codec, double table_rows,
                       const std::vector<ColumnCondition>& conditions, const PathWish& wish);

}  // namespace quorate::sql
