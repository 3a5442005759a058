// An executor for tests of one object in one thread, in virtual time: ready work runs in the order
// it was handed in, or in an order drawn from a seed; a timer's time comes when nothing is ready.
#pragma once

#include <deque>
#include <map>
#include <optional>

#include "runtime/clock.h"
#include "runtime/executor.h"
#include "runtime/random.h"
#include "runtime/task.h"

namespace quorate::txn {

class LocalExecutor : public runtime::Executor, public runtime::Clock {
 public:
  LocalExecutor() = default;
  explicit LocalExecutor(uint64_t seed) : random_(runtime::Random(seed)) {}
  LocalExecutor(const LocalExecutor&) = delete;

  void post(runtime::Callback work) override;
  void resume_soon(std::coroutine_handle<> handle) override;
  void forget(std::coroutine_handle<> handle) override;
  runtime::TimerId schedule_at(runtime::Instant when, runtime::Callback work) override;
  void cancel_timer(runtime::TimerId id) override;
  runtime::Instant now() const override { return now_; }
  uint64_t wall_micros() const override;

  // One piece of work; false when nothing is left, timers included.
  bool step();

 private:
  struct Ready {
    std::coroutine_handle<> handle;
    runtime::Callback work;
  };
  std::optional<runtime::Random> random_;
  std::deque<Ready> ready_;
  std::map<std::pair<runtime::Instant, runtime::TimerId>, runtime::Callback> timers_;
  std::map<runtime::TimerId, runtime::Instant> timer_times_;
  runtime::TimerId next_timer_ = 1;
  runtime::Instant now_;
};

namespace local_internal {
template <class T>
runtime::Task<void> keep(runtime::Task<T> task, std::optional<T>* out) {
  T value = co_await task;
  out->emplace(std::move(value));
}
}  // namespace local_internal

// Runs the executor until `task` has finished. A task that waits for nothing that will happen fails
// a CHECK.
template <class T>
T run_task(LocalExecutor& executor, runtime::Task<T> task) {
  std::optional<T> out;
  runtime::TaskScope scope(executor);
  scope.spawn(local_internal::keep<T>(std::move(task), &out));
  while (scope.size() > 0) CHECK_MSG(executor.step(), "the task waits for ever");
  return std::move(*out);
}
inline void run_task(LocalExecutor& executor, runtime::Task<void> task) {
  runtime::TaskScope scope(executor);
  scope.spawn(std::move(task));
  while (scope.size() > 0) CHECK_MSG(executor.step(), "the task waits for ever");
}

}  // namespace quorate::txn
