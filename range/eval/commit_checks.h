// What both ways to commit check of their writes.
#pragma once

#include "range/eval/evaluation.h"

namespace quorate::range {

// The write may be made from what it was made from, nobody stands in its way, and *lowest is raised
// to the least timestamp at which it may land.
Verdict check_write(Evaluation& e, const RowWrite& write, Timestamp* lowest);
// Below SERIALIZABLE: the locks that the commit relies on are held, without a gap.
Verdict check_locked_reads(Evaluation& e, const std::vector<Bytes>& keys);
// A tombstone that was collected since leaves no version: then its row is still absent.
bool base_holds(const Evaluation& e, Timestamp base, const std::optional<storage::Version>& newest);
// 53100 where a store of the range has no room left.
Status check_space(Evaluation& e, bool grows);
// Sizes, space, the descriptor leases' deadline.
Status check_limits(Evaluation& e, const CommitRequest& request);
// No record was ever, and will ever be, made for this attempt (safety: record-mark).
Status attempt_too_old();
// What a record of an earlier send, or of whoever recovered the transaction, says to a commit.
Status aborted_by_others();
Status read_changed(BytesView key);

}  // namespace quorate::range
