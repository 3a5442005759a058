// A range's copy on its way from another store. What could go wrong: a damaged or forged chunk
// crashes the receiver, changes something of what was there, or is installed in part; what was
// installed is not what was sent.
#include "storage/snapshot_format.h"
#include "storage/store_format.h"
#include "storage/testing/store_world.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/input_reader.h"

namespace quorate::storage {
namespace {

using testing::StoreWorld;

const RangeId kRange(7);
const KeySpan kSpan{"b", "y"};
const Timestamp kAt(10);

// A small store without files, so that opening one costs little.
struct World : StoreWorld {
  World() : StoreWorld(1) {
    CHECK(open().ok());
    WriteBatch batch;
    batch.put_version("a outside", kAt, "stays");
    batch.put_version("c old", kAt, "goes");
    batch.put(Keyspace::kRange, range_record_prefix(kRange) + "r", "record");
    commit(kRange, batch);
    CHECK(sync().ok());
  }
};

using Rows = std::vector<std::pair<Bytes, Bytes>>;
// Nothing where a stored row is damaged.
std::optional<Rows> rows_of(World& w) {
  Rows out;
  auto view = w.engine->view();
  RowIteratorOptions options;
  options.ts = Timestamp::max();
  auto it = view->rows(options);
  for (; it->valid(); it->next()) out.emplace_back(it->key(), it->value());
  if (!it->status().ok()) return std::nullopt;
  return out;
}

Status receive(World& w, const std::vector<Bytes>& chunks) {
  auto starting = w.engine->receive_snapshot();
  auto writer = w.env->run(std::move(starting));
  CHECK(writer.ok());
  for (const Bytes& chunk : chunks) {
    auto adding = (*writer)->add_chunk(chunk);
    RETURN_IF_ERROR(w.env->run(std::move(adding)));
  }
  auto installing = (*writer)->install(kRange, kSpan, LogIndex(20), Term(3));
  return w.env->run(std::move(installing));
}

// As a sender with a bug, or with bad memory, would make it: right checksum, any content.
SnapshotChunk draw_chunk(fuzz::InputReader& in, uint64_t number, bool last, uint64_t* total) {
  SnapshotChunk chunk;
  const uint8_t head = in.byte();
  chunk.number = head < 240 ? number : in.byte();
  for (uint64_t n = head % 6; n > 0; --n) {
    const uint8_t kind = in.byte();
    Bytes key, value;
    if ((kind & 1) != 0) {  // a whole row, at least its value
      const BytesView row = in.take(in.byte() % 16);
      key = Bytes(1, 'd') + ((kind & 2) != 0 ? "c" : "") + Bytes(row);
      encode_version(BytesView(key).substr(1), {Timestamp(in.byte()), (kind & 4) != 0, in.text()},
                     value);
    } else if ((kind & 2) != 0) {
      static const char kFirst[] = {'d', 'h', 'i', 'b', 'c', 't', 'r', 's', 'm', 'x'};
      key = Bytes(1, kFirst[kind / 4 % std::size(kFirst)]) + Bytes(in.take(in.byte() % 16));
      value = in.text();
    } else {
      key = in.text();
      value = in.text();
    }
    chunk.records.emplace_back(std::move(key), std::move(value));
  }
  *total += chunk.records.size();
  chunk.last = last;
  chunk.total = last ? *total : 0;
  return chunk;
}

void check_untouched(World& w, const std::optional<Rows>& before) {
  CHECK(rows_of(w) == before);
  CHECK(w.engine->health().ok());
}

// Any chunks.
void run_forged(fuzz::InputReader in) {
  World w;
  const auto before = rows_of(w);
  std::vector<Bytes> chunks;
  uint64_t total = 0;
  for (uint64_t count = 1 + in.byte() % 3, n = 0; n < count; ++n) {
    const uint8_t how = in.byte();
    if (how % 8 == 0) {  // bytes as they come, or with the right checksum
      Bytes raw(in.text());
      if (how % 16 == 0 && raw.size() >= 4) {
        const uint32_t crc = crc32c(BytesView(raw).substr(4));
        for (size_t i = 0; i < 4; ++i) raw[i] = static_cast<char>(crc >> (8 * i));
      }
      chunks.push_back(std::move(raw));
    } else {
      chunks.push_back(encode_chunk(draw_chunk(in, n, n + 1 == count, &total)));
    }
  }
  Status s = receive(w, chunks);
  if (!s.ok()) return check_untouched(w, before);
  const auto after = rows_of(w);
  // A row whose checksum is wrong stops reads, and nothing else.
  if (after) {
    CHECK(!after->empty() && after->front().first == "a outside");
    for (const auto& [key, value] : *after) CHECK(key == "a outside" || kSpan.contains(key));
  }
  CHECK(w.checkpoint().ok());
  (void)w.engine->span_stats(kSpan);
  (void)w.engine->middle_key(kSpan);
  w.shut();
  CHECK(w.open().ok());
  CHECK(rows_of(w) == after);
  CHECK(w.engine->applied_index(kRange) == LogIndex(20));
}

// A true snapshot, damaged in one bit perhaps.
void run_damaged(fuzz::InputReader in) {
  const uint8_t head = in.byte();
  const uint64_t flip_at = in.word(3);
  World source;
  WriteBatch batch;
  for (uint64_t ts = 11; !in.done() && ts < 40; ++ts) {
    const uint8_t kind = in.byte();
    const Bytes key = "c" + Bytes(in.take(kind % 8));
    if ((kind & 64) != 0) {
      batch.delete_version(key, Timestamp(ts));
    } else {
      batch.put_version(key, Timestamp(ts), in.take(kind / 2));
    }
  }
  if (!batch.empty()) source.commit(kRange, batch);
  CHECK(source.sync().ok());
  auto making = source.engine->make_snapshot(kRange, kSpan);
  auto reader = source.env->run(std::move(making));
  CHECK(reader.ok());
  std::vector<Bytes> chunks;
  for (;;) {
    auto reading = (*reader)->next_chunk();
    auto chunk = source.env->run(std::move(reading));
    CHECK(chunk.ok());
    if (chunk->empty()) break;
    chunks.push_back(std::move(*chunk));
  }
  reader->reset();
  World w;
  const auto before = rows_of(w);
  const bool flip = (head & 1) != 0;
  if (flip) {
    Bytes& chunk = chunks[head / 2 % chunks.size()];
    char& c = chunk[flip_at % chunk.size()];
    c = static_cast<char>(c ^ (1 << (head >> 5)));
  }
  Status s = receive(w, chunks);
  CHECK(s.ok() == !flip);
  if (flip) return check_untouched(w, before);
  CHECK(rows_of(w) == rows_of(source));
}

}  // namespace

// First byte: forged or damaged.
FUZZ_TARGET(snapshot_reader) {
  fuzz::InputReader in(input);
  if ((in.byte() & 1) != 0) {
    run_forged(in);
  } else {
    run_damaged(in);
  }
}

FUZZ_SEEDS(snapshot_reader) {
  const Bytes rows = Bytes("\x02xyvalue\x43zzz\x0awithvalue", 23);
  SnapshotChunk chunk;
  chunk.last = true;
  const Bytes raw = encode_chunk(chunk);
  // One chunk with two rows of the span; two chunks; one as it comes.
  const Bytes row = Bytes("\x03\x01k\x0c\x05value", 9);
  return {Bytes("\0\0\0\0\0", 5) + rows,
          Bytes("\0\1\x08\0\0", 5) + rows,
          Bytes("\0\x41\x01\0\0", 5) + rows,
          Bytes("\1\0\1\2", 4) + row + row,
          Bytes("\1\1\1\1", 4) + row + "\1\2" + row + row,
          Bytes("\1\0\x10", 3) + Bytes(1, static_cast<char>(raw.size())) + raw,
          Bytes("\1\0\1\1\2\1k\0", 8)};
}

}  // namespace quorate::storage
