// Turns a finished transaction's intents into versions, or removes them.
#include "base/mark.h"
#include "range/eval/evaluation.h"

namespace quorate::range {

namespace {

Verdict resolve_key(Evaluation& e, const TxnId& txn, const Bytes& key, TxnStatus status,
                    Timestamp commit_ts) {
  if (!e.effects.resolved.emplace(txn, key).second) return Verdict::kDone;
  auto found = load_intent(*e.view, key);
  if (!found.ok()) return e.fail(found.status());
  if (!*found || (*found)->txn != txn) {
    MARK("range: an intent is resolved already");
    return Verdict::kDone;
  }
  const Intent& intent = **found;
  if (status == TxnStatus::kCommitted && !intent.lock_only) {
    // Readers between the two timestamps have passed it by.
    if (intent.ts > commit_ts)
      return e.fail(internal_error("an intent lies above its transaction's commit timestamp"));
    if (intent.deleted)
      e.writes.delete_version(key, commit_ts);
    else
      e.writes.put_version(key, commit_ts, intent.value);
    e.state.recent.add(key, commit_ts, intent.changed, txn);
  }
  e.writes.remove(storage::Keyspace::kIntent, key);
  --e.effects.intents;
  return Verdict::kDone;
}

}  // namespace

Verdict resolve_intents(Evaluation& e, const TxnId& txn, const std::vector<Bytes>& keys,
                        TxnStatus status, Timestamp commit_ts) {
  if (e.look_for_intents()) {
    for (const Bytes& key : keys) {
      if (Verdict v = resolve_key(e, txn, key, status, commit_ts); v != Verdict::kDone) return v;
    }
  } else {
    for (const Bytes& key : keys) e.effects.resolved.emplace(txn, key);
  }
  return Verdict::kDone;
}

Verdict eval_resolve(Evaluation& e, const ResolveRequest& request) {
  if (request.status != TxnStatus::kCommitted && request.status != TxnStatus::kAborted)
    return e.fail(internal_error("only finished transactions can be resolved"));
  if (Verdict v = resolve_intents(e, request.txn, request.keys, request.status, request.commit_ts);
      v != Verdict::kDone)
    return v;
  if (request.unlock) e.effects.unlocked.push_back(request.txn);
  if (!request.remove_record) return Verdict::kDone;
  auto found = load_record(*e.view, request.anchor, request.txn);
  if (!found.ok()) return e.fail(found.status());
  if (!*found || (*found)->keys.empty()) {
    MARK("range: a record lists nothing any more");
    return Verdict::kDone;
  }
  TxnRecord record = std::move(**found);
  if (record.status != request.status)
    return e.fail(internal_error("a transaction is resolved against its record"));
  record.keys.clear();
  e.writes.put(storage::Keyspace::kTxnRecord, txn_record_key(request.anchor, request.txn),
               encode(record));
  return Verdict::kDone;
}

}  // namespace quorate::range
