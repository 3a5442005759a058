// What the log and other nodes keep of the core's values is frozen: these bytes were written by
// version 1. A message's layout may change together with the version of the handshake
// (runtime/network.h); what is stored may not.
#include <gtest/gtest.h>

#include "base/archive.h"
#include "raft/core/types.h"

namespace quorate::raft {
namespace {

template <class T>
void expect_frozen(const T& value, const std::string& golden) {
  EXPECT_EQ(to_hex(encode(value)), golden);
  T read;
  ASSERT_TRUE(decode(encode(value), read).ok());
  EXPECT_EQ(to_hex(encode(read)), golden) << "what was read back differs";
}

ConfState joint() {
  ConfState conf;
  conf.voters = {ReplicaId(1), ReplicaId(4)};
  conf.outgoing = {ReplicaId(1), ReplicaId(2)};
  conf.learners = {ReplicaId(6)};
  conf.learners_next = {ReplicaId(2)};
  conf.auto_leave = true;
  conf.stores = {{ReplicaId(1), StoreId(11)}, {ReplicaId(300), StoreId(12)}};
  return conf;
}

TEST(FrozenFormats, hard_state) {
  HardState state{
      Term(5), ReplicaId(2), LogIndex(300), {ReplicaId(2), StoreId(3), Term(5), StoreEpoch(7)}};
  expect_frozen(state, "0502ac0202030507");
  expect_frozen(HardState(), "00000000000000");
}

TEST(FrozenFormats, conf_state) { expect_frozen(joint(), "020104020102010601020102010bac020c"); }

TEST(FrozenFormats, conf_change) {
  ConfChange change;
  change.steps = {{ConfChangeOp::kAddLearner, ReplicaId(4), StoreId(9)},
                  {ConfChangeOp::kRemove, ReplicaId(1), StoreId()}};
  change.transition = ConfTransition::kJointExplicit;
  change.context = "why";
  expect_frozen(change, "020104090201000203776879");
}

TEST(FrozenFormats, snapshot_meta) {
  SnapshotMeta meta{LogIndex(10), Term(3), joint()};
  expect_frozen(meta, "0a03020104020102010601020102010bac020c");
}

TEST(FrozenFormats, entry) {
  Entry entry{Term(3), LogIndex(10), EntryType::kConfChange,
              std::make_shared<const Bytes>("payload")};
  expect_frozen(entry, "030a0101077061796c6f6164");
  entry.payload = nullptr;
  expect_frozen(entry, "030a0100");
}

TEST(FrozenFormats, message) {
  Message m;
  m.type = MessageType::kSupportQuery;
  m.range = RangeId(300);
  m.from = ReplicaId(1);
  m.to = ReplicaId(2);
  m.term = Term(3);
  m.log_term = Term(4);
  m.index = LogIndex(5);
  m.commit = LogIndex(6);
  m.hint = LogIndex(7);
  m.reject = true;
  m.hand_over = true;
  m.leader_store = StoreId(8);
  m.epoch = StoreEpoch(9);
  m.clock = Timestamp(0x1122334455667788);
  m.context = "ctx";
  m.entries = {Entry{Term(3), LogIndex(10), EntryType::kNormal, nullptr}};
  m.snapshot = std::make_shared<const SnapshotMeta>(SnapshotMeta{LogIndex(10), Term(3), {}});
  expect_frozen(
      m, "0eac0201020304050607010001080988776655443322110363747801030a0000010a03000000000000");
}

}  // namespace
}  // namespace quorate::raft
