#include "server/kv_node.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/archive.h"
#include "range/concurrency/deadlock.h"
#include "runtime/sync.h"

namespace quorate::server {
namespace {

using range::LockInfo;
using runtime::Task;

Task<Result<Bytes>> call_locks(runtime::Rpc* rpc, runtime::PeerId peer, runtime::Instant deadline) {
  co_return co_await rpc->call(peer, KvNode::kLocksMethod, Bytes(), deadline);
}

}  // namespace

KvNode::KvNode(runtime::Env& env, KvNodeOptions options)
    : env_(env),
      options_(std::move(options)),
      clock_(*env.clock, options_.max_clock_offset_micros),
      rpc_(env),
      membership_(env, rpc_),
      scope_(*env.executor) {
  rpc_.handle(kLocksMethod, [this](runtime::PeerId, Bytes) { return on_locks(); });
  rpc_.handle(kOpenMethod, [this](runtime::PeerId, Bytes request) { return on_open(request); });
}

// Frames that are suspended hold references downward and sideways: what others asked of us goes
// first, then what works for itself, then the store with its leaseholders, whose own tasks stand in
// calls of the router; the router and what is under it last.
KvNode::~KvNode() {
  rpc_.stop();
  rpc_.on_loss = nullptr;
  scope_.cancel_all();
  txn_.reset();
  upkeep_.reset();
  store_.reset();
  pusher_.reset();
  router_.reset();
  cluster_.reset();
}

range::NodeInfo KvNode::self_info() const {
  range::NodeInfo info;
  info.id = identity_.node;
  info.address = options_.address;
  info.sql_address = options_.sql_address;
  info.http_address = options_.http_address;
  info.version = options_.version;
  return info;
}

Task<Result<range::Membership::Joined>> KvNode::find_place(runtime::CancelToken token) {
  CO_ASSIGN_OR_RETURN(std::optional<range::Identity> known, co_await membership_.load());
  range::Membership::Joined place;
  if (known) {
    place.identity = std::move(*known);
    co_return std::move(place);
  }
  if (options_.single) {
    place = membership_.make_first();
  } else {
    range::NodeInfo self = self_info();
    CO_ASSIGN_OR_RETURN(place, co_await membership_.join(options_.join, self, token));
  }
  place.identity.peers = options_.join;
  CO_RETURN_IF_ERROR(co_await membership_.save(place.identity));
  co_return std::move(place);
}

Task<Status> KvNode::start(runtime::CancelToken token) {
  const std::string& listen = options_.listen.empty() ? options_.address : options_.listen;
  CO_RETURN_IF_ERROR(env_.network->listen(listen, options_.address));
  CO_ASSIGN_OR_RETURN(range::Membership::Joined place, co_await find_place(token));
  CO_RETURN_IF_ERROR(co_await open(std::move(place)));
  started_ = true;
  co_return Status();
}

Task<Status> KvNode::open(range::Membership::Joined place) {
  identity_ = place.identity;
  for (const std::string& address : options_.join) {
    auto& peers = identity_.peers;
    if (std::find(peers.begin(), peers.end(), address) == peers.end()) peers.push_back(address);
  }
  cluster_ =
      std::make_unique<range::Cluster>(env_, clock_, identity_, self_info(), options_.planted);
  rpc_.on_loss = [this](runtime::PeerId peer, bool refused) { cluster_->lost(peer, refused); };
  for (const range::NodeInfo& node : place.nodes) cluster_->add(node);
  if (place.root) cluster_->learn_root(*place.root);

  range::Store::Options store_options;
  store_options.id = StoreId(identity_.node.value);
  store_options.node = identity_.node;
  store_options.engine = options_.engine;
  store_options.engine.planted = options_.planted;
  store_options.raft_tick = options_.raft_tick;
  store_options.append_bytes = options_.append_bytes;
  store_options.limits = options_.limits;
  store_options.liveness = options_.liveness;
  store_options.planted = options_.planted;
  store_ = std::make_unique<range::Store>(env_, clock_, rpc_, *cluster_, store_options);
  store_->crowded = [this] { return rpc_.serving() + (clients ? clients() : 0) > 1; };
  store_->on_failure = [this](Status failure) { report_failure(std::move(failure)); };
  router_ = std::make_unique<range::RangeRouter>(env_, clock_, rpc_, *cluster_, *store_);
  pusher_ = std::make_unique<range::Pusher>(*router_, env_, clock_, identity_.node);
  store_->on_descriptor_changed = [this](RangeId range) {
    if (range::Replica* replica = store_->find(range)) router_->learn(replica->descriptor());
  };

  CO_ASSIGN_OR_RETURN(std::unique_ptr<storage::CheckpointStore> checkpoint,
                      co_await options_.open_checkpoint(env_));
  CO_RETURN_IF_ERROR(co_await store_->open(std::move(checkpoint), *pusher_));
  // The store's epoch is durable and greater in each life.
  const uint64_t life = store_->liveness().epoch().value;
  cluster_->mutable_self().incarnation = life;
  cluster_->mutable_self().started = clock_.now();
  cluster_->start();
  // The identity is saved before the first ranges: a crash in between leaves a first node without
  // any. One that lost all its replicas to others while it was away has had them.
  const storage::LogStore& log = store_->engine().log();
  const bool unborn = log.ranges().empty() && !log.tombstone(RangeId(1));
  if (place.first || (identity_.node == NodeId(1) && unborn)) {
    CO_RETURN_IF_ERROR(co_await store_->bootstrap());
  }

  txn::NodeOptions txn_options = options_.txn;
  txn_options.node = identity_.node;
  txn_options.epoch = life;
  txn_options.bugs = options_.planted;
  txn_ = std::make_unique<txn::NodeClient>(*router_, clock_, env_, txn_options);
  upkeep_ =
      std::make_unique<range::Upkeep>(env_, clock_, *cluster_, *store_, *router_, options_.upkeep);
  router_->start();
  upkeep_->start();
  membership_.serve(*cluster_, router_->system());
  if (!options_.join.empty() && place.nodes.empty() && !place.first)
    scope_.spawn(confirm_cluster());
  scope_.spawn(detect_deadlocks());
  co_return Status();
}

Task<void> KvNode::confirm_cluster() {
  Status same = co_await membership_.confirm(options_.join, options_.address);
  if (same.code() == StatusCode::kFailedPrecondition) report_failure(same);
}

void KvNode::report_failure(Status failure) {
  if (std::exchange(failed_, true) || !on_failure) return;
  on_failure(std::move(failure));
}

Task<Status> KvNode::drain(runtime::Instant deadline) {
  cluster_->mutable_self().draining = true;
  while (txn_->background() > 0 && env_.executor->now() < deadline) {
    CO_RETURN_IF_ERROR(co_await runtime::sleep_for(*env_.executor, std::chrono::milliseconds(20)));
  }
  co_return co_await store_->drain(deadline);
}

// --- deadlocks
// ------------------------------------------------------------------------------------

std::vector<LockInfo> KvNode::local_locks() {
  std::vector<LockInfo> out;
  if (store_ == nullptr) return out;
  for (const auto& [range, replica] : store_->replicas()) {
    auto leaseholder = replica->leaseholder();
    if (leaseholder == nullptr) continue;
    std::vector<LockInfo> locks = leaseholder->locks();
    for (LockInfo& lock : locks) {
      if (!lock.waiters.empty()) out.push_back(std::move(lock));
    }
  }
  return out;
}

Task<Result<Bytes>> KvNode::on_locks() { co_return encode(local_locks()); }

// Only while something waits here: the victim of a circle waits at some node, and that node finds
// the same circle as all others and ends the wait.
Task<void> KvNode::detect_deadlocks() {
  for (;;) {
    Status slept = co_await runtime::sleep_for(*env_.executor, options_.deadlock_step);
    if (!slept.ok()) co_return;
    cluster_->mutable_self().oldest_read = txn_->oldest_read();
    cluster_->mutable_self().space = static_cast<uint8_t>(store_->engine().space());
    // A checkpoint may fail where no log write notices.
    if (Status health = store_->health(); !health.ok()) {
      co_await store_->give_up_damaged();
      report_failure(health);
      co_return;
    }
    if (local_locks().empty()) {
      blockers_.clear();
      continue;
    }
    co_await drop_stray_locks();
    std::vector<LockInfo> locks = co_await collect_locks();
    for (const range::Deadlock& deadlock : range::find_deadlocks(locks)) {
      const Status error = deadlock.error();
      for (const auto& [range, replica] : store_->replicas()) {
        auto leaseholder = replica->leaseholder();
        if (leaseholder != nullptr && leaseholder->abort_waits(deadlock.victim(), error))
          env_.log.info("r{}: {}", range.value, deadlock.for_log());
      }
    }
  }
}

// A request that was long under way may take a lock after its transaction has ended, and nobody
// would ever let that go. Coordinators are asked about those that stood in somebody's way twice.
Task<void> KvNode::drop_stray_locks() {
  std::map<NodeId, std::vector<TxnId>> asked;
  std::set<TxnId> blockers;
  for (const LockInfo& lock : local_locks()) {
    const range::TxnHeader& holder = lock.holder;
    if (!blockers.insert(holder.id).second || !blockers_.contains(holder.id)) continue;
    if (holder.coordinator) asked[holder.coordinator].push_back(holder.id);
  }
  blockers_ = std::move(blockers);
  for (const auto& [coordinator, txns] : asked) {
    std::vector<TxnId> ended = co_await ended_among(coordinator, txns);
    for (const TxnId& txn : ended) {
      for (const auto& [range, replica] : store_->replicas()) {
        if (auto leaseholder = replica->leaseholder()) leaseholder->drop_locks(txn);
      }
    }
  }
}

Task<std::vector<TxnId>> KvNode::ended_among(NodeId coordinator, std::vector<TxnId> txns) {
  if (options_.planted.orphan_locks_stay) co_return std::vector<TxnId>();
  if (coordinator == identity_.node) {
    std::erase_if(txns, [this](const TxnId& txn) { return txn_->is_open(txn); });
    co_return std::move(txns);
  }
  std::vector<TxnId> ended;
  runtime::PeerId peer = cluster_->peer(coordinator);
  if (peer == 0 || !cluster_->alive(coordinator)) co_return ended;  // its locks are orphans by that
  const runtime::Instant deadline = env_.executor->now() + std::chrono::seconds(1);
  Result<Bytes> answer = co_await rpc_.call(peer, kOpenMethod, encode(txns), deadline);
  if (!answer.ok() || !decode(*answer, ended).ok()) ended.clear();
  co_return std::move(ended);
}

// Answers with those of the asked that are not open here.
Task<Result<Bytes>> KvNode::on_open(Bytes request) {
  std::vector<TxnId> txns;
  CO_RETURN_IF_ERROR(decode(request, txns));
  if (txn_ == nullptr) co_return unavailable("this node is starting");
  std::erase_if(txns, [this](const TxnId& txn) { return txn_->is_open(txn); });
  co_return encode(txns);
}

Task<std::vector<LockInfo>> KvNode::collect_locks() {
  std::vector<Task<Result<Bytes>>> calls;
  const runtime::Instant deadline = env_.executor->now() + std::chrono::seconds(1);
  for (const auto& [id, node] : cluster_->nodes()) {
    if (id == identity_.node || !cluster_->alive(id)) continue;
    if (runtime::PeerId peer = cluster_->peer(id); peer != 0)
      calls.push_back(call_locks(&rpc_, peer, deadline));
  }
  std::vector<Result<Bytes>> answers = co_await runtime::when_all(*env_.executor, std::move(calls));
  std::vector<LockInfo> locks = local_locks();
  for (const Result<Bytes>& answer : answers) {
    std::vector<LockInfo> theirs;
    if (answer.ok() && decode(*answer, theirs).ok())
      locks.insert(locks.end(), theirs.begin(), theirs.end());
  }
  co_return std::move(locks);
}

}  // namespace quorate::server
