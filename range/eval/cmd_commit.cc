// Commit of a transaction whose writes all lie in this range: one batch, one proposal.
//
//     record? ── committed: the answer it had (safety: commit-once)
//        │ none
//     checks: space, locks, bases ──► the least timestamp that is allowed
//        │                              above what is proved elsewhere: kNeedTimestamp
//     reads of this range unchanged up to it?   no: 40001
//        │
//     versions + record in one write batch
#include "base/mark.h"
#include "range/eval/commit_checks.h"

namespace quorate::range {

namespace {

// Sets *answered where an earlier send, or a recovery, decided the outcome already.
Verdict consult_record(Evaluation& e, const CommitRequest& request, CommitResponse& out,
                       bool* answered) {
  *answered = false;
  auto found = load_record(*e.view, e.txn.anchor, e.txn.id);
  if (!found.ok()) return e.fail(found.status());
  if (!*found) {
    if (records_may_be_gone(e, request.attempt, request.earliest_attempt()))
      return e.fail(attempt_too_old());
    return Verdict::kDone;
  }
  const TxnRecord& record = **found;
  switch (record.status) {
    case TxnStatus::kCommitted:
      if (e.planted.commit_twice) return Verdict::kDone;
      MARK("range: a commit is sent again");
      out.commit_ts = record.commit_ts;
      e.effects.unlocked.push_back(e.txn.id);
      *answered = true;
      return Verdict::kDone;
    case TxnStatus::kAborted:
      MARK("range: a commit finds itself aborted");
      if (records_may_be_gone(e, request.attempt, request.earliest_attempt()))
        return e.fail(attempt_too_old());
      return e.fail(aborted_by_others());
    case TxnStatus::kStaging:
    case TxnStatus::kPending:
    case TxnStatus::kUnknown:
      return e.fail(internal_error("a one-range commit meets a record of its own staging"));
  }
  UNREACHABLE("transaction status");
}

void write_versions(Evaluation& e, const CommitRequest& request, Timestamp ts) {
  for (const RowWrite& w : request.writes) {
    if (w.deleted)
      e.writes.delete_version(w.key, ts);
    else
      e.writes.put_version(w.key, ts, w.value);
    e.state.recent.add(w.key, ts, w.deleted ? kAllColumns : w.changed, e.txn.id);
  }
  TxnRecord record;
  record.status = TxnStatus::kCommitted;
  record.commit_ts = ts;
  record.attempt = request.attempt;
  record.heartbeat = ts;
  e.writes.put(storage::Keyspace::kTxnRecord, txn_record_key(e.txn.anchor, e.txn.id),
               encode(record));
}

}  // namespace

Verdict eval_commit(Evaluation& e, const CommitRequest& request, CommitResponse& out) {
  if (!e.txn.id || !e.context.descriptor().span.contains(e.txn.anchor))
    return e.fail(internal_error("a commit needs its transaction's anchor in this range"));
  bool answered = false;
  Verdict v = consult_record(e, request, out, &answered);
  if (v != Verdict::kDone || answered) return v;
  if (Status s = check_limits(e, request); !s.ok()) return e.fail(std::move(s));

  Timestamp ts = e.read_ts;
  ts.forward(raise_perhaps(e, request));
  for (const RowWrite& w : request.writes) {
    if (v = check_write(e, w, &ts); v != Verdict::kDone) return v;
  }
  for (const Bytes& key : request.locked_reads) {
    if (v = check_locked_read(e, key, &ts); v != Verdict::kDone) return v;
  }
  if (ts > request.deadline) {
    MARK("range: a commit beyond its view of the schema");
    return e.fail(aborted("could not serialize access: a table's description changed meanwhile"));
  }
  if (ts > request.commit_ts && !e.planted.commit_above_proof) {
    MARK("range: a commit above what is proved elsewhere");
    e.need.forward(ts);
    return Verdict::kDone;
  }
  std::optional<Bytes> conflict;
  Progress progress;
  if (v = prove_unchanged(e, request.refresh, ts, progress, &conflict); v != Verdict::kDone)
    return v;
  if (conflict) {
    MARK("range: what a commit has read has changed");
    return e.fail(read_changed(*conflict));
  }

  keep_locked_reads(e, request.locked_reads, ts);
  write_versions(e, request, ts);
  e.write_ts = ts;
  e.effects.unlocked.push_back(e.txn.id);
  out.commit_ts = ts;
  return Verdict::kDone;
}

}  // namespace quorate::range
