// Tasks: what could go wrong is a stack that grows with a loop, a frame that is destroyed twice or
// never, a resumption of a frame that is gone.
#include "runtime/task.h"

#include <gtest/gtest.h>

#include "runtime/sim/sim_executor.h"
#include "runtime/sim/sim_world.h"
#include "runtime/sync.h"

namespace quorate::runtime {
namespace {

// Counts the objects alive on coroutine frames.
struct Alive {
  explicit Alive(int* count) : count(count) { ++*count; }
  Alive(const Alive& o) : count(o.count) { ++*count; }
  ~Alive() { --*count; }
  int* count;
};

Task<int> value_now(int x) { co_return x + 1; }

uintptr_t stack_here() { return reinterpret_cast<uintptr_t>(__builtin_frame_address(0)); }

Task<void> million_awaits(uintptr_t* deepest, uintptr_t* highest) {
  int x = 0;
  while (x < 1'000'000) {
    x = co_await value_now(x);
    uintptr_t at = stack_here();
    *deepest = std::min(*deepest, at);
    *highest = std::max(*highest, at);
  }
}

TEST(Task, a_million_awaits_that_finish_at_once_do_not_grow_the_stack) {
  SimWorld world(1);
  SimExecutor executor(world, "e");
  uintptr_t deepest = UINTPTR_MAX, highest = 0;
  run_task(world, executor, million_awaits(&deepest, &highest));
  EXPECT_LT(highest - deepest, 4096u);
}

Task<int> after_yield(Executor* executor, int x) {
  co_await yield(*executor);
  co_return x + 1;
}

Task<void> many_yields(Executor* executor, uintptr_t* deepest, uintptr_t* highest) {
  int x = 0;
  while (x < 100'000) {
    x = co_await after_yield(executor, x);
    uintptr_t at = stack_here();
    *deepest = std::min(*deepest, at);
    *highest = std::max(*highest, at);
  }
}

TEST(Task, awaits_that_wait_do_not_grow_the_stack) {
  SimWorld world(1);
  SimExecutor executor(world, "e");
  uintptr_t deepest = UINTPTR_MAX, highest = 0;
  run_task(world, executor, many_yields(&executor, &deepest, &highest));
  EXPECT_LT(highest - deepest, 64'000u);
}

Task<std::unique_ptr<int>> move_only(Executor* executor) {
  co_await yield(*executor);
  co_return std::make_unique<int>(7);
}

TEST(Task, results_may_be_move_only) {
  SimWorld world(1);
  SimExecutor executor(world, "e");
  EXPECT_EQ(*run_task(world, executor, move_only(&executor)), 7);
}

TEST(Task, a_task_that_was_never_awaited_frees_its_parameters) {
  int alive = 0;
  struct Run {
    static Task<void> task(Alive) { co_return; }
  };
  {
    Task<void> t = Run::task(Alive(&alive));
    EXPECT_EQ(alive, 1);
    Task<void> moved = std::move(t);
    EXPECT_FALSE(t.valid());
    moved = Run::task(Alive(&alive));
    EXPECT_EQ(alive, 1);
  }
  EXPECT_EQ(alive, 0);
}

Task<void> nested_wait(Event* event, Alive alive, int depth) {
  if (depth == 0) {
    (void)co_await event->wait();
  } else {
    co_await nested_wait(event, alive, depth - 1);
  }
}

TEST(TaskScope, destroying_it_destroys_the_whole_chain_of_suspended_frames) {
  SimWorld world(1);
  SimExecutor executor(world, "e");
  int alive = 0;
  Event event(executor);
  {
    TaskScope scope(executor);
    for (int i = 0; i < 10; ++i) scope.spawn(nested_wait(&event, Alive(&alive), 20));
    world.run_for(std::chrono::milliseconds(1));
    EXPECT_GE(alive, 10 * 21);
    EXPECT_EQ(scope.size(), 10u);
  }
  EXPECT_EQ(alive, 0);
  event.set();
  world.run_for(std::chrono::milliseconds(1));
}

TEST(TaskScope, destroying_it_takes_back_tasks_that_have_not_started) {
  SimWorld world(1);
  SimExecutor executor(world, "e");
  int alive = 0;
  Event event(executor);
  {
    TaskScope scope(executor);
    scope.spawn(nested_wait(&event, Alive(&alive), 3));
  }
  EXPECT_EQ(alive, 0);
  world.run_for(std::chrono::milliseconds(1));
}

TEST(TaskScope, finished_tasks_free_themselves) {
  SimWorld world(1);
  SimExecutor executor(world, "e");
  int alive = 0;
  Event event(executor);
  TaskScope scope(executor);
  for (int i = 0; i < 100; ++i) scope.spawn_now(nested_wait(&event, Alive(&alive), 2));
  event.set();
  world.run_for(std::chrono::milliseconds(10));
  EXPECT_EQ(scope.size(), 0u);
  EXPECT_EQ(alive, 0);
}

Task<void> spawn_more(TaskScope* scope, int depth, int* ran) {
  ++*ran;
  if (depth == 0) co_return;
  scope->spawn(spawn_more(scope, depth - 1, ran));
  scope->spawn_now(spawn_more(scope, depth - 1, ran));
}

TEST(TaskScope, tasks_may_spawn_into_their_own_scope) {
  SimWorld world(1);
  SimExecutor executor(world, "e");
  TaskScope scope(executor);
  int ran = 0;
  scope.spawn(spawn_more(&scope, 8, &ran));
  world.run_for(std::chrono::milliseconds(100));
  EXPECT_EQ(ran, 511);
  EXPECT_EQ(scope.size(), 0u);
}

}  // namespace
}  // namespace quorate::runtime
