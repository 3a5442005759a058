#include "range/store.h"

#include "base/mark.h"
#include "range/keys.h"
#include "range/store_internal.h"
#include "runtime/fault_points.h"

namespace quorate::range {
namespace {

constexpr auto kReapPause = std::chrono::milliseconds(20);
// After a snapshot that did not arrive; twice as long after each further one, up to the other.
constexpr runtime::Duration kSnapshotRest = std::chrono::milliseconds(50);
constexpr runtime::Duration kSnapshotRestMax = std::chrono::seconds(2);
constexpr size_t kSnapshotsFailedMax = 1000;

raft::ConfState conf_of(const RangeDescriptor& descriptor) {
  raft::ConfState conf;
  for (const auto& r : descriptor.replicas) {
    (r.role == ReplicaRole::kLearner ? conf.learners : conf.voters).insert(r.replica);
    conf.stores[r.replica] = r.store;
  }
  return conf;
}

}  // namespace

Store::Store(runtime::Env& env, runtime::Hlc& clock, runtime::Rpc& rpc, Cluster& cluster,
             Options options)
    : env_(env),
      clock_(clock),
      rpc_(rpc),
      cluster_(cluster),
      options_(std::move(options)),
      scope_(*env.executor) {
  env_.network->receive(runtime::Channel::kRaft, [this](runtime::PeerId, BytesView frame) {
    if (raft_ != nullptr) raft_->receive(frame);
  });
  env_.network->receive(runtime::Channel::kLiveness, [this](runtime::PeerId, BytesView frame) {
    if (raft_ != nullptr) liveness_->receive(frame);
  });
  rpc_.handle(kSnapshotMethod, [this](runtime::PeerId from, Bytes request) {
    return on_snapshot_chunk(from, std::move(request));
  });
  rpc_.handle(kVoterMethod, [this](runtime::PeerId, Bytes request) {
    return on_voter_query(std::move(request));
  });
  rpc_.handle(kBatchMethod,
              [this](runtime::PeerId, Bytes request) { return on_batch(std::move(request)); });
}

runtime::Task<Result<Bytes>> Store::on_batch(Bytes encoded) {
  auto request = std::make_shared<BatchRequest>();
  CO_RETURN_IF_ERROR(decode(encoded, *request));
  if (raft_ == nullptr) co_return unavailable("the store is not open yet");
  BatchResponse response;
  if (!serve_in_place(*request, &response)) response = co_await serve(std::move(request), {});
  co_return encode(response);
}

// One read that nothing stands in the way of (docs/decisions/0012).
bool Store::serve_in_place(const BatchRequest& request, BatchResponse* response) {
  if (request.requests.size() != 1 || !request.txn.read_ts) return false;
  const auto* get = std::get_if<GetRequest>(&request.requests[0]);
  const auto* scan = std::get_if<ScanRequest>(&request.requests[0]);
  if (get == nullptr && (scan == nullptr || scan->bytes_max != 0)) return false;
  Leaseholder* leaseholder = local_leaseholder(request.range);
  if (leaseholder == nullptr || !clock_.update(request.now).ok()) return false;
  const Leaseholder::Reader reader{request.txn, request.gateway};
  Response& answer = response->responses.emplace_back();
  const bool answered =
      get != nullptr ? leaseholder->try_get(reader, get->view(), &answer.emplace<GetResponse>())
                     : leaseholder->try_scan(reader, *scan, &answer.emplace<ScanResponse>());
  if (!answered) {
    response->responses.clear();
    return false;
  }
  response->store = options_.id;
  response->now = clock_.peek();
  return true;
}

Store::~Store() {
  env_.network->receive(runtime::Channel::kRaft, nullptr);
  env_.network->receive(runtime::Channel::kLiveness, nullptr);
  // A leaseholder's own task may hold on to it, by a batch that it sent to its own range.
  std::vector<std::shared_ptr<Leaseholder>> all = std::move(retired_);
  for (auto& [range, replica] : replicas_) {
    if (auto leaseholder = replica->leaseholder()) all.push_back(std::move(leaseholder));
  }
  for (const auto& leaseholder : all) leaseholder->abandon();
  all.clear();
  scope_.cancel_all();
  replicas_.clear();
  raft_.reset();
  liveness_.reset();
}

void Store::send_to_store(StoreId to, runtime::Channel channel, Bytes frame) {
  // One store a node: they bear the same number.
  runtime::PeerId peer = cluster_.peer(NodeId(to.value));
  if (peer != 0) env_.network->send(peer, channel, std::move(frame));
}

runtime::Task<Status> Store::open(std::unique_ptr<storage::CheckpointStore> checkpoint,
                                  ConflictResolver& resolver) {
  resolver_ = &resolver;
  storage::EngineOptions engine_options = options_.engine;
  CO_ASSIGN_OR_RETURN(engine_,
                      co_await storage::Engine::open(env_, engine_options, std::move(checkpoint)));
  Liveness::Options liveness_options = options_.liveness;
  liveness_options.store = options_.id;
  liveness_options.planted = options_.planted;
  liveness_ = std::make_unique<Liveness>(
      env_, engine_->log(), clock_, liveness_options, [this](StoreId to, Bytes frame) {
        send_to_store(to, runtime::Channel::kLiveness, std::move(frame));
      });
  liveness_->on_change = [this] {
    if (raft_ != nullptr) raft_->wake_all();
  };
  liveness_->on_outdated = [this](Status why) {
    if (on_failure) on_failure(std::move(why));
  };
  CO_RETURN_IF_ERROR(co_await liveness_->start());
  raft::MultiRaft::Options raft_options{options_.id, options_.raft_tick};
  raft_ = std::make_unique<raft::MultiRaft>(
      env_, engine_->log(), clock_, liveness_->view(), raft_options,
      [this](StoreId to, Bytes frame) {
        send_to_store(to, runtime::Channel::kRaft, std::move(frame));
      },
      [this](Status s) {
        if (s.code() == StatusCode::kCorruption)
          scope_.spawn(stop_damaged(std::move(s)));
        else if (on_failure)
          on_failure(s);
      });
  raft_->crowded = crowded;
  raft_->apply_stalled = [this] { return engine_->apply_stalled(); };
  raft_->wait_for_room = [this] { return engine_->wait_for_room({}, runtime::Instant::never()); };
  raft_->unknown = [this](StoreId from, raft::Message m) { on_stray(from, std::move(m)); };
  CO_RETURN_IF_ERROR(co_await finish_removals());
  for (RangeId range : engine_->log().ranges()) CO_RETURN_IF_ERROR(co_await start_replica(range));
  replica_changed();
  raft_->start();
  co_return Status();
}

// Those that a replica can't begin without.
Status Store::check_records(RangeId range) {
  auto view = engine_->view();
  auto it = view->plains(storage::Keyspace::kRange, keys::range_records_span(range));
  while (it->valid()) it->next();
  return it->status();
}

runtime::Task<Status> Store::start_replica(RangeId range) {
  storage::LogStore& log = engine_->log();
  const ReplicaId id = log.replica(range);
  if (!id) co_return Status();  // a tombstone
  BirthRecord birth;
  if (Bytes kept = log.local(birth_key(range)); !kept.empty())
    CO_RETURN_IF_ERROR(decode(kept, birth));
  if (Status records = check_records(range); records.code() == StatusCode::kCorruption) {
    env_.log.error("r{}: {}", range.value, records.message());
    log.set_damaged(range);
  }
  for (const auto& damaged : log.damaged()) {
    if (damaged.range != range || options_.planted.damaged_goes_on) continue;
    // Its extent may hold acknowledged entries and votes: it must not speak again under this id.
    MARK("range: a start finds a damaged replica");
    env_.log.error("r{}: replica {} is damaged; it stays down until it is replaced", range.value,
                   id.value);
    CO_ASSIGN_OR_RETURN(auto stored, stored_descriptor(range));
    if (stored) {
      damaged_spans_[range] = stored->span;
    } else if (birth.descriptor.id) {
      // Its parent's split has yet to be applied again, and its rows come with it.
      MARK("range: a damaged replica is known by its birth alone");
      damaged_spans_[range] = birth.descriptor.span;
    }
    co_return Status();
  }
  if (birth.parent && engine_->applied_index(birth.parent) < birth.parent_index &&
      !options_.planted.child_before_parent) {
    if (birth.parent_index != kNeverBorn && log.replica(birth.parent)) {
      MARK("range: a child waits for its parent after a start");
      unborn_[range] = birth;
    } else
      orphan(range, birth);
    co_return Status();
  }
  RangeDescriptor descriptor = birth.descriptor;
  raft::Start start;
  start.conf = birth.conf;
  {
    auto view = engine_->view();
    CO_ASSIGN_OR_RETURN(auto known,
                        view->plain(storage::Keyspace::kRange,
                                    keys::range_record_key(range, keys::RangeRecord::kDescriptor)));
    if (known) CO_RETURN_IF_ERROR(decode(*known, descriptor));
    CO_ASSIGN_OR_RETURN(auto conf,
                        view->plain(storage::Keyspace::kRange,
                                    keys::range_record_key(range, keys::RangeRecord::kConf)));
    if (conf) {
      CO_RETURN_IF_ERROR(decode(*conf, start.conf));
    } else if (start.conf.stores.empty()) {
      start.conf = conf_of(descriptor);
    }
  }
  // A newcomer that crashed before its first snapshot was installed: the next one finds its hard
  // state.
  if (!descriptor.id) {
    MARK("range: a newcomer without its first snapshot starts again");
    co_return Status();
  }
  if (Bytes kept = log.hard_state(range); !kept.empty())
    CO_RETURN_IF_ERROR(decode(kept, start.hard_state));
  start.applied = engine_->applied_index(range);
  // What a child of ours was born from is committed, whatever this replica still knew of it.
  for (RangeId other : log.ranges()) {
    BirthRecord child;
    Bytes kept = log.local(birth_key(other));
    if (kept.empty() || !decode(kept, child).ok() || child.parent != range) continue;
    if (child.parent_index == kNeverBorn) continue;  // an orphan's: it proves nothing
    start.hard_state.commit = std::max(start.hard_state.commit, child.parent_index);
  }
  start.hard_state.commit =
      std::max(std::min(start.hard_state.commit, log.last_index(range)), start.applied);
  if (options_.planted.replay_all) start.hard_state.commit = log.last_index(range);
  const bool alone =
      start.conf.voters.size() == 1 && start.conf.voters.contains(id) && !start.conf.joint();
  Replica& replica = add_replica(id, std::move(descriptor), start.conf);
  replica.start(start);
  if (alone) replica.group().campaign();  // nobody to wait for
  co_return Status();
}

Replica& Store::add_replica(ReplicaId id, RangeDescriptor descriptor, raft::ConfState conf) {
  const RangeId range = descriptor.id;
  strays_.erase(range);
  by_start_[descriptor.span.start] = range;
  auto replica = std::make_unique<Replica>(*this, id, std::move(descriptor), std::move(conf));
  Replica& added = *replica;
  CHECK(replicas_.emplace(range, std::move(replica)).second);
  return added;
}

runtime::Task<Status> Store::bootstrap() {
  CHECK(replicas_.empty());
  const Bytes directory_start, system_start(1, keys::kSystemPrefix),
      tables_start(1, keys::kTablePrefix);
  const std::pair<Bytes, Bytes> spans[] = {
      {directory_start, system_start}, {system_start, tables_start}, {tables_start, Bytes()}};
  uint64_t next = 1;
  for (const auto& [start, end] : spans) {
    BirthRecord birth;
    RangeDescriptor& d = birth.descriptor;
    d.id = RangeId(next++);
    d.span = {start, end};
    d.generation = 1;
    d.replicas = {{options_.node, options_.id, ReplicaId(1), ReplicaRole::kVoter}};
    d.next_replica = ReplicaId(2);
    birth.conf = conf_of(d);
    birth.index = kBirthIndex;
    birth.term = kBirthTerm;
    engine_->log().reset(d.id, ReplicaId(1), kBirthIndex, kBirthTerm);
    raft::HardState hard;
    hard.term = kBirthTerm;
    hard.commit = kBirthIndex;
    engine_->log().set_hard_state(d.id, ReplicaId(1), encode(hard));
    engine_->log().put_local(birth_key(d.id), encode(birth));
  }
  CO_RETURN_IF_ERROR(co_await engine_->log().sync());
  for (uint64_t range = 1; range < next; ++range) {
    CO_RETURN_IF_ERROR(co_await start_replica(RangeId(range)));
    find(RangeId(range))->group().campaign();
  }
  replica_changed();
  co_return Status();
}

Replica* Store::find(RangeId range) {
  auto it = replicas_.find(range);
  return it == replicas_.end() ? nullptr : it->second.get();
}

Replica* Store::find_by_key(BytesView key) {
  auto it = by_start_.upper_bound(Bytes(key));
  if (it == by_start_.begin()) return nullptr;
  Replica* replica = find(std::prev(it)->second);
  return replica != nullptr && replica->descriptor().span.contains(key) ? replica : nullptr;
}

Leaseholder* Store::local_leaseholder(RangeId range) {
  Replica* replica = find(range);
  return replica == nullptr ? nullptr : replica->leaseholder().get();
}

runtime::Task<BatchResponse> Store::serve(std::shared_ptr<const BatchRequest> request,
                                          runtime::CancelToken token) {
  const RangeId range = request->range;
  BatchResponse response;
  Replica* replica = find(range);
  std::shared_ptr<Leaseholder> leaseholder = replica == nullptr ? nullptr : replica->leaseholder();
  if (leaseholder == nullptr) {
    response.outcome = Outcome::kNotLeaseholder;
    response.now = clock_.now();
    if (replica != nullptr) {
      response.leaseholder = replica->leader_node();
      response.descriptors.push_back(replica->descriptor());
    }
    co_return response;
  }
  response = co_await leaseholder->serve(std::move(request), std::move(token));
  if (response.outcome == Outcome::kError && response.error.code() == StatusCode::kCorruption)
    suspects_.insert(range);
  if (response.outcome == Outcome::kRangeMismatch) {
    // Most often the range has split here: tell of the other half too.
    replica = find(range);
    if (replica != nullptr) {
      response.descriptors = {replica->descriptor()};
      Replica* right = replica->descriptor().span.end.empty()
                           ? nullptr
                           : find_by_key(replica->descriptor().span.end);
      if (right != nullptr) response.descriptors.push_back(right->descriptor());
    }
  }
  co_return response;
}

std::vector<RangeStatus> Store::status() {
  std::vector<RangeStatus> out;
  for (const auto& [range, replica] : replicas_) {
    if (!replica->started()) continue;
    const raft::Raft& core = replica->group().core();
    RangeStatus s;
    s.descriptor = replica->descriptor();
    s.leads = replica->leaseholder() != nullptr;
    s.leaseholder = replica->leader_node();
    s.term = core.term();
    s.applied = replica->applied();
    s.commit = core.log().committed();
    s.last = engine_->log().last_index(range);
    storage::SpanStats stats = engine_->span_stats(s.descriptor.span);
    s.bytes = stats.bytes;
    s.rows = stats.rows;
    out.push_back(std::move(s));
  }
  return out;
}

runtime::Task<Status> Store::drain(runtime::Instant deadline) {
  for (;;) {
    std::vector<RangeId> held;
    for (const auto& [range, replica] : replicas_) {
      if (replica->leaseholder() != nullptr) held.push_back(range);
    }
    if (held.empty()) co_return Status();
    bool nobody = true;
    for (RangeId range : held) {
      Replica* replica = find(range);
      if (replica == nullptr || replica->leaseholder() == nullptr) continue;
      std::vector<NodeId> takers;
      for (const auto& r : replica->descriptor().replicas) {
        const NodeInfo* node = cluster_.find(r.node);
        const bool usable = r.node != options_.node && r.role == ReplicaRole::kVoter &&
                            cluster_.alive(r.node) && cluster_.reachable(r.node);
        if (usable && node != nullptr && !node->draining) takers.push_back(r.node);
      }
      if (takers.empty()) continue;
      const NodeId to = takers[range.value % takers.size()];
      nobody = false;
      Status moved = co_await replica->transfer_lease(to);
      if (!moved.ok()) env_.log.info("drain: {}", moved.message());
    }
    if (nobody) {
      MARK("range: nobody can take a draining node's leases");
      co_return unavailable("no other node can take the leases");
    }
    if (env_.executor->now() >= deadline)
      co_return deadline_exceeded("drain did not finish in time");
    CO_RETURN_IF_ERROR(co_await runtime::sleep_for(*env_.executor, std::chrono::milliseconds(50)));
  }
}

Status Store::health() const {
  if (engine_ == nullptr) return unavailable("the store is not open");
  return engine_->health();
}

// --- splits ---

void Store::split_applied(Replica& parent, const SplitTrigger& trigger, LogIndex index) {
  const RangeId child_range = trigger.right.id;
  clock_.forward(trigger.clock);
  if (auto unborn = unborn_.find(child_range); unborn != unborn_.end()) {
    // Recovered: the child's log and hard state are already here.
    MARK("range: a child is born after a start");
    unborn_.erase(unborn);
    scope_.spawn(start_recovered_child(child_range));
    return;
  }
  const ReplicaId id = own_replica(trigger.right, options_.id);
  if (!id || find(child_range) != nullptr || engine_->log().tombstone(child_range) > id) {
    MARK("range: a split's child is not needed here");
    return;
  }
  if (engine_->log().replica(child_range)) {
    MARK("range: a split is applied again");
    return;  // born before a crash and started already
  }
  ReplicaId leader = own_replica(trigger.right, trigger.leaseholder);
  const raft::LeaderBinding& binding = parent.group().core().hard_state().binding;
  StoreEpoch epoch = binding.store == trigger.leaseholder ? binding.epoch : StoreEpoch();
  const bool lead = trigger.leaseholder == options_.id && parent.leaseholder() != nullptr;
  raft::HardState hard =
      raft::birth_hard_state(kBirthTerm, kBirthIndex, leader, trigger.leaseholder, epoch);
  BirthRecord birth{
      1, trigger.right, conf_of(trigger.right), kBirthIndex, kBirthTerm, parent.range(), index};
  raft::Birth role = lead ? raft::Birth::kLeader : raft::Birth::kFollower;
  if (options_.planted.child_for_anyone && !lead) {
    // Any of them may win the birth term itself.
    hard.term = Term(kBirthTerm.value - 1);
    hard.vote = ReplicaId();
    hard.binding = raft::LeaderBinding();
    role = raft::Birth::kRestart;
  }
  storage::LogStore& log = engine_->log();
  log.reset(child_range, id, kBirthIndex, kBirthTerm);
  log.set_hard_state(child_range, id, encode(hard));
  log.put_local(birth_key(child_range), encode(birth));
  Replica& child = add_replica(id, trigger.right, birth.conf);
  if (lead) child.adopt(parent.leaseholder()->split_off(child, trigger.right.span.start));
  scope_.spawn_now(start_child(child_range, hard, role));
}

runtime::Task<void> Store::start_recovered_child(RangeId range) {
  Status started = co_await start_replica(range);
  if (!started.ok() && on_failure) on_failure(started);
  replica_changed();
}

runtime::Task<void> Store::start_child(RangeId range, raft::HardState hard_state,
                                       raft::Birth birth) {
  Status synced = co_await engine_->log().sync();  // safety: child-birth
  Replica* child = find(range);
  if (!synced.ok() || child == nullptr) co_return;
  raft::Start start;
  start.hard_state = hard_state;
  start.conf = conf_of(child->descriptor());
  start.applied = engine_->applied_index(range);
  start.birth = birth;
  child->start(start);
  replica_changed();
}

// --- snapshots ---

struct Store::SnapshotChunk {
  StoreId to;
  RangeId range;
  RangeDescriptor descriptor;
  uint64_t stream = 0;
  uint64_t number = 0;
  bool last = false;
  StoreId from;
  raft::Message message;  // with the last chunk: stepped when the state lies ready
  Bytes bytes;
  template <class A>
  void serialize(A& a) {
    a(to, range, descriptor, stream, number, last, from, message, bytes);
  }
};

void Store::send_snapshot(RangeId range, raft::Message message) {
  if (!streaming_.insert({range, message.to}).second) return;
  scope_.spawn(stream_snapshot(range, std::move(message)));
}

runtime::Task<void> Store::stream_snapshot(RangeId range, raft::Message message) {
  struct Slot {
    std::set<std::pair<RangeId, ReplicaId>>& set;
    std::pair<RangeId, ReplicaId> key;
    ~Slot() { set.erase(key); }
  } slot{streaming_, {range, message.to}};
  const ReplicaId to = message.to;
  Status outcome;
  Replica* replica = find(range);
  if (replica == nullptr) co_return;
  const RangeDescriptor descriptor = replica->descriptor();
  StoreId target = replica->conf().store_of(to);
  const raft::ConfState conf = replica->conf();
  const LogIndex changed = replica->changed_at();
  runtime::PeerId peer = cluster_.peer(NodeId(target.value));
  if (runtime::fires(env_.faults, runtime::FaultPoint::kLateSnapshot)) {
    const runtime::Duration late = std::chrono::milliseconds(env_.random->below(500));
    (void)co_await runtime::sleep_for(*env_.executor, late);
  }
  if (runtime::fires(env_.faults, runtime::FaultPoint::kHoldSnapshot)) {
    const runtime::Duration late = std::chrono::milliseconds(env_.random->below(8'000));
    (void)co_await runtime::sleep_for(*env_.executor, late);
  }
  auto made = co_await engine_->make_snapshot(range, descriptor.span);
  if (!made.ok()) outcome = made.status();
  if (outcome.code() == StatusCode::kCorruption) suspects_.insert(range);
  // Span and members must be those of the snapshot's index: a split in between would give away the
  // right half twice, or not at all.
  replica = find(range);
  if (outcome.ok() && !options_.planted.snapshot_unchecked &&
      (replica == nullptr || replica->changed_at() != changed || (*made)->info().index < changed)) {
    MARK("range: a range has changed while it was copied");
    outcome = unavailable("the range changed while it was copied");
  }
  SnapshotChunk chunk;
  chunk.range = range;
  chunk.descriptor = descriptor;
  chunk.from = options_.id;
  chunk.to = target;
  env_.entropy(reinterpret_cast<char*>(&chunk.stream), sizeof chunk.stream);
  while (outcome.ok() && peer != 0 && !chunk.last) {
    auto bytes = co_await (*made)->next_chunk();
    if (runtime::fires(env_.faults, runtime::FaultPoint::kCutSnapshot))
      bytes = unavailable("the stream broke off");
    if (!bytes.ok()) {
      outcome = bytes.status();
      break;
    }
    chunk.bytes = std::move(*bytes);
    chunk.last = chunk.bytes.empty();
    if (chunk.last) {
      raft::SnapshotMeta meta{(*made)->info().index, (*made)->info().term, conf};
      chunk.message = message;
      chunk.message.snapshot = std::make_shared<const raft::SnapshotMeta>(meta);
      chunk.message.clock = clock_.now();
    }
    const runtime::Instant deadline = env_.executor->now() + std::chrono::seconds(30);
    auto answer = co_await rpc_.call(peer, kSnapshotMethod, encode(chunk), deadline);
    if (!answer.ok()) {
      MARK("range: a snapshot breaks off");
      outcome = answer.status();
    }
    ++chunk.number;
  }
  if (!outcome.ok())
    env_.log.info("r{}: snapshot to s{}: {}", range.value, target.value, outcome.message());
  const bool received = outcome.ok() && peer != 0;
  if (!received) co_await rest_after_snapshot({range, to});
  if (received) snapshots_failed_.erase({range, to});
  replica = find(range);
  if (replica != nullptr && replica->started()) replica->group().report_snapshot(to, received);
}

// Each copies the whole range, and who is damaged refuses all of them until it is replaced.
runtime::Task<void> Store::rest_after_snapshot(std::pair<RangeId, ReplicaId> what) {
  if (snapshots_failed_.size() >= kSnapshotsFailedMax) snapshots_failed_.clear();
  const uint32_t failures = ++snapshots_failed_[what];
  const runtime::Duration rest = kSnapshotRest * (1 << std::min<uint32_t>(failures - 1, 16));
  (void)co_await runtime::sleep_for(*env_.executor, std::min(rest, kSnapshotRestMax));
}

runtime::Task<Result<Bytes>> Store::on_snapshot_chunk(runtime::PeerId, Bytes request) {
  SnapshotChunk chunk;
  CO_RETURN_IF_ERROR(decode(request, chunk));
  if (raft_ == nullptr) co_return unavailable("the store is not open yet");
  // The store that was meant may have been at this address before.
  if (chunk.to != options_.id) {
    MARK("range: a snapshot for a store that was here before");
    co_return unavailable("another store is here now");
  }
  if (chunk.number == 0) {
    CO_RETURN_IF_ERROR(snapshot_welcome(chunk));
    CO_ASSIGN_OR_RETURN(auto writer, co_await engine_->receive_snapshot());
    auto fresh = std::make_shared<IncomingSnapshot>();
    fresh->stream = chunk.stream;
    fresh->descriptor = chunk.descriptor;
    fresh->writer = std::move(writer);
    incoming_[chunk.range] = std::move(fresh);
  }
  auto it = incoming_.find(chunk.range);
  if (it == incoming_.end() || it->second->stream != chunk.stream ||
      it->second->next != chunk.number || it->second->complete) {
    MARK("range: a chunk of a snapshot comes out of turn");
    co_return unavailable("not the chunk that was expected");
  }
  // Held over the wait: another stream may take its place meanwhile.
  std::shared_ptr<IncomingSnapshot> incoming = it->second;
  ++incoming->next;
  if (!chunk.last) {
    CO_RETURN_IF_ERROR(co_await incoming->writer->add_chunk(std::move(chunk.bytes)));
    co_return Bytes();
  }
  CO_RETURN_IF_ERROR(snapshot_welcome(chunk));
  CO_RETURN_IF_ERROR(clock_.update(chunk.message.clock));
  CO_ASSIGN_OR_RETURN(Replica * replica, snapshot_receiver(chunk));
  incoming->complete = true;
  incoming->index = chunk.message.snapshot->index;
  replica->group().learn_store(chunk.message.from, chunk.from);
  replica->group().step(std::move(chunk.message));
  // Raft may have no use for it any more.
  const auto pending = replica->group().core().log().pending_snapshot();
  if (!pending || pending->index != incoming->index) {
    MARK("range: a snapshot came for nothing");
    incoming_.erase(chunk.range);
  }
  co_return Bytes();
}

// Whether a replica of the range may be made here. A span that another replica here still holds
// belongs to it: its split has not been applied yet.
Status Store::span_free(RangeId range, const KeySpan& span) const {
  if (options_.planted.install_beside_parent) return Status();
  for (const auto& [other, replica] : replicas_) {
    if (other != range && replica->descriptor().span.overlaps(span)) {
      MARK("range: another range still holds keys of a snapshot");
      return unavailable("range " + other.to_string() + " still holds keys of the replica here");
    }
  }
  // Its removal takes all of its rows, those that have gone to a split's child since among them.
  for (const auto& [other, held] : damaged_spans_) {
    if (other != range && held.overlaps(span)) {
      MARK("range: a damaged replica still holds keys of a snapshot");
      return unavailable("the damaged replica of range " + other.to_string() + " has to go first");
    }
  }
  for (const auto& [other, removed] : clearing_) {
    if (other == range || removed.overlaps(span)) {
      MARK("range: rows of a removed range are in a snapshot's way");
      return unavailable("what range " + other.to_string() + " held here is still being removed");
    }
  }
  return Status();
}

// Whether a snapshot may be taken in here now.
Status Store::snapshot_welcome(const SnapshotChunk& chunk) const {
  if (chunk.last && chunk.message.snapshot == nullptr)
    return invalid_argument("a snapshot without its message");
  RETURN_IF_ERROR(span_free(chunk.range, chunk.descriptor.span));
  for (const auto& [child, birth] : unborn_) {
    if (child == chunk.range) {
      MARK("range: a snapshot of a range that is about to be born");
      return unavailable("the range is about to be born here");
    }
    // Its base is what the parent holds at the split, which a snapshot would jump over.
    if (birth.parent == chunk.range) {
      MARK("range: a snapshot would jump over a birth");
      return unavailable("range " + child.to_string() + " must be born first");
    }
  }
  auto it = incoming_.find(chunk.range);
  if (it != incoming_.end() && it->second->complete) {
    MARK("range: a snapshot comes beside another");
    return unavailable("another snapshot of the range is being installed");
  }
  return Status();
}

// The replica that takes the snapshot, made for it where there is none. What an earlier life of it
// has promised is in its hard state.
Result<Replica*> Store::snapshot_receiver(const SnapshotChunk& chunk) {
  const ReplicaId to = chunk.message.to;
  Replica* replica = find(chunk.range);
  if (replica == nullptr) {
    if (orphans_.contains(chunk.range) && orphans_[chunk.range] == to)
      return unavailable("this replica was never born and must be replaced");
    storage::LogStore& log = engine_->log();
    if (log.tombstone(chunk.range) > to) {
      MARK("range: a snapshot for a replica that was removed");
      return unavailable("this replica was removed");
    }
    const ReplicaId known = log.replica(chunk.range);
    for (const auto& damaged : log.damaged()) {
      if (damaged.range == chunk.range && known == to)
        return unavailable("this replica is damaged and must be replaced");
    }
    if (known > to) {
      MARK("range: a snapshot for a replica before the present one");
      return unavailable("a later replica of the range is here");
    }
    raft::Start start;
    if (known == to) {
      if (Bytes kept = log.hard_state(chunk.range); !kept.empty())
        RETURN_IF_ERROR(decode(kept, start.hard_state));
      start.hard_state.commit = LogIndex(0);
    } else {
      // Recorded with the store's next sync, before this replica acknowledges anything.
      log.reset(chunk.range, to, LogIndex(0), Term(0));
    }
    replica = &add_replica(to, chunk.descriptor, raft::ConfState());
    replica->start(start);
  }
  if (!replica->started() || replica->id() != to) {
    MARK("range: a snapshot for another replica than is here");
    return unavailable("another replica of the range is here");
  }
  return replica;
}

runtime::Task<Status> Store::install_snapshot(Replica& replica, raft::SnapshotMeta meta) {
  auto it = incoming_.find(replica.range());
  if (it == incoming_.end() || !it->second->complete || it->second->index != meta.index)
    co_return internal_error("no received snapshot to install");
  std::shared_ptr<IncomingSnapshot> incoming = it->second;
  const RangeId range = replica.range();
  Status installed =
      co_await incoming->writer->install(range, incoming->descriptor.span, meta.index, meta.term);
  incoming_.erase(range);
  CO_RETURN_IF_ERROR(installed);
  env_.log.info("r{}: snapshot at index {} installed", range.value, meta.index.value);
  by_start_[incoming->descriptor.span.start] = range;
  replica_changed();
  co_return Status();
}

void Store::lease_dropped(std::shared_ptr<Leaseholder> leaseholder) {
  retired_.push_back(std::move(leaseholder));
  if (std::exchange(reaping_, true)) return;
  scope_.spawn(reap_retired());
}

// Destroys leaseholders in a step of its own, when no batch holds on to them. The last batch must
// not do it: its caller may be one of the leaseholder's own tasks (a recovery that ends a
// transaction in its own range), which would go while it waits for that very batch.
runtime::Task<void> Store::reap_retired() {
  while (!retired_.empty()) {
    (void)co_await runtime::sleep_for(*env_.executor, kReapPause);
    std::vector<std::shared_ptr<Leaseholder>> gone;
    for (auto& leaseholder : retired_) {
      if (leaseholder.use_count() == 1) gone.push_back(std::move(leaseholder));
    }
    std::erase(retired_, nullptr);
  }
  reaping_ = false;
}

void Store::replica_changed() {
  std::set<StoreId> peers;
  for (const auto& [range, replica] : replicas_) {
    for (const auto& r : replica->descriptor().replicas) peers.insert(r.store);
    if (!replica->started()) continue;
    for (const auto& [id, store] : replica->conf().stores) peers.insert(store);
  }
  liveness_->set_peers(std::move(peers));
}

}  // namespace quorate::range
