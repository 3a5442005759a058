// Breaks things, from the seed: the network, processes and power, disks, clocks, scheduling; and
// moves leases and splits ranges meanwhile. Each fault ends after a while; heal() ends them all,
// starts every node and leaves a sound world.
#pragma once

#include <string>

#include "runtime/random.h"
#include "sim/sim_cluster.h"
#include "sim/workload.h"

namespace quorate::sim {

class Nemesis {
 public:
  // How hard a seed is on each part, drawn once.
  struct Profile {
    double network = 1, crashes = 1, disk = 1, clocks = 1, pauses = 1, moves = 1;  // weights
    bool wild_clocks = false;  // beyond the bound
    bool lossy = false;        // links that lose, double and reorder all the time
    runtime::Duration pace = std::chrono::milliseconds(800);  // between faults, on average
  };
  static Profile draw_profile(runtime::Random& random);

  Nemesis(SimCluster& cluster, Workload& workload, Profile profile, runtime::Random random);
  ~Nemesis() { *alive_ = false; }
  void start();
  void heal();
  const std::map<std::string, uint64_t>& done() const { return done_; }

 private:
  void next();
  void act();
  void later(runtime::Duration d, runtime::Callback work);  // unless healed by then
  size_t victim() { return random_.below(cluster_.size()); }
  runtime::Duration draw(int64_t low_ms, int64_t high_ms) {
    return std::chrono::milliseconds(random_.between(low_ms, high_ms));
  }
  void note(std::string what);

  void cut_network();
  void spoil_links();
  void crash();
  void crash_all();
  void wipe();
  void slow_disk();
  void fail_sync();
  void move_clock();
  void pause();
  void split();
  void transfer_lease();
  void drain_and_restart();
  static runtime::Task<void> run_split(server::KvNode* node, Bytes at);
  static runtime::Task<void> run_transfer(server::KvNode* node, Bytes at, NodeId to);
  static runtime::Task<void> run_drain(SimCluster* cluster, size_t i, runtime::Duration patience);

  SimCluster& cluster_;
  Workload& workload_;
  const Profile profile_;
  runtime::Random random_;
  bool healed_ = false;
  bool wiped_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::map<std::string, uint64_t> done_;
};

}  // namespace quorate::sim
