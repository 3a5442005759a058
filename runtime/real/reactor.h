// The real executor: one thread's loop over epoll.
//
// A turn is: what the sockets have, what other threads posted, timers that are due, then ready work
// in the order it was handed in, until there is none or a bound is reached, of steps or of time;
// then the turn-end hook, in which the network sends what the turn gathered. Only then may the
// thread sleep.
//
// epoll directly and not Boost.Asio: see docs/decisions/0005-epoll.md.
//
// Made on any thread, which owns it until another adopts or runs it: only the owner uses it. post()
// and stop() may be called from any thread at any time, but not while the reactor changes hands.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <atomic>
#include <mutex>
#include <vector>

#include "base/log.h"
#include "base/metrics.h"
#include "runtime/executor.h"

struct epoll_event;

namespace quorate::runtime {

// Told about a watched descriptor, edge-triggered: once when it becomes readable or writable, so
// read or write until EAGAIN or a short count.
class IoHandler {
 public:
  virtual void on_io(bool readable, bool writable, bool hung_up) = 0;

 protected:
  ~IoHandler() = default;
};

struct ReactorOptions {
  // A step that holds the reactor for longer counts as a stall, or is told in the log.
  Duration stall_counted = std::chrono::milliseconds(1);
  Duration stall_logged = std::chrono::milliseconds(100);
  // How long to poll before sleeping. Waking an idle core costs 30 us, but a spinning thread takes
  // the core from others: 0 unless a measurement says otherwise.
  Duration spin{0};
};

class Reactor : public Executor {
 public:
  Reactor(Metrics& metrics, Logger log, ReactorOptions options = {});
  ~Reactor() override;
  Reactor(const Reactor&) = delete;

  void post(Callback work) override;
  void resume_soon(std::coroutine_handle<> handle) override;
  void forget(std::coroutine_handle<> handle) override;
  TimerId schedule_at(Instant when, Callback work) override;
  void cancel_timer(TimerId id) override;
  Instant now() const override;

  void adopt();  // the calling thread becomes the owner, before run()
  void run();    // until stop(); adopts
  void stop();   // from any thread

  void watch(int fd, IoHandler* handler);
  // Before the descriptor is closed; nothing is told to the handler afterwards.
  void unwatch(int fd, IoHandler* handler);
  // Runs at the end of each turn. One only.
  void at_turn_end(Callback hook) { turn_end_ = std::move(hook); }

 private:
  struct Step {
    std::coroutine_handle<> handle;  // or
    Callback work;                   // or neither: forgotten
  };
  struct HeapEntry {
    Instant when;
    TimerId id;
    bool operator<(const HeapEntry& o) const {  // the earliest is the heap's greatest
      return when != o.when ? when > o.when : id > o.id;
    }
  };
  static constexpr size_t kStepsPerTurnMax = 1'000;
  // Of time too: who yields a thousand times after a millisecond each would keep sockets, syncs and
  // timers waiting for a second. Longer than a busy turn of short steps, which is sent as a whole.
  static constexpr Duration kTurnMax = std::chrono::milliseconds(2);
  static constexpr int kEventsPerPollMax = 256;

  bool owned_by_caller() const;
  void turn();
  void poll(int timeout_ms);
  void wait_for_work();
  int timeout_ms();
  void take_remote();
  void run_timers();
  void run_steps();
  void check_stall(Instant& since, const char* what);
  void wake();

  Logger log_;
  const ReactorOptions options_;
  Counter &wakes_, &steps_, &stalls_, &remote_posts_, &allocations_;
  uint64_t allocations_counted_ = 0;

  int epoll_ = -1;
  int event_ = -1;  // wakes the thread
  std::vector<epoll_event> events_;
  int events_at_ = 0, events_end_ = 0;

  std::vector<Step> ready_, running_;
  size_t running_at_ = 0;
  std::vector<HeapEntry> heap_;
  absl::flat_hash_map<TimerId, Callback> timers_;
  TimerId next_timer_ = 1;
  Callback turn_end_;

  // The only state that other threads touch.
  std::atomic<uint64_t> owner_{0};
  std::atomic<bool> stopping_{false};
  std::atomic<bool> sleeping_{false};
  std::atomic<bool> has_remote_{false};
  std::mutex mutex_;
  std::vector<Callback> remote_;  // under mutex_
};

}  // namespace quorate::runtime
