// The outer form of a row's value, as far as two versions of a row can be compared in some of their
// columns without knowing types. The bytes are drawn in sql/catalog/row_codec.cc.
#pragma once

#include "range/api.h"

namespace quorate::range {

inline constexpr uint8_t kRowFormat = 0x10;

// The places of a value's parts, checked against its end.
struct RowView {
  const char* nulls = nullptr;
  const char* offsets = nullptr;
  const char* data = nullptr;
  size_t data_size = 0, width = 1;
  uint64_t count = 0;

  // False: not the value of a row of a table.
  bool parse(BytesView in) {
    if (in.size() < 2) return false;
    uint8_t code = static_cast<uint8_t>(in.front()) - kRowFormat;
    if (code > 2) return false;
    width = size_t{1} << code;
    in.remove_prefix(1);
    if (!take_count(in) || count > in.size()) return false;
    size_t nulls_size = (count + 7) / 8, head = nulls_size + count * width;
    if (in.size() < head) return false;
    nulls = in.data();
    offsets = nulls + nulls_size;
    data = in.data() + head;
    data_size = in.size() - head;
    return true;
  }
  bool is_null(uint32_t slot) const { return (nulls[slot / 8] >> (slot % 8) & 1) != 0; }
  bool bytes(uint32_t slot, BytesView* out) const {
    uint32_t begin = slot == 0 ? 0 : load_offset(offsets + (slot - 1) * width);
    uint32_t end = load_offset(offsets + slot * width);
    if (begin > end || end > data_size) return false;
    *out = BytesView(data + begin, end - begin);
    return true;
  }

 private:
  bool take_count(BytesView& in) {
    count = 0;
    for (int shift = 0; shift < 64 && !in.empty(); shift += 7) {
      auto b = static_cast<uint8_t>(in.front());
      in.remove_prefix(1);
      count |= uint64_t{b & 0x7fu} << shift;
      if (b < 0x80) return true;
    }
    return false;
  }
  uint32_t load_offset(const char* at) const {
    const auto* b = reinterpret_cast<const unsigned char*>(at);
    switch (width) {
      case 1:
        return b[0];
      case 2:
        return b[0] | uint32_t{b[1]} << 8;
      default:
        return b[0] | uint32_t{b[1]} << 8 | uint32_t{b[2]} << 16 | uint32_t{b[3]} << 24;
    }
  }
};

// Do two versions of one row agree in `columns`? `stored` has the columns that stand in the value,
// in the order of its slots; what is not stored lies in the key, and the key is the same. Values
// that can't be told apart by column (`stored` is zero, or other formats) must be equal as a whole.
bool same_columns(BytesView a, BytesView b, ColumnSet columns, ColumnSet stored);

}  // namespace quorate::range
