// What stands on disk is frozen: these bytes were written by version 1 and must always be read back
// as what they meant, and written again the same.
#include <gtest/gtest.h>

#include "range/command.h"
#include "range/eval/records.h"

namespace quorate::range {
namespace {

template <class T>
std::string hex(const T& value) {
  return to_hex(encode(value));
}

// Written and read back, it is the same bytes.
template <class T>
void expect_frozen(const T& value, const std::string& golden) {
  EXPECT_EQ(hex(value), golden);
  T read;
  ASSERT_TRUE(decode(encode(value), read).ok());
  EXPECT_EQ(hex(read), golden) << "what was read back differs";
}

RangeDescriptor descriptor() {
  RangeDescriptor d;
  d.id = RangeId(300);
  d.span = {"a", "m"};
  d.generation = 7;
  d.replicas = {{NodeId(1), StoreId(2), ReplicaId(3), ReplicaRole::kVoter},
                {NodeId(4), StoreId(5), ReplicaId(6), ReplicaRole::kLearner}};
  d.next_replica = ReplicaId(7);
  return d;
}

TEST(FrozenFormats, intent) {
  Intent intent;
  intent.txn = {1, 2};
  intent.anchor = "anchor";
  intent.ts = Timestamp(0x1122334455667788);
  intent.attempt = Timestamp(3);
  intent.began = Timestamp(4);
  intent.coordinator = NodeId(5);
  intent.coordinator_epoch = 6;
  intent.lock_only = true;
  intent.deleted = true;
  intent.changed = 0x8000000000000001;
  intent.base = Timestamp(7);
  intent.value = "row";
  expect_frozen(intent,
                "01010206616e63686f7288776655443322110300000000000000040000000000000005060101818080"
                "8080808080800101070000000000000003726f77");
  expect_frozen(
      Intent(),
      "0100000000000000000000000000000000000000000000000000000000000000ffffffffffffffffff010000");
}

TEST(FrozenFormats, txn_record) {
  TxnRecord record;
  record.status = TxnStatus::kStaging;
  record.commit_ts = Timestamp(10);
  record.attempt = Timestamp(11);
  record.heartbeat = Timestamp(12);
  record.keys = {"a", "bc"};
  expect_frozen(record, "01020a000000000000000b000000000000000c00000000000000020161026263");
  EXPECT_EQ(to_hex(txn_record_key("anchor", {0x0102030405060708, 0x090a0b0c0d0e0f10})),
            "616e63686f720102030405060708090a0b0c0d0e0f10");
  // What the numbers of an outcome mean can't change either.
  EXPECT_EQ(static_cast<int>(TxnStatus::kCommitted), 3);
  EXPECT_EQ(static_cast<int>(TxnStatus::kAborted), 4);
}

TEST(FrozenFormats, run_record) {
  RunRecord run;
  run.txn = {1, 2};
  run.anchor = "anchor";
  run.sequence = 300;
  run.first = "a";
  run.last = "zz";
  run.rows = 7;
  run.bytes = 1000;
  run.floor = Timestamp(8);
  run.staged = Timestamp(9);
  run.attempt = Timestamp(10);
  run.began = Timestamp(11);
  run.coordinator = NodeId(12);
  run.coordinator_epoch = 13;
  expect_frozen(run,
                "01010206616e63686f72ac020161027a7a07e80708000000000000000900000000000000"
                "0a000000000000000b000000000000000c0d");
  EXPECT_EQ(to_hex(run_key("a", {0x0102030405060708, 0x090a0b0c0d0e0f10}, 300)),
            "610102030405060708090a0b0c0d0e0f100000012c");
}

TEST(FrozenFormats, range_descriptor) {
  expect_frozen(descriptor(), "ac020161016d0702010203010405060207");
}

TEST(FrozenFormats, command) {
  Command command;
  command.id_high = 1;
  command.id_low = 300;
  command.lease_term = Term(9);
  command.clock = Timestamp(77);
  command.operations = "ops";
  expect_frozen(command, "0101ac02094d0000000000000000036f7073");
  command.trigger = GcTrigger{Timestamp(5), Timestamp(6)};
  expect_frozen(command, "0101ac02094d000000000000000305000000000000000600000000000000036f7073");
  command.trigger = ReplicasTrigger{descriptor()};
  expect_frozen(command, "0101ac02094d0000000000000002ac020161016d0702010203010405060207036f7073");
  SplitTrigger split;
  split.left = descriptor();
  split.right = descriptor();
  split.right.id = RangeId(301);
  split.clock = Timestamp(88);
  split.leaseholder = StoreId(2);
  command.trigger = split;
  expect_frozen(command,
                "0101ac02094d0000000000000001ac020161016d0702010203010405060207ad020161016d07020102"
                "03010405060207580000000000000002036f7073");
}

// Any byte cut off, any byte more: refused, not misread.
TEST(FrozenFormats, short_and_long_bytes_are_corruption) {
  Intent intent;
  intent.anchor = "anchor";
  intent.value = "row";
  const Bytes bytes = encode(intent);
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(parse_intent(BytesView(bytes).substr(0, size)).ok()) << size;
  EXPECT_FALSE(parse_intent(bytes + "x").ok());
  Bytes newer = bytes;
  newer[0] = 2;
  EXPECT_FALSE(parse_intent(newer).ok()) << "a later format";
  TxnRecord record;
  record.keys = {"a"};
  Bytes later = encode(record);
  later[0] = 3;
  EXPECT_FALSE(parse_record(later).ok());
}

}  // namespace
}  // namespace quorate::range
