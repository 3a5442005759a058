// What operators do while everything breaks: splits, lease transfers, drains.
#include <fmt/format.h>

#include <algorithm>

#include "base/archive.h"
#include "range/keys.h"
#include "range/retirement.h"
#include "runtime/sync.h"
#include "sim/nemesis.h"

namespace quorate::sim {

using runtime::Random;
using runtime::SimCrash;
using runtime::Task;
using server::KvNode;

namespace {
// Of a member that hears nothing of a change of members.
constexpr auto kAbsentMost = std::chrono::seconds(20);
constexpr auto kMeetFor = std::chrono::seconds(5);
}  // namespace

// So that other draws stay what they were.
Random Nemesis::own_draw(std::string_view purpose) const { return Random(random_).fork(purpose); }

void Nemesis::split() {
  const size_t i = victim();
  KvNode* node = cluster_.node(i);
  if (node == nullptr) return;
  note("split");
  const Bytes key = workload_.split_key(random_);
  if (started_ && own_draw("split").chance(profile_.trouble / 2)) leave_behind(key);
  cluster_.spawn(i, run_split(this, node, key));
}

// A member hears of a split only when it is over, often by a snapshot from past it, and has nothing
// of the child then. Meanwhile the leader loses another member, who looks for votes; and perhaps
// the one without rows starts anew.
void Nemesis::leave_behind(const Bytes& key) {
  Random own = own_draw("leave behind");
  const size_t leader = leaseholder_of(key);
  KvNode* node = cluster_.node(leader);
  range::Replica* replica = node == nullptr ? nullptr : node->store().find_by_key(key);
  if (replica == nullptr || !replica->started()) return;
  std::vector<size_t> others;
  for (size_t i = 0; i < cluster_.size(); ++i) {
    KvNode* other = cluster_.node(i);
    if (i != leader && other != nullptr &&
        replica->descriptor().find(StoreId(other->id().value)) != nullptr)
      others.push_back(i);
  }
  if (others.size() < 2) return;
  const size_t n = own.below(others.size());
  const size_t absent = others[n], asks = others[(n + 1) % others.size()];
  note("split, isolate " + cluster_.host(absent));
  const Directions away = all_of(absent);
  cut(away);
  const runtime::Duration back = std::chrono::milliseconds(own.between(1'000, 7'000));
  const runtime::Duration parted = back + std::chrono::milliseconds(own.between(0, 2'000));
  const runtime::Duration killed = parted + std::chrono::milliseconds(own.between(0, 6'000));
  later(back, [this, away] { mend(away); });
  later(parted, [this, key, asks] {
    const size_t now = leaseholder_of(key);
    if (now == asks) return;
    note(fmt::format("split, cut {} <-> {}", cluster_.host(now), cluster_.host(asks)));
    const Directions between{{cluster_.host(now), cluster_.host(asks)},
                             {cluster_.host(asks), cluster_.host(now)}};
    cut(between);
    later(cluster_.options().node.liveness.support + kMeetFor, [this, between] { mend(between); });
  });
  if (own.chance(0.5)) {
    later(killed, [this, absent] {
      if (cluster_.up(absent)) kill(absent, SimCrash::kProcess, 0, true);
    });
  }
}

Task<void> Nemesis::run_split(Nemesis* nemesis, KvNode* node, Bytes at) {
  Result<uint64_t> id = co_await node->system().take(range::keys::system_key("next_range"), 1, 100);
  if (!id.ok()) co_return;
  Result<range::RangeDescriptor> where = co_await node->router().locate(at, {});
  if (!where.ok() || where->span.start == at) co_return;
  range::BatchRequest batch;
  batch.range = where->id;
  batch.generation = where->generation;
  batch.now = node->clock().now();
  batch.requests.emplace_back(range::SplitRequest{at, RangeId(*id)});
  (void)co_await node->router().send(std::move(batch), {});
  nemesis->perhaps_trouble(nemesis->leaseholder_of(at), std::chrono::milliseconds(200));
}

void Nemesis::transfer_lease() {
  if (cluster_.node(victim()) == nullptr) return;
  note("transfer");
  const Bytes key =
      random_.chance(0.2) ? range::keys::system_key("x") : workload_.split_key(random_);
  hand_around(key, random_.chance(0.3) ? 1 + random_.below(8) : 1);
}

// The lease goes to somebody, and soon on to somebody else.
void Nemesis::hand_around(Bytes key, size_t times) {
  const size_t i = leaseholder_of(key);
  const size_t to = random_.below(cluster_.size());
  KvNode* node = cluster_.node(i);
  KvNode* target = cluster_.node(to);
  if (node != nullptr && target != nullptr) {
    // One that the lease goes to may be gone in that moment, or be behind, and who gives it away
    // does not know.
    if (started_ && to != i && random_.chance(profile_.trouble)) {
      if (random_.chance(0.4))
        trouble(to);
      else
        cluster_.world().network().clog(cluster_.host(i), cluster_.host(to), draw(50, 1'500));
    }
    node = cluster_.node(i);
    target = cluster_.node(to);
    if (node != nullptr && target != nullptr) {
      Random own = own_draw("hand around");
      if (started_ && to != i && own.chance(profile_.trouble / 2))
        hand_to_deaf(key, to, own);
      else
        cluster_.spawn(i, run_transfer(node, key, target->id()));
      perhaps_trouble(i, std::chrono::milliseconds(200));
    }
  }
  if (times <= 1) return;
  later(draw_any_length(std::chrono::milliseconds(1'000)),
        [this, key, times] { hand_around(key, times - 1); });
}

// For a moment too short to end anybody's support the target hears of nothing that the others do,
// nor of their clocks, and then it has the lease.
void Nemesis::hand_to_deaf(const Bytes& key, size_t to, Random own) {
  const runtime::Duration length = std::chrono::milliseconds(own.between(20, 600));
  const bool late = own.chance(0.5);
  note("transfer, deafen " + cluster_.host(to));
  const Directions directions = all_of(to);
  if (late) {
    for (const auto& [from, dest] : directions) cluster_.world().network().clog(from, dest, length);
  } else {
    cut(directions);
  }
  later(length, [this, key, to, late, directions] {
    if (!late) mend(directions);
    const size_t i = leaseholder_of(key);
    KvNode* node = cluster_.node(i);
    KvNode* target = cluster_.node(to);
    if (node != nullptr && target != nullptr)
      cluster_.spawn(i, run_transfer(node, key, target->id()));
  });
}

Task<void> Nemesis::run_transfer(KvNode* node, Bytes key, NodeId to) {
  Result<range::RangeDescriptor> where = co_await node->router().locate(key, {});
  if (!where.ok()) co_return;
  range::BatchRequest batch;
  batch.range = where->id;
  batch.generation = where->generation;
  batch.now = node->clock().now();
  batch.patience_ms = 3'000;
  batch.requests.emplace_back(range::TransferLeaseRequest{to});
  (void)co_await node->router().send(std::move(batch), {});
}

// One or two replicas go to other nodes in one step, whatever those that they leave do just now;
// the range has as many as before. The new ones learn first: voters that hold nothing yet can stop
// their range for ever, when who should bring them up needs their votes.
void Nemesis::move_replicas() {
  const Bytes key =
      random_.chance(0.1) ? range::keys::system_key("x") : workload_.split_key(random_);
  const size_t i = leaseholder_of(key);
  const size_t first = random_.below(cluster_.size());
  const size_t count = 1 + random_.below(2);
  KvNode* node = cluster_.node(i);
  range::Replica* replica = node == nullptr ? nullptr : node->store().find_by_key(key);
  if (replica == nullptr || !replica->started()) return;
  std::vector<NodeId> to;
  for (size_t n = 0; n < cluster_.size() && to.size() < count; ++n) {
    KvNode* other = cluster_.node((first + n) % cluster_.size());
    if (other == nullptr || !node->cluster().alive(other->id())) continue;
    if (replica->descriptor().find(StoreId(other->id().value)) == nullptr)
      to.push_back(other->id());
  }
  if (to.empty()) return;
  note("move");
  cluster_.spawn(i, run_move(this, i, key, std::move(to)));
}

namespace {

range::Replica* led(KvNode* node, const Bytes& key) {
  range::Replica* replica = node->store().find_by_key(key);
  const bool leads = replica != nullptr && replica->started() &&
                     replica->leaseholder() != nullptr && !replica->conf().joint();
  return leads ? replica : nullptr;
}

bool follows_closely(const raft::Raft& core, ReplicaId id) {
  auto it = core.progress().find(id);
  return it != core.progress().end() && it->second.state == raft::Progress::State::kReplicate &&
         it->second.accepted_epoch && it->second.match.value + 20 > core.log().committed().value;
}

range::ReplicaDescriptor* on_node(range::RangeDescriptor& descriptor, NodeId node) {
  for (range::ReplicaDescriptor& r : descriptor.replicas)
    if (r.node == node) return &r;
  return nullptr;
}

// As the replicator does it, until the others know that the change is finished.
Task<void> tell_left(KvNode* node, NodeId left, range::RangeDescriptor after) {
  for (int tries = 0; tries < 20; ++tries) {
    const runtime::PeerId peer = node->cluster().peer(left);
    if (peer == 0) co_return;
    const runtime::Instant deadline = node->env().executor->now() + std::chrono::seconds(1);
    auto answer = co_await node->store().rpc().call(peer, range::Retirement::kDescriptorMethod,
                                                    encode(after), deadline);
    if (answer.ok()) co_return;
    Status slept =
        co_await runtime::sleep_for(*node->env().executor, std::chrono::milliseconds(20));
    if (!slept.ok()) co_return;
  }
}

}  // namespace

Task<void> Nemesis::run_move(Nemesis* nemesis, size_t host, Bytes at, std::vector<NodeId> to) {
  KvNode* node = nemesis->cluster_.node(host);
  const size_t wanted = nemesis->cluster_.options().node.upkeep.replicas;
  for (const NodeId joining : to) {
    range::Replica* replica = led(node, at);
    if (replica == nullptr) co_return;
    range::RangeDescriptor after = replica->descriptor();
    if (on_node(after, joining) != nullptr) co_return;
    const range::ReplicaDescriptor joins{joining, StoreId(joining.value), after.next_replica,
                                         range::ReplicaRole::kLearner};
    after.next_replica = after.next_replica.next();
    after.replicas.push_back(joins);
    ++after.generation;
    raft::ConfChange change;
    change.steps = {{raft::ConfChangeOp::kAddLearner, joins.replica, joins.store}};
    Task<Status> added = replica->change_replicas(std::move(change), std::move(after));
    Status done = co_await std::move(added);
    if (!done.ok()) co_return;
  }
  constexpr int kLooks = 300;
  for (int look = 0;; ++look) {
    range::Replica* replica = led(node, at);
    if (replica == nullptr || look == kLooks) co_return;  // upkeep finishes it in its way
    range::RangeDescriptor now = replica->descriptor();
    bool ready = true;
    for (const NodeId joins : to) {
      const range::ReplicaDescriptor* r = on_node(now, joins);
      if (r == nullptr) co_return;
      ready = ready && follows_closely(replica->group().core(), r->replica);
    }
    if (ready) break;
    Status slept = co_await runtime::sleep_for(*node->env().executor, std::chrono::milliseconds(5));
    if (!slept.ok()) co_return;
  }
  range::Replica* replica = led(node, at);
  if (replica == nullptr) co_return;
  range::RangeDescriptor after = replica->descriptor();
  raft::ConfChange change;
  for (const NodeId joins : to) {
    range::ReplicaDescriptor* r = on_node(after, joins);
    if (r == nullptr) co_return;
    r->role = range::ReplicaRole::kVoter;
    change.steps.push_back({raft::ConfChangeOp::kAddVoter, r->replica, r->store});
  }
  std::vector<NodeId> left;
  for (size_t n = 0; n < after.replicas.size() && after.replicas.size() > wanted;) {
    const range::ReplicaDescriptor r = after.replicas[n];
    if (r.replica == replica->id() || std::find(to.begin(), to.end(), r.node) != to.end()) {
      ++n;
      continue;
    }
    change.steps.push_back({raft::ConfChangeOp::kRemove, r.replica, r.store});
    left.push_back(r.node);
    after.replicas.erase(after.replicas.begin() + static_cast<ptrdiff_t>(n));
  }
  ++after.generation;
  nemesis->perhaps_trouble(host, std::chrono::milliseconds(200));
  const std::optional<size_t> absent = nemesis->keep_from_change(host, after, to);
  Task<Status> changed = replica->change_replicas(std::move(change), after);
  const RangeId range = replica->range();
  const Status done = co_await std::move(changed);
  if (!done.ok()) co_return;
  if (nemesis->own_draw("move").chance(nemesis->profile_.trouble / 2))
    nemesis->later(runtime::Duration(0), [=] { nemesis->wipe_when_left(host, range, 400); });
  for (const NodeId gone : left) co_await tell_left(node, gone, after);
  const bool crash = nemesis->random_.chance(nemesis->profile_.trouble);
  // Not from here: this node may be among those that crash.
  if (absent && !left.empty())
    nemesis->later(runtime::Duration(0), [=] { nemesis->meet_who_left(*absent, after); });
  else if (crash)
    nemesis->later(runtime::Duration(0), [=] { nemesis->crash_when_left(range, 400); });
}

// Now and then one of those who stay hears nothing of a change, until others have left for good.
std::optional<size_t> Nemesis::keep_from_change(size_t leader, const range::RangeDescriptor& after,
                                                const std::vector<NodeId>& joined) {
  Random own = own_draw("keep from change");
  if (!started_ || healed_ || !own.chance(profile_.trouble / 2)) return std::nullopt;
  const size_t first = own.below(cluster_.size());
  for (size_t n = 0; n < cluster_.size(); ++n) {
    const size_t i = (first + n) % cluster_.size();
    KvNode* node = cluster_.node(i);
    if (i == leader || node == nullptr ||
        std::find(joined.begin(), joined.end(), node->id()) != joined.end() ||
        after.find(StoreId(node->id().value)) == nullptr)
      continue;
    note("move, isolate " + cluster_.host(i));
    const Directions directions = all_of(i);
    cut(directions);
    later(kAbsentMost, [this, directions] { mend(directions); });
    return i;
  }
  return std::nullopt;
}

// It is back, but meets nobody who knows what has changed, only those who are no members any more.
void Nemesis::meet_who_left(size_t absent, const range::RangeDescriptor& now) {
  mend(all_of(absent));
  Directions apart;
  for (size_t i = 0; i < cluster_.size(); ++i) {
    KvNode* node = cluster_.node(i);
    if (i == absent || node == nullptr || now.find(StoreId(node->id().value)) == nullptr) continue;
    for (const auto& direction : all_of(i)) apart.push_back(direction);
  }
  note("move, meet who left: " + cluster_.host(absent));
  cut(apart);
  later(cluster_.options().node.liveness.support + kMeetFor, [this, apart] { mend(apart); });
}

// Who led the change is lost for good as soon as those are gone whom it has told to go.
void Nemesis::wipe_when_left(size_t host, RangeId range, int looks) {
  KvNode* node = cluster_.node(host);
  const range::Replica* leader = node == nullptr ? nullptr : node->store().find(range);
  if (wiped_ || leader == nullptr) return;
  for (size_t i = 0; i < cluster_.size(); ++i) {
    KvNode* other = cluster_.node(i);
    if (other == nullptr) return;
    if (other->store().find(range) == nullptr ||
        leader->descriptor().find(StoreId(other->id().value)) != nullptr)
      continue;
    if (looks > 0)
      later(std::chrono::milliseconds(1), [=, this] { wipe_when_left(host, range, looks - 1); });
    return;
  }
  if (!can_lose(host, range)) return;
  wiped_ = true;
  note("move, wipe " + cluster_.host(host));
  cluster_.wipe(host);
  later(std::chrono::milliseconds(100), [this, host] { cluster_.start(host); });
}

// As soon as those that a range has left are gone, all its members lose their power: what they have
// not written down of the change nobody knows any more.
void Nemesis::crash_when_left(RangeId range, int looks) {
  std::vector<size_t> hosts;
  range::RangeDescriptor newest;
  for (size_t i = 0; i < cluster_.size(); ++i) {
    KvNode* node = cluster_.node(i);
    const range::Replica* replica = node == nullptr ? nullptr : node->store().find(range);
    if (replica == nullptr) continue;
    hosts.push_back(i);
    if (replica->descriptor().generation >= newest.generation) newest = replica->descriptor();
  }
  if (hosts.empty()) return;
  for (const size_t i : hosts) {
    if (newest.find(StoreId(cluster_.node(i)->id().value)) != nullptr) continue;
    if (looks > 0)
      later(std::chrono::milliseconds(2), [=, this] { crash_when_left(range, looks - 1); });
    return;
  }
  note("move, crash all members");
  for (const size_t i : hosts) kill(i, SimCrash::kPower, 0);
}

void Nemesis::drain_and_restart() {
  const size_t i = victim();
  if (cluster_.node(i) == nullptr) return;
  note("drain " + cluster_.host(i));
  const uint64_t life = cluster_.lives(i);
  drained_[i] = life;
  const runtime::Duration patience = draw(500, 4'000);
  cluster_.spawn(i, run_drain(&cluster_, i, patience));
  later(patience + draw(10, 500), [this, i, life] {
    drained_.erase(i);
    if (!cluster_.up(i) || cluster_.lives(i) != life) return;
    cluster_.kill(i, SimCrash::kProcess);
    later(draw(1, 2'000), [this, i] { start_again(i); });
  });
}

Task<void> Nemesis::run_drain(SimCluster* cluster, size_t i, runtime::Duration patience) {
  KvNode* node = cluster->node(i);
  if (node == nullptr) co_return;
  const runtime::Instant deadline = node->env().executor->now() + patience;
  (void)co_await node->drain(deadline);
}

}  // namespace quorate::sim
