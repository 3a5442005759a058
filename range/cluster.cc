#include "range/cluster.h"

#include <algorithm>

#include "base/archive.h"
#include "runtime/sync.h"

namespace quorate::range {

struct Cluster::Gossip {
  std::string cluster;
  Timestamp clock;
  std::vector<NodeInfo> nodes;
  std::optional<RangeDescriptor> root;
  template <class A>
  void serialize(A& a) {
    a(cluster, clock, nodes, root);
  }
};

Cluster::Cluster(runtime::Env& env, runtime::Hlc& clock, Identity identity, NodeInfo self,
                 PlantedBugs planted)
    : env_(env),
      clock_(clock),
      identity_(std::move(identity)),
      self_(std::move(self)),
      made_(env.executor->now()),
      planted_(planted),
      scope_(*env.executor) {
  nodes_[self_.id] = self_;
  env_.network->receive(runtime::Channel::kGossip,
                        [this](runtime::PeerId from, BytesView frame) { on_gossip(from, frame); });
}

Cluster::~Cluster() {
  scope_.cancel_all();
  env_.network->receive(runtime::Channel::kGossip, nullptr);
}

void Cluster::start() { scope_.spawn(loop()); }

const NodeInfo* Cluster::find(NodeId id) const {
  auto it = nodes_.find(id);
  return it == nodes_.end() ? nullptr : &it->second;
}

runtime::PeerId Cluster::peer(NodeId id) const {
  const NodeInfo* node = find(id);
  if (node == nullptr || node->address.empty() || displaced(id)) return 0;
  return env_.network->peer(node->address);
}

void Cluster::add(const NodeInfo& node) { merge(node); }

bool Cluster::alive(NodeId id) const {
  if (id == self_.id) return true;
  auto it = heard_.find(id);
  return it != heard_.end() && !displaced(id) && env_.executor->now() - it->second < kSilence;
}

runtime::Duration Cluster::silence(NodeId id) const {
  if (id == self_.id) return runtime::Duration(0);
  auto it = heard_.find(id);
  // Since this process began, as far as we can tell.
  return env_.executor->now() - (it == heard_.end() ? made_ : it->second);
}

void Cluster::lost(runtime::PeerId peer, bool refused) {
  if (!refused) return;
  for (const auto& [id, node] : nodes_) {
    if (id != self_.id && this->peer(id) == peer) unreachable_.insert(id);
  }
}

bool Cluster::coordinator_alive(NodeId id, uint64_t incarnation) const {
  const NodeInfo* node = find(id);
  if (node == nullptr) return false;
  if (id == self_.id) return incarnation == self_.incarnation;
  if (node->incarnation > incarnation) return false;
  return alive(id) && reachable(id);
}

void Cluster::learn_root(const RangeDescriptor& root) {
  if (!root_ || root.generation > root_->generation) root_ = root;
}

void Cluster::merge(const NodeInfo& node) {
  if (node.id == self_.id) return;
  auto [it, fresh] = nodes_.emplace(node.id, node);
  if (!fresh) {
    if (std::pair(node.incarnation, node.beat) <=
        std::pair(it->second.incarnation, it->second.beat))
      return;
    it->second = node;
  }
  if (node.incarnation != 0) heard_[node.id] = env_.executor->now();
  settle_address(node);
}

// Ids only grow: of two nodes at one address the older is gone (a wiped directory, a new machine).
// But a number that nobody has spoken under displaces nobody: the request to join was repeated, by
// its sender or by the network, and only one of the answers was taken.
void Cluster::settle_address(const NodeInfo& node) {
  displaced_.erase(node.id);
  if (node.address.empty()) return;
  for (const auto& [id, other] : nodes_) {
    if (id == node.id || other.address != node.address) continue;
    const bool spoke = node.incarnation != 0 || planted_.silent_displaces;
    const bool other_spoke = other.incarnation != 0 || id == self_.id || planted_.silent_displaces;
    const NodeId gone = spoke == other_spoke ? std::min(id, node.id) : spoke ? id : node.id;
    displaced_.insert(gone);
  }
  if (node.incarnation == 0) return;
  for (const Identity::Home& home : identity_.homes) {
    if (home.node < node.id && home.address == node.address && !nodes_.contains(home.node))
      displaced_.insert(home.node);
  }
}

void Cluster::on_gossip(runtime::PeerId from, BytesView frame) {
  Gossip g;
  if (!decode(frame, g).ok()) {
    env_.log.warning("malformed gossip");
    return;
  }
  if (g.cluster != identity_.cluster) return;  // a stray node of another cluster
  if (Status s = clock_.update(g.clock); !s.ok()) {
    env_.log.warning("gossip refused: {}", s.message());
    return;
  }
  for (const NodeInfo& node : g.nodes) merge(node);
  std::erase_if(unreachable_, [&](NodeId id) { return peer(id) == from; });
  if (g.root) learn_root(*g.root);
}

runtime::Task<void> Cluster::loop() {
  for (;;) {
    ++self_.beat;
    nodes_[self_.id] = self_;
    Gossip g{identity_.cluster, clock_.now(), {}, root_};
    for (const auto& [id, node] : nodes_) g.nodes.push_back(node);
    Bytes frame = encode(g);
    std::set<std::string> told{self_.address};
    for (const auto& [id, node] : nodes_) {
      if (id == self_.id || !told.insert(node.address).second) continue;
      env_.network->send(env_.network->peer(node.address), runtime::Channel::kGossip, frame);
    }
    // After a restart nobody is known yet: where all restart, somebody must begin.
    for (const std::string& address : identity_.peers) {
      if (!told.insert(address).second) continue;
      env_.network->send(env_.network->peer(address), runtime::Channel::kGossip, frame);
    }
    co_await keep_identity();
    Status slept = co_await runtime::sleep_for(*env_.executor, std::chrono::milliseconds(500));
    if (!slept.ok()) co_return;
  }
}

// So that nodes that restart find each other, whoever of them is down.
bool Cluster::remember_peers() {
  std::vector<std::string>& peers = identity_.peers;
  bool news = false;
  for (const auto& [id, node] : nodes_) {
    if (id == self_.id || node.address.empty() || displaced(id)) continue;
    if (std::find(peers.begin(), peers.end(), node.address) != peers.end()) continue;
    peers.push_back(node.address);
    news = true;
  }
  if (peers.size() > kAddressesMax) peers.erase(peers.begin(), peers.end() - kAddressesMax);
  return news;
}

bool Cluster::remember_homes() {
  std::vector<Identity::Home>& homes = identity_.homes;
  bool news = false;
  if (planted_.forget_homes) return false;
  for (const auto& [id, node] : nodes_) {
    if (id == self_.id || node.address.empty() || node.incarnation == 0 || displaced(id)) continue;
    auto home = std::find_if(homes.begin(), homes.end(),
                             [id = id](const Identity::Home& h) { return h.node == id; });
    if (home != homes.end() && home->address == node.address) continue;
    if (home != homes.end()) homes.erase(home);
    homes.push_back({id, node.address});
    news = true;
  }
  if (homes.size() > kAddressesMax) homes.erase(homes.begin(), homes.end() - kAddressesMax);
  return news;
}

runtime::Task<void> Cluster::keep_identity() {
  const bool new_peers = remember_peers(), new_homes = remember_homes();
  if (!new_peers && !new_homes) co_return;
  identity_.format = Identity::kFormat;
  Bytes encoded = encode(identity_);
  Status kept = co_await env_.disk->write_file(kIdentityFile, std::move(encoded));
  if (!kept.ok()) env_.log.info("the addresses of other nodes are not kept: {}", kept.message());
}

}  // namespace quorate::range
