// Breaks things, from the seed: the network, processes and power, disks, clocks, scheduling; and
// moves leases and splits ranges meanwhile. Faults overlap, and come in bursts where the seed says
// so. Each ends after a while; heal() ends them all, starts every node and leaves a sound world.
//
//   nemesis.cc        what comes when
//   nemesis_faults.cc what breaks: network, processes, time
//   nemesis_disks.cc  disks
//   nemesis_moves.cc  what operators do
//   nemesis_plan.cc   a run with some of another run's faults
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "runtime/random.h"
#include "sim/fault_filter.h"
#include "sim/sim_cluster.h"
#include "sim/timeline/event_log.h"
#include "sim/workload.h"

namespace quorate::sim {

class Nemesis {
 public:
  // How hard a seed is on each part, drawn once.
  struct Profile {
    double network = 1, crashes = 1, disk = 1, clocks = 1, pauses = 1, moves = 1;  // weights
    bool wild_clocks = false;  // beyond the bound
    bool lossy = false;        // links that lose, double and reorder all the time
    double together = 0;       // how often one thing brings the next within moments
    double aimed = 0;          // how often a leaseholder is hit rather than anybody
    double trouble = 0;        // how often what operators do meets a fault
    double reset_clocks = 0;   // how often a machine that was down comes back with another time
    size_t spread = 0;         // ranges to begin with
    size_t sector_bytes = 4096;
    runtime::Duration sync = std::chrono::microseconds(1'000);  // a sync takes up to this
    runtime::Duration pace = std::chrono::milliseconds(800);    // between faults, on average
  };
  static Profile draw_profile(runtime::Random& random);

  Nemesis(SimCluster& cluster, Workload& workload, Profile profile, runtime::Random random);
  ~Nemesis() { *alive_ = false; }
  // All before spread(). Faults are told to `log`.
  void listen(EventLog* log) { log_ = log; }
  // Every fault goes into `plan` as it comes.
  void record(FaultPlan* plan) { recorded_ = plan; }
  // Faults come from `plan`, as far as `filter` allows them, instead of being drawn. With all
  // allowed the run is the recorded one.
  void follow(const FaultPlan* plan, FaultFilter filter) {
    plan_ = plan;
    filter_ = std::move(filter);
  }
  // Before any fault: some ranges, led here and there.
  void spread();
  void start();
  void heal();
  // Every other fault is of this kind (fault_kinds()), as far as it may come again; empty: none.
  void favor(std::string kind) { favored_ = std::move(kind); }
  // The node whose checkpoint was damaged, if any: until it has looked at all of its rows they may
  // be wrong.
  std::optional<size_t> rotten_checkpoint() const { return rotten_checkpoint_; }
  // Whether anything that was written has changed by itself.
  bool rotten() const { return rotten_; }
  const std::map<std::string, uint64_t>& done() const { return done_; }

 private:
  void next();
  void act();
  void act_once();
  void later(runtime::Duration d, runtime::Callback work);  // unless healed by then
  size_t victim();
  size_t leaseholder();  // of some range of the workload; anybody where none is held
  size_t leaseholder_of(const Bytes& key);
  size_t other_than(size_t i) {
    return (i + 1 + random_.below(cluster_.size() - 1)) % cluster_.size();
  }
  runtime::Duration draw(int64_t low_ms, int64_t high_ms) {
    return std::chrono::milliseconds(random_.between(low_ms, high_ms));
  }
  // Short ones as likely as long ones.
  runtime::Duration draw_any_length(runtime::Duration most);
  void note(std::string what);
  // A fault that shows nowhere else: begins with a note, ends at end_told().
  uint64_t begin_told(std::string what);
  void end_told(uint64_t span);
  bool allows(std::string_view name) const { return plan_ == nullptr || filter_.allows(name); }
  void follow_plan();
  void follow_act(size_t i);
  // At the end of the event of an act: what chance stands at then belongs to it.
  void end_recording();
  runtime::SimDiskFaults usual_disk() const;

  // A direction between two hosts; each ends by itself.
  using Directions = std::vector<std::pair<std::string, std::string>>;
  Directions draw_cut(std::string* what);
  runtime::Duration draw_cut_length();
  void cut(const Directions& directions);
  void mend(const Directions& directions);
  void flap(const Directions& directions, size_t times);
  Directions all_of(size_t i) const;  // to and from the others
  runtime::Duration draw_pause();
  // Soon after something began, its host is cut off, stopped or killed: now and then.
  void perhaps_trouble(size_t i, runtime::Duration within);
  void trouble(size_t i);
  void isolate(size_t i, const std::string& why);
  void cut_network();
  void clog_network();
  void depose();
  void silence_candidate(const Bytes& key, size_t deposed, int looks);
  void spoil_links();
  void slow_links();
  void kill(size_t i, runtime::SimCrash how, size_t again);
  void kill(size_t i, runtime::SimCrash how, size_t again, bool quick);
  void crash();
  void crash_in_sync();
  void crash_most();
  void crash_all();
  void roll();
  void roll_on(size_t done, size_t i, runtime::Duration pause);
  void wipe();
  void wipe_when_spared(size_t i, runtime::Duration down, int tries);
  void crash_others(size_t wiped);
  bool can_spare(size_t victim, NodeId lost);
  bool can_lose(size_t victim, RangeId changing);
  void fill_disk();
  void rot();
  void rot_when_spared(size_t i, int tries);
  void rot_checkpoint();
  void rot_checkpoint_when_spared(size_t i, int tries);
  void turn_bits_when_spared(size_t i, NodeId node, uint64_t life, int tries);
  void slow_disk();
  void fail_sync();
  void move_clock();
  void set_clock(size_t i);
  void start_again(size_t i);
  void pause();
  void split();
  void leave_behind(const Bytes& key);
  void transfer_lease();
  void hand_around(Bytes key, size_t times);
  void hand_to_deaf(const Bytes& key, size_t to, runtime::Random own);
  void move_replicas();
  void crash_when_left(RangeId range, int looks);
  void wipe_when_left(size_t host, RangeId range, int looks);
  std::optional<size_t> keep_from_change(size_t leader, const range::RangeDescriptor& after,
                                         const std::vector<NodeId>& joined);
  void meet_who_left(size_t absent, const range::RangeDescriptor& now);
  runtime::Random own_draw(std::string_view purpose) const;
  void drain_and_restart();
  static runtime::Task<void> run_split(Nemesis* nemesis, server::KvNode* node, Bytes at);
  static runtime::Task<void> run_transfer(server::KvNode* node, Bytes at, NodeId to);
  static runtime::Task<void> run_move(Nemesis* nemesis, size_t host, Bytes at,
                                      std::vector<NodeId> to);
  static runtime::Task<void> run_drain(SimCluster* cluster, size_t i, runtime::Duration patience);

  static constexpr uint64_t kDiskBytes = uint64_t{64} << 30;
  SimCluster& cluster_;
  Workload& workload_;
  const Profile profile_;
  runtime::Random random_;
  bool started_ = false;
  bool healed_ = false;
  bool wiped_ = false;  // or rotten: one disk a run
  bool rotten_ = false;
  std::optional<size_t> rotten_checkpoint_;
  std::map<size_t, uint64_t> drained_;  // told to drain, in this life, and not restarted yet
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::map<std::string, uint64_t> done_;
  EventLog* log_ = nullptr;
  FaultPlan* recorded_ = nullptr;
  const FaultPlan* plan_ = nullptr;
  FaultFilter filter_;
  std::string favored_;
  size_t act_ = 0;  // the number of the one that is being done; 0: none
  size_t acts_ = 0;
};

}  // namespace quorate::sim
