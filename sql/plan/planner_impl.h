// The planner's parts; sql/plan/planner.h is what others use.
//
//   planner.cc         a query: FROM, WHERE, aggregation, targets, DISTINCT, ORDER BY, LIMIT
//   plan_from.cc       relations, join order, joins
//   plan_subquery.cc   sub-queries in expressions: run once, or for each row
//   plan_write.cc      INSERT, UPDATE, DELETE
#pragma once

#include <list>

#include "sql/plan/access_path.h"
#include "sql/plan/planner.h"
#include "sql/plan/scope.h"

namespace quorate::sql {

// A node under construction with the meaning of its slots.
struct Planned {
  PlanPtr node;
  Layout layout;
};

// State shared by the planners of a statement's queries.
struct PlanState {
  const PlanContext& context;
  std::vector<SubPlan> init_plans;
  std::map<const Expr*, uint32_t> init_numbers;
  bool read_only = true;
};

class QueryPlanner {
 public:
  // `outer`: rows that run further out. `parents`: enclosing queries, nearest first.
  QueryPlanner(PlanState& state, const Query& query, const Scope* outer,
               std::vector<const Query*> parents);

  // The query's visible targets, in order.
  Result<PlanPtr> plan_select();
  Result<PlanPtr> plan_write();

 private:
  friend class FromPlanner;
  // plan_from.cc
  struct Item {
    Planned planned;                   // where it is planned already (sub-queries, outer joins)
    std::optional<uint32_t> relation;  // a table that still may choose its path
    std::vector<uint32_t> relations;   // all that it holds, sorted
    double rows = 1;
    bool lateral = false;
  };
  Result<Planned> plan_from(std::vector<const Expr*> conjuncts);
  Status flatten(const FromNode& node, std::vector<Item>* items,
                 std::vector<const Expr*>* conjuncts);
  Result<Item> plan_outer_join(const FromNode& node);
  Result<Item> make_item(uint32_t relation);
  Result<Planned> plan_relation(uint32_t relation, const Scope* outer);
  Result<Planned> plan_values(uint32_t relation);
  Result<Planned> join_with_subquery(Planned left, const Item& right, JoinKind kind,
                                     const std::vector<const Expr*>& conditions);
  Result<Planned> plan_table(uint32_t relation, const std::vector<const Expr*>& conjuncts,
                             const Scope* outer, const Layout* outer_layout, const PathWish& wish,
                             std::vector<const Expr*>* left_over);
  Result<Planned> join_items(std::vector<Item> items, std::vector<const Expr*> conjuncts);
  Result<Planned> join(Planned left, Item right, JoinKind kind,
                       const std::vector<const Expr*>& conditions);
  Result<Planned> hash_join(Planned left, Planned right, JoinKind kind,
                            const std::vector<const Expr*>& conditions);
  Result<bool> lookup_join(Planned* left, const Item& right, JoinKind kind,
                           const std::vector<const Expr*>& conditions);
  Result<Planned> add_filter(Planned input, const std::vector<const Expr*>& conjuncts);
  double table_rows(const TableDescriptor& table) const;
  bool computable(const Expr& e, const Layout* available, const Scope* outer) const;

  // plan_subquery.cc
  // Makes plans for the sub-queries in `exprs`; those that need a row are appended to `input` by a
  // kApply.
  Status plan_subqueries(const std::vector<const Expr*>& exprs, Planned* input);
  Result<SubPlan> plan_subquery(const Expr& e, const Planned& input, bool* correlated);

  // planner.cc
  Result<Planned> plan_core();
  Status aggregate(Planned* p);
  Status project(Planned* p);
  static bool narrow_scan(const PlanNode& projection, PlanNode* scan);
  Status distinct(Planned* p);
  Status sort(Planned* p);
  Status limit(Planned* p);
  Status lock_rows(Planned* p);
  Status sort_before_locks(Planned* p);
  Status add_sort_keys(PlanNode* node, const std::vector<uint32_t>& slots);
  Result<Planned> plan_set_operation();
  PathWish order_wish() const;
  bool extreme_of_index(PathWish* wish) const;

  // plan_write.cc
  Result<PlanPtr> plan_insert();
  Result<PlanPtr> plan_update_delete();
  Result<PlanPtr> add_returning(PlanPtr node, const Layout& input,
                                const std::vector<Type>& input_types);
  Result<std::unique_ptr<TableWrite>> table_write(const Relation& target);
  Status add_foreign_keys(TableWrite* write, TableWrite* root);
  Result<const TableWrite*> action_target(TablePtr table, TableWrite* root);
  Result<CompiledExpr> table_expression(std::string_view sql, const TablePtr& table,
                                        std::optional<Type> type) const;
  Result<CompiledExpr> column_default(const TablePtr& table, uint32_t column) const;

  ExprScope scope(const Layout* layout, const Scope* outer) const {
    return {&query_, layout, outer, &parents_, &state_.init_numbers};
  }
  Result<CompiledExpr> compile(const Expr& e, const Layout& layout) const {
    return scope(&layout, outer_).compile(e);
  }

  PlanState& state_;
  const Query& query_;
  const Scope* outer_;
  std::vector<const Query*> parents_;
  std::map<uint32_t, std::set<uint32_t>> used_columns_;  // by relation
  std::list<Scope> scopes_;                              // stable addresses
  std::vector<const Expr*> where_;                       // conjuncts of WHERE
  bool order_given_ = false;                             // the scan gives ORDER BY's order
  PathWish wish_;
  bool wish_applies_ = false;
  uint32_t lock_relation_ = ~0u;  // UPDATE, DELETE: all its columns and version are wanted
};

// The slot itself, as an expression.
Result<CompiledExpr> slot_expr(uint32_t slot, Type type);
PlanPtr make_node(NodeKind kind, std::vector<PlanPtr> children = {});
std::string describe(const Query& query, const Expr& e);  // for EXPLAIN's lines

}  // namespace quorate::sql
