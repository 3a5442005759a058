// One simulated machine with a store on it, for tests: opens, crashes and reopens it, and feeds it
// committed entries through its log as a replica would.
#pragma once

#include <memory>

#include "runtime/sim/sim_env.h"
#include "storage/engine.h"
#include "storage/testing/map_checkpoint_store.h"

namespace quorate::storage::testing {

inline std::shared_ptr<const Bytes> shared_bytes(BytesView b) {
  return std::make_shared<const Bytes>(b);
}

class StoreWorld {
 public:
  explicit StoreWorld(uint64_t seed, EngineOptions options = small_options())
      : world(seed), options(std::move(options)) {}
  ~StoreWorld() { shut(); }

  static EngineOptions small_options() {
    EngineOptions o;
    o.segment_bytes = 64u << 10;
    o.memtable_bytes = 1u << 20;
    o.log_retained_bytes = 256u << 10;
    o.disk_reserve_bytes = 1u << 20;
    return o;
  }

  Status open() {
    env = std::make_unique<runtime::SimNodeEnv>(world, "n1");
    auto store = make_map_checkpoint_store(env->env(), checkpoint_disk);
    Result<std::unique_ptr<Engine>> opened =
        env->run(Engine::open(env->env(), options, std::move(store)));
    if (!opened.ok()) return opened.status();
    engine = std::move(*opened);
    return Status();
  }
  void crash(runtime::SimCrash how = runtime::SimCrash::kPower) {
    env->crash(how);
    engine.reset();
    env.reset();
  }
  void shut() {
    engine.reset();
    env.reset();
  }
  LogStore& log() { return engine->log(); }
  Status sync() { return env->run(log().sync()); }
  Status checkpoint() { return env->run(engine->checkpoint_now()); }

  // Logs and applies one entry.
  void commit(RangeId range, const WriteBatch& batch, Term term = Term(1)) {
    LogIndex index = log().last_index(range).next();
    auto payload = shared_bytes(batch.bytes());
    LogEntry entry{term, index, 0, payload};
    log().append(range, ReplicaId(1), std::span<const LogEntry>(&entry, 1));
    engine->apply(range, index, payload, *payload);
  }
  // Applies what the log holds beyond the applied index, as a restarted replica whose hard state
  // knows it as committed.
  Status replay(RangeId range) {
    while (engine->applied_index(range) < log().last_index(range)) {
      LogIndex next = engine->applied_index(range).next();
      auto entries = env->run(log().fetch(range, next, next.next(), 1));
      if (!entries.ok()) return entries.status();
      auto payload = entries->front().payload;
      engine->apply(range, next, payload, *payload);
    }
    return Status();
  }

  runtime::SimWorld world;
  EngineOptions options;
  std::shared_ptr<MapCheckpointDisk> checkpoint_disk = std::make_shared<MapCheckpointDisk>();
  std::unique_ptr<runtime::SimNodeEnv> env;
  std::unique_ptr<Engine> engine;
};

}  // namespace quorate::storage::testing
