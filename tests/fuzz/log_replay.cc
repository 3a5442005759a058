// Recovery over segments whose batches are whole but say anything at all: numbers that repeat or
// leap, indexes that go back, groups that come and go, what an earlier life left, batches one over
// the other. What could go wrong: recovery crashes or runs for ever instead of telling corruption.
#include "runtime/sim/sim_env.h"
#include "storage/log_recovery.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/input_reader.h"

namespace quorate::storage {
namespace {

class MemoryFile final : public runtime::File {
 public:
  Bytes bytes;
  Result<uint64_t> size() override { return uint64_t{bytes.size()}; }
  runtime::Task<Result<Bytes>> read_at(uint64_t offset, size_t length) override {
    co_return Bytes(BytesView(bytes).substr(std::min<size_t>(offset, bytes.size()), length));
  }
  runtime::Task<Status> write_and_sync(uint64_t, BytesView, runtime::SyncPlace) override {
    co_return internal_error("recovery does not write");
  }
  runtime::Task<Status> allocate(uint64_t) override {
    co_return internal_error("recovery does not write");
  }
};

// Small numbers are likely; the largest are never counted up to.
uint64_t draw_number(fuzz::InputReader& in) {
  const uint8_t b = in.byte();
  return b < 250 ? b % 16 : in.word(6);
}

LogRecord draw_record(fuzz::InputReader& in) {
  LogRecord r;
  const uint8_t head = in.byte();
  r.type = static_cast<RecordType>(1 + head % 7);
  // A local record is the store's own.
  r.range = RangeId(r.type == RecordType::kLocal ? 0 : 1 + head / 7 % 3);
  r.replica = ReplicaId(draw_number(in));
  r.index = LogIndex(draw_number(in));
  r.term = Term(draw_number(in));
  r.kind = head / 21 % 2;
  if (r.is_entry()) r.payload = std::make_shared<const Bytes>(in.take(in.byte() % 32));
  if (r.type == RecordType::kLocal) r.key = in.take(in.byte() % 4);
  if (r.type == RecordType::kLocal || r.type == RecordType::kHardState) {
    r.value = in.take(in.byte() % 8);
  }
  return r;
}

void put_block(Bytes& segment, uint64_t offset, BytesView bytes) {
  if (segment.size() < offset + bytes.size()) segment.resize(offset + bytes.size());
  segment.replace(offset, bytes.size(), bytes);
}

}  // namespace

FUZZ_TARGET(log_replay) {
  fuzz::InputReader in(input);
  MemoryFile files[2];
  LogCheckpoint checkpoint;
  checkpoint.batch = draw_number(in);
  for (uint64_t n = in.byte() % 3; n > 0; --n) {
    LogGroupMeta meta{ReplicaId(draw_number(in)), "state", LogIndex(draw_number(in)),
                      Term(draw_number(in)), ReplicaId(draw_number(in))};
    checkpoint.groups[RangeId(n)] = meta;
    checkpoint.applied[RangeId(n)] = LogIndex(draw_number(in));
  }
  const uint64_t before = checkpoint.batch;
  BatchEncoder encoder;
  std::set<uint64_t> numbers;
  while (!in.done() && numbers.size() < 24) {
    const uint8_t head = in.byte();
    BatchIdentity id;
    id.life = head & 3;
    id.position = kLogBlock * (in.byte() % 8);
    // Mostly the next one.
    id.number = (head & 4) != 0 && !numbers.empty() ? *numbers.rbegin() + 1 : draw_number(in);
    id.log_start = (head & 8) != 0 ? draw_number(in) : 1;
    id.synced = (head & 16) != 0 ? draw_number(in) : id.number == 0 ? 0 : id.number - 1;
    std::vector<LogRecord> records;
    for (uint64_t n = in.byte() % 8; n > 0; --n) records.push_back(draw_record(in));
    Bytes batch(encoder.encode(id, records));
    // Damage somewhere in the batch.
    if ((head & 32) != 0) {
      const size_t at = in.below(batch.size());
      batch[at] = static_cast<char>(batch[at] ^ (1 | in.byte()));
    }
    put_block(files[head >> 7].bytes, id.position, batch);
    numbers.insert(id.number);
  }
  std::vector<RecoverySegment> segments;
  for (MemoryFile& f : files) {
    segments.push_back({static_cast<uint32_t>(segments.size() + 1), &f, f.bytes.size()});
  }
  runtime::SimWorld world(1);
  runtime::SimNodeEnv node(world, "n1");
  auto recovering = recover_log(&segments, std::move(checkpoint), 4096, {});
  Result<RecoveredLog> log = node.run(std::move(recovering));
  if (!log.ok()) {
    CHECK(log.status().code() == StatusCode::kCorruption);
    return;
  }
  CHECK(log->last_batch >= before);
  for (const auto& [range, group] : log->groups) {
    for (LogIndex i = group.meta.truncated.next(); i <= group.last(); i = i.next()) {
      const LogSlot& slot = group.at(i);
      CHECK(slot.segment == 1 || slot.segment == 2);
      const Bytes& segment = files[slot.segment - 1].bytes;
      CHECK(slot.place.offset + slot.place.bytes <= segment.size());
      // It is the entry that stands there, of one of the lives drawn above.
      const BytesView there = BytesView(segment).substr(slot.place.offset, slot.place.bytes);
      bool found = false;
      for (uint64_t life = 0; life < 4 && !found; ++life) {
        LogRecord r;
        RecordPlace place;
        found = parse_record(there, life, slot.place.offset, r, place) && r.is_entry() &&
                r.range == range && r.index == i && r.term == slot.term;
      }
      CHECK(found);
    }
  }
  for (const DamagedReplica& d : log->damaged) {
    if (!d.lowest_lost || !log->groups.contains(d.range)) continue;
    CHECK(log->groups.at(d.range).last() < *d.lowest_lost);
  }
}

FUZZ_SEEDS(log_replay) {
  std::vector<Bytes> out;
  for (char kind = 0; kind < 7; ++kind) {
    // Three batches in a row, the last in the other segment: entries 1 to 3, then one record.
    Bytes in{0, 0};
    for (char batch = 0; batch < 3; ++batch) {
      in += {static_cast<char>(batch == 0 ? 1 : batch == 1 ? 5 : 133), batch};
      if (batch == 0) in += '\1';
      in += {2, 0, 1, static_cast<char>(batch + 1), 1, 3, 'a', 'b', 'c'};
      in += {static_cast<char>(kind), 1, static_cast<char>(batch + 1), 1, 3, 'x', 'y', 'z'};
    }
    out.push_back(in);
    out.push_back(Bytes{2, 1, 1, 1, 1, 0, 1} + in.substr(2));
    // The middle one damaged.
    in.replace(in.find('\5', 10), 1, "\x25");
    out.push_back(in);
  }
  return out;
}

}  // namespace quorate::storage
