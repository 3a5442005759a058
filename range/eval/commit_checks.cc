#include "range/eval/commit_checks.h"

#include "base/limits.h"
#include "base/mark.h"
#include "range/eval/runs.h"
#include "range/keys.h"
#include "runtime/fault_points.h"

namespace quorate::range {

bool base_holds(const Evaluation& e, Timestamp base,
                const std::optional<storage::Version>& newest) {
  if (newest) return newest->ts == base;
  return !base || base <= e.context.gc_threshold();
}

Status check_space(Evaluation& e, bool grows) {
  const storage::Space space = e.context.space();
  if (space == storage::Space::kPlenty || (space == storage::Space::kLow && !grows))
    return Status();
  return resource_exhausted("could not write: a store of range " +
                                e.context.descriptor().id.to_string() +
                                " has no space left on its device",
                            sqlstate::kDiskFull)
      .with_hint("Check free disk space.");
}

Verdict check_write(Evaluation& e, const RowWrite& write, Timestamp* lowest) {
  auto intent = e.foreign_intent(write.key);
  if (!intent.ok()) return e.fail(intent.status());
  if (*intent) {
    MARK("range: a write meets another's intent");
    return e.block_on_intent(write.key, **intent);
  }
  if (!e.state.runs.empty()) {
    auto run = foreign_run_row(e, write.key);
    if (!run.ok()) return e.fail(run.status());
    if (*run != nullptr) {
      MARK("range: a write meets another's run");
      return block_on_run(e, write.key, **run);
    }
  }
  if (e.state.locks.blocked(write.key, e.txn.id, LockMode::kExclusive)) {
    MARK("range: a write meets another's lock");
    return e.block_on_lock(write.key, LockMode::kExclusive);
  }
  auto newest = e.view->newest(write.key);
  if (!newest.ok()) return e.fail(newest.status());
  if (write.base && !e.planted.ignore_lost_locks && !base_holds(e, *write.base, *newest)) {
    MARK("range: a row has changed that was written from");
    return e.fail(
        concurrent_update(write.key, *newest && (*newest)->deleted ? "delete" : "update"));
  }
  if (*newest) lowest->forward((*newest)->ts.next());
  // Below it a later deletion may be gone, and this very write, committed and deleted since.
  if (!e.planted.write_below_threshold) lowest->forward(e.context.gc_threshold().next());
  const ColumnSet changed = write.deleted ? kAllColumns : write.changed;
  lowest->forward(e.state.reads.floor(write.key, changed, e.txn.id).next());
  return Verdict::kDone;
}

Verdict check_locked_read(Evaluation& e, const Bytes& key, Timestamp* lowest) {
  if (!e.planted.ignore_lost_locks && !e.state.locks.holds(key, e.txn.id, LockMode::kShared)) {
    MARK("range: a lock that a commit rests on is gone");
    return e.fail(concurrent_update(key));
  }
  auto newest = e.view->newest(key);
  if (!newest.ok()) return e.fail(newest.status());
  // At READ COMMITTED the lock may have shown a version above the statement's timestamp.
  if (*newest) lowest->forward((*newest)->ts.next());
  return Verdict::kDone;
}

void keep_locked_reads(Evaluation& e, const std::vector<Bytes>& keys, Timestamp ts) {
  if (e.planted.forget_locked_reads) return;
  for (const Bytes& key : keys) e.state.reads.add(key, ts, kAllColumns, e.txn.id);
}

Status check_limits(Evaluation& e, const CommitRequest& request) {
  bool grows = false, changes = false;
  for (const RowWrite& w : request.writes) {
    if (w.key.size() > limits::kKeyBytesMax)
      return resource_exhausted("a key of " + std::to_string(w.key.size()) +
                                " bytes exceeds the maximum of " +
                                std::to_string(limits::kKeyBytesMax));
    if (w.value.size() > limits::kValueBytesMax)
      return resource_exhausted("a row of " + std::to_string(w.value.size()) +
                                " bytes exceeds the maximum of " +
                                std::to_string(limits::kValueBytesMax));
    changes |= !keys::is_vital(w.key);
    grows |= !w.deleted && !keys::is_vital(w.key);
  }
  return changes ? check_space(e, grows) : Status();
}

Timestamp raise_perhaps(Evaluation& e, const CommitRequest& request) {
  if (request.writes.empty() ||
      !runtime::fires(e.context.env().faults, runtime::FaultPoint::kRaiseCommit))
    return Timestamp();
  const Timestamp now = e.context.clock().now();
  e.state.reads.add(BytesView(request.writes.front().key), now, kAllColumns, TxnId());
  return now.next();
}

bool records_may_be_gone(const Evaluation& e, Timestamp attempt, Timestamp earliest) {
  const Timestamp asked = e.planted.forget_first_attempt ? attempt : earliest;
  return asked <= e.context.record_mark() && !e.planted.ignore_record_mark;
}

Status attempt_too_old() {
  MARK("range: an attempt older than the records that are kept");
  return ambiguous("the commit's outcome is unknown: records of its time have been collected");
}

Status aborted_by_others() {
  return aborted("could not serialize access: the transaction was aborted while it committed")
      .with_detail("Another transaction found its coordinator silent for too long.");
}

Status read_changed(BytesView key) {
  return aborted("could not serialize access due to read/write dependencies among transactions")
      .with_detail("A row in " + describe_key(key) + " changed after it was read.")
      .with_hint("The transaction might succeed if retried.");
}

}  // namespace quorate::range
