// Which slot a column stands in, at each level of rows that a node can see while it runs.
#pragma once

#include <map>
#include <vector>

#include "sql/exec/expr_eval.h"
#include "sql/plan/plan.h"

namespace quorate::sql {

// The columns of one node's output row.
class Layout {
 public:
  void add_column(uint32_t relation, uint32_t column, uint32_t slot) {
    columns_[{relation, column}] = slot;
  }
  // An expression whose value stands in a slot: an aggregate, a group, a sub-query's value.
  void add_computed(const Expr* e, uint32_t slot) { computed_.emplace_back(e, slot); }
  // The other's slots, moved behind `offset` ones of ours.
  void append(const Layout& other, uint32_t offset);
  std::optional<uint32_t> column(uint32_t relation, uint32_t column) const;
  std::optional<uint32_t> computed(const Expr& e) const;
  const std::map<std::pair<uint32_t, uint32_t>, uint32_t>& columns() const { return columns_; }
  bool has_relation(uint32_t relation) const;

 private:
  std::map<std::pair<uint32_t, uint32_t>, uint32_t> columns_;
  std::vector<std::pair<const Expr*, uint32_t>> computed_;
};

// A row that runs further out: of an enclosing query, or the outer side of a nested loop of this
// one.
struct Scope {
  const Query* query = nullptr;
  const Layout* layout = nullptr;
  const Scope* outer = nullptr;  // one frame further out
  mutable bool used = false;     // something inside refers to it
};

// Finds columns of `query` in `layout` at level 0, and everything else in the scopes around it.
// `parents`: the enclosing queries, nearest first.
struct ExprScope {
  const Query* query = nullptr;
  const Layout* layout = nullptr;
  const Scope* outer = nullptr;
  const std::vector<const Query*>* parents = nullptr;
  const std::map<const Expr*, uint32_t>* init_plans = nullptr;

  std::optional<Slot> find(const Expr& e) const;
  Result<CompiledExpr> compile(const Expr& e) const;
};

// Calls visit(relation, column) for every column of `query` itself that anything in it uses,
// sub-queries of it included.
void for_each_column(const Query& query, const std::function<void(uint32_t, uint32_t)>& visit);
// The same for one expression that stands `depth` queries inside the one whose columns are wanted.
void for_each_column(const Expr& e, uint32_t depth,
                     const std::function<void(uint32_t, uint32_t)>& visit);
// Relations of the query itself that the expression uses, sorted.
std::vector<uint32_t> relations_of(const Expr& e);
// a AND (b AND c) as [a, b, c].
void split_conjuncts(const Expr* e, std::vector<const Expr*>* out);
bool has_subquery(const Expr& e);

}  // namespace quorate::sql
