// The doors of the analyzer to queries and expressions.
#include "sql/analyze/analyze.h"

extern "C" {
#include <pg_query/pg_query.pb-c.h>
}

#include "sql/analyze/analyzer.h"

namespace quorate::sql {

Result<std::unique_ptr<Query>> analyze(const ParsedStatement& statement, AnalyzeContext& context) {
  Analyzer a(statement, context);
  ASSIGN_OR_RETURN(auto q, a.query(statement.node()));
  RETURN_IF_ERROR(a.finish_params(q.get()));
  return q;
}

Result<std::vector<ExprPtr>> analyze_execute_args(const ExecuteStatement& statement,
                                                  const std::vector<Type>& params,
                                                  AnalyzeContext& context) {
  Analyzer a(statement.parsed, context);
  const PgQuery__ExecuteStmt& s = *statement.parsed.node()->execute_stmt;
  if (s.n_params != params.size())
    return Status(StatusCode::kInvalidArgument, sqlstate::kSyntaxError,
                  "wrong number of parameters for prepared statement \"" + statement.name + "\"")
        .with_detail("Expected " + std::to_string(params.size()) + " parameters but got " +
                     std::to_string(s.n_params) + ".");
  Query none;
  ScopeGuard scope(a, &none);
  std::vector<ExprPtr> out;
  for (size_t i = 0; i < params.size(); ++i) {
    ASSIGN_OR_RETURN(ExprPtr e, a.expr_in(s.params[i], Place::kExecute));
    Type given = e->type;
    int32_t location = e->location;
    auto cast = a.assign(std::move(e), params[i], "");
    if (!cast.ok() && cast.status().sqlstate() == sqlstate::kDatatypeMismatch)
      return a
          .fail(sqlstate::kDatatypeMismatch,
                "parameter $" + std::to_string(i + 1) + " of type " + format_type(given.oid) +
                    " cannot be coerced to the expected type " + format_type(params[i].oid),
                location)
          .with_hint("You will need to rewrite or cast the expression.");
    if (!cast.ok()) return cast.status();
    out.push_back(std::move(cast).value());
  }
  return out;
}

Result<ExprPtr> bind_table_expression(std::string_view sql, TablePtr table,
                                      std::optional<Type> type, AnalyzeContext& context) {
  ASSIGN_OR_RETURN(auto list, parse("SELECT " + std::string(sql)));
  CHECK(list.size() == 1);
  const PgQuery__SelectStmt& s = *list[0].node()->select_stmt;
  CHECK(s.n_target_list == 1);
  Analyzer a(list[0], context);
  Query q;
  ScopeGuard scope(a, &q);
  RETURN_IF_ERROR(a.open_table(q, std::move(table)));
  ASSIGN_OR_RETURN(ExprPtr e, a.expr_in(s.target_list[0]->res_target->val, Place::kReturning));
  if (type) return a.assign(std::move(e), *type, "");
  return e;
}

}  // namespace quorate::sql
