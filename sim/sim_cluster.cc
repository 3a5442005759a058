#include "sim/sim_cluster.h"

#include <fmt/format.h>

#include <map>

namespace quorate::sim {

using runtime::SimCrash;
using runtime::SimNodeEnv;
using runtime::Task;
using runtime::TaskScope;

namespace {

std::string address_of(const std::string& host) { return host + ":26257"; }

Task<Result<std::unique_ptr<storage::CheckpointStore>>> open_map(
    runtime::Env* env, std::shared_ptr<storage::MapCheckpointDisk> disk) {
  co_return storage::make_map_checkpoint_store(*env, std::move(disk));
}

class KvSimNode : public SimNode {
 public:
  KvSimNode(runtime::Env& env, server::KvNodeOptions options) : node_(env, std::move(options)) {}
  server::KvNode& kv() override { return node_; }
  Task<Status> start() override { return node_.start({}); }

 private:
  server::KvNode node_;
};

}  // namespace

SimCluster::SimCluster(runtime::SimWorld& world, Options options)
    : world_(world), options_(std::move(options)) {
  for (size_t i = 0; i < options_.nodes; ++i) {
    auto slot = std::make_unique<Slot>();
    slot->host = "n" + std::to_string(i + 1);
    slot->checkpoint = std::make_shared<storage::MapCheckpointDisk>();
    if (options_.lmdb) slot->lmdb = std::make_shared<storage::LmdbCheckpointDisk>();
    slots_.push_back(std::move(slot));
  }
}

SimCluster::~SimCluster() {
  for (size_t i = 0; i < slots_.size(); ++i) kill(i, SimCrash::kProcess);
}

std::vector<std::string> SimCluster::hosts() const {
  std::vector<std::string> out;
  for (const auto& slot : slots_) out.push_back(slot->host);
  return out;
}

server::KvNode* SimCluster::node(size_t i) {
  SimNode* node = slots_[i]->node.get();
  return node != nullptr && node->kv().started() ? &node->kv() : nullptr;
}

server::KvNode* SimCluster::any() {
  for (size_t i = 0; i < size(); ++i) {
    if (node(i) != nullptr) return node(i);
  }
  return nullptr;
}

void SimCluster::spawn(size_t i, Task<void> task) { slots_[i]->sessions->spawn(std::move(task)); }

void SimCluster::start(size_t i) {
  Slot& slot = *slots_[i];
  if (slot.env != nullptr) return;
  slot.env = std::make_unique<SimNodeEnv>(world_, slot.host);
  server::KvNodeOptions options = options_.node;
  options.address = address_of(slot.host);
  for (const auto& other : slots_) options.join.push_back(address_of(other->host));
  options.open_checkpoint = [disk = slot.checkpoint, lmdb = slot.lmdb](runtime::Env& env) {
    return lmdb == nullptr ? open_map(&env, disk) : storage::LmdbCheckpointDisk::open(&env, lmdb);
  };
  if (options_.make_node != nullptr)
    slot.node = options_.make_node(slot.env->env(), std::move(options));
  else
    slot.node = std::make_unique<KvSimNode>(slot.env->env(), std::move(options));
  slot.node->kv().on_failure = [this, i](Status why) { failed(i, why, false); };
  slot.node->kv().clients = [n = options_.clients] { return n; };
  slot.sessions = std::make_unique<TaskScope>(slot.env->executor());
  spawn(i, run_start(this, i, slot.node.get()));
}

void SimCluster::start_all() {
  for (size_t i = 0; i < size(); ++i) start(i);
}

Task<void> SimCluster::run_start(SimCluster* cluster, size_t i, SimNode* node) {
  Status started = co_await node->start();
  if (!started.ok()) cluster->failed(i, started, true);
}

// Called from inside the node: it goes in an event of its own.
void SimCluster::failed(size_t i, const Status& why, bool starts) {
  world_.line(fmt::format("{} has failed: {}", host(i), why.to_string()));
  const uint64_t life = lives(i);
  const bool damaged =
      starts && why.code() == StatusCode::kCorruption && slots_[i]->replaced_if_damaged;
  world_.after(std::chrono::microseconds(10), [this, i, life, damaged] {
    if (!up(i) || lives(i) != life) return;
    if (damaged)
      wipe(i);
    else
      kill(i, SimCrash::kProcess);
  });
  world_.after(options_.restart_after, [this, i, life] {
    if (lives(i) == life) start(i);
  });
}

void SimCluster::kill(size_t i, SimCrash how) {
  Slot& slot = *slots_[i];
  if (slot.env == nullptr) return;
  slot.env->crash(how);
  slot.sessions.reset();
  slot.node.reset();
  slot.env.reset();
}

void SimCluster::wipe(size_t i) {
  kill(i, SimCrash::kPower);
  world_.line(host(i) + " loses its disks");
  machine(i).disk().wipe();
  slots_[i]->checkpoint = std::make_shared<storage::MapCheckpointDisk>();
  if (slots_[i]->lmdb != nullptr) slots_[i]->lmdb->put_back({});
  slots_[i]->replaced_if_damaged = false;
}

SimCluster::Copy SimCluster::copy(size_t i) {
  CHECK(!up(i));
  const storage::LmdbCheckpointDisk* lmdb = slots_[i]->lmdb.get();
  return {machine(i).disk().image(), *slots_[i]->checkpoint,
          lmdb == nullptr ? Bytes() : lmdb->image()};
}

void SimCluster::put_back(size_t i, const Copy& copy) {
  CHECK(!up(i));
  world_.line(host(i) + " gets an old copy of its disk");
  machine(i).disk().restore(*copy.disk);
  slots_[i]->checkpoint = std::make_shared<storage::MapCheckpointDisk>(copy.checkpoint);
  if (slots_[i]->lmdb != nullptr) slots_[i]->lmdb->put_back(copy.lmdb);
}

std::string SimCluster::form(runtime::Duration limit) {
  start_all();
  slots_[0]->node->kv().init_here();
  return wait_healthy(limit);
}

std::string SimCluster::unhealthy() {
  struct Seen {
    size_t replicas = 0, leaseholders = 0, voters = 0, members = 0;
    LogIndex applied;
    bool level = true;
  };
  std::map<RangeId, Seen> ranges;
  for (size_t i = 0; i < size(); ++i) {
    server::KvNode* n = node(i);
    if (n == nullptr) return host(i) + " is not up";
    for (const auto& [id, replica] : n->store().replicas()) {
      Seen& seen = ranges[id];
      if (!replica->started()) return fmt::format("r{} on {} has not started", id.value, host(i));
      if (seen.replicas++ > 0 && seen.applied != replica->applied()) seen.level = false;
      seen.applied = replica->applied();
      if (!replica->look_at_lease(Timestamp()).held) continue;
      ++seen.leaseholders;
      seen.members = replica->descriptor().replicas.size();
      for (const auto& r : replica->descriptor().replicas)
        seen.voters += r.role == range::ReplicaRole::kVoter ? 1 : 0;
    }
  }
  if (ranges.size() < 3) return "the first ranges are missing";
  const size_t wanted = std::min(options_.node.upkeep.replicas, size());
  for (const auto& [id, seen] : ranges) {
    if (seen.leaseholders != 1)
      return fmt::format("r{} has {} leaseholders", id.value, seen.leaseholders);
    if (seen.voters < wanted || seen.replicas < wanted) {
      return fmt::format("r{} has {} voters and {} replicas of {}", id.value, seen.voters,
                         seen.replicas, wanted);
    }
    if (seen.replicas > seen.members)
      return fmt::format("replicas of r{} are {}, and its members {}", id.value, seen.replicas,
                         seen.members);
    if (!seen.level) return fmt::format("replicas of r{} differ in what they applied", id.value);
  }
  return {};
}

std::vector<std::string> SimCluster::describe() {
  std::vector<std::string> out;
  for (size_t i = 0; i < size(); ++i) {
    server::KvNode* n = node(i);
    if (n == nullptr) {
      out.push_back(host(i) + (up(i) ? " is starting" : " is down"));
      continue;
    }
    out.push_back(fmt::format("{} is node {}, clock {}, offset {} us", host(i), n->id().value,
                              n->clock().peek().to_string(), machine(i).clock().offset_micros()));
    for (const auto& [id, replica] : n->store().replicas()) {
      if (!replica->started()) {
        out.push_back(fmt::format("  r{} not started", id.value));
        continue;
      }
      const raft::Raft& core = replica->group().core();
      const range::LeaseView lease = replica->look_at_lease(Timestamp());
      std::string members;
      for (const auto& r : replica->descriptor().replicas)
        members += fmt::format(" {}@n{}{}", r.replica.value, r.node.value,
                               r.role == range::ReplicaRole::kVoter ? "" : "-");
      out.push_back(fmt::format(
          "  r{} {} to {} generation {}:{}; replica {} term {} {} leader {} commit {} last {} "
          "applied {} lease {} until {}{}",
          id.value, escape_bytes(replica->descriptor().span.start),
          escape_bytes(replica->descriptor().span.end), replica->descriptor().generation, members,
          replica->id().value, core.term().value, core.leads() ? "leads" : "follows",
          core.leader().value, core.log().committed().value, core.log().last_index().value,
          replica->applied().value, lease.held ? "held" : "not held",
          core.lease_until().to_string(), core.bound() ? " bound" : ""));
      auto leaseholder = replica->leaseholder();
      if (leaseholder == nullptr) continue;
      for (const range::LockInfo& lock : leaseholder->locks()) {
        out.push_back(fmt::format("    lock {} of {} from n{} life {} alive {}",
                                  escape_bytes(lock.key), lock.holder.id.to_string(),
                                  lock.holder.coordinator.value, lock.holder.coordinator_epoch,
                                  n->cluster().coordinator_alive(lock.holder.coordinator,
                                                                 lock.holder.coordinator_epoch)));
        for (const range::TxnHeader& w : lock.waiters)
          out.push_back(
              fmt::format("      {} from n{} waits", w.id.to_string(), w.coordinator.value));
      }
    }
  }
  return out;
}

std::string SimCluster::wait_healthy(runtime::Duration limit) {
  const runtime::Instant end = world_.now() + limit;
  std::string missing = unhealthy();
  while (!missing.empty() && world_.now() < end) {
    world_.run_for(std::chrono::milliseconds(100));
    missing = unhealthy();
  }
  return missing;
}

}  // namespace quorate::sim
