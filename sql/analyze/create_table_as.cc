// CREATE TABLE ... AS: the table that a query's columns make, and the INSERT that fills it.
extern "C" {
#include <pg_query/pg_query.pb-c.h>
}

#include "sql/analyze/analyzer.h"
#include "sql/analyze/ddl_analyze.h"

namespace quorate::sql {

Result<CreateTableAsStatement> analyze_create_table_as(const ParsedStatement& parsed, Analyzer& a) {
  const PgQuery__CreateTableAsStmt& s = *parsed.node()->create_table_as_stmt;
  const PgQuery__IntoClause& into = *s.into;
  const PgQuery__RangeVar& name = *into.rel;
  if (s.objtype != PG_QUERY__OBJECT_TYPE__OBJECT_TABLE) return a.unsupported(parsed.tag());
  if (std::string_view(name.relpersistence) == "t") return a.unsupported("temporary table");
  if (into.n_options > 0) return a.unsupported("CREATE TABLE ... WITH (...) AS");
  if (!parsed.inner(s.query).is_query()) return a.unsupported("CREATE TABLE AS EXECUTE");
  ASSIGN_OR_RETURN(std::unique_ptr<Query> query, a.query(s.query));
  RETURN_IF_ERROR(a.finish_params(query.get()));
  CreateTableAsStatement out;
  out.parsed = parsed;
  out.with_data = into.skip_data == 0;
  out.table.name = {name.catalogname, name.schemaname, name.relname,
                    error_position(parsed.source(), name.location)};
  out.table.if_not_exists = s.if_not_exists != 0;
  for (const Target& t : query->targets) {
    if (t.hidden) continue;
    ColumnDefinition c;
    const size_t at = out.table.columns.size();
    c.name = at < into.n_col_names ? string_of(into.col_names[at]) : t.name;
    c.type = t.expr->type.oid == oid::kUnknown ? Type{oid::kText, -1} : t.expr->type;
    for (const ColumnDefinition& other : out.table.columns) {
      if (other.name == c.name)
        return a.fail(sqlstate::kDuplicateColumn,
                      "column \"" + c.name + "\" specified more than once");
    }
    out.table.columns.push_back(std::move(c));
  }
  if (into.n_col_names > out.table.columns.size())
    return a.fail(sqlstate::kSyntaxError, "too many column names were specified");
  return out;
}

// The tree of INSERT INTO name query, around the statement's own parts.
Result<std::unique_ptr<Query>> analyze_create_table_as_rows(const CreateTableAsStatement& statement,
                                                            AnalyzeContext& context) {
  const PgQuery__CreateTableAsStmt& s = *statement.parsed.node()->create_table_as_stmt;
  PgQuery__InsertStmt insert = PG_QUERY__INSERT_STMT__INIT;
  insert.relation = s.into->rel;
  insert.select_stmt = s.query;
  insert.override = PG_QUERY__OVERRIDING_KIND__OVERRIDING_NOT_SET;
  PgQuery__Node node = PG_QUERY__NODE__INIT;
  node.node_case = PG_QUERY__NODE__NODE_INSERT_STMT;
  node.insert_stmt = &insert;
  return analyze(statement.parsed.inner(&node), context);
}

}  // namespace quorate::sql
