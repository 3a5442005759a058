#include "sql/plan/access_path.h"

#include <algorithm>
#include <cmath>

namespace quorate::sql {
namespace {

// Types whose values have the same key form, so that a value of one can be looked up among the
// other's.
int key_class(Oid type) {
  switch (type) {
    case oid::kInt2:
    case oid::kInt4:
    case oid::kInt8:
    case oid::kOid:
      return 1;
    case oid::kFloat4:
    case oid::kFloat8:
      return 2;
    case oid::kText:
    case oid::kVarchar:
    case oid::kName:
      return 3;
    default:
      return static_cast<int>(type) + 1000;
  }
}

// A column under relabelling casts (varchar as text).
const Expr* strip(const Expr* e) {
  while (e->kind == ExprKind::kCast && e->cast.fn == nullptr && !e->coerce_length &&
         key_class(e->type.oid) == key_class(e->args[0]->type.oid)) {
    e = e->args[0].get();
  }
  return e;
}

const Expr* column_of(const Expr& e, uint32_t relation) {
  const Expr* c = strip(&e);
  return c->kind == ExprKind::kColumn && c->levels_up == 0 && c->relation == relation ? c : nullptr;
}

ComparisonKind swapped(ComparisonKind k) {
  switch (k) {
    case ComparisonKind::kLess:
      return ComparisonKind::kGreater;
    case ComparisonKind::kLessEqual:
      return ComparisonKind::kGreaterEqual;
    case ComparisonKind::kGreater:
      return ComparisonKind::kLess;
    case ComparisonKind::kGreaterEqual:
      return ComparisonKind::kLessEqual;
    default:
      return k;
  }
}

bool indexable(ComparisonKind k) {
  return k == ComparisonKind::kEqual ||
         (k >= ComparisonKind::kLess && k <= ComparisonKind::kGreaterEqual);
}

const ColumnCondition* find(const std::vector<ColumnCondition>& conditions, uint32_t column,
                            bool equal, bool list) {
  for (const auto& c : conditions) {
    if (c.column != column) continue;
    if (list ? c.is_list() : (!c.is_list() && (c.kind == ComparisonKind::kEqual) == equal))
      return &c;
  }
  return nullptr;
}

uint32_t position(const TableDescriptor& table, ColumnId id) {
  for (uint32_t i = 0; i < table.columns.size(); ++i) {
    if (table.columns[i].id == id) return i;
  }
  return static_cast<uint32_t>(table.columns.size());  // the hidden row id
}

// Whether the index columns after the equal prefix give the wished order, forwards or backwards.
bool gives_order(const TableDescriptor& table, const IndexDescriptor& index, size_t prefix,
                 const PathWish& wish, const std::vector<ColumnCondition>& conditions,
                 bool* reverse) {
  if (wish.order.empty()) return false;
  size_t at = prefix;
  std::optional<bool> backwards;
  // A whole unique key orders rows entirely: what follows it in the wish changes nothing. (Nulls
  // may repeat in it.)
  bool one_row_a_key = index.unique;
  for (const auto& o : wish.order) {
    // A column with one value orders nothing.
    if (find(conditions, o.column, true, false) != nullptr) continue;
    if (at >= index.columns.size()) {
      if (!one_row_a_key || !backwards) return false;
      break;
    }
    const IndexColumn& c = index.columns[at++];
    if (position(table, c.column) != o.column) return false;
    const bool flip = c.descending != o.descending;
    const uint32_t p = position(table, c.column);
    const bool not_null = p < table.columns.size() && table.columns[p].not_null;
    if (!not_null && (c.nulls_first != o.nulls_first) != flip) return false;
    one_row_a_key &= not_null;
    if (backwards && *backwards != flip) return false;
    backwards = flip;
  }
  *reverse = backwards.value_or(false);
  return true;
}

// The share of the path's rows that the conditions it does not decide let through.
double passing(const AccessPath& path, const std::vector<ColumnCondition>& conditions) {
  double share = 1;
  for (const ColumnCondition& c : conditions) {
    const bool decided = &c == path.in_list || &c == path.lower || &c == path.upper ||
                         std::find(path.equal.begin(), path.equal.end(), &c) != path.equal.end();
    if (!decided) share *= c.kind == ComparisonKind::kEqual ? 0.02 : 0.3;
  }
  return share;
}

AccessPath path_over(const TableDescriptor& table, const RowCodec& codec, size_t number,
                     double table_rows, const std::vector<ColumnCondition>& conditions,
                     const PathWish& wish) {
  const IndexDescriptor& index = table.indexes[number];
  AccessPath path;
  path.index = number;
  size_t i = 0;
  double selectivity = 1;
  for (; i < index.columns.size(); ++i) {
    const ColumnCondition* c =
        find(conditions, position(table, index.columns[i].column), true, false);
    if (c == nullptr) break;
    path.equal.push_back(c);
    selectivity *= 0.02;
  }
  const bool key_unique = index.unique || number == 0;
  if (i < index.columns.size()) {
    const uint32_t next = position(table, index.columns[i].column);
    if (key_unique && i + 1 == index.columns.size())
      path.in_list = find(conditions, next, false, true);
    for (const auto& c : conditions) {
      if (c.column != next || c.is_list()) continue;
      const bool low =
          c.kind == ComparisonKind::kGreater || c.kind == ComparisonKind::kGreaterEqual;
      const bool high = c.kind == ComparisonKind::kLess || c.kind == ComparisonKind::kLessEqual;
      if (low && path.lower == nullptr) path.lower = &c;
      if (high && path.upper == nullptr) path.upper = &c;
    }
    if (path.lower != nullptr && path.upper != nullptr)
      selectivity *= 0.02;
    else if (path.lower != nullptr || path.upper != nullptr)
      selectivity *= 0.3;
  }
  path.unique = key_unique && i == index.columns.size();
  path.rows = path.unique ? 1 : std::max(1.0, table_rows * selectivity);
  if (path.in_list != nullptr) {
    constexpr double kArrayElements = 10;
    path.rows = path.in_list->array != nullptr ? kArrayElements
                                               : static_cast<double>(path.in_list->list.size());
    path.lower = path.upper = nullptr;
  }
  path.covered = number == 0 || (!wish.whole_rows && codec.index_covers(number, wish.used));
  path.ordered =
      path.in_list == nullptr && gives_order(table, index, i, wish, conditions, &path.reverse);
  if (path.unique) path.ordered = true;
  double read = path.rows;
  if (wish.limit > 0 && (path.ordered || wish.order.empty()))
    read = std::min(read, wish.limit * 2 / passing(path, conditions));
  path.cost = 10 + read * (path.covered ? 1.0 : 5.0);
  if (!wish.order.empty() && !path.ordered) path.cost += path.rows * std::log2(path.rows + 2) * 0.5;
  return path;
}

}  // namespace

std::optional<ColumnCondition> column_condition(const Expr& conjunct, uint32_t relation,
                                                const TableDescriptor& table,
                                                const std::function<bool(const Expr&)>& usable) {
  ColumnCondition c;
  c.conjunct = &conjunct;
  const Expr* column = nullptr;
  if (conjunct.kind == ExprKind::kCall && conjunct.op != nullptr && conjunct.args.size() == 2 &&
      indexable(conjunct.op->comparison)) {
    for (int side = 0; side < 2; ++side) {
      const Expr& other = *conjunct.args[1 - side];
      column = column_of(*conjunct.args[side], relation);
      if (column == nullptr || !usable(other) ||
          key_class(other.type.oid) != key_class(column->type.oid)) {
        column = nullptr;
        continue;
      }
      c.kind = side == 0 ? conjunct.op->comparison : swapped(conjunct.op->comparison);
      c.value = &other;
      break;
    }
  } else if (conjunct.kind == ExprKind::kInList && !conjunct.negated) {
    column = column_of(*conjunct.args[0], relation);
    for (size_t i = 1; i < conjunct.args.size() && column != nullptr; ++i) {
      const Expr& e = *conjunct.args[i];
      if (!usable(e) || key_class(e.type.oid) != key_class(column->type.oid)) column = nullptr;
      c.list.push_back(&e);
    }
    c.kind = ComparisonKind::kEqual;
  }
  if (conjunct.kind == ExprKind::kAnyOf && conjunct.op != nullptr &&
      conjunct.op->comparison == ComparisonKind::kEqual) {
    const Expr& array = *conjunct.args[1];
    column = column_of(*conjunct.args[0], relation);
    if (column != nullptr &&
        (!usable(array) || key_class(element_type(array.type.oid)) != key_class(column->type.oid)))
      column = nullptr;
    c.array = &array;
    c.kind = ComparisonKind::kEqual;
  }
  if (column == nullptr || column->index >= table.columns.size()) return std::nullopt;
  c.column = column->index;
  return c;
}

AccessPath choose_path(const TableDescriptor& table, const RowCodec& codec, double table_rows,
                       const std::vector<ColumnCondition>& conditions, const PathWish& wish) {
  AccessPath best = path_over(table, codec, 0, table_rows, conditions, wish);
  for (size_t i = 1; i < table.indexes.size(); ++i) {
    if (table.indexes[i].state != SchemaState::kPublic) continue;
    AccessPath path = path_over(table, codec, i, table_rows, conditions, wish);
    if (path.cost < best.cost) best = std::move(path);
  }
  return best;
}

}  // namespace quorate::sql
