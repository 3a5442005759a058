// Makes the PENDING record of a transaction with runs, and keeps it alive.
#include "base/mark.h"
#include "range/eval/commit_checks.h"

namespace quorate::range {

Verdict eval_keep_pending(Evaluation& e, const KeepPendingRequest& request) {
  if (!e.txn.id || !e.context.descriptor().span.contains(e.txn.anchor))
    return e.fail(internal_error("a pending record needs its transaction's anchor in this range"));
  auto found = load_record(*e.view, e.txn.anchor, e.txn.id);
  if (!found.ok()) return e.fail(found.status());
  TxnRecord record;
  if (*found) {
    if ((*found)->status == TxnStatus::kAborted) {
      MARK("range: a bulk transaction finds itself aborted");
      return e.fail(aborted_by_others());
    }
    if ((*found)->status != TxnStatus::kPending) return Verdict::kDone;
    record = std::move(**found);
  } else if (request.attempt <= e.context.record_mark()) {
    MARK("range: a bulk transaction's record was aborted and collected");
    return e.fail(aborted_by_others());
  }
  record.format = TxnRecord::kWithRuns;
  record.status = TxnStatus::kPending;
  record.attempt.forward(request.attempt);
  record.heartbeat = e.context.clock().now();
  e.writes.put(storage::Keyspace::kTxnRecord, txn_record_key(e.txn.anchor, e.txn.id),
               encode(record));
  return Verdict::kDone;
}

}  // namespace quorate::range
