// Plans as EXPLAIN prints them: PostgreSQL's text form, one line an element.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "sql/exec/execution.h"

namespace quorate::sql {

struct ExplainOptions {
  bool analyze = false, costs = true, timing = true;
  // ANALYZE only.
  txn::TxnStats stats;
  runtime::Duration execution_time{0};
  std::optional<runtime::Duration> commit_time;  // of a statement that is a transaction by itself
};

// `counters` is what the execution counted; null without ANALYZE.
std::vector<std::string> explain_plan(const Plan& plan, const ExplainOptions& options,
                                      const std::map<const PlanNode*, NodeCounters>* counters);

}  // namespace quorate::sql
