// The keys that an IndexRange covers.
#pragma once

#include "sql/plan/plan.h"

namespace quorate::sql {

// nullopt: nothing can match (a null among the values).
Result<std::optional<KeySpan>> index_span(const IndexRange& range, const RowCodec& codec,
                                          const Frame& frame);
// The span of a whole index.
KeySpan whole_index(const TableDescriptor& table, size_t index);

}  // namespace quorate::sql
