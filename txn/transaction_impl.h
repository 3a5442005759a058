// A transaction over ranges: the coordinator (design §9). Its parts, in the order of a statement's
// way:
//
//   write_buffer  own writes; reads look here first
//   txn_channel   header, observed clocks, statistics; sends
//   read_set      what was read, so that the read timestamp can move
//   refresher     moves it: proves the reads up to a later timestamp
//   committer     COMMIT
//   ender         what runs behind the answer
//
//            begin              kAborted
//   (new) ---------> kOpen ---------------> kFailed
//                     ^  |   rollback_to()   |  |
//                     |  |<------------------'  |
//                     |  |commit()              | restart(): a new id, the old `began`
//                     |  v                      |
//                     | kCommitting --refused-->'
//                     |  |    '--unknown--> kEnded (40003)
//                     |  '--ok--> kEnded
//                     '--- restart()            rollback() from kOpen and kFailed --> kEnded
//
// Reads of one statement may run beside each other. Each is sent at the read timestamp of its
// moment; one that is answered after the timestamp has moved is sent again, because nobody proved
// it up to the new one.
#pragma once

#include <map>

#include "txn/commit_work.h"
#include "txn/ender.h"
#include "txn/read_set.h"
#include "txn/refresher.h"
#include "txn/run_writer.h"
#include "txn/transaction.h"
#include "txn/txn_channel.h"
#include "txn/write_buffer.h"

namespace quorate::txn {

class TransactionImpl : public Transaction {
 public:
  TransactionImpl(NodeParts& node, TxnOptions options);
  ~TransactionImpl() override;
  TransactionImpl(const TransactionImpl&) = delete;

  runtime::Task<Status> admit(runtime::CancelToken token) override;
  void begin_statement() override;
  void set_cancel(runtime::CancelToken token) override { channel_.token = std::move(token); }
  void set_lock_timeout_ms(uint64_t ms) override { channel_.lock_timeout_ms = ms; }
  void note_results_seen() override { seen_ = statement_seen_ = true; }
  bool can_restart(const Status& failure) const override;
  runtime::Task<Status> restart() override;
  bool can_retry_statement(const Status& failure) const override;
  void retry_statement() override;

  runtime::Task<Result<range::RowSet>> get(std::vector<Bytes> keys, ReadOptions options) override;
  bool try_get(std::span<const Bytes> keys, const ReadOptions& options,
               range::RowSet* out) override;
  runtime::Task<Result<range::RowSet>> scan(ScanOptions options, KeySpan* rest) override;
  bool try_scan(const ScanOptions& options, KeySpan* rest, range::RowSet* out) override;

  Status put(BytesView key, BytesView value, ColumnSet changed,
             std::optional<Timestamp> base) override;
  Status remove(BytesView key, std::optional<Timestamp> base) override;

  Status load(BytesView key, BytesView value, bool must_be_absent) override;
  runtime::Task<Status> relieve() override;
  runtime::Task<Status> settle() override;
  const std::pair<Bytes, Bytes>& taken() const override { return runs_.taken(); }

  uint64_t savepoint() override;
  Status rollback_to(uint64_t mark) override;
  void release(uint64_t mark) override { buffer_.release(mark); }

  void set_deadline(CommitDeadline deadline) override { deadline_ = std::move(deadline); }
  runtime::Task<Status> commit() override;
  bool try_commit() override;
  runtime::Task<void> rollback() override;

  bool read_only() const override { return options_.read_only; }
  bool has_writes() const override { return !buffer_.empty() || runs_.active() || !runs_.empty(); }
  Isolation isolation() const override { return options_.isolation; }
  Timestamp read_timestamp() const override { return channel_.header.read_ts; }
  Timestamp commit_timestamp() const override { return commit_ts_; }
  TxnId id() const override { return channel_.header.id; }
  TxnStats stats() const override { return channel_.stats; }

 private:
  enum class State : uint8_t { kOpen, kFailed, kCommitting, kEnded };
  struct Slot;  // of a get over several ranges

  // transaction_impl.cc
  void begin_attempt();
  Status usable(bool writes) const;
  Status fail(Status status);
  runtime::Task<Status> raise(Timestamp need);
  CommitWork commit_work();
  TxnEnd end_of(Timestamp commit_ts, Timestamp attempt, std::vector<Bytes> keys) const;
  runtime::Task<void> end_behind(runtime::Task<void> task);

  // transaction_bulk.cc
  runtime::Task<Status> spill();
  runtime::Task<Status> commit_bulk();
  // Runs sent after `mark` do not count any more.
  void undo_runs_above(uint64_t mark);
  runtime::Task<Status> confirm_runs();

  // transaction_reads.cc
  bool try_get_stored(std::span<const Bytes> keys, const ReadOptions& options, range::RowSet* out);
  runtime::Task<Result<range::RowSet>> get_one(Bytes key, ReadOptions options);
  runtime::Task<Result<range::RowSet>> get_many(std::vector<Bytes> keys, ReadOptions options);
  runtime::Task<Status> get_round(std::vector<Slot>* slots, const std::vector<Bytes>* keys,
                                  ReadOptions options, int n);
  runtime::Task<range::BatchResponse> send_get(Target target, std::vector<Bytes> keys,
                                               ReadOptions options);
  runtime::Task<Result<range::RowSet>> scan_range(ScanOptions options, KeySpan* rest);
  Status take_scan(const ScanOptions& options, KeySpan covered, Timestamp at,
                   range::ScanResponse* got, KeySpan* rest);
  // An answer that can't be used as it is: ok to send again, or the error.
  runtime::Task<Status> handle(range::BatchResponse response, int n);
  bool remembers() const;
  void note_point(BytesView key, const ReadOptions& options, Timestamp at);
  void note_span(KeySpan span, const ReadOptions& options, Timestamp at);
  // Before a locking read is sent: it may take its locks and its answer be lost.
  void note_lock_sent(RangeId range, const KeySpan& range_span, BytesView first_key, LockMode lock);
  // Below SERIALIZABLE: the lock on the row read as `row` of `rows` is relied on. 40001 where it
  // was held before at another version: it was lost in between, and others wrote.
  Status note_locked(const range::RowSet& rows, size_t row);
  bool own_row(BytesView key, range::RowSet& out) const;

  TxnOptions options_;
  TxnChannel channel_;
  Admission::Ticket ticket_;
  Refresher refresher_;
  WriteBuffer buffer_;
  RunWriter runs_;
  bool runs_ended_ = false;  // by finish_commit(), or by whoever finds them
  bool loading_ = false;     // the present statement loads
  ReadSet reads_;   // what must hold when the read timestamp moves; SERIALIZABLE: at commit too
  ReadSet checks_;  // below SERIALIZABLE: constraints' reads, which must hold at commit
  // Ranges where locks were taken, with their spans then, so that their parts are found after a
  // split.
  std::vector<std::pair<RangeId, KeySpan>> locked_ranges_;
  // Below SERIALIZABLE, and at which version each was locked first (safety: locks-save-work).
  std::map<Bytes, Timestamp, std::less<>> locked_keys_;
  bool lock_lost_ = false;  // a statement that is run again would not bring it back
  size_t locked_bytes_ = 0;
  Timestamp floor_;  // a commit must be above it: the locked rows have been read there
  CommitDeadline deadline_;
  Timestamp commit_ts_;
  State state_ = State::kOpen;
  Status failure_;
  bool commit_tried_ = false;
  bool seen_ = false;            // results of the transaction
  bool statement_seen_ = false;  // results of the present statement
  uint64_t restarts_ = 0;
  // Used again by reads in place.
  range::GetResponse got_;
  range::ScanRequest scan_;
  range::ScanResponse scanned_;
};

}  // namespace quorate::txn
