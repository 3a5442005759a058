// What could go wrong: something acknowledged is lost over a crash, something that was replaced or
// recycled comes back, a damaged middle is taken for a torn tail, a vote goes with its segment.
#include "storage/durable_log.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "runtime/sim/sim_env.h"

namespace quorate::storage {
namespace {

LogEntry entry(uint64_t term, uint64_t index, Bytes payload) {
  return {Term(term), LogIndex(index), 1, std::make_shared<const Bytes>(std::move(payload))};
}

// A machine with a log and, as the engine would keep it, what its last checkpoint knows.
struct LogWorld {
  explicit LogWorld(uint64_t seed) : world(seed) {
    options.directory = "log";
    options.segment_bytes = 64u << 10;
    options.retained_bytes = 256u << 10;
    options.cache_bytes = 32u << 10;
  }
  ~LogWorld() { shut(); }
  Status open() {
    env = std::make_unique<runtime::SimNodeEnv>(world, "n1");
    auto opened = env->run(DurableLog::open(env->env(), options, checkpoint));
    if (!opened.ok()) return opened.status();
    log = std::move(*opened);
    return Status();
  }
  void crash(runtime::SimCrash how = runtime::SimCrash::kPower) {
    env->crash(how);
    shut();
  }
  void shut() {
    log.reset();
    env.reset();
  }
  Status sync() { return env->run(log->sync()); }
  void append(uint64_t range, const LogEntry& e) {
    log->append(RangeId(range), ReplicaId(1), std::span<const LogEntry>(&e, 1));
  }
  // What an engine's checkpoint does for the log.
  void take_checkpoint(const std::map<RangeId, LogIndex>& applied) {
    ASSERT_TRUE(sync().ok());
    auto changes = log->changes_for_checkpoint();
    checkpoint.batch = changes.batch;
    for (auto& [range, meta] : changes.groups) checkpoint.groups[range] = meta;
    for (auto& [key, value] : changes.locals) {
      if (value.empty()) {
        checkpoint.locals.erase(key);
      } else {
        checkpoint.locals[key] = value;
      }
    }
    for (auto [range, index] : applied) checkpoint.applied[range] = index;
    log->checkpointed(changes, applied);
  }
  std::vector<LogEntry> read(uint64_t range) {
    RangeId r(range);
    std::vector<LogEntry> out;
    LogIndex at = log->first_index(r);
    while (at <= log->last_index(r)) {
      auto some = env->run(log->fetch(r, at, log->last_index(r).next(), 4096));
      CHECK_MSG(some.ok(), some.status().to_string());
      for (LogEntry& e : *some) out.push_back(std::move(e));
      at = out.back().index.next();
    }
    return out;
  }

  runtime::SimWorld world;
  LogOptions options;
  LogCheckpoint checkpoint;
  std::unique_ptr<runtime::SimNodeEnv> env;
  std::unique_ptr<DurableLog> log;
};

TEST(LogFormat, golden_bytes_of_a_batch) {
  LogRecord e{.type = RecordType::kEntry, .range = RangeId(7), .replica = ReplicaId(3)};
  e.index = LogIndex(300);
  e.term = Term(5);
  e.kind = 1;
  e.payload = std::make_shared<const Bytes>("payload");
  LogRecord h{.type = RecordType::kHardState, .range = RangeId(7), .replica = ReplicaId(3)};
  h.value = "vote";
  LogRecord l{.type = RecordType::kLocal};
  l.key = "epoch";
  l.value = "9";
  BatchEncoder encoder;
  BytesView bytes = encoder.encode({11, 4096, 42, 40, 41, 0}, {e, h, l});
  ASSERT_EQ(bytes.size(), kLogBlock);
  size_t end = bytes.find_last_not_of('\0', 2000) + 1;
  size_t footer = bytes.find_first_not_of('\0', end + 8);
  EXPECT_EQ(to_hex(bytes.substr(0, end)),
            "514c42313beb489a0b0000000000000000100000000000002a000000000000002800000000000000"
            "290000000000000000100000530000003700000019b3f8470f000000020000000000020703ac02ac"
            "0205010e00000012e78e72010703ac0205017061796c6f616408000000f95c913703070304766f74"
            "6509000000dc9c0f11070565706f63680139");
  // The footer begins with the number of groups, 2.
  EXPECT_EQ(to_hex(bytes.substr(footer)),
            "020000000000020703ac02ac0205010b0000000000000000100000000000002a0000000000000028"
            "000000000000002900000000000000001000000f000000672ca1bd514c4631");
}

TEST(LogFormat, any_flipped_bit_of_a_batch_is_noticed) {
  LogRecord e{.type = RecordType::kEntry, .range = RangeId(7), .replica = ReplicaId(3)};
  e.index = LogIndex(1);
  e.term = Term(1);
  e.payload = std::make_shared<const Bytes>(300, 'p');
  BatchEncoder encoder;
  Bytes segment(encoder.encode({11, 0, 42, 40, 41, 0}, {e}));
  BatchHeader header;
  ASSERT_TRUE(parse_header(segment, 0, header));
  ASSERT_TRUE(batch_is_whole(segment, header));
  const size_t used = header.header_bytes + header.records_bytes;
  const size_t footer = segment.size() - (header.header_bytes - 68) - 56;
  for (size_t at = 0; at < segment.size(); ++at) {
    bool padding = at >= used && at < footer;
    if (padding) continue;
    segment[at] ^= 4;
    EXPECT_FALSE(parse_header(segment, 0, header) && batch_is_whole(segment, header)) << at;
    segment[at] ^= 4;
  }
}

TEST(DurableLog, what_is_staged_can_be_read_and_what_is_synced_survives) {
  LogWorld w(1);
  ASSERT_TRUE(w.open().ok());
  w.append(1, entry(1, 1, "a"));
  w.append(1, entry(1, 2, "b"));
  w.log->set_hard_state(RangeId(1), ReplicaId(1), "vote");
  w.log->put_local("epoch", "4");
  EXPECT_EQ(w.log->last_index(RangeId(1)), LogIndex(2));
  EXPECT_EQ(w.log->durable_index(RangeId(1)), LogIndex(0));
  ASSERT_TRUE(w.sync().ok());
  EXPECT_EQ(w.log->durable_index(RangeId(1)), LogIndex(2));
  w.append(1, entry(2, 2, "c"));
  EXPECT_EQ(w.log->durable_index(RangeId(1)), LogIndex(1));
  ASSERT_TRUE(w.sync().ok());
  w.crash();
  ASSERT_TRUE(w.open().ok());
  auto entries = w.read(1);
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(*entries[0].payload, "a");
  EXPECT_EQ(*entries[1].payload, "c");
  EXPECT_EQ(entries[1].term, Term(2));
  EXPECT_EQ(w.log->hard_state(RangeId(1)), "vote");
  EXPECT_EQ(w.log->local("epoch"), "4");
}

TEST(DurableLog, one_sync_serves_all_that_gathered_meanwhile) {
  LogWorld w(2);
  ASSERT_TRUE(w.open().ok());
  const uint64_t before = w.log->stats().syncs;
  struct One {
    static runtime::Task<void> go(LogWorld* w, uint64_t range, int* done) {
      w->append(range, entry(1, 1, "x"));
      Status synced = co_await w->log->sync();
      CHECK(synced.ok());
      CHECK(w->log->durable_index(RangeId(range)) == LogIndex(1));
      ++*done;
    }
  };
  int done = 0;
  runtime::TaskScope scope(w.env->executor());
  for (uint64_t r = 1; r <= 20; ++r) scope.spawn(One::go(&w, r, &done));
  w.world.run_until([&] { return done == 20; }, std::chrono::seconds(1));
  EXPECT_EQ(done, 20);
  EXPECT_LE(w.log->stats().syncs - before, 4u);
}

TEST(DurableLog, a_failed_sync_stops_the_store_and_is_not_tried_again) {
  LogWorld w(3);
  ASSERT_TRUE(w.open().ok());
  w.append(1, entry(1, 1, "x"));
  w.env->disk().fail_next_syncs(1);
  EXPECT_FALSE(w.sync().ok());
  w.append(1, entry(1, 2, "y"));
  EXPECT_FALSE(w.sync().ok());
  EXPECT_FALSE(w.log->health().ok());
  EXPECT_EQ(w.log->durable_index(RangeId(1)), LogIndex(0));
}

TEST(DurableLog, entries_pressed_out_of_memory_come_back_from_the_segments) {
  LogWorld w(4);
  ASSERT_TRUE(w.open().ok());
  for (uint64_t i = 1; i <= 100; ++i) {
    w.append(1, entry(1, i, Bytes(1000, static_cast<char>('a' + i % 26))));
    if (i % 7 == 0) {
      ASSERT_TRUE(w.sync().ok());
    }
  }
  ASSERT_TRUE(w.sync().ok());
  EXPECT_LE(w.log->cached_bytes(), 34u << 10);
  auto memory = w.log->entries(RangeId(1), LogIndex(1), LogIndex(5), 1);
  EXPECT_EQ(memory.status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(w.log->entries(RangeId(1), LogIndex(101), LogIndex(102), 1).status().code(),
            StatusCode::kNotFound);
  auto entries = w.read(1);
  ASSERT_EQ(entries.size(), 100u);
  for (uint64_t i = 1; i <= 100; ++i) {
    EXPECT_EQ(*entries[i - 1].payload, Bytes(1000, static_cast<char>('a' + i % 26)));
  }
}

// safety: checkpoint-whole. An idle group votes once; another group fills segment after segment.
TEST(DurableLog, the_vote_of_an_idle_group_outlives_its_segment) {
  LogWorld w(5);
  ASSERT_TRUE(w.open().ok());
  w.log->set_hard_state(RangeId(9), ReplicaId(1), "voted for 2 in term 8");
  w.log->put_local("epoch", "3");
  for (uint64_t i = 1; i <= 400; ++i) {
    w.append(1, entry(1, i, Bytes(2000, 'x')));
    ASSERT_TRUE(w.sync().ok());
    if (i % 20 == 0) {
      w.take_checkpoint({{RangeId(1), LogIndex(i)}});
      w.log->truncate_prefix(RangeId(1), LogIndex(i), Term(1));
    }
  }
  w.world.run_for(std::chrono::seconds(1));
  EXPECT_LE(w.log->stats().segments, 8u);
  w.crash();
  ASSERT_TRUE(w.open().ok());
  EXPECT_EQ(w.log->hard_state(RangeId(9)), "voted for 2 in term 8");
  EXPECT_EQ(w.log->local("epoch"), "3");
}

// safety: own-acks-stay. Group 2 never applies; group 1 writes on and on.
TEST(DurableLog, above_the_limit_others_needs_are_dropped_and_own_unapplied_entries_kept) {
  LogWorld w(6);
  ASSERT_TRUE(w.open().ok());
  for (uint64_t i = 1; i <= 5; ++i) w.append(2, entry(1, i, fmt::format("unapplied {}", i)));
  for (uint64_t i = 1; i <= 600; ++i) {
    w.append(1, entry(1, i, Bytes(2000, 'x')));
    ASSERT_TRUE(w.sync().ok());
    if (i == 300) w.append(2, entry(2, 6, "later"));
    if (i % 20 == 0) w.take_checkpoint({{RangeId(1), LogIndex(i)}});
  }
  w.world.run_for(std::chrono::seconds(1));
  EXPECT_LE(w.log->stats().segments, 9u);
  EXPECT_GT(w.log->first_index(RangeId(1)), LogIndex(300));
  for (int round = 0; round < 2; ++round) {
    auto kept = w.read(2);
    ASSERT_EQ(kept.size(), 6u);
    for (uint64_t i = 1; i <= 5; ++i) {
      EXPECT_EQ(*kept[i - 1].payload, fmt::format("unapplied {}", i));
    }
    EXPECT_EQ(kept[5].term, Term(2));
    if (round == 0) {
      w.crash();
      ASSERT_TRUE(w.open().ok());
      EXPECT_TRUE(w.log->damaged().empty());
    }
  }
}

// Finds where on the disk the payload stands.
bool flip_payload(LogWorld& w, const Bytes& text, size_t delta = 0) {
  for (const std::string& path : w.world.machine("n1").disk().paths()) {
    auto bytes = w.world.machine("n1").disk().peek(path);
    if (!bytes.ok()) continue;
    size_t at = bytes->find(text);
    if (at == Bytes::npos) continue;
    return w.world.machine("n1").disk().flip_bit(path, at + delta, 3);
  }
  return false;
}

TEST(DurableLog, a_damaged_middle_is_reported_and_never_taken_for_a_torn_tail) {
  LogWorld w(7);
  ASSERT_TRUE(w.open().ok());
  for (uint64_t i = 1; i <= 5; ++i) {
    w.append(1, entry(1, i, fmt::format("entry-one-{}", i)));
    w.append(2, entry(1, i, fmt::format("entry-two-{}", i)));
    ASSERT_TRUE(w.sync().ok());
  }
  w.append(3, entry(1, 1, "entry-three-1"));
  w.log->set_hard_state(RangeId(3), ReplicaId(1), "hard-state-3");
  ASSERT_TRUE(w.sync().ok());
  w.append(4, entry(1, 1, "entry-four"));
  ASSERT_TRUE(w.sync().ok());
  w.crash();
  ASSERT_TRUE(flip_payload(w, "entry-one-4"));
  ASSERT_TRUE(flip_payload(w, "hard-state-3"));
  ASSERT_TRUE(w.open().ok());
  auto damaged = w.log->damaged();
  ASSERT_EQ(damaged.size(), 3u);
  EXPECT_EQ(damaged[0].range, RangeId(1));
  EXPECT_EQ(damaged[0].lowest_lost, LogIndex(4));
  EXPECT_EQ(damaged[1].lowest_lost, LogIndex(4));
  EXPECT_EQ(damaged[2].range, RangeId(3));
  EXPECT_FALSE(damaged[2].lowest_lost.has_value());
  EXPECT_EQ(w.log->last_index(RangeId(1)), LogIndex(3));
  EXPECT_EQ(w.read(4).size(), 1u);
  // Mended by the entries themselves, sent again.
  w.append(1, entry(1, 4, "entry-one-4"));
  EXPECT_EQ(w.log->damaged().size(), 2u);
}

// The segment that shows the damage goes, and is written over.
TEST(DurableLog, damage_is_remembered_when_nothing_shows_it_any_more) {
  LogWorld w(12);
  ASSERT_TRUE(w.open().ok());
  w.append(1, entry(1, 1, "entry-one-1"));
  ASSERT_TRUE(w.sync().ok());
  w.log->set_hard_state(RangeId(1), ReplicaId(1), "a-vote-that-is-lost");
  ASSERT_TRUE(w.sync().ok());
  w.append(2, entry(1, 1, "entry-two-1"));
  ASSERT_TRUE(w.sync().ok());
  w.crash();
  ASSERT_TRUE(flip_payload(w, "a-vote-that-is-lost"));
  ASSERT_TRUE(w.open().ok());
  ASSERT_EQ(w.log->damaged().size(), 1u);
  for (uint64_t i = 2; i < 30; ++i) {
    w.append(2, entry(1, i, Bytes(30'000, 'y')));
    w.take_checkpoint({{RangeId(2), LogIndex(i)}});
    w.log->truncate_prefix(RangeId(2), LogIndex(i), Term(1));
    ASSERT_TRUE(w.sync().ok());
    w.world.run_for(std::chrono::seconds(1));
  }
  for (int life = 0; life < 2; ++life) {
    w.crash();
    for (const std::string& path : w.world.machine("n1").disk().paths())
      EXPECT_EQ(w.world.machine("n1").disk().peek(path)->find("that-is-lost"), Bytes::npos) << path;
    ASSERT_TRUE(w.open().ok());
    ASSERT_EQ(w.log->damaged().size(), 1u);
    EXPECT_EQ(w.log->damaged()[0].range, RangeId(1));
    EXPECT_FALSE(w.log->damaged()[0].lowest_lost.has_value());
  }
  // It ends with the replica.
  w.log->remove(RangeId(1), ReplicaId(2));
  ASSERT_TRUE(w.sync().ok());
  w.crash();
  ASSERT_TRUE(w.open().ok());
  EXPECT_TRUE(w.log->damaged().empty());
}

TEST(DurableLog, damage_to_the_last_batch_is_undecidable_only_until_the_closing_batch) {
  LogWorld w(8);
  ASSERT_TRUE(w.open().ok());
  w.append(1, entry(1, 1, "the-last-entry"));
  ASSERT_TRUE(w.sync().ok());
  w.world.run_for(std::chrono::seconds(1));  // idle: the closing batch goes out
  w.crash();
  ASSERT_TRUE(flip_payload(w, "the-last-entry"));
  ASSERT_TRUE(w.open().ok());
  ASSERT_EQ(w.log->damaged().size(), 1u);
  EXPECT_EQ(w.log->damaged()[0].lowest_lost, LogIndex(1));
}

// Found by tests/fuzz/log_reader: the log came back as if nothing had ever been in it.
TEST(DurableLog, a_lost_truncation_of_all_entries_is_told) {
  LogWorld w(11);
  ASSERT_TRUE(w.open().ok());
  w.append(1, entry(1, 1, Bytes(60'000, 'x')));
  w.take_checkpoint({{RangeId(1), LogIndex(1)}});
  w.log->truncate_prefix(RangeId(1), LogIndex(1), Term(1));
  w.append(2, entry(1, 1, "with-the-truncation"));
  ASSERT_TRUE(w.sync().ok());
  for (uint64_t i = 2; i < 6; ++i) {  // the first segment goes
    w.append(2, entry(1, i, Bytes(60'000, 'y')));
    ASSERT_TRUE(w.sync().ok());
  }
  w.world.run_for(std::chrono::seconds(1));
  w.crash();
  ASSERT_TRUE(flip_payload(w, "with-the-truncation"));
  ASSERT_TRUE(w.open().ok());
  ASSERT_EQ(w.log->damaged().size(), 2u);
  EXPECT_EQ(w.log->damaged()[0].range, RangeId(1));
  EXPECT_EQ(w.log->damaged()[0].lowest_lost, w.log->last_index(RangeId(1)).next());
}

TEST(DurableLog, damage_to_the_stores_own_records_stops_the_store) {
  LogWorld w(9);
  ASSERT_TRUE(w.open().ok());
  w.log->put_local("epoch", "epoch-value");
  ASSERT_TRUE(w.sync().ok());
  w.world.run_for(std::chrono::seconds(1));
  w.crash();
  ASSERT_TRUE(flip_payload(w, "epoch-value"));
  EXPECT_EQ(w.open().code(), StatusCode::kCorruption);
}

TEST(DurableLog, a_later_replica_begins_with_nothing_and_a_tombstone_stays) {
  LogWorld w(10);
  ASSERT_TRUE(w.open().ok());
  w.append(1, entry(1, 1, "old"));
  w.log->set_hard_state(RangeId(1), ReplicaId(1), "old vote");
  w.log->remove(RangeId(1), ReplicaId(5));
  ASSERT_TRUE(w.sync().ok());
  w.crash();
  ASSERT_TRUE(w.open().ok());
  EXPECT_EQ(w.log->tombstone(RangeId(1)), ReplicaId(5));
  EXPECT_EQ(w.log->hard_state(RangeId(1)), "");
  EXPECT_TRUE(w.log->ranges().empty());
  LogEntry e = entry(4, 1, "new");
  w.log->append(RangeId(1), ReplicaId(5), std::span<const LogEntry>(&e, 1));
  w.log->reset(RangeId(1), ReplicaId(6), LogIndex(20), Term(4));
  ASSERT_TRUE(w.sync().ok());
  w.crash();
  ASSERT_TRUE(w.open().ok());
  EXPECT_EQ(w.log->replica(RangeId(1)), ReplicaId(6));
  EXPECT_EQ(w.log->first_index(RangeId(1)), LogIndex(21));
  EXPECT_EQ(w.log->term(RangeId(1), LogIndex(20)), Term(4));
}

// What the log must hold: kept beside the machine, changed when a sync is acknowledged.
struct Truth {
  struct Group {
    uint64_t first = 1;
    std::vector<std::pair<uint64_t, Bytes>> entries;  // term, payload
    Bytes hard_state;
    bool operator==(const Group&) const = default;
  };
  std::map<uint64_t, Group> groups;
  Bytes local;
};

// Runs random work with crashes; returns what went wrong first, or nothing. The state found after a
// crash must be one of those staged since the last acknowledged sync, as a whole.
std::string crash_run(uint64_t seed, PlantedBugs planted) {
  LogWorld w(seed);
  w.options.planted = planted;
  w.env = nullptr;
  runtime::Random random(seed * 31 + 7);
  if (!w.open().ok()) return "open";
  Truth staged;
  std::vector<Truth> possible = {staged};  // by batches that may have made it
  std::map<RangeId, LogIndex> applied;
  auto found_state = [&] {
    Truth t;
    for (uint64_t r = 1; r <= 3; ++r) {
      auto& g = t.groups[r];
      g.first = w.log->first_index(RangeId(r)).value;
      for (LogEntry& e : w.read(r)) g.entries.emplace_back(e.term.value, *e.payload);
      g.hard_state = w.log->hard_state(RangeId(r));
    }
    t.local = w.log->local("epoch");
    return t;
  };
  // Truncation may be ahead or behind: only what is above both counts.
  auto same = [](const Truth& a, const Truth& b) {
    if (a.local != b.local) return false;
    for (uint64_t r = 1; r <= 3; ++r) {
      static const Truth::Group kNone;
      auto x = a.groups.count(r) != 0 ? a.groups.at(r) : kNone;
      auto y = b.groups.count(r) != 0 ? b.groups.at(r) : kNone;
      if (x.hard_state != y.hard_state) return false;
      if (x.first + x.entries.size() != y.first + y.entries.size()) return false;
      while (x.first < y.first) x.entries.erase(x.entries.begin()), ++x.first;
      while (y.first < x.first) y.entries.erase(y.entries.begin()), ++y.first;
      if (x.entries != y.entries) return false;
    }
    return true;
  };
  uint64_t term = 1;
  for (int step = 0; step < 250; ++step) {
    uint64_t choice = random.below(100);
    uint64_t r = 1 + random.below(3);
    auto& g = staged.groups[r];
    uint64_t last = g.first + g.entries.size() - 1;
    if (choice < 55) {
      uint64_t from = last + 1;
      uint64_t floor = std::max(g.first, applied[RangeId(r)].value + 1);
      if (random.chance(0.1) && last >= floor) {
        from = floor + random.below(last - floor + 1);
        ++term;
      }
      g.entries.resize(from - g.first);
      const size_t size = random.below(9000);
      Bytes payload(size, static_cast<char>('a' + random.below(26)));
      g.entries.emplace_back(term, payload);
      w.append(r, entry(term, from, payload));
      possible.push_back(staged);
    } else if (choice < 62) {
      g.hard_state = fmt::format("vote {}", step);
      w.log->set_hard_state(RangeId(r), ReplicaId(1), g.hard_state);
      possible.push_back(staged);
    } else if (choice < 65) {
      staged.local = fmt::format("epoch {}", step);
      w.log->put_local("epoch", staged.local);
      possible.push_back(staged);
    } else if (choice < 85) {
      if (!w.sync().ok()) return "sync";
      possible = {staged};
    } else if (choice < 90) {
      for (auto& [range, group] : staged.groups) {
        uint64_t end = group.first + group.entries.size() - 1;
        if (range != 3 && end > 0) applied[RangeId(range)] = LogIndex(end);
      }
      w.take_checkpoint(applied);
      possible = {staged};
      for (auto& [range, index] : applied) {
        if (random.chance(0.5)) {
          w.log->truncate_prefix(range, index, w.log->term(range, index));
        }
      }
    } else if (choice < 93) {
      w.world.run_for(std::chrono::milliseconds(random.below(200)));
    } else {
      // Crash in the middle of a sync, or right away.
      runtime::TaskScope scope(w.env->executor());
      struct Run {
        static runtime::Task<void> go(DurableLog* log) { (void)co_await log->sync(); }
      };
      scope.spawn(Run::go(w.log.get()));
      w.world.run_for(std::chrono::microseconds(random.below(1500)));
      w.env->crash(random.chance(0.8) ? runtime::SimCrash::kPower : runtime::SimCrash::kProcess);
      scope.cancel_all();
      w.shut();
      Status opened = w.open();
      if (!opened.ok()) return opened.to_string();
      if (!w.log->damaged().empty()) return "damage where there is none";
      Truth found = found_state();
      bool known = std::any_of(possible.begin(), possible.end(),
                               [&](const Truth& t) { return same(found, t); });
      if (!known) return fmt::format("step {}: a state that never was", step);
      staged = found;
      possible = {staged};
    }
    // What the log dropped by itself above its limit.
    for (auto& [range, group] : staged.groups) {
      uint64_t first = w.log->first_index(RangeId(range)).value;
      while (group.first < first) {
        if (group.entries.empty()) return "truncated beyond the end";
        group.entries.erase(group.entries.begin());
        ++group.first;
      }
    }
  }
  return {};
}

TEST(DurableLog, crashes_lose_nothing_acknowledged_and_revive_nothing) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    std::string wrong = crash_run(seed, {});
    ASSERT_EQ(wrong, "") << "seed " << seed;
  }
}

#ifdef QUORATE_PLANTED_BUGS
bool some_seed_notices(PlantedBugs planted) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    if (!crash_run(seed, planted).empty()) return true;
  }
  return false;
}
TEST(PlantedBugs, a_recycled_record_that_is_accepted_is_noticed) {
  PlantedBugs planted;
  planted.log_recycled_record = true;
  EXPECT_TRUE(some_seed_notices(planted));
}
TEST(PlantedBugs, a_torn_tail_that_is_accepted_is_noticed) {
  PlantedBugs planted;
  planted.log_torn_tail = true;
  EXPECT_TRUE(some_seed_notices(planted));
}
TEST(PlantedBugs, a_vote_lost_with_its_segment_is_noticed) {
  PlantedBugs planted;
  planted.log_vote_lost = true;
  EXPECT_TRUE(some_seed_notices(planted));
}
#endif

TEST(DurableLog, a_slow_disk_takes_syncs_off_the_executor_for_a_while) {
  LogWorld w(9);
  w.options.closing_delay = std::chrono::seconds(1000);
  ASSERT_TRUE(w.open().ok());
  runtime::SimDisk& disk = w.world.machine("n1").disk();
  w.log->set_sync_place(runtime::SyncPlace::kInPlace);
  uint64_t index = 0;
  const auto in_place = [&] {
    const uint64_t before = disk.syncs_in_place();
    w.append(1, entry(1, ++index, "x"));
    EXPECT_TRUE(w.sync().ok());
    return disk.syncs_in_place() > before;
  };
  EXPECT_TRUE(in_place());
  disk.faults().sync_min = disk.faults().sync_max = std::chrono::milliseconds(20);
  EXPECT_TRUE(in_place());  // one alone tells nothing
  EXPECT_TRUE(in_place());  // found to be slow
  EXPECT_FALSE(in_place());
  w.world.run_for(std::chrono::milliseconds(300));
  EXPECT_TRUE(in_place());  // tried again, and still slow
  EXPECT_TRUE(in_place());
  EXPECT_FALSE(in_place());
}

}  // namespace
}  // namespace quorate::storage
