// Where work runs. A reactor (one thread's loop) or, in the simulator, a node's share of the one
// thread.
//
// Everything that belongs to an executor is touched only by what runs on it. What is handed to it
// runs later, never inside the call, so a caller never sees itself called back. The real executor
// runs ready work in the order it was handed in; the simulated one in an order drawn from its seed.
#pragma once

#include <absl/functional/any_invocable.h>

#include <chrono>
#include <coroutine>
#include <cstdint>

namespace quorate::runtime {

using Duration = std::chrono::nanoseconds;
using Callback = absl::AnyInvocable<void()>;

// A point of the executor's steady clock: only differences mean anything.
struct Instant {
  Duration since_start{0};
  static constexpr Instant never() { return {Duration::max()}; }
  friend constexpr auto operator<=>(const Instant&, const Instant&) = default;
  friend constexpr Instant operator+(Instant t, Duration d) {
    return t.since_start >= Duration::max() - d ? never() : Instant{t.since_start + d};
  }
  friend constexpr Duration operator-(Instant a, Instant b) {
    return a.since_start - b.since_start;
  }
};

using TimerId = uint64_t;  // 0: none

class Executor {
 public:
  virtual ~Executor() = default;
  // Runs `work` soon. The only member that other threads may call.
  virtual void post(Callback work) = 0;
  // Resumes a coroutine of this executor soon; allocates nothing.
  virtual void resume_soon(std::coroutine_handle<> handle) = 0;
  // Takes back a resume_soon() that has not run yet: its frame is being destroyed. Rare, may be
  // linear.
  virtual void forget(std::coroutine_handle<> handle) = 0;
  // Runs `work` at or after `when`; a cancelled timer's work is dropped and never runs.
  virtual TimerId schedule_at(Instant when, Callback work) = 0;
  virtual void cancel_timer(TimerId id) = 0;
  virtual Instant now() const = 0;
  TimerId schedule_after(Duration d, Callback work) {
    return schedule_at(now() + d, std::move(work));
  }
};

}  // namespace quorate::runtime
