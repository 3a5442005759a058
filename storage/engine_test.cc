// What could go wrong: a read finds another version than history says, a checkpoint, a restart or a
// crash loses or invents one, garbage collection shows through. The oracle is a map of versions.
#include "storage/engine.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "storage/run_body.h"
#include "storage/testing/store_world.h"

namespace quorate::storage {
namespace {

using testing::StoreWorld;

const RangeId kRange(7);

Timestamp at(uint64_t n) { return Timestamp(n); }

// Key -> versions by timestamp; a missing value is a tombstone.
class Model {
 public:
  using Versions = std::map<uint64_t, std::optional<Bytes>>;
  void put(const Bytes& key, uint64_t ts, std::optional<Bytes> value) {
    rows[key][ts] = std::move(value);
  }
  const std::pair<const uint64_t, std::optional<Bytes>>* get(const Bytes& key, uint64_t ts) const {
    auto row = rows.find(key);
    if (row == rows.end()) return nullptr;
    auto v = row->second.upper_bound(ts);
    return v == row->second.begin() ? nullptr : &*std::prev(v);
  }
  std::vector<std::pair<Bytes, Bytes>> scan(const KeySpan& span, uint64_t ts, bool reverse) const {
    std::vector<std::pair<Bytes, Bytes>> out;
    for (const auto& [key, versions] : rows) {
      auto* v = span.contains(key) ? get(key, ts) : nullptr;
      if (v != nullptr && v->second) out.emplace_back(key, *v->second);
    }
    if (reverse) std::reverse(out.begin(), out.end());
    return out;
  }
  uint64_t uncertain(const KeySpan& span, uint64_t low, uint64_t high) const {
    uint64_t out = 0;
    for (const auto& [key, versions] : rows) {
      if (!span.contains(key)) continue;
      auto v = versions.upper_bound(high);
      if (v != versions.begin() && std::prev(v)->first > low) {
        out = std::max(out, std::prev(v)->first);
      }
    }
    return out;
  }
  std::map<Bytes, Versions> rows;
  std::map<Bytes, Bytes> plain;
};

Bytes key_of(uint64_t n) { return fmt::format("k{:03}", n); }

void compare_scan(ReadView& view, const Model& model, const KeySpan& span, uint64_t ts,
                  uint64_t uncertain_until, bool reverse) {
  Timestamp uncertain;
  RowIteratorOptions options;
  options.span = span;
  options.ts = at(ts);
  options.uncertain_until = at(uncertain_until);
  options.uncertain = &uncertain;
  options.reverse = reverse;
  std::vector<std::pair<Bytes, Bytes>> found;
  auto rows = view.rows(options);
  for (; rows->valid(); rows->next()) found.emplace_back(rows->key(), rows->value());
  ASSERT_TRUE(rows->status().ok()) << rows->status().to_string();
  ASSERT_EQ(found, model.scan(span, ts, reverse)) << span.to_string() << " at " << ts;
  ASSERT_EQ(uncertain.packed, model.uncertain(span, ts, uncertain_until));
}

void compare(ReadView& view, const Model& model, runtime::Random& random, uint64_t threshold,
             uint64_t now, uint64_t keys) {
  for (int i = 0; i < 12; ++i) {
    Bytes key = key_of(random.below(keys));
    uint64_t ts = threshold + random.below(now - threshold + 2);
    auto got = view.get(key, at(ts));
    ASSERT_TRUE(got.ok()) << got.status().to_string();
    auto* want = model.get(key, ts);
    bool deleted = want == nullptr || !want->second;
    // A tombstone below the threshold may be gone or not.
    if (deleted) {
      ASSERT_TRUE(!*got || (*got)->deleted) << key << " at " << ts;
    } else {
      ASSERT_TRUE(got->has_value()) << key << " at " << ts;
      ASSERT_EQ((*got)->ts.packed, want->first);
      ASSERT_EQ((*got)->value, *want->second);
    }
  }
  KeySpan span{key_of(random.below(keys)), key_of(random.below(keys))};
  if (random.chance(0.2)) span = KeySpan::all();
  uint64_t ts = threshold + random.below(now - threshold + 2);
  compare_scan(view, model, span, ts, ts + random.below(20), random.chance(0.5));
  std::map<Bytes, Bytes> plain;
  auto it = view.plains(Keyspace::kIntent, KeySpan::all());
  for (; it->valid(); it->next()) plain.emplace(it->key(), it->value());
  ASSERT_EQ(plain, model.plain);
}

class Differential : public ::testing::TestWithParam<int> {};

TEST_P(Differential, reads_agree_with_a_map_over_checkpoints_restarts_and_crashes) {
  const uint64_t seed = static_cast<uint64_t>(GetParam());
  EngineOptions options = StoreWorld::small_options();
  options.memtable_bytes = 400u << 10;  // one arena chunk and a little
  StoreWorld s(seed, options);
  runtime::Random random(seed * 77 + 1);
  ASSERT_TRUE(s.open().ok());
  Model model;
  uint64_t now = 100, threshold = 0;
  const uint64_t keys = random.chance(0.5) ? 8 : 60;
  std::unique_ptr<ReadView> old_view;
  Model old_model;
  uint64_t old_now = 0, old_threshold = 0;
  for (int step = 0; step < 250; ++step) {
    uint64_t choice = random.below(100);
    if (choice < 60) {
      WriteBatch batch;
      now += 1 + random.below(3);
      for (uint64_t n = 1 + random.below(4); n > 0; --n) {
        Bytes key = key_of(random.below(keys));
        if (random.chance(0.25)) {
          Bytes name = key_of(random.below(10));
          bool gone = random.chance(0.4);
          if (gone) {
            batch.remove(Keyspace::kIntent, name);
            model.plain.erase(name);
          } else {
            Bytes value = std::to_string(now);
            batch.put(Keyspace::kIntent, name, value);
            model.plain[name] = value;
          }
        } else if (random.chance(0.3)) {
          batch.delete_version(key, at(now));
          model.put(key, now, std::nullopt);
        } else {
          Bytes value(random.below(300), static_cast<char>('a' + random.below(26)));
          batch.put_version(key, at(now), value);
          model.put(key, now, value);
        }
      }
      s.commit(kRange, batch);
    } else if (choice < 85) {
      compare(*s.engine->view(), model, random, threshold, now, keys);
    } else if (choice < 89) {
      ASSERT_TRUE(s.checkpoint().ok());
    } else if (choice < 92) {
      threshold = threshold + random.below(now - threshold + 1);
      s.engine->set_gc_threshold(KeySpan::all(), at(threshold));
    } else if (choice < 95) {
      // A view shows what was when it was made, whatever happened since.
      if (old_view != nullptr) {
        compare(*old_view, old_model, random, old_threshold, old_now, keys);
      }
      old_view = s.engine->view();
      old_model = model;
      old_now = now;
      old_threshold = threshold;
    } else if (choice < 97) {
      s.world.run_for(std::chrono::seconds(random.below(100)));
    } else {
      old_view.reset();
      ASSERT_TRUE(s.sync().ok());
      if (random.chance(0.3)) {
        // Mid-checkpoint.
        runtime::TaskScope scope(s.env->executor());
        struct Run {
          static runtime::Task<void> go(Engine* e) { (void)co_await e->checkpoint_now(); }
        };
        scope.spawn(Run::go(s.engine.get()));
        s.world.run_for(std::chrono::microseconds(random.below(4000)));
        s.env->crash(runtime::SimCrash::kPower);
        scope.cancel_all();
        s.shut();
      } else {
        s.crash(random.chance(0.5) ? runtime::SimCrash::kPower : runtime::SimCrash::kProcess);
      }
      Status opened = s.open();
      ASSERT_TRUE(opened.ok()) << opened.to_string();
      ASSERT_TRUE(s.log().damaged().empty());
      ASSERT_TRUE(s.replay(kRange).ok());
      s.engine->set_gc_threshold(KeySpan::all(), at(threshold));
    }
    if (HasFatalFailure()) FAIL() << "seed " << seed << " step " << step;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, Differential, ::testing::Range(1, 61));

TEST(Engine, a_newer_format_is_refused_with_a_clear_message) {
  StoreWorld s(1);
  ASSERT_TRUE(s.open().ok());
  auto wrote =
      s.env->run(s.env->env().disk->write_file("store/FORMAT", "quorate store, format 99\n"));
  ASSERT_TRUE(wrote.ok());
  s.crash();
  Status opened = s.open();
  EXPECT_EQ(opened.code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(opened.message(),
            "the store in \"store\" has format 99, this version of the server knows formats up to "
            "1");
}

TEST(Engine, a_store_without_its_checkpoint_is_refused) {
  StoreWorld s(2);
  ASSERT_TRUE(s.open().ok());
  s.shut();
  *s.checkpoint_disk = MapCheckpointDisk();
  EXPECT_EQ(s.open().code(), StatusCode::kCorruption);
}

TEST(Engine, low_space_is_told_and_ends_when_there_is_room) {
  StoreWorld s(3);
  s.checkpoint_disk->capacity = 4u << 20;
  ASSERT_TRUE(s.open().ok());
  EXPECT_EQ(s.engine->space(), Space::kPlenty);
  WriteBatch batch;
  for (int i = 0; i < 35; ++i) batch.put_version(key_of(i), at(5), Bytes(100'000, 'x'));
  s.commit(kRange, batch);
  ASSERT_TRUE(s.checkpoint().ok());
  s.world.run_for(std::chrono::seconds(1));
  EXPECT_EQ(s.engine->space(), Space::kLow);
  EXPECT_TRUE(s.engine->view()->get(key_of(3), at(9)).ok());
  s.checkpoint_disk->capacity = 64u << 20;
  s.world.run_for(std::chrono::seconds(1));
  EXPECT_EQ(s.engine->space(), Space::kPlenty);
}

TEST(Engine, a_checkpoint_that_finds_the_disk_full_is_tried_again_and_loses_nothing) {
  StoreWorld s(4);
  ASSERT_TRUE(s.open().ok());
  WriteBatch batch;
  batch.put_version("a", at(5), "1");
  s.commit(kRange, batch);
  s.checkpoint_disk->fail_next_write = resource_exhausted("full", sqlstate::kDiskFull);
  EXPECT_EQ(s.checkpoint().sqlstate(), sqlstate::kDiskFull);
  EXPECT_TRUE(s.engine->health().ok());
  EXPECT_EQ((*s.engine->view()->get("a", at(9)))->value, "1");
  EXPECT_TRUE(s.checkpoint().ok());
  EXPECT_EQ(s.engine->checkpointed_index(kRange), LogIndex(1));
}

TEST(Engine, proposers_wait_while_a_full_memtable_meets_a_frozen_one) {
  StoreWorld s(5);
  ASSERT_TRUE(s.open().ok());
  s.env->disk().faults().blocking_min = s.env->disk().faults().blocking_max =
      std::chrono::seconds(2);
  auto fill = [&](int from) {
    WriteBatch batch;
    for (int i = from; i < from + 20; ++i) {
      batch.put_version(key_of(i), at(5), Bytes(100'000, 'x'));
    }
    s.commit(kRange, batch);
  };
  fill(0);
  s.world.run_for(std::chrono::milliseconds(100));
  EXPECT_FALSE(s.engine->write_stalled());
  fill(20);
  EXPECT_TRUE(s.engine->write_stalled());
  EXPECT_TRUE((*s.engine->view()->get(key_of(25), at(9))).has_value());
  fill(40);
  EXPECT_TRUE(s.engine->apply_stalled());
  EXPECT_GT(s.engine->memtable_use().bytes, size_t{6'000'000});
  auto waited = s.env->run(s.engine->wait_for_room({}, runtime::Instant::never()));
  EXPECT_TRUE(waited.ok());
  EXPECT_FALSE(s.engine->write_stalled());
  EXPECT_FALSE(s.engine->apply_stalled());
}

// An applied entry that is not in this store's log must not be checkpointed: after a crash the log
// may hold another one there.
TEST(Engine, no_checkpoint_covers_what_the_log_has_not_synced) {
  StoreWorld s(6);
  ASSERT_TRUE(s.open().ok());
  WriteBatch batch;
  batch.put_version("a", at(5), "1");
  s.commit(kRange, batch);
  WriteBatch more;
  more.put_version("b", at(6), "2");
  auto payload = testing::shared_bytes(more.bytes());
  s.engine->apply(kRange, LogIndex(2), payload, *payload);
  runtime::TaskScope scope(s.env->executor());
  struct Run {
    static runtime::Task<void> go(Engine* e) { (void)co_await e->checkpoint_now(); }
  };
  scope.spawn(Run::go(s.engine.get()));
  s.world.run_for(std::chrono::seconds(5));
  EXPECT_EQ(s.engine->checkpointed_index(kRange), LogIndex(0));
  LogEntry entry{Term(1), LogIndex(2), 0, payload};
  s.log().append(kRange, ReplicaId(1), std::span<const LogEntry>(&entry, 1));
  s.world.run_for(std::chrono::seconds(5));
  EXPECT_EQ(s.engine->checkpointed_index(kRange), LogIndex(2));
}

TEST(Engine, a_snapshot_replaces_the_span_and_nothing_else) {
  StoreWorld a(7), b(8);
  ASSERT_TRUE(a.open().ok());
  ASSERT_TRUE(b.open().ok());
  WriteBatch source, target;
  for (int i = 0; i < 50; ++i) {
    source.put_version(key_of(i), at(5), Bytes(60'000, 'n'));
    if (i % 3 == 0) source.put_version(key_of(i), at(7), "new");
  }
  source.put(Keyspace::kRange, range_record_prefix(kRange) + "x", "record");
  source.put(Keyspace::kIntent, key_of(4), "intent");
  a.commit(kRange, source);
  for (int i = 0; i < 80; i += 2) target.put_version(key_of(i), at(4), "old");
  target.put(Keyspace::kIntent, key_of(6), "stale");
  b.commit(kRange, target);
  b.log().set_hard_state(kRange, ReplicaId(1), "vote");
  const KeySpan span{key_of(0), key_of(60)};
  auto reader = a.env->run(a.engine->make_snapshot(kRange, span));
  ASSERT_TRUE(reader.ok()) << reader.status().to_string();
  EXPECT_EQ((*reader)->info().index, LogIndex(1));
  EXPECT_EQ((*reader)->info().term, Term(1));
  auto writer = b.env->run(b.engine->receive_snapshot());
  ASSERT_TRUE(writer.ok());
  int chunks = 0;
  while (true) {
    auto chunk = a.env->run((*reader)->next_chunk());
    ASSERT_TRUE(chunk.ok());
    if (chunk->empty()) break;
    ++chunks;
    Bytes broken = *chunk;
    broken[broken.size() / 2] ^= 1;
    ASSERT_FALSE(b.env->run((*writer)->add_chunk(broken)).ok());
    ASSERT_TRUE(b.env->run((*writer)->add_chunk(*chunk)).ok());
  }
  EXPECT_GT(chunks, 2);
  auto installed = b.env->run((*writer)->install(kRange, span, LogIndex(40), Term(3)));
  ASSERT_TRUE(installed.ok()) << installed.to_string();
  (*writer).reset();
  (*reader).reset();
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(b.engine->applied_index(kRange), LogIndex(40));
    EXPECT_EQ(b.log().first_index(kRange), LogIndex(41));
    EXPECT_EQ(b.log().term(kRange, LogIndex(40)), Term(3));
    EXPECT_EQ(b.log().hard_state(kRange), "vote");
    auto view = b.engine->view();
    EXPECT_EQ((*view->get(key_of(3), at(9)))->value, "new");
    EXPECT_EQ((*view->get(key_of(3), at(6)))->value.size(), 60'000u);
    EXPECT_FALSE(view->get(key_of(52), at(9))->has_value());
    EXPECT_EQ((*view->get(key_of(70), at(9)))->value, "old");
    EXPECT_FALSE(view->plain(Keyspace::kIntent, key_of(6))->has_value());
    EXPECT_EQ(**view->plain(Keyspace::kIntent, key_of(4)), "intent");
    EXPECT_EQ(**view->plain(Keyspace::kRange, range_record_prefix(kRange) + "x"), "record");
    view.reset();
    if (round == 0) {
      b.crash();
      ASSERT_TRUE(b.open().ok());
    }
  }
}

TEST(Engine, a_cleared_replica_leaves_nothing_also_when_a_crash_interrupts_it) {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    StoreWorld s(seed);
    ASSERT_TRUE(s.open().ok());
    WriteBatch batch;
    for (int i = 0; i < 40; ++i) batch.put_version(key_of(i), at(5), "v");
    batch.put(Keyspace::kRange, range_record_prefix(kRange), "r");
    s.commit(kRange, batch);
    s.log().remove(kRange, ReplicaId(2));
    ASSERT_TRUE(s.sync().ok());
    const KeySpan span{key_of(10), key_of(30)};
    {
      runtime::TaskScope scope(s.env->executor());
      struct Run {
        static runtime::Task<void> go(Engine* e, KeySpan span) {
          (void)co_await e->clear_replica(kRange, span);
        }
      };
      scope.spawn(Run::go(s.engine.get(), span));
      s.world.run_for(std::chrono::milliseconds(seed));
      s.env->crash(runtime::SimCrash::kPower);
      scope.cancel_all();
      s.shut();
    }
    ASSERT_TRUE(s.open().ok());
    EXPECT_EQ(s.log().tombstone(kRange), ReplicaId(2));
    ASSERT_TRUE(s.env->run(s.engine->clear_replica(kRange, span)).ok());
    EXPECT_EQ(s.engine->applied_index(kRange), LogIndex(0));
    auto view = s.engine->view();
    EXPECT_FALSE(view->get(key_of(10), at(9))->has_value());
    EXPECT_FALSE(view->get(key_of(29), at(9))->has_value());
    EXPECT_FALSE(view->plain(Keyspace::kRange, range_record_prefix(kRange))->has_value());
  }
}

TEST(Engine, statistics_follow_the_rows_and_the_middle_key_halves_them) {
  StoreWorld s(9);
  ASSERT_TRUE(s.open().ok());
  for (int round = 0; round < 20; ++round) {
    WriteBatch batch;
    for (int i = 0; i < 50; ++i) {
      batch.put_version(key_of(round * 50 + i), at(5), Bytes(10'000, 'x'));
    }
    s.commit(kRange, batch);
    ASSERT_TRUE(s.checkpoint().ok());
  }
  SpanStats all = s.engine->span_stats(KeySpan::all());
  EXPECT_NEAR(static_cast<double>(all.rows), 1000, 50);
  EXPECT_NEAR(static_cast<double>(all.bytes), 10.0e6, 0.6e6);
  EXPECT_NEAR(static_cast<double>(s.engine->span_stats({key_of(200), key_of(600)}).bytes), 4.0e6,
              1.2e6);
  Bytes middle = s.engine->middle_key(KeySpan::all());
  EXPECT_GT(middle, key_of(400));
  EXPECT_LT(middle, key_of(600));
  Bytes small = s.engine->middle_key({key_of(10), key_of(20)});
  EXPECT_GE(small, key_of(14));
  EXPECT_LE(small, key_of(16));
  WriteBatch gone;
  for (int i = 0; i < 1000; ++i) gone.delete_version(key_of(i), at(6));
  s.commit(kRange, gone);
  ASSERT_TRUE(s.checkpoint().ok());
  EXPECT_EQ(s.engine->span_stats(KeySpan::all()).rows, 0u);
}

// Runs are laid and published at any time between checkpoints, crashes and snapshots.
TEST(Engine, runs_become_versions_wherever_their_rows_lie) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    runtime::Random random(seed);
    StoreWorld s(seed);
    ASSERT_TRUE(s.open().ok());
    Model model;
    std::map<Bytes, std::vector<std::pair<Bytes, std::optional<Bytes>>>> laid;
    uint64_t now = 1;
    for (int step = 0; step < 60; ++step) {
      WriteBatch batch;
      const Bytes key = fmt::format("{}run{}", key_of(random.below(20)), step);
      switch (random.below(7)) {
        case 0:
          ASSERT_TRUE(s.checkpoint().ok());
          continue;
        case 1:
          ASSERT_TRUE(s.sync().ok());
          s.crash();
          ASSERT_TRUE(s.open().ok());
          ASSERT_TRUE(s.replay(kRange).ok());
          continue;
        case 2:
        case 3:
          if (!laid.empty()) {
            auto it = laid.begin();
            std::advance(it, static_cast<ptrdiff_t>(random.below(laid.size())));
            if (random.chance(0.8)) {
              batch.publish_run(it->first, at(++now));
              for (auto& [k, v] : it->second) model.put(k, now, v);
            } else {
              batch.remove(Keyspace::kRun, it->first);
              batch.remove(Keyspace::kRunBody, it->first);
            }
            s.commit(kRange, batch);
            laid.erase(it);
          }
          continue;
        case 4:
          batch.put_version(key_of(random.below(30)), at(++now), "row");
          break;
        default: {
          RunBuilder builder;
          auto& rows = laid[key];
          for (uint64_t i = random.below(5); i < 30; i += 1 + random.below(6)) {
            std::optional<Bytes> value;
            if (random.chance(0.8)) value = fmt::format("{}-{}", step, i);
            Bytes encoded;
            const Bytes row_key = key_of(i);
            append_run_row({row_key, value.value_or(""), !value, false, std::nullopt}, encoded);
            builder.add(encoded);
            rows.emplace_back(row_key, value);
          }
          batch.put(Keyspace::kRun, key, "what is known of it");
          batch.put(Keyspace::kRunBody, key, builder.finish());
          s.commit(kRange, batch);
          continue;
        }
      }
      // The single row.
      WriteBatchReader reader(batch.bytes());
      ASSERT_TRUE(reader.next());
      model.put(Bytes(reader.key), now, "row");
      s.commit(kRange, batch);
    }
    auto view = s.engine->view();
    for (uint64_t ts : {now, now / 2}) {
      for (bool reverse : {false, true})
        compare_scan(*view, model, KeySpan::all(), ts, ts, reverse);
    }
    size_t left = 0;
    for (auto it = view->plains(Keyspace::kRunBody, KeySpan::all()); it->valid(); it->next())
      ++left;
    EXPECT_EQ(left, laid.size()) << "seed " << seed;
  }
}

// Seen by `bank` 492: the replica is needed, and its store stopped at each checkpoint. What is
// written over damage hides it from no read that may want what was there.
TEST(Engine, a_checkpoint_goes_on_over_damaged_rows_and_no_read_takes_them_for_others) {
  size_t refused = 0, told = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    StoreWorld s(seed);
    runtime::Random random(seed);
    ASSERT_TRUE(s.open().ok());
    Model model;
    uint64_t now = 100, threshold = 0;
    const auto write = [&](const Bytes& key) {
      WriteBatch batch;
      std::optional<Bytes> value;
      if (random.chance(0.8)) value = fmt::format("v{}", now + 1);
      if (value)
        batch.put_version(key, at(now += 1 + random.below(3)), *value);
      else
        batch.delete_version(key, at(now += 1 + random.below(3)));
      model.put(key, now, value);
      s.commit(kRange, batch);
    };
    for (int step = 0; step < 60; ++step) {
      for (uint64_t i = random.below(6); i > 0; --i) write(key_of(random.below(6)));
      if (random.chance(0.2)) s.checkpoint_disk->flip_random_bit(random, "d");
      if (random.chance(0.2)) {
        threshold = std::max(threshold, now - random.below(now - 99));
        s.engine->set_gc_threshold(KeySpan::all(), at(threshold));
      }
      const bool write_out = random.chance(0.6);
      ASSERT_TRUE(!write_out || s.checkpoint().ok()) << "seed " << seed;
      told += s.engine->take_damaged().size();
      auto view = s.engine->view();
      for (int i = 0; i < 20; ++i) {
        const Bytes key = key_of(random.below(6));
        const uint64_t ts = threshold + random.below(now - threshold + 2);
        auto got = view->get(key, at(ts));
        if (!got.ok()) {
          ASSERT_EQ(got.status().code(), StatusCode::kCorruption);
          ++refused;
          continue;
        }
        auto* want = model.get(key, ts);
        if (want == nullptr || !want->second) {
          ASSERT_TRUE(!*got || (*got)->deleted) << key << " at " << ts << ", seed " << seed;
        } else {
          ASSERT_TRUE(got->has_value()) << key << " at " << ts << ", seed " << seed;
          ASSERT_EQ((*got)->value, *want->second) << key << " at " << ts << ", seed " << seed;
        }
      }
    }
    // Damage that no read can come to any more is gone.
    for (uint64_t k = 0; k < 6; ++k) write(key_of(k));
    ASSERT_TRUE(s.checkpoint().ok());
    s.engine->set_gc_threshold(KeySpan::all(), at(now));
    ASSERT_TRUE(s.checkpoint().ok());
    auto verified =
        s.env->run(s.engine->verify(kRange, KeySpan::all(), Bytes(), uint64_t{1} << 30));
    EXPECT_TRUE(verified.ok()) << verified.status().to_string() << ", seed " << seed;
  }
  EXPECT_GT(refused, 0u);
  EXPECT_GT(told, 0u);
}

}  // namespace
}  // namespace quorate::storage
