// Rows as keys and values. What could go wrong: a row does not come back as it was, a damaged entry
// is read past its end, a proof by columns takes rows for equal that differ.
#include "range/row_view.h"
#include "sql/catalog/row_codec.h"
#include "sql/types/key_encoding.h"
#include "sql/types/value_encoding.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/value_generator.h"

namespace quorate::sql {
namespace {

// A column of each type; the key holds exact and inexact ones.
std::shared_ptr<const TableDescriptor> make_table() {
  auto t = std::make_shared<TableDescriptor>();
  t->oid = 16384;
  t->storage = TableId(16384);
  t->name = "t";
  for (Oid type : fuzz::value_types()) {
    ColumnDescriptor c;
    c.id = t->next_column++;
    c.name = "c" + std::to_string(c.id);
    c.type = Type{type, -1};
    if (type == oid::kInt8) c.missing_sql = "'7'";
    t->columns.push_back(std::move(c));
  }
  auto id_of = [&](Oid type) {
    for (const auto& c : t->columns)
      if (c.type.oid == type) return c.id;
    UNREACHABLE("a type without column");
  };
  IndexDescriptor primary, plain, unique;
  primary.id = IndexId(1);
  primary.unique = primary.primary = true;
  primary.columns = {{id_of(oid::kInt4)}, {id_of(oid::kText), true}, {id_of(oid::kNumeric)}};
  plain.id = IndexId(2);
  plain.name = "plain";
  plain.columns = {{id_of(oid::kTimestamp)}, {id_of(oid::kBpchar), true, true}};
  unique.id = IndexId(3);
  unique.name = "unique";
  unique.unique = true;
  unique.columns = {{id_of(oid::kInt4Array)}, {id_of(oid::kFloat8), true}, {id_of(oid::kUuid)}};
  t->indexes = {primary, plain, unique};
  return t;
}

struct Table {
  std::shared_ptr<const TableDescriptor> table = make_table();
  std::shared_ptr<const RowCodec> codec = RowCodec::create(table);
  std::vector<uint32_t> all = every();

  std::vector<uint32_t> every() const {
    std::vector<uint32_t> out(codec->row_width());
    for (uint32_t i = 0; i < out.size(); ++i) out[i] = i;
    return out;
  }
};
const Table& shared_table() {
  static const Table table;
  return table;
}

using Row = std::vector<Datum>;

Row draw_row(const Table& t, fuzz::InputReader& in) {
  Row row(t.all.size());
  for (size_t i = 0; i < row.size(); ++i) {
    if ((in.byte() & 3) != 0) row[i] = fuzz::draw_value(t.table->columns[i].type.oid, in);
  }
  return row;
}

Bytes stored(const Table& t, const Row& row, uint32_t column) {
  Bytes out;
  if (row[column].is_null()) return "null";
  encode_value(t.table->columns[column].type.oid, row[column], out);
  return out + "v";
}

void run_row(const Table& t, fuzz::InputReader in) {
  const Row row = draw_row(t, in);
  Bytes key, value;
  if (!t.codec->encode_primary(row, &key, &value).ok()) return;
  Row back(row.size());
  CHECK(t.codec->decode_primary(key, value, t.all, back).ok());
  for (uint32_t i : t.all) CHECK(stored(t, row, i) == stored(t, back, i));
  Bytes key_again, value_again;
  CHECK(t.codec->encode_primary(back, &key_again, &value_again).ok());
  CHECK(key == key_again && value == value_again);

  for (size_t index = 1; index < t.table->indexes.size(); ++index) {
    Bytes index_key, index_value, found;
    if (!t.codec->encode_index(index, row, &index_key, &index_value).ok()) continue;
    CHECK(t.codec->primary_key_of(index, index_key, index_value, &found).ok());
    CHECK(found == key);
    Row partly(row.size());
    CHECK(t.codec->decode_index(index, index_key, index_value, t.all, partly).ok());
    for (uint32_t i : t.all) {
      const uint32_t one[] = {i};
      if (t.codec->index_covers(index, one)) CHECK(stored(t, row, i) == stored(t, partly, i));
    }
  }

  // Another row, the same but for some columns: equal in the others and in nothing else.
  Row other = row;
  const uint64_t changed = in.word();
  for (uint32_t i : t.all) {
    if ((changed >> i & 1) != 0) other[i] = fuzz::draw_value(t.table->columns[i].type.oid, in);
  }
  Bytes other_key, other_value;
  if (!t.codec->encode_primary(other, &other_key, &other_value).ok()) return;
  const range::ColumnSet in_value = t.codec->stored_columns();
  for (uint32_t i : t.all) {
    const range::ColumnSet bit = range::column_bit(i);
    if ((in_value & bit) == 0) continue;
    const bool same = range::same_columns(value, other_value, bit, in_value);
    CHECK(same == (stored(t, row, i) == stored(t, other, i)));
  }
}

// Any bytes as an entry: the first part is the key behind its prefix, the rest the value.
void run_bytes(const Table& t, fuzz::InputReader in) {
  const size_t index = in.byte() % t.table->indexes.size();
  Bytes key, unused;
  CHECK(t.codec->encode_prefix(index, {}, &key).ok());
  key += in.take(in.byte());
  const Bytes value(in.rest());
  Row row(t.all.size());
  if (index != 0) {
    (void)t.codec->decode_index(index, key, value, t.all, row);
    (void)t.codec->primary_key_of(index, key, value, &unused);
    return;
  }
  if (t.codec->decode_primary(key, value, t.all, row).ok()) {
    for (const Datum& d : row) {
      if (d.holds_bytes() && d.is_view()) {
        const char* at = d.as_bytes().data();
        CHECK(at >= value.data() && at + d.as_bytes().size() <= value.data() + value.size());
      }
    }
  }
  // Two halves as two values.
  const BytesView a = BytesView(value).substr(0, value.size() / 2);
  const BytesView b = BytesView(value).substr(value.size() / 2);
  const range::ColumnSet columns = in.word();
  const bool same = range::same_columns(a, b, columns, t.codec->stored_columns());
  CHECK(same == range::same_columns(b, a, columns, t.codec->stored_columns()));
}

}  // namespace

// First byte: a row or bytes.
FUZZ_TARGET(row_encoding) {
  fuzz::InputReader in(input);
  if ((in.byte() & 1) != 0) {
    run_row(shared_table(), in);
  } else {
    run_bytes(shared_table(), in);
  }
}

FUZZ_SEEDS(row_encoding) {
  const Table& t = shared_table();
  std::vector<Bytes> out;
  for (int seed = 1; seed <= 12; ++seed) {
    Bytes draw{1};
    for (int i = 0; i < 200 + 40 * seed; ++i) {
      draw.push_back(static_cast<char>(i * seed + i / 7));
    }
    out.push_back(draw);
    fuzz::InputReader in(BytesView(draw).substr(1));
    const Row row = draw_row(t, in);
    for (size_t index = 0; index < t.table->indexes.size(); ++index) {
      Bytes prefix, key, value;
      CHECK(t.codec->encode_prefix(index, {}, &prefix).ok());
      Status s = index == 0 ? t.codec->encode_primary(row, &key, &value)
                            : t.codec->encode_index(index, row, &key, &value);
      if (!s.ok() || key.size() - prefix.size() > 255) continue;
      const BytesView tail = BytesView(key).substr(prefix.size());
      out.push_back(Bytes{0, static_cast<char>(index), static_cast<char>(tail.size())} +
                    Bytes(tail) + value);
    }
  }
  return out;
}

}  // namespace quorate::sql
