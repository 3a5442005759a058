// A cluster of nodes in a simulated world: each node an object that can be started, killed in
// several ways and started again on what its machine kept.
//
//   machine (clock, disk, checkpoint disk)      survives
//     └─ life (SimNodeEnv, KvNode, sessions)    from start to kill
//
// Sessions of workloads run on a node's executor in its life's scope, so they die with it. A node
// whose store fails is killed by the cluster, as its process would end, and comes back after a
// moment, as under a supervisor; so does one that fails to start.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/sim/sim_env.h"
#include "server/kv_node.h"
#include "storage/testing/lmdb_checkpoint_disk.h"
#include "storage/testing/map_checkpoint_store.h"

namespace quorate::sim {

// What runs on a machine: the key-value half of a node, or with more above it.
class SimNode {
 public:
  virtual ~SimNode() = default;
  virtual server::KvNode& kv() = 0;
  virtual runtime::Task<Status> start() = 0;
};

class SimCluster {
 public:
  using MakeNode = std::unique_ptr<SimNode> (*)(runtime::Env& env, server::KvNodeOptions options);
  struct Options {
    size_t nodes = 3;
    MakeNode make_node = nullptr;  // null: the key-value half alone
    server::KvNodeOptions node;    // address, join and open_checkpoint are filled in
    runtime::Duration restart_after = std::chrono::milliseconds(500);  // of failed nodes
    bool lmdb = false;   // checkpoints are real ones, not the model
    size_t clients = 0;  // that each node says it has: several keep log syncs off the executor
  };

  SimCluster(runtime::SimWorld& world, Options options);
  ~SimCluster();

  size_t size() const { return slots_.size(); }
  const std::string& host(size_t i) const { return slots_[i]->host; }
  std::vector<std::string> hosts() const;
  runtime::SimWorld& world() { return world_; }
  const Options& options() const { return options_; }

  void start(size_t i);  // nothing where it is up
  void start_all();
  void kill(size_t i, runtime::SimCrash how);
  // Kills it and takes its disks away: what starts there next is a new node at the old address.
  void wipe(size_t i);
  // When it can't start since its store is damaged it gets new disks, as an operator would give it.
  // Holds until then.
  void replace_if_damaged(size_t i) { slots_[i]->replaced_if_damaged = true; }
  // What a backup of its directory would be, taken and put back while it is down.
  struct Copy {
    std::shared_ptr<const runtime::SimDisk::Image> disk;
    storage::MapCheckpointDisk checkpoint;
    Bytes lmdb;
  };
  // The model of it.
  storage::MapCheckpointDisk& checkpoint(size_t i) { return *slots_[i]->checkpoint; }
  Copy copy(size_t i);
  void put_back(size_t i, const Copy& copy);
  bool up(size_t i) const { return slots_[i]->env != nullptr; }
  // Null while it is down or has not found its place yet.
  server::KvNode* node(size_t i);
  runtime::SimNodeEnv& env(size_t i) { return *slots_[i]->env; }
  runtime::SimMachine& machine(size_t i) { return world_.machine(host(i)); }
  // A task of the node's present life.
  void spawn(size_t i, runtime::Task<void> task);
  uint64_t lives(size_t i) { return machine(i).incarnations(); }

  // Any node that serves, or null.
  server::KvNode* any();

  // Makes the first node the cluster and waits until all have joined and every range has its
  // replicas. Empty, or what is missing after `limit`.
  std::string form(runtime::Duration limit);
  // Every node up, every range with a leaseholder and its full set of voters, all of these at one
  // applied index, and no replica left that its range has removed. Empty, or what is missing.
  std::string unhealthy();
  std::string wait_healthy(runtime::Duration limit);

  // What a failure report tells of every replica, lock and wait.
  std::vector<std::string> describe();

  // Runs a task on the node and gives its result; fails a CHECK where the node dies meanwhile.
  template <class T>
  T run(size_t i, runtime::Task<T> task) {
    return env(i).run(std::move(task), std::chrono::minutes(10));
  }

 private:
  struct Slot {
    std::string host;
    std::shared_ptr<storage::MapCheckpointDisk> checkpoint;
    std::shared_ptr<storage::LmdbCheckpointDisk> lmdb;  // null: the model is used
    bool replaced_if_damaged = false;
    std::unique_ptr<runtime::SimNodeEnv> env;
    std::unique_ptr<SimNode> node;
    std::unique_ptr<runtime::TaskScope> sessions;  // goes first
  };
  static runtime::Task<void> run_start(SimCluster* cluster, size_t i, SimNode* node);
  void failed(size_t i, const Status& why, bool starts);

  runtime::SimWorld& world_;
  const Options options_;
  std::vector<std::unique_ptr<Slot>> slots_;
};

}  // namespace quorate::sim
