// SQL values drawn from a fuzzer's input: any value that the type can hold in a stored row.
#pragma once

#include <vector>

#include "sql/types/type.h"
#include "tests/fuzz/input_reader.h"

namespace quorate::fuzz {

// The types that values are drawn of, a share of them fit for keys (sql::can_be_key).
const std::vector<sql::Oid>& value_types();
// Never null; owns its bytes.
sql::Datum draw_value(sql::Oid type, InputReader& in);

}  // namespace quorate::fuzz
