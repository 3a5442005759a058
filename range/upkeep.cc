#include "range/upkeep.h"

#include "range/keys.h"

namespace quorate::range {
namespace {

constexpr RangeId kDirectoryRange{1};
constexpr int kFavouredSteps = 4;  // how long one gateway must lead before the lease follows it
constexpr auto kLeaseRest = std::chrono::seconds(10);

}  // namespace

Upkeep::Upkeep(runtime::Env& env, runtime::Hlc& clock, Cluster& cluster, Store& store,
               RangeRouter& router, Options options)
    : env_(env),
      clock_(clock),
      cluster_(cluster),
      store_(store),
      router_(router),
      options_(options),
      scope_(*env.executor) {}

Upkeep::~Upkeep() { scope_.cancel_all(); }

void Upkeep::start() { scope_.spawn(loop()); }

Replica* Upkeep::led(RangeId range) {
  Replica* replica = store_.find(range);
  return replica == nullptr || replica->leaseholder() == nullptr ? nullptr : replica;
}

runtime::Task<void> Upkeep::loop() {
  for (;;) {
    std::vector<RangeId> ranges;
    uint64_t leases = 0;
    for (const auto& [range, replica] : store_.replicas()) {
      ranges.push_back(range);
      if (replica->leaseholder() != nullptr) ++leases;
      if (range == kDirectoryRange) cluster_.learn_root(replica->descriptor());
    }
    cluster_.mutable_self().ranges = ranges.size();
    cluster_.mutable_self().leases = leases;
    for (RangeId range : ranges) {
      if (led(range) == nullptr) {
        states_.erase(range);
        continue;
      }
      co_await look_after(range);
    }
    truncate_logs();
    Status slept = co_await runtime::sleep_for(*env_.executor, options_.step);
    if (!slept.ok()) co_return;
  }
}

runtime::Task<void> Upkeep::look_after(RangeId range) {
  Replica* replica = led(range);
  RangeState& state = states_[range];
  const RangeDescriptor descriptor = replica->descriptor();
  const Term term = replica->group().core().term();
  if (state.published < descriptor.generation || state.published_in != term) {
    Status published = co_await publish(descriptor);
    if (published.ok()) {
      states_[range].published = descriptor.generation;
      states_[range].published_in = term;
    } else {
      env_.log.info("r{}: directory not updated yet: {}", range.value, published.message());
    }
  }
  if (led(range) != nullptr) led(range)->leaseholder()->sweep_runs();
  static constexpr runtime::Task<Status> (Upkeep::* kSteps[])(RangeId) = {
      &Upkeep::replicate, &Upkeep::split_if_large, &Upkeep::follow_traffic, &Upkeep::collect};
  for (auto step : kSteps) {
    if (led(range) == nullptr) co_return;
    Status done = co_await (this->*step)(range);
    if (!done.ok()) env_.log.info("r{}: upkeep: {}", range.value, done.to_string());
  }
}

runtime::Task<Status> Upkeep::publish(RangeDescriptor descriptor) {
  const Bytes key = keys::directory_key(descriptor.span.start);
  CO_ASSIGN_OR_RETURN(SystemKv::Entry entry, co_await router_.system().get(key));
  RangeDescriptor known;
  if (!entry.value.empty()) CO_RETURN_IF_ERROR(decode(entry.value, known));
  if (known.generation >= descriptor.generation) co_return Status();
  co_return co_await router_.system().put(key, encode(descriptor), entry.version);
}

// The living node with the fewest ranges that has no replica yet.
NodeId Upkeep::choose_node(const RangeDescriptor& descriptor) const {
  NodeId best;
  uint64_t fewest = ~uint64_t{0};
  for (const auto& [id, node] : cluster_.nodes()) {
    bool has = std::any_of(descriptor.replicas.begin(), descriptor.replicas.end(),
                           [id = id](const ReplicaDescriptor& r) { return r.node == id; });
    if (has || node.draining || !cluster_.alive(id) || node.ranges >= fewest) continue;
    best = id;
    fewest = node.ranges;
  }
  return best;
}

runtime::Task<Status> Upkeep::replicate(RangeId range) {
  Replica* replica = led(range);
  const RangeDescriptor before = replica->descriptor();
  const raft::Raft& core = replica->group().core();
  if (core.conf().joint()) co_return Status();
  size_t voters = 0;
  for (const auto& r : before.replicas) {
    if (r.role == ReplicaRole::kVoter) ++voters;
  }
  for (size_t i = 0; i < before.replicas.size(); ++i) {
    const ReplicaDescriptor& r = before.replicas[i];
    if (r.role != ReplicaRole::kLearner) continue;
    // A learner becomes a voter when it has caught up.
    auto progress = core.progress().find(r.replica);
    if (progress == core.progress().end()) co_return Status();
    // One that has not, or whose store promises nothing, would leave the range without a quorum.
    const raft::Progress& pr = progress->second;
    if (pr.state != raft::Progress::State::kReplicate || !pr.match || !pr.accepted_epoch ||
        pr.match.value + 100 < core.log().committed().value || !cluster_.alive(r.node) ||
        store_.liveness().supported_until(r.store) <= clock_.peek()) {
      co_return Status();
    }
    RangeDescriptor after = before;
    after.replicas[i].role = ReplicaRole::kVoter;
    ++after.generation;
    raft::ConfChange change;
    change.steps.push_back({raft::ConfChangeOp::kAddVoter, r.replica, r.store});
    CO_RETURN_IF_ERROR(co_await replica->change_replicas(std::move(change), after));
    env_.log.info("r{}: replica {} on n{} votes from now on", range.value, r.replica.value,
                  r.node.value);
    co_return Status();
  }
  if (voters >= options_.replicas) co_return Status();
  const NodeId node = choose_node(before);
  if (!node) co_return Status();
  RangeDescriptor after = before;
  const ReplicaId added = after.next_replica;
  after.next_replica = added.next();
  after.replicas.push_back({node, StoreId(node.value), added, ReplicaRole::kLearner});
  ++after.generation;
  raft::ConfChange change;
  change.steps.push_back({raft::ConfChangeOp::kAddLearner, added, StoreId(node.value)});
  CO_RETURN_IF_ERROR(co_await replica->change_replicas(std::move(change), after));
  env_.log.info("r{}: replica {} is added on n{}: {} of {} voters", range.value, added.value,
                node.value, voters, options_.replicas);
  co_return Status();
}

BatchRequest Upkeep::request_to(const RangeDescriptor& descriptor, Request request) {
  BatchRequest batch;
  batch.range = descriptor.id;
  batch.generation = descriptor.generation;
  batch.now = clock_.now();
  batch.gateway = cluster_.self();
  batch.requests.push_back(std::move(request));
  return batch;
}

runtime::Task<Status> Upkeep::split_if_large(RangeId range) {
  // The directory stays whole: nodes find it as one range.
  if (range == kDirectoryRange) co_return Status();
  Replica* replica = led(range);
  const RangeDescriptor descriptor = replica->descriptor();
  const uint64_t loading = replica->leaseholder()->run_bytes();
  if (store_.engine().span_stats(descriptor.span).bytes + loading < options_.split_bytes)
    co_return Status();
  if (loading == 0 && store_.engine().middle_key(descriptor.span).empty()) co_return Status();
  CO_ASSIGN_OR_RETURN(uint64_t id,
                      co_await router_.system().take(keys::system_key("next_range"), 1, 100));
  replica = led(range);
  if (replica == nullptr) co_return Status();
  SplitRequest split;
  split.new_range = RangeId(id);
  BatchRequest batch = request_to(descriptor, std::move(split));
  std::shared_ptr<Leaseholder> leaseholder = replica->leaseholder();
  BatchResponse response = co_await leaseholder->serve(std::move(batch), {});
  // Between runs that all overlap there is no border: when they are published there will be.
  if (response.outcome == Outcome::kError)
    co_return loading > 0 ? Status() : std::move(response.error);
  if (response.outcome == Outcome::kOk)
    env_.log.info("r{}: split for its size; the right half is r{}", range.value, id);
  co_return Status();
}

runtime::Task<Status> Upkeep::collect(RangeId range) {
  RangeState& state = states_[range];
  const runtime::Instant now = env_.executor->now();
  if (now < state.next_collection) co_return Status();
  const bool first = state.next_collection == runtime::Instant();
  state.next_collection = now + options_.collect_every;
  if (first) co_return Status();
  auto before = [&](runtime::Duration d) {
    return clock_.peek().add_micros(
        -std::chrono::duration_cast<std::chrono::microseconds>(d).count());
  };
  Replica* replica = led(range);
  std::shared_ptr<Leaseholder> leaseholder = replica->leaseholder();
  GcRequest gc{before(options_.history), before(options_.records)};
  BatchRequest batch = request_to(replica->descriptor(), gc);
  BatchResponse response = co_await leaseholder->serve(std::move(batch), {});
  co_return response.outcome == Outcome::kError ? response.error : Status();
}

// Design §7: the lease goes, with damping, to the node that sends most of the range's requests.
runtime::Task<Status> Upkeep::follow_traffic(RangeId range) {
  Replica* replica = led(range);
  RangeState& state = states_[range];
  const RangeLoad load = replica->leaseholder()->take_load();
  NodeId favourite;
  if (load.requests >= options_.lease_requests_least) {
    for (const auto& [node, requests] : load.by_gateway) {
      if (static_cast<double>(requests) >=
          options_.lease_majority * static_cast<double>(load.requests))
        favourite = node;
    }
  }
  if (!favourite || favourite == cluster_.self() || favourite != state.favourite) {
    state.favourite = favourite;
    state.favoured = 0;
    co_return Status();
  }
  const runtime::Instant now = env_.executor->now();
  if (++state.favoured < kFavouredSteps || now - state.lease_moved < kLeaseRest ||
      !cluster_.alive(favourite)) {
    co_return Status();
  }
  const RangeDescriptor& descriptor = replica->descriptor();
  for (const auto& r : descriptor.replicas) {
    if (r.node != favourite || r.role != ReplicaRole::kVoter) continue;
    state.lease_moved = now;
    env_.log.info("r{}: the lease follows its traffic to n{}", range.value, favourite.value);
    co_return co_await replica->transfer_lease(favourite);
  }
  co_return Status();
}

// What the checkpoint holds need not stay in the log, but for followers that are not far behind.
void Upkeep::truncate_logs() {
  storage::LogStore& log = store_.engine().log();
  for (const auto& [range, replica] : store_.replicas()) {
    if (!replica->started()) continue;
    LogIndex upto = store_.engine().checkpointed_index(range);
    const raft::Raft& core = replica->group().core();
    if (core.leads()) {
      for (const auto& [id, progress] : core.progress()) {
        if (progress.match.value + options_.log_entries_kept > log.last_index(range).value) {
          upto = std::min(upto, progress.match);
        }
      }
    } else if (upto.value > options_.log_entries_kept) {
      // A follower may have to lead and then to serve those behind it.
      upto = std::min(upto,
                      LogIndex(log.last_index(range).value -
                               std::min(log.last_index(range).value, options_.log_entries_kept)));
    } else {
      continue;
    }
    if (upto < log.first_index(range)) continue;
    Term term = log.term(range, upto);
    if (term) log.truncate_prefix(range, upto, term);
  }
}

}  // namespace quorate::range
