// What the runtime itself costs: awaits, trips through the reactor, calls between two nodes on
// loopback, syncs in place and on a helper. Prints a line each; run it on an idle machine.
#include <fmt/format.h>
#include <sys/resource.h>

#include <filesystem>
#include <future>
#include <thread>

#include "runtime/real/real_env.h"
#include "runtime/rpc.h"
#include "runtime/sync.h"

namespace quorate::runtime {
namespace {

using Clock = std::chrono::steady_clock;

double nanos_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::nano>(Clock::now() - begin).count();
}
// CPU time of the whole process, user and system.
double cpu_nanos() {
  rusage u{};
  ::getrusage(RUSAGE_SELF, &u);
  return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e9 +
         (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e3;
}

struct Node {
  explicit Node(std::string directory) {
    auto made = RealEnv::open({.data_directory = directory});
    CHECK(made.ok());
    env = std::move(made).value();
    rpc = std::make_unique<Rpc>(env->env());
    rpc->handle(1, [](PeerId, Bytes request) { return echo(std::move(request)); });
    CHECK(env->env().network->listen("127.0.0.1:0", "").ok());
    scope = std::make_unique<TaskScope>(*env->env().executor);
    address = env->message_address();
    thread = std::thread([this] {
      env->run();
      scope.reset();
      rpc.reset();
    });
  }
  ~Node() {
    env->stop();
    thread.join();
  }
  static Task<Result<Bytes>> echo(Bytes request) { co_return std::move(request); }
  // Runs a task on the node and waits for it.
  void run(std::function<Task<void>()> make) {
    std::promise<void> done;
    env->env().executor->post([&] { scope->spawn_now(finish(make(), &done)); });
    done.get_future().wait();
  }
  static Task<void> finish(Task<void> task, std::promise<void>* done) {
    co_await task;
    done->set_value();
  }
  uint64_t metric(const char* name) { return env->metrics().counter(name).value(); }

  std::unique_ptr<RealEnv> env;
  std::unique_ptr<Rpc> rpc;
  std::unique_ptr<TaskScope> scope;
  std::string address;
  std::thread thread;
};

Task<int> leaf(int x) { co_return x + 1; }

Task<void> await_loop(int count) {
  auto begin = Clock::now();
  int x = 0;
  while (x < count) x = co_await leaf(x);
  fmt::print("await that finishes at once          {:8.1f} ns\n", nanos_since(begin) / count);
}

Task<void> yield_loop(Executor* executor, int count) {
  auto begin = Clock::now();
  for (int i = 0; i < count; ++i) co_await yield(*executor);
  fmt::print("yield: a task and a trip             {:8.1f} ns\n", nanos_since(begin) / count);
}

Task<void> post_loop(Executor* executor, int count) {
  auto begin = Clock::now();
  Event done(*executor);
  int left = count;
  for (int i = 0; i < count; ++i) {
    executor->post([&] {
      if (--left == 0) done.set();
    });
  }
  (void)co_await done.wait();
  fmt::print("post on the own reactor              {:8.1f} ns\n", nanos_since(begin) / count);
}

Task<void> call_loop(Node* from, PeerId to, int count) {
  Bytes request(100, 'x');
  for (int i = 0; i < count; ++i) {
    Instant deadline = from->env->env().executor->now() + std::chrono::seconds(10);
    Task<Result<Bytes>> call = from->rpc->call(to, 1, request, deadline);
    Result<Bytes> r = co_await call;
    CHECK(r.ok());
  }
}

Task<void> calls(Node* from, std::string address, int outstanding, int count) {
  PeerId to = from->env->env().network->peer(address);
  std::vector<Task<int>> loops;
  struct Loop {
    static Task<int> run(Node* from, PeerId to, int count) {
      co_await call_loop(from, to, count);
      co_return 0;
    }
  };
  for (int i = 0; i < outstanding; ++i) loops.push_back(Loop::run(from, to, count / outstanding));
  Executor& executor = *from->env->env().executor;
  (void)co_await when_all(executor, std::move(loops));
}

void measure_calls(Node& a, Node& b, int outstanding, int count) {
  a.run([&] { return calls(&a, b.address, outstanding, count / 10); });
  const char* names[] = {"quorate_socket_send_total", "quorate_socket_recv_total",
                         "quorate_reactor_wakes_total"};
  uint64_t before[3], after[3];
  for (int i = 0; i < 3; ++i) before[i] = a.metric(names[i]) + b.metric(names[i]);
  double cpu = cpu_nanos();
  auto begin = Clock::now();
  a.run([&] { return calls(&a, b.address, outstanding, count); });
  double wall = nanos_since(begin) / count / 1e3;
  cpu = (cpu_nanos() - cpu) / count / 1e3;
  for (int i = 0; i < 3; ++i) after[i] = a.metric(names[i]) + b.metric(names[i]);
  fmt::print(
      "call of 100 bytes, {:2} outstanding     {:8.2f} us a call, {:.2f} us CPU of both; "
      "{:.2f} sends, {:.2f} recvs, {:.2f} wakes\n",
      outstanding, wall, cpu, double(after[0] - before[0]) / count,
      double(after[1] - before[1]) / count, double(after[2] - before[2]) / count);
}

Task<void> sync_loop(Disk* disk, SyncPlace place, bool direct, size_t bytes, int count) {
  Task<Result<std::unique_ptr<File>>> opening =
      disk->open("bench", {.create = true, .direct = direct});
  auto file = co_await opening;
  CHECK(file.ok());
  Status allocated = co_await (*file)->allocate(uint64_t{64} << 20);
  CHECK(allocated.ok());
  AlignedBuffer buffer(bytes);
  std::fill(buffer.data(), buffer.data() + bytes, 'x');
  BytesView view(buffer.data(), bytes);
  for (int round : {0, 1}) {  // the first one touches the blocks
    double cpu = cpu_nanos();
    auto begin = Clock::now();
    for (int i = 0; i < count; ++i) {
      uint64_t at = static_cast<uint64_t>(i) * bytes % (uint64_t{64} << 20);
      Task<Status> writing = (*file)->write_and_sync(at, view, place);
      Status s = co_await writing;
      CHECK(s.ok());
    }
    if (round == 0) continue;
    fmt::print("sync of {:2} KiB, {:8}, {:9}    {:8.1f} us, {:.1f} us CPU\n", bytes / 1024,
               direct ? "direct" : "buffered", place == SyncPlace::kHelper ? "helper" : "in place",
               nanos_since(begin) / count / 1e3, (cpu_nanos() - cpu) / count / 1e3);
  }
}

int run() {
  std::string root = (std::filesystem::temp_directory_path() / "quorate_bench_XXXXXX").string();
  CHECK(::mkdtemp(root.data()) != nullptr);
  {
    Node a(root + "/a"), b(root + "/b");
    Executor* executor = a.env->env().executor;
    Disk* disk = a.env->env().disk;
    a.run([] { return await_loop(10'000'000); });
    a.run([&] { return yield_loop(executor, 5'000'000); });
    a.run([&] { return post_loop(executor, 1'000'000); });
    measure_calls(a, b, 1, 50'000);
    measure_calls(a, b, 32, 500'000);
    for (bool direct : {true, false}) {
      for (SyncPlace place : {SyncPlace::kInPlace, SyncPlace::kHelper}) {
        a.run([&] { return sync_loop(disk, place, direct, 16'384, 2'000); });
      }
    }
  }
  std::filesystem::remove_all(root);
  return 0;
}

}  // namespace
}  // namespace quorate::runtime

int main() { return quorate::runtime::run(); }
