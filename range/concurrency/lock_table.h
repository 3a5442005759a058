// The locks of one range that live until their transaction ends: who holds what, and who waits.
//
//     key k   held by T1 (exclusive)     queue: T2 exclusive, T3 shared, T4 shared
//     release(T1)  ->  reserved for T2, which wakes; when T2 releases, T3 and T4 together
//
// In-memory locks only save work (safety: locks-save-work): every write checks at commit that it
// was made from the newest version. A *staged* lock stands for an intent, which is replicated; the
// entry here only makes waiters queue.
//
// First come, first served: whoever meets a queue joins it, and a released lock is handed to the
// first waiter before it wakes, so that nobody overtakes it. A holder that asks for more (shared to
// exclusive) goes before those that hold nothing. A waiter that gives up between its grant and its
// waking hands the lock on.
//
// One executor. A key's queue is bounded by `waiters_max`. Locks of a coordinator whose
// node's life has ended are dropped by whoever meets them (safety: orphan-locks).
#pragma once

#include <absl/container/flat_hash_map.h>

#include <functional>
#include <list>
#include <map>
#include <vector>

#include "base/limits.h"
#include "range/leaseholder.h"
#include "runtime/sync.h"

namespace quorate::range {

class LockTable {
  struct Lock;
  class Waiter;

 public:
  // Tells whether a lock's coordinator still lives; called on the executor.
  using Alive = std::function<bool(const TxnHeader& holder)>;

  LockTable(runtime::Executor& executor, Alive alive, size_t waiters_max = limits::kLockWaitersMax);
  ~LockTable();
  LockTable(const LockTable&) = delete;

  bool empty() const { return locks_.empty(); }
  // Takes the lock, or finds it held strongly enough already. False: somebody is in the way.
  bool try_lock(BytesView key, const TxnHeader& txn, LockMode mode);
  // The transaction holds it at least so, granted here and not lost since.
  bool holds(BytesView key, const TxnId& txn, LockMode mode) const;
  // Somebody else's lock is in the way, and nothing is taken where not.
  bool blocked(BytesView key, const TxnId& txn, LockMode mode) const;
  // The staged transactions among those that hold the key against `txn`.
  std::vector<TxnHeader> staged_holders(BytesView key, const TxnId& txn) const;

  // What a transaction that holds something here said of itself; nullptr: it holds nothing.
  const TxnHeader* header_of(const TxnId& txn) const;

  // Queues for the lock. ok: it may have been granted, the caller tries everything again. Else the
  // token's reason, abort_waits()' reason, kDeadlineExceeded at `deadline`, 55P03 after
  // `lock_timeout` (zero: none), 53000 when the queue is full.
  runtime::Task<Status> wait(Bytes key, TxnHeader txn, LockMode mode, runtime::CancelToken token,
                             runtime::Instant deadline, runtime::Duration lock_timeout);

  // An intent of `txn` was met or written: holds exclusively, whoever else is there.
  void add_staged(BytesView key, const TxnHeader& txn);
  void release(BytesView key, const TxnId& txn);
  // Whoever holds it, but for an intent's sake, does so no more.
  void lose(BytesView key);
  // All of the transaction's locks; those that stand for intents only where `staged` says so.
  void release_all(const TxnId& txn, bool staged);

  // What the transaction holds in [first, last] and `gone` names, since a run of its stands for it
  // now; not what stands for intents. Where others wait it stays, as the run's: they would be
  // granted it, and who holds a lock looks no further.
  void release_where(BytesView first, BytesView last, const TxnId& txn,
                     const std::function<bool(BytesView)>& gone);
  // The first key in [first, last] that somebody else holds and `wanted` names.
  std::optional<Bytes> held_by_others(BytesView first, BytesView last, const TxnId& txn,
                                      const std::function<bool(BytesView)>& wanted) const;

  // Everyone who waits for a key of `span` tries again.
  void wake_all(const KeySpan& span = KeySpan::all());
  // False where it waits for nothing here.
  bool abort_waits(const TxnId& txn, const Status& reason);
  // Moves what lies at or above `at` to `right`, whose waiters are woken here first.
  void split_off(BytesView at, LockTable& right);

  std::vector<LockInfo> list() const;
  // Unreplicated locks, for a hand-over; import() adds them where nobody holds anything.
  struct Exported {
    Bytes key;
    LockMode mode = LockMode::kNone;
    TxnHeader txn;
    template <class A>
    void serialize(A& a) {
      a(key, mode, txn);
    }
  };
  std::vector<Exported> export_held() const;
  void import_held(const std::vector<Exported>& locks);
  // "k: T1 x; waits T2 x" a line; for tests.
  std::string to_string() const;
  void check_invariants() const;

 private:
  struct Holder {
    TxnHeader txn;
    LockMode mode;
    bool staged = false;
  };
  struct Lock {
    Bytes key;
    std::vector<Holder> holders;
    std::list<Waiter*> queue;
    Holder* find(const TxnId& txn);
    const Holder* find(const TxnId& txn) const;
    bool compatible(const TxnId& txn, LockMode mode) const;
  };
  using Locks = std::map<Bytes, Lock, std::less<>>;

  Lock* find(BytesView key);
  const Lock* find(BytesView key) const;
  Lock& make(BytesView key);
  void hold(Lock& lock, const TxnHeader& txn, LockMode mode, bool staged);
  void drop_holder(Lock& lock, const TxnId& txn);
  bool drop_orphans(Lock& lock);
  void grant(Lock& lock);  // may erase it
  void enqueue(Lock& lock, Waiter& waiter);
  void end_wait(Lock& lock, Waiter& waiter, Status reason);
  void forget(const TxnId& txn, const Bytes& key);

  runtime::Executor& executor_;
  Alive alive_;
  const size_t waiters_max_;
  Locks locks_;
  // Keys a transaction holds, in the order in which it took them; never walked but by transaction.
  absl::flat_hash_map<TxnId, std::vector<Lock*>> held_;
};

}  // namespace quorate::range
