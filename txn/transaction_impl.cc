#include "txn/transaction_impl.h"

#include "base/mark.h"
#include "runtime/fault_points.h"
#include "txn/committer.h"
#include "txn/retry.h"

namespace quorate::txn {

using range::ReadSpan;
using range::RowWrite;
using range::TxnHeader;
using runtime::CancelToken;
using runtime::Task;

TransactionImpl::TransactionImpl(NodeParts& node, TxnOptions options)
    : options_(options),
      channel_(node),
      refresher_(channel_),
      buffer_(node.options.buffer_bytes_max),
      runs_(channel_),
      reads_(limits::kTxnReadSpansMax, limits::kTxnReadBytesMax),
      checks_(limits::kTxnReadSpansMax, limits::kTxnReadBytesMax) {
  if (options_.as_of) options_.read_only = true;
  channel_.lock_timeout_ms = options_.lock_timeout_ms;
  TxnHeader& h = channel_.header;
  h.isolation = options_.isolation;
  h.coordinator = node.options.node;
  h.coordinator_epoch = node.options.epoch;
  begin_attempt();
  h.began = options_.as_of ? node.sender.clock().now() : h.read_ts;
  int64_t offset = node.sender.clock().max_offset_micros();
  h.uncertainty = options_.as_of ? h.read_ts : h.read_ts.add_micros(offset);
  node.counters.begun.add();
}

// Open, or cut off in the middle of a commit: then what was staged is finished by whoever meets it.
TransactionImpl::~TransactionImpl() {
  channel_.node().open.erase(channel_.header.id);
  if (state_ == State::kEnded || (locked_ranges_.empty() && !runs_.active())) return;
  NodeParts& node = channel_.node();
  TxnEnd end = end_of({}, {}, {});
  if (runs_.active() && state_ != State::kCommitting) {
    MARK("txn: a transaction with runs is cut off");
    node.background.spawn(abandon_runs(&node, std::move(end)));
    return;
  }
  node.background.spawn(unlock(&node, std::move(end.header), std::move(end.locked)));
}

void TransactionImpl::begin_attempt() {
  NodeParts& node = channel_.node();
  TxnHeader& h = channel_.header;
  node.open.erase(h.id);
  do {
    if (node.sender.env().entropy) {
      char bytes[16];
      node.sender.env().entropy(bytes, sizeof(bytes));
      std::memcpy(&h.id.high, bytes, 8);
      std::memcpy(&h.id.low, bytes + 8, 8);
    } else {
      h.id.high = node.random.next();
      h.id.low = node.random.next();
    }
  } while (!h.id);
  node.open.emplace(h.id, &h);
  h.anchor.clear();
  h.read_ts = options_.as_of ? *options_.as_of : node.sender.clock().now();
  state_ = State::kOpen;
  failure_ = Status();
}

Status TransactionImpl::usable(bool writes) const {
  CHECK(state_ == State::kOpen || state_ == State::kFailed);
  if (state_ == State::kFailed) return failure_;
  if (writes && options_.read_only) {
    return Status(StatusCode::kFailedPrecondition, sqlstate::kReadOnlySqlTransaction,
                  "cannot write in a read-only transaction");
  }
  return Status();
}

Status TransactionImpl::fail(Status status) {
  if (status.code() == StatusCode::kAborted && state_ == State::kOpen) {
    state_ = State::kFailed;
    failure_ = status;
    channel_.node().counters.aborted.add();
    if (ticket_.admitted()) channel_.node().admission.note_end(false);
  }
  return status;
}

// Those that can't be refused for what they read do not crowd anybody.
Task<Status> TransactionImpl::admit(CancelToken token) {
  if (options_.read_only || options_.isolation == Isolation::kReadCommitted) co_return Status();
  NodeParts& node = channel_.node();
  bool waited = false;
  Status s = co_await node.admission.enter(&ticket_, std::move(token), &waited);
  if (!s.ok() || !waited) co_return s;
  // Nothing has been read yet.
  TxnHeader& h = channel_.header;
  h.read_ts = node.sender.clock().now();
  h.uncertainty = h.read_ts.add_micros(node.sender.clock().max_offset_micros());
  co_return Status();
}

void TransactionImpl::begin_statement() {
  CHECK(state_ == State::kOpen || state_ == State::kFailed);
  ticket_.touch();
  channel_.header.own.upto = buffer_.begin_statement();
  loading_ = false;
  statement_seen_ = false;
  if (options_.isolation != Isolation::kReadCommitted || options_.as_of) return;
  // Each statement is bound in real time to what was committed before it.
  runtime::Hlc& clock = channel_.node().sender.clock();
  channel_.header.read_ts = clock.now();
  channel_.header.uncertainty = channel_.header.read_ts.add_micros(clock.max_offset_micros());
  channel_.forget_observed();
  reads_.clear();
}

bool TransactionImpl::can_restart(const Status& failure) const {
  return failure.code() == StatusCode::kAborted && state_ == State::kFailed && !seen_ &&
         !buffer_.has_savepoints() && !runs_.active() && !options_.as_of &&
         restarts_ < kRestartsMax && !channel_.token.cancelled();
}

bool TransactionImpl::can_retry_statement(const Status& failure) const {
  return failure.code() == StatusCode::kAborted && state_ == State::kFailed && !commit_tried_ &&
         !lock_lost_ && failure.sqlstate() == sqlstate::kSerializationFailure && !statement_seen_ &&
         options_.isolation == Isolation::kReadCommitted && !options_.as_of &&
         restarts_ < kRestartsMax && !channel_.token.cancelled();
}

void TransactionImpl::retry_statement() {
  MARK("txn: a statement is run again");
  CHECK(can_retry_statement(failure_));
  undo_runs_above(buffer_.statement());
  buffer_.undo_statement();
  state_ = State::kOpen;
  failure_ = Status();
  ++restarts_;
  ++channel_.stats.retries;
  channel_.node().counters.restarts.add();
  begin_statement();
}

// A record of the old id may say ABORTED for good, so the next attempt has a new one; locks of the
// old id would then be a stranger's, so they go first. `began` stays: who was made a deadlock's
// victim again and again becomes the oldest.
Task<Status> TransactionImpl::restart() {
  MARK("txn: a transaction is run again");
  CHECK(can_restart(failure_));
  NodeParts& node = channel_.node();
  if (!locked_ranges_.empty()) {
    TxnEnd end = end_of({}, {}, {});
    locked_ranges_.clear();
    co_await unlock(&node, std::move(end.header), std::move(end.locked));
  }
  Status s = co_await runtime::sleep_for(node.sender.executor(), backoff(restarts_, node.random),
                                         channel_.token);
  if (!s.ok()) co_return s;
  ++restarts_;
  ++channel_.stats.retries;
  node.counters.restarts.add();
  buffer_.clear();
  runs_.clear();
  reads_.clear();
  checks_.clear();
  locked_keys_.clear();
  locked_bytes_ = 0;
  lock_lost_ = false;
  floor_ = Timestamp();
  commit_tried_ = false;
  // The client's real time is still that of the first attempt, and so are the clocks observed.
  begin_attempt();
  channel_.header.uncertainty.forward(channel_.header.read_ts);
  co_return Status();
}

Task<Status> TransactionImpl::raise(Timestamp need) {
  for (int n = 0; n < kRaisesMax; ++n) {
    if (need <= channel_.header.read_ts) co_return Status();
    if (options_.as_of) co_return internal_error("a read in the past was asked to move");
    uint64_t additions = reads_.additions();
    if (!reads_.empty()) {
      std::vector<ReadSpan> reads = reads_.reads([](const Bytes&) { return false; });
      Status s = co_await refresher_.prove(std::move(reads), need, channel_.token);
      if (!s.ok()) co_return fail(std::move(s));
      // A read beside us was answered at the old timestamp meanwhile: it must be proved too.
      if (reads_.additions() != additions) {
        MARK("txn: a read comes beside the proof of others");
        continue;
      }
    }
    reads_.advance(need);
    channel_.header.read_ts.forward(need);
    co_return Status();
  }
  co_return fail(read_changed({}, need));
}

Status TransactionImpl::put(BytesView key, BytesView value, ColumnSet changed,
                            std::optional<Timestamp> base) {
  RETURN_IF_ERROR(usable(true));
  return buffer_.put(key, value, changed, base);
}

Status TransactionImpl::remove(BytesView key, std::optional<Timestamp> base) {
  RETURN_IF_ERROR(usable(true));
  return buffer_.remove(key, base);
}

uint64_t TransactionImpl::savepoint() {
  CHECK(state_ == State::kOpen);
  return buffer_.savepoint();
}

Status TransactionImpl::rollback_to(uint64_t mark) {
  CHECK(state_ == State::kOpen || (state_ == State::kFailed && !commit_tried_));
  if (!channel_.node().options.bugs.savepoint_keeps_writes)
    RETURN_IF_ERROR(buffer_.rollback_to(mark));
  undo_runs_above(mark);
  // What was read stays read: a conflict with it comes again at commit.
  state_ = State::kOpen;
  failure_ = Status();
  return Status();
}

CommitWork TransactionImpl::commit_work() {
  CommitWork work;
  work.writes = buffer_.writes();
  const auto write_of = [&work](const Bytes& key) -> RowWrite* {
    auto at = std::lower_bound(work.writes.begin(), work.writes.end(), key,
                               [](const RowWrite& w, const Bytes& k) { return w.key < k; });
    return at != work.writes.end() && at->key == key ? &*at : nullptr;
  };
  // The comparison of versions proves more than the refresh of a row would.
  const auto written = [&](const Bytes& key) {
    const RowWrite* write = write_of(key);
    return write != nullptr && write->base ? write : nullptr;
  };
  bool serializable = options_.isolation == Isolation::kSerializable;
  work.reads = (serializable ? reads_ : checks_).reads(written);
  for (const auto& [key, version] : locked_keys_) {
    // What was written comes from the row as it was locked, whatever a later statement has seen,
    // or whether it looked. A key is one or the other: both would be staged, one over the other.
    if (RowWrite* write = write_of(key); write != nullptr)
      write->base = version;
    else
      work.locked_reads.push_back(key);
  }
  work.floor = floor_;
  work.deadline = deadline_;
  return work;
}

TxnEnd TransactionImpl::end_of(Timestamp commit_ts, Timestamp attempt,
                               std::vector<Bytes> keys) const {
  TxnEnd end;
  end.header = channel_.header;
  end.keys = std::move(keys);
  for (const auto& [range, span] : locked_ranges_) end.locked.push_back(span);
  end.commit_ts = commit_ts;
  end.attempt = attempt;
  if (runs_.active()) end.runs = runs_.spans();
  return end;
}

// Behind the answer, or before it where too many ends are still running.
Task<void> TransactionImpl::end_behind(Task<void> task) {
  runtime::TaskScope& background = channel_.node().background;
  const bool many =
      background.size() >= limits::kTxnBackgroundMax ||
      runtime::fires(channel_.node().sender.env().faults, runtime::FaultPoint::kManyEnds);
  if (!many) {
    background.spawn(std::move(task));
    co_return;
  }
  MARK("txn: too many ends are under way");
  co_await task;
}

Task<Status> TransactionImpl::commit() {
  Status ready = usable(false);
  if (!ready.ok()) co_return ready;
  if (runs_.active() || !runs_.empty() || buffer_.bytes() > channel_.node().options.spill_bytes)
    co_return co_await commit_bulk();
  CommitWork work = commit_work();
  NodeParts& node = channel_.node();
  if (work.writes.empty()) {
    commit_ts_ = channel_.header.read_ts;
    co_await rollback();  // lets locks go; there is nothing else
    co_return Status();
  }
  commit_tried_ = true;
  state_ = State::kCommitting;
  Committer committer(channel_, std::move(work));
  Status s = co_await committer.run();
  state_ = State::kOpen;
  if (s.code() == StatusCode::kAmbiguous) {
    MARK("txn: a client is told of an unknown outcome");
    // Locks go; intents, if there are any, belong to whoever recovers the record.
    node.counters.ambiguous.add();
    co_await rollback();
    co_return s;
  }
  commit_ts_ = s.ok() ? committer.commit_ts() : Timestamp();
  if (committer.staged()) {
    TxnEnd end = end_of(commit_ts_, committer.attempt(), committer.keys());
    locked_ranges_.clear();
    Task<void> rest =
        s.ok() ? finish_commit(&node, std::move(end)) : finish_abort(&node, std::move(end));
    co_await end_behind(std::move(rest));
  } else if (s.ok()) {
    std::erase_if(locked_ranges_,
                  [&](const auto& locked) { return committer.unlocked().contains(locked.second); });
  }
  if (!s.ok()) {
    (void)fail(s);
    if (state_ == State::kOpen) {
      state_ = State::kFailed;
      failure_ = s;
    }
    co_return s;
  }
  node.counters.committed.add();
  if (ticket_.admitted()) node.admission.note_end(true);
  (void)node.sender.clock().update(commit_ts_);
  co_await rollback();
  co_return Status();
}

bool TransactionImpl::try_commit() {
  if (state_ != State::kOpen || has_writes() || !locked_ranges_.empty()) return false;
  commit_ts_ = channel_.header.read_ts;
  state_ = State::kEnded;
  channel_.node().open.erase(channel_.header.id);
  ticket_.release();
  return true;
}

Task<void> TransactionImpl::rollback() {
  if (state_ == State::kEnded) co_return;
  CHECK(state_ != State::kCommitting);
  state_ = State::kEnded;
  channel_.node().open.erase(channel_.header.id);
  buffer_.clear();
  ticket_.release();
  if (runs_.active() && !runs_ended_) {
    TxnEnd end = end_of({}, {}, {});
    locked_ranges_.clear();
    co_await end_behind(abandon_runs(&channel_.node(), std::move(end)));
    co_return;
  }
  if (locked_ranges_.empty()) co_return;
  TxnEnd end = end_of({}, {}, {});
  locked_ranges_.clear();
  Task<void> let_go = unlock(&channel_.node(), std::move(end.header), std::move(end.locked));
  co_await end_behind(std::move(let_go));
}

}  // namespace quorate::txn
