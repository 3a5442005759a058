// An executor of one incarnation of a simulated node: one step is one event of the world.
//
// What is ready runs in an order drawn from the seed, and every step costs virtual time drawn from
// the seed, so that a lease can expire between any two steps. A paused executor runs nothing while
// time goes on: a stopped virtual machine, a long garbage collection, a debugger. A dead one has
// dropped its ready work and its timers and ignores whatever is handed to it: its owner then
// destroys the node's objects.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <string>
#include <vector>

#include "runtime/executor.h"
#include "runtime/random.h"
#include "runtime/sim/sim_world.h"

namespace quorate::runtime {

class SimExecutor : public Executor {
 public:
  SimExecutor(SimWorld& world, const std::string& name);
  ~SimExecutor() override { die(); }
  SimExecutor(const SimExecutor&) = delete;

  void post(Callback work) override;
  void resume_soon(std::coroutine_handle<> handle) override;
  void forget(std::coroutine_handle<> handle) override;
  TimerId schedule_at(Instant when, Callback work) override;
  void cancel_timer(TimerId id) override;
  Instant now() const override { return world_.now(); }

  void pause();
  void resume();
  void pause_for(Duration d);
  bool paused() const { return paused_; }
  // The thread is busy until then with something that is no step: a sync in place.
  void hold_until(Instant when);
  void die();
  bool dead() const { return dead_; }
  uint64_t steps() const { return steps_; }
  SimWorld& world() { return world_; }

 private:
  // Exactly one of the three.
  struct Ready {
    std::coroutine_handle<> handle;
    TimerId timer = 0;
    Callback work;
  };
  struct Timer {
    SimEventId event = 0;
    Callback work;
  };
  void add(Ready ready);
  void arm();
  void run_one();
  void run(Ready ready);
  Duration draw_cost();

  SimWorld& world_;
  Random random_;
  const std::string name_;
  const uint64_t tag_;  // tells executors apart in the trace
  std::vector<Ready> ready_;
  absl::flat_hash_map<TimerId, Timer> timers_;  // looked up, never walked but to drop all
  TimerId next_timer_ = 1;
  Instant busy_until_;
  SimEventId step_event_ = 0;
  SimEventId resume_event_ = 0;
  bool paused_ = false;
  bool dead_ = false;
  uint64_t steps_ = 0;
};

}  // namespace quorate::runtime
