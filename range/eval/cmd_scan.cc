// Reads of the rows of a span, in either direction, in steps.
//
// Each step reads from one storage view: it looks for intents first, reads up to the nearest one
// that it must wait for, and stops there. Before a step lets others run, the whole rest of the span
// stands in the timestamp cache, so that no write can land there at or below the read timestamp
// behind its back (safety: scan-yield; that is what read latches on the rest would do, for longer).
#include <algorithm>

#include "base/limits.h"
#include "base/mark.h"
#include "range/eval/runs.h"

namespace quorate::range {

namespace {

struct Scan {
  Evaluation& e;
  const ScanRequest& request;
  ScanResponse& out;
  Progress& progress;
  const uint64_t rows_max, bytes_max;
  KeySpan step;                // what this step reads
  std::optional<Intent> wall;  // what it must stop at
  Bytes wall_key;

  bool locking() const { return request.lock != LockMode::kNone; }
  // Everything before `key` (in the scan's direction) has been read.
  KeySpan rest_from(BytesView key) const {
    KeySpan rest = progress.rest;
    if (request.reverse)
      rest.end = key_successor(key);
    else
      rest.start = Bytes(key);
    return rest;
  }
  KeySpan covered(const KeySpan& rest) const {
    KeySpan done = progress.rest;
    if (request.reverse)
      done.start = rest.end;
    else
      done.end = rest.start;
    return done;
  }
};

// The nearest intent that the scan must wait for. Locking scans let the lock table know of all.
Status find_wall(Scan& s) {
  s.step = s.progress.rest;
  if (!s.e.look_for_intents()) return Status();
  auto it = s.e.view->plains(storage::Keyspace::kIntent, s.progress.rest);
  for (; it->valid(); it->next()) {
    ASSIGN_OR_RETURN(Intent intent, parse_intent(it->value()));
    if (intent.txn == s.e.txn.id) continue;
    if (s.locking())
      s.e.state.locks.add_staged(it->key(), intent.header());
    else if (intent.lock_only)
      continue;  // changes nothing that a reader sees
    // A row that somebody has locked by an intent is locked: SKIP LOCKED passes it over.
    if (intent.ts > s.e.uncertainty || (s.locking() && s.request.wait == WaitPolicy::kSkipLocked))
      continue;
    s.wall = std::move(intent);
    s.wall_key = Bytes(it->key());
    if (!s.request.reverse) break;
  }
  RETURN_IF_ERROR(it->status());
  if (!s.wall) return Status();
  if (s.request.reverse) {
    MARK("range: a reverse scan meets an intent");
    s.step.start = key_successor(s.wall_key);
  } else
    s.step.end = s.wall_key;
  return Status();
}

// kDone: taken or passed over.
Verdict locked_row(Scan& s, BytesView key) {
  Evaluation& e = s.e;
  if (!e.state.runs.empty()) {
    auto run = foreign_run_row(e, key);
    if (!run.ok()) return e.fail(run.status());
    if (*run != nullptr) e.state.locks.add_staged(key, (*run)->header());
  }
  auto found = e.view->newest(key);
  if (!found.ok()) return e.fail(found.status());
  if (!*found) return Verdict::kDone;
  const storage::Version& newest = **found;
  const bool later = newest.ts > e.read_ts;
  if (newest.deleted && (!later || e.txn.isolation == Isolation::kReadCommitted))
    return Verdict::kDone;
  if (later && e.txn.isolation == Isolation::kRepeatableRead) {
    auto seen = e.view->get(key, e.read_ts);
    if (!seen.ok()) return e.fail(seen.status());
    if (!*seen || (*seen)->deleted) {
      MARK("range: a row to be locked is not in the snapshot");
      return Verdict::kDone;  // not in the snapshot
    }
  }
  bool skipped = false;
  Verdict v = e.lock(key, s.request.lock, s.request.wait, &skipped);
  if (v != Verdict::kDone || skipped) return v;
  if (later && e.txn.isolation == Isolation::kRepeatableRead)
    return e.fail(concurrent_update(key, newest.deleted ? "delete" : "update"));
  if (later && e.txn.isolation == Isolation::kSerializable) e.need.forward(newest.ts);
  if (!newest.deleted)
    s.out.rows.add(key, s.request.keys_only ? BytesView() : newest.value, newest.ts);
  return Verdict::kDone;
}

bool full(const Scan& s) {
  return s.out.rows.size() >= s.rows_max || s.out.rows.bytes() >= s.bytes_max;
}

// Ends this step with `rest` still unread. `all`: the rest counts as read from now on, because the
// scan goes on or is at its end.
void stop_at(Scan& s, KeySpan rest, bool all) {
  const bool nothing_rests_on_it = s.e.txn.isolation == Isolation::kReadCommitted && s.locking();
  if (!nothing_rests_on_it && !s.e.planted.scan_unnoted) {
    s.e.remember_read(all ? s.progress.rest : s.covered(rest), s.e.read_ts, s.request.columns);
  }
  s.progress.rest = std::move(rest);
}

Verdict read_step(Scan& s) {
  Evaluation& e = s.e;
  // Others' runs stand in the way only where they are about to be published.
  if (const RunRecord* run = staged_run(e, s.progress.rest, e.uncertainty)) {
    stop_at(s, s.progress.rest, true);
    return block_on_run(e, run->first, *run);
  }
  Timestamp uncertain;
  storage::RowIteratorOptions options;
  options.span = s.step;
  options.ts = s.locking() ? Timestamp::max() : e.read_ts;
  options.uncertain_until = e.uncertainty;
  options.uncertain = s.locking() ? nullptr : &uncertain;
  options.reverse = s.request.reverse;
  options.with_deleted = s.locking();
  auto laid = OwnRunsIterator::create(e, e.view->rows(options), s.step, s.request.reverse);
  if (!laid.ok()) return e.fail(laid.status());
  const std::unique_ptr<OwnRunsIterator> it = std::move(*laid);
  size_t rows = 0;
  for (; it->valid(); it->next()) {
    if (full(s)) break;
    if (e.may_yield && ++rows > e.context.limits().scan_yield_rows) {
      MARK("range: a long scan lets others run");
      e.need.forward(uncertain);
      stop_at(s, s.rest_from(it->key()), true);
      return Verdict::kYield;
    }
    if (!s.locking() || it->own()) {
      s.out.rows.add(it->key(), s.request.keys_only ? BytesView() : it->value(), it->ts());
      continue;
    }
    Verdict v = locked_row(s, it->key());
    if (v == Verdict::kBlocked) stop_at(s, s.rest_from(it->key()), true);
    if (v != Verdict::kDone) return v;
  }
  if (!it->status().ok()) return e.fail(it->status());
  e.need.forward(uncertain);
  if (it->valid()) {
    KeySpan rest = s.rest_from(it->key());
    stop_at(s, rest, false);
    s.out.resume = std::move(rest);
    return Verdict::kDone;
  }
  if (!s.wall) {
    stop_at(s, KeySpan(), true);
    return Verdict::kDone;
  }
  if (full(s)) {
    KeySpan rest = s.rest_from(s.wall_key);
    stop_at(s, rest, false);
    s.out.resume = std::move(rest);
    return Verdict::kDone;
  }
  stop_at(s, s.rest_from(s.wall_key), true);
  if (s.locking() && s.request.wait == WaitPolicy::kNoWait) {
    bool skipped = false;
    if (Verdict v = e.lock(s.wall_key, s.request.lock, s.request.wait, &skipped);
        v != Verdict::kDone)
      return v;
  }
  return e.block_on_intent(s.wall_key, *s.wall);
}

}  // namespace

Verdict eval_scan(Evaluation& e, const ScanRequest& request, ScanResponse& out,
                  Progress& progress) {
  if (!progress.begun) {
    progress.begun = true;
    progress.rest = request.span;
    out.rows.clear();
    out.resume.reset();
  }
  auto bounded = [](uint64_t wanted, uint64_t most) {
    return wanted == 0 ? most : std::min<uint64_t>(wanted, most);
  };
  Scan s{e,
         request,
         out,
         progress,
         bounded(request.rows_max, limits::kScanRowsMax),
         bounded(request.bytes_max, limits::kScanBytesMax),
         {},
         {},
         {}};
  if (Status found = find_wall(s); !found.ok()) return e.fail(std::move(found));
  return read_step(s);
}

}  // namespace quorate::range
