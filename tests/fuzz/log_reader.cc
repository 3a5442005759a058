// A log is written as the input says, damaged as the input says, and opened again. What could go
// wrong: recovery crashes; damage before the last batch is taken for a torn tail, or passes as what
// was written (safety: damaged-replica); what was not damaged is lost.
//
// What the log must hold is kept beside it. After the damage each group must be as it was, or be
// told as damaged with what is left of it right; only the last batch, which no later one proves
// synced, may vanish silently.
#include <fmt/format.h>

#include "runtime/sim/sim_env.h"
#include "storage/durable_log.h"
#include "storage/log_format.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/input_reader.h"

namespace quorate::storage {
namespace {

constexpr uint64_t kGroups = 3;
constexpr size_t kStepsMax = 60;

struct Group {
  uint64_t first = 1;
  struct Entry {
    uint64_t term = 0;
    std::shared_ptr<const Bytes> payload;
    bool operator==(const Entry& o) const { return term == o.term && *payload == *o.payload; }
  };
  std::vector<Entry> entries;
  Bytes hard_state;
  uint64_t last() const { return first + entries.size() - 1; }
};
struct Truth {
  Group groups[kGroups];
  Bytes local;
};

struct LogWorld {
  LogWorld() {
    options.directory = "log";
    options.segment_bytes = 32u << 10;
    options.retained_bytes = 128u << 10;
    options.cache_bytes = 16u << 10;
  }
  ~LogWorld() { shut(); }
  Status open() {
    env = std::make_unique<runtime::SimNodeEnv>(world, "n1");
    auto opening = DurableLog::open(env->env(), options, checkpoint);
    auto opened = env->run(std::move(opening));
    if (!opened.ok()) return opened.status();
    log = std::move(*opened);
    return Status();
  }
  void shut() {
    log.reset();
    env.reset();
  }
  void crash() {
    env->crash(runtime::SimCrash::kPower);
    shut();
  }
  void sync() {
    auto syncing = log->sync();
    CHECK(env->run(std::move(syncing)).ok());
  }
  // What an engine's checkpoint does for the log, everything applied.
  void take_checkpoint() {
    sync();
    auto changes = log->changes_for_checkpoint();
    checkpoint.batch = changes.batch;
    for (auto& [range, meta] : changes.groups) checkpoint.groups[range] = meta;
    for (auto& [key, value] : changes.locals) checkpoint.locals[key] = value;
    std::map<RangeId, LogIndex> applied;
    for (RangeId r : log->ranges()) applied[r] = log->last_index(r);
    for (auto [range, index] : applied) checkpoint.applied[range] = index;
    log->checkpointed(changes, applied);
  }
  Group read(RangeId range) {
    Group g;
    g.first = log->first_index(range).value;
    for (LogIndex at(g.first); at <= log->last_index(range);) {
      auto fetching = log->fetch(range, at, log->last_index(range).next(), 4096);
      auto some = env->run(std::move(fetching));
      CHECK_MSG(some.ok(), some.status().to_string());
      for (LogEntry& e : *some) {
        CHECK(e.index == at);
        g.entries.push_back({e.term.value, e.payload});
        at = at.next();
      }
    }
    g.hard_state = log->hard_state(range);
    return g;
  }

  runtime::SimWorld world{1};
  LogOptions options;
  LogCheckpoint checkpoint;
  std::unique_ptr<runtime::SimNodeEnv> env;
  std::unique_ptr<DurableLog> log;
};

// Truncation may have been lost with a damaged batch: what both have must be the same.
bool agree(const Group& found, const Group& truth, uint64_t end) {
  for (uint64_t i = std::max(found.first, truth.first); i < end; ++i) {
    if (found.entries.at(i - found.first) != truth.entries.at(i - truth.first)) return false;
  }
  return true;
}
bool same(const Group& found, const Group& truth) {
  return found.last() == truth.last() && found.hard_state == truth.hard_state &&
         agree(found, truth, truth.last() + 1);
}

void write(LogWorld& w, fuzz::InputReader& in, Truth& now, std::vector<Truth>& truths) {
  uint64_t term = 1;
  for (size_t step = 0; step < kStepsMax && !in.done(); ++step) {
    const uint8_t what = in.byte();
    const uint64_t which = what / 16 % kGroups;
    const RangeId range(which + 1);
    Group& g = now.groups[which];
    switch (what % 16) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
      case 5: {  // an entry, or a new tail from some entry that is not applied
        uint64_t from = g.last() + 1;
        const uint64_t floor = std::max(g.first, w.checkpoint.applied[range].value + 1);
        if (what % 16 == 5 && g.last() >= floor) {
          from = floor + in.byte() % (g.last() - floor + 1);
          ++term;
        }
        const uint8_t size = in.byte();
        Bytes payload = fmt::format("{} of {} in {}", from, which, step);
        payload.resize(size < 200 ? std::max<size_t>(size, payload.size()) : size * 60, 'x');
        g.entries.resize(from - g.first);
        LogEntry e{Term(term), LogIndex(from), 0,
                   std::make_shared<const Bytes>(std::move(payload))};
        g.entries.push_back({term, e.payload});
        w.log->append(range, ReplicaId(1), std::span<const LogEntry>(&e, 1));
        break;
      }
      case 6:
      case 7:
        g.hard_state = fmt::format("hard state {}", step);
        w.log->set_hard_state(range, ReplicaId(1), g.hard_state);
        break;
      case 8:
        now.local = fmt::format("local {}", step);
        w.log->put_local("local", now.local);
        break;
      case 9:
        if (LogIndex applied = w.checkpoint.applied[range]; applied.value >= g.first) {
          w.log->truncate_prefix(range, applied, w.log->term(range, applied));
        }
        break;
      case 10:
        w.take_checkpoint();
        break;
      case 11:
        w.world.run_for(std::chrono::milliseconds(in.byte()));
        break;
      case 12:
        w.sync();
        w.crash();
        CHECK(w.open().ok());
        CHECK(w.log->damaged().empty());
        break;
      default:
        w.sync();
    }
    // What the log dropped, asked for or by itself above its limit.
    for (uint64_t i = 0; i < kGroups; ++i) {
      Group& group = now.groups[i];
      const uint64_t first = w.log->first_index(RangeId(i + 1)).value;
      CHECK(first <= group.last() + 1);
      while (group.first < first) {
        group.entries.erase(group.entries.begin());
        ++group.first;
      }
    }
    // The log may write what is staged before anybody asks for it.
    truths.push_back(now);
  }
}

struct Place {
  std::string path;
  uint64_t begin = 0, end = 0;
  BatchIdentity id;
};

// The batches on the disk; of two with one number the later life's.
std::map<uint64_t, Place> find_batches(const runtime::SimDisk& disk) {
  std::map<uint64_t, Place> out;
  for (const std::string& path : disk.paths()) {
    auto bytes = disk.peek(path);
    if (!path.ends_with(".log") || !bytes.ok()) continue;
    for (uint64_t at = 0; at + kLogBlock <= bytes->size();) {
      BatchHeader header;
      if (!parse_header(*bytes, at, header) || !batch_is_whole(*bytes, header)) {
        at += kLogBlock;
        continue;
      }
      Place& place = out[header.id.number];
      if (place.end == 0 || place.id.life < header.id.life) {
        place = {path, at, at + header.id.batch_bytes, header.id};
      }
      at += header.id.batch_bytes;
    }
  }
  return out;
}

// Flips bits of batches. Gives the numbers of those it hit.
std::set<uint64_t> damage(runtime::SimDisk& disk, const std::map<uint64_t, Place>& batches,
                          fuzz::InputReader& in) {
  std::set<uint64_t> hit;
  const uint8_t head = in.byte();
  for (uint8_t n = head % 4; n > 0; --n) {
    // From the end, where it is hardest to tell.
    auto it = batches.rbegin();
    std::advance(it, in.byte() % batches.size());
    const Place& place = it->second;
    const uint8_t where = in.byte();
    const uint64_t size = place.end - place.begin;
    // The first bytes, the last ones, or any.
    const uint64_t at = where < 96    ? where
                        : where < 160 ? size - 1 - (where - 96)
                                      : in.word(2) % size;
    CHECK(disk.flip_bit(place.path, place.begin + at, in.byte() % 8));
    hit.insert(it->first);
  }
  return hit;
}

}  // namespace

FUZZ_TARGET(log_reader) {
  // The damage comes first, so that it stays the same while the fuzzer makes the log longer.
  fuzz::InputReader in(input);
  fuzz::InputReader damage_in(in.take(16));
  const bool idle_at_end = (damage_in.byte() & 1) != 0;

  LogWorld w;
  CHECK(w.open().ok());
  Truth now;
  std::vector<Truth> truths = {now};
  write(w, in, now, truths);
  w.sync();
  if (idle_at_end) w.world.run_for(std::chrono::seconds(1));
  runtime::SimDisk& disk = w.env->disk();
  w.crash();

  const std::map<uint64_t, Place> batches = find_batches(disk);
  if (batches.empty()) return;
  const std::set<uint64_t> hit = damage(disk, batches, damage_in);
  uint64_t proven = w.checkpoint.batch;
  for (const auto& [number, place] : batches) {
    if (!hit.contains(number)) proven = std::max(proven, place.id.synced);
  }
  const bool may_be_torn = !hit.empty() && *hit.rbegin() > proven;

  Status opened = w.open();
  if (!opened.ok()) {
    CHECK_MSG(opened.code() == StatusCode::kCorruption && !hit.empty(), opened.to_string());
    return;
  }
  std::map<RangeId, DamagedReplica> damaged;
  for (const DamagedReplica& d : w.log->damaged()) damaged[d.range] = d;
  CHECK(damaged.empty() || !hit.empty());
  auto matches = [&](const Truth& truth) {
    if (w.log->local("local") != truth.local) return false;
    for (uint64_t i = 0; i < kGroups; ++i) {
      const RangeId range(i + 1);
      auto told = damaged.find(range);
      if (told != damaged.end() && !told->second.lowest_lost) continue;
      const Group found = w.read(range);
      if (told == damaged.end()) {
        if (!same(found, truth.groups[i])) return false;
        continue;
      }
      const uint64_t lost = told->second.lowest_lost->value;
      if (found.last() >= lost || found.hard_state != truth.groups[i].hard_state ||
          !agree(found, truth.groups[i], std::min(found.last(), truth.groups[i].last()) + 1)) {
        return false;
      }
    }
    return true;
  };
  const auto describe = [&] {
    std::string out = fmt::format("checkpoint {}, proven {}\n", w.checkpoint.batch, proven);
    for (const auto& [number, p] : batches) {
      out += fmt::format("batch {} of life {} in {} {}..{}, synced {}, log start {}{}\n", number,
                         p.id.life, p.path, p.begin, p.end, p.id.synced, p.id.log_start,
                         hit.contains(number) ? " HIT" : "");
    }
    for (uint64_t i = 0; i < kGroups; ++i) {
      const RangeId range(i + 1);
      const Group& g = now.groups[i];
      out += fmt::format("r{} was {}..{} '{}' applied {}, is {}..{} '{}'", range.value, g.first,
                         g.last(), g.hard_state, w.checkpoint.applied[range].value,
                         w.log->first_index(range).value, w.log->last_index(range).value,
                         w.log->hard_state(range));
      if (auto d = damaged.find(range); d != damaged.end()) {
        out += d->second.lowest_lost ? fmt::format(", lost from {}", d->second.lowest_lost->value)
                                     : ", lost";
      }
      out += "\n";
    }
    return out + fmt::format("local '{}' is '{}'", now.local, w.log->local("local"));
  };
  CHECK_MSG(matches(now) || (may_be_torn && std::any_of(truths.begin(), truths.end(), matches)),
            describe());

  // It goes on: what is written now is there after the next restart, and what was told is told
  // again.
  Bytes local = "after the damage";
  w.log->put_local("local", local);
  w.sync();
  w.crash();
  CHECK(w.open().ok());
  CHECK(w.log->local("local") == local);
  CHECK(w.log->damaged().size() == damaged.size());
}

FUZZ_SEEDS(log_reader) {
  std::vector<Bytes> out;
  // Entries, hard states, syncs; then all that is there, over several segments.
  const Bytes little = {0, 20, 6, 13, 16, 30, 13, 8, 13, 1, 40, 22, 13};
  Bytes plenty;
  for (char i = 0; i < 12; ++i) {
    plenty += {static_cast<char>(i % 3 * 16), static_cast<char>(200 + i), 13};
    if (i % 4 == 1) plenty += {6, 21, 2, 13};
    if (i % 4 == 2) plenty += {10, 9, 11, 100, 8};
    if (i == 7) plenty += {12};
  }
  for (const Bytes& steps : {little, plenty}) {
    for (char batch = 0; batch < 5; ++batch) {
      for (const char* where : {"\x08", "\x48", "\x60", "\x68", "\xa0\x50"}) {
        // One bit of the batch so far from the end; every second time with a closing batch.
        Bytes head{static_cast<char>(batch & 1), 1, batch};
        head += where;
        head += static_cast<char>(batch + 2);
        head.resize(16, 3);
        out.push_back(head + steps);
      }
    }
    out.push_back(Bytes(16, '\0') + steps);
  }
  return out;
}

}  // namespace quorate::storage
