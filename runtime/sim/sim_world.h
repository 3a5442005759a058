// The simulated world: one queue of events, one virtual time, one seed.
//
// Everything that happens in a simulation (a step of an executor, a timer, a frame that arrives, a
// sync that ends) is an event of this queue. Events run one at a time in order of their virtual
// time, and of their making where times are equal; nothing else moves time. All chance comes from
// streams forked from the seed, so one seed is one run, bit for bit, in every process.
//
// Each event that matters is mixed into a 64-bit trace hash: two runs of one seed with different
// hashes mean that something outside the seed had influence (an address, a hash table's order, the
// host's clock). Lines of text are kept besides, the last ones only, for the report of a failure.
//
// The owner makes the world, then for each node a machine and a SimNodeEnv (sim_env.h), runs the
// world, and destroys in the opposite order. A failed CHECK prints seed and virtual time.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/executor.h"
#include "runtime/random.h"
#include "runtime/task.h"

namespace quorate::runtime {

class FaultPoints;
class SimMachine;
class SimNetwork;
class SimObserver;

using SimEventId = uint64_t;  // 0: none

struct SimOptions {
  // What one resume of a coroutine or one callback costs its executor.
  Duration step_cost_min{200};
  Duration step_cost_max{3'000};
  // Now and then a step takes long: a page fault, a thread that lost its core.
  double long_step_chance = 0;
  Duration long_step_max{20'000'000};
  // Lines of text kept for failure reports; 0 keeps none and formats none.
  size_t lines_kept = 2'000;
  bool print_lines = false;  // to stderr as they come
  // Where the machines' clocks stand at virtual time 0 (2026-01-01).
  uint64_t wall_start_micros = 1'767'225'600'000'000;
};

class SimWorld {
 public:
  explicit SimWorld(uint64_t seed, SimOptions options = {});
  ~SimWorld();
  SimWorld(const SimWorld&) = delete;
  SimWorld& operator=(const SimWorld&) = delete;

  uint64_t seed() const { return seed_; }
  SimOptions& options() { return options_; }
  Instant now() const { return now_; }
  // A stream of chance of its own, for `purpose`; the same for the same seed and order of calls.
  Random fork_random(std::string_view purpose) { return random_.fork(purpose); }

  // Who looks on; null: nobody. It must outlive the world, or be taken away before.
  void set_observer(SimObserver* observer) { observer_ = observer; }
  SimObserver* observer() { return observer_; }

  // Those of the nodes that start from now on; null: none.
  void set_fault_points(FaultPoints* points) { fault_points_ = points; }
  FaultPoints* fault_points() { return fault_points_; }

  SimNetwork& network() { return *network_; }
  // The machine of that name, made at the first call. It lives as long as the world: clock and disk
  // survive the node's incarnations.
  SimMachine& machine(const std::string& name);
  std::vector<std::string> machine_names() const;

  // Events. One scheduled in the past runs now.
  SimEventId at(Instant when, Callback work);
  SimEventId after(Duration d, Callback work) { return at(now_ + d, std::move(work)); }
  void cancel(SimEventId id);

  // Runs the next event; false when there is none.
  bool step();
  void run_for(Duration d);
  // Until `done`; false when the limit of virtual time passed or no event is left.
  bool run_until(const std::function<bool()>& done, Duration limit);
  uint64_t events_run() const { return events_run_; }

  // The trace.
  void mix(uint64_t value) {
    hash_ = (hash_ ^ value) * 0x9e3779b97f4a7c15;
    hash_ ^= hash_ >> 32;
  }
  void mix(std::string_view bytes);
  bool tracing() const { return options_.lines_kept > 0 || options_.print_lines; }
  void line(std::string text);  // mixed too: only what does not depend on tracing() goes here
  void note(std::string text);  // not mixed; make it only when tracing()
  uint64_t trace_hash() const { return hash_; }
  const std::deque<std::string>& recent_lines() const { return lines_; }

 private:
  struct HeapEntry {
    Instant when;
    SimEventId id;
    bool operator<(const HeapEntry& o) const {  // the earliest is the heap's greatest
      return when != o.when ? when > o.when : id > o.id;
    }
  };
  void drop_cancelled();

  const uint64_t seed_;
  SimOptions options_;
  Random random_;
  Instant now_;
  std::vector<HeapEntry> heap_;
  absl::flat_hash_map<SimEventId, Callback> events_;  // looked up, never walked
  SimEventId next_event_ = 1;
  uint64_t events_run_ = 0;
  uint64_t hash_ = 0x51ed270b9f1e5a35;
  std::deque<std::string> lines_;
  std::function<std::string()> check_context_;
  SimObserver* observer_ = nullptr;
  FaultPoints* fault_points_ = nullptr;
  std::unique_ptr<SimNetwork> network_;
  std::map<std::string, std::unique_ptr<SimMachine>> machines_;
};

namespace sim_internal {
template <class T>
struct TaskResult {
  std::optional<T> value;
  static Task<void> run(Task<T> task, std::optional<T>* out) {
    T value = co_await task;
    out->emplace(std::move(value));
  }
};
}  // namespace sim_internal

// Runs the world until `task`, run on `executor`, has finished, and gives its result: for tests. A
// task that does not finish within `limit` of virtual time fails a CHECK.
template <class T>
T run_task(SimWorld& world, Executor& executor, Task<T> task,
           Duration limit = std::chrono::hours(1)) {
  std::optional<T> out;
  TaskScope scope(executor);
  scope.spawn(sim_internal::TaskResult<T>::run(std::move(task), &out));
  CHECK_MSG(world.run_until([&] { return scope.size() == 0; }, limit), "the task did not finish");
  CHECK(out.has_value());
  return std::move(*out);
}
inline void run_task(SimWorld& world, Executor& executor, Task<void> task,
                     Duration limit = std::chrono::hours(1)) {
  TaskScope scope(executor);
  scope.spawn(std::move(task));
  CHECK_MSG(world.run_until([&] { return scope.size() == 0; }, limit), "the task did not finish");
}

}  // namespace quorate::runtime
