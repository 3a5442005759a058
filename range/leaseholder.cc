#include "range/leaseholder.h"

#include <algorithm>

#include "base/limits.h"
#include "base/mark.h"
#include "range/eval/evaluation.h"
#include "range/eval/latch_plan.h"
#include "range/eval/runs.h"
#include "runtime/sync.h"

namespace quorate::range {

namespace {

using runtime::CancelToken;
using runtime::Instant;
using runtime::Task;

// Before anyone pushes a staged transaction: its coordinator is usually about to resolve it.
constexpr runtime::Duration kResolutionGrace = std::chrono::milliseconds(1);
constexpr runtime::Duration kResolutionRetry = std::chrono::milliseconds(50);
// Intents that a sweep looks at, and transactions that are found out about beside each other for
// it.
constexpr size_t kSweepMax = 1'000, kSweptMax = 64;
constexpr size_t kHandOverFormat = 1;

struct HandOver {
  uint64_t format = kHandOverFormat;
  Timestamp clock;
  std::vector<LockTable::Exported> locks;
  template <class A>
  void serialize(A& a) {
    a(format, clock, locks);
  }
};

// One batch on its way. Lives in serve()'s frame.
struct Run {
  Run(ReplicaContext& context, RangeState& state, PlantedBugs planted,
      std::shared_ptr<const BatchRequest> r)
      : shared(std::move(r)),
        request(*shared),
        writes(may_write(request)),
        eval{.context = context, .state = state, .planted = planted, .txn = request.txn} {
    eval.may_yield = !writes;
  }
  Run(const Run&) = delete;

  const std::shared_ptr<const BatchRequest> shared;
  const BatchRequest& request;
  const bool writes;
  Evaluation eval;
  BatchResponse out;
  Instant deadline;
  LeaseView lease;
  Latches::Guard guard;
  // The request that is evaluated next, and how far it has come. Batches that may write begin
  // again from the first after every wait; others go on where they were, since what they have read
  // can't change any more.
  size_t next = 0;
  Progress progress;
};

class LeaseholderImpl final : public Leaseholder {
 public:
  LeaseholderImpl(ReplicaContext& context, ConflictResolver& resolver, Timestamp low_water,
                  PlantedBugs planted)
      : context_(context),
        resolver_(resolver),
        planted_(planted),
        executor_(*context.env().executor),
        latches_(executor_),
        state_(
            executor_,
            [this](const TxnHeader& t) {
              return !t.coordinator ||
                     context_.coordinator_alive(t.coordinator, t.coordinator_epoch);
            },
            low_water, context.limits()),
        resolving_(executor_) {
    if (planted_.forget_reads) state_.reads = TimestampCache(Timestamp());
    count_intents();
  }
  ~LeaseholderImpl() override { resolving_.cancel_all(); }

  using Leaseholder::serve;
  Task<BatchResponse> serve(std::shared_ptr<const BatchRequest> request,
                            CancelToken token) override;
  bool try_get(const Reader& reader, const GetView& get, GetResponse* out) override;
  bool try_scan(const Reader& reader, const ScanRequest& scan, ScanResponse* out) override;
  void close(NodeId successor_hint) override;
  void abandon() override { resolving_.cancel_all(); }
  std::unique_ptr<Leaseholder> split_off(ReplicaContext& right, Bytes at) override;
  Bytes export_locks() override;
  Status import_locks(BytesView blob) override;
  std::vector<LockInfo> locks() const override { return state_.locks.list(); }
  Kept kept() const override {
    return {state_.recent.size(), state_.reads.spans(), state_.reads.slots(), state_.runs.size()};
  }
  bool abort_waits(TxnId victim, Status reason) override {
    return state_.locks.abort_waits(victim, reason);
  }
  void drop_locks(TxnId txn) override { state_.locks.release_all(txn, false); }
  bool collecting() const override { return !state_.collect_from.empty(); }
  RangeLoad take_load() override { return std::exchange(load_, RangeLoad()); }
  uint64_t run_bytes() const override { return state_.runs.bytes(); }
  void sweep_runs() override;
  void sweep(Timestamp before) override;

 private:
  // Readers that wait for an intent, and the task that finds out about its transaction.
  struct Resolution {
    explicit Resolution(runtime::Executor& executor) : waiters(executor) {}
    Bytes anchor;
    std::set<Bytes> keys;
    bool left_behind = false;  // its record is here, and nobody else may come to finish it
    bool waits = true;         // until it has ended
    runtime::WaitList waiters;
    runtime::CancelSource cancel;
  };

  bool open_in_place(Evaluation& e);
  void set_uncertainty(Evaluation& e, const LeaseView& lease);
  bool admit(Run& run);
  bool may_serve(Run& run);
  bool latch(Run& run);
  Task<Status> wait_for_room(Run& run, CancelToken token);
  Verdict evaluate(Run& run);
  Verdict evaluate_one(Run& run);
  Task<Status> wait_out(Run& run, CancelToken token);
  Task<void> propose(Run& run);
  Command command_of(Run& run);
  void take_effect(Run& run);
  void take_runs_effect(Run& run);
  Bytes split_point(const Bytes& wanted);
  Task<void> administer(Run& run, CancelToken token);
  void answer_error(Run& run, Status error);
  void answer_not_leaseholder(Run& run, NodeId hint);

  void count_intents();
  void start_resolution(const TxnId& txn, const Bytes& anchor, const Bytes& key);
  void sweep_intents(Timestamp before);
  Task<void> resolve(TxnId txn);
  Task<bool> resolve_runs(TxnId txn, TxnStatus status, Timestamp commit_ts, CancelToken token);
  Task<bool> resolve_once(TxnId txn, Bytes anchor, CancelToken token);
  void end_resolution(const TxnId& txn, bool resolved);

  void count_request(NodeId gateway);
  void count_rows(const Run& run);

  ReplicaContext& context_;
  ConflictResolver& resolver_;
  const PlantedBugs planted_;
  runtime::Executor& executor_;
  Latches latches_;
  RangeState state_;
  RangeLoad load_;
  bool runs_uncertain_ = false;  // a proposal's fate was unknown
  bool closed_ = false;
  NodeId successor_;
  Bytes sweep_from_;  // where the next sweep goes on; empty: from the start
  std::map<TxnId, std::unique_ptr<Resolution>> resolutions_;
  runtime::TaskScope resolving_;
};

Task<BatchResponse> LeaseholderImpl::serve(std::shared_ptr<const BatchRequest> request,
                                           CancelToken token) {
  count_request(request->gateway);
  Run run(context_, state_, planted_, std::move(request));
  if (!admit(run)) co_return std::move(run.out);
  if (std::holds_alternative<SplitRequest>(run.request.requests[0]) ||
      std::holds_alternative<TransferLeaseRequest>(run.request.requests[0])) {
    co_await administer(run, token);
    co_return std::move(run.out);
  }
  for (;;) {
    // A checkpoint that finds no room gets it by what collection lets go.
    const bool collects = std::holds_alternative<GcRequest>(run.request.requests[0]);
    if (run.writes && !collects && context_.engine().write_stalled()) {
      MARK("range: a write waits for a checkpoint");
      Status room = co_await wait_for_room(run, token);
      if (!room.ok()) {
        answer_error(run, std::move(room));
        break;
      }
    }
    if (!latch(run)) {
      Status latched = co_await latches_.wait(run.guard, token, run.deadline);
      if (!latched.ok()) {
        MARK("range: a latch is waited for in vain");
        run.guard.release();
        answer_error(run, std::move(latched));
        break;
      }
    }
    if (!may_serve(run)) break;
    const Verdict verdict = evaluate(run);
    if (verdict == Verdict::kDone) {
      if (!run.eval.need) co_await propose(run);
      break;
    }
    run.guard.release();
    if (verdict == Verdict::kFailed) {
      answer_error(run, std::move(run.eval.error));
      break;
    }
    if (verdict == Verdict::kYield) {
      MARK("range: a long read lets others run");
      co_await runtime::yield(executor_);
      continue;
    }
    Status waited = co_await wait_out(run, token);
    if (!waited.ok()) {
      answer_error(run, std::move(waited));
      break;
    }
  }
  run.guard.release();
  if (run.out.outcome == Outcome::kOk && run.eval.need) {
    MARK("range: a batch needs a later timestamp");
    run.out.outcome = Outcome::kNeedTimestamp;
    run.out.need = run.eval.need;
    run.out.responses.clear();
  }
  if (run.out.outcome != Outcome::kOk) run.out.responses.clear();
  count_rows(run);
  run.out.now = context_.clock().peek();
  co_return std::move(run.out);
}

// What does not change while the batch is served.
bool LeaseholderImpl::admit(Run& run) {
  const BatchRequest& request = run.request;
  run.out.store = context_.store();
  run.out.now = context_.clock().peek();
  run.deadline = executor_.now() + std::chrono::milliseconds(request.patience_ms);
  if (request.requests.empty()) {
    answer_error(run, internal_error("an empty batch"));
    return false;
  }
  Status clock = context_.clock().update(std::max(request.now, request.txn.read_ts));
  if (!clock.ok()) {
    answer_error(run, std::move(clock));
    return false;
  }
  Evaluation& e = run.eval;
  e.read_ts = request.txn.read_ts ? request.txn.read_ts : context_.clock().now();
  run.out.responses.reserve(request.requests.size());
  if (!may_serve(run)) return false;
  set_uncertainty(e, run.lease);
  return true;
}

// Safety, observed: only what was taken under this lease bounds the uncertainty.
void LeaseholderImpl::set_uncertainty(Evaluation& e, const LeaseView& lease) {
  e.uncertainty = std::max(e.read_ts, e.txn.uncertainty);
  if (planted_.ignore_uncertainty) e.uncertainty = e.read_ts;
  if (e.txn.observed && (e.txn.observed >= lease.start || planted_.observed_before_lease))
    e.uncertainty = std::max(e.read_ts, std::min(e.uncertainty, e.txn.observed));
}

// What admit() and may_serve() look at, for a read that does not wait.
bool LeaseholderImpl::open_in_place(Evaluation& e) {
  e.read_ts = e.txn.read_ts;
  if (closed_ || runs_uncertain_ || !e.read_ts) return false;
  if (!context_.clock().update(e.read_ts).ok()) return false;
  const LeaseView lease = context_.lease(e.read_ts);
  if (!lease.held) return false;
  if (e.read_ts < context_.gc_threshold() && !planted_.gc_threshold_unchecked) return false;
  set_uncertainty(e, lease);
  e.view = &context_.engine().view_now();
  return true;
}

bool LeaseholderImpl::try_get(const Reader& reader, const GetView& get, GetResponse* out) {
  Evaluation e{.context = context_, .state = state_, .planted = planted_, .txn = reader.txn};
  if (!open_in_place(e)) return false;
  const KeySpan& span = context_.descriptor().span;
  const Timestamp at = get.lock == LockMode::kNone ? e.read_ts : Timestamp::max();
  for (const Bytes& key : get.keys) {
    if (!span.contains(key)) return false;
    if (!latches_.free_to_read(LatchSpace::kRows, BytesView(key), at) &&
        !planted_.read_past_latches)
      return false;
  }
  if (eval_get(e, get, *out) != Verdict::kDone || e.need) return false;
  count_request(reader.gateway);
  load_.rows_read += out->rows.size();
  return true;
}

bool LeaseholderImpl::try_scan(const Reader& reader, const ScanRequest& scan, ScanResponse* out) {
  if (scan.rows_max == 0 || scan.rows_max > limits::kScanYieldRows) return false;
  Evaluation e{.context = context_, .state = state_, .planted = planted_, .txn = reader.txn};
  if (!open_in_place(e) || !context_.descriptor().span.contains(scan.span)) return false;
  const Timestamp at = scan.lock == LockMode::kNone ? e.read_ts : Timestamp::max();
  if (!latches_.free_to_read(LatchSpace::kRows, scan.span, at) && !planted_.read_past_latches)
    return false;
  e.may_yield = true;
  Progress progress;
  if (eval_scan(e, scan, *out, progress) != Verdict::kDone || e.need) return false;
  count_request(reader.gateway);
  load_.rows_read += out->rows.size();
  return true;
}

// What may have changed over any wait.
bool LeaseholderImpl::may_serve(Run& run) {
  run.lease = context_.lease(run.eval.read_ts);
  if (closed_ || !run.lease.held) {
    answer_not_leaseholder(run, closed_ ? successor_ : run.lease.leaseholder_hint);
    return false;
  }
  const RangeDescriptor& descriptor = context_.descriptor();
  if (run.request.range != descriptor.id || !lies_in(run.request, descriptor.span)) {
    MARK("range: a batch comes for a range that has changed");
    run.out.outcome = Outcome::kRangeMismatch;
    run.out.descriptors = {descriptor};
    return false;
  }
  if (run.eval.read_ts < context_.gc_threshold() && !run.writes &&
      !planted_.gc_threshold_unchecked) {
    MARK("range: a read of versions that are gone");
    answer_error(run, aborted("could not serialize access: snapshot too old",
                              sqlstate::kSerializationFailure)
                          .with_detail("The row versions that it would read are gone."));
    return false;
  }
  return true;
}

// False: the guard must be waited for.
bool LeaseholderImpl::latch(Run& run) {
  if (!run.writes &&
      (planted_.read_past_latches || free_to_evaluate(latches_, run.request, run.eval.read_ts)))
    return true;
  run.guard =
      latches_.enqueue(latches_of(run.request, run.eval.read_ts, context_.descriptor().span));
  return run.guard.granted() || (run.writes && planted_.write_past_latches);
}

Task<Status> LeaseholderImpl::wait_for_room(Run& run, CancelToken token) {
  Status s = co_await context_.engine().wait_for_room(token, run.deadline);
  co_return s;
}

Verdict LeaseholderImpl::evaluate(Run& run) {
  Evaluation& e = run.eval;
  std::unique_ptr<storage::ReadView> view = context_.engine().view();
  e.view = view.get();
  if (runs_uncertain_) {
    MARK("range: runs are looked up after a proposal of unknown fate");
    Status loaded = state_.runs.load(*view, context_.descriptor().span);
    if (!loaded.ok()) return e.fail(std::move(loaded));
  }
  if (run.writes) {
    e.reset();
    run.out.responses.clear();
    run.next = 0;
    run.progress = Progress();
  }
  while (run.next < run.request.requests.size()) {
    if (run.out.responses.size() == run.next) run.out.responses.emplace_back();
    if (Verdict v = evaluate_one(run); v != Verdict::kDone) return v;
    ++run.next;
    run.progress = Progress();
  }
  return Verdict::kDone;
}

Verdict LeaseholderImpl::evaluate_one(Run& run) {
  Evaluation& e = run.eval;
  const Request& request = run.request.requests[run.next];
  Response& out = run.out.responses[run.next];
  auto into = [&]<class T>(std::in_place_type_t<T>) -> T& {
    return std::holds_alternative<T>(out) ? std::get<T>(out) : out.emplace<T>();
  };
  if (auto* r = std::get_if<GetRequest>(&request))
    return eval_get(e, r->view(), into(std::in_place_type<GetResponse>));
  if (auto* r = std::get_if<ScanRequest>(&request))
    return eval_scan(e, *r, into(std::in_place_type<ScanResponse>), run.progress);
  if (auto* r = std::get_if<RefreshRequest>(&request))
    return eval_refresh(e, *r, into(std::in_place_type<RefreshResponse>), run.progress);
  if (auto* r = std::get_if<CommitRequest>(&request)) {
    auto& response = into(std::in_place_type<CommitResponse>);
    return r->kind == CommitKind::kOnePhase ? eval_commit(e, *r, response)
                                            : eval_stage(e, *r, response);
  }
  if (auto* r = std::get_if<EndTxnRequest>(&request))
    return eval_end_txn(e, *r, into(std::in_place_type<EndTxnResponse>));
  if (auto* r = std::get_if<ResolveRequest>(&request)) return eval_resolve(e, *r);
  if (auto* r = std::get_if<PushRequest>(&request))
    return eval_push(e, *r, into(std::in_place_type<PushResponse>));
  if (auto* r = std::get_if<QueryIntentRequest>(&request))
    return eval_query_intent(e, *r, into(std::in_place_type<QueryIntentResponse>));
  if (auto* r = std::get_if<LayRunRequest>(&request))
    return eval_lay_run(e, *r, into(std::in_place_type<LayRunResponse>));
  if (auto* r = std::get_if<ResolveRunsRequest>(&request))
    return eval_resolve_runs(e, *r, into(std::in_place_type<ResolveRunsResponse>));
  if (auto* r = std::get_if<KeepPendingRequest>(&request)) return eval_keep_pending(e, *r);
  if (std::holds_alternative<UnlockRequest>(request)) return eval_unlock(e);
  if (auto* r = std::get_if<HeartbeatRequest>(&request)) return eval_heartbeat(e, *r);
  if (auto* r = std::get_if<GcRequest>(&request)) return eval_gc(e, *r);
  if (auto* r = std::get_if<ClearRequest>(&request))
    return eval_clear(e, *r, into(std::in_place_type<ClearResponse>));
  return e.fail(internal_error("splits and lease transfers stand alone in their batch"));
}

// Somebody is in the way: a lock's holder, in whose queue we stand, or an intent's transaction,
// whose outcome is found out.
Task<Status> LeaseholderImpl::wait_out(Run& run, CancelToken token) {
  const Blocked blocked = run.eval.blocked;
  if (!blocked.by_intent) {
    for (const TxnHeader& holder : state_.locks.staged_holders(blocked.key, run.request.txn.id))
      start_resolution(holder.id, holder.anchor, blocked.key);
    Status s =
        co_await state_.locks.wait(blocked.key, run.request.txn, blocked.mode, token, run.deadline,
                                   std::chrono::milliseconds(run.request.lock_timeout_ms));
    co_return s;
  }
  start_resolution(blocked.txn, blocked.anchor, blocked.key);
  Resolution& resolution = *resolutions_.find(blocked.txn)->second;
  Status s = co_await resolution.waiters.wait(token, run.deadline);
  co_return s;
}

Command LeaseholderImpl::command_of(Run& run) {
  Command command;
  command.id_high = context_.env().random->next();
  command.id_low = context_.env().random->next();
  command.lease_term = run.lease.term;
  if (run.eval.write_ts) context_.clock().forward(run.eval.write_ts);
  command.clock = context_.clock().now();
  command.trigger = std::move(run.eval.trigger);
  command.operations = run.eval.writes.bytes();
  return command;
}

Task<void> LeaseholderImpl::propose(Run& run) {
  const bool changes = !run.eval.writes.empty() || run.eval.trigger.index() != 0;
  if (!changes) {
    take_effect(run);
    co_return;
  }
  if (run.eval.writes.bytes().size() > limits::kEntryBytesMax / 2) {
    answer_error(run, resource_exhausted("a commit to one range exceeds " +
                                         std::to_string(limits::kEntryBytesMax / 2) + " bytes"));
    co_return;
  }
  Command command = command_of(run);
  if (run.eval.write_ts) latches_.raise(run.guard, run.eval.write_ts);
  run.guard.keep_if_dropped();
  run.out.proposals = 1;
  Status applied = co_await context_.propose(std::move(command));
  if (applied.ok()) {
    take_effect(run);
    co_return;
  }
  if (applied.code() != StatusCode::kUnavailable) {
    MARK("range: a write of unknown fate");
    // It may still be applied: nobody reads around it under this lease.
    state_.intents_uncertain = true;
    runs_uncertain_ = true;
    {
      Latches::Guard kept = std::move(run.guard);
    }
    if (applied.code() != StatusCode::kAmbiguous)
      applied = ambiguous("a write may have happened: " + applied.to_string());
    answer_error(run, std::move(applied));
    co_return;
  }
  const LeaseView lease = context_.lease(run.eval.read_ts);
  if (closed_ || !lease.held) {
    MARK("range: a write is lost with its lease");
    answer_not_leaseholder(run, closed_ ? successor_ : lease.leaseholder_hint);
  } else
    answer_error(run, std::move(applied));
}

void LeaseholderImpl::take_effect(Run& run) {
  Effects& effects = run.eval.effects;
  const TxnHeader& txn = run.request.txn;
  CHECK(effects.intents >= 0 || state_.intents_uncertain ||
        state_.intents >= static_cast<uint64_t>(-effects.intents));
  if (!state_.intents_uncertain) state_.intents += static_cast<uint64_t>(effects.intents);
  for (const Bytes& key : effects.staged) state_.locks.add_staged(key, txn);
  for (const TxnId& id : effects.unlocked) state_.locks.release_all(id, false);
  take_runs_effect(run);
  for (const auto& [id, key] : effects.resolved) state_.locks.release(key, id);
  if (!effects.resolved.empty()) {
    TxnId last;
    for (const auto& [id, key] : effects.resolved) {
      if (id == last) continue;
      last = id;
      auto it = resolutions_.find(id);
      if (it != resolutions_.end()) it->second->waiters.wake_all();
    }
  }
}

void LeaseholderImpl::take_runs_effect(Run& run) {
  Effects& effects = run.eval.effects;
  for (auto& [key, record] : effects.runs) state_.runs.put(key, std::move(record));
  for (const Bytes& key : effects.runs_gone) state_.runs.remove(key);
  // A run that lies is the lock of its rows.
  for (const Request& r : run.request.requests) {
    const auto* lay = std::get_if<LayRunRequest>(&r);
    if (lay == nullptr) continue;
    auto body = storage::RunReader::open(lay->body);
    if (!body.ok()) continue;
    state_.locks.release_where(lay->first, lay->last, run.request.txn.id,
                               [&](BytesView key) { return body->find(key).has_value(); });
  }
  if (!effects.runs_ended) return;
  state_.locks.release_all(effects.runs_ended, true);
  auto it = resolutions_.find(effects.runs_ended);
  if (it != resolutions_.end()) it->second->waiters.wake_all();
}

// Where runs lie, a range is cut between them. Empty: nowhere.
Bytes LeaseholderImpl::split_point(const Bytes& wanted) {
  const KeySpan& span = context_.descriptor().span;
  if (state_.runs.empty()) return wanted;
  Bytes at = wanted.empty() ? context_.engine().middle_key(span) : wanted;
  const bool mostly_runs = context_.engine().span_stats(span).bytes < state_.runs.bytes();
  if (wanted.empty() && (at.empty() || mostly_runs || state_.runs.crossed_by(at)))
    at = state_.runs.middle(span);
  return state_.runs.crossed_by(at) ? Bytes() : at;
}

// A split waits until nothing is in flight; both are the replica's own work.
Task<void> LeaseholderImpl::administer(Run& run, CancelToken token) {
  if (run.request.requests.size() != 1) {
    answer_error(run, internal_error("splits and lease transfers stand alone in their batch"));
    co_return;
  }
  Status done;
  if (auto* transfer = std::get_if<TransferLeaseRequest>(&run.request.requests[0])) {
    done = co_await context_.transfer_lease(transfer->to);
  } else {
    if (!latch(run) && !planted_.split_in_flight) {
      Status latched = co_await latches_.wait(run.guard, token, run.deadline);
      if (!latched.ok()) {
        answer_error(run, std::move(latched));
        co_return;
      }
    }
    if (!may_serve(run)) co_return;
    run.guard.keep_if_dropped();
    SplitRequest split = std::get<SplitRequest>(run.request.requests[0]);
    if (!state_.runs.empty()) {
      MARK("range: a range is split where runs lie");
      split.at = split_point(split.at);
      if (split.at.empty()) {
        MARK("range: runs leave no place for a split");
        run.guard.release();
        answer_error(run, unavailable("range " + context_.descriptor().id.to_string() +
                                      " can't be split there while rows are loaded in bulk"));
        co_return;
      }
    }
    done = co_await context_.admin_split(std::move(split));
    if (done.code() == StatusCode::kAmbiguous) {
      Latches::Guard kept = std::move(run.guard);
    } else {
      run.guard.release();
    }
  }
  if (!done.ok())
    answer_error(run, std::move(done));
  else
    run.out.responses.emplace_back(EmptyResponse());
}

void LeaseholderImpl::answer_error(Run& run, Status error) {
  if (closed_ && error.code() != StatusCode::kAmbiguous) {
    MARK("range: an error of who has lost its lease");
    answer_not_leaseholder(run, successor_);
    return;
  }
  run.out.outcome = Outcome::kError;
  run.out.error = std::move(error);
}

void LeaseholderImpl::answer_not_leaseholder(Run& run, NodeId hint) {
  run.out.outcome = Outcome::kNotLeaseholder;
  run.out.leaseholder = hint;
}

void LeaseholderImpl::close(NodeId successor_hint) {
  closed_ = true;
  successor_ = successor_hint;
  latches_.close(unavailable("the lease is gone"));
  state_.locks.wake_all();
  for (auto& [txn, resolution] : resolutions_) {
    resolution->waiters.wake_all();
    resolution->cancel.cancel(unavailable("the lease is gone"));
  }
}

void LeaseholderImpl::count_intents() {
  state_.intents = 0;
  std::unique_ptr<storage::ReadView> view = context_.engine().view();
  auto it = view->plains(storage::Keyspace::kIntent, context_.descriptor().span);
  for (; it->valid(); it->next()) ++state_.intents;
  // Unreadable: every command looks for itself, and tells.
  if (!it->status().ok()) state_.intents_uncertain = true;
  if (!state_.runs.load(*view, context_.descriptor().span).ok()) runs_uncertain_ = true;
}

void LeaseholderImpl::start_resolution(const TxnId& txn, const Bytes& anchor, const Bytes& key) {
  auto [it, fresh] = resolutions_.try_emplace(txn);
  if (fresh) it->second = std::make_unique<Resolution>(executor_);
  it->second->anchor = anchor;
  it->second->keys.insert(key);
  if (fresh) resolving_.spawn(resolve(txn));
}

Task<void> LeaseholderImpl::resolve(TxnId txn) {
  (void)co_await runtime::sleep_for(executor_, kResolutionGrace);
  Resolution& resolution = *resolutions_.find(txn)->second;  // ended by this task alone
  const CancelToken token = resolution.cancel.token();
  const Bytes anchor = resolution.anchor;
  bool resolved = false;
  if (!closed_) resolved = co_await resolve_once(txn, anchor, token);
  if (!resolved && !closed_) (void)co_await runtime::sleep_for(executor_, kResolutionRetry, token);
  end_resolution(txn, resolved);
}

Task<bool> LeaseholderImpl::resolve_once(TxnId txn, Bytes anchor, CancelToken token) {
  const bool waits = resolutions_.find(txn)->second->waits;
  Result<TxnRecord> record = co_await resolver_.outcome(txn, anchor, waits, token);
  if (!record.ok() && !waits) co_return false;
  if (planted_.intents_stay) co_return false;
  if (!record.ok()) {
    MARK("range: the outcome of an intent's transaction is not found");
    context_.env().log.info("r{}: the outcome of {} is not found: {}",
                            context_.descriptor().id.value, txn.to_string(),
                            record.status().to_string());
    co_return false;
  }
  auto it = resolutions_.find(txn);
  const KeySpan span = context_.descriptor().span;
  ResolveRequest resolve;
  resolve.txn = txn;
  resolve.status = planted_.resolve_as_aborted ? TxnStatus::kAborted : record->status;
  resolve.commit_ts = record->commit_ts;
  std::set<Bytes> keys = it->second->keys;
  keys.insert(record->keys.begin(), record->keys.end());
  for (const Bytes& key : keys) {
    if (span.contains(key)) resolve.keys.push_back(key);
  }
  BatchRequest batch;
  batch.range = context_.descriptor().id;
  batch.generation = context_.descriptor().generation;
  batch.gateway = context_.node();
  batch.requests.emplace_back(std::move(resolve));
  BatchResponse response = co_await serve(std::move(batch), token);
  if (response.outcome == Outcome::kError) {
    MARK("range: intents can't be resolved");
    context_.env().log.info("r{}: intents of {} are not resolved: {}",
                            context_.descriptor().id.value, txn.to_string(),
                            response.error.to_string());
  }
  if (response.outcome != Outcome::kOk) co_return false;
  const bool runs_gone = co_await resolve_runs(txn, record->status, record->commit_ts, token);
  if (!runs_gone || !it->second->left_behind) co_return runs_gone;
  const Status finished = co_await resolver_.finish(txn, anchor, std::move(*record), token);
  MARK_IF(finished.ok(), "range: a record that was left behind is finished");
  co_return finished.ok();
}

Task<bool> LeaseholderImpl::resolve_runs(TxnId txn, TxnStatus status, Timestamp commit_ts,
                                         CancelToken token) {
  for (;;) {
    if (state_.runs.of(txn, KeySpan::all()).empty()) co_return true;
    BatchRequest batch;
    batch.range = context_.descriptor().id;
    batch.generation = context_.descriptor().generation;
    batch.gateway = context_.node();
    batch.requests.emplace_back(
        ResolveRunsRequest{txn, context_.descriptor().span, status, commit_ts});
    BatchResponse response = co_await serve(std::move(batch), token);
    if (response.outcome != Outcome::kOk) co_return false;
  }
}

void LeaseholderImpl::end_resolution(const TxnId& txn, bool resolved) {
  auto it = resolutions_.find(txn);
  it->second->waiters.wake_all();
  // Nobody else would try again for those that queue behind the intents.
  if (!resolved) {
    MARK("range: whoever waits for intents tries again");
    for (const Bytes& key : it->second->keys) state_.locks.wake_all(KeySpan::point(key));
  }
  resolutions_.erase(it);
}

void LeaseholderImpl::sweep(Timestamp before) {
  if (closed_ || planted_.never_sweep) return;
  sweep_intents(before);
  // Its coordinator may live and have given up ending it. A long load may also be under way.
  for (const auto& [stored, run] : state_.runs.runs()) {
    if (run.began >= before || resolutions_.size() >= kSweptMax || resolutions_.contains(run.txn))
      continue;
    start_resolution(run.txn, run.anchor, run.first);
    resolutions_.find(run.txn)->second->waits = false;
  }
  for (const auto& [txn, anchor] : std::exchange(state_.left_behind, {})) {
    if (resolutions_.size() >= kSweptMax || !context_.descriptor().span.contains(anchor)) continue;
    start_resolution(txn, anchor, anchor);
    resolutions_.find(txn)->second->left_behind = true;
  }
}

void LeaseholderImpl::sweep_intents(Timestamp before) {
  if (state_.intents == 0 && !state_.intents_uncertain) return;
  KeySpan span = context_.descriptor().span;
  span.start = std::max(span.start, std::exchange(sweep_from_, Bytes()));
  std::unique_ptr<storage::ReadView> view = context_.engine().view();
  auto it = view->plains(storage::Keyspace::kIntent, span);
  for (size_t looked_at = 0; it->valid(); it->next()) {
    if (++looked_at > kSweepMax || resolutions_.size() >= kSweptMax) {
      sweep_from_ = it->key();
      return;
    }
    auto intent = parse_intent(it->value());
    if (!intent.ok()) continue;  // whoever reads it tells
    if (intent->ts >= before &&
        context_.coordinator_alive(intent->coordinator, intent->coordinator_epoch))
      continue;
    MARK("range: an intent that nobody has met");
    start_resolution(intent->txn, intent->anchor, Bytes(it->key()));
  }
}

void LeaseholderImpl::sweep_runs() {
  if (closed_) return;
  for (const auto& [stored, run] : state_.runs.runs()) {
    if (!context_.coordinator_alive(run.coordinator, run.coordinator_epoch) &&
        !resolutions_.contains(run.txn)) {
      MARK("range: runs of a dead coordinator");
      start_resolution(run.txn, run.anchor, run.first);
    }
  }
}

std::unique_ptr<Leaseholder> LeaseholderImpl::split_off(ReplicaContext& right, Bytes at) {
  auto child =
      std::make_unique<LeaseholderImpl>(right, resolver_, state_.reads.low_water(), planted_);
  if (!planted_.child_forgets_reads) child->state_.reads = state_.reads;
  child->state_.recent = state_.recent;
  child->state_.intents_uncertain |= state_.intents_uncertain;
  child->runs_uncertain_ |= runs_uncertain_;
  state_.runs.cut(at);
  state_.locks.split_off(at, child->state_.locks);
  if (!state_.intents_uncertain) {
    CHECK(child->state_.intents_uncertain || child->state_.intents <= state_.intents);
    state_.intents -= child->state_.intents;
  }
  // Readers that wait for the right half's intents find out that they are at the wrong range.
  for (auto& [txn, resolution] : resolutions_) resolution->waiters.wake_all();
  return child;
}

Bytes LeaseholderImpl::export_locks() {
  HandOver blob;
  blob.clock = context_.clock().now();
  blob.locks = state_.locks.export_held();
  return encode(blob);
}

Status LeaseholderImpl::import_locks(BytesView bytes) {
  HandOver blob;
  RETURN_IF_ERROR(decode(bytes, blob));
  if (blob.format != kHandOverFormat) return corruption("a hand-over has an unknown format");
  // At or above every read that was served there.
  context_.clock().forward(blob.clock);
  if (!planted_.forget_reads) state_.reads.raise_low_water(blob.clock);
  MARK_IF(!blob.locks.empty(), "range: locks come with a lease");
  state_.locks.import_held(blob.locks);
  return Status();
}

void LeaseholderImpl::count_request(NodeId gateway) {
  ++load_.requests;
  if (!gateway) return;
  auto& gateways = load_.by_gateway;
  auto it = std::lower_bound(gateways.begin(), gateways.end(), gateway,
                             [](const auto& entry, NodeId node) { return entry.first < node; });
  if (it == gateways.end() || it->first != gateway) it = gateways.insert(it, {gateway, 0});
  ++it->second;
}

void LeaseholderImpl::count_rows(const Run& run) {
  if (run.out.outcome != Outcome::kOk) return;
  for (const Response& r : run.out.responses) {
    if (auto* get = std::get_if<GetResponse>(&r)) load_.rows_read += get->rows.size();
    if (auto* scan = std::get_if<ScanResponse>(&r)) load_.rows_read += scan->rows.size();
  }
  for (const Request& r : run.request.requests) {
    if (auto* commit = std::get_if<CommitRequest>(&r)) load_.rows_written += commit->writes.size();
  }
}

}  // namespace

std::unique_ptr<Leaseholder> Leaseholder::create(ReplicaContext& context,
                                                 ConflictResolver& resolver, Timestamp low_water,
                                                 PlantedBugs planted) {
  return std::make_unique<LeaseholderImpl>(context, resolver, low_water, planted);
}

}  // namespace quorate::range
