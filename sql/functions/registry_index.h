// The registry's rows by OID and by name; for registry.cc and resolve.cc.
#pragma once

#include <vector>

#include "absl/container/flat_hash_map.h"
#include "sql/functions/registry.h"

namespace quorate::sql {

struct RegistryIndex {
  std::vector<const FunctionInfo*> functions;
  std::vector<OperatorInfo> operators;
  absl::flat_hash_map<Oid, const FunctionInfo*> function_by_oid;
  absl::flat_hash_map<Oid, const OperatorInfo*> operator_by_oid;
  absl::flat_hash_map<Oid, const AggregateInfo*> aggregate_by_oid;
  absl::flat_hash_map<std::string_view, std::vector<const FunctionInfo*>> functions_by_name;
  absl::flat_hash_map<std::string_view, std::vector<const OperatorInfo*>> operators_by_name;
  absl::flat_hash_map<std::string_view, std::vector<const AggregateInfo*>> aggregates_by_name;
};

const RegistryIndex& registry_index();

}  // namespace quorate::sql
