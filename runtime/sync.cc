#include "runtime/sync.h"

namespace quorate::runtime {

Waiter::~Waiter() {
  if (abandon() && list_.passes_on_) list_.wake_one();
}

bool Waiter::abandon() {
  detach();
  if (!woken_) return false;
  woken_ = false;
  executor_.forget(handle_);
  return result_.ok();
}

void Waiter::await_suspend(std::coroutine_handle<> h) {
  handle_ = h;
  prev_ = list_.last_;
  (prev_ != nullptr ? prev_->next_ : list_.first_) = this;
  list_.last_ = this;
  listed_ = true;
  hook_.hook(
      token_,
      [](void* self) {
        auto* waiter = static_cast<Waiter*>(self);
        waiter->finish(waiter->token_.status());
      },
      this);
  if (deadline_ != Instant::never()) {
    timer_ = executor_.schedule_at(deadline_, [this] {
      timer_ = 0;
      finish(deadline_exceeded("timed out"));
    });
  }
}

void Waiter::detach() {
  if (listed_) {
    (prev_ != nullptr ? prev_->next_ : list_.first_) = next_;
    (next_ != nullptr ? next_->prev_ : list_.last_) = prev_;
    listed_ = false;
  }
  hook_.unhook();
  if (timer_ != 0) {
    executor_.cancel_timer(timer_);
    timer_ = 0;
  }
}

void Waiter::finish(Status result) {
  detach();
  result_ = std::move(result);
  woken_ = true;
  executor_.resume_soon(handle_);
}

bool WaitList::wake_one(Status result) {
  if (first_ == nullptr) return false;
  first_->finish(std::move(result));
  return true;
}

void WaitList::wake_all(Status result) {
  // Whoever begins to wait while we wake is not among them: woken waiters run later.
  while (first_ != nullptr) first_->finish(result);
}

Task<Status> Event::wait(CancelToken token, Instant deadline) {
  while (!set_) {
    Status s = co_await waiters_.wait(token, deadline);
    if (!s.ok() && !set_) co_return s;
  }
  co_return Status();
}

bool Semaphore::try_acquire(uint64_t units) {
  units = std::min(units, limit_);
  if (!waiters_.empty() || available_ < units) return false;
  available_ -= units;
  return true;
}

// Gives back, when the acquirer's frame is destroyed while it waits, what was or would be its own.
struct Semaphore::Abandoned {
  Semaphore* semaphore;
  Waiter* waiter;
  ~Abandoned() {
    if (waiter == nullptr) return;
    if (waiter->abandon()) semaphore->available_ += waiter->amount;
    semaphore->grant();
  }
};

Task<Status> Semaphore::acquire(uint64_t units, CancelToken token, Instant deadline) {
  units = std::min(units, limit_);
  if (try_acquire(units)) co_return Status();
  Waiter waiter = waiters_.wait(token, deadline);
  waiter.amount = units;
  Abandoned abandoned{this, &waiter};
  Status s = co_await waiter;
  abandoned.waiter = nullptr;
  // On success the units were taken for us by grant().
  if (!s.ok()) grant();
  co_return s;
}

void Semaphore::release(uint64_t units) {
  available_ += std::min(units, limit_);
  CHECK(available_ <= limit_);
  grant();
}

void Semaphore::grant() {
  while (!waiters_.empty() && waiters_.first()->amount <= available_) {
    available_ -= waiters_.first()->amount;
    waiters_.wake_one();
  }
}

Task<Status> sleep_until(Executor& executor, Instant when, CancelToken token) {
  WaitList list(executor);
  Status s = co_await list.wait(token, when);
  if (s.code() == StatusCode::kDeadlineExceeded && !token.cancelled()) co_return Status();
  co_return s;
}

Task<Status> sleep_for(Executor& executor, Duration d, CancelToken token) {
  return sleep_until(executor, executor.now() + d, std::move(token));
}

namespace {
struct Yield {
  explicit Yield(Executor& e) : executor(e) {}
  Yield(const Yield&) = delete;
  ~Yield() {
    if (handle) executor.forget(handle);
  }
  bool await_ready() { return false; }
  void await_suspend(std::coroutine_handle<> h) {
    handle = h;
    executor.resume_soon(h);
  }
  void await_resume() { handle = nullptr; }
  Executor& executor;
  std::coroutine_handle<> handle;
};
}  // namespace

Task<void> yield(Executor& executor) { co_await Yield(executor); }

}  // namespace quorate::runtime
