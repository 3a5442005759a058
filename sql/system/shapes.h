// The columns of the system relations, as text that is read once: "name type, name type!, ..." with
// typname's names, "!" for NOT NULL, and "yesno" for information_schema's yes_or_no.
#pragma once

#include <span>
#include <string_view>

#include "sql/types/type.h"

namespace quorate::sql::system {

struct Shape {
  Oid oid = 0;
  std::string_view name;
  char kind = 'r';  // pg_class.relkind
  std::string_view columns;
};

std::span<const Shape> pg_catalog_shapes();
std::span<const Shape> information_schema_shapes();
std::span<const Shape> quorate_shapes();

}  // namespace quorate::sql::system
