#include "range/upkeep.h"

#include "base/mark.h"
#include "range/keys.h"

namespace quorate::range {
namespace {

constexpr RangeId kDirectoryRange{1};
constexpr int kFavouredSteps = 4;  // how long one gateway must lead before the lease follows it
constexpr auto kLeaseRest = std::chrono::seconds(10);
constexpr int kPiecesAStep = 20;  // of the records that are collected

Timestamp before(Timestamp now, runtime::Duration d) {
  return now.add_micros(-std::chrono::duration_cast<std::chrono::microseconds>(d).count());
}

}  // namespace

Upkeep::Upkeep(runtime::Env& env, runtime::Hlc& clock, Cluster& cluster, Store& store,
               RangeRouter& router, Options options)
    : env_(env),
      clock_(clock),
      cluster_(cluster),
      store_(store),
      router_(router),
      options_(options),
      retirement_(env, cluster, store),
      replicator_(env, clock, cluster, store, retirement_,
                  {options.replicas, options.replace_after}),
      scrubber_(env, store, options.scrub),
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
    co_await retirement_.step();
    co_await scrubber_.step();
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
      MARK("range: the directory can't be updated");
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

BatchRequest Upkeep::request_to(const RangeDescriptor& descriptor, Request request) {
  BatchRequest batch;
  batch.range = descriptor.id;
  batch.generation = descriptor.generation;
  batch.now = clock_.now();
  batch.gateway = cluster_.self();
  batch.requests.push_back(std::move(request));
  return batch;
}

runtime::Task<Status> Upkeep::replicate(RangeId range) { return replicator_.step(range); }

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
  if (response.outcome == Outcome::kOk) {
    MARK("range: a range is split for its size");
    env_.log.info("r{}: split for its size; the right half is r{}", range.value, id);
  }
  co_return Status();
}

// What is younger than `history` is kept for everybody; older versions while an open transaction
// may read them, which its node tells in time, since it tells it twice a second.
Timestamp Upkeep::history_threshold() const {
  const Timestamp now = clock_.peek();
  Timestamp threshold = before(now, options_.history);
  for (const auto& [id, node] : cluster_.nodes()) {
    if (node.oldest_read && cluster_.alive(id)) threshold = std::min(threshold, node.oldest_read);
  }
  return std::max(threshold, before(now, options_.history_most));
}

runtime::Task<Status> Upkeep::collect(RangeId range) {
  RangeState& state = states_[range];
  const runtime::Instant now = env_.executor->now();
  if (now < state.next_collection) co_return Status();
  const bool first = state.next_collection == runtime::Instant();
  state.next_collection = now + options_.collect_every;
  if (first) co_return Status();
  const GcRequest gc{history_threshold(), before(clock_.peek(), options_.records)};
  for (int piece = 0; piece < kPiecesAStep; ++piece) {
    Replica* replica = led(range);
    if (replica == nullptr) co_return Status();
    std::shared_ptr<Leaseholder> leaseholder = replica->leaseholder();
    BatchRequest batch = request_to(replica->descriptor(), gc);
    BatchResponse response = co_await leaseholder->serve(std::move(batch), {});
    if (response.outcome == Outcome::kError) co_return response.error;
    if (response.outcome != Outcome::kOk) co_return Status();
    leaseholder->sweep(gc.records_before);
    if (!leaseholder->collecting()) co_return Status();
    co_await runtime::yield(*env_.executor);
  }
  MARK("range: collection goes on with the next step");
  states_[range].next_collection = now;  // goes on with the next step
  co_return Status();
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
  if (const NodeInfo* node = cluster_.find(favourite); node != nullptr && node->draining)
    co_return Status();
  const RangeDescriptor& descriptor = replica->descriptor();
  for (const auto& r : descriptor.replicas) {
    if (r.node != favourite || r.role != ReplicaRole::kVoter) continue;
    state.lease_moved = now;
    MARK("range: a lease follows its traffic");
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
    LogIndex upto = store_.options().planted.truncate_applied
                        ? replica->applied()
                        : store_.engine().checkpointed_index(range);
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
