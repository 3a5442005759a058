// The functions that read and write the types' values. They are rows of pg_proc (clients tell array
// types by typinput = 'array_in'); the work is done by sql/types, and none can be called by name.
#pragma once

#include <span>
#include <string_view>

#include "sql/functions/registry.h"

namespace quorate::sql::system {

struct IoFunction {
  Oid oid = 0;
  std::string_view name;
  Oid result = 0;
  TypeList args;
  char volatility = 'i';
};

std::span<const IoFunction> io_functions();
const IoFunction* find_io_function(std::string_view name);
const IoFunction* find_io_function(Oid oid);

}  // namespace quorate::sql::system
