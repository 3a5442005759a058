// Calls between nodes: an answer must belong to its question, whatever the network does, and a call
// that gets none must end.
#include "runtime/rpc.h"

#include <gtest/gtest.h>

#include "runtime/hlc.h"
#include "runtime/sim/sim_env.h"

namespace quorate::runtime {
namespace {

using std::chrono::milliseconds;

class RpcTest : public ::testing::Test {
 protected:
  RpcTest() {
    for (auto* node : {&a, &b}) {
      CHECK(node->env().network->listen(node->machine().name() + ":1", "").ok());
    }
    to_b = a.env().network->peer("b:1");
    server.handle(1, [this](PeerId, Bytes r) { return echo(this, std::move(r)); });
    server.handle(2, [](PeerId, Bytes) { return fail(); });
  }
  static Task<Result<Bytes>> echo(RpcTest* self, Bytes request) {
    ++self->served;
    (void)co_await sleep_for(self->b.executor(), milliseconds(5));
    co_return std::move(request);
  }
  static Task<Result<Bytes>> fail() {
    co_return Status(aborted("no", sqlstate::kSerializationFailure).with_hint("again"));
  }
  Result<Bytes> call(RpcMethod method, Bytes request, Duration timeout = milliseconds(100)) {
    return a.run(client.call(to_b, method, request, world.now() + timeout));
  }
  static Task<void> call_into(Rpc* rpc, PeerId to, Instant deadline, CancelToken token,
                              Bytes request, std::vector<Result<Bytes>>* out) {
    Task<Result<Bytes>> calling = rpc->call(to, 1, request, deadline, token);
    Result<Bytes> r = co_await calling;
    CHECK(!r.ok() || *r == request);
    out->push_back(std::move(r));
  }
  SimWorld world{3};
  SimNodeEnv a{world, "a"}, b{world, "b"};
  Rpc client{a.env()}, server{b.env(), 4};
  PeerId to_b = 0;
  int served = 0;
};

TEST_F(RpcTest, answers_and_errors_come_back_whole) {
  EXPECT_EQ(*call(1, "hello"), "hello");
  Status s = call(2, "").status();
  EXPECT_EQ(s.code(), StatusCode::kAborted);
  EXPECT_EQ(s.sqlstate().view(), "40001");
  EXPECT_EQ(s.message(), "no");
  EXPECT_EQ(s.fields().hint, "again");
  EXPECT_EQ(call(77, "").status().code(), StatusCode::kUnavailable);
}

TEST_F(RpcTest, a_call_without_an_answer_ends_at_its_deadline_or_when_cancelled) {
  world.network().cut("b", "a");
  Instant before = world.now();
  EXPECT_EQ(call(1, "x").status().code(), StatusCode::kDeadlineExceeded);
  EXPECT_EQ(served, 1) << "it may have been served all the same";
  EXPECT_LT(world.now() - before, milliseconds(110));
  CancelSource source;
  std::vector<Result<Bytes>> out;
  TaskScope scope(a.executor());
  scope.spawn(call_into(&client, to_b, Instant::never(), source.token(), "x", &out));
  world.run_for(milliseconds(10));
  source.cancel(cancelled());
  world.run_for(milliseconds(1));
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].status().code(), StatusCode::kCancelled);
}

TEST_F(RpcTest, a_call_to_a_process_that_is_gone_ends_at_once) {
  int losses = 0;
  client.on_loss = [&](PeerId peer, bool refused) { losses += peer == to_b && refused ? 1 : 0; };
  b.crash(SimCrash::kProcess);
  Instant before = world.now();
  EXPECT_EQ(call(1, "x", std::chrono::seconds(10)).status().code(), StatusCode::kUnavailable);
  EXPECT_LT(world.now() - before, milliseconds(5));
  EXPECT_EQ(losses, 1);
}

TEST_F(RpcTest, a_server_takes_so_many_at_once_and_refuses_the_rest) {
  std::vector<Result<Bytes>> out;
  TaskScope scope(a.executor());
  for (int i = 0; i < 10; ++i) {
    scope.spawn(call_into(&client, to_b, Instant::never(), {}, std::to_string(i), &out));
  }
  world.run_for(milliseconds(50));
  ASSERT_EQ(out.size(), 10u);
  EXPECT_EQ(std::count_if(out.begin(), out.end(), [](auto& r) { return r.ok(); }), 4);
}

TEST_F(RpcTest, duplicates_and_late_answers_reach_nobody_else) {
  world.network().defaults().duplicate = 0.5;
  world.network().defaults().reorder = 0.5;
  world.network().defaults().loss = 0.1;
  std::vector<Result<Bytes>> out;
  TaskScope scope(a.executor());
  for (int i = 0; i < 500; ++i) {
    Instant deadline = world.now() + milliseconds(10);
    scope.spawn(call_into(&client, to_b, deadline, {}, std::to_string(i), &out));
    world.run_for(milliseconds(2));
  }
  world.run_for(milliseconds(50));
  EXPECT_EQ(out.size(), 500u);
  EXPECT_GT(served, 500 * 8 / 10);
}

TEST_F(RpcTest, a_caller_that_is_destroyed_leaves_nothing_behind) {
  std::vector<Result<Bytes>> out;
  {
    TaskScope scope(a.executor());
    scope.spawn(call_into(&client, to_b, Instant::never(), {}, "x", &out));
    world.run_for(milliseconds(2));
  }
  world.run_for(milliseconds(50));
  EXPECT_EQ(served, 1);
  EXPECT_TRUE(out.empty());
}

TEST(Hlc, never_repeats_never_goes_back_and_refuses_what_is_too_far_ahead) {
  SimWorld world(1);
  SimClock& clock = world.machine("n").clock();
  Hlc hlc(clock, 250'000);
  Timestamp last = hlc.now();
  for (int i = 0; i < 10'000; ++i) {
    Timestamp t = hlc.now();
    ASSERT_GT(t, last);
    last = t;
  }
  clock.step(-1'000'000);
  EXPECT_GT(hlc.now(), last);
  clock.step(2'000'000);
  EXPECT_EQ(hlc.now().micros(), clock.wall_micros());
  Timestamp near = Timestamp::from_micros(clock.wall_micros() + 200'000);
  EXPECT_TRUE(hlc.update(near).ok());
  EXPECT_GT(hlc.now(), near);
  Timestamp far = Timestamp::from_micros(clock.wall_micros() + 300'000);
  EXPECT_EQ(hlc.update(far).code(), StatusCode::kFailedPrecondition);
  EXPECT_LT(hlc.now(), far);
  hlc.forward(far);
  EXPECT_GT(hlc.now(), far);
}

TEST(Random, streams_of_one_seed_and_name_are_equal_and_others_differ) {
  Random x(5), y(5);
  Random net_x = x.fork("network"), net_y = y.fork("network");
  Random disk_x = x.fork("disk");
  uint64_t first = net_x.next();
  EXPECT_EQ(first, net_y.next());
  EXPECT_NE(first, disk_x.next());
  int counts[10] = {};
  for (int i = 0; i < 100'000; ++i) ++counts[x.below(10)];
  for (int c : counts) EXPECT_NEAR(c, 10'000, 500);
}

}  // namespace
}  // namespace quorate::runtime
