#include "range/eval/latch_plan.h"

#include <algorithm>

namespace quorate::range {

namespace {

constexpr auto kRows = LatchSpace::kRows;
constexpr auto kRecords = LatchSpace::kRecords;
constexpr auto kRead = LatchMode::kRead;
constexpr auto kWrite = LatchMode::kWrite;

// Locking reads look at the newest version, whatever its timestamp.
Timestamp looks_at(LockMode lock, Timestamp read_ts) {
  return lock == LockMode::kNone ? read_ts : Timestamp::max();
}

struct Plan {
  const TxnHeader& txn;
  Timestamp read_ts;
  const KeySpan& range;
  std::vector<Latch>& out;

  void read(const KeySpan& span, Timestamp ts) {
    if (is_point(span))
      out.push_back(Latch::key(kRows, kRead, span.start, ts));
    else
      out.push_back(Latch::span(kRows, kRead, span, ts));
  }
  void record(BytesView anchor, const TxnId& id) {
    out.push_back(Latch::key(kRecords, kWrite, txn_record_key(anchor, id), Timestamp()));
  }

  void operator()(const GetRequest& r) {
    for (const Bytes& key : r.keys)
      out.push_back(Latch::key(kRows, kRead, key, looks_at(r.lock, read_ts)));
  }
  void operator()(const ScanRequest& r) { read(r.span, looks_at(r.lock, read_ts)); }
  void operator()(const RefreshRequest& r) {
    for (const ReadSpan& s : r.reads) read(s.span, r.to);
  }
  void operator()(const CommitRequest& r) {
    const bool staged = r.kind != CommitKind::kOnePhase;
    const Timestamp ts = staged ? r.commit_ts : read_ts;
    for (const RowWrite& w : r.writes) out.push_back(Latch::key(kRows, kWrite, w.key, ts));
    for (const Bytes& key : r.locked_reads) out.push_back(Latch::key(kRows, kWrite, key, ts));
    for (const RunRef& run : r.runs)
      out.push_back(Latch::span(kRows, kWrite, {run.first, key_successor(run.last)}, ts));
    for (const ReadSpan& s : r.refresh) read(s.span, r.commit_ts);
    if (r.kind != CommitKind::kStage) record(txn.anchor, txn.id);
  }
  // A reader of any time may have met the intent: it waits until the intent is gone.
  void intents(const std::vector<Bytes>& keys) {
    for (const Bytes& key : keys) out.push_back(Latch::key(kRows, kWrite, key, Timestamp()));
  }

  void operator()(const EndTxnRequest& r) {
    record(txn.anchor, txn.id);
    intents(r.resolve);
  }
  void operator()(const ResolveRequest& r) {
    intents(r.keys);
    if (r.remove_record) record(r.anchor, r.txn);
  }
  // Reads see nothing of a run that is laid.
  void operator()(const LayRunRequest& r) {
    out.push_back(Latch::span(kRows, kWrite, {r.first, key_successor(r.last)}, Timestamp::max()));
  }
  void operator()(const ResolveRunsRequest& r) {
    out.push_back(Latch::span(kRows, kWrite, clip(r.span, range), r.commit_ts));
  }
  void operator()(const ClearRequest& r) {
    out.push_back(Latch::span(kRows, kWrite, clip(r.span, range), Timestamp()));
  }
  void operator()(const KeepPendingRequest&) { record(txn.anchor, txn.id); }
  void operator()(const PushRequest& r) { record(r.anchor, r.txn); }
  void operator()(const QueryIntentRequest& r) {
    out.push_back(Latch::key(kRows, kRead, r.key, Timestamp::max()));
  }
  void operator()(const UnlockRequest&) {}
  void operator()(const HeartbeatRequest&) {}
  // Nothing may be in flight when the range is cut.
  void operator()(const SplitRequest&) {
    out.push_back(Latch::span(kRows, kWrite, range, Timestamp()));
    out.push_back(Latch::span(kRecords, kWrite, KeySpan::all(), Timestamp()));
  }
  void operator()(const TransferLeaseRequest&) {}
  void operator()(const GcRequest&) {
    out.push_back(Latch::span(kRecords, kWrite, KeySpan::all(), Timestamp()));
  }
};

struct FreeToEvaluate {
  const Latches& latches;
  Timestamp read_ts;

  bool free(const KeySpan& span, Timestamp ts) const {
    return latches.free_to_read(kRows, span, ts);
  }
  bool operator()(const GetRequest& r) const {
    return std::all_of(r.keys.begin(), r.keys.end(), [&](const Bytes& key) {
      return latches.free_to_read(kRows, BytesView(key), looks_at(r.lock, read_ts));
    });
  }
  bool operator()(const ScanRequest& r) const { return free(r.span, looks_at(r.lock, read_ts)); }
  bool operator()(const RefreshRequest& r) const {
    return std::all_of(r.reads.begin(), r.reads.end(),
                       [&](const ReadSpan& s) { return free(s.span, r.to); });
  }
  bool operator()(const QueryIntentRequest& r) const {
    return latches.free_to_read(kRows, BytesView(r.key), Timestamp::max());
  }
  bool operator()(const UnlockRequest&) const { return true; }
  bool operator()(const HeartbeatRequest&) const { return true; }
  template <class Writes>
  bool operator()(const Writes&) const {
    UNREACHABLE("a writing request in a batch that can't write");
  }
};

struct LiesIn {
  const KeySpan& span;
  const TxnHeader& txn;

  bool keys(const std::vector<Bytes>& keys) const {
    return std::all_of(keys.begin(), keys.end(), [&](const Bytes& k) { return span.contains(k); });
  }
  bool reads(const std::vector<ReadSpan>& reads) const {
    return std::all_of(reads.begin(), reads.end(),
                       [&](const ReadSpan& r) { return span.contains(r.span); });
  }
  bool run_inside(const Bytes& first, const Bytes& last) const {
    return span.contains(first) && span.contains(last) && first <= last;
  }
  bool operator()(const GetRequest& r) const { return keys(r.keys); }
  bool operator()(const ScanRequest& r) const { return span.contains(r.span); }
  bool operator()(const LayRunRequest& r) const { return run_inside(r.first, r.last); }
  // Whatever of the span lies here.
  bool operator()(const ResolveRunsRequest& r) const { return span.overlaps(r.span); }
  bool operator()(const ClearRequest& r) const { return span.overlaps(r.span); }
  bool operator()(const KeepPendingRequest&) const { return span.contains(txn.anchor); }
  bool operator()(const RefreshRequest& r) const { return reads(r.reads); }
  bool operator()(const CommitRequest& r) const {
    return std::all_of(r.writes.begin(), r.writes.end(),
                       [&](const RowWrite& w) { return span.contains(w.key); }) &&
           keys(r.locked_reads) && reads(r.refresh) &&
           std::all_of(r.runs.begin(), r.runs.end(),
                       [&](const RunRef& run) { return run_inside(run.first, run.last); }) &&
           (r.kind == CommitKind::kStage || span.contains(txn.anchor));
  }
  bool operator()(const EndTxnRequest& r) const {
    return span.contains(txn.anchor) && keys(r.resolve);
  }
  bool operator()(const ResolveRequest& r) const {
    return keys(r.keys) && (!r.remove_record || span.contains(r.anchor));
  }
  bool operator()(const PushRequest& r) const { return span.contains(r.anchor); }
  bool operator()(const QueryIntentRequest& r) const { return span.contains(r.key); }
  bool operator()(const UnlockRequest&) const { return true; }
  bool operator()(const HeartbeatRequest& r) const { return span.contains(r.anchor); }
  bool operator()(const SplitRequest& r) const { return r.at.empty() || span.contains(r.at); }
  bool operator()(const TransferLeaseRequest&) const { return true; }
  bool operator()(const GcRequest&) const { return true; }
};

}  // namespace

bool may_write(const BatchRequest& batch) {
  return std::any_of(batch.requests.begin(), batch.requests.end(), [](const Request& r) {
    return std::holds_alternative<CommitRequest>(r) || std::holds_alternative<EndTxnRequest>(r) ||
           std::holds_alternative<ResolveRequest>(r) || std::holds_alternative<PushRequest>(r) ||
           std::holds_alternative<SplitRequest>(r) ||
           std::holds_alternative<TransferLeaseRequest>(r) ||
           std::holds_alternative<GcRequest>(r) || std::holds_alternative<LayRunRequest>(r) ||
           std::holds_alternative<ResolveRunsRequest>(r) ||
           std::holds_alternative<KeepPendingRequest>(r) || std::holds_alternative<ClearRequest>(r);
  });
}

std::vector<Latch> latches_of(const BatchRequest& batch, Timestamp read_ts, const KeySpan& range) {
  std::vector<Latch> out;
  for (const Request& r : batch.requests) std::visit(Plan{batch.txn, read_ts, range, out}, r);
  return out;
}

bool free_to_evaluate(const Latches& latches, const BatchRequest& batch, Timestamp read_ts) {
  if (latches.empty()) return true;
  return std::all_of(batch.requests.begin(), batch.requests.end(), [&](const Request& r) {
    return std::visit(FreeToEvaluate{latches, read_ts}, r);
  });
}

bool lies_in(const BatchRequest& batch, const KeySpan& span) {
  return std::all_of(batch.requests.begin(), batch.requests.end(),
                     [&](const Request& r) { return std::visit(LiesIn{span, batch.txn}, r); });
}

}  // namespace quorate::range
