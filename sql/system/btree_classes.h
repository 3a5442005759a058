// PostgreSQL's default btree operator classes of our types: pg_opclass and pg_opfamily.
#pragma once

#include <span>
#include <string_view>

#include "sql/types/type.h"

namespace quorate::sql::system {

struct BtreeClass {
  Oid oid = 0;
  std::string_view name;
  Oid family = 0;
  Oid type = 0;
  Oid equal = 0;  // pg_operator's
  std::string_view family_name;
};

std::span<const BtreeClass> btree_classes();
// The class that an index column of this type uses.
const BtreeClass* btree_class_of(Oid type);

}  // namespace quorate::sql::system
