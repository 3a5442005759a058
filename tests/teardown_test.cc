// Stores and environments that end in the middle of things, with real threads: a helper writes a
// checkpoint, syncs the log or reads a segment while what asked for it is destroyed, as `quorate
// demo` does when it kills a node. Nothing may be touched afterwards, and what was acknowledged is
// there at the next start. Worth most under AddressSanitizer and ThreadSanitizer.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <numeric>
#include <thread>

#include "runtime/random.h"
#include "runtime/real/real_env.h"
#include "runtime/sync.h"
#include "storage/engine.h"
#include "storage/lmdb_env.h"

namespace quorate {
namespace {

using runtime::Env;
using runtime::RealEnv;
using runtime::Task;
using runtime::TaskScope;
using storage::Engine;
using namespace std::chrono_literals;

constexpr uint64_t kRanges = 3;
constexpr uint64_t kMapBytes = 64u << 20;
const ReplicaId kReplica(1);

class Directory {
 public:
  Directory() : path_((std::filesystem::temp_directory_path() / "quorate_end_XXXXXX").string()) {
    CHECK(::mkdtemp(path_.data()) != nullptr);
  }
  ~Directory() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// A store with everything going on at once. Destroying it is what the tests are about.
class BusyStore {
 public:
  // `acknowledged`: the last index of each range that a sync returned for; checked at the start.
  BusyStore(Env& env, std::vector<uint64_t>& acknowledged, uint64_t seed)
      : env_(env), acknowledged_(acknowledged), random_(seed), scope_(*env.executor) {
    scope_.spawn(start());
  }
  ~BusyStore() { scope_.cancel_all(); }
  bool started() const { return engine_ != nullptr; }

 private:
  Task<void> start();
  Task<void> replay(RangeId range);
  Task<void> write(RangeId range);
  Task<void> write_checkpoints();
  Task<void> copy_ranges();
  Task<void> fetch_old();
  Task<void> verify_all();

  Env& env_;
  std::vector<uint64_t>& acknowledged_;
  runtime::Random random_;
  storage::CheckpointStore* checkpoint_ = nullptr;  // the engine's
  std::unique_ptr<Engine> engine_;
  TaskScope scope_;
};

Task<void> BusyStore::start() {
  storage::LmdbOptions lmdb;
  lmdb.map_bytes = kMapBytes;
  Task<Result<std::unique_ptr<storage::CheckpointStore>>> opening =
      storage::open_lmdb(env_, "store/lmdb", lmdb);
  Result<std::unique_ptr<storage::CheckpointStore>> checkpoint = co_await opening;
  CHECK_MSG(checkpoint.ok(), checkpoint.status().to_string());
  checkpoint_ = checkpoint->get();
  storage::EngineOptions options;
  options.segment_bytes = 64u << 10;
  options.memtable_bytes = 300u << 10;
  options.log_retained_bytes = 256u << 10;
  options.entry_cache_bytes = 8u << 10;
  Task<Result<std::unique_ptr<Engine>>> making =
      Engine::open(env_, options, std::move(checkpoint).value());
  Result<std::unique_ptr<Engine>> made = co_await making;
  CHECK_MSG(made.ok(), made.status().to_string());
  std::unique_ptr<Engine> engine = std::move(made).value();
  engine_ = std::move(engine);
  engine_->log().set_sync_place(random_.chance(0.3) ? runtime::SyncPlace::kInPlace
                                                    : runtime::SyncPlace::kHelper);
  for (uint64_t r = 1; r <= kRanges; ++r) {
    CHECK(engine_->log().last_index(RangeId(r)).value >= acknowledged_[r]);
    co_await replay(RangeId(r));
    scope_.spawn(write(RangeId(r)));
  }
  scope_.spawn(write_checkpoints());
  scope_.spawn(copy_ranges());
  scope_.spawn(fetch_old());
  scope_.spawn(verify_all());
}

// What the checkpoint does not hold yet.
Task<void> BusyStore::replay(RangeId range) {
  while (engine_->applied_index(range) < engine_->log().last_index(range)) {
    const LogIndex next = engine_->applied_index(range).next();
    Task<Result<std::vector<LogEntry>>> fetching =
        engine_->log().fetch(range, next, next.next(), 1);
    Result<std::vector<LogEntry>> entries = co_await fetching;
    CHECK_MSG(entries.ok(), entries.status().to_string());
    const auto payload = entries->front().payload;
    engine_->apply(range, next, payload, *payload);
  }
}

Task<void> BusyStore::write(RangeId range) {
  for (;;) {
    const LogIndex index = engine_->log().last_index(range).next();
    storage::WriteBatch batch;
    batch.put_version(fmt::format("{}/{:04}", range.value, random_.below(500)),
                      Timestamp(index.value), Bytes(random_.below(3'000), 'v'));
    auto payload = std::make_shared<const Bytes>(batch.bytes());
    LogEntry entry{Term(1), index, 0, payload};
    engine_->log().append(range, kReplica, std::span<const LogEntry>(&entry, 1));
    Status synced = co_await engine_->log().sync();
    CHECK_MSG(synced.ok(), synced.to_string());
    acknowledged_[range.value] = index.value;
    engine_->apply(range, index, payload, *payload);
    // Asked while a helper writes a checkpoint, too.
    CHECK(checkpoint_->used_bytes() <= kMapBytes);
    if (engine_->write_stalled()) {
      Status room = co_await engine_->wait_for_room({}, runtime::Instant::never());
      CHECK_MSG(room.ok(), room.to_string());
    }
  }
}

Task<void> BusyStore::write_checkpoints() {
  for (;;) {
    Status done = co_await engine_->checkpoint_now();
    CHECK_MSG(done.ok(), done.to_string());
    (void)co_await runtime::sleep_for(*env_.executor, 2ms);
  }
}

// As the scrubber does, while checkpoints are written.
Task<void> BusyStore::verify_all() {
  Bytes from;
  for (;;) {
    for (uint64_t r = 1; r <= kRanges; ++r) {
      do {
        Task<Result<Engine::Verified>> verifying = engine_->verify(
            RangeId(r), KeySpan::prefix(fmt::format("{}/", r)), std::move(from), 64u << 10);
        Result<Engine::Verified> piece = co_await verifying;
        CHECK_MSG(piece.ok(), piece.status().to_string());
        from = std::move(piece->next);
      } while (!from.empty());
    }
    CHECK(engine_->take_damaged().empty());
    Status slept = co_await runtime::sleep_for(*env_.executor, 1ms);
    if (!slept.ok()) co_return;
  }
}

Task<void> BusyStore::copy_ranges() {
  for (;;) {
    const RangeId range(1 + random_.below(kRanges));
    const KeySpan span = KeySpan::prefix(std::to_string(range.value) + "/");
    Task<Result<std::unique_ptr<Engine::SnapshotReader>>> making =
        engine_->make_snapshot(range, span);
    Result<std::unique_ptr<Engine::SnapshotReader>> made = co_await making;
    if (made.ok()) {
      std::unique_ptr<Engine::SnapshotReader> reader = std::move(made).value();
      for (;;) {
        Result<Bytes> chunk = co_await reader->next_chunk();
        CHECK_MSG(chunk.ok(), chunk.status().to_string());
        if (chunk->empty()) break;
      }
    }
    (void)co_await runtime::sleep_for(*env_.executor, 1ms);
  }
}

// Old entries, which come from the segments.
Task<void> BusyStore::fetch_old() {
  for (;;) {
    const RangeId range(1 + random_.below(kRanges));
    const LogIndex low = engine_->log().first_index(range);
    const LogIndex high = engine_->log().last_index(range);
    if (low < high) {
      Task<Result<std::vector<LogEntry>>> fetching =
          engine_->log().fetch(range, low, high, 64u << 10);
      Result<std::vector<LogEntry>> entries = co_await fetching;
      // What went meanwhile is not found.
      CHECK_MSG(entries.ok() || entries.status().code() == StatusCode::kNotFound,
                entries.status().to_string());
    }
    (void)co_await runtime::sleep_for(*env_.executor, 300us);
  }
}

// One life of a node: a thread with a reactor that is stopped at a moment nobody chose.
void live(const std::string& directory, std::vector<uint64_t>& acknowledged, uint64_t seed,
          runtime::Duration lifetime) {
  auto opened = RealEnv::open({.data_directory = directory, .helper_threads = 3});
  ASSERT_TRUE(opened.ok()) << opened.status().to_string();
  std::unique_ptr<RealEnv> env = std::move(opened).value();
  std::promise<void> running;
  std::thread thread([&] {
    env->adopt();
    auto store = std::make_unique<BusyStore>(env->env(), acknowledged, seed);
    running.set_value();
    env->run();
    store.reset();
  });
  running.get_future().wait();
  std::this_thread::sleep_for(lifetime);
  env->stop();
  thread.join();
}

constexpr int kLives = 40;

// Every fourth life is a short one. A build with a sanitizer gets as far in a longer time.
std::chrono::microseconds lifetime_of(runtime::Random& random, uint64_t i) {
  const char* slower = std::getenv("QUORATE_SLOWER");
  const uint64_t times = slower == nullptr ? 1 : std::strtoull(slower, nullptr, 10);
  return std::chrono::microseconds(random.below((i % 4 == 0 ? 3'000 : 40'000) * times));
}

TEST(Teardown, a_store_that_is_destroyed_at_any_moment_touches_nothing_afterwards) {
  Directory directory;
  std::vector<uint64_t> acknowledged(kRanges + 1, 0);
  runtime::Random random(1);
  uint64_t all = 0;
  // On a busy machine it takes more lives until enough has been going on.
  for (uint64_t i = 0; i < kLives || (all <= 20 && i < 10 * kLives); ++i) {
    const auto lifetime = lifetime_of(random, i);
    live(directory.path(), acknowledged, i, lifetime);
    if (HasFatalFailure()) return;
    all = std::accumulate(acknowledged.begin(), acknowledged.end(), uint64_t{0});
  }
  EXPECT_GT(all, 20u) << "nothing was going on";
}

// The reactor goes on; another store opens in the same place at once.
Task<void> lives_in_one_reactor(Env* env, std::vector<uint64_t>* acknowledged,
                                std::promise<void>* ended) {
  runtime::Random random(2);
  for (uint64_t i = 0; i < kLives; ++i) {
    auto store = std::make_unique<BusyStore>(*env, *acknowledged, i);
    const auto lifetime = lifetime_of(random, i);
    (void)co_await runtime::sleep_for(*env->executor, lifetime);
    store.reset();
  }
  // Timers and steps that were left behind would run now.
  (void)co_await runtime::sleep_for(*env->executor, 150ms);
  ended->set_value();
}

TEST(Teardown, a_store_leaves_nothing_behind_in_a_reactor_that_goes_on) {
  Directory directory;
  std::vector<uint64_t> acknowledged(kRanges + 1, 0);
  auto opened = RealEnv::open({.data_directory = directory.path()});
  ASSERT_TRUE(opened.ok());
  std::unique_ptr<RealEnv> env = std::move(opened).value();
  std::promise<void> ended;
  std::thread thread([&] {
    TaskScope scope(*env->env().executor);
    // In a step of the reactor, when this thread owns it.
    env->env().executor->post(
        [&] { scope.spawn(lives_in_one_reactor(&env->env(), &acknowledged, &ended)); });
    env->run();
  });
  ended.get_future().wait();
  env->stop();
  thread.join();
}

}  // namespace
}  // namespace quorate
