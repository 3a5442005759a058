// Turns a finished transaction's intents into versions, or removes them.
#include "range/eval/evaluation.h"

namespace quorate::range {

namespace {

Verdict resolve_key(Evaluation& e, const ResolveRequest& request, const Bytes& key) {
  if (!e.effects.resolved.emplace(request.txn, key).second) return Verdict::kDone;
  auto found = load_intent(*e.view, key);
  if (!found.ok()) return e.fail(found.status());
  if (!*found || (*found)->txn != request.txn) return Verdict::kDone;
  const Intent& intent = **found;
  if (request.status == TxnStatus::kCommitted && !intent.lock_only) {
    // Readers between the two timestamps have passed it by.
    if (intent.ts > request.commit_ts)
      return e.fail(internal_error("an intent lies above its transaction's commit timestamp"));
    if (intent.deleted)
      e.writes.delete_version(key, request.commit_ts);
    else
      e.writes.put_version(key, request.commit_ts, intent.value);
    e.state.recent.add(key, request.commit_ts, intent.changed, request.txn);
  }
  e.writes.remove(storage::Keyspace::kIntent, key);
  --e.effects.intents;
  return Verdict::kDone;
}

}  // namespace

Verdict eval_resolve(Evaluation& e, const ResolveRequest& request) {
  if (request.status != TxnStatus::kCommitted && request.status != TxnStatus::kAborted)
    return e.fail(internal_error("only finished transactions can be resolved"));
  if (e.look_for_intents()) {
    for (const Bytes& key : request.keys) {
      if (Verdict v = resolve_key(e, request, key); v != Verdict::kDone) return v;
    }
  } else {
    for (const Bytes& key : request.keys) e.effects.resolved.emplace(request.txn, key);
  }
  if (!request.remove_record) return Verdict::kDone;
  auto found = load_record(*e.view, request.anchor, request.txn);
  if (!found.ok()) return e.fail(found.status());
  if (!*found || (*found)->keys.empty()) return Verdict::kDone;
  TxnRecord record = std::move(**found);
  if (record.status != request.status)
    return e.fail(internal_error("a transaction is resolved against its record"));
  record.keys.clear();
  e.writes.put(storage::Keyspace::kTxnRecord, txn_record_key(request.anchor, request.txn),
               encode(record));
  return Verdict::kDone;
}

}  // namespace quorate::range
