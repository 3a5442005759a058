// From a parse tree to a bound statement: names against one version of the catalog, types by
// PostgreSQL's rules, errors with PostgreSQL's SQLSTATE, message, hint and position.
//
// Pure: it waits for nothing. All it learns of the world comes with the AnalyzeContext.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sql/analyze/statement.h"
#include "sql/catalog/catalog.h"
#include "sql/catalog/system_table.h"
#include "sql/parse/parse.h"

namespace quorate::sql {

struct AnalyzeContext {
  CatalogPtr catalog;
  const SystemTables* system_tables = nullptr;  // null: there are none
  Oid database = 0;
  std::string database_name;
  std::vector<std::string> search_path;  // as set, with "$user" replaced; pg_catalog comes first
                                         // where it isn't named
  std::string user;
  // For constants: settings, time, and the catalog's names for regclass literals.
  const IoContext* io = nullptr;

  // In: the declared types of parameters (oid kUnknown or 0: to be inferred). Out: all of them.
  std::vector<Type> params;
  // Whether parameters beyond `params` may appear (Parse of the extended protocol, PREPARE). Where
  // not, they are 42P02 `there is no parameter $1`.
  bool infer_params = false;
  // Out: tables that the statement uses, sorted, each once; for plan invalidation.
  std::vector<Oid> used_tables;
  // Out: a plan of this statement holds only for this very analysis (a constant was read from the
  // clock, e.g. 'now').
  bool uncacheable = false;
  // Out: notices and warnings in order.
  std::vector<Status> notices;
};

// A statement that is_query(): SELECT, VALUES, TABLE, INSERT, UPDATE, DELETE.
Result<std::unique_ptr<Query>> analyze(const ParsedStatement& statement, AnalyzeContext& context);
// Any statement.
Result<Statement> analyze_statement(const ParsedStatement& statement, AnalyzeContext& context);

// CREATE TABLE ... AS: the INSERT that fills the table; `context` must see it.
Result<std::unique_ptr<Query>> analyze_create_table_as_rows(const CreateTableAsStatement& statement,
                                                            AnalyzeContext& context);

// EXECUTE's arguments, cast to the prepared statement's parameters by assignment. They hold no
// columns.
Result<std::vector<ExprPtr>> analyze_execute_args(const ExecuteStatement& statement,
                                                  const std::vector<Type>& params,
                                                  AnalyzeContext& context);

// An expression kept in a descriptor (default, check), bound to the table as relation 0, and cast
// to `type` by assignment where one is given.
Result<ExprPtr> bind_table_expression(std::string_view sql, TablePtr table,
                                      std::optional<Type> type, AnalyzeContext& context);

// The schema and the table of a name, or nullptr; what to_regclass and DDL go by.
TablePtr find_table(const AnalyzeContext& context, std::string_view schema, std::string_view name);
SequencePtr find_sequence(const AnalyzeContext& context, std::string_view schema,
                          std::string_view name);

}  // namespace quorate::sql
