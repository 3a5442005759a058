// Makes a transaction's outcome explicit in its record, once and for ever.
//
//   record            commit at (ts, attempt)           abort of `attempt`
//   none              UNKNOWN: nothing was staged       ABORTED, so that nothing is staged later;
//   UNKNOWN
//                                                       at or below the record mark
//   PENDING           COMMITTED: its parts are staged   ABORTED
//   STAGING, same     COMMITTED                         ABORTED
//   STAGING, earlier  says so                           ABORTED: who has gone on to a later attempt
//                                                       had that one refused
//   STAGING, later    says so: another attempt is under way, which this one knows nothing of
//   COMMITTED         says so                           says so
//   ABORTED           says so                           says so *
//
// * To its own coordinator UNKNOWN, where its first attempt is at or below the record mark: others
// may have made the record anew.
//
// Where it is COMMITTED afterwards, the intents of this range that the request names become
// versions in the same batch.
#include <algorithm>

#include "base/mark.h"
#include "range/eval/commit_checks.h"

namespace quorate::range {

namespace {

void put_record(Evaluation& e, const TxnRecord& record, EndTxnResponse& out) {
  e.writes.put(storage::Keyspace::kTxnRecord, txn_record_key(e.txn.anchor, e.txn.id),
               encode(record));
  out.status = record.status;
  out.commit_ts = record.commit_ts;
}

Verdict end_without_record(Evaluation& e, const EndTxnRequest& request, EndTxnResponse& out) {
  if (request.commit) {
    MARK("range: an end finds nothing staged");
    out.status = TxnStatus::kUnknown;
    return Verdict::kDone;
  }
  if (records_may_be_gone(e, request.attempt, request.earliest_attempt())) {
    MARK("range: an end older than the records that are kept");
    // Nothing of that attempt can be written any more; but its record may have been collected after
    // it committed, so that nobody can say any longer that it did not (safety: record-mark).
    out.status = TxnStatus::kUnknown;
    return Verdict::kDone;
  }
  TxnRecord record;
  record.status = TxnStatus::kAborted;
  record.attempt = request.attempt;
  record.heartbeat = e.context.clock().now();
  put_record(e, record, out);
  return Verdict::kDone;
}

}  // namespace

Verdict eval_end_txn(Evaluation& e, const EndTxnRequest& request, EndTxnResponse& out) {
  if (!e.txn.id || !e.context.descriptor().span.contains(e.txn.anchor))
    return e.fail(internal_error("ending a transaction needs its anchor in this range"));
  auto found = load_record(*e.view, e.txn.anchor, e.txn.id);
  if (!found.ok()) return e.fail(found.status());
  if (!*found) return end_without_record(e, request, out);
  TxnRecord record = std::move(**found);
  MARK_IF(request.commit && record.status == TxnStatus::kAborted,
          "range: a commit's end finds it aborted");
  bool changed = false;
  if (record.status == TxnStatus::kPending) {
    record.status = request.commit ? TxnStatus::kCommitted : TxnStatus::kAborted;
    record.attempt = request.attempt;
    if (request.commit) {
      record.commit_ts = request.commit_ts;
      record.keys = request.keys;
    }
    changed = true;
  } else if (record.status == TxnStatus::kStaging && request.commit) {
    changed = record.attempt == request.attempt && record.commit_ts == request.commit_ts;
    if (changed) record.status = TxnStatus::kCommitted;
  } else if (record.status == TxnStatus::kStaging && record.attempt <= request.attempt) {
    MARK("range: a staging is aborted");
    record.status = TxnStatus::kAborted;
    record.attempt = request.attempt;
    changed = true;
  }
  MARK_IF(!request.commit && record.status == TxnStatus::kCommitted,
          "range: an abort finds the transaction committed");
  if (request.commit && record.status == TxnStatus::kCommitted &&
      record.commit_ts == request.commit_ts && !request.resolve.empty()) {
    if (Verdict v = resolve_intents(e, e.txn.id, request.resolve, record.status, record.commit_ts);
        v != Verdict::kDone)
      return v;
    const size_t erased = std::erase_if(record.keys, [&](const Bytes& key) {
      return std::binary_search(request.resolve.begin(), request.resolve.end(), key);
    });
    changed = changed || erased > 0;
  }
  out.status = record.status;
  out.commit_ts = record.commit_ts;
  // Whoever found nothing any more may have made this one.
  if (!changed && record.status == TxnStatus::kAborted && request.first_attempt &&
      records_may_be_gone(e, request.attempt, request.earliest_attempt())) {
    MARK("range: an abort that others made says nothing of what was before");
    out.status = TxnStatus::kUnknown;
  }
  if (changed) put_record(e, record, out);
  return Verdict::kDone;
}

}  // namespace quorate::range
