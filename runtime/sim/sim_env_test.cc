// The simulated world itself: the same seed must be the same run in every process, and what it does
// to nodes must be what sim_network.h and sim_disk.h promise.
#include "runtime/sim/sim_env.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdio>

#include "runtime/rpc.h"

namespace quorate::runtime {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A node that answers calls with an echo, after it wrote what it was sent to its disk, and serves a
// byte stream too: enough to draw on every part of the world.
class EchoNode {
 public:
  EchoNode(SimWorld& world, const std::string& name)
      : sim_(world, name), rpc_(sim_.env()), scope_(sim_.executor()) {
    Env& env = sim_.env();
    rpc_.handle(1, [this](PeerId, Bytes request) { return echo(std::move(request)); });
    CHECK(env.network->listen(name + ":1", name + ":1").ok());
    auto listener = env.network->listen_stream(name + ":2");
    CHECK(listener.ok());
    listener_ = std::move(listener).value();
    scope_.spawn(serve());
  }
  SimNodeEnv& sim() { return sim_; }
  Rpc& rpc() { return rpc_; }
  TaskScope& scope() { return scope_; }
  int answered = 0, failed = 0;

  static Task<void> ping(EchoNode* self, std::string to, int count) {
    Env& env = self->sim_.env();
    PeerId peer = env.network->peer(to);
    for (int i = 0; i < count; ++i) {
      Bytes payload = fmt::format("{} to {}: {}", self->sim_.machine().name(), to, i);
      Result<Bytes> r =
          co_await self->rpc_.call(peer, 1, payload, env.executor->now() + milliseconds(50));
      CHECK(!r.ok() || *r == payload);
      ++(r.ok() ? self->answered : self->failed);
      if (i % 10 == 0) env.log.info("{} calls to {}", i, to);
    }
  }

 private:
  Task<Result<Bytes>> echo(Bytes request) {
    std::string path = fmt::format("f{}", request.size() % 3);
    OpenOptions options{.create = true};
    Task<Result<std::unique_ptr<File>>> opening = sim_.env().disk->open(path, options);
    CO_ASSIGN_OR_RETURN(std::unique_ptr<File> file, co_await opening);
    uint64_t at = sim_.env().random->below(100) * 1'000;
    Task<Status> writing = file->write_and_sync(at, request, SyncPlace::kHelper);
    CO_RETURN_IF_ERROR(co_await writing);
    co_return std::move(request);
  }
  Task<void> serve() {
    while (true) {
      auto stream = co_await listener_->accept({});
      if (!stream.ok()) co_return;
      scope_.spawn(serve_one(std::move(stream).value()));
    }
  }
  static Task<void> serve_one(std::unique_ptr<Stream> stream) {
    while (true) {
      Bytes bytes;
      Status s = co_await stream->read(bytes, 1'000, {});
      if (!s.ok()) co_return;
      s = co_await stream->write(bytes, {});
      if (!s.ok()) co_return;
    }
  }

  SimNodeEnv sim_;
  Rpc rpc_;
  std::unique_ptr<Listener> listener_;
  TaskScope scope_;
};

uint64_t run_program(uint64_t seed) {
  SimWorld world(seed);
  world.network().defaults().loss = 0.01;
  world.network().defaults().duplicate = 0.02;
  world.network().defaults().reorder = 0.05;
  std::map<std::string, std::unique_ptr<EchoNode>> nodes;
  std::vector<std::string> names{"n1", "n2", "n3"};
  for (auto& n : names) nodes[n] = std::make_unique<EchoNode>(world, n);
  for (auto& a : names) {
    for (auto& b : names) nodes[a]->scope().spawn(EchoNode::ping(nodes[a].get(), b + ":1", 100));
  }
  world.run_for(milliseconds(100));
  world.network().isolate("n2");
  world.run_for(milliseconds(100));
  world.network().heal_all();
  nodes["n3"]->sim().crash(SimCrash::kPower);
  nodes.erase("n3");
  nodes["n3"] = std::make_unique<EchoNode>(world, "n3");
  world.machine("n1").clock().set_drift(500);
  world.run_for(seconds(2));
  CHECK(nodes["n1"]->answered > 100);
  nodes.clear();
  return world.trace_hash();
}

// Two runs in one process would share addresses and hash seeds; two processes don't.
TEST(SimWorld, one_seed_is_one_run_in_every_process) {
  for (uint64_t seed : {1, 2}) {
    uint64_t here = run_program(seed);
    std::string command = fmt::format(
        "QUORATE_SIM_SEED={} /proc/{}/exe --gtest_also_run_disabled_tests "
        "--gtest_filter=SimWorld.DISABLED_print_trace_hash",
        seed, getpid());
    FILE* other = popen(command.c_str(), "r");
    ASSERT_NE(other, nullptr);
    std::string output;
    char buffer[4096];
    while (size_t n = fread(buffer, 1, sizeof buffer, other)) output.append(buffer, n);
    ASSERT_EQ(pclose(other), 0) << output;
    EXPECT_NE(output.find(fmt::format("trace hash {:016x}", here)), std::string::npos) << output;
  }
  EXPECT_NE(run_program(1), run_program(3));
}

TEST(SimWorld, DISABLED_print_trace_hash) {
  const char* seed = std::getenv("QUORATE_SIM_SEED");
  ASSERT_NE(seed, nullptr);
  std::printf("trace hash %016lx\n", run_program(std::strtoull(seed, nullptr, 10)));
}

TEST(SimEnv, a_task_sleeps_in_virtual_time) {
  SimWorld world(1);
  SimNodeEnv node(world, "n1");
  Instant before = world.now();
  Status s = node.run(sleep_for(node.executor(), seconds(100)));
  EXPECT_TRUE(s.ok());
  EXPECT_GE(world.now() - before, seconds(100));
}

TEST(SimEnv, a_paused_executor_runs_nothing_and_then_catches_up) {
  SimWorld world(1);
  SimNodeEnv node(world, "n1");
  int ran = 0;
  node.executor().schedule_after(milliseconds(5), [&] { ++ran; });
  node.executor().pause_for(milliseconds(50));
  world.run_for(milliseconds(40));
  EXPECT_EQ(ran, 0);
  world.run_for(milliseconds(20));
  EXPECT_EQ(ran, 1);
}

TEST(SimEnv, after_a_crash_nothing_of_the_incarnation_runs) {
  SimWorld world(1);
  SimNodeEnv node(world, "n1");
  int ran = 0;
  node.executor().post([&] { ++ran; });
  node.executor().schedule_after(milliseconds(1), [&] { ++ran; });
  node.crash(SimCrash::kProcess);
  node.executor().post([&] { ++ran; });
  world.run_for(seconds(1));
  EXPECT_EQ(ran, 0);
}

TEST(SimClock, drifts_and_jumps_without_moving_virtual_time) {
  SimWorld world(1);
  SimClock& clock = world.machine("n1").clock();
  uint64_t start = clock.wall_micros();
  clock.set_drift(1'000);
  world.run_for(seconds(10));
  EXPECT_EQ(clock.wall_micros() - start, 10'010'000u);
  clock.step(-5'000'000);
  EXPECT_EQ(clock.wall_micros() - start, 5'010'000u);
}

class TwoNodes : public ::testing::Test {
 protected:
  TwoNodes() {
    for (SimNodeEnv* n : {&a, &b}) {
      CHECK(n->env().network->listen(n->machine().name() + ":1", "").ok());
    }
    b.env().network->receive(Channel::kRaft, [this](PeerId, BytesView p) { got.emplace_back(p); });
    to_b = a.env().network->peer("b:1");
  }
  void send(int from, int to) {
    for (int i = from; i < to; ++i) a.env().network->send(to_b, Channel::kRaft, std::to_string(i));
  }
  std::vector<std::string> numbers(int from, int to) {
    std::vector<std::string> out;
    for (int i = from; i < to; ++i) out.push_back(std::to_string(i));
    return out;
  }
  SimWorld world{7};
  SimNodeEnv a{world, "a"}, b{world, "b"};
  std::vector<std::string> got;
  PeerId to_b = 0;
};

TEST_F(TwoNodes, messages_arrive_in_order_on_a_calm_link) {
  send(0, 200);
  world.run_for(milliseconds(50));
  EXPECT_EQ(got, numbers(0, 200));
}

TEST_F(TwoNodes, a_cut_is_one_way) {
  world.network().cut("b", "a");
  send(0, 10);
  world.run_for(milliseconds(50));
  EXPECT_EQ(got.size(), 10u);
  world.network().cut("a", "b");
  send(10, 20);
  world.run_for(milliseconds(50));
  EXPECT_EQ(got.size(), 10u);
  world.network().heal_all();
  send(20, 30);
  world.run_for(milliseconds(50));
  EXPECT_EQ(got.size(), 20u);
}

TEST_F(TwoNodes, a_clogged_link_delivers_everything_later_in_order) {
  world.network().clog("a", "b", seconds(1));
  send(0, 50);
  world.run_for(milliseconds(900));
  EXPECT_TRUE(got.empty());
  world.run_for(milliseconds(200));
  EXPECT_EQ(got, numbers(0, 50));
}

TEST_F(TwoNodes, a_bad_link_loses_duplicates_and_reorders) {
  world.network().set_link("a", "b", {.loss = 0.2, .duplicate = 0.2, .reorder = 0.3});
  send(0, 500);
  world.run_for(seconds(1));
  std::set<std::string> distinct(got.begin(), got.end());
  EXPECT_LT(distinct.size(), 480u);
  EXPECT_GT(distinct.size(), 320u);
  EXPECT_GT(got.size(), distinct.size());
  EXPECT_FALSE(std::is_sorted(got.begin(), got.end(),
                              [](auto& x, auto& y) { return std::stoi(x) < std::stoi(y); }));
}

TEST_F(TwoNodes, a_link_queue_is_bounded) {
  world.network().clog("a", "b", seconds(1));
  for (int i = 0; i < 100; ++i) a.env().network->send(to_b, Channel::kRaft, Bytes(1 << 20, 'x'));
  world.run_for(seconds(2));
  EXPECT_EQ(got.size(), 64u);
  EXPECT_EQ(a.metrics().counter("quorate_network_frames_dropped_total").value(), 36u);
}

Task<Bytes> read_all(Stream* stream) {
  Bytes all;
  while (true) {
    Status s = co_await stream->read(all, 10'000, {});
    if (!s.ok()) {
      CHECK(s.code() == StatusCode::kNotFound);
      co_return all;
    }
  }
}
Task<void> write_and_close(Stream* stream, Bytes bytes) {
  Status s = co_await stream->write(bytes, {});
  CHECK(s.ok());
  stream->close();
}
Task<std::unique_ptr<Stream>> accept_one(Listener* listener) {
  auto r = co_await listener->accept({});
  co_return std::move(r).value();
}

class TwoStreams : public TwoNodes {
 protected:
  TwoStreams() {
    auto l = b.env().network->listen_stream("b:0");
    listener = std::move(l).value();
    auto c = a.run(a.env().network->connect_stream(listener->local_address(), {}));
    client = std::move(c).value();
    server = b.run(accept_one(listener.get()));
  }
  std::unique_ptr<Listener> listener;
  std::unique_ptr<Stream> client, server;
};

TEST_F(TwoStreams, bytes_arrive_in_order_through_a_small_window_and_a_cut) {
  Bytes sent;
  for (int i = 0; i < 300'000; ++i) sent += std::to_string(i);
  TaskScope scope(a.executor());
  scope.spawn(write_and_close(client.get(), sent));
  world.run_for(milliseconds(1));
  world.network().partition({"a"}, {"b"});
  world.run_for(seconds(2));
  world.network().heal_all();
  EXPECT_TRUE(b.run(read_all(server.get())) == sent);
}

TEST_F(TwoStreams, a_killed_process_resets_its_streams) {
  a.crash(SimCrash::kProcess);
  Bytes into;
  Status s = b.run(server->read(into, 10, {}));
  EXPECT_EQ(s.code(), StatusCode::kUnavailable);
}

TEST_F(TwoStreams, a_host_without_power_leaves_its_peer_waiting) {
  a.crash(SimCrash::kPower);
  Bytes into;
  CancelSource source;
  b.executor().schedule_after(seconds(100), [&] { source.cancel(cancelled()); });
  Status s = b.run(server->read(into, 10, source.token()));
  EXPECT_EQ(s.code(), StatusCode::kCancelled);
  // Writing finds out.
  EXPECT_TRUE(b.run(server->write("hello", {})).ok());
  s = b.run(server->read(into, 10, {}));
  EXPECT_EQ(s.code(), StatusCode::kUnavailable);
}

TEST_F(TwoStreams, connecting_to_nobody_is_refused_and_can_be_cancelled) {
  auto refused = a.run(a.env().network->connect_stream("b:9", {}));
  EXPECT_EQ(refused.status().code(), StatusCode::kUnavailable);
  CancelSource source;
  a.executor().schedule_after(seconds(1), [&] { source.cancel(cancelled()); });
  auto stopped = a.run(a.env().network->connect_stream("nowhere:1", source.token()));
  EXPECT_EQ(stopped.status().code(), StatusCode::kCancelled);
}

}  // namespace
}  // namespace quorate::runtime
