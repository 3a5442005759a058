// Everything that base/archive.h decodes from disk or from peers: descriptors, commands, log and
// catalog records, batches of requests, frames of Raft and of calls. What could go wrong: decoding
// reads past the end, allocates what is merely announced, or gives something that, written again,
// is read as something else.
#include "base/archive.h"
#include "raft/driver/raft_frame.h"
#include "range/api.h"
#include "range/cluster.h"
#include "range/command.h"
#include "range/eval/records.h"
#include "range/store.h"
#include "runtime/rpc_frames.h"
#include "sql/catalog/catalog_store.h"
#include "sql/catalog/descriptor.h"
#include "storage/log_format.h"
#include "storage/log_group.h"
#include "storage/run_body.h"
#include "storage/write_batch.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/input_reader.h"

namespace quorate {
namespace {

template <class T>
void run_struct(BytesView bytes) {
  T value{};
  Status s = decode(bytes, value);
  if (!s.ok()) {
    CHECK(s.code() == StatusCode::kCorruption);
    return;
  }
  // Sorted containers and long forms of numbers may shrink, once; an SQLSTATE that is none becomes
  // one.
  const Bytes once = encode(value);
  CHECK(once.size() <= 2 * bytes.size() + 16);
  T again{};
  CHECK(decode(once, again).ok());
  CHECK(encode(again) == once);
}

void run_write_batch(BytesView bytes) {
  storage::WriteBatchReader reader(bytes);
  storage::WriteBatch again;
  using Op = storage::WriteBatch::Op;
  while (reader.next()) {
    switch (reader.op) {
      case Op::kPutVersion:
        again.put_version(reader.key, reader.ts, reader.value);
        break;
      case Op::kDeleteVersion:
        again.delete_version(reader.key, reader.ts);
        break;
      case Op::kPut:
        again.put(reader.keyspace, reader.key, reader.value);
        break;
      case Op::kDelete:
        again.remove(reader.keyspace, reader.key);
        break;
      case Op::kPublishRun:
        again.publish_run(reader.key, reader.ts);
        break;
    }
  }
  if (!reader.status().ok()) return;
  CHECK(again.bytes().size() <= bytes.size());
  storage::WriteBatchReader second(again.bytes());
  size_t count = 0;
  while (second.next()) ++count;
  CHECK(second.status().ok() && count == again.count());
}

void run_run_body(BytesView bytes) {
  auto reader = storage::RunReader::open(bytes);
  if (!reader.ok()) return;
  storage::RunRow row;
  size_t at = 1, rows = 0;
  while (at < reader->end() && reader->next(&at, row)) ++rows;
  // What a proposer checks before it takes a body from elsewhere.
  if (!reader->check().ok()) return;
  CHECK(rows == reader->rows() && at == reader->end());
  for (size_t i = 0; i < rows; ++i) {
    row = reader->row(i);
    CHECK(reader->lower_bound(row.key) == i && reader->find(row.key)->value == row.value);
  }
}

// A frame of a call carries a payload of its own.
void run_request(BytesView bytes) {
  run_struct<runtime::RpcRequestFrame>(bytes);
  runtime::RpcRequestFrame frame;
  if (decode(bytes, frame).ok()) run_struct<range::BatchRequest>(frame.body);
}
void run_reply(BytesView bytes) {
  run_struct<runtime::RpcReplyFrame>(bytes);
  runtime::RpcReplyFrame frame;
  if (decode(bytes, frame).ok()) run_struct<range::BatchResponse>(frame.body);
}

// Appended to only: kept inputs begin with a number of this list.
constexpr void (*kReaders[])(BytesView) = {run_struct<sql::TableDescriptor>,
                                           run_struct<sql::SequenceDescriptor>,
                                           run_struct<sql::SchemaDescriptor>,
                                           run_struct<sql::DatabaseDescriptor>,
                                           run_struct<sql::CatalogHead>,
                                           run_struct<sql::NodeLease>,
                                           run_struct<sql::SequenceState>,
                                           run_struct<range::RangeDescriptor>,
                                           run_struct<range::Command>,
                                           run_struct<range::BirthRecord>,
                                           run_struct<range::Intent>,
                                           run_struct<range::RunRecord>,
                                           run_struct<range::TxnRecord>,
                                           run_struct<range::BatchRequest>,
                                           run_struct<range::BatchResponse>,
                                           run_struct<range::NodeInfo>,
                                           run_struct<range::RangeStatus>,
                                           run_struct<raft::RaftFrame>,
                                           run_struct<raft::ConfChange>,
                                           run_struct<raft::HardState>,
                                           run_struct<raft::SnapshotMeta>,
                                           run_struct<storage::LogGroupMeta>,
                                           run_struct<std::vector<storage::GroupExtent>>,
                                           run_write_batch,
                                           run_run_body,
                                           run_request,
                                           run_reply,
                                           run_struct<Status>};

}  // namespace

// First byte: which struct.
FUZZ_TARGET(stored_structs) {
  fuzz::InputReader in(input);
  const uint8_t which = in.byte();
  kReaders[which % std::size(kReaders)](in.rest());
}

namespace {

sql::TableDescriptor sample_table() {
  sql::TableDescriptor t;
  t.oid = 16384;
  t.storage = TableId(16384);
  t.schema = 2200;
  t.name = "t";
  t.columns = {{1, "a", {23, -1}, true, false, "1", "'2'", sql::Identity::kAlways, 16390}};
  t.indexes.push_back({IndexId(1),
                       16385,
                       "t_pkey",
                       true,
                       true,
                       true,
                       sql::SchemaState::kPublic,
                       {{1, true, false}}});
  t.checks = {{16386, "c", "(a > 0)", true}};
  t.foreign_keys = {{16387, "f", {1}, 16388, {1}, IndexId(1)}};
  t.referenced_by = {16400};
  return t;
}

range::RangeDescriptor sample_range() {
  return {RangeId(7),
          {"a", "b"},
          3,
          {{NodeId(1), StoreId(1), ReplicaId(1), range::ReplicaRole::kVoter},
           {NodeId(2), StoreId(2), ReplicaId(2), range::ReplicaRole::kLearner}},
          ReplicaId(3)};
}

raft::ConfState sample_conf() {
  raft::ConfState conf;
  conf.voters = {ReplicaId(1), ReplicaId(2)};
  conf.outgoing = {ReplicaId(1)};
  conf.stores = {{ReplicaId(1), StoreId(1)}, {ReplicaId(2), StoreId(2)}};
  return conf;
}

// One request of each kind, as far as the variant goes.
template <size_t I = 0>
void add_all(range::BatchRequest& batch) {
  if constexpr (I < std::variant_size_v<range::Request>) {
    batch.requests.emplace_back(std::in_place_index<I>);
    add_all<I + 1>(batch);
  }
}
template <size_t I = 0>
void add_all(range::BatchResponse& batch) {
  if constexpr (I < std::variant_size_v<range::Response>) {
    batch.responses.emplace_back(std::in_place_index<I>);
    add_all<I + 1>(batch);
  }
}

}  // namespace

FUZZ_SEEDS(stored_structs) {
  std::vector<Bytes> out;
  auto add = [&](char which, BytesView bytes) { out.push_back(Bytes(1, which).append(bytes)); };
  // What is made of nothing but defaults, once for each.
  add(1, encode(sql::SequenceDescriptor()));
  add(2, encode(sql::SchemaDescriptor{1, 2200, 5, "public"}));
  add(3, encode(sql::DatabaseDescriptor{1, 5, "postgres"}));
  add(4, encode(sql::CatalogHead()));
  add(5, encode(sql::NodeLease{1, {{3, Timestamp(4)}}}));
  add(6, encode(sql::SequenceState()));
  add(10, encode(range::Intent()));
  add(11, encode(range::RunRecord()));
  add(12, encode(range::TxnRecord()));
  add(15, encode(range::NodeInfo()));
  add(16, encode(range::RangeStatus{sample_range()}));
  add(19, encode(raft::HardState{Term(1), ReplicaId(2), LogIndex(3), {}}));
  add(21, encode(storage::LogGroupMeta{ReplicaId(1), "hard", LogIndex(5), Term(2), ReplicaId(0)}));
  add(0, encode(sample_table()));
  add(7, encode(sample_range()));
  range::Command command;
  command.trigger = range::SplitTrigger{sample_range(), sample_range(), Timestamp(9), StoreId(1)};
  storage::WriteBatch writes;
  writes.put_version("key", Timestamp(5), "value");
  writes.delete_version("key2", Timestamp(6));
  writes.put(storage::Keyspace::kIntent, "key", "intent");
  writes.remove(storage::Keyspace::kIntent, "key");
  writes.publish_run("run", Timestamp(7));
  command.operations = writes.bytes();
  add(8, encode(command));
  command.trigger = range::ReplicasTrigger{sample_range()};
  add(8, encode(command));
  command.trigger = range::GcTrigger{Timestamp(1), Timestamp(2)};
  add(8, encode(command));
  range::BirthRecord birth;
  birth.descriptor = sample_range();
  birth.conf = sample_conf();
  add(9, encode(birth));
  range::BatchRequest request;
  add_all(request);
  add(13, encode(request));
  add(25, encode(runtime::RpcRequestFrame{1, 2, encode(request)}));
  range::BatchResponse response;
  add_all(response);
  response.error = invalid_argument("no").with_detail("detail");
  response.descriptors = {sample_range()};
  add(14, encode(response));
  add(26, encode(runtime::RpcReplyFrame{1, aborted("again"), encode(response)}));
  raft::RaftFrame frame{StoreId(1), StoreId(2), {}};
  raft::Message append;
  append.entries = {
      {Term(1), LogIndex(2), raft::EntryType::kNormal, std::make_shared<const Bytes>("payload")},
      {Term(1), LogIndex(3), raft::EntryType::kConfChange, nullptr}};
  append.snapshot = std::make_shared<const raft::SnapshotMeta>(
      raft::SnapshotMeta{LogIndex(1), Term(1), sample_conf()});
  frame.messages = {append, {}};
  add(17, encode(frame));
  raft::ConfChange change;
  change.steps = {{raft::ConfChangeOp::kAddVoter, ReplicaId(3), StoreId(3)}};
  add(18, encode(change));
  add(20, encode(*append.snapshot));
  add(22, encode(std::vector<storage::GroupExtent>{
              {RangeId(1), ReplicaId(1), LogIndex(1), LogIndex(2), Term(1), 1}}));
  add(23, writes.bytes());
  storage::RunBuilder run;
  for (const char* key : {"a", "b", "c"}) {
    Bytes row;
    storage::append_run_row({key, "value", false, key[0] == 'a', Timestamp(3)}, row);
    run.add(row);
  }
  add(24, run.finish());
  add(27, encode(aborted("message").with_hint("hint").with_position(3)));
  return out;
}

}  // namespace quorate
