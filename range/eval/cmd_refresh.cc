// Proving that reads would give the same answer at a later timestamp (safety: refresh).
//
// The quick proof walks the range's recent commits and knows columns. What they tell of, or where
// they do not reach back far enough every row that has a later version, is read again: the row as
// it stood when it was read is still there (safety: gc-threshold), so the two versions are compared
// in the columns that were used. Another's intent at or below the target is waited for. What is
// proved stands in the timestamp cache afterwards.
#include "base/limits.h"
#include "base/mark.h"
#include "range/eval/runs.h"
#include "range/row_view.h"
#include "runtime/fault_points.h"

namespace quorate::range {

namespace {

Verdict wait_for_intents(Evaluation& e, const KeySpan& span, Timestamp to) {
  if (const RunRecord* run = staged_run(e, span, to)) return block_on_run(e, run->first, *run);
  if (!e.look_for_intents() || e.planted.refresh_past_intents) return Verdict::kDone;
  auto it = e.view->plains(storage::Keyspace::kIntent, span);
  for (; it->valid(); it->next()) {
    auto intent = parse_intent(it->value());
    if (!intent.ok()) return e.fail(intent.status());
    if (intent->txn != e.txn.id && !intent->lock_only && intent->ts <= to) {
      MARK("range: a proof waits for an intent");
      return e.block_on_intent(it->key(), *intent);
    }
  }
  if (!it->status().ok()) return e.fail(it->status());
  return Verdict::kDone;
}

// Does the row answer the read at `to` as it did at read.from? The latches on the span are held up
// to `to`: nothing is in flight there that the view does not show.
Result<bool> unchanged(Evaluation& e, const ReadSpan& read, Timestamp to, BytesView key) {
  if (e.planted.skip_compare) return true;
  if (read.mixed) {
    MARK("range: what was read with different columns can't be compared");
    return false;
  }
  ASSIGN_OR_RETURN(const std::optional<storage::Version> before, e.view->get(key, read.from));
  ASSIGN_OR_RETURN(const std::optional<storage::Version> after, e.view->get(key, to));
  const bool was = before && !before->deleted, is = after && !after->deleted;
  if (!was || !is) return was == is;
  return same_columns(before->value, after->value, used_columns(read.columns), read.stored);
}

// What the recent commits say, as far as the rows themselves bear it out.
Verdict walk_commits(Evaluation& e, const ReadSpan& read, Timestamp to,
                     std::optional<Bytes>* conflict) {
  ReadSpan used = read;
  used.columns = used_columns(read.columns);
  Status failure;
  size_t compared = 0;
  const Bytes* last = nullptr;  // a hot row comes again and again
  auto counts = [&](const Bytes& key) {
    if (last != nullptr && *last == key) return false;
    if (++compared > e.context.limits().refresh_compares) {
      MARK("range: too many rows to compare");
      return true;
    }
    last = &key;
    Result<bool> same = unchanged(e, read, to, key);
    if (!same.ok()) failure = same.status();
    return !same.ok() || !*same;
  };
  const Bytes* key = e.state.recent.conflict(used, to, e.txn.id, counts);
  if (!failure.ok()) return e.fail(std::move(failure));
  if (key != nullptr) *conflict = *key;
  return Verdict::kDone;
}

// kYield: `progress.rest` is still to be walked.
Verdict walk_versions(Evaluation& e, const ReadSpan& read, Timestamp to, Progress& progress,
                      std::optional<Bytes>* conflict) {
  storage::RowIteratorOptions options;
  options.span = progress.rest;
  options.ts = to;
  options.with_deleted = true;
  auto it = e.view->rows(options);
  for (size_t rows = 0; it->valid(); it->next()) {
    if (it->ts() > read.from && !e.state.recent.wrote(e.txn.id, it->key(), it->ts())) {
      Result<bool> same = unchanged(e, read, to, it->key());
      if (!same.ok()) return e.fail(same.status());
      if (!*same) {
        MARK("range: a proof finds a changed row by its version");
        *conflict = Bytes(it->key());
        return Verdict::kDone;
      }
    }
    if (e.may_yield && ++rows >= e.context.limits().scan_yield_rows) {
      MARK("range: a long proof lets others run");
      progress.rest.start = key_successor(it->key());
      return Verdict::kYield;
    }
  }
  if (!it->status().ok()) return e.fail(it->status());
  return Verdict::kDone;
}

Verdict prove_one(Evaluation& e, const ReadSpan& read, Timestamp to, Progress& progress,
                  std::optional<Bytes>* conflict) {
  // Added first: nothing can land at or below `to` while a long walk lets others run.
  if (!e.planted.refresh_unnoted) e.remember_read(read.span, to, read.columns);
  if (read.from >= to || e.planted.skip_refresh) return Verdict::kDone;
  if (read.from < e.context.gc_threshold() && !e.planted.gc_threshold_unchecked) {
    MARK("range: a proof of versions that are gone");
    *conflict = read.span.start;
    return Verdict::kDone;
  }
  if (Verdict v = wait_for_intents(e, read.span, to); v != Verdict::kDone) return v;
  if (runtime::fires(e.context.env().faults, runtime::FaultPoint::kForgetCommits))
    e.state.recent.forget_below(to);
  if (e.state.recent.covers(read.from)) return walk_commits(e, read, to, conflict);
  if (!progress.begun) {
    MARK("range: a proof walks over versions");
    progress.begun = true;
    progress.rest = read.span;
  }
  Verdict v = walk_versions(e, read, to, progress, conflict);
  if (v == Verdict::kDone) progress.begun = false;
  return v;
}

}  // namespace

Verdict prove_unchanged(Evaluation& e, const std::vector<ReadSpan>& reads, Timestamp to,
                        Progress& progress, std::optional<Bytes>* conflict) {
  for (; progress.index < reads.size(); ++progress.index) {
    Verdict v = prove_one(e, reads[progress.index], to, progress, conflict);
    if (v != Verdict::kDone || conflict->has_value()) return v;
  }
  return Verdict::kDone;
}

Verdict eval_refresh(Evaluation& e, const RefreshRequest& request, RefreshResponse& out,
                     Progress& progress) {
  std::optional<Bytes> conflict;
  Verdict v = prove_unchanged(e, request.reads, request.to, progress, &conflict);
  if (v != Verdict::kDone) return v;
  out.unchanged = !conflict.has_value();
  if (conflict) out.conflict = std::move(*conflict);
  return Verdict::kDone;
}

}  // namespace quorate::range
