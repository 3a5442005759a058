#include "sql/catalog/row_codec.h"

#include <gtest/gtest.h>

#include "range/row_view.h"

namespace quorate::sql {
namespace {

ColumnDescriptor column(ColumnId id, const char* name, Oid type) {
  ColumnDescriptor c;
  c.id = id;
  c.name = name;
  c.type = Type{type, -1};
  return c;
}

// sbtest-like: id, k, c, pad; primary key (id), index (k), unique index (c, k).
std::shared_ptr<TableDescriptor> sample_table() {
  auto t = std::make_shared<TableDescriptor>();
  t->oid = 16384;
  t->storage = TableId(16384);
  t->name = "t";
  t->columns = {column(1, "id", oid::kInt4), column(2, "k", oid::kInt4), column(3, "c", oid::kText),
                column(4, "pad", oid::kText)};
  IndexDescriptor primary, k, unique;
  primary.id = IndexId(1);
  primary.name = "t_pkey";
  primary.unique = primary.primary = true;
  primary.columns = {{1}};
  k.id = IndexId(2);
  k.name = "k_1";
  k.columns = {{2}};
  unique.id = IndexId(3);
  unique.name = "u";
  unique.unique = true;
  unique.columns = {{3, true}, {2}};
  t->indexes = {primary, k, unique};
  t->next_column = 5;
  t->next_index = IndexId(4);
  return t;
}

std::vector<Datum> sample_row() {
  return {Datum::of_int(7), Datum::of_int(-3), Datum::of_bytes("hello"), Datum::null()};
}

std::vector<uint32_t> all(const RowCodec& codec) {
  std::vector<uint32_t> out(codec.row_width());
  for (uint32_t i = 0; i < out.size(); ++i) out[i] = i;
  return out;
}

TEST(RowCodec, bytes_of_a_row_are_frozen) {
  auto codec = RowCodec::create(sample_table());
  Bytes key, value;
  ASSERT_TRUE(codec->encode_primary(sample_row(), &key, &value).ok());
  EXPECT_EQ(to_hex(key), "10000040000001018000000000000007");
  // Format 1, three slots, the third null, ends 1 6 6, zigzag(-3), "hello".
  EXPECT_EQ(to_hex(value), "1003040106060568656c6c6f");
  ASSERT_TRUE(codec->encode_index(1, sample_row(), &key, &value).ok());
  EXPECT_EQ(to_hex(key), "10000040000002017ffffffffffffffd018000000000000007");
  EXPECT_EQ(to_hex(value), "01");
}

// What range/ compares of two versions of a row without knowing types.
TEST(RowCodec, versions_are_compared_column_by_column) {
  auto codec = RowCodec::create(sample_table());
  const range::ColumnSet stored = codec->stored_columns();
  EXPECT_EQ(stored, 0b1110u);  // id lies in the key
  auto encoded = [&](std::vector<Datum> row) {
    Bytes key, value;
    CHECK(codec->encode_primary(row, &key, &value).ok());
    return value;
  };
  auto row = sample_row();
  const Bytes before = encoded(row);
  row[2] = Datum::of_bytes("hello, and more");
  const Bytes after = encoded(row);
  EXPECT_TRUE(range::same_columns(before, after, 0b0011, stored));
  EXPECT_TRUE(range::same_columns(before, after, 0b1011, stored));
  EXPECT_FALSE(range::same_columns(before, after, 0b0100, stored));
  EXPECT_FALSE(range::same_columns(before, after, range::kAllColumns, stored));
  EXPECT_FALSE(range::same_columns(before, after, 0b0011, 0));
  EXPECT_FALSE(range::same_columns(before, "\x01", 0b0011, stored));
  EXPECT_TRUE(range::same_columns(before, before, range::kAllColumns, 0));
  row = sample_row();
  row[3] = Datum::of_bytes("");  // was null
  EXPECT_FALSE(range::same_columns(before, encoded(row), 0b1000, stored));
  row[3] = Datum::of_bytes(std::string(300, 'x'));  // wider offsets
  EXPECT_TRUE(range::same_columns(before, encoded(row), 0b0111, stored));
  // A column that was added since is not what an older reader used; one that used it can't tell.
  auto wider = sample_table();
  wider->columns.push_back(column(5, "late", oid::kInt4));
  auto newer = RowCodec::create(wider);
  auto long_row = sample_row();
  long_row.push_back(Datum::of_int(1));
  Bytes key, grown;
  ASSERT_TRUE(newer->encode_primary(long_row, &key, &grown).ok());
  EXPECT_TRUE(range::same_columns(before, grown, 0b0111, stored));
  EXPECT_TRUE(range::same_columns(before, grown, 0b0111, newer->stored_columns()));
  EXPECT_FALSE(range::same_columns(before, grown, 0b10000, newer->stored_columns()));
}

TEST(RowCodec, more_columns_than_bits_share_the_last_one) {
  auto table = sample_table();
  for (ColumnId id = 5; id <= 80; ++id) table->columns.push_back(column(id, "more", oid::kInt4));
  auto codec = RowCodec::create(table);
  std::vector<Datum> row(80, Datum::of_int(1));
  row[2] = row[3] = Datum::of_bytes("x");
  Bytes key, before, after;
  ASSERT_TRUE(codec->encode_primary(row, &key, &before).ok());
  auto same = [&](range::ColumnSet columns) {
    CHECK(codec->encode_primary(row, &key, &after).ok());
    return range::same_columns(before, after, columns, codec->stored_columns());
  };
  row[79] = Datum::of_int(2);
  EXPECT_FALSE(same(range::column_bit(63)));
  EXPECT_TRUE(same(~range::column_bit(63) & ~range::column_bit(0)));
  row[79] = Datum::of_int(1);
  row[62] = Datum::of_int(2);
  EXPECT_TRUE(same(range::column_bit(63)));
  EXPECT_FALSE(same(range::column_bit(62)));
}

TEST(RowCodec, row_comes_back_whatever_its_size) {
  auto codec = RowCodec::create(sample_table());
  for (size_t size : {0, 1, 22, 23, 250, 254, 255, 256, 65'533, 65'536, 100'000}) {
    auto row = sample_row();
    row[3] = Datum::of_bytes(std::string(size, 'x'));
    Bytes key, value;
    ASSERT_TRUE(codec->encode_primary(row, &key, &value).ok());
    std::vector<Datum> out(4);
    ASSERT_TRUE(codec->decode_primary(key, value, all(*codec), out).ok()) << size;
    EXPECT_EQ(out[0].as_int(), 7);
    EXPECT_EQ(out[1].as_int(), -3);
    EXPECT_EQ(out[2].as_bytes(), "hello");
    EXPECT_EQ(out[3].as_bytes().size(), size);
  }
}

TEST(RowCodec, only_wanted_columns_are_touched) {
  auto codec = RowCodec::create(sample_table());
  Bytes key, value;
  ASSERT_TRUE(codec->encode_primary(sample_row(), &key, &value).ok());
  std::vector<Datum> out(4);
  std::vector<uint32_t> wanted{2};
  ASSERT_TRUE(codec->decode_primary(key, value, wanted, out).ok());
  EXPECT_TRUE(out[0].is_null() && out[1].is_null());
  EXPECT_EQ(out[2].as_bytes(), "hello");
}

TEST(RowCodec, added_column_has_its_missing_value_in_old_rows) {
  auto old = sample_table();
  Bytes key, value;
  ASSERT_TRUE(RowCodec::create(old)->encode_primary(sample_row(), &key, &value).ok());
  auto wider = std::make_shared<TableDescriptor>(*old);
  wider->columns.push_back(column(5, "added", oid::kText));
  wider->columns.back().missing_sql = "'it''s'";
  auto codec = RowCodec::create(wider);
  std::vector<Datum> out(5);
  ASSERT_TRUE(codec->decode_primary(key, value, all(*codec), out).ok());
  EXPECT_EQ(out[4].as_bytes(), "it's");
}

TEST(RowCodec, secondary_entry_leads_to_its_row) {
  auto codec = RowCodec::create(sample_table());
  auto row = sample_row();
  Bytes primary, value, key, entry, found;
  ASSERT_TRUE(codec->encode_primary(row, &primary, &value).ok());
  for (size_t index : {1, 2}) {
    ASSERT_TRUE(codec->encode_index(index, row, &key, &entry).ok());
    ASSERT_TRUE(codec->primary_key_of(index, key, entry, &found).ok());
    EXPECT_EQ(found, primary);
    std::vector<uint32_t> wanted{0, 1};
    ASSERT_TRUE(codec->index_covers(index, wanted));
    std::vector<Datum> out(4);
    ASSERT_TRUE(codec->decode_index(index, key, entry, wanted, out).ok());
    EXPECT_EQ(out[0].as_int(), 7);
    EXPECT_EQ(out[1].as_int(), -3);
  }
  std::vector<uint32_t> pad{3};
  EXPECT_FALSE(codec->index_covers(1, pad));
}

TEST(RowCodec, unique_keys_differ_only_where_a_null_is) {
  auto codec = RowCodec::create(sample_table());
  auto a = sample_row(), b = sample_row();
  b[0] = Datum::of_int(8);
  Bytes key_a, key_b, value;
  ASSERT_TRUE(codec->encode_index(2, a, &key_a, &value).ok());
  ASSERT_TRUE(codec->encode_index(2, b, &key_b, &value).ok());
  EXPECT_EQ(key_a, key_b);
  a[1] = b[1] = Datum::null();
  ASSERT_TRUE(codec->encode_index(2, a, &key_a, &value).ok());
  ASSERT_TRUE(codec->encode_index(2, b, &key_b, &value).ok());
  EXPECT_NE(key_a, key_b);
}

TEST(RowCodec, long_key_is_refused_by_the_index_name) {
  auto codec = RowCodec::create(sample_table());
  auto row = sample_row();
  row[2] = Datum::of_bytes(std::string(500, 'x'));
  Bytes key, value;
  Status s = codec->encode_index(2, row, &key, &value);
  EXPECT_EQ(s.sqlstate(), sqlstate::kProgramLimitExceeded);
  EXPECT_NE(s.message().find("\"u\""), std::string::npos);
}

TEST(RowCodec, damaged_values_are_corruption_and_never_read_past_the_end) {
  auto codec = RowCodec::create(sample_table());
  Bytes key, value;
  ASSERT_TRUE(codec->encode_primary(sample_row(), &key, &value).ok());
  for (size_t cut = 0; cut < value.size(); ++cut) {
    std::vector<Datum> out(4);
    Bytes part = value.substr(0, cut);
    EXPECT_FALSE(codec->decode_primary(key, part, all(*codec), out).ok()) << cut;
  }
}

TEST(Descriptors, table_descriptor_survives_its_encoding) {
  auto t = sample_table();
  t->checks.push_back({1, "c", "(k > 0)", true});
  t->foreign_keys.push_back({2, "fk", {2}, 99, {1}, IndexId(1)});
  Bytes bytes = encode(*t);
  TableDescriptor back;
  ASSERT_TRUE(decode(bytes, back).ok());
  EXPECT_EQ(encode(back), bytes);
  EXPECT_EQ(back.indexes[2].columns[0].descending, true);
  EXPECT_EQ(back.foreign_keys[0].referenced_table, 99u);
}

}  // namespace
}  // namespace quorate::sql
