// Reads of named rows, with or without locks.
//
// A plain read happens at read_ts. It waits for another's intent that may count at or below what it
// may have to see, never for a lock: writes are buffered at their coordinators.
//
// A locking read takes the lock first and then looks at the newest version. What a version above
// read_ts means depends on the isolation level: a later read timestamp (SERIALIZABLE), an error
// (REPEATABLE READ), the row (READ COMMITTED).
#include "base/mark.h"
#include "range/eval/runs.h"

namespace quorate::range {

namespace {

// The transaction's own row, from a run: sets *found.
Verdict own_get(Evaluation& e, BytesView key, RowSet& rows, bool* found) {
  *found = false;
  auto own = own_run_row(e, key);
  if (!own.ok()) return e.fail(own.status());
  if (!*own) return Verdict::kDone;
  *found = true;
  const Timestamp base = (*own)->base.value_or(Timestamp());
  if ((*own)->deleted)
    rows.add_absent(key, base);
  else
    rows.add(key, (*own)->value, base);
  return Verdict::kDone;
}

Verdict plain_get(Evaluation& e, BytesView key, const GetView& request, RowSet& rows) {
  if (!e.state.runs.empty()) {
    bool found = false;
    if (Verdict v = own_get(e, key, rows, &found); v != Verdict::kDone || found) return v;
    if (const RunRecord* run = staged_run(e, key, e.uncertainty)) return block_on_run(e, key, *run);
  }
  if (e.look_for_intents()) {
    auto intent = e.foreign_intent(key);
    if (!intent.ok()) return e.fail(intent.status());
    // A staged lock changes nothing that a reader sees.
    if (*intent && !(*intent)->lock_only && (*intent)->ts <= e.uncertainty) {
      MARK("range: a read waits for an intent");
      return e.block_on_intent(key, **intent);
    }
  }
  auto found = e.view->get(key, e.uncertainty);
  if (!found.ok()) return e.fail(found.status());
  const auto& version = *found;
  if (version && version->ts > e.read_ts) {
    MARK("range: a read meets what may be from before it");
    e.need.forward(version->ts);
    rows.add_absent(key, version->ts);
    return Verdict::kDone;
  }
  e.state.reads.add(key, e.read_ts, used_columns(request.columns), e.txn.id);
  if (version && !version->deleted)
    rows.add(key, version->value, version->ts);
  else
    rows.add_absent(key, version ? version->ts : Timestamp());
  return Verdict::kDone;
}

Verdict locking_get(Evaluation& e, BytesView key, const GetView& request, GetResponse& out) {
  auto intent = e.foreign_intent(key);
  if (!intent.ok()) return e.fail(intent.status());
  if (*intent) e.state.locks.add_staged(key, (*intent)->header());
  if (!e.state.runs.empty()) {
    bool found = false;
    if (Verdict v = own_get(e, key, out.rows, &found); v != Verdict::kDone || found) return v;
    auto run = foreign_run_row(e, key);
    if (!run.ok()) return e.fail(run.status());
    if (*run != nullptr) e.state.locks.add_staged(key, (*run)->header());
  }
  bool skipped = false;
  if (Verdict v = e.lock(key, request.lock, request.wait, &skipped); v != Verdict::kDone) return v;
  if (skipped) {
    out.rows.add_absent(key, Timestamp());
    return Verdict::kDone;
  }
  auto found = e.view->newest(key);
  if (!found.ok()) return e.fail(found.status());
  const auto& version = *found;
  if (version && version->ts > e.read_ts) {
    if (e.txn.isolation == Isolation::kRepeatableRead) {
      MARK("range: a locked row is newer than the snapshot");
      return e.fail(concurrent_update(key, version->deleted ? "delete" : "update"));
    }
    if (e.txn.isolation == Isolation::kSerializable) {
      MARK("range: a lock shows a later version");
      e.need.forward(version->ts);
    }
  }
  out.floor.forward(e.state.reads.floor(key, kAllColumns, e.txn.id));
  // At READ COMMITTED the row is given as it is now, and nothing rests on read_ts.
  if (e.txn.isolation != Isolation::kReadCommitted)
    e.state.reads.add(key, e.read_ts, used_columns(request.columns), e.txn.id);
  if (version && !version->deleted)
    out.rows.add(key, version->value, version->ts);
  else
    out.rows.add_absent(key, version ? version->ts : Timestamp());
  return Verdict::kDone;
}

}  // namespace

Verdict eval_get(Evaluation& e, const GetView& request, GetResponse& out) {
  out.rows.clear();
  out.floor = Timestamp();
  for (const Bytes& key : request.keys) {
    Verdict v = request.lock == LockMode::kNone ? plain_get(e, key, request, out.rows)
                                                : locking_get(e, key, request, out);
    if (v != Verdict::kDone) return v;
  }
  return Verdict::kDone;
}

}  // namespace quorate::range
