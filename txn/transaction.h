// A transaction as SQL sees it: reads and locks of rows by key, buffered writes, savepoints,
// commit.
//
// Every member that reads takes effect at the transaction's read timestamp and sees the
// transaction's own buffered writes. Writes are kept here until commit() (design §9). All on the
// session's executor; one operation at a time, except that gets and scans of one statement may run
// beside each other.
//
// Errors: kAborted (40001, 40P01): nothing happened, run the transaction again (the transaction is
// then dead: only rollback() may follow, except after a savepoint where rollback_to() may).
// kAmbiguous (40003) from commit() alone. Everything else is the statement's error.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/planted.h"
#include "range/api.h"
#include "runtime/cancel.h"
#include "runtime/env.h"
#include "runtime/task.h"
#include "txn/commit_work.h"

namespace quorate::txn {

using range::ColumnSet;
using range::Isolation;
using range::LockMode;
using range::WaitPolicy;

struct TxnOptions {
  Isolation isolation = Isolation::kSerializable;
  bool read_only = false;
  std::optional<Timestamp> as_of;  // reads in the past; implies read_only
  uint64_t lock_timeout_ms = 0;
};

struct ReadOptions {
  ColumnSet columns = range::kAllColumns;  // what the statement uses: values, filters, ordering
  ColumnSet stored = 0;  // which columns stand in the rows' values: see range::ReadSpan
  LockMode lock = LockMode::kNone;
  WaitPolicy wait = WaitPolicy::kBlock;
  // A constraint's check (unique, foreign key): what it read must still hold at commit, at every
  // isolation level (safety: locks-save-work).
  bool check = false;
};

struct ScanOptions : ReadOptions {
  KeySpan span;
  bool reverse = false;
  uint64_t rows_max =
      0;  // of one chunk; 0: as many as the limits allow. A hint: the caller's LIMIT
  bool keys_only = false;
};

// What EXPLAIN ANALYZE tells.
struct TxnStats {
  uint64_t requests = 0;  // batches sent
  uint64_t remote_requests = 0;
  uint64_t ranges = 0;  // distinct ones touched
  uint64_t proposals = 0;
  uint64_t refreshes = 0;
  uint64_t retries = 0;
};

class Transaction {
 public:
  virtual ~Transaction() = default;  // rolls back in the background when still open

  // Before the first statement of a transaction block, which its client will send one by one: may
  // wait a little where such blocks crowd each other out (txn/admission.h). Else the token's
  // reason.
  virtual runtime::Task<Status> admit(runtime::CancelToken token) = 0;

  // --- statements ---
  // Marks the beginning of a statement: reads from here see writes made before here and none after
  // (safety: buffer-above); at READ COMMITTED the read timestamp moves to now.
  virtual void begin_statement() = 0;
  virtual void set_cancel(runtime::CancelToken token) = 0;  // for what follows
  virtual void set_lock_timeout_ms(uint64_t ms) = 0;
  // Called before a result of this statement leaves for the client: from now on internal retries
  // may not run earlier statements again.
  virtual void note_results_seen() = 0;
  // Whether the failed statement (status kAborted) can be made good by running it, and what came
  // before it in this transaction, again from a fresh timestamp without the client noticing:
  // nothing was seen yet, no savepoint holds. restart() then forgets reads, writes and locks.
  virtual bool can_restart(const Status& failure) const = 0;
  virtual runtime::Task<Status> restart() = 0;
  // READ COMMITTED only: whether the failed statement alone can be run again, the earlier ones
  // staying as they are, because nothing of this statement was seen. retry_statement() undoes its
  // writes, takes a new read timestamp and stands for begin_statement().
  virtual bool can_retry_statement(const Status& failure) const = 0;
  virtual void retry_statement() = 0;

  // --- reads ---
  // One item a key, in order; absent ones where there is no row.
  virtual runtime::Task<Result<range::RowSet>> get(std::vector<Bytes> keys,
                                                   ReadOptions options) = 0;
  // The same in place, without a coroutine: where all keys lie in one range that this node serves
  // and nothing has to be waited for. False: nothing is known yet, ask get(). `*out`'s memory is
  // used again.
  virtual bool try_get(std::span<const Bytes>, const ReadOptions&, range::RowSet*) { return false; }
  // The next chunk of a scan of `options.span`. `*rest` is what is left of it, empty() at the end;
  // a chunk may hold no row and yet not be the last.
  virtual runtime::Task<Result<range::RowSet>> scan(ScanOptions options, KeySpan* rest) = 0;
  // The same in place, of at most limits::kScanYieldRows rows. `rest` may be options.span.
  virtual bool try_scan(const ScanOptions&, KeySpan*, range::RowSet*) { return false; }

  // --- writes; buffered, so they only fail on limits (53200, 54000) ---
  // `base`: the version the write was made from, RowSet::ts of the row read (with its lock where it
  // was an update), zero for a row that was found absent. Unneeded when the transaction wrote the
  // key before.
  virtual Status put(BytesView key, BytesView value, ColumnSet changed,
                     std::optional<Timestamp> base) = 0;
  virtual Status remove(BytesView key, std::optional<Timestamp> base) = 0;

  // Bulk loads: a row of a statement that writes many and reads none of them. It is neither locked
  // nor buffered until COMMIT, but sent to its range by relieve() and settle(), which check it
  // there: where it `must_be_absent` and a row of that key is there, they fail with kAlreadyExists,
  // and taken() gives the key and the value of that row.
  virtual Status load(BytesView key, BytesView value, bool must_be_absent) = 0;
  // Between the batches of a statement that writes: what exceeds the memory of a transaction goes
  // to its ranges.
  virtual runtime::Task<Status> relieve() = 0;
  // The end of a statement that loads.
  virtual runtime::Task<Status> settle() = 0;
  virtual const std::pair<Bytes, Bytes>& taken() const = 0;

  // --- savepoints ---
  virtual uint64_t savepoint() = 0;  // a mark; nested marks in order
  virtual Status rollback_to(
      uint64_t mark) = 0;  // undoes writes after the mark; the mark stays. Locks stay
  virtual void release(uint64_t mark) = 0;

  // --- end ---
  // Of the descriptors used (safety: schema-steps).
  virtual void set_deadline(CommitDeadline deadline) = 0;
  virtual runtime::Task<Status> commit() = 0;
  // The same in place where nothing is written and nothing locked. False: call commit().
  virtual bool try_commit() { return false; }
  virtual runtime::Task<void> rollback() = 0;

  virtual bool read_only() const = 0;
  virtual bool has_writes() const = 0;
  virtual Isolation isolation() const = 0;
  virtual Timestamp read_timestamp() const = 0;
  virtual Timestamp commit_timestamp() const = 0;  // after a successful commit
  virtual TxnId id() const = 0;
  virtual TxnStats stats() const = 0;
};

// Makes transactions; one a node.
class Client {
 public:
  explicit Client(PlantedBugs planted = {}) : planted(planted) {}
  virtual ~Client() = default;
  const PlantedBugs planted;  // for the rooms above
  virtual std::unique_ptr<Transaction> begin(TxnOptions options) = 0;
  // A transaction of one plain read, in place, as Transaction::try_get() and try_scan(). False:
  // nothing is known, begin one.
  virtual bool try_get(std::span<const Bytes>, ColumnSet, range::RowSet*) { return false; }
  virtual bool try_scan(const ScanOptions&, KeySpan*, range::RowSet*) { return false; }
  // Clears a piece of what a table's drop at `dropped` left in `span`, for good, and gives what is
  // left (empty: nothing). kUnavailable while reads from before the drop are allowed.
  virtual runtime::Task<Result<KeySpan>> clear(KeySpan span, Timestamp dropped) = 0;
  virtual Timestamp now() = 0;  // the node's HLC
  virtual runtime::Env& env() = 0;
};

}  // namespace quorate::txn
