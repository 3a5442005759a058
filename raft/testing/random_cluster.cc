#include "raft/testing/random_cluster.h"

#include <algorithm>

#include "base/archive.h"
#include "base/check.h"

namespace quorate::raft::testing {
namespace {

constexpr uint64_t kSupportInterval = 300;  // microseconds of a clock that moves about 10 a tick

ConfState first_conf() {
  ConfState conf;
  for (uint64_t i = 1; i <= 3; ++i) {
    conf.voters.insert(ReplicaId(i));
    conf.stores[ReplicaId(i)] = StoreId(i);
  }
  return conf;
}

}  // namespace

RandomCluster::RandomCluster(const Options& options)
    : options_(options), random_(options.seed * 7919 + 17) {
  nodes_.resize(kNodes);
  for (size_t i = 0; i < kNodes; ++i) {
    Node& node = nodes_[i];
    node.id = ReplicaId(i + 1);
    node.store = StoreId(i + 1);
    node.rate = 8 + draw(5);
    node.clock = 1000 + draw(500);
    // A group begins with a state, so that a newcomer gets its members by a snapshot.
    SnapshotMeta begin;
    if (i < 3) begin = {LogIndex(10), Term(1), first_conf()};
    node.disk = std::make_unique<MemoryDisk>(begin);
    node.disk->set_hard_state({begin.term, ReplicaId(), begin.index, {}});
    node.own_epoch.fill(StoreEpoch(1));
    start(node);
  }
}

void RandomCluster::fail(const std::string& what) {
  if (!failure_) failure_ = what;
}

// --- life and death
// --------------------------------------------------------------------------------

void RandomCluster::start(Node& node) {
  node.view = std::make_unique<SupportView>();
  for (size_t i = 0; i < kNodes; ++i) {
    const Given& given = node.given[i];
    node.view->set_supports(nodes_[i].store, given.withdrawn ? StoreEpoch() : given.epoch);
  }
  Config config;
  config.range = RangeId(1);
  config.self = node.id;
  config.store = node.store;
  config.seed = draw(1u << 30);
  config.planted = options_.planted;
  config.inflight_messages_max = 4;
  config.message_bytes_max = 200;
  config.apply_bytes_max = 200;
  config.uncommitted_bytes_max = 2000;
  Start begin;
  begin.hard_state = node.disk->hard_state();
  begin.conf = node.disk->checkpoint().conf;
  begin.applied = node.disk->checkpoint().index;
  node.applied = begin.applied;
  node.conf = begin.conf;
  node.to_apply.clear();
  node.transitions = TransitionCheck();
  node.raft = std::make_unique<Raft>(config, begin, node.disk.get(), node.view.get());
  after(node);
}

void RandomCluster::crash(Node& node) {
  ++counts_.crashes;
  node.raft.reset();
  node.disk->crash(draw(node.disk->writes_in_flight() + 1));
  for (StoreEpoch& epoch : node.own_epoch) epoch = epoch.next();
}

// --- inputs
// ----------------------------------------------------------------------------------------

void RandomCluster::tick(Node& node) {
  node.clock += node.rate;
  for (size_t i = 0; i < kNodes; ++i) {
    Given& given = node.given[i];
    if (given.withdrawn || Timestamp::from_micros(node.clock) <= given.until) continue;
    given.withdrawn = true;
    if (node.raft) node.view->set_supports(nodes_[i].store, std::nullopt);
  }
  if (!node.raft) return;
  if (draw(8) == 0 || calm_) ask_support(node);
  counts_.quiesced += node.raft->can_quiesce();
  node.raft->tick(Timestamp::from_micros(node.clock));
  after(node);
}

void RandomCluster::ask_support(Node& node) {
  const Timestamp now = Timestamp::from_micros(node.clock);
  const size_t self = node.id.value - 1;
  node.view->set_support_from(node.store, {node.own_epoch[self], now.add_micros(kSupportInterval)});
  for (size_t i = 0; i < kNodes; ++i) {
    if (i == self) continue;
    Packet packet{self, i, std::nullopt, {}};
    packet.liveness = {true, false, node.own_epoch[i], Timestamp(), now};
    network_.push_back(std::move(packet));
  }
}

void RandomCluster::deliver_liveness(const Packet& packet) {
  Node& node = nodes_[packet.to];
  const LivenessMessage& m = packet.liveness;
  node.clock = std::max(node.clock, m.clock.micros());
  if (!m.request) {
    if (m.refused) {
      node.own_epoch[packet.from] = std::max(node.own_epoch[packet.from], m.epoch.next());
    } else if (m.epoch == node.own_epoch[packet.from]) {
      node.view->set_support_from(nodes_[packet.from].store, {m.epoch, m.until});
    }
    return;
  }
  Given& given = node.given[packet.from];
  const Timestamp now = Timestamp::from_micros(node.clock);
  if (m.epoch > given.epoch) given = {m.epoch, Timestamp(), false};
  Packet answer{packet.to, packet.from, std::nullopt, {}};
  answer.liveness = {false, false, given.epoch, Timestamp(), now};
  if (m.epoch == given.epoch && !given.withdrawn) {
    given.until.forward(now.add_micros(kSupportInterval));
    answer.liveness.until = given.until;
    node.view->set_supports(nodes_[packet.from].store, given.epoch);
  } else {
    answer.liveness.refused = true;
  }
  network_.push_back(std::move(answer));
}

void RandomCluster::send(Node& node, Message m) {
  m.clock.forward(Timestamp::from_micros(node.clock));
  const size_t to = m.to.value - 1;
  CHECK(to < kNodes);
  network_.push_back({node.id.value - 1, to, std::move(m), {}});
}

void RandomCluster::pump(Node& node) {
  if (!node.raft || !node.raft->has_ready()) return;
  Ready ready = node.raft->ready();
  if (ready.snapshot) node.to_apply.clear();
  if (ready.snapshot) ++counts_.snapshots;
  node.disk->start_write(ready);
  for (Message& m : ready.messages) send(node, std::move(m));
  node.to_apply.insert(node.to_apply.end(), ready.committed.begin(), ready.committed.end());
  if (ready.soft_state && ready.soft_state->role == Role::kLeader) on_leader(node);
  if (ready.hand_over_to && !chance(calm_ ? 0 : 100)) {
    counts_.hand_overs += node.raft->hand_over("locks");
  }
  after(node);
}

void RandomCluster::sync(Node& node) {
  if (!node.raft || !node.disk->writing()) return;
  const LogIndex before = node.disk->checkpoint().index;
  node.raft->on_persisted(node.disk->finish_write());
  if (node.disk->checkpoint().index > before) {
    node.applied = node.disk->checkpoint().index;
    node.conf = node.disk->checkpoint().conf;
  }
  after(node);
}

void RandomCluster::apply_some(Node& node) {
  if (!node.raft) return;
  for (uint64_t n = draw(4); n > 0 && !node.to_apply.empty(); --n) {
    Entry entry = std::move(node.to_apply.front());
    node.to_apply.pop_front();
    if (entry.index <= node.applied || node.raft->log().pending_snapshot()) continue;
    auto [it, fresh] = applied_.try_emplace(entry.index, entry);
    if (!(it->second == entry)) {
      fail("state machine safety: replica " + node.id.to_string() + " applies another entry " +
           entry.index.to_string());
    }
    ++counts_.applied;
    if (entry.type == EntryType::kConfChange) {
      Result<ConfState> conf = node.raft->apply_conf_change(entry);
      if (!conf.ok()) fail("membership change refused: " + conf.status().to_string());
      if (conf.ok()) node.conf = *conf;
    }
    node.applied = entry.index;
    node.raft->on_applied(entry.index);
  }
  after(node);
}

void RandomCluster::serve(Node& node) {
  if (!node.raft || !node.raft->may_serve()) return;
  const Timestamp until = node.raft->lease_until();
  if (until <= Timestamp::from_micros(node.clock)) return;
  node.raft->note_relied_on(until);
  ++counts_.served;
  const Term term = node.raft->term();
  const uint64_t at = node.clock;
  for (const auto& [other, served] : served_) {
    if (other < term && served.greatest > at)
      fail("lease: a later leaseholder serves earlier time");
    if (other > term && served.least < at)
      fail("lease: an old leaseholder serves beside a new one");
  }
  auto [it, fresh] = served_.try_emplace(term, Served{at, at});
  it->second.greatest = std::max(it->second.greatest, at);
}

void RandomCluster::propose(Node& node) {
  if (!node.raft || !node.raft->leads()) return;
  (void)node.raft->propose(std::make_shared<const Bytes>("p" + std::to_string(next_payload_++)));
  after(node);
}

void RandomCluster::change_membership(Node& node) {
  if (!node.raft || !node.raft->leads()) return;
  ConfChange change;
  if (node.raft->conf().joint()) {
    if (node.raft->must_hand_over()) return transfer(node);
  } else {
    for (uint64_t n = 1 + draw(3); n > 0; --n) {
      const uint64_t id = 1 + draw(kNodes);
      change.steps.push_back({static_cast<ConfChangeOp>(draw(3)), ReplicaId(id), StoreId(id)});
    }
    change.transition = static_cast<ConfTransition>(draw(3));
  }
  counts_.conf_changes += node.raft->propose_conf_change(change).ok();
  after(node);
}

void RandomCluster::transfer(Node& node) {
  if (!node.raft || !node.raft->leads()) return;
  (void)node.raft->transfer_leader(ReplicaId(1 + draw(kNodes)));
  after(node);
}

void RandomCluster::checkpoint(Node& node) {
  if (!node.raft || node.raft->log().pending_snapshot()) return;
  // checkpoint-whole: only what this log has synced.
  if (node.applied > node.disk->last_index() || node.applied > node.raft->log().stable_index())
    return;
  node.disk->set_checkpoint(node.applied, node.conf);
  if (chance(500)) node.disk->truncate(node.applied);
}

// --- network
// ---------------------------------------------------------------------------------------

void RandomCluster::lose(size_t at) {
  Packet packet = std::move(network_[at]);
  network_[at] = std::move(network_.back());
  network_.pop_back();
  Node& from = nodes_[packet.from];
  if (packet.raft && packet.raft->type == MessageType::kSnapshot && from.raft) {
    from.raft->report_snapshot(packet.raft->to, false);
  }
}

void RandomCluster::deliver(size_t at) {
  Node& to = nodes_[network_[at].to];
  if (!to.raft || cut_[network_[at].from][network_[at].to]) return lose(at);
  if (!calm_ && chance(30)) return lose(at);
  Packet packet = network_[at];
  if (calm_ || !chance(30)) {  // else it will come again
    network_[at] = std::move(network_.back());
    network_.pop_back();
  }
  if (!packet.raft) return deliver_liveness(packet);
  to.clock = std::max(to.clock, packet.raft->clock.micros());
  Node& from = nodes_[packet.from];
  const bool snapshot = packet.raft->type == MessageType::kSnapshot;
  // Through bytes and back, as between nodes.
  Message m;
  if (!decode(encode(*packet.raft), m).ok()) fail("a message does not decode");
  to.raft->step(std::move(m));
  if (snapshot && from.raft) from.raft->report_snapshot(to.id, true);
  after(to);
}

// --- checks
// ----------------------------------------------------------------------------------------

void RandomCluster::after(Node& node) {
  if (!node.raft) return;
  Invariants::check(*node.raft);
  node.transitions.observe(*node.raft);
  if (node.raft->leads() && !leaders_.contains(node.raft->term())) on_leader(node);
}

void RandomCluster::on_leader(Node& node) {
  const Term term = node.raft->term();
  auto [it, fresh] = leaders_.try_emplace(term, node.id);
  if (it->second != node.id) fail("election safety: two leaders in term " + term.to_string());
  if (!fresh) return;
  ++counts_.elections;
  for (const auto& [index, entry] : applied_) {
    if (index < node.raft->log().first_index()) continue;
    if (node.raft->log().term(index) != entry.term) {
      fail("leader completeness: leader " + node.id.to_string() + " of term " + term.to_string() +
           " lacks entry " + index.to_string());
    }
  }
  for (const Node& other : nodes_) {
    if (!other.raft || other.raft->term() >= term) continue;
    if (other.raft->lease_until() > Timestamp::from_micros(node.clock)) {
      fail("lease: leader of term " + term.to_string() + " wins at " + std::to_string(node.clock) +
           ", lease of term " + other.raft->term().to_string() + " runs until " +
           std::to_string(other.raft->lease_until().micros()));
    }
  }
}

void RandomCluster::check_log_matching() {
  const Node& a = nodes_[draw(kNodes)];
  const Node& b = nodes_[draw(kNodes)];
  if (!a.raft || !b.raft) return;
  bool same = false;
  LogIndex at = std::min(a.raft->log().last_index(), b.raft->log().last_index());
  const LogIndex floor = std::max(a.raft->log().first_index(), b.raft->log().first_index());
  for (; at >= floor && at; at = at.prev()) {
    const bool equal = a.raft->log().term(at) == b.raft->log().term(at);
    if (same && !equal) fail("log matching: below an equal entry at " + at.to_string());
    same = same || equal;
  }
}

// --- the run
// ---------------------------------------------------------------------------------------

void RandomCluster::step_random() {
  Node& node = nodes_[draw(kNodes)];
  const uint64_t dice = draw(1000);
  if (dice < 450) {
    for (uint64_t n = 1 + draw(6); n > 0 && !network_.empty(); --n) deliver(draw(network_.size()));
  } else if (dice < 560) {
    tick(node);
  } else if (dice < 700) {
    pump(node);
  } else if (dice < 790) {
    sync(node);
  } else if (dice < 860) {
    apply_some(node);
  } else if (dice < 900) {
    serve(node);
  } else if (dice < 950) {
    propose(node);
  } else if (dice < 965) {
    checkpoint(node);
  } else if (dice < 980) {
    check_log_matching();
  } else if (dice < 985) {
    transfer(node);
  } else if (dice < 993) {
    if (options_.membership) change_membership(node);
  } else if (dice < 995) {
    if (options_.crashes && node.raft) crash(node);
  } else if (dice < 999) {
    if (!node.raft) start(node);
  } else if (options_.partitions) {
    const bool close = chance(400);
    for (size_t i = 0; i < kNodes; ++i) {
      const bool cut = close && i != node.id.value - 1;
      cut_[i][node.id.value - 1] = cut;
      if (chance(800)) cut_[node.id.value - 1][i] = cut;
    }
  }
  while (network_.size() > 300) lose(draw(network_.size()));
}

void RandomCluster::heal() {
  calm_ = true;
  for (auto& row : cut_) row.fill(false);
  for (Node& node : nodes_) {
    if (!node.raft) start(node);
  }
}

// A leader, everything applied at every member, nothing left to say.
bool RandomCluster::converged() {
  for (Node& node : nodes_) {
    if (!node.raft->leads() || !node.raft->may_serve()) continue;
    const LogIndex last = node.raft->log().last_index();
    bool all = !node.raft->conf().joint() || !node.raft->conf().auto_leave;
    for (Node& other : nodes_) {
      if (node.raft->conf().member(other.id)) all = all && other.applied == last;
    }
    if (all && node.raft->term() >= leaders_.rbegin()->first && node.raft->can_quiesce())
      return true;
  }
  return false;
}

std::optional<std::string> RandomCluster::run(size_t steps) {
  for (size_t i = 0; i < steps && !failure_; ++i) step_random();
  if (failure_) return failure_;
  heal();
  for (size_t round = 0; round < 1500 && !failure_; ++round) {
    for (Node& node : nodes_) tick(node);
    if (round == 500) {
      for (Node& node : nodes_) propose(node);
    }
    for (size_t busy = 0; busy < 8; ++busy) {
      for (size_t n = network_.size(); n > 0 && !network_.empty(); --n)
        deliver(draw(network_.size()));
      for (Node& node : nodes_) {
        pump(node);
        sync(node);
        apply_some(node);
        serve(node);
        if (node.raft->must_hand_over() && !node.raft->transferring_to()) transfer(node);
      }
    }
    if (round > 500 && converged()) return failure_;
  }
  if (!failure_) fail("liveness: the healed group does not come to rest");
  return failure_;
}

}  // namespace quorate::raft::testing
