#include "txn/testing/fake_ranges.h"

#include <algorithm>

namespace quorate::txn {

using range::BatchRequest;
using range::BatchResponse;
using range::CommitKind;
using range::CommitRequest;
using range::GetRequest;
using range::LockMode;
using range::Outcome;
using range::RangeDescriptor;
using range::ReadSpan;
using range::RowWrite;
using range::ScanRequest;
using range::TxnHeader;
using range::TxnRecord;
using range::TxnStatus;
using range::WaitPolicy;
using runtime::CancelToken;
using runtime::Task;

namespace {

bool writes(const BatchRequest& b) {
  for (const auto& r : b.requests) {
    if (std::holds_alternative<CommitRequest>(r) ||
        std::holds_alternative<range::EndTxnRequest>(r) ||
        std::holds_alternative<range::ResolveRequest>(r)) {
      return true;
    }
  }
  return false;
}

bool younger(const TxnHeader& a, const TxnHeader& b) {
  return a.began != b.began ? a.began > b.began : a.id > b.id;
}

// All keys that a batch names must lie in the range.
bool lies_in(const BatchRequest& b, const KeySpan& span) {
  for (const auto& r : b.requests) {
    if (const auto* get = std::get_if<GetRequest>(&r)) {
      for (const Bytes& k : get->keys)
        if (!span.contains(k)) return false;
    } else if (const auto* scan = std::get_if<ScanRequest>(&r)) {
      if (!span.contains(scan->span)) return false;
    } else if (const auto* refresh = std::get_if<range::RefreshRequest>(&r)) {
      for (const ReadSpan& s : refresh->reads)
        if (!span.contains(s.span)) return false;
    } else if (const auto* commit = std::get_if<CommitRequest>(&r)) {
      for (const RowWrite& w : commit->writes)
        if (!span.contains(w.key)) return false;
      for (const Bytes& k : commit->locked_reads)
        if (!span.contains(k)) return false;
      for (const ReadSpan& s : commit->refresh)
        if (!span.contains(s.span)) return false;
      if (commit->kind != CommitKind::kStage) CHECK(span.contains(b.txn.anchor));
    } else if (const auto* resolve = std::get_if<range::ResolveRequest>(&r)) {
      for (const Bytes& k : resolve->keys)
        if (!span.contains(k)) return false;
    }
  }
  return true;
}

}  // namespace

FakeRanges::FakeRanges(runtime::Executor& executor, const runtime::Clock& clock, uint64_t seed)
    : executor_(executor), clock_(clock, int64_t{1} << 40), random_(seed), late_(executor) {
  RangeDescriptor d;
  d.id = RangeId(1);
  d.generation = 1;
  descriptors_[""] = d;
}

FakeRanges::~FakeRanges() { late_.cancel_all(); }

void FakeRanges::split(const Bytes& at) {
  auto it = std::prev(descriptors_.upper_bound(at));
  if (it->first == at) return;
  RangeDescriptor right = it->second;
  right.id = RangeId(next_range_++);
  right.span.start = at;
  ++right.generation;
  it->second.span.end = at;
  ++it->second.generation;
  descriptors_[at] = right;
}

const RangeDescriptor* FakeRanges::cached(BytesView key) {
  return &std::prev(descriptors_.upper_bound(Bytes(key)))->second;
}

Task<Result<RangeDescriptor>> FakeRanges::locate(Bytes key, CancelToken) { co_return *cached(key); }

Task<void> FakeRanges::delay(uint64_t us_max) {
  if (us_max == 0) co_return;
  auto d = std::chrono::microseconds(random_.below(us_max));
  (void)co_await runtime::sleep_for(executor_, d);
}

Task<void> FakeRanges::serve_late(BatchRequest batch) {
  co_await delay(50'000);
  (void)co_await serve(std::move(batch), {});
}

Task<BatchResponse> FakeRanges::send(BatchRequest batch, CancelToken token) {
  ++batches_;
  BatchResponse lost;
  lost.outcome = Outcome::kError;
  lost.error = writes(batch) ? ambiguous("the answer was lost") : unavailable("no answer");
  co_await delay(faults.delay_us_max);
  if (token.cancelled()) co_return error(batch, token.status());
  if (random_.chance(faults.split) && descriptors_.size() < 12) {
    const Bytes* at = nullptr;
    size_t pick = rows_.empty() ? 0 : random_.below(rows_.size());
    for (const auto& [key, row] : rows_) {
      if (pick-- == 0) at = &key;
    }
    if (at != nullptr) split(*at);
  }
  if (random_.chance(faults.lose_locks)) {
    for (auto& [key, row] : rows_) {
      row.exclusive.reset();
      row.shared.clear();
    }
  }
  if (random_.chance(faults.lose_request)) co_return lost;
  if (random_.chance(faults.late_request)) {
    late_.spawn(serve_late(std::move(batch)));
    co_return lost;
  }
  BatchResponse response = co_await serve(std::move(batch), token);
  if (random_.chance(faults.lose_answer)) co_return lost;
  co_await delay(faults.delay_us_max);
  co_return response;
}

Task<BatchResponse> FakeRanges::serve(BatchRequest batch, CancelToken token) {
  clock_.forward(batch.now);
  for (uint64_t waited_ms = 0;; ++waited_ms) {
    const RangeDescriptor* d = nullptr;
    for (const auto& [start, one] : descriptors_)
      if (one.id == batch.range) d = &one;
    CHECK(d != nullptr);
    if (d->generation != batch.generation || !lies_in(batch, d->span)) {
      CHECK(d->generation != batch.generation);  // who knows the range addresses it rightly
      BatchResponse moved = base_response(batch);
      moved.outcome = Outcome::kRangeMismatch;
      co_return moved;
    }
    Evaluation e = evaluate(batch, d->span);
    if (auto* done = std::get_if<BatchResponse>(&e)) co_return std::move(*done);
    Blocked blocked = std::get<Blocked>(e);
    if (blocked.intent && waited_ms >= 8) recover(blocked.holder);
    if (!blocked.intent && waited_ms >= 30 && younger(batch.txn, blocked.holder)) {
      co_return error(batch, aborted("deadlock detected", sqlstate::kDeadlockDetected));
    }
    if (batch.lock_timeout_ms > 0 && waited_ms >= batch.lock_timeout_ms) {
      co_return error(batch, Status(StatusCode::kDeadlineExceeded, sqlstate::kLockNotAvailable,
                                    "canceling statement due to lock timeout"));
    }
    if (waited_ms >= batch.patience_ms) co_return error(batch, deadline_exceeded("patience"));
    Status s = co_await runtime::sleep_for(executor_, std::chrono::milliseconds(1), token);
    if (!s.ok()) co_return error(batch, s);
  }
}

BatchResponse FakeRanges::base_response(const BatchRequest& b) {
  BatchResponse r;
  r.now = clock_.now();
  r.store = StoreId(1 + b.range.value % 2);
  return r;
}

BatchResponse FakeRanges::error(const BatchRequest& b, Status s) {
  BatchResponse r = base_response(b);
  r.outcome = Outcome::kError;
  r.error = std::move(s);
  return r;
}

BatchResponse FakeRanges::need(const BatchRequest& b, Timestamp ts) {
  BatchResponse r = base_response(b);
  r.outcome = Outcome::kNeedTimestamp;
  r.need = ts;
  return r;
}

FakeRanges::Evaluation FakeRanges::evaluate(const BatchRequest& b, const KeySpan& span) {
  const range::Request& r = b.requests[0];
  if (std::holds_alternative<range::ResolveRequest>(r)) return resolve_all(b, span);
  // What is resolved takes the transaction's locks with it.
  if (b.requests.size() == 2) {
    CHECK(std::holds_alternative<range::EndTxnRequest>(r));
    CHECK(std::holds_alternative<range::UnlockRequest>(b.requests[1]));
    unlock(b.txn.id, span);
    Evaluation end = end_txn(b, std::get<range::EndTxnRequest>(r));
    std::get<BatchResponse>(end).responses.emplace_back(range::EmptyResponse());
    return end;
  }
  CHECK(b.requests.size() == 1);
  if (const auto* q = std::get_if<GetRequest>(&r)) return get(b, *q);
  if (const auto* q = std::get_if<ScanRequest>(&r)) return scan(b, *q);
  if (const auto* q = std::get_if<range::RefreshRequest>(&r)) return refresh(b, *q);
  if (const auto* q = std::get_if<CommitRequest>(&r)) return commit(b, *q, span);
  if (const auto* q = std::get_if<range::EndTxnRequest>(&r)) return end_txn(b, *q);
  BatchResponse response = base_response(b);
  if (const auto* p = std::get_if<range::PushRequest>(&r)) {
    range::PushResponse answer;
    if (auto at = records_.find(p->txn); at != records_.end()) answer.record = at->second;
    response.responses.emplace_back(std::move(answer));
  } else if (std::holds_alternative<range::HeartbeatRequest>(r)) {
    ++heartbeats_;
    response.responses.emplace_back(range::EmptyResponse());
  } else {
    CHECK(std::holds_alternative<range::UnlockRequest>(r));
    unlock(b.txn.id, span);
    response.responses.emplace_back(range::EmptyResponse());
  }
  return response;
}

FakeRanges::Evaluation FakeRanges::resolve_all(const BatchRequest& b, const KeySpan& span) {
  BatchResponse response = base_response(b);
  for (const range::Request& r : b.requests) {
    const auto& q = std::get<range::ResolveRequest>(r);
    auto record = records_.find(q.txn);
    bool commits = q.status == TxnStatus::kCommitted;
    if (!q.keys.empty() && record != records_.end()) CHECK(record->second.status == q.status);
    for (const Bytes& key : q.keys) resolve(q.txn, key, commits, q.commit_ts);
    if (q.unlock) unlock(q.txn, span);
    if (q.remove_record && record != records_.end()) forget(record);
    response.responses.emplace_back(range::EmptyResponse());
  }
  return response;
}

void FakeRanges::forget(std::map<TxnId, TxnRecord>::iterator record) {
  for (const Bytes& key : record->second.keys) {
    CHECK(!rows_[key].intent || rows_[key].intent->txn.id != record->first);
  }
  collected_[record->first] = record->second.attempt;
  records_.erase(record);
}

std::optional<FakeRanges::Blocked> FakeRanges::lock_conflict(const Row& row, TxnId id,
                                                             LockMode lock) const {
  auto counts = [&](const TxnHeader& h) { return h.id != id && !dead_.contains(h.coordinator); };
  if (row.exclusive && counts(*row.exclusive)) return Blocked{*row.exclusive};
  if (lock == LockMode::kExclusive) {
    for (const TxnHeader& h : row.shared)
      if (counts(h)) return Blocked{h};
  }
  return std::nullopt;
}

Timestamp FakeRanges::floor(const Bytes& key, TxnId except) const {
  Timestamp out;
  for (const ReadMark& m : marks_) {
    if (m.txn != except && m.span.contains(key)) out.forward(m.ts);
  }
  return out;
}

// Nullopt: may be read. Takes the lock.
std::optional<FakeRanges::Evaluation> FakeRanges::read_row(const BatchRequest& b, const Bytes& key,
                                                           LockMode lock, WaitPolicy wait,
                                                           bool* skip, Timestamp* need_ts) {
  *skip = false;
  auto at = rows_.find(key);
  if (at == rows_.end() && lock == LockMode::kNone) return std::nullopt;
  Row& row = rows_[key];
  Timestamp limit = b.txn.uncertainty;
  if (b.txn.observed && b.txn.observed < limit) limit = b.txn.observed;
  limit.forward(b.txn.read_ts);
  if (lock != LockMode::kNone) {
    std::optional<Blocked> blocked = lock_conflict(row, b.txn.id, lock);
    if (row.intent && row.intent->txn.id != b.txn.id) blocked = Blocked{row.intent->txn, true};
    if (blocked && wait == WaitPolicy::kSkipLocked) {
      *skip = true;
      return std::nullopt;
    }
    if (blocked && wait == WaitPolicy::kNoWait) {
      return error(b, Status(StatusCode::kFailedPrecondition, sqlstate::kLockNotAvailable,
                             "could not obtain lock on row"));
    }
    if (blocked) return *blocked;
    if (lock == LockMode::kExclusive) row.exclusive = b.txn;
    if (lock == LockMode::kShared) row.shared.push_back(b.txn);
    limit = Timestamp::max();
  } else if (row.intent && row.intent->txn.id != b.txn.id && !row.intent->lock_only &&
             row.intent->ts <= limit) {
    return Blocked{row.intent->txn, true};
  }
  for (const auto& [ts, v] : row.versions) {
    if (ts > b.txn.read_ts && ts <= limit) need_ts->forward(ts);
  }
  return std::nullopt;
}

FakeRanges::Evaluation FakeRanges::get(const BatchRequest& b, const GetRequest& q) {
  range::GetResponse out;
  Timestamp need_ts;
  for (const Bytes& key : q.keys) {
    bool skip = false;
    if (auto stop = read_row(b, key, q.lock, q.wait, &skip, &need_ts)) return *stop;
    const Version* seen = nullptr;
    Timestamp ts;
    auto at = rows_.find(key);
    if (at != rows_.end()) {
      auto above = at->second.versions.upper_bound(b.txn.read_ts);
      if (above != at->second.versions.begin()) {
        ts = std::prev(above)->first;
        seen = &std::prev(above)->second;
      }
    }
    if (skip || seen == nullptr || seen->deleted)
      out.rows.add_absent(key, ts);
    else
      out.rows.add(key, seen->value, ts);
    out.floor.forward(floor(key, b.txn.id));
  }
  if (need_ts) return need(b, need_ts);
  for (const Bytes& key : q.keys) mark(KeySpan::point(key), b.txn.read_ts, b.txn.id);
  BatchResponse r = base_response(b);
  r.responses.emplace_back(std::move(out));
  return r;
}

FakeRanges::Evaluation FakeRanges::scan(const BatchRequest& b, const ScanRequest& q) {
  range::ScanResponse out;
  Timestamp need_ts;
  std::vector<Bytes> keys;
  for (const auto& [key, row] : rows_)
    if (q.span.contains(key)) keys.push_back(key);
  if (q.reverse) std::reverse(keys.begin(), keys.end());
  KeySpan covered = q.span;
  for (const Bytes& key : keys) {
    if (q.rows_max > 0 && out.rows.size() >= q.rows_max) {
      out.resume = q.reverse ? KeySpan{q.span.start, key_successor(key)} : KeySpan{key, q.span.end};
      (q.reverse ? covered.start : covered.end) = q.reverse ? out.resume->end : out.resume->start;
      break;
    }
    bool skip = false;
    if (auto stop = read_row(b, key, q.lock, q.wait, &skip, &need_ts)) return *stop;
    const Row& row = rows_[key];
    auto above = row.versions.upper_bound(b.txn.read_ts);
    if (skip || above == row.versions.begin() || std::prev(above)->second.deleted) continue;
    out.rows.add(key, q.keys_only ? BytesView() : BytesView(std::prev(above)->second.value),
                 std::prev(above)->first);
  }
  if (need_ts) return need(b, need_ts);
  mark(covered, b.txn.read_ts, b.txn.id);
  BatchResponse r = base_response(b);
  r.responses.emplace_back(std::move(out));
  return r;
}

// Nullopt: looked through; `*conflict` is not empty where something changed.
std::optional<FakeRanges::Evaluation> FakeRanges::unchanged(const BatchRequest& b,
                                                            const std::vector<ReadSpan>& reads,
                                                            Timestamp to, Bytes* conflict) {
  for (const ReadSpan& read : reads) {
    for (const auto& [key, row] : rows_) {
      if (!read.span.contains(key)) continue;
      if (row.intent && row.intent->txn.id != b.txn.id && !row.intent->lock_only &&
          row.intent->ts <= to) {
        return Blocked{row.intent->txn, true};
      }
      for (const auto& [ts, v] : row.versions) {
        if (ts > read.from && ts <= to && (v.changed & read.columns) != 0) *conflict = key;
      }
    }
  }
  return std::nullopt;
}

FakeRanges::Evaluation FakeRanges::refresh(const BatchRequest& b, const range::RefreshRequest& q) {
  Bytes conflict;
  if (auto stop = unchanged(b, q.reads, q.to, &conflict)) return *stop;
  range::RefreshResponse out;
  out.unchanged = conflict.empty();
  out.conflict = conflict;
  if (out.unchanged) {
    for (const ReadSpan& read : q.reads) mark(read.span, q.to, b.txn.id);
  }
  BatchResponse r = base_response(b);
  r.responses.emplace_back(std::move(out));
  return r;
}

// Nullopt: locks, bases and refresh lists hold; `*least` is the earliest timestamp that is allowed.
std::optional<FakeRanges::Evaluation> FakeRanges::commit_checks(const BatchRequest& b,
                                                                const CommitRequest& q,
                                                                Timestamp* least) {
  *least = q.kind == CommitKind::kOnePhase ? b.txn.read_ts : q.commit_ts;
  for (const RowWrite& w : q.writes) {
    Row& row = rows_[w.key];
    if (auto blocked = lock_conflict(row, b.txn.id, LockMode::kExclusive)) return *blocked;
    if (row.intent && row.intent->txn.id != b.txn.id) return Blocked{row.intent->txn, true};
    if (row.intent && row.intent->attempt > q.attempt) return error(b, aborted("a late attempt"));
    if (row.intent && row.intent->attempt == q.attempt) continue;  // staged already
    if (w.base && *w.base != row.newest()) {
      return error(b, aborted("could not serialize access due to concurrent update"));
    }
    least->forward(row.newest().next());
    least->forward(floor(w.key, b.txn.id).next());
  }
  for (const Bytes& key : q.locked_reads) {
    const Row& row = rows_[key];
    bool held = row.exclusive && row.exclusive->id == b.txn.id;
    for (const TxnHeader& h : row.shared) held = held || h.id == b.txn.id;
    held = held || (row.intent && row.intent->txn.id == b.txn.id);
    if (!held) return error(b, aborted("a lock was lost"));
  }
  return std::nullopt;
}

FakeRanges::Evaluation FakeRanges::commit(const BatchRequest& b, const CommitRequest& q,
                                          const KeySpan& span) {
  const TxnId id = b.txn.id;
  BatchResponse ok = base_response(b);
  bool at_anchor = q.kind != CommitKind::kStage;
  if (at_anchor) {
    auto record = records_.find(id);
    if (record != records_.end()) {
      if (record->second.status == TxnStatus::kCommitted) {
        ok.responses.emplace_back(range::CommitResponse{record->second.commit_ts});
        return ok;
      }
      if (record->second.status == TxnStatus::kAborted || q.kind == CommitKind::kOnePhase) {
        return error(b, aborted("the transaction was aborted by another"));
      }
      if (record->second.attempt > q.attempt) return error(b, aborted("a late attempt"));
    } else if (auto gone = collected_.find(id);
               gone != collected_.end() && q.attempt <= gone->second) {
      return error(b, ambiguous("the record is gone"));
    }
  }
  Timestamp least;
  if (auto stop = commit_checks(b, q, &least)) return *stop;
  if (random_.chance(faults.push))
    least = least.add_micros(static_cast<int64_t>(random_.below(500)));
  if (least > q.commit_ts) return need(b, least);
  if (least >= q.deadline) return error(b, aborted("past the deadline"));
  Bytes conflict;
  if (auto stop = unchanged(b, q.refresh, least, &conflict)) return *stop;
  if (!conflict.empty()) return error(b, aborted("could not serialize access: " + conflict));
  for (const ReadSpan& read : q.refresh) mark(read.span, least, id);
  TxnRecord record;
  record.attempt = q.attempt;
  record.commit_ts = least;
  record.keys = q.all_keys;
  for (const RowWrite& w : q.writes) {
    Row& row = rows_[w.key];
    if (q.kind == CommitKind::kOnePhase)
      row.versions[least] = {w.deleted, w.value, w.changed, id};
    else if (!row.intent || row.intent->attempt < q.attempt)
      row.intent = Intent{b.txn, least, q.attempt, false, w};
  }
  if (q.kind == CommitKind::kOnePhase) {
    record.status = TxnStatus::kCommitted;
    if (random_.chance(faults.collect_records))
      collected_[id] = q.attempt;
    else
      records_[id] = record;
    unlock(id, span);
  } else {
    for (const Bytes& key : q.locked_reads) {
      rows_[key].intent = Intent{b.txn, least, q.attempt, true, {}};
    }
    record.status = TxnStatus::kStaging;
    bool same = records_.contains(id) && records_[id].attempt == q.attempt;
    if (q.kind == CommitKind::kStageAnchor && !same) records_[id] = record;
  }
  ok.now.forward(least);
  clock_.forward(least);
  ok.responses.emplace_back(range::CommitResponse{least});
  return ok;
}

FakeRanges::Evaluation FakeRanges::end_txn(const BatchRequest& b, const range::EndTxnRequest& q) {
  BatchResponse r = base_response(b);
  auto at = records_.find(b.txn.id);
  range::EndTxnResponse out;
  if (at == records_.end()) {
    auto gone = collected_.find(b.txn.id);
    bool may_create = gone == collected_.end() || q.attempt > gone->second;
    if (!q.commit && may_create) {
      TxnRecord record;
      record.status = TxnStatus::kAborted;
      record.attempt = q.attempt;
      records_[b.txn.id] = record;
      out.status = TxnStatus::kAborted;
    }
  } else {
    TxnRecord& record = at->second;
    if (record.status == TxnStatus::kStaging && !q.commit) record.status = TxnStatus::kAborted;
    if (record.status == TxnStatus::kStaging && q.commit && record.commit_ts == q.commit_ts &&
        record.attempt == q.attempt) {
      record.status = TxnStatus::kCommitted;
    }
    out.status = record.status;
    out.commit_ts = record.commit_ts;
    if (q.commit && record.status == TxnStatus::kCommitted && record.commit_ts == q.commit_ts) {
      for (const Bytes& key : q.resolve) {
        resolve(b.txn.id, key, true, q.commit_ts);
        std::erase(record.keys, key);
      }
      if (!q.resolve.empty() && record.keys.empty()) forget(at);
    }
  }
  r.responses.emplace_back(out);
  return r;
}

void FakeRanges::resolve(TxnId txn, const Bytes& key, bool commit, Timestamp ts) {
  Row& row = rows_[key];
  if (!row.intent || row.intent->txn.id != txn) return;
  if (commit && !row.intent->lock_only) {
    CHECK(row.intent->ts <= ts && row.newest() < ts);
    const RowWrite& w = row.intent->write;
    row.versions[ts] = {w.deleted, w.value, w.changed, txn};
  }
  row.intent.reset();
  unlock(txn, KeySpan::point(key));
}

// What any node does with an intent in its way (safety: prevent-then-abort).
void FakeRanges::recover(const TxnHeader& txn) {
  TxnRecord& record = records_[txn.id];
  if (record.status == TxnStatus::kUnknown) {
    record.status = TxnStatus::kAborted;
    record.attempt = collected_.contains(txn.id) ? collected_[txn.id] : Timestamp();
  }
  if (record.status == TxnStatus::kStaging) {
    bool all = true;
    for (const Bytes& key : record.keys) {
      const Row& row = rows_[key];
      bool there = row.intent && row.intent->txn.id == txn.id && row.intent->ts <= record.commit_ts;
      if (!there) mark(KeySpan::point(key), record.commit_ts, TxnId());
      all = all && there;
    }
    record.status = all ? TxnStatus::kCommitted : TxnStatus::kAborted;
  }
  bool commits = record.status == TxnStatus::kCommitted;
  Timestamp ts = record.commit_ts;
  for (auto& [key, row] : rows_) resolve(txn.id, key, commits, ts);
}

void FakeRanges::unlock(TxnId txn, const KeySpan& span) {
  for (auto at = rows_.lower_bound(span.start); at != rows_.end() && span.contains(at->first);
       ++at) {
    Row& row = at->second;
    if (row.exclusive && row.exclusive->id == txn) row.exclusive.reset();
    std::erase_if(row.shared, [txn](const TxnHeader& h) { return h.id == txn; });
  }
}

std::optional<Bytes> FakeRanges::settled_value(const Bytes& key) {
  auto at = rows_.find(key);
  if (at == rows_.end()) return std::nullopt;
  if (at->second.intent) recover(TxnHeader(at->second.intent->txn));
  if (at->second.versions.empty()) return std::nullopt;
  const Version& newest = at->second.versions.rbegin()->second;
  return newest.deleted ? std::nullopt : std::optional(newest.value);
}

size_t FakeRanges::intents() const {
  size_t n = 0;
  for (const auto& [key, row] : rows_) n += row.intent.has_value();
  return n;
}

size_t FakeRanges::locks() const {
  size_t n = 0;
  for (const auto& [key, row] : rows_) n += row.exclusive.has_value() + row.shared.size();
  return n;
}

size_t FakeRanges::unfinished_records() const {
  size_t n = 0;
  for (const auto& [id, record] : records_) n += record.status == TxnStatus::kStaging;
  return n;
}

}  // namespace quorate::txn
