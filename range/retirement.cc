#include "range/retirement.h"

#include <algorithm>

#include "base/archive.h"
#include "runtime/sync.h"

namespace quorate::range {
namespace {

// Without a leader for so long a replica asks whether it is still one.
constexpr auto kLeaderlessPatience = std::chrono::seconds(5);
// One with a leader asks so often: who told it that it was removed may not have reached it.
constexpr auto kAskEvery = std::chrono::seconds(30);
constexpr auto kAskPatience = std::chrono::seconds(1);
constexpr auto kReportEvery = std::chrono::seconds(5);
constexpr size_t kDamagedMax = 10'000;

}  // namespace

struct Retirement::Damage {
  RangeId range;
  ReplicaId replica;
  template <class A>
  void serialize(A& a) {
    a(range, replica);
  }
};

Retirement::Retirement(runtime::Env& env, Cluster& cluster, Store& store)
    : env_(env), cluster_(cluster), store_(store) {
  runtime::Rpc& rpc = store.rpc();
  rpc.handle(kDescribeMethod,
             [this](runtime::PeerId, Bytes r) { return on_describe(std::move(r)); });
  rpc.handle(kDescriptorMethod,
             [this](runtime::PeerId, Bytes r) { return on_descriptor(std::move(r)); });
  rpc.handle(kDamagedMethod, [this](runtime::PeerId, Bytes r) { return on_damaged(std::move(r)); });
}

bool Retirement::damaged(RangeId range, ReplicaId replica) const {
  auto it = damaged_.find(range);
  return it != damaged_.end() && it->second == replica;
}

// --- what others say and ask
// ---------------------------------------------------------------------------------------

runtime::Task<Result<Bytes>> Retirement::on_describe(Bytes request) {
  RangeId range;
  CO_RETURN_IF_ERROR(decode(request, range));
  Replica* replica = store_.find(range);
  if (replica == nullptr || !replica->started())
    co_return not_found("no replica of range " + range.to_string() + " is here");
  co_return encode(replica->descriptor());
}

runtime::Task<Result<Bytes>> Retirement::on_descriptor(Bytes request) {
  RangeDescriptor now;
  CO_RETURN_IF_ERROR(decode(request, now));
  CO_RETURN_IF_ERROR(co_await end_if_removed(std::move(now)));
  co_return Bytes();
}

runtime::Task<Result<Bytes>> Retirement::on_damaged(Bytes request) {
  std::vector<Damage> told;
  CO_RETURN_IF_ERROR(decode(request, told));
  for (const Damage& d : told) {
    if (store_.local_leaseholder(d.range) == nullptr) continue;
    if (damaged_.size() >= kDamagedMax) damaged_.clear();  // they say it again
    damaged_[d.range] = d.replica;
  }
  co_return Bytes();
}

runtime::Task<void> Retirement::tell(NodeId node, RangeDescriptor after) {
  damaged_.erase(after.id);
  runtime::PeerId peer = cluster_.peer(node);
  if (peer == 0 || !cluster_.alive(node)) co_return;
  const runtime::Instant deadline = env_.executor->now() + kAskPatience;
  (void)co_await store_.rpc().call(peer, kDescriptorMethod, encode(after), deadline);
}

// --- what this store's own replicas do
// ---------------------------------------------------------------------------------------

runtime::Task<Status> Retirement::end_if_removed(RangeDescriptor now) {
  const ReplicaId own = store_.replica_id(now.id);
  if (!own || now.next_replica <= own) co_return Status();  // nothing here, or older than this one
  for (const ReplicaDescriptor& r : now.replicas) {
    if (r.replica == own) co_return Status();
  }
  if (store_.options().planted.removed_replica_stays) co_return Status();
  co_return co_await store_.remove_replica(now.id, own.next());
}

// In turn: one that has been without a leader too long, or was not asked about for long.
RangeId Retirement::next_to_ask() {
  const runtime::Instant now = env_.executor->now();
  RangeId chosen;
  for (const auto& [range, replica] : store_.replicas()) {
    if (!replica->started()) continue;
    if (replica->leaseholder() != nullptr || replica->leader_node()) {
      leaderless_.erase(range);
    } else {
      leaderless_.emplace(range, now);
    }
    if (replica->leaseholder() != nullptr) continue;
    auto since = leaderless_.find(range);
    const bool lonely = since != leaderless_.end() && now - since->second >= kLeaderlessPatience;
    const runtime::Instant last = looked_at_.emplace(range, now).first->second;
    const bool due = now - last >= (lonely ? runtime::Duration(kLeaderlessPatience) : kAskEvery);
    if (!due) continue;
    if (!chosen || (chosen <= asked_ && range > asked_)) chosen = range;
  }
  return chosen;
}

runtime::Task<void> Retirement::step() {
  // Those that have applied their own removal.
  std::vector<RangeDescriptor> own;
  for (const auto& [range, replica] : store_.replicas()) {
    const RangeDescriptor& d = replica->descriptor();
    if (replica->started() && d.next_replica > replica->id() &&
        d.find(store_.options().id) == nullptr)
      own.push_back(d);
  }
  for (RangeDescriptor& d : own) {
    Status ended = co_await end_if_removed(std::move(d));
    if (!ended.ok()) env_.log.info("a removed replica stays for now: {}", ended.message());
  }
  if (const RangeId range = next_to_ask()) {
    asked_ = range;
    looked_at_[range] = env_.executor->now();
    std::vector<NodeId> nodes;
    for (const auto& r : store_.find(range)->descriptor().replicas) nodes.push_back(r.node);
    // They may all have been replaced; whoever else holds it now knows as well.
    for (const auto& [id, node] : cluster_.nodes()) {
      if (std::find(nodes.begin(), nodes.end(), id) == nodes.end()) nodes.push_back(id);
    }
    co_await ask_about(range, std::move(nodes));
  }
  std::erase_if(leaderless_, [&](const auto& e) { return store_.find(e.first) == nullptr; });
  std::erase_if(looked_at_, [&](const auto& e) { return store_.find(e.first) == nullptr; });
  if (env_.executor->now() >= next_report_) {
    next_report_ = env_.executor->now() + kReportEvery;
    co_await report_damaged();
  }
}

runtime::Task<void> Retirement::ask_about(RangeId range, std::vector<NodeId> nodes) {
  for (NodeId node : nodes) {
    runtime::PeerId peer = cluster_.peer(node);
    if (node == cluster_.self() || peer == 0 || !cluster_.alive(node)) continue;
    const runtime::Instant deadline = env_.executor->now() + kAskPatience;
    auto answer = co_await store_.rpc().call(peer, kDescribeMethod, encode(range), deadline);
    RangeDescriptor now;
    if (!answer.ok() || !decode(*answer, now).ok() || now.id != range) continue;
    Status ended = co_await end_if_removed(std::move(now));
    if (!ended.ok()) env_.log.info("r{}: {}", range.value, ended.message());
    if (!store_.replica_id(range)) co_return;
  }
}

runtime::Task<void> Retirement::report_damaged() {
  std::vector<Damage> damages;
  for (const auto& [range, replica] : store_.damaged_replicas())
    damages.push_back({range, replica});
  if (damages.empty()) co_return;
  const Bytes report = encode(damages);
  std::vector<NodeId> nodes;
  for (const auto& [id, node] : cluster_.nodes()) {
    if (id != cluster_.self() && cluster_.alive(id)) nodes.push_back(id);
  }
  for (NodeId node : nodes) {
    runtime::PeerId peer = cluster_.peer(node);
    const runtime::Instant deadline = env_.executor->now() + kAskPatience;
    if (peer != 0) (void)co_await store_.rpc().call(peer, kDamagedMethod, report, deadline);
  }
  // Those that were removed meanwhile and did not hear of it.
  for (const Damage& d : damages) co_await ask_about(d.range, nodes);
}

}  // namespace quorate::range
