// Answers whoever waits for another transaction: how does it stand, and has it been left alone?
//
// A transaction without a record is one whose staging has not come here (yet). When its coordinator
// is dead, or has said nothing for long enough since somebody first asked, an ABORTED record makes
// sure that it never will. Heartbeats are remembered here alone: a new leaseholder begins to watch
// anew.
#include "base/limits.h"
#include "base/mark.h"
#include "range/eval/evaluation.h"

namespace quorate::range {

namespace {

// A living coordinator ends a staged transaction within milliseconds, or sends heartbeats. One of
// its transactions that has none was given up; recovering another would be safe and merely
// wasteful.
constexpr int64_t kAbandonedAfterMicros = 1'000'000;
// Between two of them (txn/heartbeat.cc), with what they may be late.
constexpr int64_t kHeartbeatMicros = 500'000;
// One with runs may live long; its coordinator tells every second that it does.
constexpr int64_t kSilentAfterMicros = 5'000'000;

bool coordinator_dead(const Evaluation& e, const TxnId& txn) {
  const TxnHeader* header = e.state.locks.header_of(txn);
  return header != nullptr && header->coordinator &&
         !e.context.coordinator_alive(header->coordinator, header->coordinator_epoch);
}

// When the coordinator was last heard of, or somebody first asked.
Timestamp watched_since(Evaluation& e, const TxnId& txn, Timestamp now, Timestamp began) {
  auto& watches = e.state.watches;
  if (watches.size() >= limits::kPushWatchesMax && !watches.contains(txn)) {
    auto oldest = watches.begin();
    for (auto it = watches.begin(); it != watches.end(); ++it) {
      if (it->second < oldest->second) oldest = it;
    }
    watches.erase(oldest);
  }
  // What was staged long ago, before this leaseholder, gets time for one heartbeat.
  const Timestamp grace = now.add_micros(kHeartbeatMicros - kAbandonedAfterMicros);
  return watches.emplace(txn, std::min(now, std::max(began, grace))).first->second;
}

}  // namespace

Verdict eval_push(Evaluation& e, const PushRequest& request, PushResponse& out) {
  auto found = load_record(*e.view, request.anchor, request.txn);
  if (!found.ok()) return e.fail(found.status());
  const Timestamp now = e.context.clock().now();
  auto long_ago = [&](Timestamp t) { return t.add_micros(kAbandonedAfterMicros) < now; };
  if (*found) {
    out.record = std::move(**found);
    if (out.record.status == TxnStatus::kPending) {
      out.abandoned = coordinator_dead(e, request.txn) ||
                      out.record.heartbeat.add_micros(kSilentAfterMicros) < now;
      if (out.abandoned) {
        MARK("range: a pending record is aborted by others");
        // Nothing is committed without this record, so that this is the end.
        out.record.status = TxnStatus::kAborted;
        out.record.attempt.forward(now);
        e.writes.put(storage::Keyspace::kTxnRecord, txn_record_key(request.anchor, request.txn),
                     encode(out.record));
      }
      return Verdict::kDone;
    }
    if (out.record.status != TxnStatus::kStaging) {
      e.state.watches.erase(request.txn);
      return Verdict::kDone;
    }
    const Timestamp staged = out.record.heartbeat;
    out.abandoned =
        coordinator_dead(e, request.txn) || long_ago(watched_since(e, request.txn, now, staged));
    MARK_IF(out.abandoned, "range: a staging is left alone");
    if (out.abandoned && e.planted.abort_staged) {
      out.record.status = TxnStatus::kAborted;
      e.writes.put(storage::Keyspace::kTxnRecord, txn_record_key(request.anchor, request.txn),
                   encode(out.record));
    }
    return Verdict::kDone;
  }
  out.record.status = TxnStatus::kPending;
  out.abandoned =
      coordinator_dead(e, request.txn) || long_ago(watched_since(e, request.txn, now, now));
  if (!out.abandoned) return Verdict::kDone;
  e.state.watches.erase(request.txn);
  MARK("range: a transaction without a record is aborted by others");
  // Bars every attempt up to now: messages that are still under way.
  out.record.status = TxnStatus::kAborted;
  out.record.attempt = now;
  out.record.heartbeat = now;
  e.writes.put(storage::Keyspace::kTxnRecord, txn_record_key(request.anchor, request.txn),
               encode(out.record));
  return Verdict::kDone;
}

Verdict eval_heartbeat(Evaluation& e, const HeartbeatRequest& request) {
  auto watch = e.state.watches.find(request.txn);
  if (watch != e.state.watches.end()) {
    MARK("range: a heartbeat of a transaction that is watched");
    watch->second = e.context.clock().now();
  }
  return Verdict::kDone;
}

}  // namespace quorate::range
