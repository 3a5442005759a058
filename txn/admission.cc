#include "txn/admission.h"

#include <algorithm>

#include "base/mark.h"

namespace quorate::txn {

using runtime::CancelToken;
using runtime::Duration;
using runtime::Instant;
using runtime::Task;

namespace {

constexpr size_t kWindowEnds = 128;
constexpr Duration kWindowTime = std::chrono::milliseconds(40);
// A window that took so long says nothing about crowding.
constexpr Duration kWindowTimeMost = std::chrono::seconds(10);
// Above it the limit goes down, below the second it goes up. Between them lies what was fastest
// (docs/decisions/0010-fewer-blocks-at-a-time.md).
constexpr double kRefusedMany = 0.20, kRefusedFew = 0.10;
constexpr size_t kLimitLeast = 2;
// A step down pays when it gains at least so much. (Steps that may lose a little add up.)
constexpr double kGainLeast = 0.05;
constexpr Duration kHoldFirst = std::chrono::seconds(1), kHoldMost = std::chrono::seconds(60);
constexpr Duration kAdmissionIdle = std::chrono::milliseconds(50);
constexpr Duration kIdleCheck = std::chrono::milliseconds(10);
constexpr Duration kAdmissionWaitMax = std::chrono::seconds(1);

}  // namespace

void Admission::Ticket::touch() {
  if (admission_ == nullptr) return;
  touched_ = admission_->executor_.now();
  if (!counted_) return;  // has thought for so long that others run in its place
  std::list<Ticket*>& running = admission_->running_;
  running.splice(running.end(), running, place_);
}

void Admission::Ticket::release() {
  if (admission_ == nullptr) return;
  Admission& a = *std::exchange(admission_, nullptr);
  if (!counted_) return;
  counted_ = false;
  a.running_.erase(place_);
  a.let_in();
}

Admission::Waiter::~Waiter() {
  if (!queued) return;
  admission.waiting_.erase(place);
  if (!admission.waiting_.empty()) admission.waiting_.front()->wake.wake_all();
}

void Admission::admit(Ticket* ticket) {
  ticket->admission_ = this;
  ticket->counted_ = true;
  ticket->touched_ = executor_.now();
  ticket->place_ = running_.insert(running_.end(), ticket);
  most_running_ = std::max(most_running_, running_.size());
}

void Admission::drop_idle() {
  const Instant now = executor_.now();
  while (!running_.empty() && running_.front()->touched_ + kAdmissionIdle < now) {
    MARK("txn: a block thinks so long that others run in its place");
    running_.front()->counted_ = false;
    running_.pop_front();
  }
}

void Admission::let_in() {
  while (!waiting_.empty() && !full()) {
    Waiter& first = *waiting_.front();
    waiting_.pop_front();
    first.queued = false;
    admit(first.ticket);
    first.wake.wake_all();
  }
  // The first one looks for blocks that have gone idle.
  if (!waiting_.empty()) waiting_.front()->wake.wake_all();
}

Task<Status> Admission::enter(Ticket* ticket, CancelToken token, bool* waited) {
  *waited = false;
  if (waiting_.empty() && !full()) {
    admit(ticket);
    co_return Status();
  }
  MARK("txn: a block waits for others");
  *waited = true;
  somebody_waited_ = true;
  const Instant deadline = executor_.now() + kAdmissionWaitMax;
  Waiter waiter(*this, ticket);
  waiter.place = waiting_.insert(waiting_.end(), &waiter);
  while (waiter.queued) {
    const bool first = waiting_.front() == &waiter;
    const Instant until = first ? std::min(deadline, executor_.now() + kIdleCheck) : deadline;
    Status s = co_await waiter.wake.wait(token, until);
    if (!waiter.queued) break;
    if (token.cancelled()) co_return s;
    if (executor_.now() >= deadline) {
      MARK("txn: a block has waited long enough");
      waiting_.erase(waiter.place);
      waiter.queued = false;
      admit(ticket);
      if (!waiting_.empty()) waiting_.front()->wake.wake_all();
      break;
    }
    if (waiting_.front() != &waiter) continue;
    drop_idle();
    if (!full()) let_in();
  }
  co_return Status();
}

void Admission::note_end(bool committed) {
  const Instant now = executor_.now();
  if (skip_ > 0) {
    if (--skip_ == 0) restart_window(now, 0);
    return;
  }
  ++(committed ? committed_ : refused_);
  if (committed_ + refused_ < kWindowEnds || now - window_start_ < kWindowTime) return;
  judge(now);
}

void Admission::restart_window(Instant now, size_t skip) {
  window_start_ = now;
  skip_ = skip;
  committed_ = refused_ = 0;
  most_running_ = running_.size();
  somebody_waited_ = !waiting_.empty();
}

void Admission::judge(Instant now) {
  const Duration took = now - window_start_;
  if (took > kWindowTimeMost) {
    limit_ = 0;
    trial_ = false;
    restart_window(now, 0);
    let_in();
    return;
  }
  const double refused = static_cast<double>(refused_) / static_cast<double>(committed_ + refused_);
  const double rate = static_cast<double>(committed_) / static_cast<double>(took.count());
  size_t skip = 0;
  if (std::exchange(trial_, false)) {
    if (rate < (1 + kGainLeast) * before_rate_) {
      MARK("txn: fewer blocks at a time did not pay");
      limit_ = before_limit_;
      hold_ = hold_.count() == 0 ? kHoldFirst : std::min(2 * hold_, kHoldMost);
      hold_until_ = now + hold_;
      restart_window(now, 0);
      let_in();
      return;
    }
    hold_ = Duration(0);
  }
  if (refused > kRefusedMany && now >= hold_until_) {
    const size_t present = limit_ != 0 ? limit_ : most_running_;
    const size_t next = std::max(kLimitLeast, present * 2 / 3);
    if (next < present) {
      MARK("txn: fewer blocks at a time");
      before_limit_ = limit_;
      before_rate_ = rate;
      trial_ = true;
      limit_ = next;
      skip = present;  // those that run already
    }
  } else if (refused < kRefusedFew && limit_ != 0) {
    limit_ = somebody_waited_ ? limit_ + std::max<size_t>(1, limit_ / 4) : 0;
  }
  restart_window(now, skip);
  let_in();
}

}  // namespace quorate::txn
