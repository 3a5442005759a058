// Waiting, for coroutines of one executor. Nothing here blocks a thread and nothing resumes a
// waiter inside the call that wakes it: woken waiters run in a later step (runtime/executor.h).
//
// Every wait takes a CancelToken and a deadline and returns ok, the token's reason, or
// kDeadlineExceeded. A waiter that is destroyed while it waits leaves its list.
#pragma once

#include <deque>
#include <optional>

#include "base/status.h"
#include "runtime/cancel.h"
#include "runtime/task.h"

namespace quorate::runtime {

class WaitList;

// One suspended wait. Lives in the waiting coroutine's frame.
class Waiter {
 public:
  Waiter(Executor& executor, WaitList& list, const CancelToken& token, Instant deadline)
      : executor_(executor), list_(list), token_(token), deadline_(deadline) {}
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  ~Waiter();

  bool await_ready() {
    if (token_.cancelled()) {
      result_ = token_.status();
      return true;
    }
    return false;
  }
  void await_suspend(std::coroutine_handle<> h);
  Status await_resume() {
    woken_ = false;
    return std::move(result_);
  }

  // Ends the wait for an awaiter that is being destroyed. True when it had been woken with ok and
  // does not know yet: what it was given must go to somebody else.
  bool abandon();

  uint64_t amount = 0;  // for semaphores

 private:
  friend class WaitList;
  void finish(Status result);
  void detach();

  Executor& executor_;
  WaitList& list_;
  CancelToken token_;
  Instant deadline_;
  CancelHook hook_;
  TimerId timer_ = 0;
  std::coroutine_handle<> handle_;
  Status result_;
  Waiter* prev_ = nullptr;
  Waiter* next_ = nullptr;
  bool listed_ = false;
  bool woken_ = false;  // resume_soon() was called, await_resume() not yet
};

// First come, first served list of waiters. `co_await list.wait(...)`.
//
// With `passes_on`, a waiter that is destroyed between its wake and its resumption wakes the next
// one in its place: for lists where a wake stands for a thing that somebody must take.
class WaitList {
 public:
  explicit WaitList(Executor& executor, bool passes_on = false)
      : executor_(executor), passes_on_(passes_on) {}
  WaitList(const WaitList&) = delete;
  WaitList& operator=(const WaitList&) = delete;
  ~WaitList() { CHECK(first_ == nullptr); }

  Waiter wait(const CancelToken& token = {}, Instant deadline = Instant::never()) {
    return Waiter(executor_, *this, token, deadline);
  }
  bool empty() const { return first_ == nullptr; }
  Waiter* first() const { return first_; }
  // Wakes the one that waits longest; false when nobody does.
  bool wake_one(Status result = {});
  void wake_all(Status result = {});
  Executor& executor() const { return executor_; }

 private:
  friend class Waiter;
  Executor& executor_;
  const bool passes_on_;
  Waiter* first_ = nullptr;
  Waiter* last_ = nullptr;
};

// Set once (or reset by hand); waits return at once while it is set.
class Event {
 public:
  explicit Event(Executor& executor) : waiters_(executor) {}
  bool is_set() const { return set_; }
  void set() {
    set_ = true;
    waiters_.wake_all();
  }
  void reset() { set_ = false; }
  Task<Status> wait(CancelToken token = {}, Instant deadline = Instant::never());

 private:
  bool set_ = false;
  WaitList waiters_;
};

// A value that arrives once, for one waiter or more. The waiter moves it out (take) or looks (get).
template <class T>
class OneShot {
 public:
  explicit OneShot(Executor& executor) : event_(executor) {}
  bool ready() const { return value_.has_value(); }
  // Later calls are ignored, so that an answer and a timeout may race.
  void set(T value) {
    if (value_) return;
    value_.emplace(std::move(value));
    event_.set();
  }
  Task<Status> wait(CancelToken token = {}, Instant deadline = Instant::never()) {
    return event_.wait(std::move(token), deadline);
  }
  T& get() {
    CHECK(value_.has_value());
    return *value_;
  }
  T take() {
    CHECK(value_.has_value());
    return std::move(*value_);
  }

 private:
  std::optional<T> value_;
  Event event_;
};

// Counts units (bytes, slots). First come, first served: a large request is not overtaken by small
// ones. An acquirer that is destroyed before its acquire() has returned leaves no units behind.
class Semaphore {
 public:
  Semaphore(Executor& executor, uint64_t units)
      : available_(units), limit_(units), waiters_(executor) {}
  // A request above the limit waits for all units, so it can't wait for ever.
  Task<Status> acquire(uint64_t units, CancelToken token = {}, Instant deadline = Instant::never());
  bool try_acquire(uint64_t units);
  void release(uint64_t units);
  uint64_t available() const { return available_; }

 private:
  struct Abandoned;
  void grant();
  uint64_t available_;
  const uint64_t limit_;
  WaitList waiters_;
};

// A bounded queue. push waits while it is full, pop while it is empty; close() wakes everyone.
template <class T>
class Queue {
 public:
  Queue(Executor& executor, size_t limit)
      : limit_(limit), poppers_(executor, true), pushers_(executor, true) {}
  size_t size() const { return items_.size(); }
  bool closed() const { return closed_; }
  bool try_push(T item) {
    if (closed_ || items_.size() >= limit_) return false;
    items_.push_back(std::move(item));
    poppers_.wake_one();
    return true;
  }
  Task<Status> push(T item, CancelToken token = {}) {
    while (!closed_ && items_.size() >= limit_) {
      Status s = co_await pushers_.wait(token);
      if (!s.ok()) co_return s;
    }
    if (closed_) co_return unavailable("queue is closed");
    items_.push_back(std::move(item));
    poppers_.wake_one();
    co_return Status();
  }
  // Empty result: closed and drained.
  Task<Result<std::optional<T>>> pop(CancelToken token = {}, Instant deadline = Instant::never()) {
    while (items_.empty()) {
      if (closed_) co_return std::optional<T>();
      Status s = co_await poppers_.wait(token, deadline);
      if (!s.ok()) co_return s;
    }
    std::optional<T> item(std::move(items_.front()));
    items_.pop_front();
    pushers_.wake_one();
    co_return std::move(item);
  }
  void close() {
    closed_ = true;
    poppers_.wake_all();
    pushers_.wake_all();
  }

 private:
  std::deque<T> items_;
  const size_t limit_;
  bool closed_ = false;
  WaitList poppers_, pushers_;
};

// Waits for a time; ok when it has passed.
Task<Status> sleep_until(Executor& executor, Instant when, CancelToken token = {});
Task<Status> sleep_for(Executor& executor, Duration d, CancelToken token = {});
// Lets other ready work run before going on: for long loops.
Task<void> yield(Executor& executor);

// Runs the tasks beside each other and gives their results in order. If the awaiter is destroyed,
// so are they.
template <class T>
Task<std::vector<T>> when_all(Executor& executor, std::vector<Task<T>> tasks) {
  std::vector<std::optional<T>> results(tasks.size());
  size_t left = tasks.size();
  Event done(executor);
  struct Run {
    static Task<void> one(Task<T> task, std::optional<T>* result, size_t* left, Event* done) {
      result->emplace(co_await task);
      if (--*left == 0) done->set();
    }
  };
  TaskScope scope(executor);
  for (size_t i = 0; i < tasks.size(); ++i) {
    scope.spawn_now(Run::one(std::move(tasks[i]), &results[i], &left, &done));
  }
  if (left > 0) (void)co_await done.wait();
  std::vector<T> out;
  out.reserve(results.size());
  for (auto& r : results) out.push_back(std::move(*r));
  co_return std::move(out);
}

}  // namespace quorate::runtime
