#include "range/range_router.h"

#include <algorithm>

#include "base/mark.h"
#include "range/keys.h"
#include "runtime/fault_points.h"

namespace quorate::range {
namespace {

constexpr auto kRetryPause = std::chrono::milliseconds(20);
constexpr auto kWatchStep = std::chrono::milliseconds(200);
// How long a split may take to arrive in the directory.
constexpr auto kLocatePatience = std::chrono::seconds(5);
// A range that serves nowhere is looked for in the directory so often, so long.
constexpr auto kLookUpEvery = std::chrono::milliseconds(500);
constexpr uint64_t kLookUpPatienceMs = 500;
// Of a request's patience: what is left for the answer's way back, so that who waits at the other
// end tells that it waited in vain; and for telling the client that nobody serves. At most an
// eighth of it.
constexpr runtime::Duration kAnswerTime = std::chrono::milliseconds(500);
// Room for most requests at once.
constexpr size_t kRequestBytesUsual = 512;

bool may_write(const BatchRequest& request) {
  for (const Request& r : request.requests) {
    if (std::holds_alternative<CommitRequest>(r) || std::holds_alternative<EndTxnRequest>(r) ||
        std::holds_alternative<SplitRequest>(r)) {
      return true;
    }
  }
  return false;
}

bool commits(const BatchRequest& request) {
  return std::any_of(request.requests.begin(), request.requests.end(),
                     [](const Request& r) { return std::holds_alternative<CommitRequest>(r); });
}

// Mostly short; now and then longer than anybody who meets a staging has patience with it.
runtime::Duration draw_late(runtime::Random& random) {
  if (random.chance(0.3)) return std::chrono::milliseconds(random.below(8'000));
  const uint64_t most = uint64_t{1} << random.below(10);
  return std::chrono::milliseconds(random.below(most));
}

}  // namespace

RangeRouter::RangeRouter(runtime::Env& env, runtime::Hlc& clock, runtime::Rpc& rpc,
                         Cluster& cluster, Store& store)
    : env_(env),
      clock_(clock),
      rpc_(rpc),
      cluster_(cluster),
      store_(store),
      system_(env, clock, *this, cluster.self()),
      scope_(*env.executor) {}

RangeRouter::~RangeRouter() { scope_.cancel_all(); }

void RangeRouter::start() { scope_.spawn(watch_loop()); }

const RangeDescriptor* RangeRouter::by_id(RangeId range) const {
  auto start = starts_.find(range);
  if (start == starts_.end()) return nullptr;
  auto it = cache_.find(start->second);
  return it == cache_.end() || it->second.id != range ? nullptr : &it->second;
}

void RangeRouter::learn(const RangeDescriptor& descriptor) {
  if (!descriptor.id || descriptor.span.empty()) return;
  if (descriptor.span.start.empty()) cluster_.learn_root(descriptor);
  if (cache_.size() >= kCachedRangesMax) {
    cache_.clear();
    starts_.clear();
    leaseholders_.clear();
  }
  // Whatever overlaps and is older goes; when something overlapping is newer, what we were told is
  // old.
  auto it = cache_.upper_bound(descriptor.span.start);
  if (it != cache_.begin()) --it;
  while (it != cache_.end() && (descriptor.span.end.empty() || it->first < descriptor.span.end)) {
    if (!it->second.span.overlaps(descriptor.span)) {
      ++it;
      continue;
    }
    if (it->second.generation > descriptor.generation) {
      MARK("range: a router is told what it knows to be old");
      return;
    }
    starts_.erase(it->second.id);
    it = cache_.erase(it);
  }
  starts_[descriptor.id] = descriptor.span.start;
  cache_[descriptor.span.start] = descriptor;
}

void RangeRouter::forget(RangeId range) {
  auto start = starts_.find(range);
  if (start == starts_.end()) return;
  cache_.erase(start->second);
  starts_.erase(start);
}

const RangeDescriptor* RangeRouter::cached(BytesView key) {
  auto it = cache_.upper_bound(key);
  if (it == cache_.begin()) return nullptr;
  --it;
  return it->second.span.contains(key) ? &it->second : nullptr;
}

Router::Local RangeRouter::local(BytesView key) {
  const RangeDescriptor* known = cached(key);
  if (known == nullptr) return {};
  return {known, store_.local_leaseholder(known->id), store_.options().id};
}

runtime::Task<Result<RangeDescriptor>> RangeRouter::locate(Bytes key, runtime::CancelToken token) {
  if (const RangeDescriptor* known = cached(key)) co_return *known;
  if (Replica* local = store_.find_by_key(key); local != nullptr && local->started()) {
    learn(local->descriptor());
    if (const RangeDescriptor* known = cached(key)) co_return *known;
  }
  if (!cluster_.root()) {
    MARK("range: a node does not know where the directory is");
    co_return unavailable("this node does not know yet where the directory is");
  }
  if (cluster_.root()->span.contains(key)) {
    learn(*cluster_.root());
    co_return *cluster_.root();
  }
  const runtime::Instant deadline = env_.executor->now() + kLocatePatience;
  while (env_.executor->now() < deadline) {
    if (token.cancelled()) co_return token.status();
    CO_ASSIGN_OR_RETURN(RangeDescriptor found, co_await ask_directory(key, SystemKv::kPatienceMs));
    if (found.id && found.span.contains(key)) {
      learn(found);
      // Not kept: what is known of its left half is newer, and tells that it was split since.
      if (const RangeDescriptor* known = cached(key)) co_return *known;
    }
    MARK("range: the directory lacks a split's child");
    // Between a split and its arrival in the directory there is no word of the right half.
    CO_RETURN_IF_ERROR(co_await runtime::sleep_for(*env_.executor, kRetryPause, token));
  }
  co_return unavailable("the directory has no range for key " + escape_bytes(key));
}

runtime::Task<Result<RangeDescriptor>> RangeRouter::ask_directory(Bytes key, uint64_t patience_ms) {
  KeySpan span{keys::directory_key(""), key_successor(keys::directory_key(key))};
  CO_ASSIGN_OR_RETURN(SystemKv::Entry entry, co_await system_.last(std::move(span), patience_ms));
  RangeDescriptor found;
  if (!entry.value.empty()) CO_RETURN_IF_ERROR(decode(entry.value, found));
  co_return found;
}

// All whom the cached descriptor names were asked in vain: they may have been replaced.
runtime::Task<void> RangeRouter::look_up_anew(RangeId range) {
  const RangeDescriptor* known = by_id(range);
  if (known == nullptr || known->span.start.empty()) co_return;
  const Bytes start = known->span.start;
  auto found = co_await ask_directory(start, kLookUpPatienceMs);
  if (found.ok() && found->id && found->span.contains(start)) learn(*found);
}

uint64_t RangeRouter::patience_left(runtime::Instant deadline, runtime::Duration way_back) const {
  const runtime::Duration left = deadline - env_.executor->now() - way_back;
  return static_cast<uint64_t>(
      std::max<int64_t>(1, std::chrono::duration_cast<std::chrono::milliseconds>(left).count()));
}

// Who to ask: the one that was named, then the replicas in turn, silent nodes last.
NodeId RangeRouter::choose(const RangeDescriptor& descriptor, NodeId hint, size_t attempt) const {
  if (hint && cluster_.reachable(hint) && (attempt == 0 || cluster_.alive(hint))) return hint;
  std::vector<NodeId> order;
  for (const auto& r : descriptor.replicas) {
    if (r.role == ReplicaRole::kVoter && cluster_.alive(r.node) && cluster_.reachable(r.node))
      order.push_back(r.node);
  }
  if (order.empty()) {
    for (const auto& r : descriptor.replicas) order.push_back(r.node);
  }
  return order.empty() ? NodeId() : order[attempt % order.size()];
}

runtime::Task<BatchResponse> RangeRouter::deliver(NodeId to,
                                                  std::shared_ptr<const BatchRequest> request,
                                                  runtime::Instant deadline,
                                                  runtime::CancelToken token) {
  if (to == cluster_.self()) co_return co_await store_.serve(std::move(request), std::move(token));
  BatchResponse response;
  response.outcome = Outcome::kError;
  runtime::PeerId peer = cluster_.peer(to);
  if (peer == 0) {
    response.error = unavailable("no address of node " + to.to_string() + " is known");
    co_return response;
  }
  Call call;
  const NodeInfo* node = cluster_.find(to);
  call.incarnation = node == nullptr ? 0 : node->incarnation;
  auto registered = calls_.emplace(to, &call);
  struct Unregister {
    std::multimap<NodeId, Call*>& calls;
    std::multimap<NodeId, Call*>::iterator it;
    ~Unregister() { calls.erase(it); }
  } unregister{calls_, registered};
  runtime::CancelHook forward;
  forward.hook(token, [](void* c) { static_cast<Call*>(c)->cancel.cancel(cancelled()); }, &call);
  Bytes encoded;
  encoded.reserve(kRequestBytesUsual);
  Encoder encoder(encoded);
  encoder(*request);
  auto answer = co_await rpc_.call(peer, Store::kBatchMethod, std::move(encoded), deadline,
                                   call.cancel.token());
  if (!answer.ok()) {
    response.error = token.cancelled() ? token.status() : answer.status();
    co_return response;
  }
  Status decoded = decode(*answer, response);
  if (!decoded.ok()) {
    response.outcome = Outcome::kError;
    response.error = decoded;
  }
  co_return response;
}

runtime::Task<BatchResponse> RangeRouter::send(BatchRequest batch, runtime::CancelToken token) {
  auto request = std::make_shared<BatchRequest>(std::move(batch));
  const runtime::Instant deadline =
      env_.executor->now() + std::chrono::milliseconds(request->patience_ms);
  const runtime::Duration patience = std::chrono::milliseconds(request->patience_ms);
  const runtime::Duration way_back = std::min(kAnswerTime, patience / 8);
  const bool writes = may_write(*request);
  const RangeId range = request->range;
  bool sent_away = false;
  runtime::Instant looked_up = env_.executor->now();
  std::string last_reason;
  NodeId hint;
  if (auto known = leaseholders_.find(range); known != leaseholders_.end()) hint = known->second;
  if (store_.local_leaseholder(range) != nullptr) hint = cluster_.self();
  if (runtime::fires(env_.faults, runtime::FaultPoint::kForgetLease)) hint = NodeId();
  if (runtime::fires(env_.faults, runtime::FaultPoint::kForgetRange)) forget(range);
  for (size_t attempt = 0;; ++attempt) {
    BatchResponse response;
    // What was cached when the cluster was smaller may name only nodes that are gone: a replica of
    // our own knows better.
    const RangeDescriptor* descriptor = by_id(range);
    if (Replica* own = store_.find(range); sent_away && own != nullptr && own->started() &&
                                           descriptor != nullptr &&
                                           own->descriptor().generation > descriptor->generation) {
      MARK("range: a router learns from its own replica");
      learn(own->descriptor());
      descriptor = by_id(range);
    }
    // The directory's own range is gossiped.
    if (attempt > 0 && descriptor != nullptr && descriptor->span.start.empty() && cluster_.root()) {
      learn(*cluster_.root());
      descriptor = by_id(range);
    }
    NodeId to = hint;
    uint64_t generation = request->generation;
    if (descriptor != nullptr) {
      to = choose(*descriptor, hint, attempt);
      generation = descriptor->generation;
    }
    if (!to) {
      MARK("range: a range is forgotten while it is asked for");
      response.outcome = Outcome::kRangeMismatch;  // forgotten meanwhile: the caller locates again
      co_return response;
    }
    // Somebody may still look at an earlier one.
    if (request.use_count() > 1) request = std::make_shared<BatchRequest>(*request);
    request->generation = generation;
    request->now = clock_.now();
    if (to != cluster_.self()) request->patience_ms = patience_left(deadline, way_back);
    response = co_await deliver(to, request, deadline, token);
    if (to != cluster_.self() && commits(*request)) {
      if (runtime::fires(env_.faults, runtime::FaultPoint::kRepeatCommit))
        scope_.spawn(repeat(to, std::make_shared<BatchRequest>(*request)));
      if (runtime::fires(env_.faults, runtime::FaultPoint::kLoseAnswer)) {
        const runtime::Duration late = draw_late(*env_.random);
        (void)co_await runtime::sleep_for(*env_.executor, late, token);
        response = BatchResponse();
        response.outcome = Outcome::kError;
        response.error = unavailable("the answer is lost");
      }
    }
    if (response.now) (void)clock_.update(response.now);
    for (const RangeDescriptor& d : response.descriptors) learn(d);
    switch (response.outcome) {
      case Outcome::kOk:
      case Outcome::kNeedTimestamp:
        leaseholders_[range] = to;
        co_return response;
      case Outcome::kRangeMismatch:
        co_return response;
      case Outcome::kNotLeaseholder:
        hint = response.leaseholder == to ? NodeId() : response.leaseholder;
        last_reason = "it has no leaseholder";
        break;
      case Outcome::kError: {
        if (to == cluster_.self() || token.cancelled()) co_return response;
        // From the transport, or an answer? Only what never reached the other side's evaluation may
        // be tried again.
        const StatusCode code = response.error.code();
        if (response.now ||
            (code != StatusCode::kUnavailable && code != StatusCode::kDeadlineExceeded &&
             code != StatusCode::kCancelled)) {
          co_return response;
        }
        MARK("range: a node does not answer");
        sent_away = true;
        last_reason = "node " + to.to_string() + " does not answer";
        hint = NodeId();
        break;
      }
    }
    leaseholders_.erase(range);
    if (env_.executor->now() + kRetryPause + way_back >= deadline) {
      MARK_IF(writes && sent_away, "range: a router does not know what became of a write");
      const std::string what = "range " + range.to_string() + " is not available: " + last_reason;
      response.outcome = Outcome::kError;
      response.error = writes && sent_away
                           ? ambiguous(what + "; the write may or may not have happened")
                           : unavailable(what);
      co_return response;
    }
    if (attempt == 0) continue;
    Status slept = co_await runtime::sleep_for(*env_.executor, kRetryPause, token);
    if (!slept.ok()) {
      response.outcome = Outcome::kError;
      response.error = slept;
      co_return response;
    }
    if (env_.executor->now() - looked_up < kLookUpEvery) continue;
    MARK("range: a range that nobody serves is looked up anew");
    co_await look_up_anew(range);
    looked_up = env_.executor->now();
  }
}

// As the network does it.
runtime::Task<void> RangeRouter::repeat(NodeId to, std::shared_ptr<const BatchRequest> request) {
  const runtime::Duration late = draw_late(*env_.random);
  Status slept = co_await runtime::sleep_for(*env_.executor, late);
  if (!slept.ok()) co_return;
  const runtime::Instant deadline =
      env_.executor->now() + std::chrono::milliseconds(request->patience_ms);
  (void)co_await deliver(to, std::move(request), deadline, {});
}

// Calls to a node that has gone silent or was restarted are given up, so that they can be made
// elsewhere.
runtime::Task<void> RangeRouter::watch_loop() {
  for (;;) {
    Status slept = co_await runtime::sleep_for(*env_.executor, kWatchStep);
    if (!slept.ok()) co_return;
    std::vector<Call*> lost;
    for (auto& [node, call] : calls_) {
      const NodeInfo* info = cluster_.find(node);
      if (!cluster_.alive(node) || (info != nullptr && info->incarnation != call->incarnation))
        lost.push_back(call);
    }
    for (Call* call : lost) {
      MARK("range: calls to a node that went away are given up");
      call->cancel.cancel(unavailable("the node went away"));
    }
  }
}

}  // namespace quorate::range
