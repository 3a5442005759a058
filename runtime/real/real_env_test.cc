// The real side on loopback and in a temporary directory. What could go wrong: lost wake-ups
// between threads, frames mixed up over a reconnect, a direct write that is not where it should be,
// a helper that writes into a frame that is gone. Run it under ThreadSanitizer too.
#include "runtime/real/real_env.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <thread>

#include "base/limits.h"
#include "runtime/real/helper_pool.h"
#include "runtime/real/reactor.h"
#include "runtime/real/socket.h"
#include "runtime/rpc.h"
#include "runtime/sync.h"

namespace quorate::runtime {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::string temporary_directory() {
  std::string path = (std::filesystem::temp_directory_path() / "quorate_test_XXXXXX").string();
  CHECK(::mkdtemp(path.data()) != nullptr);
  return path;
}

// What an answer may take, in builds with a sanitizer longer.
Duration patience(Duration usual) {
  const char* slower = std::getenv("QUORATE_SLOWER");
  return usual * (slower == nullptr ? 1 : std::atoi(slower));
}

// A node with a thread of its own.
class Node {
 public:
  explicit Node(std::string directory = temporary_directory()) : directory_(directory) {
    auto made = RealEnv::open({.data_directory = directory});
    CHECK(made.ok());
    env_ = std::move(made).value();
    std::promise<void> ready;
    thread_ = std::thread([this, &ready] {
      scope_ = std::make_unique<TaskScope>(*env_->env().executor);
      env_->env().executor->post([&ready] { ready.set_value(); });
      env_->run();
      before_end();
      scope_.reset();
      rpc_.reset();
    });
    ready.get_future().wait();
  }
  ~Node() {
    stop();
    std::filesystem::remove_all(directory_);
  }
  void stop() {
    if (!thread_.joinable()) return;
    env_->stop();
    thread_.join();
    env_.reset();
  }
  // Runs a function, or a task to its end, on the node's reactor.
  template <class F>
  auto call(F f) {
    std::promise<decltype(f())> promise;
    env().executor->post([&] {
      if constexpr (std::is_void_v<decltype(f())>) {
        f();
        promise.set_value();
      } else {
        promise.set_value(f());
      }
    });
    return promise.get_future().get();
  }
  template <class T>
  T run(std::function<Task<T>()> make) {
    std::promise<T> promise;
    env().executor->post([&] { scope_->spawn_now(finish(make(), &promise)); });
    return promise.get_future().get();
  }
  Env& env() { return env_->env(); }
  RealEnv& real() { return *env_; }
  Rpc& rpc() { return *rpc_; }
  TaskScope& scope() { return *scope_; }
  uint64_t metric(const std::string& name) { return env_->metrics().counter(name).value(); }
  void start_rpc(const std::string& address = "127.0.0.1:0") {
    call([&] {
      rpc_ = std::make_unique<Rpc>(env());
      rpc_->handle(1, [](PeerId, Bytes request) { return echo(std::move(request)); });
      CHECK(env().network->listen(address, "").ok());
    });
  }
  std::string address() {
    return call([&] { return env_->message_address(); });
  }
  Result<Bytes> ask(const std::string& address, Bytes request,
                    Duration timeout = patience(seconds(5))) {
    return run<Result<Bytes>>([&] {
      PeerId peer = env().network->peer(address);
      return rpc_->call(peer, 1, request, env().executor->now() + timeout);
    });
  }
  std::function<void()> before_end = [] {};

 private:
  template <class T>
  static Task<void> finish(Task<T> task, std::promise<T>* promise) {
    T value = co_await task;
    promise->set_value(std::move(value));
  }
  static Task<Result<Bytes>> echo(Bytes request) { co_return std::move(request); }

  const std::string directory_;
  std::unique_ptr<RealEnv> env_;
  std::unique_ptr<Rpc> rpc_;
  std::unique_ptr<TaskScope> scope_;
  std::thread thread_;
};

TEST(Reactor, runs_in_order_and_wakes_for_other_threads) {
  Node node;
  std::vector<int> order;
  for (int i = 0; i < 10'000; ++i) {
    node.env().executor->post([&order, i] { order.push_back(i); });
  }
  node.call([] {});
  ASSERT_EQ(order.size(), 10'000u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
  // One at a time, so that the reactor sleeps in between.
  for (int i = 0; i < 1'000; ++i) node.call([] {});
}

Task<Status> sleeper(Executor* executor) { return sleep_for(*executor, milliseconds(20)); }

TEST(Reactor, timers_do_not_run_early_and_cancelled_ones_not_at_all) {
  Node node;
  auto before = std::chrono::steady_clock::now();
  EXPECT_TRUE(node.run<Status>([&] { return sleeper(node.env().executor); }).ok());
  EXPECT_GE(std::chrono::steady_clock::now() - before, milliseconds(20));
  std::atomic<int> ran = 0;
  node.call([&] {
    TimerId id = node.env().executor->schedule_after(milliseconds(1), [&] { ++ran; });
    node.env().executor->cancel_timer(id);
  });
  EXPECT_TRUE(node.run<Status>([&] { return sleeper(node.env().executor); }).ok());
  EXPECT_EQ(ran, 0);
}

TEST(Reactor, a_step_that_takes_long_is_counted) {
  Node node;
  node.call([] { std::this_thread::sleep_for(milliseconds(5)); });
  node.call([] {});
  EXPECT_GE(node.metric("quorate_reactor_stalls_total"), 1u);
}

TEST(Reactor, who_yields_again_and_again_keeps_nobody_waiting) {
  Node node;
  Executor& executor = *node.env().executor;
  int steps = 0, steps_before_timer = 0;
  std::promise<void> ended;
  std::function<void()> work = [&] {
    const Instant until = executor.now() + milliseconds(1);
    while (executor.now() < until) {
    }
    if (++steps == 1'500) return ended.set_value();
    executor.post([&] { work(); });
  };
  node.call([&] {
    executor.schedule_after(milliseconds(10), [&] { steps_before_timer = steps; });
    work();
  });
  ended.get_future().wait();
  // Steps are counted, not time: a busy machine makes each of them longer.
  EXPECT_GT(steps_before_timer, 0);
  EXPECT_LT(steps_before_timer, 100);
}

TEST(RealEnv, a_data_directory_has_one_owner) {
  std::string directory = temporary_directory();
  Node node(directory);
  EXPECT_EQ(RealEnv::open({.data_directory = directory}).status().code(),
            StatusCode::kFailedPrecondition);
  EXPECT_FALSE(RealEnv::open({.data_directory = "/proc/no/such"}).ok());
}

TEST(RealEnv, entropy_differs) {
  Node a;
  uint64_t x, y;
  a.env().entropy(reinterpret_cast<char*>(&x), 8);
  a.env().entropy(reinterpret_cast<char*>(&y), 8);
  EXPECT_NE(x, y);
  EXPECT_GT(a.env().clock->wall_micros(), 1'700'000'000'000'000u);
}

TEST(TcpNetwork, two_nodes_exchange_calls_of_every_size) {
  Node a, b;
  a.start_rpc();
  b.start_rpc();
  for (size_t size : {0, 1, 100, 16'384, 70'000, 5'000'000}) {
    Bytes request(size, 'x');
    for (size_t i = 0; i < size; ++i) request[i] = static_cast<char>(i * 31 + size);
    Result<Bytes> r = a.ask(b.address(), request);
    ASSERT_TRUE(r.ok()) << r.status().to_string();
    EXPECT_TRUE(*r == request) << size;
    EXPECT_TRUE(b.ask(a.address(), request).ok());
  }
  // The way back used the connection that was there.
  EXPECT_EQ(a.metric("quorate_network_dials_total") + b.metric("quorate_network_dials_total"), 1u);
  Result<Bytes> own = a.ask(a.address(), "to myself");
  EXPECT_EQ(*own, "to myself");
}

Task<void> many_calls(Node* node, PeerId peer, int count, std::atomic<int>* answered) {
  for (int i = 0; i < count; ++i) {
    Bytes request = fmt::format("request {}", i);
    Task<Result<Bytes>> asking =
        node->rpc().call(peer, 1, request, node->env().executor->now() + patience(seconds(10)));
    Result<Bytes> r = co_await asking;
    if (r.ok() && *r == request) ++*answered;
  }
}

TEST(TcpNetwork, many_calls_both_ways_at_once) {
  Node a, b;
  a.start_rpc();
  b.start_rpc();
  std::string addresses[] = {b.address(), a.address()};
  std::atomic<int> answered = 0;
  Node* nodes[] = {&a, &b};
  for (int n : {0, 1}) {
    nodes[n]->call([&] {
      PeerId peer = nodes[n]->env().network->peer(addresses[n]);
      for (int i = 0; i < 32; ++i)
        nodes[n]->scope().spawn(many_calls(nodes[n], peer, 50, &answered));
    });
  }
  for (int i = 0; i < 2'000 && answered < 3'200; ++i) std::this_thread::sleep_for(milliseconds(5));
  EXPECT_EQ(answered, 3'200);
}

TEST(TcpNetwork, a_broken_connection_is_dialled_again) {
  Node a, b;
  a.start_rpc();
  b.start_rpc();
  std::string to = b.address();
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(a.ask(to, "x").ok());
    a.call([&] { a.real().disconnect(a.env().network->peer(to)); });
  }
  EXPECT_EQ(a.metric("quorate_network_dials_total"), 5u);
}

TEST(TcpNetwork, a_peer_that_comes_back_is_found_again) {
  Node a;
  a.start_rpc();
  auto b = std::make_unique<Node>();
  b->start_rpc();
  std::string to = b->address();
  EXPECT_TRUE(a.ask(to, "x").ok());
  b.reset();
  EXPECT_EQ(a.ask(to, "x", milliseconds(100)).status().code(), StatusCode::kUnavailable);
  b = std::make_unique<Node>();
  b->start_rpc(to);
  bool answered = false;
  for (int i = 0; i < 50 && !answered; ++i) answered = a.ask(to, "x", milliseconds(100)).ok();
  EXPECT_TRUE(answered);
}

TEST(TcpNetwork, strangers_and_other_clusters_are_turned_away) {
  Node a, b;
  a.call([&] { a.real().set_cluster_id("one"); });
  b.call([&] { b.real().set_cluster_id("two"); });
  a.start_rpc();
  b.start_rpc();
  EXPECT_FALSE(a.ask(b.address(), "x", milliseconds(100)).ok());
  // Bytes that are no hello: the connection ends.
  auto address = resolve_address(b.address(), true);
  Fd fd(::socket(AF_INET, SOCK_STREAM, 0));
  ASSERT_EQ(::connect(fd.get(), (*address)[0].get(), (*address)[0].length), 0);
  Bytes noise = "GET / HTTP/1.1\r\nHost: quorate\r\n\r\n";
  ASSERT_EQ(::send(fd.get(), noise.data(), noise.size(), 0), static_cast<ssize_t>(noise.size()));
  char buffer[1024];
  ssize_t n;
  while ((n = ::recv(fd.get(), buffer, sizeof buffer, 0)) > 0) {
  }
  EXPECT_LE(n, 0);
}

Task<Result<Bytes>> echo_client(Node* node, std::string address, Bytes sent) {
  Task<Result<std::unique_ptr<Stream>>> connecting =
      node->env().network->connect_stream(address, {});
  CO_ASSIGN_OR_RETURN(std::unique_ptr<Stream> stream, co_await connecting);
  TaskScope writing(*node->env().executor);
  struct Write {
    static Task<void> all(Stream* stream, Bytes* bytes) {
      (void)co_await stream->write(*bytes, {});
    }
  };
  writing.spawn_now(Write::all(stream.get(), &sent));
  Bytes got;
  while (got.size() < sent.size()) CO_RETURN_IF_ERROR(co_await stream->read(got, 1 << 20, {}));
  co_return std::move(got);
}
Task<void> echo_one(std::unique_ptr<Stream> stream) {
  while (true) {
    Bytes bytes;
    Status s = co_await stream->read(bytes, 1 << 20, {});
    if (!s.ok()) co_return;
    s = co_await stream->write(bytes, {});
    if (!s.ok()) co_return;
  }
}
Task<void> echo_server(Listener* listener, TaskScope* scope) {
  while (true) {
    auto stream = co_await listener->accept({});
    if (!stream.ok()) co_return;
    scope->spawn_now(echo_one(std::move(stream).value()));
  }
}

TEST(TcpStream, bytes_go_there_and_back_with_back_pressure) {
  Node server, client;
  std::unique_ptr<Listener> listener;
  std::string address = server.call([&] {
    auto l = server.env().network->listen_stream("127.0.0.1:0");
    listener = std::move(l).value();
    server.scope().spawn_now(echo_server(listener.get(), &server.scope()));
    return listener->local_address();
  });
  server.before_end = [&] { listener->close(); };
  for (size_t size : {1, 1'000, 10'000'000}) {
    Bytes sent(size, 'x');
    for (size_t i = 0; i < size; ++i) sent[i] = static_cast<char>(i * 7 + i / 1000);
    auto got = client.run<Result<Bytes>>([&] { return echo_client(&client, address, sent); });
    ASSERT_TRUE(got.ok()) << got.status().to_string();
    EXPECT_TRUE(*got == sent);
  }
  auto refused =
      client.run<Result<Bytes>>([&] { return echo_client(&client, "127.0.0.1:1", "x"); });
  EXPECT_EQ(refused.status().code(), StatusCode::kUnavailable);
  auto named = client.run<Result<Bytes>>([&] { return echo_client(&client, "localhost:1", "x"); });
  EXPECT_EQ(named.status().code(), StatusCode::kUnavailable);
  server.call([&] {
    server.scope().cancel_all();
    listener.reset();
  });
  server.before_end = [] {};
}

Task<Status> read_one(Node* node, std::string address, CancelToken token) {
  Task<Result<std::unique_ptr<Stream>>> connecting =
      node->env().network->connect_stream(address, {});
  CO_ASSIGN_OR_RETURN(std::unique_ptr<Stream> stream, co_await connecting);
  Bytes got;
  co_return co_await stream->read(got, 100, token);
}

TEST(TcpStream, a_read_can_be_cancelled_and_sees_the_end) {
  Node node;
  std::unique_ptr<Listener> listener;
  std::string address = node.call([&] {
    auto l = node.env().network->listen_stream("127.0.0.1:0");
    listener = std::move(l).value();
    return listener->local_address();
  });
  CancelSource source;
  node.call([&] {
    node.env().executor->schedule_after(milliseconds(10), [&] { source.cancel(cancelled()); });
  });
  Status s = node.run<Status>([&] { return read_one(&node, address, source.token()); });
  EXPECT_EQ(s.code(), StatusCode::kCancelled);
  node.call([&] { listener.reset(); });
}

TEST(HelperPool, a_destroyed_awaiter_waits_for_its_job) {
  Node node;
  Env& env = node.env();
  std::atomic<bool> begun = false, ended = false;
  struct Run {
    static Task<void> block(Disk* disk, std::atomic<bool>* begun, std::atomic<bool>* ended) {
      std::vector<char> on_this_frame(1 << 20);
      Callback work = [&] {
        *begun = true;
        std::this_thread::sleep_for(milliseconds(20));
        std::fill(on_this_frame.begin(), on_this_frame.end(), 1);
        *ended = true;
      };
      Task<void> running = disk->run_blocking(std::move(work));
      co_await running;
    }
  };
  node.call([&] {
    TaskScope scope(*env.executor);
    for (int i = 0; i < 8; ++i) scope.spawn_now(Run::block(env.disk, &begun, &ended));
    while (!begun) std::this_thread::yield();
  });
  EXPECT_TRUE(ended);
}

TEST(HelperPool, what_may_take_long_stands_behind) {
  Node node;
  struct Run {
    static Task<int> nice_of(Disk* disk) {
      int nice = 0;
      Callback work = [&nice] { nice = ::getpriority(PRIO_PROCESS, ::gettid()); };
      Task<void> running = disk->run_blocking(std::move(work));
      co_await running;
      co_return nice;
    }
  };
  const int own = ::getpriority(PRIO_PROCESS, 0);
  const int nice = node.run<int>([&] { return Run::nice_of(node.env().disk); });
  EXPECT_EQ(nice, std::min(own + 5, 19));
}

Task<Status> use_disk(Disk* disk, bool direct, SyncPlace place) {
  CO_RETURN_IF_ERROR(co_await disk->make_directory("log/old"));
  OpenOptions options{.create = true, .direct = direct};
  Task<Result<std::unique_ptr<File>>> opening = disk->open("log/1", options);
  CO_ASSIGN_OR_RETURN(std::unique_ptr<File> file, co_await opening);
  CO_RETURN_IF_ERROR(co_await file->allocate(1 << 20));
  AlignedBuffer buffer(8192);
  std::fill(buffer.data(), buffer.data() + 8192, 'x');
  BytesView bytes(buffer.data(), 8192);
  CO_RETURN_IF_ERROR(co_await file->write_and_sync(4096, bytes, place));
  Task<Result<Bytes>> reading = file->read_at(4000, 200);
  CO_ASSIGN_OR_RETURN(Bytes read, co_await reading);
  EXPECT_EQ(read, Bytes(96, '\0') + Bytes(104, 'x'));
  EXPECT_EQ(*file->size(), 1u << 20);
  reading = file->read_at((1 << 20) - 10, 100);
  CO_ASSIGN_OR_RETURN(Bytes end, co_await reading);
  EXPECT_EQ(end.size(), 10u);
  CO_RETURN_IF_ERROR(co_await disk->write_file("meta", Bytes("content")));
  Task<Result<Bytes>> reading_whole = disk->read_file("meta");
  CO_ASSIGN_OR_RETURN(Bytes meta, co_await reading_whole);
  EXPECT_EQ(meta, "content");
  CO_RETURN_IF_ERROR(co_await disk->rename("log/1", "log/2"));
  Task<Result<std::vector<std::string>>> listing = disk->list("log");
  CO_ASSIGN_OR_RETURN(std::vector<std::string> names, co_await listing);
  EXPECT_EQ(names, (std::vector<std::string>{"2", "old"}));
  CO_RETURN_IF_ERROR(co_await disk->remove("log/2"));
  opening = disk->open("log/2", {});
  auto missing = co_await opening;
  EXPECT_EQ(missing.status().code(), StatusCode::kNotFound);
  EXPECT_GT(disk->free_bytes(), 0u);
  co_return Status();
}

TEST(PosixDisk, files_are_written_synced_renamed_and_removed) {
  for (bool direct : {false, true}) {
    for (SyncPlace place : {SyncPlace::kInPlace, SyncPlace::kHelper}) {
      Node node;
      Status s = node.run<Status>([&] { return use_disk(node.env().disk, direct, place); });
      EXPECT_TRUE(s.ok()) << s.to_string();
      EXPECT_EQ(node.metric("quorate_disk_syncs_total"), 1u);
      EXPECT_EQ(node.metric("quorate_disk_syncs_in_place_total"),
                place == SyncPlace::kInPlace ? 1u : 0u);
    }
  }
}

}  // namespace
}  // namespace quorate::runtime
