#include "sql/exec/index_span.h"

#include "range/keys.h"

namespace quorate::sql {
namespace {

// The tags that sql/types/key_encoding.h puts before a column's value.
constexpr char kValueTag = '\x01';
constexpr char kAfterValuesTag = '\x02';

}  // namespace

KeySpan whole_index(const TableDescriptor& table, size_t index) {
  return KeySpan::prefix(range::keys::index_prefix(table.storage, table.indexes[index].id));
}

Result<std::optional<KeySpan>> index_span(const IndexRange& range, const RowCodec& codec,
                                          const Frame& frame) {
  const IndexDescriptor& index = codec.table().indexes[range.index];
  std::vector<Datum> values(range.equal.size());
  for (size_t i = 0; i < values.size(); ++i) {
    if (!range.equal[i].eval(frame, &values[i])) return frame.error;
    if (values[i].is_null()) return std::optional<KeySpan>();
  }
  Bytes prefix;
  RETURN_IF_ERROR(codec.encode_prefix(range.index, values, &prefix));
  KeySpan span = KeySpan::prefix(prefix);
  if (!range.next_not_null) return std::optional<KeySpan>(std::move(span));
  span = {prefix + kValueTag, prefix + kAfterValuesTag};
  const bool descending = index.columns[values.size()].descending;
  for (const auto* bound : {&range.lower, &range.upper}) {
    if (!bound->has_value()) continue;
    Datum v;
    if (!(*bound)->value.eval(frame, &v)) return frame.error;
    if (v.is_null()) return std::optional<KeySpan>();
    std::vector<Datum> with = values;
    with.push_back(v);
    Bytes key;
    RETURN_IF_ERROR(codec.encode_prefix(range.index, with, &key));
    const bool starts = (bound == &range.lower) != descending;
    // Everything that begins with `key` equals the bound in this column.
    if (starts) {
      span.start = std::max(span.start, (*bound)->inclusive ? key : prefix_successor(key));
    } else {
      span.end = std::min(span.end, (*bound)->inclusive ? prefix_successor(key) : key);
    }
  }
  if (span.start >= span.end) return std::optional<KeySpan>();
  return std::optional<KeySpan>(std::move(span));
}

}  // namespace quorate::sql
