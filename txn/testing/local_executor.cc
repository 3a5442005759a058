#include "txn/testing/local_executor.h"

namespace quorate::txn {

using runtime::Callback;
using runtime::Instant;
using runtime::TimerId;

void LocalExecutor::post(Callback work) { ready_.push_back({nullptr, std::move(work)}); }

void LocalExecutor::resume_soon(std::coroutine_handle<> handle) { ready_.push_back({handle, {}}); }

void LocalExecutor::forget(std::coroutine_handle<> handle) {
  for (auto it = ready_.begin(); it != ready_.end(); ++it) {
    if (it->handle == handle) {
      ready_.erase(it);
      return;
    }
  }
}

TimerId LocalExecutor::schedule_at(Instant when, Callback work) {
  TimerId id = next_timer_++;
  timers_.emplace(std::pair(when, id), std::move(work));
  timer_times_.emplace(id, when);
  return id;
}

void LocalExecutor::cancel_timer(TimerId id) {
  auto it = timer_times_.find(id);
  if (it == timer_times_.end()) return;
  timers_.erase({it->second, id});
  timer_times_.erase(it);
}

uint64_t LocalExecutor::wall_micros() const {
  // 2026-01-01, and on from there.
  return 1'767'225'600'000'000 + static_cast<uint64_t>(now_.since_start.count() / 1000);
}

bool LocalExecutor::step() {
  if (ready_.empty()) {
    if (timers_.empty()) return false;
    auto first = timers_.begin();
    now_ = std::max(now_, first->first.first);
    Callback work = std::move(first->second);
    timer_times_.erase(first->first.second);
    timers_.erase(first);
    work();
    return true;
  }
  now_ = now_ + std::chrono::microseconds(1);
  size_t at = random_ ? random_->below(ready_.size()) : 0;
  Ready next = std::move(ready_[at]);
  ready_.erase(ready_.begin() + at);
  if (next.handle)
    next.handle.resume();
  else
    next.work();
  return true;
}

}  // namespace quorate::txn
