// The end of a transaction's runs: published at the commit timestamp, or dropped. A bounded number
// at a time, the earliest first, since a later run's rows replace an earlier one's.
#include "base/mark.h"
#include "range/eval/runs.h"

namespace quorate::range {

namespace {
constexpr size_t kDropMax = 1000;
}

Verdict eval_resolve_runs(Evaluation& e, const ResolveRunsRequest& request,
                          ResolveRunsResponse& out) {
  if (request.status != TxnStatus::kCommitted && request.status != TxnStatus::kAborted)
    return e.fail(internal_error("only finished transactions can be resolved"));
  const std::vector<Bytes> keys = e.state.runs.of(request.txn, request.span);
  uint64_t bytes = 0;
  size_t done = 0;
  const size_t bytes_max = e.context.limits().publish_bytes;
  for (; done < keys.size() && done < kDropMax && bytes < bytes_max; ++done) {
    const RunRecord& run = *e.state.runs.find(keys[done]);
    if (request.status == TxnStatus::kCommitted && run.staged == request.commit_ts) {
      e.writes.publish_run(keys[done], request.commit_ts);
      bytes += run.bytes;
    } else {
      e.writes.remove(storage::Keyspace::kRun, keys[done]);
      e.writes.remove(storage::Keyspace::kRunBody, keys[done]);
    }
    e.effects.runs_gone.push_back(keys[done]);
  }
  out.left = keys.size() - done;
  MARK_IF(out.left > 0, "range: runs end in pieces");
  if (out.left == 0) e.effects.runs_ended = request.txn;
  if (bytes > 0) {
    // The rows are too many to be remembered one by one.
    e.state.recent.forget_below(request.commit_ts);
    e.write_ts = request.commit_ts;
  }
  return Verdict::kDone;
}

}  // namespace quorate::range
