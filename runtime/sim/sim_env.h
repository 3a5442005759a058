// A simulated node's outside world.
//
// A SimMachine is what survives: clock and disk. A SimNodeEnv is one incarnation of the node on it,
// from its start to its crash:
//
//   SimNodeEnv env(world, "n1");
//   auto node = std::make_unique<Node>(env.env(), ...);   // starts its tasks
//   world.run_for(1s);
//   env.crash(SimCrash::kPower);      // from now on nothing of it runs, sends or arrives
//   node.reset();                     // its task scopes first: suspended frames go, and run
//   nothing (destroy env; make a new one for the next incarnation)
//
// After crash() the executor, the network and the disk of the incarnation tolerate the calls that
// destructors make and do nothing. Destroying a SimNodeEnv that has not crashed is a killed
// process.
#pragma once

#include <memory>
#include <string>

#include "runtime/env.h"
#include "runtime/sim/sim_clock.h"
#include "runtime/sim/sim_disk.h"
#include "runtime/sim/sim_executor.h"
#include "runtime/sim/sim_network.h"
#include "runtime/sim/sim_world.h"

namespace quorate::runtime {

class SimMachine {
 public:
  SimMachine(SimWorld& world, std::string name)
      : name_(std::move(name)), clock_(world, name_), disk_(world, name_) {}
  const std::string& name() const { return name_; }
  SimClock& clock() { return clock_; }
  SimDisk& disk() { return disk_; }
  // 1 for the first incarnation.
  uint64_t incarnations() const { return incarnations_; }

 private:
  friend class SimNodeEnv;
  const std::string name_;
  SimClock clock_;
  SimDisk disk_;
  uint64_t incarnations_ = 0;
};

enum class SimCrash : uint8_t {
  kProcess,  // kill -9: the page cache lives, connections are reset
  kPower,    // unsynced data goes as drawn, peers hear nothing
};

class SimNodeEnv {
 public:
  SimNodeEnv(SimWorld& world, const std::string& machine);
  ~SimNodeEnv();
  SimNodeEnv(const SimNodeEnv&) = delete;

  Env& env() { return env_; }
  SimExecutor& executor() { return executor_; }
  SimMachine& machine() { return machine_; }
  SimDisk& disk() { return machine_.disk(); }
  SimClock& clock() { return machine_.clock(); }
  Metrics& metrics() { return metrics_; }
  bool crashed() const { return executor_.dead(); }
  void crash(SimCrash how);

  // Runs the world until the task, run on this node, has finished.
  template <class T>
  T run(Task<T> task, Duration limit = std::chrono::hours(1)) {
    return run_task(world_, executor_, std::move(task), limit);
  }

 private:
  // Lines of the node's log go into the world's trace.
  class Sink : public LogSink {
   public:
    Sink(SimWorld& world, std::string name) : world_(world), name_(std::move(name)) {}
    void write(LogLevel level, std::string_view tags, std::string_view text) override;

   private:
    SimWorld& world_;
    const std::string name_;
  };

  SimWorld& world_;
  SimMachine& machine_;
  Metrics metrics_;
  Sink sink_;
  SimExecutor executor_;
  SimEndpoint network_;
  SimDiskHandle disk_;
  Random random_;
  Random entropy_;
  Env env_;
};

}  // namespace quorate::runtime
