// Raises the range's thresholds: versions that no read at or above `threshold` sees may go, and
// records of transactions that ended long ago do. A record goes only when nothing points to it any
// more: a committed one that still lists keys may have intents. The mark is raised with the first
// record that goes (safety: record-mark).
//
// One command looks at a piece of the records, since commits wait meanwhile; RangeState says where
// the next one goes on.
#include "base/mark.h"
#include "range/eval/evaluation.h"
#include "range/keys.h"

namespace quorate::range {
namespace {

constexpr size_t kLeftBehindMax = 64;

// Its coordinator would have ended it long ago.
bool is_left_behind(const TxnRecord& record, Timestamp mark) {
  if (record.format == TxnRecord::kWithRuns || record.keys.empty()) return false;
  return record.attempt <= mark && record.heartbeat <= mark;
}

}  // namespace

Verdict eval_gc(Evaluation& e, const GcRequest& request) {
  const Timestamp now = e.context.clock().now();
  if (request.threshold >= now || request.records_before >= now)
    return e.fail(invalid_argument("garbage collection can't reach into the future"));
  GcTrigger trigger{std::max(request.threshold, e.context.gc_threshold()),
                    std::max(request.records_before, e.context.record_mark())};
  KeySpan span = e.context.descriptor().span;
  span.start = std::max(span.start, std::exchange(e.state.collect_from, Bytes()));
  auto it = e.view->plains(storage::Keyspace::kTxnRecord, span);
  for (size_t looked_at = 0; it->valid(); it->next()) {
    if (++looked_at > e.context.limits().gc_records) {
      MARK("range: records are collected in pieces");
      e.state.collect_from = it->key();
      break;
    }
    auto record = parse_record(it->value());
    if (!record.ok()) return e.fail(record.status());
    const bool finished =
        record->status == TxnStatus::kCommitted || record->status == TxnStatus::kAborted;
    const bool pointed_to = !record->keys.empty() && !e.planted.collect_unfinished;
    if (is_left_behind(*record, trigger.record_mark) &&
        e.state.left_behind.size() < kLeftBehindMax) {
      TxnId txn;
      Bytes anchor;
      if (parse_txn_record_key(it->key(), anchor, txn))
        e.state.left_behind.emplace(txn, std::move(anchor));
    }
    if (!finished || pointed_to || record->attempt > trigger.record_mark) continue;
    e.writes.remove(storage::Keyspace::kTxnRecord, it->key());
  }
  if (!it->status().ok()) return e.fail(it->status());
  // A further piece in which nothing goes.
  if (e.writes.empty() && trigger.threshold == e.context.gc_threshold() &&
      trigger.record_mark == e.context.record_mark())
    return Verdict::kDone;
  e.writes.put(storage::Keyspace::kRange,
               keys::range_record_key(e.context.descriptor().id, keys::RangeRecord::kGc),
               encode(trigger));
  e.trigger = trigger;
  return Verdict::kDone;
}

}  // namespace quorate::range
