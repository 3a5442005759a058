// What a transaction costs over the key-value half of a node, with real log, LMDB and clock: point
// reads and one-row updates by several clients at once. `kv_bench [SECONDS] [CLIENTS]`. One node,
// no SQL, no sockets.
#include <fmt/format.h>
#include <sys/resource.h>

#include <filesystem>

#include "base/ordered_encoding.h"
#include "range/keys.h"
#include "runtime/real/real_env.h"
#include "server/kv_node.h"
#include "storage/lmdb_env.h"

namespace quorate {
namespace {

using runtime::Task;
constexpr uint64_t kRows = 100'000;

double cpu_seconds() {
  rusage u{};
  getrusage(RUSAGE_SELF, &u);
  auto s = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return s(u.ru_utime) + s(u.ru_stime);
}

Bytes key_of(uint64_t row) {
  Bytes key = range::keys::index_prefix(TableId(1000), IndexId(1));
  put_ordered_i64(static_cast<int64_t>(row), key);
  return key;
}

struct Bench {
  runtime::RealEnv& real;
  server::KvNode& node;
  double seconds;
  int clients;
  bool stop = false;
  uint64_t done = 0, failed = 0;
  int running = 0;
  runtime::Random random{1};

  static Task<void> load(Bench* b) {
    for (uint64_t row = 0; row < kRows;) {
      auto txn = b->node.txn().begin({});
      txn->begin_statement();
      for (int i = 0; i < 1000; ++i, ++row)
        CHECK(txn->put(key_of(row), Bytes(100, 'v'), range::kAllColumns, Timestamp()).ok());
      Status s = co_await txn->commit();
      CHECK_MSG(s.ok(), s.to_string());
    }
  }
  static Task<void> reader(Bench* b) {
    while (!b->stop) {
      auto txn = b->node.txn().begin({});
      txn->begin_statement();
      std::vector<Bytes> keys;
      keys.push_back(key_of(b->random.below(kRows)));
      auto rows = co_await txn->get(std::move(keys), {});
      if (rows.ok() && rows->present(0))
        ++b->done;
      else
        ++b->failed;
      (void)co_await txn->commit();
      if (b->done % 64 == 0) co_await runtime::yield(*b->real.env().executor);
    }
    --b->running;
  }
  static Task<void> writer(Bench* b) {
    while (!b->stop) {
      auto txn = b->node.txn().begin({});
      txn->begin_statement();
      std::vector<Bytes> keys;
      keys.push_back(key_of(b->random.below(kRows)));
      txn::ReadOptions options;
      options.lock = range::LockMode::kExclusive;
      const Bytes key = keys[0];
      auto rows = co_await txn->get(std::move(keys), options);
      if (!rows.ok()) {
        ++b->failed;
        continue;
      }
      (void)txn->put(key, Bytes(100, 'w'), range::column_bit(1), rows->ts(0));
      Status s = co_await txn->commit();
      if (s.ok())
        ++b->done;
      else
        ++b->failed;
    }
    --b->running;
  }
  static Task<void> phase(Bench* b, const char* name, Task<void> (*client)(Bench*), int clients) {
    runtime::TaskScope scope(*b->real.env().executor);
    b->stop = false;
    b->done = b->failed = 0;
    b->running = clients;
    const double cpu = cpu_seconds();
    const uint64_t syncs = b->node.store().engine().log().stats().syncs;
    const auto began = b->real.env().executor->now();
    for (int i = 0; i < clients; ++i) scope.spawn(client(b));
    (void)co_await runtime::sleep_for(
        *b->real.env().executor,
        std::chrono::duration_cast<runtime::Duration>(std::chrono::duration<double>(b->seconds)));
    b->stop = true;
    while (b->running > 0)
      (void)co_await runtime::sleep_for(*b->real.env().executor, std::chrono::milliseconds(1));
    const double took =
        std::chrono::duration<double>(b->real.env().executor->now() - began).count();
    const double spent = cpu_seconds() - cpu;
    fmt::print("{:24} {:3} clients {:10.0f}/s  {:6.2f} us CPU each  {} failed  {:.1f} a sync\n",
               name, clients, b->done / took,
               spent * 1e6 / static_cast<double>(std::max<uint64_t>(b->done, 1)), b->failed,
               static_cast<double>(b->done) /
                   static_cast<double>(std::max<uint64_t>(
                       1, b->node.store().engine().log().stats().syncs - syncs)));
  }
  static Task<void> run(Bench* b) {
    Status s = co_await b->node.start({});
    CHECK_MSG(s.ok(), s.to_string());
    co_await load(b);
    co_await phase(b, "point read", reader, b->clients);
    co_await phase(b, "one-row update", writer, 1);
    co_await phase(b, "one-row update", writer, b->clients);
    co_await phase(b, "one-row update", writer, b->clients * 4);
    b->real.stop();
  }
};

int run(int argc, char** argv) {
  const auto directory = std::filesystem::temp_directory_path() / "quorate-kv-bench";
  std::filesystem::remove_all(directory);
  auto real = runtime::RealEnv::open({.data_directory = directory.string()});
  CHECK_MSG(real.ok(), real.status().to_string());
  {
    server::KvNodeOptions options;
    options.address = "127.0.0.1:0";
    options.single = true;
    options.open_checkpoint = [](runtime::Env& env) {
      return storage::open_lmdb(env, "store/lmdb");
    };
    server::KvNode node((*real)->env(), options);
    Bench bench{**real, node, argc > 1 ? std::atof(argv[1]) : 3.0,
                argc > 2 ? std::atoi(argv[2]) : 8};
    runtime::TaskScope scope(*(*real)->env().executor);
    scope.spawn(Bench::run(&bench));
    (*real)->run();
  }
  real->reset();
  std::filesystem::remove_all(directory);
  return 0;
}

}  // namespace
}  // namespace quorate

int main(int argc, char** argv) { return quorate::run(argc, argv); }
