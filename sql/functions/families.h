// The families of built-in functions, one source file each; registry.cc joins them.
#pragma once

#include "sql/functions/registry.h"

namespace quorate::sql {

std::span<const FunctionInfo> arithmetic_functions();
std::span<const FunctionInfo> comparison_functions();
std::span<const FunctionInfo> string_functions();
std::span<const FunctionInfo> pattern_functions();
std::span<const FunctionInfo> date_time_functions();
std::span<const FunctionInfo> format_functions();
std::span<const FunctionInfo> array_functions();
std::span<const FunctionInfo> set_functions();
std::span<const FunctionInfo> system_functions();
std::span<const OperatorInfo> operator_table();
std::span<const AggregateInfo> aggregate_table();

}  // namespace quorate::sql
