// The scripts of range/testdata/{latches,lock_table,timestamp_cache}: what waits for what, told
// step by step. Rewrite with QUORATE_REWRITE=1.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/testing/datadriven.h"
#include "range/concurrency/latches.h"
#include "range/concurrency/lock_table.h"
#include "range/concurrency/timestamp_cache.h"
#include "runtime/sim/sim_env.h"

namespace quorate::range {
namespace {

using runtime::Task;
using testing::Command;
using namespace std::chrono_literals;

uint64_t number(std::string_view text) {
  return std::strtoull(std::string(text).c_str(), nullptr, 10);
}

TxnHeader txn(uint64_t n) {
  TxnHeader h;
  h.id = {n, n};
  h.coordinator = NodeId(n);
  return h;
}

struct World {
  runtime::SimWorld world{1};
  runtime::SimNodeEnv env{world, "n1"};
  std::multiset<std::string> done;  // who stopped waiting since the last command; in any order
  std::string settle() {
    world.run_for(1ms);
    std::string out;
    for (const std::string& line : std::exchange(done, {})) out += line;
    return out;
  }
  void tell(const std::string& name, const Status& s) {
    done.insert(name + (s.ok() ? std::string(" goes on\n")
                               : fmt::format(": {} {}\n", s.sqlstate().view(), s.message())));
  }
};

// enqueue NAME latches=(a:w@5,b..d:r@9,!a:w@1)   ! stands before a record's key
// wait NAME    raise NAME ts=9    release NAME    keep NAME (in flight, then its batch goes)
// close        free latch=a:r@7
struct LatchScript : World {
  Latches latches{env.executor()};
  std::map<std::string, Latches::Guard> guards;
  runtime::TaskScope scope{env.executor()};

  static Latch latch_of(std::string text) {
    const LatchSpace space = text.starts_with('!') ? LatchSpace::kRecords : LatchSpace::kRows;
    if (space == LatchSpace::kRecords) text.erase(0, 1);
    const size_t colon = text.find(':'), dots = text.find("..");
    const LatchMode mode = text[colon + 1] == 'w' ? LatchMode::kWrite : LatchMode::kRead;
    const Timestamp ts(number(text.substr(colon + 3)));
    const std::string key = text.substr(0, colon);
    if (dots == std::string::npos) return Latch::key(space, mode, key, ts);
    return Latch::span(space, mode, {key.substr(0, dots), key.substr(dots + 2)}, ts);
  }

  static Task<void> wait(LatchScript* self, std::string name) {
    Latches::Guard& guard = self->guards.at(name);
    Status s = co_await self->latches.wait(guard, {}, runtime::Instant::never());
    self->tell(name, s);
  }

  std::string handle(const Command& c) {
    const std::string name = c.args.empty() ? "" : c.args[0].first;
    if (c.name == "enqueue") {
      std::vector<Latch> all;
      for (const std::string& l : c.list("latches")) all.push_back(latch_of(l));
      guards[name] = latches.enqueue(std::move(all));
    } else if (c.name == "wait") {
      scope.spawn(wait(this, name));
    } else if (c.name == "raise") {
      latches.raise(guards.at(name), Timestamp(c.get_u64("ts")));
    } else if (c.name == "release") {
      guards.at(name).release();
    } else if (c.name == "keep") {
      guards.at(name).keep_if_dropped();
      guards.erase(name);
    } else if (c.name == "close") {
      latches.close(unavailable("the lease is gone"));
    } else if (c.name == "free") {
      Latch l = latch_of(c.get("latch"));
      const bool free = l.point ? latches.free_to_read(l.space, l.start, l.ts)
                                : latches.free_to_read(l.space, KeySpan{l.start, l.end}, l.ts);
      return free ? "free\n" : "not free\n";
    }
    std::string woken = settle();
    return woken + (latches.empty() ? "empty\n" : latches.to_string());
  }
};

// lock 1 key=a mode=x      wait 2 key=a mode=s [timeout=MS]    staged 1 key=a
// release 1 key=a          release_all 1 [staged]              wake    victim 2    dead 1
// split at=m               hand_over (to the right table)      cancel 2    advance ms=300
struct LockScript : World {
  std::set<uint64_t> dead;
  LockTable left{env.executor(), [this](const TxnHeader& t) { return alive(t); }};
  LockTable right{env.executor(), [this](const TxnHeader& t) { return alive(t); }};
  std::map<std::string, runtime::CancelSource> sources;
  runtime::TaskScope scope{env.executor()};

  bool alive(const TxnHeader& t) const { return !dead.contains(t.coordinator.value); }

  static Task<void> wait(LockScript* self, std::string name, Bytes key, LockMode mode,
                         runtime::CancelToken token, runtime::Duration timeout) {
    TxnHeader header = txn(number(name));
    Status s =
        co_await self->left.wait(key, header, mode, token, runtime::Instant::never(), timeout);
    self->tell("T" + name, s);
  }

  std::string handle(const Command& c) {
    const std::string name = c.args.empty() ? "" : c.args[0].first;
    const TxnHeader who = txn(number(name));
    const LockMode mode = c.get("mode", "x") == "s" ? LockMode::kShared : LockMode::kExclusive;
    const std::string key = c.get("key", "");
    std::string said;
    if (c.name == "lock") {
      said = left.try_lock(key, who, mode) ? "taken\n" : "in the way\n";
    } else if (c.name == "wait") {
      sources[name] = runtime::CancelSource();
      scope.spawn_now(wait(this, name, key, mode, sources[name].token(),
                           std::chrono::milliseconds(c.get_u64("timeout", 0))));
    } else if (c.name == "staged") {
      left.add_staged(key, who);
    } else if (c.name == "release") {
      left.release(key, who.id);
    } else if (c.name == "release_all") {
      left.release_all(who.id, c.has("staged"));
    } else if (c.name == "wake") {
      left.wake_all();
    } else if (c.name == "victim") {
      left.abort_waits(who.id, aborted("deadlock detected", sqlstate::kDeadlockDetected));
    } else if (c.name == "dead") {
      dead.insert(number(name));
    } else if (c.name == "cancel") {
      sources[name].cancel(cancelled());
    } else if (c.name == "split") {
      left.split_off(c.get("at"), right);
    } else if (c.name == "hand_over") {
      right.import_held(left.export_held());
    } else if (c.name == "advance") {
      world.run_for(std::chrono::milliseconds(c.get_u64("ms")));
    }
    said += settle();
    left.check_invariants();
    right.check_invariants();
    said += left.to_string();
    if (!right.empty()) said += "right:\n" + right.to_string();
    return said.empty() ? "no locks\n" : said;
  }
};

// start low=5     read key=a ts=10 [columns=3] [txn=1]     read span=a..c ts=10 ...
// floor key=a [columns=3] [txn=1]     raise low=20
struct ReadScript {
  TimestampCache cache{Timestamp(5)};

  std::string handle(const Command& c) {
    const ColumnSet columns = c.get_u64("columns", kAllColumns);
    const uint64_t by = c.get_u64("txn", 0);
    const TxnId txn{by, by};
    if (c.name == "read") {
      const std::string span = c.get("span", "");
      const Timestamp ts(c.get_u64("ts"));
      if (size_t dots = span.find(".."); dots != std::string::npos)
        cache.add(KeySpan{span.substr(0, dots), span.substr(dots + 2)}, ts, columns, txn);
      else
        cache.add(BytesView(c.get("key")), ts, columns, txn);
    } else if (c.name == "raise") {
      cache.raise_low_water(Timestamp(c.get_u64("low")));
    } else if (c.name == "many") {
      // Spans beyond the bound: the oldest become one hull.
      for (uint64_t i = 0; i < c.get_u64("spans"); ++i) {
        const Bytes key = fmt::format("{}{:05}", c.get("prefix"), i);
        cache.add(KeySpan{key, key + "zz"}, Timestamp(c.get_u64("ts") + i), columns, txn);
      }
      return fmt::format("{} spans\n", cache.spans());
    } else if (c.name == "floor") {
      return std::to_string(cache.floor(c.get("key"), columns, txn).packed) + "\n";
    }
    return "ok\n";
  }
};

template <class Script>
void run(const char* folder) {
  testing::run_scripts(std::string(QUORATE_SOURCE_DIR "/range/testdata/") + folder, [] {
    auto script = std::make_shared<Script>();
    return [script](const Command& c) { return script->handle(c); };
  });
}

TEST(ConcurrencyScripts, latches) { run<LatchScript>("latches"); }
TEST(ConcurrencyScripts, lock_table) { run<LockScript>("lock_table"); }
TEST(ConcurrencyScripts, timestamp_cache) { run<ReadScript>("timestamp_cache"); }

}  // namespace
}  // namespace quorate::range
