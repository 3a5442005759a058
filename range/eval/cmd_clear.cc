// Clears rows that nobody may read any more: their table was dropped, and the range allows no read
// from before that (safety: gc-threshold). Each gets a tombstone at the range's own threshold, so
// that the next checkpoint takes the row out with all its versions and keeps neither history nor
// tombstone: removing what was dropped needs no room, which a full disk has not got.
//
// One command clears a piece. Transactions that still hold something in the span, which must have
// begun before the drop, are ended first.
#include "base/mark.h"
#include "range/eval/latch_plan.h"
#include "range/eval/runs.h"

namespace quorate::range {
namespace {

Verdict meet_others(Evaluation& e, const KeySpan& span) {
  if (e.look_for_intents()) {
    auto it = e.view->plains(storage::Keyspace::kIntent, span);
    if (!it->status().ok()) return e.fail(it->status());
    if (it->valid()) {
      auto intent = parse_intent(it->value());
      if (!intent.ok()) return e.fail(intent.status());
      return e.block_on_intent(it->key(), *intent);
    }
  }
  for (const auto& [stored, run] : e.state.runs.runs()) {
    if (run.overlaps(span)) return block_on_run(e, run.first, run);
  }
  return Verdict::kDone;
}

}  // namespace

Verdict eval_clear(Evaluation& e, const ClearRequest& request, ClearResponse& out) {
  const Timestamp at = e.context.gc_threshold();
  const Status early = unavailable("rows that are to be cleared may still be read");
  if (request.dropped >= at) {
    MARK("range: rows of a dropped table may still be read");
    return e.fail(early);
  }
  storage::RowIteratorOptions options;
  options.span = clip(request.span, e.context.descriptor().span);
  options.ts = Timestamp::max();
  if (Verdict v = meet_others(e, options.span); v != Verdict::kDone) return v;
  auto rows = e.view->rows(options);
  for (size_t n = 0; rows->valid(); rows->next()) {
    if (n++ == e.context.limits().cleared_rows) {
      MARK("range: rows of a dropped table go in pieces");
      out.rest = rows->key();
      break;
    }
    // Written after the drop, by a clock that was ahead: the threshold comes to pass it too.
    if (rows->ts() >= at) return e.fail(early);
    e.writes.delete_version(rows->key(), at);
  }
  if (!rows->status().ok()) return e.fail(rows->status());
  return Verdict::kDone;
}

}  // namespace quorate::range
