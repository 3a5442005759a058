// How a transaction reads: own writes first, then the ranges, and what is remembered of it.
#include <algorithm>

#include "base/mark.h"
#include "txn/retry.h"
#include "txn/transaction_impl.h"

namespace quorate::txn {

using range::BatchResponse;
using range::GetRequest;
using range::GetResponse;
using range::Outcome;
using range::Request;
using range::RowSet;
using range::ScanRequest;
using range::ScanResponse;
using runtime::Task;

namespace {

std::vector<Request> one(Request request) {
  std::vector<Request> out;
  out.push_back(std::move(request));
  return out;
}

}  // namespace

bool TransactionImpl::own_row(BytesView key, RowSet& out) const {
  const WriteBuffer::Version* own = buffer_.find(key, buffer_.statement());
  if (own == nullptr) return false;
  if (own->deleted)
    out.add_absent(key, buffer_.base(key));
  else
    out.add(key, own->value, buffer_.base(key));
  return true;
}

bool TransactionImpl::remembers() const {
  if (options_.as_of) return false;
  if (options_.isolation == Isolation::kSerializable && !options_.read_only) return true;
  // Otherwise only so that the read timestamp can move: by a lock, or out of uncertainty.
  return !options_.read_only || channel_.header.read_ts < channel_.header.uncertainty;
}

void TransactionImpl::note_point(BytesView key, const ReadOptions& options, Timestamp at) {
  if (remembers()) reads_.add_point(key, options.columns, options.stored, at);
  if (channel_.node().options.bugs.checks_unproved) return;
  if (options.check && options_.isolation != Isolation::kSerializable && !options_.read_only) {
    checks_.add_point(key, options.columns, options.stored, at);
  }
}

void TransactionImpl::note_span(KeySpan span, const ReadOptions& options, Timestamp at) {
  const bool proved = !channel_.node().options.bugs.checks_unproved;
  if (options.check && proved && options_.isolation != Isolation::kSerializable &&
      !options_.read_only) {
    checks_.add_span(span, options.columns, options.stored, at);
  }
  if (remembers()) reads_.add_span(std::move(span), options.columns, options.stored, at);
}

void TransactionImpl::note_lock_sent(RangeId range, const KeySpan& range_span, BytesView first_key,
                                     LockMode lock) {
  if (lock == LockMode::kExclusive && channel_.header.anchor.empty()) {
    channel_.header.anchor.assign(first_key);
  }
  for (const auto& [known, span] : locked_ranges_) {
    if (known == range && span.contains(range_span)) return;
  }
  locked_ranges_.emplace_back(range, range_span);
}

Status TransactionImpl::note_locked(const RowSet& rows, size_t row) {
  if (options_.isolation == Isolation::kSerializable) return Status();
  const BytesView key = rows.key(row);
  const Timestamp version = rows.ts(row);
  auto at = locked_keys_.lower_bound(key);
  if (at != locked_keys_.end() && at->first == key) {
    // A tombstone may have been collected meanwhile.
    if (at->second == version || (!rows.present(row) && version == Timestamp())) return Status();
    if (channel_.node().options.bugs.write_past_lost_lock) {
      at->second = version;
      return Status();
    }
    MARK("txn: a lock was lost and its row has changed");
    lock_lost_ = true;
    return fail(lock_lost(key));
  }
  if (locked_bytes_ + key.size() + 64 > limits::kTxnLockedBytesMax) {
    return resource_exhausted("transaction locks more rows than it may remember",
                              sqlstate::kOutOfMemory);
  }
  locked_bytes_ += key.size() + 64;
  locked_keys_.emplace_hint(at, key, version);
  return Status();
}

Task<Status> TransactionImpl::handle(BatchResponse response, int n) {
  switch (response.outcome) {
    case Outcome::kOk:  // the read timestamp moved while it was on its way
      co_return Status();
    case Outcome::kNeedTimestamp:
      co_return co_await raise(response.need);
    case Outcome::kRangeMismatch:
      MARK("txn: a read's range has changed");
      break;
    case Outcome::kError:
      if (response.error.code() == StatusCode::kDeadlineExceeded &&
          response.error.sqlstate() != sqlstate::kLockNotAvailable) {
        MARK("txn: a read waits longer");
        break;  // patience was over: a lock may be waited for longer
      }
      if (response.error.code() == StatusCode::kAmbiguous) {
        co_return unavailable(response.error.message());  // it only read
      }
      co_return fail(std::move(response.error));
    case Outcome::kNotLeaseholder:
      UNREACHABLE("the router follows the lease");
  }
  bool moved = response.outcome == Outcome::kRangeMismatch;
  if (moved && n >= kRegroupsMax) co_return unavailable("the ranges read keep moving");
  NodeParts& node = channel_.node();
  co_return co_await runtime::sleep_for(node.sender.executor(), backoff(n, node.random),
                                        channel_.token);
}

Task<Result<RowSet>> TransactionImpl::get(std::vector<Bytes> keys, ReadOptions options) {
  Status ready = usable(options.lock != LockMode::kNone);
  if (!ready.ok()) co_return ready;
  if (!runs_.active()) {
    if (keys.size() == 1) co_return co_await get_one(std::move(keys[0]), options);
    co_return co_await get_many(std::move(keys), options);
  }
  Result<RowSet> rows = co_await get_many(std::move(keys), options);
  if (!rows.ok()) co_return rows.status();
  Status confirmed = co_await confirm_runs();
  if (!confirmed.ok()) co_return confirmed;
  co_return std::move(rows);
}

// Without a wait: see txn/transaction.h.
bool TransactionImpl::try_get(std::span<const Bytes> keys, const ReadOptions& options,
                              RowSet* out) {
  // What is read beside own runs is confirmed, which waits.
  if (runs_.active() || !usable(options.lock != LockMode::kNone).ok()) return false;
  if (buffer_.empty()) return try_get_stored(keys, options, out);
  std::vector<Bytes> others;
  for (const Bytes& key : keys) {
    if (buffer_.find(key, buffer_.statement()) == nullptr) others.push_back(key);
  }
  if (others.size() == keys.size()) return try_get_stored(keys, options, out);
  RowSet stored;
  if (!others.empty() && !try_get_stored(others, options, &stored)) return false;
  out->clear();
  size_t next = 0;
  for (const Bytes& key : keys) {
    if (own_row(key, *out)) continue;
    if (stored.present(next))
      out->add(key, stored.value(next), stored.ts(next));
    else
      out->add_absent(key, stored.ts(next));
    ++next;
  }
  return true;
}

// Of keys that the transaction has not written.
bool TransactionImpl::try_get_stored(std::span<const Bytes> keys, const ReadOptions& options,
                                     RowSet* out) {
  const range::Router::Local local = channel_.node().sender.local(keys[0]);
  if (local.leaseholder == nullptr) return false;
  if (options.lock != LockMode::kNone) {
    note_lock_sent(local.descriptor->id, local.descriptor->span, keys[0], options.lock);
  }
  std::swap(got_.rows, *out);
  const bool answered = local.leaseholder->try_get(
      channel_.reader(local), {keys, options.columns, options.lock, options.wait}, &got_);
  std::swap(got_.rows, *out);
  if (!answered) return false;
  channel_.note_in_place(local);
  if (options.lock == LockMode::kExclusive) floor_.forward(got_.floor);
  for (size_t i = 0; i < keys.size(); ++i) {
    note_point(keys[i], options, channel_.header.read_ts);
    const bool locked = options.lock != LockMode::kNone &&
                        (options.wait != WaitPolicy::kSkipLocked || out->present(i));
    // Too many: get() finds the same and tells.
    if (locked && !note_locked(*out, i).ok()) return false;
  }
  return true;
}

// The hot path: one row, one message, no grouping.
Task<Result<RowSet>> TransactionImpl::get_one(Bytes key, ReadOptions options) {
  RowSet own;
  if (own_row(key, own)) co_return std::move(own);
  RangeSender& sender = channel_.node().sender;
  for (int n = 0;; ++n) {
    const range::RangeDescriptor* cached = sender.cached(key);
    if (cached == nullptr) {
      Result<Target> found = co_await sender.locate(key, channel_.token);
      if (!found.ok()) co_return found.status();
      cached = sender.cached(key);
    }
    // A router whose cache is that small looks up again; it is asked for the same thing.
    if (cached == nullptr) {
      if (n >= kRegroupsMax) co_return unavailable("the range of a key can't be kept in mind");
      continue;
    }
    RangeId range = cached->id;
    uint64_t generation = cached->generation;
    if (options.lock != LockMode::kNone) note_lock_sent(range, cached->span, key, options.lock);
    Timestamp at = channel_.header.read_ts;
    GetRequest request;
    request.keys.push_back(key);
    request.columns = options.columns;
    request.lock = options.lock;
    request.wait = options.wait;
    BatchResponse response =
        co_await channel_.send(range, generation, one(std::move(request)), channel_.token);
    if (response.outcome != Outcome::kOk || at != channel_.header.read_ts) {
      Status s = co_await handle(std::move(response), n);
      if (!s.ok()) co_return s;
      continue;
    }
    auto& got = std::get<GetResponse>(response.responses[0]);
    note_point(key, options, at);
    if (options.lock != LockMode::kNone) {
      if (options.lock == LockMode::kExclusive) floor_.forward(got.floor);
      bool locked = options.wait != WaitPolicy::kSkipLocked || got.rows.present(0);
      Status s = locked ? note_locked(got.rows, 0) : Status();
      if (!s.ok()) co_return s;
    }
    co_return std::move(got.rows);
  }
}

// A key of a get over several ranges: its place in the request and, once there, its row's place in
// the answer it came with.
struct TransactionImpl::Slot {
  size_t key = 0;
  bool done = false;
  std::shared_ptr<const RowSet> rows;  // shared by the keys of one range
  size_t row = 0;
};

Task<Result<RowSet>> TransactionImpl::get_many(std::vector<Bytes> keys, ReadOptions options) {
  std::vector<Slot> slots(keys.size());
  size_t bytes = 0;
  for (size_t i = 0; i < keys.size(); ++i) {
    slots[i].key = i;
    RowSet own;
    if (!own_row(keys[i], own)) continue;
    slots[i].rows = std::make_shared<RowSet>(std::move(own));
    slots[i].done = true;
  }
  std::sort(slots.begin(), slots.end(), [&keys](const Slot& a, const Slot& b) {
    int order = keys[a.key].compare(keys[b.key]);
    return order != 0 ? order < 0 : a.key < b.key;
  });
  for (int n = 0; std::any_of(slots.begin(), slots.end(), [](const Slot& s) { return !s.done; });
       ++n) {
    Status s = co_await get_round(&slots, &keys, options, n);
    if (!s.ok()) co_return s;
  }
  std::sort(slots.begin(), slots.end(), [](const Slot& a, const Slot& b) { return a.key < b.key; });
  for (const Slot& s : slots) bytes += s.rows->key(s.row).size() + s.rows->value(s.row).size();
  RowSet out;
  out.reserve(slots.size(), bytes);
  for (const Slot& s : slots) {
    if (s.rows->present(s.row))
      out.add(s.rows->key(s.row), s.rows->value(s.row), s.rows->ts(s.row));
    else
      out.add_absent(s.rows->key(s.row), s.rows->ts(s.row));
  }
  co_return std::move(out);
}

// Asks for all slots that are not done, one request a range, beside each other.
Task<Status> TransactionImpl::get_round(std::vector<Slot>* slots, const std::vector<Bytes>* keys,
                                        ReadOptions options, int n) {
  std::vector<Slot*> open;
  std::vector<BytesView> views;
  for (Slot& s : *slots) {
    if (s.done) continue;
    open.push_back(&s);
    views.push_back((*keys)[s.key]);
  }
  RangeSender& sender = channel_.node().sender;
  Result<std::vector<KeyGroup>> groups = co_await sender.group_keys(&views, channel_.token);
  if (!groups.ok()) co_return groups.status();
  Timestamp at = channel_.header.read_ts;
  std::vector<Task<BatchResponse>> sends;
  for (const KeyGroup& g : *groups) {
    if (options.lock != LockMode::kNone) {
      note_lock_sent(g.target.id, g.target.span, views[g.begin], options.lock);
    }
    std::vector<Bytes> asked(views.begin() + g.begin, views.begin() + g.end);
    sends.push_back(send_get(g.target, std::move(asked), options));
  }
  std::vector<BatchResponse> answers =
      co_await runtime::when_all(sender.executor(), std::move(sends));
  // First what was read is remembered, so that moving the timestamp for the others proves it.
  for (size_t i = 0; i < answers.size(); ++i) {
    if (answers[i].outcome != Outcome::kOk || at != channel_.header.read_ts) continue;
    auto& got = std::get<GetResponse>(answers[i].responses[0]);
    if (options.lock == LockMode::kExclusive) floor_.forward(got.floor);
    auto rows = std::make_shared<const RowSet>(std::move(got.rows));
    for (size_t k = (*groups)[i].begin; k < (*groups)[i].end; ++k) {
      Slot& slot = *open[k];
      slot.rows = rows;
      slot.row = k - (*groups)[i].begin;
      slot.done = true;
      note_point(views[k], options, at);
      bool locked = options.lock != LockMode::kNone &&
                    (options.wait != WaitPolicy::kSkipLocked || rows->present(slot.row));
      Status s = locked ? note_locked(*rows, slot.row) : Status();
      if (!s.ok()) co_return s;
    }
  }
  for (BatchResponse& a : answers) {
    if (a.outcome == Outcome::kOk) continue;
    Status s = co_await handle(std::move(a), n);
    if (!s.ok()) co_return s;
  }
  co_return Status();
}

Task<BatchResponse> TransactionImpl::send_get(Target target, std::vector<Bytes> keys,
                                              ReadOptions options) {
  GetRequest request;
  request.keys = std::move(keys);
  request.columns = options.columns;
  request.lock = options.lock;
  request.wait = options.wait;
  BatchResponse response =
      co_await channel_.send(target.id, target.generation, one(std::move(request)), channel_.token);
  co_return response;
}

// One range after the other until there are rows to give.
Task<Result<RowSet>> TransactionImpl::scan(ScanOptions options, KeySpan* rest) {
  Status ready = usable(options.lock != LockMode::kNone);
  if (!ready.ok()) co_return ready;
  while (true) {
    if (options.span.empty()) {
      *rest = KeySpan::nothing();
      co_return RowSet();
    }
    KeySpan left;
    Result<RowSet> rows = co_await scan_range(options, &left);
    if (!rows.ok() || rows->size() > 0 || left.empty()) {
      if (rows.ok() && runs_.active()) {
        Status confirmed = co_await confirm_runs();
        if (!confirmed.ok()) co_return confirmed;
      }
      *rest = std::move(left);
      co_return std::move(rows);
    }
    options.span = std::move(left);
  }
}

// One chunk, from the range at the scan's near end.
Task<Result<RowSet>> TransactionImpl::scan_range(ScanOptions options, KeySpan* rest) {
  RangeSender& sender = channel_.node().sender;
  for (int n = 0;; ++n) {
    Result<Target> target =
        co_await sender.locate_near(options.span, options.reverse, channel_.token);
    if (!target.ok()) co_return target.status();
    KeySpan here = clip(options.span, target->span);
    if (options.lock != LockMode::kNone) {
      note_lock_sent(target->id, target->span, here.start, options.lock);
    }
    Timestamp at = channel_.header.read_ts;
    ScanRequest request;
    request.span = here;
    request.reverse = options.reverse;
    request.rows_max = options.rows_max;
    request.columns = options.columns;
    request.lock = options.lock;
    request.wait = options.wait;
    request.keys_only = options.keys_only;
    BatchResponse response = co_await channel_.send(target->id, target->generation,
                                                    one(std::move(request)), channel_.token);
    if (response.outcome != Outcome::kOk || at != channel_.header.read_ts) {
      Status s = co_await handle(std::move(response), n);
      if (!s.ok()) co_return s;
      continue;
    }
    auto& got = std::get<ScanResponse>(response.responses[0]);
    Status taken = take_scan(options, std::move(here), at, &got, rest);
    if (!taken.ok()) co_return taken;
    co_return std::move(got.rows);
  }
}

// What a range gave for its part of the scan: remembered, and own writes laid over it.
Status TransactionImpl::take_scan(const ScanOptions& options, KeySpan covered, Timestamp at,
                                  ScanResponse* got, KeySpan* rest) {
  if (got->resume && options.reverse) covered.start = std::move(got->resume->end);
  if (got->resume && !options.reverse) covered.end = std::move(got->resume->start);
  RowSet& rows = got->rows;
  const bool skips = options.wait == WaitPolicy::kSkipLocked && options.lock != LockMode::kNone;
  for (size_t i = 0; i < rows.size(); ++i) {
    // What was passed over under SKIP LOCKED was not read.
    if (skips) note_point(rows.key(i), options, at);
    if (options.lock != LockMode::kNone) RETURN_IF_ERROR(note_locked(rows, i));
  }
  std::optional<KeySpan> cut;
  if (buffer_.overlaps(covered)) {
    rows = buffer_.merge(rows, covered, options.reverse, options.keys_only, buffer_.statement(),
                         std::max(rows.size(), limits::kScanRowsMax), &cut);
  }
  // What is left: from the cut, from where the range stopped, or from the next range on.
  if (rest != &options.span) *rest = options.span;
  if (options.reverse) {
    rest->end = cut ? cut->end : covered.start;
    if (rest->end.empty() || rest->empty()) *rest = KeySpan::nothing();
  } else {
    rest->start = cut ? cut->start : covered.end;
    if (rest->start.empty() || rest->empty()) *rest = KeySpan::nothing();
  }
  if (!skips) note_span(std::move(covered), options, at);
  return Status();
}

// Without a wait: see txn/transaction.h.
bool TransactionImpl::try_scan(const ScanOptions& options, KeySpan* rest, RowSet* out) {
  if (options.rows_max == 0 || options.rows_max > limits::kScanYieldRows) return false;
  if (runs_.active() || options.span.empty() || !usable(options.lock != LockMode::kNone).ok())
    return false;
  const range::Router::Local local = channel_.node().sender.local(options.span.start);
  if (local.leaseholder == nullptr) return false;
  scan_.span = options.span;
  if (!local.descriptor->span.contains(options.span)) {
    if (options.reverse) return false;  // it begins in a later range
    scan_.span.end = local.descriptor->span.end;
  }
  if (options.lock != LockMode::kNone) {
    note_lock_sent(local.descriptor->id, local.descriptor->span, scan_.span.start, options.lock);
  }
  scan_.reverse = options.reverse;
  scan_.rows_max = options.rows_max;
  scan_.columns = options.columns;
  scan_.lock = options.lock;
  scan_.wait = options.wait;
  scan_.keys_only = options.keys_only;
  std::swap(scanned_.rows, *out);
  bool answered = local.leaseholder->try_scan(channel_.reader(local), scan_, &scanned_);
  if (answered) {
    channel_.note_in_place(local);
    // An error: scan() finds the same and tells.
    answered = take_scan(options, scan_.span, channel_.header.read_ts, &scanned_, rest).ok();
  }
  std::swap(scanned_.rows, *out);
  return answered;
}

}  // namespace quorate::txn
