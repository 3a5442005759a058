#include "range/row_view.h"

#include <algorithm>
#include <bit>

namespace quorate::range {

bool same_columns(BytesView a, BytesView b, ColumnSet columns, ColumnSet stored) {
  if (a == b) return true;
  RowView left, right;
  if (stored == 0 || columns == kAllColumns || !left.parse(a) || !right.parse(b)) return false;
  const uint64_t slots = std::max(left.count, right.count);
  ColumnSet rest = stored;
  for (uint32_t slot = 0; slot < slots; ++slot) {
    // All columns from the 64th on share the last bit, and what the reader's description of the
    // table does not have was not used.
    const ColumnSet column = rest == 0 ? column_bit(63) : rest & (~rest + 1);
    rest &= ~column;
    if ((column & columns) == 0) continue;
    // A column that one version does not know yet has a value that only the table's description
    // tells.
    if (slot >= left.count || slot >= right.count) return false;
    if (left.is_null(slot) != right.is_null(slot)) return false;
    BytesView x, y;
    if (!left.bytes(slot, &x) || !right.bytes(slot, &y) || x != y) return false;
  }
  return true;
}

}  // namespace quorate::range
