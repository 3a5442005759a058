// Waiting: lost wake-ups, resumption after destruction, units that vanish, waits that can't be
// cancelled. Every primitive is tried with cancellation, deadline, and destruction both while it
// waits and between its wake and its resumption.
#include "runtime/sync.h"

#include <gtest/gtest.h>

#include "runtime/sim/sim_executor.h"
#include "runtime/sim/sim_world.h"

namespace quorate::runtime {
namespace {

using std::chrono::milliseconds;

class Sync : public ::testing::Test {
 protected:
  void run(Duration d = milliseconds(1)) { world.run_for(d); }
  Instant in(Duration d) { return world.now() + d; }
  SimWorld world{1};
  SimExecutor executor{world, "e"};
  std::vector<std::string> log;
};

Task<void> note_status(Task<Status> wait, std::vector<std::string>* log, std::string name) {
  Status s = co_await wait;
  log->push_back(name + (s.ok() ? " ok" : " " + std::string(status_code_name(s.code()))));
}
Task<Status> popped(Queue<int>* queue, CancelToken token, Instant deadline) {
  auto r = co_await queue->pop(token, deadline);
  co_return r.status();
}

// One way to wait, and how to satisfy it.
struct Primitive {
  std::string name;
  std::function<Task<Status>(CancelToken, Instant)> wait;
  std::function<void()> satisfy;
};

struct Primitives {
  explicit Primitives(Executor& e)
      : event(e), one_shot(e), semaphore(e, 1), queue(e, 4), full(e, 1) {
    CHECK(semaphore.try_acquire(1));
    CHECK(full.try_push(0));
    all = {
        {"event", [this](CancelToken t, Instant d) { return event.wait(t, d); },
         [this] { event.set(); }},
        {"one_shot", [this](CancelToken t, Instant d) { return one_shot.wait(t, d); },
         [this] { one_shot.set(1); }},
        {"semaphore", [this](CancelToken t, Instant d) { return semaphore.acquire(1, t, d); },
         [this] { semaphore.release(1); }},
        {"pop", [this](CancelToken t, Instant d) { return popped(&queue, t, d); },
         [this] { CHECK(queue.try_push(1)); }},
        {"push", [this](CancelToken t, Instant) { return full.push(1, t); },
         [this] { full.close(); }},
    };
  }
  Event event;
  OneShot<int> one_shot;
  Semaphore semaphore;
  Queue<int> queue, full;
  std::vector<Primitive> all;
};

TEST_F(Sync, every_wait_ends_when_it_is_satisfied) {
  Primitives p(executor);
  TaskScope scope(executor);
  for (auto& w : p.all) scope.spawn_now(note_status(w.wait({}, Instant::never()), &log, w.name));
  run();
  EXPECT_TRUE(log.empty());
  for (auto& w : p.all) w.satisfy();
  EXPECT_TRUE(log.empty()) << "nothing may run inside the call that wakes";
  run();
  std::sort(log.begin(), log.end());
  EXPECT_EQ(log, (std::vector<std::string>{"event ok", "one_shot ok", "pop ok", "push kUnavailable",
                                           "semaphore ok"}));
}

TEST_F(Sync, one_cancel_ends_every_wait_that_holds_the_token) {
  Primitives p(executor);
  CancelSource source;
  TaskScope scope(executor);
  for (auto& w : p.all) {
    scope.spawn_now(note_status(w.wait(source.token(), Instant::never()), &log, w.name));
  }
  scope.spawn_now(
      note_status(sleep_for(executor, std::chrono::hours(1), source.token()), &log, "sleep"));
  run();
  source.cancel(cancelled());
  source.cancel(internal_error("a later reason"));
  run();
  EXPECT_EQ(log.size(), 6u);
  for (auto& line : log) EXPECT_TRUE(line.ends_with("kCancelled")) << line;
  // A wait that begins with a cancelled token ends at once.
  log.clear();
  for (auto& w : p.all) {
    scope.spawn_now(note_status(w.wait(source.token(), Instant::never()), &log, w.name));
  }
  EXPECT_EQ(log.size(), p.all.size());
}

TEST_F(Sync, every_wait_ends_at_its_deadline) {
  Primitives p(executor);
  TaskScope scope(executor);
  for (auto& w : p.all) {
    if (w.name == "push") continue;
    scope.spawn_now(note_status(w.wait({}, in(milliseconds(10))), &log, w.name));
  }
  run(milliseconds(9));
  EXPECT_TRUE(log.empty());
  run(milliseconds(2));
  EXPECT_EQ(log.size(), 4u);
  for (auto& line : log) EXPECT_TRUE(line.ends_with("kDeadlineExceeded")) << line;
}

TEST_F(Sync, frames_may_be_destroyed_while_they_wait) {
  Primitives p(executor);
  CancelSource source;
  for (bool woken : {false, true}) {
    TaskScope scope(executor);
    for (auto& w : p.all) {
      scope.spawn_now(note_status(w.wait(source.token(), in(milliseconds(5))), &log, w.name));
    }
    scope.spawn_now(note_status(sleep_for(executor, milliseconds(5)), &log, "sleep"));
    run();
    if (woken) {
      for (auto& w : p.all) w.satisfy();
    }
  }
  run(milliseconds(20));
  source.cancel(cancelled());
  run();
  EXPECT_TRUE(log.empty());
  EXPECT_EQ(p.semaphore.available(), 1u) << "the grant of a destroyed acquirer comes back";
}

TEST_F(Sync, frames_may_be_destroyed_between_cancel_and_resumption) {
  Primitives p(executor);
  CancelSource source;
  {
    TaskScope scope(executor);
    for (auto& w : p.all) {
      scope.spawn_now(note_status(w.wait(source.token(), Instant::never()), &log, w.name));
    }
    run();
    source.cancel(cancelled());
  }
  run();
  EXPECT_TRUE(log.empty());
}

TEST_F(Sync, a_queue_item_whose_popper_died_wakes_the_next_popper) {
  Queue<int> queue(executor, 4);
  TaskScope second(executor);
  {
    TaskScope first(executor);
    first.spawn_now(note_status(popped(&queue, {}, Instant::never()), &log, "first"));
    second.spawn_now(note_status(popped(&queue, {}, Instant::never()), &log, "second"));
    EXPECT_TRUE(queue.try_push(1));
  }
  run();
  EXPECT_EQ(log, std::vector<std::string>{"second ok"});
}

TEST_F(Sync, semaphore_serves_in_order_and_small_requests_do_not_overtake_large_ones) {
  Semaphore semaphore(executor, 10);
  TaskScope scope(executor);
  ASSERT_TRUE(semaphore.try_acquire(6));
  scope.spawn_now(note_status(semaphore.acquire(8), &log, "large"));
  scope.spawn_now(note_status(semaphore.acquire(1), &log, "small"));
  EXPECT_FALSE(semaphore.try_acquire(1));
  run();
  EXPECT_TRUE(log.empty());
  semaphore.release(6);
  run();
  std::sort(log.begin(), log.end());
  EXPECT_EQ(log, (std::vector<std::string>{"large ok", "small ok"}));
  EXPECT_EQ(semaphore.available(), 1u);
}

TEST_F(Sync, a_large_request_that_gives_up_or_dies_lets_the_small_ones_pass) {
  Semaphore semaphore(executor, 10);
  TaskScope scope(executor);
  ASSERT_TRUE(semaphore.try_acquire(6));
  CancelSource source;
  scope.spawn_now(note_status(semaphore.acquire(8, source.token()), &log, "large"));
  scope.spawn_now(note_status(semaphore.acquire(1), &log, "small"));
  source.cancel(cancelled());
  run();
  EXPECT_EQ(log, (std::vector<std::string>{"large kCancelled", "small ok"}));
  {
    TaskScope dies(executor);
    dies.spawn_now(note_status(semaphore.acquire(8), &log, "dying"));
    scope.spawn_now(note_status(semaphore.acquire(2), &log, "third"));
  }
  run();
  EXPECT_EQ(log.back(), "third ok");
}

TEST_F(Sync, a_request_above_the_limit_gets_all_units) {
  Semaphore semaphore(executor, 3);
  Status s = run_task(world, executor, semaphore.acquire(100));
  EXPECT_TRUE(s.ok());
  EXPECT_EQ(semaphore.available(), 0u);
  semaphore.release(100);
  EXPECT_EQ(semaphore.available(), 3u);
}

Task<void> produce(Queue<int>* queue, int count) {
  for (int i = 0; i < count; ++i) {
    Status s = co_await queue->push(i);
    CHECK(s.ok());
  }
  queue->close();
}
Task<int> consume(Queue<int>* queue) {
  int next = 0;
  while (true) {
    auto item = co_await queue->pop();
    CHECK(item.ok());
    if (!item->has_value()) co_return next;
    CHECK(**item == next);
    ++next;
  }
}

TEST_F(Sync, queue_is_bounded_keeps_order_and_drains_after_close) {
  Queue<int> queue(executor, 3);
  TaskScope scope(executor);
  scope.spawn(produce(&queue, 1'000));
  run(milliseconds(1));
  EXPECT_EQ(queue.size(), 3u);
  EXPECT_EQ(run_task(world, executor, consume(&queue)), 1'000);
  EXPECT_FALSE(queue.try_push(1));
}

Task<int> slow_square(Executor* executor, int x) {
  if (x % 3 != 0) (void)co_await sleep_for(*executor, milliseconds(10 - x));
  co_return x* x;
}
Task<int> sum_of_squares(Executor* executor) {
  std::vector<Task<int>> tasks;
  for (int i = 0; i < 10; ++i) tasks.push_back(slow_square(executor, i));
  std::vector<int> results = co_await when_all(*executor, std::move(tasks));
  int sum = 0;
  for (size_t i = 0; i < results.size(); ++i) {
    CHECK(results[i] == static_cast<int>(i * i));
    sum += results[i];
  }
  co_return sum;
}
Task<void> sum_into(Executor* executor, int* sum) { *sum = co_await sum_of_squares(executor); }

TEST_F(Sync, when_all_runs_beside_each_other_and_keeps_order) {
  Instant before = world.now();
  EXPECT_EQ(run_task(world, executor, sum_of_squares(&executor)), 285);
  EXPECT_LT(world.now() - before, milliseconds(12));
}

TEST_F(Sync, when_all_destroyed_with_its_awaiter_destroys_its_tasks) {
  int sum = 0;
  {
    TaskScope scope(executor);
    scope.spawn_now(sum_into(&executor, &sum));
    run(milliseconds(3));
  }
  run(milliseconds(20));
  EXPECT_EQ(sum, 0);
}

TEST_F(Sync, when_all_of_nothing_is_nothing) {
  EXPECT_TRUE(run_task(world, executor, when_all(executor, std::vector<Task<int>>())).empty());
}

TEST_F(Sync, cancel_hook_runs_once_and_not_after_unhook) {
  int calls = 0;
  auto count = [](void* c) { ++*static_cast<int*>(c); };
  CancelSource source;
  CancelHook first, second, third;
  EXPECT_TRUE(first.hook(source.token(), count, &calls));
  EXPECT_TRUE(second.hook(source.token(), count, &calls));
  EXPECT_TRUE(third.hook(source.token(), count, &calls));
  second.unhook();
  source.cancel(cancelled());
  EXPECT_EQ(calls, 2);
  EXPECT_FALSE(second.hook(source.token(), count, &calls));
  EXPECT_FALSE(second.hook(CancelToken(), count, &calls));
}

TEST_F(Sync, a_hook_may_drop_another_hook_and_the_source) {
  struct Both {
    std::unique_ptr<CancelSource> source = std::make_unique<CancelSource>();
    CancelHook first, second;
    int calls = 0;
  } both;
  auto drop = [](void* b) {
    auto* both = static_cast<Both*>(b);
    ++both->calls;
    both->second.unhook();
    both->source.reset();
  };
  ASSERT_TRUE(both.first.hook(both.source->token(), drop, &both));
  ASSERT_TRUE(both.second.hook(both.source->token(), drop, &both));
  both.source->cancel(cancelled());
  EXPECT_EQ(both.calls, 1);
}

}  // namespace
}  // namespace quorate::runtime
