// The ends of transactions that run behind the answer: the record made COMMITTED, intents resolved,
// the record removed; locks let go. Everything here is idempotent and may be cut off anywhere: what
// is left is finished by whoever meets it (safety: prevent-then-abort, orphan-locks).
#pragma once

#include <vector>

#include "txn/node_parts.h"

namespace quorate::txn {

struct TxnEnd {
  range::TxnHeader header;      // with the record's anchor
  std::vector<Bytes> keys;      // staged; sorted
  std::vector<KeySpan> locked;  // spans of the ranges where locks were taken
  Timestamp commit_ts, attempt;
  std::vector<KeySpan> runs;  // spans in which sorted runs lie
};

// Asks the anchor to commit or abort, and gives what its record says then. An error: not known, at
// `until` at the latest or, without that, when several sends were in vain. `first_attempt`: as in
// EndTxnRequest.
runtime::Task<Result<range::EndTxnResponse>> end_record(
    NodeParts& node, range::TxnHeader header, bool commit, Timestamp commit_ts, Timestamp attempt,
    std::vector<Bytes> keys = {}, runtime::Instant until = runtime::Instant::never(),
    Timestamp first_attempt = {});
// Makes or renews the PENDING record; kAborted: somebody has aborted the transaction.
runtime::Task<Status> keep_pending(NodeParts& node, range::TxnHeader header, Timestamp attempt);
// What the record at the anchor says.
runtime::Task<Result<range::TxnRecord>> read_record(NodeParts& node, range::TxnHeader header);

// After all was staged and the client answered: COMMITTED before the first intent is resolved, the
// record away after the last.
runtime::Task<void> finish_commit(NodeParts* node, TxnEnd end);
// Gives up a transaction that has runs: its record, then what lies in its ranges.
runtime::Task<void> abandon_runs(NodeParts* node, TxnEnd end);
// After the record says ABORTED, which it goes on saying until it is collected.
runtime::Task<void> finish_abort(NodeParts* node, TxnEnd end);
// Lets the transaction's locks go in every range of `spans`.
runtime::Task<void> unlock(NodeParts* node, range::TxnHeader header, std::vector<KeySpan> spans);

}  // namespace quorate::txn
