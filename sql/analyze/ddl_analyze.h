// Inside the analyzer: DDL statements bound for sql/schema.
#pragma once

#include <optional>

#include "sql/analyze/analyzer.h"

namespace quorate::sql {

// nullopt where the statement is none of ours.
Result<std::optional<Ddl>> analyze_ddl(const ParsedStatement& parsed, Analyzer& analyzer);

}  // namespace quorate::sql
