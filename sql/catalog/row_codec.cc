// The bytes. Frozen: they are on disk.
//
// Value of a primary entry
//
//   byte     10 11 12: format 1 with offsets of 1, 2 or 4 bytes
//   varint   n, the number of slots. Slot k is the k-th column, in order of id, that the primary
//            key does not give back exactly; dropped columns keep their slot, new ones come last
//   n bits   null bitmap in whole bytes, lowest bit first; 1 is null
//   n × w    where each slot's bytes end, little-endian, counted from the end of this list
//   ...      the values (sql/types/value_encoding.h)
//
// A slot at or beyond n belongs to a column that was added after the row was written: its value is
// ColumnDescriptor::missing_sql.
//
// Value of a secondary entry
//
//   byte     01: format
//   unique indexes: varint length, then the primary key's columns as in the primary entry's key
//   for each index column whose key form is not exact: varint 0 for null, else length + 1 and bytes
//
// The key of a secondary entry that is not unique, or holds a null, ends with the primary key's
// columns in the very bytes that they have in the primary entry's key, so that finding the row
// copies them.
#include "sql/catalog/row_codec.h"

#include <absl/container/inlined_vector.h>

#include "base/limits.h"
#include "range/keys.h"
#include "range/row_view.h"
#include "sql/types/key_encoding.h"
#include "sql/types/text_io.h"
#include "sql/types/value_encoding.h"

namespace quorate::sql {
namespace {

using range::kRowFormat;
using range::RowView;

constexpr char kIndexFormat = 0x01;
constexpr uint32_t kNowhere = UINT32_MAX;

struct KeyColumn {
  uint32_t position = 0;  // in the row
  Type type;
  bool descending = false, nulls_first = false;
  bool exact = true;
};

struct IndexLayout {
  std::vector<KeyColumn> columns;
  Bytes prefix;
  std::vector<uint32_t> ordinal;  // by row position: which key column gives it, or kNowhere
  std::vector<uint32_t> extra;    // key columns that stand in the value too
  bool unique = false;
  std::string name;
};

struct Slot {
  uint32_t slot = kNowhere;  // kNowhere: the key gives it
  Oid type = 0;
  Rep rep = Rep::kInt;
  Datum missing;
};

uint8_t width_code(size_t bytes) { return bytes <= 0xff ? 0 : bytes <= 0xffff ? 1 : 2; }

void store_offset(char* at, size_t width, uint32_t v) {
  for (size_t i = 0; i < width; ++i) at[i] = static_cast<char>(v >> (8 * i));
}

// missing_sql is a quoted literal of the column's type.
Datum read_missing(const ColumnDescriptor& c) {
  if (c.missing_sql.empty()) return Datum::null();
  CHECK(c.missing_sql.size() >= 2 && c.missing_sql.front() == '\'' && c.missing_sql.back() == '\'');
  std::string text;
  for (size_t i = 1; i + 1 < c.missing_sql.size(); ++i) {
    text += c.missing_sql[i];
    if (c.missing_sql[i] == '\'') ++i;
  }
  auto v = input_text(c.type, text, IoContext{});
  CHECK_MSG(v.ok(), "missing value of column " + c.name);
  return std::move(v).value();
}

class RowCodecImpl final : public RowCodec {
 public:
  explicit RowCodecImpl(TablePtr table) : table_(std::move(table)) {
    CHECK(!table_->indexes.empty());
    for (const auto& index : table_->indexes) indexes_.push_back(layout(index));
    lay_out_slots();
  }

  const TableDescriptor& table() const override { return *table_; }
  range::ColumnSet stored_columns() const override { return stored_set_; }

  Status encode_primary(std::span<const Datum> row, Bytes* key, Bytes* value) const override {
    DCHECK(row.size() == row_width());
    const IndexLayout& primary = indexes_[0];
    key->assign(primary.prefix);
    append_key(primary, row, *key);
    RETURN_IF_ERROR(check_key(primary, *key));
    encode_row(row, *value);
    if (value->size() > limits::kValueBytesMax) {
      return resource_exhausted("row is too big: size " + std::to_string(value->size()) +
                                ", maximum size " + std::to_string(limits::kValueBytesMax));
    }
    return {};
  }

  Status encode_index(size_t index, std::span<const Datum> row, Bytes* key,
                      Bytes* value) const override {
    DCHECK(index > 0 && row.size() == row_width());
    const IndexLayout& layout = indexes_[index];
    key->assign(layout.prefix);
    bool has_null = append_key(layout, row, *key);
    if (!layout.unique || has_null) append_key(indexes_[0], row, *key);
    RETURN_IF_ERROR(check_key(layout, *key));

    value->assign(1, kIndexFormat);
    if (layout.unique) append_sized(*value, [&](Bytes& out) { append_key(indexes_[0], row, out); });
    for (uint32_t k : layout.extra) {
      const Datum& v = row[layout.columns[k].position];
      if (v.is_null()) {
        put_varint(0, *value);
        continue;
      }
      Bytes bytes;
      encode_value(layout.columns[k].type.oid, v, bytes);
      put_varint(bytes.size() + 1, *value);
      value->append(bytes);
    }
    return {};
  }

  Status encode_prefix(size_t index, std::span<const Datum> values, Bytes* key) const override {
    const IndexLayout& layout = indexes_[index];
    CHECK(values.size() <= layout.columns.size());
    key->assign(layout.prefix);
    for (size_t i = 0; i < values.size(); ++i) {
      const KeyColumn& c = layout.columns[i];
      encode_key(c.type, values[i], c.descending, c.nulls_first, *key);
    }
    return check_key(layout, *key);
  }

  Status decode_primary(BytesView key, BytesView value, std::span<const uint32_t> wanted,
                        std::span<Datum> row) const override {
    RowView view;
    if (!view.parse(value)) return corruption("row value of table " + table_->name);
    uint32_t key_columns = 0;
    for (uint32_t position : wanted) {
      const Slot& s = slots_[position];
      if (s.slot == kNowhere) {
        key_columns |= 1u << indexes_[0].ordinal[position];
      } else if (s.slot >= view.count) {
        row[position] = s.missing;
      } else if (view.is_null(s.slot)) {
        row[position] = Datum::null();
      } else {
        BytesView bytes;
        if (!view.bytes(s.slot, &bytes) ||
            !decode_value_fast(s.rep, s.type, bytes, &row[position])) {
          return corruption("row value of table " + table_->name);
        }
      }
    }
    return key_columns == 0 ? Status() : decode_key_columns(indexes_[0], key, key_columns, row);
  }

  Status decode_index(size_t index, BytesView key, BytesView value,
                      std::span<const uint32_t> wanted, std::span<Datum> row) const override {
    const IndexLayout& layout = indexes_[index];
    uint32_t own = 0, of_primary = 0;
    bool extra = false;
    for (uint32_t position : wanted) {
      uint32_t k = layout.ordinal[position];
      if (k != kNowhere) {
        if (layout.columns[k].exact)
          own |= 1u << k;
        else
          extra = true;
      } else if (uint32_t p = indexes_[0].ordinal[position];
                 p != kNowhere && indexes_[0].columns[p].exact) {
        of_primary |= 1u << p;
      }
    }
    if (own != 0) RETURN_IF_ERROR(decode_key_columns(layout, key, own, row));
    if (of_primary != 0) {
      BytesView tail;
      RETURN_IF_ERROR(primary_tail(layout, key, value, &tail));
      RETURN_IF_ERROR(decode_columns(indexes_[0], tail, of_primary, row));
    }
    return extra ? decode_extra(layout, value, wanted, row) : Status();
  }

  bool index_covers(size_t index, std::span<const uint32_t> wanted) const override {
    if (index == 0) return true;
    for (uint32_t position : wanted) {
      if (indexes_[index].ordinal[position] != kNowhere) continue;
      uint32_t p = indexes_[0].ordinal[position];
      if (p == kNowhere || !indexes_[0].columns[p].exact) return false;
    }
    return true;
  }

  Status primary_key_of(size_t index, BytesView key, BytesView value,
                        Bytes* primary_key) const override {
    BytesView tail;
    RETURN_IF_ERROR(primary_tail(indexes_[index], key, value, &tail));
    primary_key->assign(indexes_[0].prefix);
    primary_key->append(tail);
    return {};
  }

 private:
  IndexLayout layout(const IndexDescriptor& index) const {
    IndexLayout out;
    out.name = index.name.empty() ? table_->name : index.name;
    out.prefix = range::keys::index_prefix(table_->storage, index.id);
    out.unique = index.unique;
    out.ordinal.assign(row_width(), kNowhere);
    CHECK_MSG(index.columns.size() <= 32, "index " + index.name);
    for (const auto& c : index.columns) {
      KeyColumn k{position_of(c.column), {}, c.descending, c.nulls_first, true};
      k.type = k.position == table_->columns.size() ? Type{oid::kInt8, -1}
                                                    : table_->columns[k.position].type;
      k.exact = key_is_exact(k.type.oid);
      // A column may stand twice in an index: the first one gives it.
      if (out.ordinal[k.position] == kNowhere) {
        out.ordinal[k.position] = static_cast<uint32_t>(out.columns.size());
        if (!k.exact) out.extra.push_back(static_cast<uint32_t>(out.columns.size()));
      }
      out.columns.push_back(k);
    }
    return out;
  }

  void lay_out_slots() {
    slots_.resize(row_width());
    for (size_t i = 0; i < table_->columns.size(); ++i) {
      const ColumnDescriptor& c = table_->columns[i];
      uint32_t k = indexes_[0].ordinal[i];
      if (k != kNowhere && indexes_[0].columns[k].exact) continue;
      slots_[i].slot = static_cast<uint32_t>(stored_.size());
      slots_[i].type = c.type.oid;
      slots_[i].rep = type_info(c.type.oid).rep;
      slots_[i].missing = read_missing(c);
      stored_.push_back(static_cast<uint32_t>(i));
      stored_set_ |= range::column_bit(i);
    }
  }

  uint32_t position_of(ColumnId id) const {
    if (id == kRowidColumn) {
      CHECK(table_->hidden_rowid);
      return static_cast<uint32_t>(table_->columns.size());
    }
    for (size_t i = 0; i < table_->columns.size(); ++i)
      if (table_->columns[i].id == id) return static_cast<uint32_t>(i);
    UNREACHABLE("an index of " + table_->name + " names a column that is not there");
  }

  // Appends the index's columns; true when one of them is null.
  static bool append_key(const IndexLayout& layout, std::span<const Datum> row, Bytes& key) {
    bool has_null = false;
    for (const KeyColumn& c : layout.columns) {
      const Datum& v = row[c.position];
      has_null |= v.is_null();
      encode_key(c.type, v, c.descending, c.nulls_first, key);
    }
    return has_null;
  }

  template <class Append>
  static void append_sized(Bytes& out, Append append) {
    Bytes inner;
    append(inner);
    put_varint(inner.size(), out);
    out.append(inner);
  }

  static Status check_key(const IndexLayout& layout, const Bytes& key) {
    if (key.size() <= limits::kKeyBytesMax) return {};
    return resource_exhausted("index row size " + std::to_string(key.size()) + " exceeds maximum " +
                              std::to_string(limits::kKeyBytesMax) + " for index \"" + layout.name +
                              "\"");
  }

  // The header is laid out for one-byte offsets and widened where the row turns out longer.
  void encode_row(std::span<const Datum> row, Bytes& out) const {
    size_t n = stored_.size();
    out.clear();
    out.push_back(static_cast<char>(kRowFormat));
    put_varint(n, out);
    size_t nulls_at = out.size(), offsets_at = nulls_at + (n + 7) / 8;
    out.resize(offsets_at + n);
    size_t data_at = out.size();
    absl::InlinedVector<uint32_t, 32> ends(n);
    for (size_t slot = 0; slot < n; ++slot) {
      const Datum& v = row[stored_[slot]];
      if (v.is_null())
        out[nulls_at + slot / 8] = static_cast<char>(out[nulls_at + slot / 8] | 1 << (slot % 8));
      else
        encode_value(slots_[stored_[slot]].type, v, out);
      ends[slot] = static_cast<uint32_t>(out.size() - data_at);
    }
    uint8_t code = width_code(out.size() - data_at);
    size_t width = size_t{1} << code;
    out[0] = static_cast<char>(kRowFormat + code);
    if (width > 1) out.insert(data_at, n * (width - 1), '\0');
    for (size_t slot = 0; slot < n; ++slot)
      store_offset(out.data() + offsets_at + slot * width, width, ends[slot]);
  }

  Status decode_key_columns(const IndexLayout& layout, BytesView key, uint32_t mask,
                            std::span<Datum> row) const {
    if (key.size() < layout.prefix.size()) return corrupt_key(layout);
    key.remove_prefix(layout.prefix.size());
    return decode_columns(layout, key, mask, row);
  }

  // `in` begins with the layout's first column; stops after the last one in `mask`.
  static Status decode_columns(const IndexLayout& layout, BytesView in, uint32_t mask,
                               std::span<Datum> row) {
    for (uint32_t k = 0; mask >> k != 0; ++k) {
      const KeyColumn& c = layout.columns[k];
      if ((mask >> k & 1) != 0)
        RETURN_IF_ERROR(decode_key(c.type, in, c.descending, c.nulls_first, &row[c.position]));
      else
        RETURN_IF_ERROR(skip_key(c.type, in, c.descending));
      if (k == 31) break;
    }
    return {};
  }

  // The primary key's columns within a secondary entry.
  static Status primary_tail(const IndexLayout& layout, BytesView key, BytesView value,
                             BytesView* tail) {
    if (layout.unique) {
      uint64_t size = 0;
      if (value.empty() || value.front() != kIndexFormat) return corrupt_key(layout);
      value.remove_prefix(1);
      if (!take_varint(value, size) || size > value.size()) return corrupt_key(layout);
      *tail = value.substr(0, size);
      return {};
    }
    if (key.size() < layout.prefix.size()) return corrupt_key(layout);
    key.remove_prefix(layout.prefix.size());
    for (const KeyColumn& c : layout.columns) RETURN_IF_ERROR(skip_key(c.type, key, c.descending));
    *tail = key;
    return {};
  }

  static Status decode_extra(const IndexLayout& layout, BytesView value,
                             std::span<const uint32_t> wanted, std::span<Datum> row) {
    if (value.empty() || value.front() != kIndexFormat) return corrupt_key(layout);
    value.remove_prefix(1);
    uint64_t size = 0;
    if (layout.unique) {
      if (!take_varint(value, size) || size > value.size()) return corrupt_key(layout);
      value.remove_prefix(size);
    }
    for (uint32_t k : layout.extra) {
      const KeyColumn& c = layout.columns[k];
      if (!take_varint(value, size) || (size > 0 && size - 1 > value.size()))
        return corrupt_key(layout);
      bool is_wanted = std::find(wanted.begin(), wanted.end(), c.position) != wanted.end();
      if (size == 0) {
        if (is_wanted) row[c.position] = Datum::null();
        continue;
      }
      if (is_wanted) {
        ASSIGN_OR_RETURN(row[c.position], decode_value(c.type.oid, value.substr(0, size - 1)));
      }
      value.remove_prefix(size - 1);
    }
    return {};
  }

  static Status corrupt_key(const IndexLayout& layout) {
    return corruption("entry of index " + layout.name);
  }

  TablePtr table_;
  std::vector<IndexLayout> indexes_;
  std::vector<Slot> slots_;       // by row position
  std::vector<uint32_t> stored_;  // by slot: the row position
  range::ColumnSet stored_set_ = 0;
};

}  // namespace

std::shared_ptr<const RowCodec> RowCodec::create(TablePtr table) {
  return std::make_shared<RowCodecImpl>(std::move(table));
}

}  // namespace quorate::sql
