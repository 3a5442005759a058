#include "range/retirement.h"

#include <algorithm>

#include "base/archive.h"
#include "base/mark.h"
#include "runtime/sync.h"

namespace quorate::range {
namespace {

// Without a leader for so long a replica asks whether it is still one.
constexpr auto kLeaderlessPatience = std::chrono::seconds(5);
// One with a leader asks so often: who told it that it was removed may not have reached it.
constexpr auto kAskEvery = std::chrono::seconds(30);
constexpr auto kAskPatience = std::chrono::seconds(1);
constexpr auto kChangeLook = std::chrono::milliseconds(20);
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
  if (replica->conf().joint())
    co_return unavailable("range " + range.to_string() + " is changing its replicas");
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
  // Until the change is finished it has a say, and may be needed.
  const runtime::Instant until = env_.executor->now() + kAskPatience;
  for (;;) {
    const Replica* replica = store_.find(after.id);
    if (replica == nullptr || !replica->started()) co_return;
    if (!replica->conf().joint()) break;
    Status slept = co_await runtime::sleep_for(*env_.executor, kChangeLook);
    if (!slept.ok() || env_.executor->now() >= until) {
      MARK("range: a removal is not told since the change goes on");
      co_return;  // it will ask
    }
  }
  runtime::PeerId peer = cluster_.peer(node);
  if (peer == 0 || !cluster_.alive(node)) co_return;
  const runtime::Instant deadline = env_.executor->now() + kAskPatience;
  (void)co_await store_.rpc().call(peer, kDescriptorMethod, encode(after), deadline);
}

// --- what this store's own replicas do
// ---------------------------------------------------------------------------------------

// Whether `now`, or what came after it, says that the replica was removed.
bool Retirement::removes(const RangeDescriptor& now, ReplicaId own) const {
  if (!own || now.next_replica <= own) return false;  // nothing here, or older than this one
  return std::none_of(now.replicas.begin(), now.replicas.end(),
                      [&](const ReplicaDescriptor& r) { return r.replica == own; });
}

// Those that do not know yet that the change is finished count this replica in, and may need it to
// elect one of themselves when who told us is gone. So a quorum must know, and all who are reached.
runtime::Task<bool> Retirement::is_known(RangeDescriptor now, ReplicaId own) {
  size_t voters = 0, knowing = 0;
  for (const ReplicaDescriptor& r : now.replicas) {
    if (r.role != ReplicaRole::kVoter) continue;
    ++voters;
    runtime::PeerId peer = cluster_.peer(r.node);
    if (peer == 0 || !cluster_.alive(r.node)) continue;
    const runtime::Instant deadline = env_.executor->now() + kAskPatience;
    auto answer = co_await store_.rpc().call(peer, kDescribeMethod, encode(now.id), deadline);
    RangeDescriptor theirs;
    if (!answer.ok() || !decode(*answer, theirs).ok() || theirs.id != now.id ||
        theirs.generation < now.generation || !removes(theirs, own)) {
      MARK("range: a removed replica stays until others know");
      co_return false;
    }
    ++knowing;
  }
  co_return knowing * 2 > voters;
}

runtime::Task<Status> Retirement::end_if_removed(RangeDescriptor now) {
  const ReplicaId own = store_.replica_id(now.id);
  if (!removes(now, own)) co_return Status();
  if (store_.options().planted.removed_replica_stays) co_return Status();
  const bool known = co_await is_known(now, own);
  if (!known && !store_.options().planted.removed_leaves_at_once)
    co_return unavailable("not all of its range know yet that it was removed");
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
    MARK_IF(lonely, "range: a replica without a leader asks whether it is one");
    if (!chosen || (chosen <= asked_ && range > asked_)) chosen = range;
  }
  return chosen;
}

runtime::Task<void> Retirement::step() {
  // Those that have applied their own removal.
  std::vector<RangeDescriptor> own;
  for (const auto& [range, replica] : store_.replicas()) {
    const RangeDescriptor& d = replica->descriptor();
    if (replica->started() && !replica->conf().joint() && d.next_replica > replica->id() &&
        d.find(store_.options().id) == nullptr)
      own.push_back(d);
  }
  for (RangeDescriptor& d : own) {
    Status ended = co_await end_if_removed(std::move(d));
    if (!ended.ok()) env_.log.debug("a removed replica stays for now: {}", ended.message());
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
    if (!ended.ok()) env_.log.debug("r{}: {}", range.value, ended.message());
    if (!store_.replica_id(range)) co_return;
  }
}

runtime::Task<void> Retirement::report_damaged() {
  std::vector<Damage> damages;
  for (const auto& [range, replica] : store_.damaged_replicas())
    damages.push_back({range, replica});
  if (damages.empty()) co_return;
  MARK("range: damaged replicas are reported");
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
