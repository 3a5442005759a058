// Inside the analyzer: DDL statements bound for sql/schema.
#pragma once

#include <optional>

#include "sql/analyze/analyzer.h"

namespace quorate::sql {

Result<CreateTableAsStatement> analyze_create_table_as(const ParsedStatement& parsed,
                                                       Analyzer& analyzer);
// nullopt where the statement is none of ours.
Result<std::optional<Ddl>> analyze_ddl(const ParsedStatement& parsed, Analyzer& analyzer);

}  // namespace quorate::sql
