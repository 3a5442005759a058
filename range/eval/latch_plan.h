// Which latches a batch must hold while it is evaluated, and until its proposal is applied.
#pragma once

#include <vector>

#include "range/concurrency/latches.h"
#include "range/eval/evaluation.h"

namespace quorate::range {

// Does the batch perhaps propose something? Only such batches hold latches over a wait; others may
// be evaluated at once wherever their spans are free.
bool may_write(const BatchRequest& batch);
std::vector<Latch> latches_of(const BatchRequest& batch, Timestamp read_ts, const KeySpan& range);
// For batches that can't write: nothing that is held or waited for stands in the way.
bool free_to_evaluate(const Latches& latches, const BatchRequest& batch, Timestamp read_ts);
// All keys of the batch lie in `span`.
bool lies_in(const BatchRequest& batch, const KeySpan& span);

}  // namespace quorate::range
