// The vocabulary between transactions and ranges: batches of requests for one range, and their
// answers.
//
//     txn/ (coordinator)  --BatchRequest-->  router  -->  leaseholder of the range
//     --BatchResponse-->
//
// A batch is addressed to one range; all its keys lie in it. Its requests are evaluated in order
// against one state of the range. Either all of it happens or nothing.
//
// Timestamps. Plain reads happen at `txn.read_ts` and leave it in the timestamp cache. A read that
// meets a version in (read_ts, uncertainty] can't tell whether it must see it: the batch answers
// kNeedTimestamp and the coordinator moves its read timestamp there, after proving what it has read
// so far (Refresh). Locking reads see the newest committed version; where that is above read_ts
// they answer kNeedTimestamp too, and keep the lock.
//
// Writes exist only at the coordinator until COMMIT. Then either one kOnePhase Commit, or Commits
// of kind kStage in every range that is written, at one timestamp that is proved beforehand; the
// anchor's carries the list of all keys. Nothing is written where a range needs a higher timestamp:
// kNeedTimestamp.
//
// Everything here goes between nodes of one version (base/archive.h); local calls pass the structs.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/archive.h"
#include "base/bytes.h"
#include "base/ids.h"
#include "base/span.h"
#include "base/status.h"
#include "base/timestamp.h"
#include "range/descriptor.h"

namespace quorate::range {

// Columns of a row as a set of 64 bits: column k of a table is bit k for k < 63, all further ones
// share bit 63.
using ColumnSet = uint64_t;
inline constexpr ColumnSet kAllColumns = ~ColumnSet{0};
inline ColumnSet column_bit(size_t column) { return ColumnSet{1} << (column < 63 ? column : 63); }

enum class Isolation : uint8_t { kSerializable = 0, kRepeatableRead = 1, kReadCommitted = 2 };
enum class LockMode : uint8_t { kNone = 0, kShared = 1, kExclusive = 2 };
enum class WaitPolicy : uint8_t { kBlock = 0, kNoWait = 1, kSkipLocked = 2 };

// Which of its own sorted runs a transaction's read sees: those that were sent up to a number of
// its sequence of writes, but for what was undone since (savepoints).
struct OwnRuns {
  uint64_t upto = 0;
  std::vector<std::pair<uint64_t, uint64_t>> undone;  // [first, last]
  bool undid(uint64_t sequence) const {
    for (const auto& [first, last] : undone) {
      if (sequence >= first && sequence <= last) return true;
    }
    return false;
  }
  bool sees(uint64_t sequence) const { return sequence <= upto && !undid(sequence); }
  template <class A>
  void serialize(A& a) {
    a(upto, undone);
  }
};

// Who asks, and as of when.
struct TxnHeader {
  TxnId id;
  Bytes anchor;  // a key of the range that holds the transaction's record; empty before the first
                 // write lock
  Timestamp read_ts;
  // Versions in (read_ts, uncertainty] may be from before this transaction began in real time.
  Timestamp uncertainty;
  // This store's clock when the transaction first met it; zero: not met. Bounds `uncertainty`
  // there, if it was taken under the present lease (safety: observed).
  Timestamp observed;
  Timestamp began;
  NodeId coordinator;
  uint64_t coordinator_epoch =
      0;  // locks of a coordinator's earlier life are dropped (orphan-locks)
  Isolation isolation = Isolation::kSerializable;
  OwnRuns own;
  template <class A>
  void serialize(A& a) {
    a(id, anchor, read_ts, uncertainty, observed, began, coordinator, coordinator_epoch, isolation,
      own);
  }
};

// Rows of an answer, in one allocation.
class RowSet {
 public:
  struct Item {
    uint32_t key_offset, key_size, value_offset, value_size;
    Timestamp ts;
    bool present;
    template <class A>
    void serialize(A& a) {
      a(key_offset, key_size, value_offset, value_size, ts, present);
    }
  };
  size_t size() const { return items_.size(); }
  bool present(size_t i) const { return items_[i].present; }
  BytesView key(size_t i) const {
    return BytesView(data_).substr(items_[i].key_offset, items_[i].key_size);
  }
  BytesView value(size_t i) const {
    return BytesView(data_).substr(items_[i].value_offset, items_[i].value_size);
  }
  // The version's timestamp; of the tombstone, or zero, where the row is absent.
  Timestamp ts(size_t i) const { return items_[i].ts; }
  size_t bytes() const { return data_.size() + items_.size() * sizeof(Item); }
  void add(BytesView key, BytesView value, Timestamp ts) { push(key, value, ts, true); }
  void add_absent(BytesView key, Timestamp tombstone) { push(key, {}, tombstone, false); }
  // Keeps its memory for the next answer.
  void clear() {
    data_.clear();
    items_.clear();
  }
  void reserve(size_t rows, size_t bytes) {
    items_.reserve(rows);
    data_.reserve(bytes);
  }
  bool well_formed() const {
    for (const Item& i : items_) {
      if (uint64_t{i.key_offset} + i.key_size > data_.size() ||
          uint64_t{i.value_offset} + i.value_size > data_.size())
        return false;
    }
    return true;
  }
  template <class A>
  void serialize(A& a) {
    a(data_, items_);
    if constexpr (A::kDecoding) {
      if (!well_formed()) a.fail();
    }
  }

 private:
  void push(BytesView key, BytesView value, Timestamp ts, bool present) {
    uint32_t at = static_cast<uint32_t>(data_.size());
    data_.append(key);
    data_.append(value);
    items_.push_back({at, static_cast<uint32_t>(key.size()), at + static_cast<uint32_t>(key.size()),
                      static_cast<uint32_t>(value.size()), ts, present});
  }
  Bytes data_;
  std::vector<Item> items_;
};

// --- reads ---

// A GetRequest whose keys are somebody else's.
struct GetView {
  std::span<const Bytes> keys;
  ColumnSet columns = kAllColumns;
  LockMode lock = LockMode::kNone;
  WaitPolicy wait = WaitPolicy::kBlock;
};

struct GetRequest {
  std::vector<Bytes> keys;
  ColumnSet columns = kAllColumns;  // what the statement uses of the rows
  LockMode lock = LockMode::kNone;
  WaitPolicy wait = WaitPolicy::kBlock;
  GetView view() const { return {keys, columns, lock, wait}; }
  template <class A>
  void serialize(A& a) {
    a(keys, columns, lock, wait);
  }
};
struct GetResponse {
  RowSet rows;  // one item a key, in order; absent where there is no row (or kSkipLocked passed it
                // over)
  // For locking reads: the greatest timestamp at which anyone has read the key; a commit must be
  // above it.
  Timestamp floor;
  template <class A>
  void serialize(A& a) {
    a(rows, floor);
  }
};

struct ScanRequest {
  KeySpan span;
  bool reverse = false;
  uint64_t rows_max = 0;   // 0: limits::kScanRowsMax
  uint64_t bytes_max = 0;  // 0: limits::kScanBytesMax
  ColumnSet columns = kAllColumns;
  LockMode lock = LockMode::kNone;
  WaitPolicy wait = WaitPolicy::kBlock;
  bool keys_only = false;
  template <class A>
  void serialize(A& a) {
    a(span, reverse, rows_max, bytes_max, columns, lock, wait, keys_only);
  }
};
struct ScanResponse {
  RowSet rows;                    // in the scan's direction
  std::optional<KeySpan> resume;  // what is still to be read; nullopt: all was read
  template <class A>
  void serialize(A& a) {
    a(rows, resume);
  }
};

// --- proofs ---

// One remembered read: nothing that it used has changed in (from, to].
struct ReadSpan {
  KeySpan span;
  Timestamp from;
  ColumnSet columns = kAllColumns;
  // Which columns stand in the rows' values (range/row_view.h), so that two versions can be
  // compared column by column; zero: values are compared whole.
  ColumnSet stored = 0;
  // Joined of reads at different times, `from` being the earliest: what the later ones saw is not
  // what stood there at `from`, so any change counts.
  bool mixed = false;
  template <class A>
  void serialize(A& a) {
    a(span, from, columns, stored, mixed);
  }
};
struct RefreshRequest {
  std::vector<ReadSpan> reads;
  Timestamp to;
  template <class A>
  void serialize(A& a) {
    a(reads, to);
  }
};
struct RefreshResponse {
  bool unchanged = false;
  Bytes conflict;  // a key that changed
  template <class A>
  void serialize(A& a) {
    a(unchanged, conflict);
  }
};

// --- commit ---

struct RowWrite {
  Bytes key;
  bool deleted = false;
  Bytes value;
  ColumnSet changed = kAllColumns;  // inserts and deletes touch all
  // The version this write was made from (zero: none existed). The newest version must still be it.
  // nullopt: a blind write, which only bulk loads into rows that nobody can see make.
  std::optional<Timestamp> base;
  template <class A>
  void serialize(A& a) {
    a(key, deleted, value, changed, base);
  }
};

enum class TxnStatus : uint8_t {
  kUnknown = 0,
  kPending = 1,
  kStaging = 2,
  kCommitted = 3,
  kAborted = 4
};

// --- bulk writes (design §9) ---

// Rows of a transaction that is too large for intents, in their final form (storage/run_body.h):
// kept by the range, seen by nobody else, and locked against everyone else, until the transaction
// ends. Sent again it changes nothing.
struct LayRunRequest {
  uint64_t sequence = 0;  // of the transaction's writes; later ones replace earlier ones
  Bytes first, last;      // its keys
  Bytes body;
  template <class A>
  void serialize(A& a) {
    a(sequence, first, last, body);
  }
};
struct LayRunResponse {
  // A row is there that must not be: nothing was kept.
  std::optional<Bytes> taken;
  template <class A>
  void serialize(A& a) {
    a(taken);
  }
};
struct RunRef {
  uint64_t sequence = 0;
  Bytes first, last;
  template <class A>
  void serialize(A& a) {
    a(sequence, first, last);
  }
};
// Publishes the runs of a finished transaction whose first keys lie in `span`, or drops them: a
// bounded number of them a request, in the order of their sequence. Only what was staged at exactly
// `commit_ts` is published.
struct ResolveRunsRequest {
  TxnId txn;
  KeySpan span;
  TxnStatus status = TxnStatus::kAborted;
  Timestamp commit_ts;
  template <class A>
  void serialize(A& a) {
    a(txn, span, status, commit_ts);
  }
};
struct ResolveRunsResponse {
  uint64_t left = 0;  // in this range
  template <class A>
  void serialize(A& a) {
    a(left);
  }
};
// Keeps the PENDING record of a transaction with runs alive, and makes it. Whoever meets its runs
// aborts it there when nobody has done so for a while.
struct KeepPendingRequest {
  Timestamp attempt;
  template <class A>
  void serialize(A& a) {
    a(attempt);
  }
};

enum class CommitKind : uint8_t {
  kOnePhase = 1,     // all writes of the transaction lie in this range
  kStageAnchor = 2,  // intents, and the STAGING record that lists `all_keys`
  kStage = 3,        // intents only
};

struct CommitRequest {
  CommitKind kind = CommitKind::kOnePhase;
  // The coordinator's clock at the first send of this attempt, the same on every resend: what was
  // collected after it can't be written again (safety: record-mark).
  Timestamp attempt;
  // The attempt of the transaction's first commit, zero where that is this one: since then a record
  // may have been made, and told COMMITTED, and collected (safety: record-mark).
  Timestamp first_attempt;
  std::vector<RowWrite> writes;
  std::vector<Bytes> all_keys;    // kStageAnchor: every key that is staged, in all ranges
  std::vector<ReadSpan> refresh;  // reads in this range that must hold up to the commit timestamp
  std::vector<RunRef> runs;       // kStage: runs that are staged at commit_ts
  std::vector<Bytes>
      locked_reads;  // below SERIALIZABLE: keys locked and not written; see safety: locks-save-work
  // kOnePhase: the greatest commit timestamp that is proved for reads elsewhere (max: none
  // elsewhere). kStage*: the commit timestamp, exactly.
  Timestamp commit_ts;
  // The earliest expiry of the descriptor leases used (safety: schema-steps); a later commit is
  // refused.
  Timestamp deadline = Timestamp::max();
  template <class A>
  void serialize(A& a) {
    a(kind, attempt, first_attempt, writes, all_keys, refresh, runs, locked_reads, commit_ts,
      deadline);
  }
  Timestamp earliest_attempt() const { return first_attempt ? first_attempt : attempt; }
};
struct CommitResponse {
  Timestamp commit_ts;
  template <class A>
  void serialize(A& a) {
    a(commit_ts);
  }
};

// The replicated record of a transaction, at its anchor (Keyspace::kTxnRecord, key:
// range/eval/records.h). Frozen layout: on disk.
struct TxnRecord {
  // Of a transaction with sorted runs: others can't tell where all of these lie, so that the record
  // goes when its coordinator says so, and not before.
  static constexpr uint8_t kWithRuns = 2;
  uint8_t format = 1;
  TxnStatus status = TxnStatus::kUnknown;
  Timestamp commit_ts;  // staging: the timestamp staged at
  Timestamp attempt;
  Timestamp heartbeat;
  std::vector<Bytes> keys;
  template <class A>
  void serialize(A& a) {
    a(format, status, commit_ts, attempt, heartbeat, keys);
  }
};

// Makes the outcome explicit, at the anchor. Committing needs a STAGING record at commit_ts, or the
// PENDING one of a transaction with runs, all of whose parts are staged at commit_ts.
struct EndTxnRequest {
  bool commit = false;
  Timestamp commit_ts, attempt;
  Timestamp first_attempt;  // as in CommitRequest; zero: whoever asks is not its coordinator
  std::vector<Bytes> keys;  // what a PENDING record lists from now on
  // Keys of this range, sorted, whose intents become versions in the same batch, where the record
  // says COMMITTED at commit_ts now; it lists them no longer.
  std::vector<Bytes> resolve;
  template <class A>
  void serialize(A& a) {
    a(commit, commit_ts, attempt, first_attempt, keys, resolve);
  }
  Timestamp earliest_attempt() const { return first_attempt ? first_attempt : attempt; }
};
struct EndTxnResponse {
  TxnStatus status = TxnStatus::kUnknown;  // what the record says now: recovery may have been first
  Timestamp commit_ts;
  template <class A>
  void serialize(A& a) {
    a(status, commit_ts);
  }
};

// Turns intents into versions, or removes them. Idempotent. `remove_record`: the last step, at the
// anchor: the record forgets its keys, so that garbage collection may take it (safety:
// record-mark).
struct ResolveRequest {
  TxnId txn;
  std::vector<Bytes> keys;
  TxnStatus status = TxnStatus::kAborted;
  Timestamp commit_ts;
  bool remove_record = false;
  Bytes anchor;
  bool unlock = false;  // the transaction's other locks of this range go too
  template <class A>
  void serialize(A& a) {
    a(txn, keys, status, commit_ts, remove_record, anchor, unlock);
  }
};

// Asks the anchor about another transaction, and aborts it there when its coordinator is dead, or
// has been silent too long since somebody asked, and it is not staging. A staging one is told with
// its keys: the asker recovers it.
struct PushRequest {
  TxnId txn;
  Bytes anchor;
  template <class A>
  void serialize(A& a) {
    a(txn, anchor);
  }
};
struct PushResponse {
  TxnRecord record;
  bool abandoned = false;  // staging or pending without a living coordinator
  template <class A>
  void serialize(A& a) {
    a(record, abandoned);
  }
};

// Is the staged write there, at or below `ts`? When not, it never will be (safety:
// prevent-then-abort).
struct QueryIntentRequest {
  TxnId txn;
  Bytes key;
  Timestamp ts;
  // Only this attempt's staging counts: the range may have refused the attempt and still hold what
  // an earlier one staged, and then the coordinator has gone on to another. Zero: any.
  Timestamp attempt = {};
  template <class A>
  void serialize(A& a) {
    a(txn, key, ts, attempt);
  }
};
struct QueryIntentResponse {
  bool found = false;
  template <class A>
  void serialize(A& a) {
    a(found);
  }
};

// Tells the anchor that the coordinator of this commit lives and goes on: nobody may take it for
// abandoned for a while. Writes nothing, so that it passes commands that are held up.
struct HeartbeatRequest {
  TxnId txn;
  Bytes anchor;
  template <class A>
  void serialize(A& a) {
    a(txn, anchor);
  }
};

// Ends all locks of the transaction in this range that no commit ended.
struct UnlockRequest {
  template <class A>
  void serialize(A&) {}
};

// --- upkeep ---

struct SplitRequest {
  Bytes at;           // empty: the range's own middle
  RangeId new_range;  // drawn by the caller from the directory's counter
  template <class A>
  void serialize(A& a) {
    a(at, new_range);
  }
};
struct TransferLeaseRequest {
  NodeId to;
  template <class A>
  void serialize(A& a) {
    a(to);
  }
};
struct GcRequest {
  Timestamp threshold;
  Timestamp
      records_before;  // transaction records of attempts at or below it go; raises the record mark
  template <class A>
  void serialize(A& a) {
    a(threshold, records_before);
  }
};
// Clears a piece of what of the span lies in the range: rows of a table that was dropped at
// `dropped`. kUnavailable while the range still allows reads from before that.
struct ClearRequest {
  KeySpan span;
  Timestamp dropped;
  template <class A>
  void serialize(A& a) {
    a(span, dropped);
  }
};
struct ClearResponse {
  Bytes rest;  // where the next piece begins; empty: nothing is left here
  template <class A>
  void serialize(A& a) {
    a(rest);
  }
};
struct EmptyResponse {
  template <class A>
  void serialize(A&) {}
};

using Request = std::variant<GetRequest, ScanRequest, RefreshRequest, CommitRequest, EndTxnRequest,
                             ResolveRequest, PushRequest, QueryIntentRequest, UnlockRequest,
                             SplitRequest, TransferLeaseRequest, GcRequest, HeartbeatRequest,
                             LayRunRequest, ResolveRunsRequest, KeepPendingRequest, ClearRequest>;
using Response = std::variant<EmptyResponse, GetResponse, ScanResponse, RefreshResponse,
                              CommitResponse, EndTxnResponse, PushResponse, QueryIntentResponse,
                              LayRunResponse, ResolveRunsResponse, ClearResponse>;

struct BatchRequest {
  RangeId range;
  uint64_t generation = 0;  // of the descriptor the caller believes in
  Timestamp now;            // the caller's clock: it advances the leaseholder's
  TxnHeader txn;  // id zero: not in a transaction; read_ts zero: read at the leaseholder's now
  uint64_t lock_timeout_ms = 0;   // 0: none. 55P03 beyond it
  uint64_t patience_ms = 10'000;  // the whole batch: beyond it kDeadlineExceeded, nothing happened
  NodeId gateway;
  std::vector<Request> requests;
  template <class A>
  void serialize(A& a) {
    a(range, generation, now, txn, lock_timeout_ms, patience_ms, gateway, requests);
  }
};

enum class Outcome : uint8_t {
  kOk = 0,
  kError = 1,           // `error`; class kAmbiguous: a write may have happened
  kNotLeaseholder = 2,  // nothing happened; `leaseholder` may tell who is
  kRangeMismatch = 3,   // nothing happened; `descriptors` are what this node knows instead
  kNeedTimestamp = 4,   // nothing was written; the transaction must come back at or above `need`
};

struct BatchResponse {
  Outcome outcome = Outcome::kOk;
  Timestamp now;  // the leaseholder's clock
  StoreId store;  // whose clock that was, for `observed`
  Status error;
  NodeId leaseholder;
  Timestamp need;
  std::vector<RangeDescriptor> descriptors;
  std::vector<Response> responses;  // one a request when kOk. With kNeedTimestamp from a locking
                                    // read: the lock is kept.
  uint32_t proposals = 0;           // for EXPLAIN ANALYZE
  template <class A>
  void serialize(A& a) {
    a(outcome, now, store, error, leaseholder, need, descriptors, responses, proposals);
  }
};

}  // namespace quorate::range
