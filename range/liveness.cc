#include "range/liveness.h"

#include "base/archive.h"
#include "base/mark.h"
#include "runtime/sync.h"

namespace quorate::range {
namespace {

// Epochs of one life of a store: the restart count in the high bits, withdrawals in the low ones.
constexpr int kLifeShift = 24;

int64_t micros(runtime::Duration d) {
  return std::chrono::duration_cast<std::chrono::microseconds>(d).count();
}
Bytes promise_key(StoreId peer) { return "support/" + peer.to_string(); }
constexpr BytesView kEpochKey = "epoch";
constexpr BytesView kClockKey = "clock";
constexpr BytesView kOutdatedKey = "outdated";  // this disk is an old copy: never again
constexpr BytesView kPeersKey =
    "supported";  // the stores with a promise_key, since local keys can't be listed

enum class Kind : uint8_t { kAsk = 1, kGranted = 2, kClosed = 3, kOutdated = 4 };

}  // namespace

struct Liveness::Frame {
  Kind kind = Kind::kAsk;
  StoreId from, to;
  StoreEpoch epoch;
  Timestamp until, clock;
  template <class A>
  void serialize(A& a) {
    a(kind, from, to, epoch, until, clock);
  }
};

Liveness::Liveness(runtime::Env& env, storage::LogStore& log, runtime::Hlc& clock, Options options,
                   Send send)
    : env_(env),
      log_(log),
      clock_(clock),
      options_(options),
      send_(std::move(send)),
      scope_(*env.executor) {}

runtime::Task<Status> Liveness::start() {
  if (!log_.local(kOutdatedKey).empty()) co_return outdated();
  uint64_t life = 0;
  if (Bytes kept = log_.local(kEpochKey); !kept.empty()) CO_RETURN_IF_ERROR(decode(kept, life));
  ++life;
  epoch_ = StoreEpoch(life << kLifeShift);
  log_.put_local(kEpochKey, encode(life));
  if (Bytes kept = log_.local(kClockKey); !kept.empty())
    CO_RETURN_IF_ERROR(decode(kept, clock_bound_));
  std::set<StoreId> supported;
  if (Bytes kept = log_.local(kPeersKey); !kept.empty())
    CO_RETURN_IF_ERROR(decode(kept, supported));
  for (StoreId peer : supported) {
    Bytes kept = log_.local(promise_key(peer));
    if (kept.empty()) continue;
    Promise promise;
    CO_RETURN_IF_ERROR(decode(kept, promise));
    promises_[peer] = promise;
    view_.set_supports(peer, promise.withdrawn ? std::nullopt : std::optional(promise.epoch));
  }
  // Start above the bound, and wait for the physical clock to be there: a logical clock that runs
  // ahead of every physical one, further with each quick restart, would break the order of real
  // time that clocks within their bound are promised (safety group 9).
  if (options_.planted.clock_starts_anew) clock_bound_ = Timestamp();
  while (clock_bound_.micros() > clock_.physical_micros()) {
    MARK("range: a start waits for its clock");
    int64_t behind = static_cast<int64_t>(clock_bound_.micros() - clock_.physical_micros());
    if (behind > 60'000'000) {
      co_return failed_precondition(
          "this machine's clock is " + std::to_string(behind / 1'000'000) +
          " s behind the time this store has already served; set the clock right");
    }
    CO_RETURN_IF_ERROR(co_await runtime::sleep_for(*env_.executor, std::chrono::milliseconds(20)));
  }
  clock_.forward(clock_bound_);
  stage_clock_bound();
  const Timestamp staged = clock_bound_staged_;
  CO_RETURN_IF_ERROR(co_await log_.sync());
  clock_bound_ = staged;
  view_.set_supports(options_.store, epoch_);
  view_.set_support_from(options_.store,
                         {epoch_, clock_.now().add_micros(micros(options_.support))});
  scope_.spawn(loop());
  co_return Status();
}

std::optional<StoreEpoch> Liveness::supported_epoch(StoreId peer) const {
  auto it = promises_.find(peer);
  if (it == promises_.end() || it->second.withdrawn) return std::nullopt;
  return it->second.epoch;
}

bool Liveness::supports(StoreId peer) const {
  auto it = promises_.find(peer);
  return it != promises_.end() && !it->second.withdrawn;
}

Timestamp Liveness::promised_to(StoreId peer) const {
  auto it = promises_.find(peer);
  return it == promises_.end() || it->second.withdrawn ? Timestamp() : it->second.until;
}

void Liveness::set_peers(std::set<StoreId> peers) {
  peers.erase(options_.store);
  if (peers == peers_) return;
  std::set<StoreId> fresh = peers;
  for (StoreId old : peers_) fresh.erase(old);
  peers_ = std::move(peers);
  for (StoreId peer : fresh) ask(peer);
}

void Liveness::stage_clock_bound() {
  clock_bound_staged_ = clock_.peek().add_micros(micros(options_.clock_horizon));
  log_.put_local(kClockKey, encode(clock_bound_staged_));
}

void Liveness::stage_promise(StoreId peer, const Promise& promise) {
  bool fresh = promises_.find(peer) == promises_.end();
  promises_[peer] = promise;
  log_.put_local(promise_key(peer), encode(promise));
  if (!fresh) return;
  std::set<StoreId> supported;
  for (const auto& [store, p] : promises_) supported.insert(store);
  log_.put_local(kPeersKey, encode(supported));
}

runtime::Task<void> Liveness::loop() {
  runtime::Instant next_renewal = env_.executor->now();
  for (;;) {
    if (env_.executor->now() >= next_renewal) {
      next_renewal = env_.executor->now() + options_.renew;
      co_await renew();
    }
    co_await withdraw_expired();
    notice_lapses();
    Status slept = co_await runtime::sleep_for(*env_.executor, options_.step);
    if (!slept.ok()) co_return;
  }
}

// A store that can't finish a small sync in time asks for no support (safety: release): the ask
// follows the sync.
runtime::Task<void> Liveness::renew() {
  stage_clock_bound();
  const Timestamp staged = clock_bound_staged_;
  const runtime::Instant began = env_.executor->now();
  Status synced = co_await log_.sync();
  if (!synced.ok()) co_return;  // the store is stopping
  clock_bound_ = staged;
  if (env_.executor->now() - began > options_.support / 2) {
    MARK("range: a slow sync asks for no support");
    env_.log.warning(
        "a log sync took {} ms: this store asks for no support",
        std::chrono::duration_cast<std::chrono::milliseconds>(env_.executor->now() - began)
            .count());
    co_return;
  }
  view_.set_support_from(options_.store,
                         {epoch_, clock_.now().add_micros(micros(options_.support))});
  for (StoreId peer : peers_) ask(peer);
}

void Liveness::ask(StoreId peer) {
  StoreEpoch& epoch = asked_with_[peer];
  if (epoch < epoch_) epoch = epoch_;
  const Timestamp now = clock_.now();
  send_(peer, encode(Frame{Kind::kAsk, options_.store, peer, epoch,
                           now.add_micros(micros(options_.support)), now}));
}

void Liveness::receive(BytesView bytes) {
  Frame frame;
  if (!decode(bytes, frame).ok()) {
    env_.log.warning("malformed liveness frame");
    return;
  }
  if (frame.to != options_.store) {
    MARK("range: a promise for a store that was here before");
    return;  // for one that was at this address before
  }
  if (Status s = clock_.update(frame.clock); !s.ok()) {
    MARK("range: a promise from a clock that is out of bounds");
    env_.log.warning("liveness of s{} refused: {}", frame.from.value, s.message());
    return;
  }
  switch (frame.kind) {
    case Kind::kAsk:
      scope_.spawn_now(grant(frame.from, frame.epoch, frame.until));
      break;
    case Kind::kGranted: {
      if (frame.epoch != asked_with_[frame.from]) {
        MARK("range: a promise of an earlier epoch");
        break;
      }
      bool first = view_.support_from(frame.from).epoch != frame.epoch;
      view_.set_support_from(frame.from, {frame.epoch, frame.until});
      if (lapsed_.erase(frame.from) > 0 || first) on_change();
      break;
    }
    case Kind::kOutdated:
      // Of an earlier life: late. Of this one: it was lived before, and what was promised then is
      // not on this disk.
      if (frame.epoch.value >> kLifeShift != epoch_.value >> kLifeShift) {
        MARK("range: word of a later life comes to the later life");
        break;
      }
      MARK("range: a store is an old copy");
      env_.log.error("s{} knows a later life of this store", frame.from.value);
      scope_.spawn(give_up());
      break;
    case Kind::kClosed:
      if (frame.epoch < asked_with_[frame.from]) break;
      MARK("range: support was withdrawn and is asked for anew");
      asked_with_[frame.from] = frame.epoch.next();
      ask(frame.from);
      break;
  }
}

Status Liveness::outdated() {
  return failed_precondition("the data directory is an old copy: this node has lived on since")
      .with_hint("Remove it and start the node anew; the cluster replaces what it held.");
}

// A restart would raise the epoch to where nobody could tell any more.
runtime::Task<void> Liveness::give_up() {
  log_.put_local(kOutdatedKey, "1");
  (void)co_await log_.sync();
  if (on_outdated) on_outdated(outdated());
}

runtime::Task<void> Liveness::grant(StoreId from, StoreEpoch epoch, Timestamp until) {
  Promise promise;
  if (auto known = promises_.find(from); known != promises_.end()) promise = known->second;
  // An epoch follows another only after that was withdrawn, or because the asker restarted (safety:
  // support-epoch). Anything else is a message that was long under way: an answer would make the
  // asker give up an epoch that we still stand by.
  const bool same_life = epoch.value >> kLifeShift == promise.epoch.value >> kLifeShift;
  if (epoch.value >> kLifeShift < promise.epoch.value >> kLifeShift) {
    // Late, or from a store that has lost a life it had lived: an old copy of its disk. The asker
    // knows which (safety: damaged-replica).
    MARK("range: support is asked for in an earlier life");
    send_(from, encode(Frame{Kind::kOutdated, options_.store, from, epoch, {}, clock_.now()}));
    co_return;
  }
  if (!promise.withdrawn && (epoch < promise.epoch || (same_life && promise.epoch < epoch))) {
    MARK("range: support is asked for in another epoch");
    co_return;
  }
  if (epoch < promise.epoch ||
      (epoch == promise.epoch && promise.withdrawn && !options_.planted.regrant_closed_epoch)) {
    send_(from,
          encode(Frame{Kind::kClosed, options_.store, from, promise.epoch, {}, clock_.now()}));
    co_return;
  }
  const bool new_epoch = epoch != promise.epoch || promise.withdrawn;
  // safety: grant-cap
  const Timestamp cap =
      clock_.now().add_micros(micros(options_.support) + clock_.max_offset_micros());
  promise = {epoch, std::max(new_epoch ? Timestamp() : promise.until, std::min(until, cap)), false};
  stage_promise(from, promise);
  Status synced;
  if (!options_.planted.grant_unsynced) synced = co_await log_.sync();
  if (!synced.ok()) co_return;
  // Withdrawn or outdated while the log synced: what we would tell is no longer true.
  const Promise& now = promises_[from];
  if (now.epoch != epoch || now.withdrawn) {
    MARK("range: a promise is outdated when it is synced");
    co_return;
  }
  if (new_epoch) {
    view_.set_supports(from, epoch);
    on_change();
  }
  send_(from,
        encode(Frame{Kind::kGranted, options_.store, from, epoch, promise.until, clock_.now()}));
}

runtime::Task<void> Liveness::withdraw_expired() {
  const Timestamp now = clock_.peek();
  std::vector<std::pair<StoreId, StoreEpoch>> expired;
  for (auto& [peer, promise] : promises_) {
    if (peer == options_.store || promise.withdrawn || promise.until >= now || !promise.epoch)
      continue;
    expired.emplace_back(peer, promise.epoch);
  }
  if (expired.empty()) co_return;
  // Votes that this makes free carry a clock past the promise, also when ours is set back meanwhile
  // (safety: support-epoch).
  MARK("range: support is withdrawn");
  clock_.forward(now);
  for (auto& [peer, epoch] : expired) {
    Promise promise = promises_[peer];
    promise.withdrawn = true;
    stage_promise(peer, promise);
  }
  Status synced = co_await log_.sync();
  if (!synced.ok()) co_return;
  for (auto& [peer, epoch] : expired) {
    if (promises_[peer].epoch != epoch) {
      MARK("range: who lost support is back before it is withdrawn");
      continue;  // the asker came back with a new one
    }
    env_.log.info("support for s{} is withdrawn", peer.value);
    view_.set_supports(peer, std::nullopt);
  }
  on_change();
}

void Liveness::notice_lapses() {
  const Timestamp now = clock_.peek();
  bool changed = false;
  for (StoreId peer : peers_) {
    if (view_.support_from(peer).until < now && lapsed_.insert(peer).second) changed = true;
  }
  if (changed) on_change();
}

}  // namespace quorate::range
