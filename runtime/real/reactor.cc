#include "runtime/real/reactor.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/check.h"
#include "runtime/real/allocations.h"

namespace quorate::runtime {
namespace {

// A number for this thread; its address is unique while the thread lives.
uint64_t this_thread_mark() {
  static thread_local char mark;
  return reinterpret_cast<uintptr_t>(&mark);
}

}  // namespace

Reactor::Reactor(Metrics& metrics, Logger log, ReactorOptions options)
    : log_(std::move(log)),
      options_(options),
      wakes_(metrics.counter("quorate_reactor_wakes_total", "Sleeps of the reactor that ended")),
      steps_(metrics.counter("quorate_reactor_steps_total", "Steps of ready work and timers")),
      stalls_(metrics.counter("quorate_reactor_stalls_total", "Steps that took over 1 ms")),
      remote_posts_(metrics.counter("quorate_reactor_hops_total", "Work from other threads")),
      allocations_(metrics.counter("quorate_reactor_allocations_total",
                                   "Allocations (operator new) of the reactor's thread")),
      events_(kEventsPerPollMax) {
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  event_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  CHECK(epoll_ >= 0);
  CHECK(event_ >= 0);
  watch(event_, nullptr);
  owner_ = this_thread_mark();
}

Reactor::~Reactor() {
  ::close(event_);
  ::close(epoll_);
}

Instant Reactor::now() const { return {std::chrono::steady_clock::now().time_since_epoch()}; }

bool Reactor::owned_by_caller() const {
  return owner_.load(std::memory_order_relaxed) == this_thread_mark();
}

void Reactor::post(Callback work) {
  if (owned_by_caller()) {
    ready_.push_back({{}, std::move(work)});
    return;
  }
  {
    std::lock_guard lock(mutex_);
    remote_.push_back(std::move(work));
    has_remote_.store(true, std::memory_order_seq_cst);
  }
  remote_posts_.add();
  wake();
}

// The sleeper sets sleeping_ and then looks at has_remote_ and stopping_; we set those and then
// look at sleeping_. One of the two sees the other. Only the first waker pays for the system call.
void Reactor::wake() {
  if (!sleeping_.exchange(false, std::memory_order_seq_cst)) return;
  uint64_t one = 1;
  CHECK(::write(event_, &one, sizeof one) == sizeof one);
}

void Reactor::stop() {
  stopping_.store(true, std::memory_order_seq_cst);
  wake();
}

void Reactor::resume_soon(std::coroutine_handle<> handle) {
  DCHECK(owned_by_caller());
  ready_.push_back({handle, {}});
}

void Reactor::forget(std::coroutine_handle<> handle) {
  for (size_t i = running_at_; i < running_.size(); ++i) {
    if (running_[i].handle == handle) running_[i].handle = nullptr;
  }
  for (Step& step : ready_) {
    if (step.handle == handle) step.handle = nullptr;
  }
}

TimerId Reactor::schedule_at(Instant when, Callback work) {
  DCHECK(owned_by_caller());
  TimerId id = next_timer_++;
  heap_.push_back({when, id});
  std::push_heap(heap_.begin(), heap_.end());
  timers_.emplace(id, std::move(work));
  return id;
}

// A cancelled timer stays in the heap until its time; when those are the most, they are cleared.
void Reactor::cancel_timer(TimerId id) {
  auto found = timers_.find(id);
  if (found == timers_.end()) return;
  Callback dropped = std::move(found->second);
  timers_.erase(found);
  if (heap_.size() > 1'000 && heap_.size() > 2 * timers_.size()) {
    std::erase_if(heap_, [this](const HeapEntry& e) { return !timers_.contains(e.id); });
    std::make_heap(heap_.begin(), heap_.end());
  }
}

void Reactor::watch(int fd, IoHandler* handler) {
  // Both directions once and for all: no further epoll_ctl in the descriptor's life.
  epoll_event e{};
  e.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  e.data.ptr = handler;
  CHECK(::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &e) == 0);
}

void Reactor::unwatch(int fd, IoHandler* handler) {
  ::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
  for (int i = events_at_; i < events_end_; ++i) {
    if (events_[i].data.ptr == handler) events_[i].data.ptr = nullptr;
  }
}

void Reactor::adopt() {
  owner_.store(this_thread_mark());
  allocations_counted_ = allocations_of_thread();
}

void Reactor::run() {
  adopt();
  while (!stopping_.load(std::memory_order_acquire)) {
    turn();
    if (ready_.empty()) {
      wait_for_work();
    } else {
      poll(0);
    }
  }
  // What the last steps sent still leaves.
  if (turn_end_) turn_end_();
  stopping_ = false;
}

void Reactor::turn() {
  if (has_remote_.load(std::memory_order_acquire)) take_remote();
  run_timers();
  run_steps();
  if (turn_end_) turn_end_();
  const uint64_t allocations = allocations_of_thread();
  if (allocations != allocations_counted_) {
    allocations_.add(allocations - allocations_counted_);
    allocations_counted_ = allocations;
  }
}

void Reactor::wait_for_work() {
  if (options_.spin.count() > 0) {
    Instant until = now() + options_.spin;
    do {
      poll(0);
      if (!ready_.empty() || events_end_ > 0 || has_remote_.load(std::memory_order_relaxed)) return;
    } while (now() < until);
  }
  int timeout = timeout_ms();
  sleeping_.store(true, std::memory_order_seq_cst);
  if (has_remote_.load(std::memory_order_seq_cst) || stopping_.load(std::memory_order_seq_cst)) {
    timeout = 0;
  }
  poll(timeout);
  if (timeout != 0) wakes_.add();
}

int Reactor::timeout_ms() {
  while (!heap_.empty() && !timers_.contains(heap_.front().id)) {
    std::pop_heap(heap_.begin(), heap_.end());
    heap_.pop_back();
  }
  if (heap_.empty()) return -1;
  Duration left = heap_.front().when - now();
  if (left.count() <= 0) return 0;
  // Rounded up, since a timer must not run before its time.
  int64_t ms = (left.count() + 999'999) / 1'000'000;
  return static_cast<int>(std::min<int64_t>(ms, 60'000));
}

void Reactor::poll(int timeout_ms) {
  int n = ::epoll_wait(epoll_, events_.data(), kEventsPerPollMax, timeout_ms);
  sleeping_.store(false, std::memory_order_relaxed);
  CHECK(n >= 0 || errno == EINTR);
  events_end_ = std::max(n, 0);
  if (n <= 0) return;
  Instant since = now();
  for (events_at_ = 0; events_at_ < events_end_;) {
    const epoll_event& e = events_[events_at_++];
    auto* handler = static_cast<IoHandler*>(e.data.ptr);
    if (handler == nullptr) continue;  // the wake-up, or unwatched since
    bool hung_up = (e.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    handler->on_io((e.events & EPOLLIN) != 0 || hung_up, (e.events & EPOLLOUT) != 0 || hung_up,
                   hung_up);
  }
  events_at_ = 0;
  check_stall(since, "input from sockets");
}

void Reactor::take_remote() {
  // The eventfd is edge-triggered and never read: each write is an edge.
  std::vector<Callback> taken;
  {
    std::lock_guard lock(mutex_);
    taken.swap(remote_);
    has_remote_.store(false, std::memory_order_relaxed);
  }
  for (Callback& work : taken) ready_.push_back({{}, std::move(work)});
}

void Reactor::run_timers() {
  if (heap_.empty()) return;
  Instant since = now();
  const Instant due = since;
  while (!heap_.empty() && heap_.front().when <= due) {
    TimerId id = heap_.front().id;
    std::pop_heap(heap_.begin(), heap_.end());
    heap_.pop_back();
    auto found = timers_.find(id);
    if (found == timers_.end()) continue;
    Callback work = std::move(found->second);
    timers_.erase(found);
    work();
    steps_.add();
    check_stall(since, "a timer");
  }
}

void Reactor::run_steps() {
  size_t steps = 0;
  Instant since = now();
  const Instant end = since + kTurnMax;
  while (!ready_.empty() && steps < kStepsPerTurnMax && since < end &&
         !stopping_.load(std::memory_order_acquire)) {
    running_.swap(ready_);
    for (running_at_ = 0; running_at_ < running_.size();) {
      Step step = std::move(running_[running_at_++]);
      if (step.handle) {
        step.handle.resume();
      } else if (step.work) {
        step.work();
      }
      ++steps;
      check_stall(since, "a step");
    }
    running_.clear();
    running_at_ = 0;
  }
  steps_.add(steps);
}

void Reactor::check_stall(Instant& since, const char* what) {
  Instant end = now();
  Duration took = end - since;
  since = end;
  if (took < options_.stall_counted) return;
  stalls_.add();
  if (took < options_.stall_logged) return;
  log_.warning("{} held the reactor for {} ms", what, took.count() / 1'000'000);
}

}  // namespace quorate::runtime
