// What a node knows of the cluster's nodes: who they are, where they listen, who was heard of
// lately, and where the directory is. Spread by gossip: each node tells each other what it knows,
// every half second; the record with the higher beat wins. Soft state, but for what the identity
// file keeps for the next start: this node, its peers, and who lived where.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/planted.h"
#include "range/descriptor.h"
#include "runtime/env.h"
#include "runtime/hlc.h"
#include "runtime/task.h"

namespace quorate::range {

struct NodeInfo {
  NodeId id;
  std::string address;  // for messages between nodes
  std::string sql_address, http_address;
  std::string version;       // of the binary
  uint64_t incarnation = 0;  // higher after each restart; zero: let in, and not started yet
  uint64_t beat = 0;         // raised with every gossip of the node itself
  Timestamp started;
  bool draining = false;
  uint64_t ranges = 0, leases = 0;
  Timestamp oldest_read;  // of its open transactions; zero: none. What they read is kept
  uint8_t space = 0;      // of its store's device: storage::Space
  template <class A>
  void serialize(A& a) {
    a(id, address, sql_address, http_address, version, incarnation, beat, started, draining, ranges,
      leases, oldest_read, space);
  }
};

// What is kept beside the store. Cluster and node never change once given.
struct Identity {
  static constexpr uint8_t kFormat = 2;  // 1: without homes
  struct Home {
    NodeId node;
    std::string address;
    template <class A>
    void serialize(A& a) {
      a(node, address);
    }
  };
  uint8_t format = kFormat;
  std::string cluster;  // 32 hex digits
  NodeId node;
  std::vector<std::string> peers;  // addresses to try at the next start
  // Where each node was last heard of: who comes to such an address under a later number has taken
  // its place, also when all who knew it have restarted since.
  std::vector<Home> homes;
  template <class A>
  void serialize(A& a) {
    a(format, cluster, node, peers);
    if (format >= 2) a(homes);
  }
};

class Cluster {
 public:
  static constexpr const char* kIdentityFile = "identity";
  static constexpr size_t kAddressesMax = 1000;  // and homes, remembered for the next start

  Cluster(runtime::Env& env, runtime::Hlc& clock, Identity identity, NodeInfo self,
          PlantedBugs planted = {});
  ~Cluster();

  void start();  // begins to gossip
  const Identity& identity() const { return identity_; }
  NodeId self() const { return self_.id; }
  NodeInfo& mutable_self() { return self_; }
  const std::map<NodeId, NodeInfo>& nodes() const { return nodes_; }  // this one included
  const NodeInfo* find(NodeId id) const;
  // Zero while the node's address is unknown.
  runtime::PeerId peer(NodeId id) const;
  void add(const NodeInfo& node);
  // Has started, and was heard of (through anyone) within `kSilence`.
  bool alive(NodeId id) const;
  // False while its address takes no connections: its process is not there, or a wire is cut. Who
  // can choose asks another.
  bool reachable(NodeId id) const { return !unreachable_.contains(id); }
  // How long nobody has heard of it; zero for this node itself.
  runtime::Duration silence(NodeId id) const;
  // Another node listens at its address now: it never comes back under this id, unless elsewhere.
  // So is an id that was given to a node which took another.
  bool displaced(NodeId id) const { return displaced_.contains(id); }
  // Rpc::on_loss.
  void lost(runtime::PeerId peer, bool refused);
  // False only when it is known that this life of the coordinator has ended (or has been silent for
  // long, or can't be reached).
  bool coordinator_alive(NodeId id, uint64_t incarnation) const;
  static constexpr runtime::Duration kSilence = std::chrono::seconds(3);

  // The newest descriptor of the directory's range.
  const std::optional<RangeDescriptor>& root() const { return root_; }
  void learn_root(const RangeDescriptor& root);

 private:
  struct Gossip;
  runtime::Task<void> loop();
  void on_gossip(runtime::PeerId from, BytesView frame);
  void merge(const NodeInfo& node);
  void settle_address(const NodeInfo& node);
  bool remember_peers();
  bool remember_homes();
  runtime::Task<void> keep_identity();

  runtime::Env& env_;
  runtime::Hlc& clock_;
  Identity identity_;
  NodeInfo self_;
  std::map<NodeId, NodeInfo> nodes_;
  std::map<NodeId, runtime::Instant> heard_;
  std::set<NodeId> unreachable_, displaced_;
  std::optional<RangeDescriptor> root_;
  const runtime::Instant made_;
  const PlantedBugs planted_;
  runtime::TaskScope scope_;
};

}  // namespace quorate::range
