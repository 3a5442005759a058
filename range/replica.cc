#include "range/replica.h"

#include "base/mark.h"
#include "range/keys.h"
#include "range/store.h"
#include "runtime/fault_points.h"

namespace quorate::range {
namespace {

// How long a proposal is waited for before its fate may be called unknown, and from then on how
// often it is looked whether it is.
constexpr auto kProposalPatience = std::chrono::seconds(5);
constexpr auto kProposalLook = std::chrono::milliseconds(250);
constexpr auto kTransferPatience = std::chrono::seconds(3);

// The command in an entry, with `operations` viewed in place and not copied.
struct CommandView {
  Command command;
  BytesView operations;
};

Result<CommandView> view_command(BytesView encoded) {
  CommandView v;
  Decoder d(encoded);
  Command& c = v.command;
  d(c.format, c.id_high, c.id_low, c.lease_term, c.clock, c.trigger);
  uint64_t size = 0;
  d.varint(size);
  if (!d.ok() || d.rest().size() != size) return corruption("malformed command");
  v.operations = d.rest();
  return v;
}

}  // namespace

Replica::Replica(Store& store, ReplicaId id, RangeDescriptor descriptor, raft::ConfState conf)
    : store_(store), id_(id), descriptor_(std::move(descriptor)), initial_conf_(std::move(conf)) {}

Replica::~Replica() {
  if (group_ != nullptr) store_.raft().remove(range());
}

void Replica::retire() {
  drop_lease();
  if (group_ != nullptr) store_.raft().remove(range());
  group_ = nullptr;
  for (auto& [index, pending] : pending_)
    pending->done.set(ambiguous("the replica was removed before a write was confirmed"));
  pending_.clear();
}

runtime::Env& Replica::env() { return store_.env(); }
runtime::Hlc& Replica::clock() { return store_.clock(); }
storage::Engine& Replica::engine() { return store_.engine(); }
NodeId Replica::node() const { return store_.options().node; }
StoreId Replica::store() const { return store_.options().id; }
storage::Space Replica::space() const {
  storage::Space least = store_.engine().space();
  for (const auto& replica : descriptor_.replicas) {
    if (replica.node == node()) continue;
    const NodeInfo* other = store_.cluster().find(replica.node);
    if (other != nullptr) least = std::max(least, static_cast<storage::Space>(other->space));
  }
  return least;
}
bool Replica::coordinator_alive(NodeId node, uint64_t epoch) const {
  if (store_.options().planted.orphan_locks_stay) return true;
  return store_.cluster().coordinator_alive(node, epoch);
}
const RangeLimits& Replica::limits() const { return store_.options().limits; }
LogIndex Replica::applied() const { return store_.engine().applied_index(descriptor_.id); }

void Replica::start(const raft::Start& start) {
  load_records();
  raft::Config config;
  config.range = range();
  config.self = id_;
  config.store = store();
  config.message_bytes_max = store_.options().append_bytes;
  config.apply_bytes_max = std::min(config.apply_bytes_max, store_.options().engine.memtable_bytes);
  config.uncommitted_bytes_max = limits().uncommitted_bytes;
  config.seed = range().value * 1000003 + store().value + 1;
  config.planted = store_.options().planted;
  changed_at_ = start.applied;
  group_ = &store_.raft().add(config, start, *this);
}

void Replica::load_records() {
  auto view = engine().view();
  auto record = view->plain(storage::Keyspace::kRange,
                            keys::range_record_key(range(), keys::RangeRecord::kGc));
  if (!record.ok()) {
    // Left by an earlier replica, where a snapshot is on its way that replaces it: a start has
    // looked at what it begins with.
    MARK("range: a replica begins over a damaged record");
    store_.suspects().insert(range());
    return;
  }
  if (!record->has_value()) return;
  CHECK_MSG(decode(**record, gc_).ok(), "a range's gc record can't be read");
  engine().set_gc_threshold(descriptor_.span, gc_.threshold);
}

NodeId Replica::leader_node() const {
  if (group_ == nullptr) return NodeId();
  ReplicaId leader = group_->core().leader();
  for (const auto& r : descriptor_.replicas) {
    if (r.replica == leader) return r.node;
  }
  return NodeId();
}

LeaseView Replica::lease(Timestamp ts) {
  LeaseView view = look_at_lease(ts);
  if (view.held) group_->note_relied_on(view.until);
  return view;
}

LeaseView Replica::look_at_lease(Timestamp ts) const {
  LeaseView view;
  if (group_ == nullptr) return view;
  const raft::Raft& core = group_->core();
  view.term = core.term();
  view.leaseholder_hint = leader_node();
  if (leaseholder_ == nullptr || handing_over_ || !core.may_serve() || core.term() != lease_term_)
    return view;
  const Timestamp until = core.lease_until();
  // Stasis: near T a clock within the bound of ours may have passed it already (safety group 9).
  const runtime::Hlc& clock = store_.clock();
  const Timestamp now = std::max(clock.peek(), ts);
  const bool over = now.add_micros(clock.max_offset_micros()) >= until &&
                    !store_.options().planted.serve_past_lease;
  if (over || !store_.liveness().clock_within_bound()) {
    MARK("range: a lease near its end is not served");
    view.leaseholder_hint = NodeId();
    return view;
  }
  // It applies nothing more: what is acknowledged would not be seen.
  if (!store_.engine().health().ok()) {
    MARK("range: a store that has stopped serves no lease");
    view.leaseholder_hint = NodeId();
    return view;
  }
  view.held = true;
  view.start = lease_start_;
  view.until = until;
  return view;
}

bool Replica::changing() const {
  if (store_.options().planted.changes_at_once) return false;
  return change_term_ == group_->core().term() && change_index_ > applied();
}

Status Replica::refuse_change() const {
  return unavailable("range " + range().to_string() +
                     " is being split or is changing its replicas");
}

void Replica::note_change(const raft::Proposed& proposed) {
  if (!proposed.ok()) return;
  change_term_ = proposed.term;
  change_index_ = proposed.index;
}

runtime::Task<Status> Replica::propose(Command command) {
  if (engine().write_stalled() && !std::holds_alternative<GcTrigger>(command.trigger)) {
    CO_RETURN_IF_ERROR(
        co_await engine().wait_for_room({}, env().executor->now() + kProposalPatience));
  }
  if (group_ == nullptr) co_return unavailable("range " + range().to_string() + " has left here");
  const raft::Raft& core = group_->core();
  if (!core.may_serve() || handing_over_ || core.term() != lease_term_) {
    MARK("range: a command is not proposed since the lease is lost");
    co_return unavailable("range " + range().to_string() + " has lost its lease here");
  }
  if (runtime::fires(env().faults, runtime::FaultPoint::kRefuseProposal))
    co_return unavailable("range " + range().to_string() + ": too much waits to be committed");
  // Another change may have come while this one waited for room.
  const auto* split = std::get_if<SplitTrigger>(&command.trigger);
  if (split != nullptr && (changing() || split->left.generation != descriptor_.generation + 1))
    co_return refuse_change();
  command.lease_term = core.term();
  command.clock = clock().now();
  name_proposal(command);
  auto payload = std::make_shared<const Bytes>(encode(command));
  raft::Proposed proposed = group_->propose(payload);
  if (split != nullptr) note_change(proposed);
  co_return co_await wait_applied(proposed, std::move(payload));
}

// No command takes effect twice: none is ever proposed again, and checkers tell them apart by this.
void Replica::name_proposal(Command& command) {
  if (command.id_high != 0 || command.id_low != 0) return;
  command.id_high = env().random->next();
  command.id_low = env().random->next();
}

runtime::Task<Status> Replica::wait_applied(raft::Proposed proposed,
                                            std::shared_ptr<const Bytes> payload) {
  if (!proposed.ok()) {
    MARK("range: a proposal is refused");
    co_return unavailable("range " + range().to_string() + ": proposal refused: " +
                          std::string(raft::refusal_name(proposed.refusal)));
  }
  auto pending = std::make_shared<Pending>(*env().executor);
  pending->term = proposed.term;
  std::shared_ptr<Pending>& slot = pending_[proposed.index];
  // We lead again and have not got its entry: no later leader has.
  if (slot != nullptr) {
    MARK("range: a write was lost with its leader");
    slot->done.set(unavailable("a write was lost with its leader"));
  }
  slot = pending;
  if (store_.options().planted.propose_again && payload != nullptr) {
    constexpr auto kSoon = std::chrono::milliseconds(200);
    Status soon = co_await pending->done.wait({}, env().executor->now() + kSoon);
    if (!soon.ok() && group_->core().leads()) (void)group_->propose(std::move(payload));
  }
  runtime::Instant until = env().executor->now() + kProposalPatience;
  while (!(co_await pending->done.wait({}, until)).ok()) {
    // Who still leads will apply it, however slow disks are; its latches are held until then.
    // Who does not, or without a quorum not for long, has no latches any more.
    const bool leads = group_ != nullptr && group_->core().leads();
    if (!leads || group_->core().term() != pending->term) {
      MARK("range: a proposal is not confirmed in time");
      co_return ambiguous("range " + range().to_string() +
                          " did not confirm a write in time; it may or may not happen");
    }
    MARK("range: a proposal is waited for longer");
    until = env().executor->now() + kProposalLook;
  }
  if (runtime::fires(env().faults, runtime::FaultPoint::kLateApplied)) {
    const runtime::Duration late = std::chrono::milliseconds(env().random->below(300));
    (void)co_await runtime::sleep_for(*env().executor, late);
  }
  co_return pending->done.take();
}

void Replica::settle(LogIndex index, Term term, Status outcome) {
  while (!pending_.empty() && pending_.begin()->first <= index) {
    auto node = pending_.extract(pending_.begin());
    Pending& p = *node.mapped();
    if (node.key() == index && p.term == term) {
      // One entry has this index: no later turn comes here again.
      p.done.set(std::move(outcome));  // NOLINT(bugprone-use-after-move)
    } else if (node.key() == index) {
      MARK("range: another leader's entry takes the place of a write");
      p.done.set(unavailable("another leader's entry took the place of a write"));
    } else {
      MARK("range: a snapshot has overtaken a write");
      p.done.set(ambiguous("a write was overtaken by an installed snapshot"));
    }
  }
}

void Replica::apply(const raft::Entry& entry) {
  static const auto kEmpty = std::make_shared<const Bytes>();
  const auto payload = entry.payload ? entry.payload : kEmpty;
  if (entry.type == raft::EntryType::kNormal) {
    if (payload->empty()) {
      engine().apply(range(), entry.index, payload, {});  // opens a leader's term
      settle(entry.index, entry.term, Status());
    } else {
      apply_command(entry, payload, *payload, nullptr);
    }
  } else {
    raft::ConfChange change;
    CHECK_MSG(decode(*payload, change).ok(), "an applied membership change can't be read");
    Bytes encoded = change.context.empty() ? Bytes() : change.context;
    auto conf = group_->apply_conf_change(entry);
    CHECK_MSG(conf.ok(), conf.status().message());
    apply_command(entry, payload, encoded, &*conf);
    store_.replica_changed();
  }
}

// A command whose proposer's lease was of another term than its entry changes nothing (design §5);
// membership is Raft's own and follows the log regardless.
void Replica::apply_command(const raft::Entry& entry, const std::shared_ptr<const Bytes>& payload,
                            BytesView encoded, const raft::ConfState* conf) {
  Status outcome;
  CommandView v;
  if (!encoded.empty()) {
    auto viewed = view_command(encoded);
    CHECK_MSG(viewed.ok(), "an applied command can't be read");
    v = std::move(*viewed);
    clock().forward(v.command.clock);
    if (v.command.lease_term != entry.term && conf == nullptr) {
      MARK("range: a command of an earlier lease changes nothing");
      engine().apply(range(), entry.index, payload, {});
      settle(entry.index, entry.term, unavailable("the lease had changed hands"));
      return;
    }
  }
  if (conf == nullptr) {
    engine().apply(range(), entry.index, payload, v.operations);
  } else {
    storage::WriteBatch batch;
    batch.put(storage::Keyspace::kRange, keys::range_record_key(range(), keys::RangeRecord::kConf),
              encode(*conf));
    auto derived = std::make_shared<const Bytes>(Bytes(v.operations) + batch.bytes());
    engine().apply(range(), entry.index, derived, *derived);
  }
  if (conf != nullptr) changed_at_ = entry.index;
  apply_trigger(v.command, entry.index);
  settle(entry.index, entry.term, outcome);
}

void Replica::apply_trigger(const Command& command, LogIndex index) {
  if (const auto* split = std::get_if<SplitTrigger>(&command.trigger)) {
    descriptor_ = split->left;
    changed_at_ = index;
    store_.split_applied(*this, *split, index);
  } else if (const auto* replicas = std::get_if<ReplicasTrigger>(&command.trigger)) {
    descriptor_ = replicas->descriptor;
    changed_at_ = index;
  } else if (const auto* gc = std::get_if<GcTrigger>(&command.trigger)) {
    gc_ = *gc;
    engine().set_gc_threshold(descriptor_.span, gc_.threshold);
    return;
  } else {
    return;
  }
  if (leaseholder_ != nullptr && store_.on_descriptor_changed)
    store_.on_descriptor_changed(range());
}

void Replica::on_soft_state(const raft::SoftState& state) {
  if (state.role != raft::Role::kLeader || state.term != lease_term_) drop_lease();
  take_lease_if_due();
}

void Replica::take_lease_if_due() {
  const raft::Raft& core = group_->core();
  if (leaseholder_ != nullptr || handing_over_ || !core.leads() || !core.may_serve()) return;
  lease_term_ = core.term();
  lease_start_ = clock().now();
  if (adopted_ != nullptr && lease_term_ == kBirthTerm) {
    MARK("range: a split's child begins with its parent's locks");
    leaseholder_ = std::move(adopted_);
  } else {
    leaseholder_ =
        Leaseholder::create(*this, store_.resolver(), lease_start_, store_.options().planted);
  }
  adopted_.reset();
  if (!handed_over_locks_.empty()) {
    Status imported = leaseholder_->import_locks(handed_over_locks_);
    if (!imported.ok())
      env().log.warning("r{}: locks handed over can't be read: {}", range().value,
                        imported.message());
    handed_over_locks_.clear();
  }
  env().log.debug("r{} takes the lease in term {}", range().value, lease_term_.value);
  if (store_.on_descriptor_changed) store_.on_descriptor_changed(range());
}

void Replica::drop_lease() {
  handing_over_ = false;
  if (leaseholder_ == nullptr) return;
  env().log.debug("r{} drops the lease of term {}", range().value, lease_term_.value);
  leaseholder_->close(leader_node());
  store_.lease_dropped(leaseholder_);
  leaseholder_.reset();
}

Bytes Replica::on_hand_over(ReplicaId to) {
  handing_over_ = true;
  if (leaseholder_ == nullptr) return Bytes();
  Bytes locks = leaseholder_->export_locks();
  NodeId successor;
  for (const auto& r : descriptor_.replicas) {
    if (r.replica == to) successor = r.node;
  }
  leaseholder_->close(successor);
  return locks;
}

// Called by the leaseholder with a write latch on the whole span: nothing is in flight.
runtime::Task<Status> Replica::admin_split(SplitRequest request) {
  const RangeDescriptor before = descriptor_;
  Bytes at = request.at.empty() ? engine().middle_key(before.span) : request.at;
  if (at.empty() || at == before.span.start || !before.span.contains(at)) {
    co_return invalid_argument("range " + range().to_string() + " can't be split there");
  }
  if (group_ == nullptr || conf().joint() || changing()) co_return refuse_change();
  for (const auto& r : before.replicas) {
    if (r.role != ReplicaRole::kVoter) {
      MARK("range: no split while a learner catches up");
      co_return refuse_change();
    }
  }
  SplitTrigger trigger;
  trigger.left = before;
  trigger.left.span.end = at;
  ++trigger.left.generation;
  trigger.right.id = request.new_range;
  trigger.right.span = {at, before.span.end};
  trigger.right.generation = trigger.left.generation;
  for (const auto& r : before.replicas) {
    trigger.right.replicas.push_back(
        {r.node, r.store, trigger.right.next_replica, ReplicaRole::kVoter});
    trigger.right.next_replica = trigger.right.next_replica.next();
  }
  trigger.clock = clock().now();
  trigger.leaseholder = store();
  raft::ConfState right_conf;
  for (const auto& r : trigger.right.replicas) {
    right_conf.voters.insert(r.replica);
    right_conf.stores[r.replica] = r.store;
  }
  storage::WriteBatch batch;
  const auto put = [&](RangeId id, keys::RangeRecord record, const Bytes& value) {
    batch.put(storage::Keyspace::kRange, keys::range_record_key(id, record), value);
  };
  put(range(), keys::RangeRecord::kDescriptor, encode(trigger.left));
  put(request.new_range, keys::RangeRecord::kDescriptor, encode(trigger.right));
  put(request.new_range, keys::RangeRecord::kConf, encode(right_conf));
  if (!store_.options().planted.child_forgets_mark)
    put(request.new_range, keys::RangeRecord::kGc, encode(gc_));
  Command command;
  command.trigger = std::move(trigger);
  command.operations = batch.bytes();
  co_return co_await propose(std::move(command));
}

void Replica::on_handed_over(const raft::HandOver& hand_over) {
  handed_over_locks_ = hand_over.blob;
}

runtime::Task<Status> Replica::transfer_lease(NodeId to) {
  const ReplicaDescriptor* target = nullptr;
  for (const auto& r : descriptor_.replicas) {
    if (r.node == to && r.role == ReplicaRole::kVoter) target = &r;
  }
  if (target == nullptr) {
    co_return invalid_argument("node " + to.to_string() + " holds no replica of range " +
                               range().to_string());
  }
  if (target->replica == id_) co_return Status();
  raft::Refusal refusal = group_->transfer_leader(target->replica);
  if (refusal != raft::Refusal::kNone) {
    co_return unavailable("range " + range().to_string() +
                          ": lease transfer refused: " + std::string(raft::refusal_name(refusal)));
  }
  const runtime::Instant deadline = env().executor->now() + kTransferPatience;
  while (group_ != nullptr && group_->core().leads()) {
    if (env().executor->now() >= deadline) {
      MARK("range: a lease does not move in time");
      co_return unavailable("range " + range().to_string() + ": the lease did not move in time");
    }
    CO_RETURN_IF_ERROR(co_await runtime::sleep_for(*env().executor, std::chrono::milliseconds(10)));
  }
  co_return Status();
}

runtime::Task<Status> Replica::change_replicas(raft::ConfChange change, RangeDescriptor after) {
  if (leaseholder_ == nullptr) co_return unavailable("not the leaseholder");
  if (changing()) co_return refuse_change();
  const raft::Raft& core = group_->core();
  Command command;
  command.lease_term = core.term();
  command.clock = clock().now();
  command.trigger = ReplicasTrigger{after};
  name_proposal(command);
  storage::WriteBatch batch;
  batch.put(storage::Keyspace::kRange,
            keys::range_record_key(range(), keys::RangeRecord::kDescriptor), encode(after));
  command.operations = batch.bytes();
  change.context = encode(command);
  const raft::Proposed proposed = group_->propose_conf_change(change);
  note_change(proposed);
  co_return co_await wait_applied(proposed);
}

raft::SnapshotMeta Replica::snapshot_meta() const {
  raft::SnapshotMeta meta;
  meta.index = applied();
  meta.term = store_.engine().log().term(descriptor_.id, meta.index);
  meta.conf = group_ == nullptr ? initial_conf_ : group_->core().conf();
  return meta;
}

void Replica::send_snapshot(const raft::Message& message) {
  store_.send_snapshot(range(), message);
}

runtime::Task<Status> Replica::install_snapshot(raft::SnapshotMeta meta) {
  Status installed = co_await store_.install_snapshot(*this, meta);
  if (!installed.ok()) co_return installed;
  auto record = engine().view()->plain(
      storage::Keyspace::kRange, keys::range_record_key(range(), keys::RangeRecord::kDescriptor));
  if (!record.ok()) co_return record.status();
  if (!record->has_value()) co_return corruption("a snapshot without its range's descriptor");
  CO_RETURN_IF_ERROR(decode(**record, descriptor_));
  changed_at_ = meta.index;
  load_records();
  settle(meta.index, Term(), Status());
  co_return Status();
}

}  // namespace quorate::range
