// Commit of a transaction that writes several ranges: this range's part.
//
// The writes become intents at exactly the timestamp asked for, or nothing is written. At the
// anchor a STAGING record lists all of the transaction's keys; the transaction is committed in the
// moment in which all intents and the record are replicated.
//
// A resend finds its own intents and changes nothing. A later attempt, at a higher timestamp,
// replaces an earlier one's; it may be made only when some range has refused the earlier one, and
// with the same writes.
#include "base/mark.h"
#include "range/eval/commit_checks.h"

namespace quorate::range {

namespace {

Intent make_intent(const Evaluation& e, const CommitRequest& request) {
  Intent intent;
  intent.txn = e.txn.id;
  intent.anchor = e.txn.anchor;
  intent.ts = request.commit_ts;
  intent.attempt = request.attempt;
  intent.began = e.txn.began;
  intent.coordinator = e.txn.coordinator;
  intent.coordinator_epoch = e.txn.coordinator_epoch;
  return intent;
}

void put_intent(Evaluation& e, const Bytes& key, const Intent& intent, bool replaces) {
  e.writes.put(storage::Keyspace::kIntent, key, encode(intent));
  if (e.effects.staged.insert(key).second && !replaces) ++e.effects.intents;
}

struct Own {
  bool present = false;  // an intent of an earlier attempt: replaced
  bool done = false;     // this very attempt's
};

Verdict own_intent(Evaluation& e, const CommitRequest& request, const Bytes& key, Own* own) {
  *own = {};
  if (!e.look_for_intents()) return Verdict::kDone;
  auto found = load_intent(*e.view, key);
  if (!found.ok()) return e.fail(found.status());
  if (!*found || (*found)->txn != e.txn.id) return Verdict::kDone;
  if ((*found)->attempt > request.attempt) {
    MARK("range: a staging comes behind a later one of a key");
    return e.fail(aborted("a late message of an earlier attempt to commit"));
  }
  own->present = true;
  MARK_IF((*found)->attempt < request.attempt, "range: a staging takes an earlier one's place");
  own->done = (*found)->attempt == request.attempt;
  MARK_IF(own->done, "range: a staging is sent again");
  return Verdict::kDone;
}

// Staged, committed and resolved already, and only the answer was lost? What the recent commits
// tell may not have happened, since they are added before they are proposed: the version must be
// there.
Result<bool> is_written(const Evaluation& e, const Bytes& key, Timestamp ts) {
  if (!e.state.recent.wrote(e.txn.id, key, ts)) return false;
  ASSIGN_OR_RETURN(const std::optional<storage::Version> version, e.view->get(key, ts));
  return version && version->ts == ts;
}

Verdict stage_write(Evaluation& e, const CommitRequest& request, const RowWrite& w,
                    Timestamp* lowest) {
  Own own;
  if (Verdict v = own_intent(e, request, w.key, &own); v != Verdict::kDone || own.done) return v;
  auto written = is_written(e, w.key, request.commit_ts);
  if (!written.ok()) return e.fail(written.status());
  if (*written) {
    MARK("range: a staging comes behind its own commit");
    return Verdict::kDone;
  }
  if (Verdict v = check_write(e, w, lowest); v != Verdict::kDone) return v;
  Intent intent = make_intent(e, request);
  intent.deleted = w.deleted;
  intent.changed = w.deleted ? kAllColumns : w.changed;
  intent.base = w.base;
  intent.value = w.value;
  put_intent(e, w.key, intent, own.present);
  return Verdict::kDone;
}

Verdict stage_locked_read(Evaluation& e, const CommitRequest& request, const Bytes& key,
                          Timestamp* lowest) {
  if (e.effects.staged.contains(key)) return Verdict::kDone;  // written, which is more
  Own own;
  if (Verdict v = own_intent(e, request, key, &own); v != Verdict::kDone || own.done) return v;
  auto foreign = e.foreign_intent(key);
  if (!foreign.ok()) return e.fail(foreign.status());
  if (*foreign) return e.block_on_intent(key, **foreign);
  if (!own.present) {
    if (Verdict v = check_locked_read(e, key, lowest); v != Verdict::kDone) return v;
  }
  // So that a recovery can prevent it like a write.
  lowest->forward(e.state.reads.floor(key, kAllColumns, e.txn.id).next());
  Intent intent = make_intent(e, request);
  intent.lock_only = true;
  put_intent(e, key, intent, own.present);
  return Verdict::kDone;
}

// From now on whoever reads at or above the commit timestamp waits for the run's transaction.
Verdict stage_run(Evaluation& e, const CommitRequest& request, const RunRef& ref,
                  Timestamp* lowest) {
  const Bytes key = run_key(ref.first, e.txn.id, ref.sequence);
  const RunRecord* run = e.state.runs.find(key);
  // Somebody has ended the transaction.
  if (run == nullptr) {
    MARK("range: a run is gone before its commit");
    return e.fail(aborted_by_others());
  }
  if (run->attempt > request.attempt)
    return e.fail(aborted("a late message of an earlier attempt to commit"));
  if (run->attempt == request.attempt) return Verdict::kDone;
  if (run->floor) lowest->forward(run->floor.next());
  lowest->forward(e.state.reads.floor({run->first, key_successor(run->last)}, e.txn.id).next());
  RunRecord staged = *run;
  staged.staged = request.commit_ts;
  staged.attempt = request.attempt;
  e.writes.put(storage::Keyspace::kRun, key, encode(staged));
  e.effects.runs.emplace_back(key, std::move(staged));
  return Verdict::kDone;
}

// Sets *answered where the record says more than this attempt knows.
Verdict stage_record(Evaluation& e, const CommitRequest& request, CommitResponse& out,
                     bool* answered) {
  *answered = false;
  auto found = load_record(*e.view, e.txn.anchor, e.txn.id);
  if (!found.ok()) return e.fail(found.status());
  if (*found) {
    const TxnRecord& old = **found;
    if (old.status == TxnStatus::kAborted) {
      MARK("range: a staging finds itself aborted");
      if (records_may_be_gone(e, request.attempt, request.earliest_attempt()))
        return e.fail(attempt_too_old());
      return e.fail(aborted_by_others());
    }
    if (old.status == TxnStatus::kCommitted) {
      MARK("range: a staging finds itself committed");
      out.commit_ts = old.commit_ts;
      *answered = true;
      return Verdict::kDone;
    }
    if (old.attempt > request.attempt) {
      MARK("range: a staging comes behind a later one");
      return e.fail(aborted("a late message of an earlier attempt to commit"));
    }
    if (old.attempt == request.attempt) return Verdict::kDone;
  } else if (records_may_be_gone(e, request.attempt, request.earliest_attempt())) {
    return e.fail(attempt_too_old());
  }
  TxnRecord record;
  record.status = TxnStatus::kStaging;
  record.commit_ts = request.commit_ts;
  record.attempt = request.attempt;
  record.heartbeat = e.context.clock().now();
  record.keys = request.all_keys;
  e.writes.put(storage::Keyspace::kTxnRecord, txn_record_key(e.txn.anchor, e.txn.id),
               encode(record));
  return Verdict::kDone;
}

}  // namespace

Verdict eval_stage(Evaluation& e, const CommitRequest& request, CommitResponse& out) {
  const bool anchor = request.kind == CommitKind::kStageAnchor;
  if (!e.txn.id || e.txn.anchor.empty() ||
      (anchor && !e.context.descriptor().span.contains(e.txn.anchor)))
    return e.fail(internal_error("staging needs the transaction's anchor"));
  out.commit_ts = request.commit_ts;
  Verdict v = Verdict::kDone;
  if (anchor) {
    bool answered = false;
    v = stage_record(e, request, out, &answered);
    if (v != Verdict::kDone || answered) return v;
  }
  if (request.commit_ts > request.deadline) {
    MARK("range: a staging beyond its view of the schema");
    return e.fail(aborted("could not serialize access: a table's description changed meanwhile"));
  }
  if (Status s = check_limits(e, request); !s.ok()) return e.fail(std::move(s));

  Timestamp lowest = e.read_ts;
  for (const RowWrite& w : request.writes) {
    if (v = stage_write(e, request, w, &lowest); v != Verdict::kDone) return v;
  }
  // Only where something is not staged yet: what was is never refused, or its attempt could be
  // committed by others after all. Once, since there may be thousands of rows.
  if (!e.effects.staged.empty()) lowest.forward(raise_perhaps(e, request));
  for (const Bytes& key : request.locked_reads) {
    if (v = stage_locked_read(e, request, key, &lowest); v != Verdict::kDone) return v;
  }
  for (const RunRef& run : request.runs) {
    if (v = stage_run(e, request, run, &lowest); v != Verdict::kDone) return v;
  }
  if (lowest > request.commit_ts && !e.planted.stage_below_reads) {
    MARK("range: a staging below what others have read");
    e.need.forward(lowest);
    return Verdict::kDone;
  }
  std::optional<Bytes> conflict;
  Progress progress;
  if (v = prove_unchanged(e, request.refresh, request.commit_ts, progress, &conflict);
      v != Verdict::kDone)
    return v;
  if (conflict) return e.fail(read_changed(*conflict));
  keep_locked_reads(e, request.locked_reads, request.commit_ts);
  e.write_ts = request.commit_ts;
  return Verdict::kDone;
}

}  // namespace quorate::range
