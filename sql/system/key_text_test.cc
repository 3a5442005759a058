#include "sql/system/key_text.h"

#include <gtest/gtest.h>

#include "range/keys.h"
#include "sql/catalog/catalog_data.h"
#include "sql/catalog/row_codec.h"

namespace quorate::sql::system {
namespace {

class KeyTextTest : public testing::Test {
 protected:
  KeyTextTest() {
    catalog_.put(DatabaseDescriptor{.oid = 5, .name = "postgres"});
    catalog_.put(SchemaDescriptor{.oid = 6, .database = 5, .name = "public"});
    TableDescriptor t;
    t.oid = 16384;
    t.storage = TableId(16384);
    t.schema = 6;
    t.name = "t";
    t.columns = {{.id = 1, .name = "a", .type = {oid::kInt4, -1}},
                 {.id = 2, .name = "b", .type = {oid::kText, -1}}};
    t.indexes = {{.id = IndexId(1),
                  .oid = 16385,
                  .name = "t_pkey",
                  .unique = true,
                  .primary = true,
                  .columns = {{.column = 1}, {.column = 2}}}};
    catalog_.put(t);
    codec_ = RowCodec::create(catalog_.table(16384));
  }
  Bytes prefix(std::vector<Datum> values) const {
    Bytes key;
    EXPECT_TRUE(codec_->encode_prefix(0, values, &key).ok());
    return key;
  }
  CatalogData catalog_;
  std::shared_ptr<const RowCodec> codec_;
};

TEST_F(KeyTextTest, rows_are_named_by_table_index_and_values) {
  const KeyText names(catalog_, 5);
  const Bytes whole = prefix({Datum::of_int(-7), Datum::of_bytes("x y")});
  EXPECT_EQ(names.key(whole), "/t/t_pkey/-7/x y");
  EXPECT_EQ(names.key(prefix({Datum::of_int(3)})), "/t/t_pkey/3");
  EXPECT_EQ(names.key(range::keys::table_prefix(TableId(16384))), "/t");
  EXPECT_EQ(names.table_of(whole), "t");
}

TEST_F(KeyTextTest, what_has_no_name_or_no_meaning_is_shown_as_bytes) {
  const KeyText names(catalog_, 5);
  EXPECT_EQ(names.key(""), "");
  EXPECT_EQ(names.key("\x10"), "/tables");
  EXPECT_EQ(names.key("\x02node"), "/system/node");
  EXPECT_EQ(names.key(range::keys::index_prefix(TableId(77), IndexId(1)) + "\xff"), "/77/1/ff");
  const Bytes cut = prefix({Datum::of_int(3), Datum::of_bytes("abc")});
  EXPECT_EQ(names.key(cut.substr(0, cut.size() - 3)).substr(0, 12), "/t/t_pkey/3/");
}

TEST_F(KeyTextTest, a_span_names_its_tables_and_other_databases_are_told) {
  EXPECT_EQ(KeyText(catalog_, 5).tables_in(KeySpan::all()), "t");
  EXPECT_EQ(KeyText(catalog_, 5).tables_in({"", "\x10"}), "");
  EXPECT_EQ(KeyText(catalog_, 99).tables_in(KeySpan::all()), "postgres.public.t");
}

}  // namespace
}  // namespace quorate::sql::system
