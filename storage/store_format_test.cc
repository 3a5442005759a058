// What could go wrong: stored bytes change their meaning between two versions of the server, or a
// damaged one is believed.
#include "storage/store_format.h"

#include <gtest/gtest.h>

#include "storage/snapshot_format.h"

namespace quorate::storage {
namespace {

TEST(StoreFormat, golden_bytes) {
  Bytes out;
  encode_version("key", {Timestamp(0x0102030405060708), false, "value"}, out);
  EXPECT_EQ(to_hex(out), "c835128e00080706050403020176616c7565");
  encode_version("key", {Timestamp(7), true, ""}, out);
  EXPECT_EQ(to_hex(out), "b1b652da010700000000000000");
  encode_plain(Keyspace::kIntent, "key", "value", out);
  EXPECT_EQ(to_hex(out), "816955a876616c7565");
  EXPECT_EQ(to_hex(StoredKey("key", Timestamp(0x0102030405060708)).view()),
            "686b6579fefdfcfbfaf9f8f7");
  EXPECT_EQ(to_hex(meta_group_key(RangeId(258))), "6d670000000000000102");
  EXPECT_EQ(to_hex(range_record_prefix(RangeId(258))), "0000000000000102");
  WriteBatch batch;
  batch.put_version("a", Timestamp(7), "v");
  batch.delete_version("b", Timestamp(8));
  batch.put(Keyspace::kIntent, "c", "w");
  batch.remove(Keyspace::kTxnRecord, "d");
  EXPECT_EQ(to_hex(batch.bytes()),
            "01016107000000000000000176020162080000000000000003690163017704740164");
  SnapshotChunk chunk{3, true, {{"k", "v"}}, 9};
  EXPECT_EQ(to_hex(encode_chunk(chunk)), "2a70ce0b030101016b017609");
}

TEST(StoreFormat, a_flipped_bit_or_another_key_is_noticed) {
  Bytes good;
  encode_version("key", {Timestamp(77), false, "value"}, good);
  ASSERT_EQ(decode_version("key", good)->value, "value");
  EXPECT_EQ(decode_version("kez", good).status().code(), StatusCode::kCorruption);
  for (size_t i = 0; i < good.size() * 8; ++i) {
    Bytes bad = good;
    bad[i / 8] = static_cast<char>(bad[i / 8] ^ (1 << (i % 8)));
    EXPECT_FALSE(decode_version("key", bad).ok()) << i;
  }
  for (size_t n = 0; n < good.size(); ++n) {
    EXPECT_FALSE(decode_version("key", BytesView(good).substr(0, n)).ok()) << n;
  }
}

TEST(WriteBatch, comes_back_as_it_went_and_bad_bytes_are_refused) {
  WriteBatch batch;
  batch.put_version("a", Timestamp(7), "v");
  batch.delete_version("b", Timestamp(8));
  batch.put(Keyspace::kIntent, "c", "w");
  batch.remove(Keyspace::kTxnRecord, "d");
  WriteBatchReader reader(batch.bytes());
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.key, "a");
  EXPECT_EQ(reader.value, "v");
  EXPECT_EQ(reader.ts, Timestamp(7));
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.op, WriteBatch::Op::kDeleteVersion);
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.keyspace, Keyspace::kIntent);
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.op, WriteBatch::Op::kDelete);
  EXPECT_FALSE(reader.next());
  EXPECT_TRUE(reader.status().ok());
  for (size_t n = 1; n < batch.bytes().size(); ++n) {
    WriteBatchReader part(BytesView(batch.bytes()).substr(0, n));
    while (part.next()) {
    }
    // Refused, or cut at the border of an operation.
    bool border = n == 13 || n == 24 || n == 30;
    EXPECT_EQ(part.status().ok(), border) << n;
  }
}

TEST(StoreFormat, publishing_a_run_is_frozen) {
  WriteBatch batch;
  batch.publish_run("k", Timestamp(0x0102030405060708));
  EXPECT_EQ(to_hex(batch.bytes()), "05016b0807060504030201");
  WriteBatchReader reader(batch.bytes());
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.op, WriteBatch::Op::kPublishRun);
  EXPECT_EQ(reader.key, "k");
  EXPECT_EQ(reader.ts, Timestamp(0x0102030405060708));
  EXPECT_FALSE(reader.next());
}

TEST(StoreFormat, a_stored_row_that_has_changed_is_told) {
  Bytes version, plain;
  encode_version("row", {Timestamp(5), false, "value"}, version);
  encode_plain(Keyspace::kIntent, "row", "value", plain);
  const std::pair<Bytes, Bytes> rows[] = {
      {Bytes(StoredKey(Keyspace::kRow, "row").view()), version},
      {Bytes(StoredKey("row", Timestamp(5)).view()), version},
      {Bytes(StoredKey(Keyspace::kIntent, "row").view()), plain},
  };
  for (const auto& [key, value] : rows) {
    EXPECT_TRUE(verify_stored(key, value).ok());
    for (size_t bit = 0; bit < value.size() * 8; ++bit) {
      Bytes changed = value;
      changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
      EXPECT_EQ(verify_stored(key, changed).code(), StatusCode::kCorruption);
    }
    EXPECT_EQ(verify_stored(key, "").code(), StatusCode::kCorruption);
  }
  // Another row's, or of another time.
  EXPECT_EQ(verify_stored(StoredKey(Keyspace::kRow, "other"), version).code(),
            StatusCode::kCorruption);
  EXPECT_EQ(verify_stored(StoredKey("row", Timestamp(6)), version).code(), StatusCode::kCorruption);
  EXPECT_EQ(verify_stored(StoredKey(Keyspace::kTxnRecord, "row"), plain).code(),
            StatusCode::kCorruption);
}

TEST(StoreFormat, a_stored_row_tells_whose_it_is) {
  RangeId range;
  Bytes key;
  EXPECT_TRUE(parse_stored_place(StoredKey("row", Timestamp(6)), range, key));
  EXPECT_EQ(key, "row");
  EXPECT_FALSE(range);
  EXPECT_TRUE(parse_stored_place(StoredKey(Keyspace::kTxnRecord, "anchor"), range, key));
  EXPECT_EQ(key, "anchor");
  EXPECT_TRUE(parse_stored_place(Bytes("r\0\0\0\0\0\0\0\7d", 10), range, key));
  EXPECT_EQ(range, RangeId(7));
}

}  // namespace
}  // namespace quorate::storage
