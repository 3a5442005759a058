// Inside the analyzer: the state of one analysis, shared by its sources.
//
//   analyzer_names.cc     scopes and column references
//   analyzer_types.cc     type names, casts, common types
//   analyzer_expr.cc      expressions
//   analyzer_call.cc      function calls, aggregates, SQL's special functions
//   analyzer_sublink.cc   sub-queries in expressions, row comparisons, IN
//   analyzer_from.cc      FROM
//   analyzer_select.cc    SELECT, VALUES, set operations, CTEs
//   analyzer_group.cc     ORDER BY, GROUP BY, DISTINCT and their rules
//   analyzer_dml.cc       INSERT, UPDATE, DELETE
//   analyze.cc            the doors; statement.cc, ddl.cc: everything that is not a query
//
// A Scope stands for one Query under construction; its parent is the query around it, so that the
// number of steps up is a column's levels_up.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sql/analyze/analyze.h"
#include "sql/analyze/query_walk.h"

struct PgQuery__Node;
struct PgQuery__SelectStmt;
struct PgQuery__InsertStmt;
struct PgQuery__UpdateStmt;
struct PgQuery__DeleteStmt;
struct PgQuery__TypeName;
struct PgQuery__RangeVar;
struct PgQuery__Alias;
struct PgQuery__JoinExpr;
struct PgQuery__RangeSubselect;
struct PgQuery__RangeFunction;
struct PgQuery__WithClause;
struct PgQuery__FuncCall;
struct PgQuery__SubLink;
struct PgQuery__AExpr;
struct PgQuery__AConst;
struct PgQuery__ColumnRef;
struct PgQuery__CaseExpr;
struct PgQuery__OnConflictClause;
struct PgQuery__SQLValueFunction;
struct PgQuery__ResTarget;

namespace quorate::sql {

using Node = PgQuery__Node;

struct ScopeColumn {
  std::string name;
  ExprPtr expr;  // a column of the scope's query, or what USING merged
  Oid table_oid = 0;
  int16_t number = 0;
};

// A name of FROM and its columns.
struct ScopeItem {
  std::string name, schema;
  std::vector<ScopeColumn> columns;
  std::optional<uint32_t> relation;  // none: a join
  bool table_visible = true, columns_visible = true;
  bool lateral_only = false;  // FROM is still being read: only LATERAL may look
};

struct Cte {
  std::string name;
  std::unique_ptr<Query> query;  // as if it stood directly below the scope that defines it
  std::vector<RelationColumn> columns;
};

// Where an expression stands: says what may be in it.
enum class Place : uint8_t {
  kSelect,
  kWhere,
  kHaving,
  kGroupBy,
  kOrderBy,
  kDistinctOn,
  kJoin,
  kLimit,
  kOffset,
  kFromFunction,
  kFromSubselect,
  kValues,
  kInsert,
  kUpdate,
  kReturning,
  kDefault,
  kCheck,
  kExecute,
  kAggregateArgument,
  kFilter
};

struct Scope {
  Scope* parent = nullptr;
  Query* query = nullptr;
  std::vector<ScopeItem> items;
  std::vector<Cte> ctes;
  bool lateral_active = false;
  Place place = Place::kSelect;
};

class Analyzer {
 public:
  Analyzer(const ParsedStatement& statement, AnalyzeContext& context)
      : statement_(statement), context_(context) {}

  Result<std::unique_ptr<Query>> query(const Node* n);
  // After everything was analyzed: types that nothing has settled become text, or 42P18.
  Status finish_params(Query* q);

  // --- what statement.cc and ddl.cc need ---
  Result<Type> type_name(const PgQuery__TypeName& t);
  Result<ExprPtr> expr(const Node* n);
  Result<ExprPtr> expr_in(const Node* n, Place place);
  // PostgreSQL's assignment: 42804 `column "c" is of type ... but expression is of type ...`.
  Result<ExprPtr> assign(ExprPtr e, Type type, std::string_view column);
  Result<TablePtr> table_of(const PgQuery__RangeVar& name);
  // The table of an index of that name, and which of its indexes it is.
  Result<TablePtr> table_of_index(const PgQuery__RangeVar& name, size_t* position);
  // A table as relation 0 of an empty query that the expressions are bound to.
  Status open_table(Query& q, TablePtr table);
  Result<std::unique_ptr<Query>> copy_target(const PgQuery__RangeVar& name,
                                             const std::vector<std::string>& columns, bool from);
  Status fail(SqlState state, std::string message, int32_t location = -1) const;
  Status at(Status s, int32_t location) const;
  Status unsupported(std::string_view construct, int32_t location = -1) const;
  AnalyzeContext& context() { return context_; }
  void push(Scope* scope) {
    scope->parent = scope_;
    scope_ = scope;
  }
  void pop() { scope_ = scope_->parent; }

 private:
  friend class ScopeGuard;

  // names
  Result<ExprPtr> column_ref(const PgQuery__ColumnRef& ref);
  Result<ExprPtr> find_unqualified(const std::string& name, int32_t location);
  Result<ExprPtr> find_qualified(const std::string& schema, const std::string& table,
                                 const std::string& column, int32_t location);
  ScopeItem* find_item(const std::string& schema, const std::string& table, uint32_t* levels,
                       bool* ambiguous);
  Status missing_table(const std::string& table, int32_t location);
  Status missing_column(const std::string& table, const std::string& column, int32_t location);
  Status expand_star(const PgQuery__ColumnRef& ref, std::vector<Target>* out);
  ExprPtr use_column(const ScopeColumn& c, uint32_t levels, int32_t location);

  // types
  Result<ExprPtr> coerce(ExprPtr e, Type target, CastContext how);
  Result<ExprPtr> coerce_unknown(ExprPtr e, Type target);
  Result<ExprPtr> explicit_cast(ExprPtr e, Type target, int32_t location);
  bool can_coerce(const Expr& e, Oid target, CastContext how) const;
  Status settle_param(Expr& e, Oid type);
  Result<ExprPtr> coerce_bool(ExprPtr e, std::string_view what);
  Result<ExprPtr> coerce_int8(ExprPtr e, std::string_view what);
  Result<Type> unify(std::string_view what, std::vector<ExprPtr*> list);
  Result<ExprPtr> resolve_unknown(ExprPtr e);

  // expressions
  Result<ExprPtr> constant(const PgQuery__AConst& c);
  Result<ExprPtr> param(int32_t number, int32_t location);
  Result<ExprPtr> a_expr(const PgQuery__AExpr& e);
  Result<ExprPtr> operation(const std::string& name, ExprPtr left, ExprPtr right, int32_t location);
  Result<ExprPtr> between(const PgQuery__AExpr& e);
  Result<ExprPtr> in_list(const PgQuery__AExpr& e);
  Result<ExprPtr> any_all(const std::string& name, ExprPtr left, ExprPtr array, bool all,
                          int32_t location);
  Result<ExprPtr> distinct(const PgQuery__AExpr& e, bool negated);
  Result<ExprPtr> row_compare(const std::string& name, std::vector<ExprPtr> left,
                              std::vector<ExprPtr> right, int32_t location);
  Result<ExprPtr> case_expr(const PgQuery__CaseExpr& c);
  Result<ExprPtr> array_expr(const Node* n, Oid element);
  Result<ExprPtr> indirection(const Node* n);
  Result<ExprPtr> list_expr(ExprKind kind, std::string_view what, Node* const* nodes, size_t n,
                            int32_t location);
  Result<std::vector<ExprPtr>> expr_list(Node* const* nodes, size_t n);

  // calls
  Result<ExprPtr> func_call(const PgQuery__FuncCall& f);
  Result<ExprPtr> aggregate_call(const PgQuery__FuncCall& f, const std::string& name,
                                 std::vector<ExprPtr> args);
  Result<ExprPtr> call(std::string_view name, std::vector<ExprPtr> args, int32_t location,
                       bool variadic = false);
  Result<ExprPtr> sql_value(const PgQuery__SQLValueFunction& f);
  Status check_aggregate_place(int32_t location) const;

  // sub-queries
  Result<ExprPtr> sublink(const PgQuery__SubLink& s);
  Result<ExprPtr> in_subquery(std::vector<ExprPtr> left, std::unique_ptr<Query> q,
                              int32_t location);
  Result<std::unique_ptr<Query>> subquery(const Node* n, bool resolve_unknowns = true);

  // FROM
  Status from_clause(Node* const* nodes, size_t n);
  Result<std::unique_ptr<FromNode>> from_item(const Node* n, std::vector<ScopeItem>* items);
  Result<std::unique_ptr<FromNode>> range_var(const PgQuery__RangeVar& v,
                                              std::vector<ScopeItem>* items);
  Result<std::unique_ptr<FromNode>> range_subselect(const PgQuery__RangeSubselect& s,
                                                    std::vector<ScopeItem>* items);
  Result<std::unique_ptr<FromNode>> range_function(const PgQuery__RangeFunction& f,
                                                   std::vector<ScopeItem>* items);
  Result<std::unique_ptr<FromNode>> join(const PgQuery__JoinExpr& j, std::vector<ScopeItem>* items);
  Status join_using(const PgQuery__JoinExpr& j, std::vector<ScopeItem>& left,
                    std::vector<ScopeItem>& right, FromNode* node, ScopeItem* merged);
  Result<std::unique_ptr<FromNode>> add_relation(Relation r, const PgQuery__Alias* alias,
                                                 std::string_view own_name, std::string_view schema,
                                                 std::vector<ScopeItem>* items);
  Status check_names(const std::vector<ScopeItem>& a, const std::vector<ScopeItem>& b);
  Cte* find_cte(const std::string& name, uint32_t* levels);

  // SELECT
  Result<std::unique_ptr<Query>> select(const PgQuery__SelectStmt& s, bool resolve_unknowns);
  Result<std::unique_ptr<Query>> plain_select(const PgQuery__SelectStmt& s, bool resolve_unknowns);
  Result<std::unique_ptr<Query>> values(const PgQuery__SelectStmt& s);
  Result<std::unique_ptr<Query>> set_operation(const PgQuery__SelectStmt& s);
  Status with_clause(const PgQuery__WithClause* w);
  Status target_list(Node* const* nodes, size_t n, std::vector<Target>* out, Place place);
  Status limit_clause(const PgQuery__SelectStmt& s);
  Status locking_clause(const PgQuery__SelectStmt& s);
  // Casts the visible columns of a query, around it where inside would change its meaning.
  Result<std::unique_ptr<Query>> coerce_columns(
      std::unique_ptr<Query> q,
      const std::function<Result<ExprPtr>(size_t column, ExprPtr e)>& cast,
      const std::function<bool(size_t column, const Expr& e)>& needed);

  // grouping and ordering
  Result<uint32_t> target_for(const Node* n, Place place, bool output_names_first);
  Result<uint32_t> target_of_expr(ExprPtr e);
  Status order_by(Node* const* nodes, size_t n);
  Status group_by(Node* const* nodes, size_t n);
  Status distinct_clause(Node* const* nodes, size_t n);
  Status check_grouping();
  Status check_sortable(Type type, bool order, int32_t location) const;
  std::string column_name(uint32_t relation, uint32_t column, bool qualified) const;

  // DML
  Result<std::unique_ptr<Query>> insert(const PgQuery__InsertStmt& s);
  Result<std::unique_ptr<Query>> update(const PgQuery__UpdateStmt& s);
  Result<std::unique_ptr<Query>> remove(const PgQuery__DeleteStmt& s);
  Status insert_target_columns(Node* const* nodes, size_t n, std::vector<int32_t>* locations);
  Status insert_values(const PgQuery__SelectStmt& s, const std::vector<int32_t>& locations);
  Status insert_select(const Node* n);
  Result<ExprPtr> column_of_subquery(const PgQuery__MultiAssignRef& m);
  Status check_insert_width(size_t given, bool explicit_columns,
                            const std::vector<int32_t>& locations, int32_t extra_location);
  Status add_defaults();
  Status add_checks();
  Status on_conflict(const PgQuery__OnConflictClause& c);
  Result<uint32_t> arbiter(const PgQuery__OnConflictClause& c);
  Status set_clause(Node* const* nodes, size_t n, std::vector<Assignment>* out);
  Result<ExprPtr> assigned_value(const Node* n, uint32_t column);
  Result<ExprPtr> default_of(uint32_t column);
  Result<uint32_t> open_target(const PgQuery__RangeVar& v, bool visible);
  Result<uint32_t> target_column(const std::string& name, int32_t location);

  const TableDescriptor& target_table() const {
    return *scope_->query->relations[scope_->query->target].table;
  }
  void use_table(Oid oid);
  const IoContext& io() const;

  ParsedStatement statement_;
  AnalyzeContext& context_;
  bool overriding_user_ = false, overriding_system_ = false;  // of the INSERT being read
  Scope* scope_ = nullptr;
};

class ScopeGuard {
 public:
  ScopeGuard(Analyzer& a, Query* q) : analyzer_(a) {
    scope_.query = q;
    a.push(&scope_);
  }
  ~ScopeGuard() { analyzer_.pop(); }
  ScopeGuard(const ScopeGuard&) = delete;
  Scope& operator*() { return scope_; }
  Scope* operator->() { return &scope_; }

 private:
  Analyzer& analyzer_;
  Scope scope_;
};

// The name that PostgreSQL gives a column without alias; "?column?" where there is none.
std::string figure_column_name(const Node* n);
// Whether the node is a bare DEFAULT.
bool is_set_to_default(const Node* n);
std::string string_of(const Node* n);  // a String node's text

}  // namespace quorate::sql
