// How a transaction that outgrows its buffer writes: sorted runs (run_writer), and its COMMIT.
#include "base/mark.h"
#include "txn/bulk_committer.h"
#include "txn/ender.h"
#include "txn/retry.h"
#include "txn/transaction_impl.h"

namespace quorate::txn {

using runtime::Task;
using storage::RunRow;

Status TransactionImpl::load(BytesView key, BytesView value, bool must_be_absent) {
  RETURN_IF_ERROR(usable(true));
  RETURN_IF_ERROR(WriteBuffer::check_sizes(key, value));
  loading_ = true;
  runs_.add({key, value, false, must_be_absent, std::nullopt});
  return Status();
}

Task<Status> TransactionImpl::relieve() {
  const size_t spill_bytes = channel_.node().options.spill_bytes;
  if (!runs_.full() && buffer_.bytes() <= spill_bytes) co_return Status();
  Status ready = usable(true);
  if (!ready.ok()) co_return ready;
  // Rows of earlier statements come before those that are loaded.
  if (buffer_.bytes() > spill_bytes || (loading_ && !buffer_.empty())) {
    Status spilled = co_await spill();
    if (!spilled.ok()) co_return fail(std::move(spilled));
  }
  Status sent = co_await runs_.send(false, &buffer_);
  co_return fail(std::move(sent));
}

Task<Status> TransactionImpl::settle() {
  if (runs_.empty()) co_return Status();
  Status ready = usable(true);
  if (!ready.ok()) co_return ready;
  if (!buffer_.empty()) {
    Status spilled = co_await spill();
    if (!spilled.ok()) co_return fail(std::move(spilled));
  }
  Status sent = co_await runs_.send(true, &buffer_);
  co_return fail(std::move(sent));
}

// Everything that is buffered becomes runs. What waits in the piles of a load has not been numbered
// yet, so that it counts as later.
Task<Status> TransactionImpl::spill() {
  RunWriter::Piles loaded = runs_.take_piles();
  uint64_t above = 0;
  for (uint64_t last : buffer_.parts()) {
    buffer_.each_of_part(
        above, last,
        [&](const Bytes& key, const WriteBuffer::Version& v, std::optional<Timestamp> base) {
          auto locked = locked_keys_.find(key);
          if (locked != locked_keys_.end()) base = locked->second;
          runs_.add({key, v.value, v.deleted, false, base});
          if (locked == locked_keys_.end()) return;
          // The run is the lock from now on.
          locked_bytes_ -= key.size() + 64;
          locked_keys_.erase(locked);
        });
    above = last;
    Status sent = co_await runs_.send(true, &buffer_, last);
    if (!sent.ok()) co_return sent;
  }
  buffer_.forget_writes();
  runs_.put_back(std::move(loaded));
  co_return Status();
}

// Whoever takes the transaction for dead aborts its record before he drops the first of its runs:
// while the record stands, all that was sent was there to be read.
Task<Status> TransactionImpl::confirm_runs() {
  Result<range::TxnRecord> record = co_await read_record(channel_.node(), channel_.header);
  if (!record.ok()) co_return fail(record.status());
  // Of a record that was aborted and collected nothing is told: no attempt.
  if (record->status == range::TxnStatus::kPending && record->attempt) co_return Status();
  MARK("txn: a bulk transaction reads and finds itself aborted");
  co_return fail(aborted("the transaction was aborted by another one")
                     .with_detail("Its coordinator was not heard of for too long.")
                     .with_hint("The transaction might succeed if retried."));
}

void TransactionImpl::undo_runs_above(uint64_t mark) {
  runs_.clear();
  if (channel_.node().options.bugs.undone_runs_stay) return;
  if (runs_.sent_after(mark)) {
    MARK("txn: runs are undone to a savepoint");
    channel_.header.own.undone.emplace_back(mark + 1, buffer_.sequence());
  }
}

Task<Status> TransactionImpl::commit_bulk() {
  NodeParts& node = channel_.node();
  Status sent = co_await settle();
  if (sent.ok() && !buffer_.empty()) sent = co_await spill();
  if (!sent.ok()) {
    (void)fail(sent);
    state_ = State::kFailed;
    failure_ = sent;
    co_return sent;
  }
  commit_tried_ = true;
  state_ = State::kCommitting;
  CommitWork work = commit_work();
  std::vector<Bytes> staged_locks = work.locked_reads;
  BulkCommitter committer(channel_, std::move(work), runs_.laid());
  Status s = co_await committer.run();
  state_ = State::kOpen;
  if (s.code() == StatusCode::kAmbiguous) {
    // The record decides, and whoever meets the runs asks it.
    node.counters.ambiguous.add();
    runs_ended_ = true;
    co_await rollback();
    co_return s;
  }
  if (!s.ok()) {
    (void)fail(s);
    state_ = State::kFailed;
    failure_ = s;
    co_return s;
  }
  commit_ts_ = committer.commit_ts();
  runs_ended_ = true;
  TxnEnd end = end_of(commit_ts_, committer.attempt(), std::move(staged_locks));
  locked_ranges_.clear();
  co_await end_behind(finish_commit(&node, std::move(end)));
  node.counters.committed.add();
  (void)node.sender.clock().update(commit_ts_);
  co_await rollback();
  co_return Status();
}

}  // namespace quorate::txn
