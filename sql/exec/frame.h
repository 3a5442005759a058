// What a compiled expression reads while it is evaluated: the row, rows further out, parameters.
#pragma once

#include <span>
#include <vector>

#include "sql/functions/eval_context.h"

namespace quorate::sql {

// One level of rows. A sub-plan that runs for an outer row has that row's frame as `outer`.
struct Frame {
  std::span<const Datum> row;
  const Frame* outer = nullptr;
  std::span<const Datum> params;       // $1...
  std::span<const Datum> init_values;  // results of sub-queries that run once (plan.h: InitPlan)
  EvalContext* context = nullptr;
  // The first error of an evaluation that gave false.
  mutable Status error;
};

}  // namespace quorate::sql
