// Evaluating one batch against one state of its range: what a command may look at, and what it
// leaves behind. Commands (eval/cmd_*.cc, one a file) are plain functions: they never wait, and
// touch storage only through `view`. Whoever calls them (range/leaseholder.cc) holds the latches
// that latches_of() names.
//
//     kDone     the answer is in `out`; writes, effects and trigger have been added to
//     kBlocked  `blocked` says by whom: wait and evaluate again
//     kFailed   `error`
//     kYield    a long read has more to do; call again with the same Progress, on a fresh view
//
// `need` above zero after kDone: nothing may be written, the transaction must come back there.
#pragma once

#include <absl/container/inlined_vector.h>

#include <map>
#include <set>

#include "base/planted.h"
#include "range/api.h"
#include "range/concurrency/latches.h"
#include "range/concurrency/lock_table.h"
#include "range/concurrency/recent_commits.h"
#include "range/concurrency/timestamp_cache.h"
#include "range/eval/records.h"
#include "range/eval/run_table.h"
#include "range/replica_context.h"

namespace quorate::range {

// What a leaseholder keeps in memory of its range.
struct RangeState {
  RangeState(runtime::Executor& executor, LockTable::Alive alive, Timestamp low_water,
             const RangeLimits& limits)
      : locks(executor, std::move(alive), limits.lock_waiters),
        reads(low_water),
        recent(low_water, limits.recent_commits) {}
  LockTable locks;
  TimestampCache reads;
  RecentCommits recent;
  // Intents in the range's span. Exact, unless a proposal's fate was unknown: then commands look
  // for them always.
  uint64_t intents = 0;
  bool intents_uncertain = false;
  // Where the collection of records goes on; empty: the next one begins from the start.
  Bytes collect_from;
  // Transactions whose records the last collection found old and not finished: nobody may be left
  // who ends them. With their anchors.
  std::map<TxnId, Bytes> left_behind;
  // Sorted runs in the range's span; as exact, but that it is read anew where it may not be.
  RunTable runs;
  // Transactions without a record that somebody has asked about, and since when.
  std::map<TxnId, Timestamp> watches;
};

enum class Verdict : uint8_t { kDone, kBlocked, kFailed, kYield };

struct Blocked {
  bool by_intent = false;  // else by a lock
  Bytes key;
  LockMode mode = LockMode::kNone;  // the lock that is wanted
  TxnId txn;                        // by_intent: whose
  Bytes anchor;
};

// What becomes true in memory once the batch has been applied.
struct Effects {
  int64_t intents = 0;
  absl::InlinedVector<TxnId, 1> unlocked;         // transactions whose locks end here
  std::set<Bytes> staged;                         // keys on which it now has intents
  std::set<std::pair<TxnId, Bytes>> resolved;     // intents that are gone, with their locks
  std::vector<std::pair<Bytes, RunRecord>> runs;  // laid, or staged; by stored key
  std::vector<Bytes> runs_gone;
  TxnId runs_ended;  // a finished transaction that has no run here any more
};

// How far a long read has come.
struct Progress {
  bool begun = false;
  KeySpan rest;
  size_t index = 0;
  size_t rows = 0;
};

struct Evaluation {
  ReplicaContext& context;
  RangeState& state;
  const PlantedBugs planted;
  const TxnHeader& txn;
  Timestamp read_ts;
  Timestamp uncertainty;  // at or above read_ts; bounded by what was observed of this store
  bool may_yield = false;
  storage::ReadView* view = nullptr;

  storage::WriteBatch writes;
  Timestamp write_ts;  // no write of the batch lies below it; zero: it writes no version
  Trigger trigger;
  Effects effects;
  Timestamp need;
  Blocked blocked;
  Status error;

  void reset() {
    writes.clear();
    write_ts = Timestamp();
    trigger = {};
    effects = {};
    need = Timestamp();
  }
  bool look_for_intents() const { return state.intents > 0 || state.intents_uncertain; }
  Verdict fail(Status s) {
    error = std::move(s);
    return Verdict::kFailed;
  }
  Verdict block_on_lock(BytesView key, LockMode mode) {
    blocked = {false, Bytes(key), mode, {}, {}};
    return Verdict::kBlocked;
  }
  Verdict block_on_intent(BytesView key, const Intent& intent) {
    state.locks.add_staged(key, intent.header());
    blocked = {true, Bytes(key), LockMode::kNone, intent.txn, intent.anchor};
    return Verdict::kBlocked;
  }
  // Takes a lock as the policy says. kDone with *skipped: somebody else has it and kSkipLocked.
  Verdict lock(BytesView key, LockMode mode, WaitPolicy policy, bool* skipped);
  // Another transaction's intent on the key; nullopt: none, or it is our own.
  Result<std::optional<Intent>> foreign_intent(BytesView key);
  void remember_read(const KeySpan& span, Timestamp ts, ColumnSet columns);
};

// A read that uses no column still depends on the row's being there.
inline ColumnSet used_columns(ColumnSet columns) { return columns == 0 ? kAllColumns : columns; }
// The span of one key alone.
bool is_point(const KeySpan& span);
// "table 57, key \x80.." for details of errors.
std::string describe_key(BytesView key);
Status concurrent_update(BytesView key, const char* what = "update");

// Turns a finished transaction's intents into versions at commit_ts, or removes them.
Verdict resolve_intents(Evaluation& e, const TxnId& txn, const std::vector<Bytes>& keys,
                        TxnStatus status, Timestamp commit_ts);

// Proves `reads` unchanged up to `to`, and leaves that in the timestamp cache. kDone with
// `*conflict` set: this key changed.
Verdict prove_unchanged(Evaluation& e, const std::vector<ReadSpan>& reads, Timestamp to,
                        Progress& progress, std::optional<Bytes>* conflict);

Verdict eval_get(Evaluation& e, const GetView& request, GetResponse& out);
Verdict eval_scan(Evaluation& e, const ScanRequest& request, ScanResponse& out, Progress& progress);
Verdict eval_refresh(Evaluation& e, const RefreshRequest& request, RefreshResponse& out,
                     Progress& progress);
Verdict eval_commit(Evaluation& e, const CommitRequest& request, CommitResponse& out);
Verdict eval_stage(Evaluation& e, const CommitRequest& request, CommitResponse& out);
Verdict eval_end_txn(Evaluation& e, const EndTxnRequest& request, EndTxnResponse& out);
Verdict eval_resolve(Evaluation& e, const ResolveRequest& request);
Verdict eval_push(Evaluation& e, const PushRequest& request, PushResponse& out);
Verdict eval_heartbeat(Evaluation& e, const HeartbeatRequest& request);
Verdict eval_query_intent(Evaluation& e, const QueryIntentRequest& request,
                          QueryIntentResponse& out);
Verdict eval_lay_run(Evaluation& e, const LayRunRequest& request, LayRunResponse& out);
Verdict eval_resolve_runs(Evaluation& e, const ResolveRunsRequest& request,
                          ResolveRunsResponse& out);
Verdict eval_keep_pending(Evaluation& e, const KeepPendingRequest& request);
Verdict eval_unlock(Evaluation& e);
Verdict eval_gc(Evaluation& e, const GcRequest& request);
Verdict eval_clear(Evaluation& e, const ClearRequest& request, ClearResponse& out);

}  // namespace quorate::range
