// From a bound query to a plan.
#pragma once

#include "sql/plan/plan.h"

namespace quorate::sql {

struct PlanContext {
  CatalogPtr catalog;
  // Makes (or finds) the codec of a table version, so that plans share it.
  std::function<std::shared_ptr<const RowCodec>(const TablePtr&)> codec;
  // An estimate of a table's rows; 1000 where unknown.
  std::function<double(const TableDescriptor&)> rows;
};

Result<PlanRef> plan(const Query& query, const PlanContext& context);

}  // namespace quorate::sql
