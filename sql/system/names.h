// Names of functions and of catalog objects, as the reg* types read and write them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sql/functions/registry.h"

namespace quorate::sql::system {

// A row of pg_proc, wherever it comes from.
struct ProcedureRef {
  Oid oid = 0;
  std::string_view name;
  Oid result = 0;
  const TypeList* args = nullptr;
  bool returns_set = false;
  Oid variadic = 0;
};
std::optional<ProcedureRef> find_procedure(Oid oid);
std::vector<ProcedureRef> find_procedures(std::string_view name);
// "integer, VARIADIC \"any\""
std::string argument_list(const ProcedureRef& f, std::string_view separator);

// a.b."C d" in parts, unquoted names in lower case. 42602 `invalid name syntax`.
Result<std::vector<std::string>> split_name(std::string_view text);

}  // namespace quorate::sql::system
