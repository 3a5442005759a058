// What the store's operations cost on this machine: storage_bench DIRECTORY
#include <fmt/format.h>

#include <chrono>

#include "runtime/random.h"
#include "runtime/real/real_env.h"
#include "runtime/sync.h"
#include "storage/engine.h"
#include "storage/lmdb_env.h"

namespace quorate::storage {
namespace {

constexpr int kRows = 200'000;
constexpr int kRowsPerEntry = 10;
const RangeId kRange(1);

double seconds_now() {
  using namespace std::chrono;
  return duration<double>(steady_clock::now().time_since_epoch()).count();
}

Bytes key_of(uint64_t n) { return fmt::format("table/1/{:010}", n); }

void bench_reads(Engine& engine, const char* where) {
  runtime::Random random(1);
  constexpr int kGets = 300'000;
  std::vector<Bytes> keys;
  for (int i = 0; i < kGets; ++i) keys.push_back(key_of(random.below(kRows)));
  auto view = engine.view();
  uint64_t found = 0;
  double start = seconds_now();
  for (const Bytes& key : keys) {
    auto got = view->get(key, Timestamp::max());
    if (got.ok() && *got) ++found;
  }
  double end = seconds_now();
  fmt::print("point get, {}: {:.0f} ns ({} of {} found)\n", where, (end - start) / kGets * 1e9,
             found, kGets);
  RowIteratorOptions options;
  options.ts = Timestamp::max();
  for (bool reverse : {false, true}) {
    options.reverse = reverse;
    uint64_t rows = 0;
    start = seconds_now();
    for (auto it = view->rows(options); it->valid(); it->next()) rows += !it->value().empty();
    end = seconds_now();
    fmt::print("scan {}, {}: {:.2f} M rows/s\n", reverse ? "backward" : "forward", where,
               static_cast<double>(rows) / (end - start) / 1e6);
  }
  start = seconds_now();
  for (int i = 0; i < kGets; ++i) engine.view();
  end = seconds_now();
  fmt::print("make a view: {:.0f} ns\n", (end - start) / kGets * 1e9);
}

runtime::Task<void> bench_log(Engine* engine, runtime::SyncPlace place, const char* name) {
  LogStore& log = engine->log();
  log.set_sync_place(place);
  constexpr int kBatches = 1000;
  auto payload = std::make_shared<const Bytes>(500, 'x');
  double start = seconds_now();
  for (int i = 0; i < kBatches; ++i) {
    LogEntry entry{Term(1), log.last_index(RangeId(2)).next(), 0, payload};
    log.append(RangeId(2), ReplicaId(1), std::span<const LogEntry>(&entry, 1));
    Status synced = co_await log.sync();
    CHECK(synced.ok());
  }
  double end = seconds_now();
  fmt::print("append + sync, {}: {:.0f} batches/s, {:.0f} us each\n", name,
             kBatches / (end - start), (end - start) / kBatches * 1e6);
}

runtime::Task<void> bench(runtime::RealEnv* real) {
  runtime::Env& env = real->env();
  EngineOptions options;
  options.memtable_bytes = 512u << 20;
  auto lmdb = co_await open_lmdb(env, "store/lmdb");
  CHECK_MSG(lmdb.ok(), lmdb.status().to_string());
  auto opened = co_await Engine::open(env, options, std::move(*lmdb));
  CHECK_MSG(opened.ok(), opened.status().to_string());
  std::unique_ptr<Engine> engine = std::move(*opened);
  runtime::Random random(7);
  double applying = 0;
  for (int i = 0; i < kRows; i += kRowsPerEntry) {
    WriteBatch batch;
    for (int k = 0; k < kRowsPerEntry; ++k) {
      // A permutation of all rows, so that they do not come in order.
      uint64_t n = static_cast<uint64_t>(i + k) * 7919 % kRows;
      batch.put_version(key_of(n), Timestamp(static_cast<uint64_t>(i) + 1), Bytes(100, 'v'));
    }
    auto payload = std::make_shared<const Bytes>(batch.bytes());
    LogIndex index = engine->applied_index(kRange).next();
    LogEntry entry{Term(1), index, 0, payload};
    engine->log().append(kRange, ReplicaId(1), std::span<const LogEntry>(&entry, 1));
    double start = seconds_now();
    engine->apply(kRange, index, payload, *payload);
    applying += seconds_now() - start;
  }
  fmt::print("apply: {:.2f} M rows/s ({} a entry, in random order)\n", kRows / applying / 1e6,
             kRowsPerEntry);
  bench_reads(*engine, "memtable");
  double start = seconds_now();
  Status done = co_await engine->checkpoint_now();
  CHECK_MSG(done.ok(), done.to_string());
  fmt::print("checkpoint of {} rows: {:.2f} s\n", kRows, seconds_now() - start);
  bench_reads(*engine, "LMDB");
  co_await bench_log(engine.get(), runtime::SyncPlace::kInPlace, "in place");
  co_await bench_log(engine.get(), runtime::SyncPlace::kHelper, "helper");
  done = co_await engine->checkpoint_now();
  CHECK(done.ok());
  engine.reset();
  real->stop();
}

}  // namespace
}  // namespace quorate::storage

int main(int argc, char** argv) {
  using namespace quorate;
  if (argc != 2) {
    fmt::print(stderr, "usage: storage_bench DIRECTORY\n");
    return 2;
  }
  runtime::RealEnvOptions options;
  options.data_directory = argv[1];
  auto real = runtime::RealEnv::open(options);
  if (!real.ok()) {
    fmt::print(stderr, "{}\n", real.status().to_string());
    return 1;
  }
  {
    runtime::TaskScope scope(*(*real)->env().executor);
    scope.spawn(storage::bench(real->get()));
    (*real)->run();
  }
  return 0;
}
