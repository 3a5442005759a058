#include "range/cluster.h"

#include <set>

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

Cluster::Cluster(runtime::Env& env, runtime::Hlc& clock, Identity identity, NodeInfo self)
    : env_(env),
      clock_(clock),
      identity_(std::move(identity)),
      self_(std::move(self)),
      scope_(*env.executor) {
  nodes_[self_.id] = self_;
  env_.network->receive(runtime::Channel::kGossip,
                        [this](runtime::PeerId, BytesView frame) { on_gossip(frame); });
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
  return node == nullptr || node->address.empty() ? 0 : env_.network->peer(node->address);
}

void Cluster::add(const NodeInfo& node) { merge(node); }

bool Cluster::alive(NodeId id) const {
  if (id == self_.id) return true;
  auto it = heard_.find(id);
  return it != heard_.end() && env_.executor->now() - it->second < kSilence;
}

bool Cluster::coordinator_alive(NodeId id, uint64_t incarnation) const {
  const NodeInfo* node = find(id);
  if (node == nullptr) return false;
  if (id == self_.id) return incarnation == self_.incarnation;
  if (node->incarnation > incarnation) return false;
  return alive(id);
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
  heard_[node.id] = env_.executor->now();
}

void Cluster::on_gossip(BytesView frame) {
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
    Status slept = co_await runtime::sleep_for(*env_.executor, std::chrono::milliseconds(500));
    if (!slept.ok()) co_return;
  }
}

}  // namespace quorate::range
