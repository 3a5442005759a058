// Proving that reads would give the same answer at a later timestamp (safety: refresh).
//
// The quick proof walks the range's recent commits and knows columns; where they do not reach back
// far enough, the versions themselves are asked, which only know rows. Another's intent at or below
// the target is waited for. What is proved stands in the timestamp cache afterwards.
#include "base/limits.h"
#include "range/eval/runs.h"

namespace quorate::range {

namespace {

Verdict wait_for_intents(Evaluation& e, const KeySpan& span, Timestamp to) {
  if (const RunRecord* run = staged_run(e, span, to)) return block_on_run(e, run->first, *run);
  if (!e.look_for_intents()) return Verdict::kDone;
  auto it = e.view->plains(storage::Keyspace::kIntent, span);
  for (; it->valid(); it->next()) {
    auto intent = parse_intent(it->value());
    if (!intent.ok()) return e.fail(intent.status());
    if (intent->txn != e.txn.id && !intent->lock_only && intent->ts <= to)
      return e.block_on_intent(it->key(), *intent);
  }
  if (!it->status().ok()) return e.fail(it->status());
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
      *conflict = Bytes(it->key());
      return Verdict::kDone;
    }
    if (e.may_yield && ++rows >= limits::kScanYieldRows) {
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
  e.remember_read(read.span, to, read.columns);
  if (read.from >= to || e.planted.skip_refresh) return Verdict::kDone;
  if (read.from < e.context.gc_threshold()) {
    *conflict = read.span.start;
    return Verdict::kDone;
  }
  if (Verdict v = wait_for_intents(e, read.span, to); v != Verdict::kDone) return v;
  if (e.state.recent.covers(read.from)) {
    ReadSpan used = read;
    used.columns = used_columns(read.columns);
    if (const Bytes* key = e.state.recent.conflict(used, to, e.txn.id)) *conflict = *key;
    return Verdict::kDone;
  }
  if (!progress.begun) {
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
