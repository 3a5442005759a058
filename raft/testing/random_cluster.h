// A handful of replicas of one group under faults drawn from a seed, with the facts that must hold
// kept outside of them: who led which term, what was applied where, what was served when.
//
// Faults: messages lost, doubled, reordered; partitions; crashes that lose a suffix of unsynced
// writes; clocks that drift; membership changes, hand-overs, truncation and snapshots all the
// while. Stores promise each other support as support.h asks.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "base/planted.h"
#include "raft/core/invariants.h"
#include "raft/core/raft.h"
#include "raft/testing/memory_disk.h"

namespace quorate::raft::testing {

class RandomCluster {
 public:
  static constexpr size_t kNodes = 5;
  struct Options {
    uint64_t seed = 1;
    PlantedBugs planted;
    bool membership = true;
    bool crashes = true;
    bool partitions = true;
  };

  explicit RandomCluster(const Options& options);
  // Runs `steps` random steps, then heals everything and waits for progress. Returns the first
  // violated property, or nothing.
  std::optional<std::string> run(size_t steps);

  // What happened, so that a test can tell that it was not idle.
  struct Counts {
    size_t elections = 0, applied = 0, served = 0, crashes = 0, conf_changes = 0, hand_overs = 0,
           snapshots = 0, quiesced = 0;
  };
  const Counts& counts() const { return counts_; }

 private:
  // A promise as the supporter keeps it, durably.
  struct Given {
    StoreEpoch epoch;
    Timestamp until;
    bool withdrawn = true;
  };
  struct Node {
    ReplicaId id;
    StoreId store;
    std::unique_ptr<MemoryDisk> disk;
    std::unique_ptr<SupportView> view;
    std::unique_ptr<Raft> raft;  // null while crashed
    TransitionCheck transitions;
    std::deque<Entry> to_apply;
    LogIndex applied;
    ConfState conf;
    uint64_t clock = 1000;                     // microseconds
    uint64_t rate = 10;                        // of the clock a tick
    std::array<StoreEpoch, kNodes> own_epoch;  // towards each supporter, durable
    std::array<Given, kNodes> given;           // to each asker, durable
  };
  struct LivenessMessage {
    bool request = true, refused = false;
    StoreEpoch epoch;
    Timestamp until, clock;
  };
  struct Packet {
    size_t from, to;
    std::optional<Message> raft;
    LivenessMessage liveness;
  };
  struct Served {
    uint64_t least, greatest;
  };

  uint64_t draw(uint64_t n) { return random_() % n; }
  bool chance(uint64_t per_mille) { return draw(1000) < per_mille; }
  void step_random();
  void start(Node& node);
  void crash(Node& node);
  void tick(Node& node);
  void pump(Node& node);  // one Ready
  void sync(Node& node);
  void apply_some(Node& node);
  void serve(Node& node);
  void deliver(size_t at);
  void deliver_liveness(const Packet& packet);
  void lose(size_t at);
  void propose(Node& node);
  void change_membership(Node& node);
  void transfer(Node& node);
  void checkpoint(Node& node);
  void send(Node& node, Message m);
  void ask_support(Node& node);
  void after(Node& node);  // checks after each input
  void on_leader(Node& node);
  void check_log_matching();
  void heal();
  bool converged();
  void fail(const std::string& what);

  Options options_;
  std::mt19937_64 random_;
  std::vector<Node> nodes_;
  std::vector<Packet> network_;
  std::array<std::array<bool, kNodes>, kNodes> cut_{};
  bool calm_ = false;
  uint64_t next_payload_ = 1;
  std::map<Term, ReplicaId> leaders_;
  std::map<LogIndex, Entry> applied_;
  std::map<Term, Served> served_;
  std::optional<std::string> failure_;
  Counts counts_;
};

}  // namespace quorate::raft::testing
