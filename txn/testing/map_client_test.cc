// The map client must behave as a transaction does, or what is tested upon it is tested against a
// wrong world.
#include "txn/testing/map_client.h"

#include <gtest/gtest.h>

namespace quorate::txn {
namespace {

class MapClientTest : public testing::Test {
 protected:
  std::string read(Transaction& t, const Bytes& key) {
    t.begin_statement();
    Result<range::RowSet> r = run_task(client_.executor(), t.get({key}, {}));
    CHECK(r.ok());
    return r->present(0) ? std::string(r->value(0)) : "-";
  }
  std::string scan(Transaction& t, ScanOptions options) {
    t.begin_statement();
    std::string out;
    while (!options.span.empty()) {
      KeySpan rest;
      Result<range::RowSet> r = run_task(client_.executor(), t.scan(options, &rest));
      CHECK(r.ok());
      for (size_t i = 0; i < r->size(); ++i) {
        out += std::string(r->key(i)) + "=" + std::string(r->value(i)) + " ";
      }
      options.span = rest;
    }
    return out;
  }
  Status commit(Transaction& t) { return run_task(client_.executor(), t.commit()); }
  void write(const Bytes& key, const Bytes& value) {
    auto t = client_.begin({});
    CHECK(t->put(key, value, range::kAllColumns, std::nullopt).ok());
    CHECK(commit(*t).ok());
  }
  MapClient client_;
};

TEST_F(MapClientTest, a_statement_does_not_see_its_own_writes_but_the_next_does) {
  auto t = client_.begin({});
  t->begin_statement();
  ASSERT_TRUE(t->put("k", "1", range::kAllColumns, Timestamp()).ok());
  Result<range::RowSet> r = run_task(client_.executor(), t->get({"k"}, {}));
  EXPECT_FALSE(r->present(0));
  EXPECT_EQ(read(*t, "k"), "1");
}

TEST_F(MapClientTest, scans_merge_own_writes_in_both_directions_and_in_chunks) {
  for (const char* k : {"a", "c", "e", "g"}) write(k, "0");
  auto t = client_.begin({});
  ASSERT_TRUE(t->put("b", "1", range::kAllColumns, Timestamp()).ok());
  ASSERT_TRUE(t->put("c", "1", range::kAllColumns, std::nullopt).ok());
  ASSERT_TRUE(t->remove("e", std::nullopt).ok());
  for (uint64_t chunk : {0, 1, 2}) {
    ScanOptions o;
    o.span = {"a", ""};
    o.rows_max = chunk;
    EXPECT_EQ(scan(*t, o), "a=0 b=1 c=1 g=0 ");
    o.reverse = true;
    EXPECT_EQ(scan(*t, o), "g=0 c=1 b=1 a=0 ");
    o.span = KeySpan::all();
    EXPECT_EQ(scan(*t, o), "g=0 c=1 b=1 a=0 ");
  }
}

TEST_F(MapClientTest, savepoints_undo_what_came_after_them) {
  auto t = client_.begin({});
  ASSERT_TRUE(t->put("a", "1", range::kAllColumns, Timestamp()).ok());
  uint64_t outer = t->savepoint();
  ASSERT_TRUE(t->put("a", "2", range::kAllColumns, Timestamp()).ok());
  uint64_t inner = t->savepoint();
  ASSERT_TRUE(t->remove("a", Timestamp()).ok());
  EXPECT_EQ(read(*t, "a"), "-");
  ASSERT_TRUE(t->rollback_to(inner).ok());
  EXPECT_EQ(read(*t, "a"), "2");
  ASSERT_TRUE(t->rollback_to(outer).ok());
  EXPECT_EQ(read(*t, "a"), "1");
  EXPECT_EQ(t->rollback_to(inner).sqlstate(), sqlstate::kInvalidSavepointSpecification);
  t->release(outer);
  EXPECT_FALSE(t->rollback_to(outer).ok());
}

TEST_F(MapClientTest, the_first_committer_wins) {
  write("k", "0");
  auto a = client_.begin({}), b = client_.begin({});
  EXPECT_EQ(read(*a, "k"), "0");
  EXPECT_EQ(read(*b, "k"), "0");
  Timestamp base = client_.rows["k"].rbegin()->first;
  ASSERT_TRUE(a->put("k", "a", range::kAllColumns, base).ok());
  ASSERT_TRUE(b->put("k", "b", range::kAllColumns, base).ok());
  EXPECT_TRUE(commit(*a).ok());
  EXPECT_EQ(commit(*b).sqlstate(), sqlstate::kSerializationFailure);
  auto c = client_.begin({});
  EXPECT_EQ(read(*c, "k"), "a");
}

}  // namespace
}  // namespace quorate::txn
