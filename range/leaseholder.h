// Serves a range's batches at its leaseholder: latch, lock, evaluate, propose, answer (design §8).
//
//     BatchRequest -> lease check -> latches -> lock table -> evaluation -> proposal -> applied ->
//     answer
//                          ^                        | waits: latches are let go, then all again
//                          +------------------------+
//
// One a replica; made when the replica gains the lease and dropped when it loses it: its in-memory
// locks and timestamp cache go with it, and start with the clock at which the new lease began as
// low-water mark.
#pragma once

#include <memory>
#include <vector>

#include "base/planted.h"
#include "range/api.h"
#include "range/replica_context.h"
#include "runtime/cancel.h"

namespace quorate::range {

// A row of quorate.locks and an edge of the deadlock detector.
struct LockInfo {
  Bytes key;
  LockMode mode = LockMode::kNone;
  TxnHeader holder;
  std::vector<TxnHeader> waiters;  // in the order in which they will be served
  std::vector<LockMode> waiter_modes;
  template <class A>
  void serialize(A& a) {
    a(key, mode, holder, waiters, waiter_modes);
  }
};

struct RangeLoad {
  uint64_t requests = 0, rows_read = 0, rows_written = 0;
  std::vector<std::pair<NodeId, uint64_t>> by_gateway;  // sorted by node
};

// Carries what conflict resolution needs of other ranges: pushing and recovering transactions whose
// intents are met. Implemented over the router (range/pusher.h).
class ConflictResolver {
 public:
  virtual ~ConflictResolver() = default;
  // The outcome of `txn`, waiting until it has one (recovering or aborting it when its coordinator
  // is gone), then its intents on `keys` may be resolved by the caller. `waits` false: kUnavailable
  // where its coordinator is still at it.
  virtual runtime::Task<Result<TxnRecord>> outcome(TxnId txn, Bytes anchor, bool waits,
                                                   runtime::CancelToken token) = 0;
  // Resolves every key that the finished transaction's record lists, in all ranges, and lets the
  // record forget them, as its coordinator would.
  virtual runtime::Task<Status> finish(TxnId txn, Bytes anchor, TxnRecord record,
                                       runtime::CancelToken token) = 0;
};

class Leaseholder {
 public:
  virtual ~Leaseholder() = default;
  // `low_water`: no write at or below it. `context` and `resolver` outlive this. The applied state
  // must be complete: an entry of the lease's own term has been applied (safety:
  // own-term-applied).
  static std::unique_ptr<Leaseholder> create(ReplicaContext& context, ConflictResolver& resolver,
                                             Timestamp low_water, PlantedBugs planted = {});

  // Never throws its outcome away: the answer tells kNotLeaseholder when the lease is gone,
  // kAmbiguous where a proposal's fate is unknown. To give up, cancel the token and go on awaiting:
  // the token ends every wait but that for a proposal. (A frame destroyed during a proposal leaves
  // its latches in place for good, since nobody may read around what may still be applied.)
  // The request is shared, so that who sends it again need not copy it first.
  virtual runtime::Task<BatchResponse> serve(std::shared_ptr<const BatchRequest> request,
                                             runtime::CancelToken token) = 0;
  runtime::Task<BatchResponse> serve(BatchRequest request, runtime::CancelToken token) {
    return serve(std::make_shared<const BatchRequest>(std::move(request)), std::move(token));
  }

  // Reads answered in place: what serve() would do with a batch of one Get or one Scan (of at most
  // limits::kScanYieldRows rows) where nothing has to be waited for. False: `out` means nothing,
  // and serve() is to be asked, which waits or tells what is wrong. Locks that were taken on the
  // way stay with the transaction, as they do over a wait.
  struct Reader {
    const TxnHeader& txn;
    NodeId gateway;
  };
  virtual bool try_get(const Reader& reader, const GetView& get, GetResponse* out) = 0;
  virtual bool try_scan(const Reader& reader, const ScanRequest& scan, ScanResponse* out) = 0;

  // Answers everything that waits with kNotLeaseholder; serve() does so from now on. Proposals in
  // flight are still answered by their outcome.
  virtual void close(NodeId successor_hint) = 0;

  // The store goes: drops the tasks of its own that still run, which may hold on to this very
  // object. Only close() and destruction may follow.
  virtual void abandon() = 0;

  // Split: called when the trigger has been applied here; gives the right half's locks and
  // timestamp cache.
  virtual std::unique_ptr<Leaseholder> split_off(ReplicaContext& right, Bytes at) = 0;

  // A planned hand-over's blob for the next leaseholder: unreplicated locks and the clock (safety:
  // hand-over).
  virtual Bytes export_locks() = 0;
  virtual Status import_locks(BytesView blob) = 0;

  virtual std::vector<LockInfo> locks() const = 0;
  // Ends the waits of a deadlock's victim in this range with 40P01; false where it has none.
  virtual bool abort_waits(TxnId victim, Status reason) = 0;
  // The transaction has ended: what a request that was long under way locked for it goes. Locks
  // that stand for intents stay.
  virtual void drop_locks(TxnId txn) = 0;
  // Whether the last garbage collection stopped before the end and the next one goes on there.
  virtual bool collecting() const = 0;
  virtual RangeLoad take_load() = 0;  // since the last call
  // What it keeps in memory, each of which has a limit.
  struct Kept {
    size_t recent_commits = 0, read_spans = 0, read_slots = 0, runs = 0;
  };
  virtual Kept kept() const = 0;
  // Of sorted runs that wait for their transactions.
  virtual uint64_t run_bytes() const = 0;
  // Finds out about transactions whose runs lie here and whose coordinator is gone.
  virtual void sweep_runs() = 0;
  // The same of runs that are older than `before`, and of intents that are or whose coordinator is
  // gone, a bounded number a call, and of records that the last collection found left behind:
  // nobody may ever meet them.
  virtual void sweep(Timestamp before) = 0;
};

}  // namespace quorate::range
