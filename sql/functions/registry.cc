#include "sql/functions/registry.h"

#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "sql/functions/families.h"
#include "sql/functions/registry_index.h"

namespace quorate::sql {

// The indexes are built once, at the first use, and never change: magic statics make that safe
// between threads.
const RegistryIndex& registry_index() {
  static const RegistryIndex index = [] {
    RegistryIndex x;
    for (std::span<const FunctionInfo> family :
         {arithmetic_functions(), comparison_functions(), string_functions(), pattern_functions(),
          date_time_functions(), format_functions(), array_functions(), set_functions(),
          system_functions()}) {
      for (const FunctionInfo& f : family) {
        CHECK_MSG(x.function_by_oid.emplace(f.oid, &f).second, f.name);
        x.functions.push_back(&f);
        x.functions_by_name[f.name].push_back(&f);
      }
    }
    std::sort(x.functions.begin(), x.functions.end(),
              [](auto* a, auto* b) { return a->oid < b->oid; });
    for (const OperatorInfo& o : operator_table()) {
      // The table lists more than there are functions for; an operator is known when its function
      // is.
      if (x.function_by_oid.contains(o.function)) x.operators.push_back(o);
    }
    for (const OperatorInfo& o : x.operators) {
      x.operator_by_oid.emplace(o.oid, &o);
      x.operators_by_name[o.name].push_back(&o);
    }
    for (const AggregateInfo& a : aggregate_table()) {
      CHECK(x.aggregate_by_oid.emplace(a.oid, &a).second);
      x.aggregates_by_name[a.name].push_back(&a);
    }
    return x;
  }();
  return index;
}

namespace {

template <class Map>
typename Map::mapped_type find_in(const Map& map, Oid oid) {
  auto it = map.find(oid);
  return it == map.end() ? nullptr : it->second;
}

}  // namespace

std::span<const FunctionInfo* const> all_functions() { return registry_index().functions; }
std::span<const OperatorInfo> all_operators() { return registry_index().operators; }
std::span<const AggregateInfo> all_aggregates() { return aggregate_table(); }

const FunctionInfo* find_function(Oid oid) {
  return find_in(registry_index().function_by_oid, oid);
}
const OperatorInfo* find_operator(Oid oid) {
  return find_in(registry_index().operator_by_oid, oid);
}
const AggregateInfo* find_aggregate(Oid oid) {
  return find_in(registry_index().aggregate_by_oid, oid);
}
bool is_aggregate_name(std::string_view name) {
  return registry_index().aggregates_by_name.contains(name);
}
bool is_function_name(std::string_view name) {
  return registry_index().functions_by_name.contains(name);
}

const OperatorInfo* find_operator(std::string_view name, Oid left, Oid right) {
  auto it = registry_index().operators_by_name.find(name);
  if (it == registry_index().operators_by_name.end()) return nullptr;
  for (const OperatorInfo* o : it->second) {
    if (o->left == left && o->right == right) return o;
  }
  return nullptr;
}

const OperatorInfo* comparison_operator(ComparisonKind kind, Oid type) {
  std::string_view name;
  switch (kind) {
    case ComparisonKind::kEqual:
      name = "=";
      break;
    case ComparisonKind::kNotEqual:
      name = "<>";
      break;
    case ComparisonKind::kLess:
      name = "<";
      break;
    case ComparisonKind::kLessEqual:
      name = "<=";
      break;
    case ComparisonKind::kGreater:
      name = ">";
      break;
    case ComparisonKind::kGreaterEqual:
      name = ">=";
      break;
    default:
      return nullptr;
  }
  const TypeInfo* t = find_type(type);
  if (t == nullptr) return nullptr;
  if (type == oid::kVarchar) type = oid::kText;
  if (t->is_array()) type = oid::kAnyArray;
  // The reg* types and int2vector's like share the comparison of what they are made of.
  if (type != oid::kOid && t->category == 'N' && t->name.starts_with("reg")) type = oid::kOid;
  return find_operator(name, type, type);
}

}  // namespace quorate::sql
