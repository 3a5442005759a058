// Task<T>: a coroutine that is started by being awaited and is owned by whoever holds it.
//
//   Task<Result<int>> f(Store& store) { CO_ASSIGN_OR_RETURN(int x, co_await store.read());
//   co_return x + 1; }
//
// A task runs in its awaiter's place, on its awaiter's executor. One that never waits costs no trip
// through the executor. Destroying a task that is suspended destroys its frame and with it every
// task it awaits: that is how a node that dies in the simulator takes its work with it. Destructors
// on those frames (guards, waiters) must therefore tolerate that nothing runs any more.
//
// The start is a nested resume and not a symmetric transfer, so that a loop of awaits that all
// finish at once needs no tail call (there is none at -O0 or under the sanitizers) and its stack
// does not grow.
//
// Frames come from a per-thread free list of size classes, since every statement makes several.
#pragma once

#include <coroutine>
#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/check.h"
#include "runtime/executor.h"

namespace quorate::runtime {

// Frame memory; see task.cc for the classes and the bound of what is kept.
void* allocate_frame(size_t bytes);
void free_frame(void* frame, size_t bytes);

template <class T>
class Task;

namespace task_internal {

enum class Stage : uint8_t { kCreated, kStarting, kWaitedFor, kDone };

struct PromiseBase {
  std::coroutine_handle<> continuation;
  Stage stage = Stage::kCreated;

  static void* operator new(size_t bytes) { return allocate_frame(bytes); }
  static void operator delete(void* frame, size_t bytes) { free_frame(frame, bytes); }

  std::suspend_always initial_suspend() noexcept { return {}; }
  struct Final {
    bool await_ready() noexcept { return false; }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> h) noexcept {
      PromiseBase& p = h.promise();
      // Still inside the awaiter's await_suspend: it goes on by itself when we return to it.
      bool awaiter_is_below_us = p.stage == Stage::kStarting;
      p.stage = Stage::kDone;
      if (awaiter_is_below_us) return std::noop_coroutine();
      return p.continuation;
    }
    void await_resume() noexcept {}
  };
  Final final_suspend() noexcept { return {}; }
  // Exceptions do not cross rooms; one that gets here is a defect.
  [[noreturn]] void unhandled_exception() { UNREACHABLE("an exception left a coroutine"); }
};

template <class T>
struct Promise : PromiseBase {
  std::optional<T> value;
  Task<T> get_return_object();
  template <class U>
  void return_value(U&& v) {
    value.emplace(std::forward<U>(v));
  }
};

template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object();
  void return_void() {}
};

}  // namespace task_internal

template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = task_internal::Promise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  Task() = default;
  explicit Task(Handle h) : handle_(h) {}
  Task(Task&& o) noexcept : handle_(std::exchange(o.handle_, nullptr)) {}
  Task& operator=(Task&& o) noexcept {
    if (this != &o) {
      destroy();
      handle_ = std::exchange(o.handle_, nullptr);
    }
    return *this;
  }
  ~Task() { destroy(); }

  bool valid() const { return handle_ != nullptr; }

  // Awaited at most once.
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> awaiter) {
    using task_internal::Stage;
    auto& p = handle_.promise();
    DCHECK(p.stage == Stage::kCreated);
    p.continuation = awaiter;
    p.stage = Stage::kStarting;
    handle_.resume();
    if (p.stage == Stage::kDone) return false;
    p.stage = Stage::kWaitedFor;
    return true;
  }
  T await_resume() {
    if constexpr (!std::is_void_v<T>) {
      return std::move(*handle_.promise().value);
    }
  }

 private:
  void destroy() {
    if (handle_) handle_.destroy();
  }
  Handle handle_;
};

namespace task_internal {
template <class T>
Task<T> Promise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<Promise<T>>::from_promise(*this));
}
inline Task<void> Promise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<Promise<void>>::from_promise(*this));
}
}  // namespace task_internal

// Owns tasks that nobody awaits. They start in a later step of the executor; a finished one frees
// itself. Destroying the scope destroys what is still suspended, newest first. A scope must not be
// destroyed from inside one of its own tasks. Everything its tasks touch must outlive it.
class TaskScope {
 public:
  explicit TaskScope(Executor& executor) : executor_(&executor) {}
  ~TaskScope() { cancel_all(); }
  TaskScope(const TaskScope&) = delete;
  TaskScope& operator=(const TaskScope&) = delete;

  void spawn(Task<void> task);
  // Starts in place and comes back at the first wait: no trip through the executor.
  void spawn_now(Task<void> task);
  void cancel_all();
  size_t size() const { return size_; }
  Executor& executor() { return *executor_; }

 private:
  struct Root;
  Root make_root(Task<void> task);
  struct RootPromise;
  Executor* executor_;
  RootPromise* newest_ = nullptr;
  size_t size_ = 0;
};

}  // namespace quorate::runtime
