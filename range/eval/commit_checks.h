// What both ways to commit check of their writes.
#pragma once

#include "range/eval/evaluation.h"

namespace quorate::range {

// The write may be made from what it was made from, nobody stands in its way, and *lowest is raised
// to the least timestamp at which it may land.
Verdict check_write(Evaluation& e, const RowWrite& write, Timestamp* lowest);
// Below SERIALIZABLE: the lock that the commit relies on is held, without a gap; *lowest is raised
// above the version that it was taken on.
Verdict check_locked_read(Evaluation& e, const Bytes& key, Timestamp* lowest);
// Whoever takes the locks next commits above `ts`, at which the transaction relied on them: in the
// order of timestamps, too, the row was there when it was needed (a parent, and its child).
void keep_locked_reads(Evaluation& e, const std::vector<Bytes>& keys, Timestamp ts);
// A tombstone that was collected since leaves no version: then its row is still absent.
bool base_holds(const Evaluation& e, Timestamp base, const std::optional<storage::Version>& newest);
// In the simulator, now and then: what the first row's write must be above as if it had just been
// read. Noted as such a read is, since what a range refuses, a copy that comes later must not find
// free.
Timestamp raise_perhaps(Evaluation& e, const CommitRequest& request);
// 53100 where a store of the range has no room left.
Status check_space(Evaluation& e, bool grows);
// Sizes, space, the descriptor leases' deadline.
Status check_limits(Evaluation& e, const CommitRequest& request);
// Records of one of the transaction's attempts may have been collected: that none is there, or one
// that somebody made since to bar it, does not tell that it was not committed (safety:
// record-mark).
// `earliest`: of the attempts.
bool records_may_be_gone(const Evaluation& e, Timestamp attempt, Timestamp earliest);
Status attempt_too_old();
// What a record of an earlier send, or of whoever recovered the transaction, says to a commit.
Status aborted_by_others();
Status read_changed(BytesView key);

}  // namespace quorate::range
