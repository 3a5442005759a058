#include "range/concurrency/lock_table.h"

#include <algorithm>

#include "base/limits.h"
#include "base/mark.h"

namespace quorate::range {

namespace {

// How often a waiter looks whether the holder's coordinator still lives.
constexpr runtime::Duration kOrphanCheck = std::chrono::milliseconds(200);

Status lock_timed_out() {
  return failed_precondition("canceling statement due to lock timeout",
                             sqlstate::kLockNotAvailable);
}

}  // namespace

// One waiting request; lives in its coroutine's frame. Queued until granted or ended.
class LockTable::Waiter {
 public:
  Waiter(LockTable& t, BytesView k, const TxnHeader& x, LockMode m)
      : txn(x), mode(m), wake(t.executor_), table_(t), key_(k) {}
  ~Waiter();
  const TxnHeader txn;
  const LockMode mode;
  runtime::WaitList wake;
  bool queued = false;
  bool granted = false;
  bool upgrade = false;
  Status reason;

 private:
  LockTable& table_;
  const Bytes key_;
};

LockTable::Waiter::~Waiter() {
  if (queued) {
    Lock* lock = table_.find(key_);
    lock->queue.remove(this);
    table_.grant(*lock);
  } else if (granted) {
    MARK("range: a lock is granted to who has left");
    // Granted, and its frame goes before it woke: the lock goes on to the next.
    table_.release(key_, txn.id);
  }
}

LockTable::Holder* LockTable::Lock::find(const TxnId& txn) {
  for (Holder& h : holders) {
    if (h.txn.id == txn) return &h;
  }
  return nullptr;
}
const LockTable::Holder* LockTable::Lock::find(const TxnId& txn) const {
  return const_cast<Lock*>(this)->find(txn);
}
bool LockTable::Lock::compatible(const TxnId& txn, LockMode mode) const {
  return std::all_of(holders.begin(), holders.end(), [&](const Holder& h) {
    return h.txn.id == txn || (mode == LockMode::kShared && h.mode == LockMode::kShared);
  });
}

LockTable::LockTable(runtime::Executor& executor, Alive alive, size_t waiters_max)
    : executor_(executor), alive_(std::move(alive)), waiters_max_(waiters_max) {}
LockTable::~LockTable() = default;

LockTable::Lock* LockTable::find(BytesView key) {
  auto it = locks_.find(key);
  return it == locks_.end() ? nullptr : &it->second;
}
const LockTable::Lock* LockTable::find(BytesView key) const {
  return const_cast<LockTable*>(this)->find(key);
}
LockTable::Lock& LockTable::make(BytesView key) {
  auto it = locks_.lower_bound(key);
  if (it == locks_.end() || it->first != key) {
    it = locks_.emplace_hint(it, Bytes(key), Lock());
    it->second.key = it->first;
  }
  return it->second;
}

void LockTable::hold(Lock& lock, const TxnHeader& txn, LockMode mode, bool staged) {
  if (Holder* own = lock.find(txn.id)) {
    own->mode = std::max(own->mode, mode);
    own->staged |= staged;
    own->txn = txn;
    return;
  }
  lock.holders.push_back({txn, mode, staged});
  held_[txn.id].push_back(&lock);
}

bool LockTable::try_lock(BytesView key, const TxnHeader& txn, LockMode mode) {
  Lock* lock = find(key);
  if (lock == nullptr) {
    hold(make(key), txn, mode, false);
    return true;
  }
  const Holder* own = lock->find(txn.id);
  // Nor does who holds it pass by another's intent or run, which are the row's next version: part
  // of the runs may be published already.
  if (!lock->compatible(txn.id, mode)) {
    MARK_IF(own != nullptr && own->mode >= mode, "range: an intent stands on a row that is locked");
    return false;
  }
  if (own != nullptr && own->mode >= mode) return true;
  // Nobody overtakes the queue, except a holder that wants more: those behind wait for it anyway.
  if (own == nullptr && !lock->queue.empty()) return false;
  hold(*lock, txn, mode, false);
  return true;
}

bool LockTable::holds(BytesView key, const TxnId& txn, LockMode mode) const {
  const Lock* lock = find(key);
  const Holder* own = lock == nullptr ? nullptr : lock->find(txn);
  return own != nullptr && own->mode >= mode;
}

bool LockTable::blocked(BytesView key, const TxnId& txn, LockMode mode) const {
  if (locks_.empty()) return false;
  const Lock* lock = find(key);
  return lock != nullptr && !lock->compatible(txn, mode);
}

std::vector<TxnHeader> LockTable::staged_holders(BytesView key, const TxnId& txn) const {
  std::vector<TxnHeader> out;
  if (const Lock* lock = find(key)) {
    for (const Holder& h : lock->holders) {
      if (h.staged && h.txn.id != txn) out.push_back(h.txn);
    }
  }
  return out;
}

const TxnHeader* LockTable::header_of(const TxnId& txn) const {
  auto it = held_.find(txn);
  return it == held_.end() ? nullptr : &it->second.front()->find(txn)->txn;
}

void LockTable::enqueue(Lock& lock, Waiter& waiter) {
  waiter.upgrade = lock.find(waiter.txn.id) != nullptr;
  auto at = lock.queue.end();
  if (waiter.upgrade) {
    MARK("range: who holds a lock waits for a stronger one");
    at = std::find_if(lock.queue.begin(), lock.queue.end(), [](Waiter* w) { return !w->upgrade; });
  }
  lock.queue.insert(at, &waiter);
  waiter.queued = true;
}

runtime::Task<Status> LockTable::wait(Bytes key, TxnHeader txn, LockMode mode,
                                      runtime::CancelToken token, runtime::Instant deadline,
                                      runtime::Duration lock_timeout) {
  Lock* lock = find(key);
  if (lock == nullptr) co_return Status();
  if (lock->queue.size() >= waiters_max_) {
    MARK("range: too many wait for one row");
    co_return resource_exhausted("too many transactions wait for one row",
                                 sqlstate::kInsufficientResources);
  }
  const runtime::Instant timeout =
      lock_timeout.count() > 0 ? executor_.now() + lock_timeout : runtime::Instant::never();
  Waiter waiter(*this, key, txn, mode);
  enqueue(*lock, waiter);
  if (!drop_orphans(*lock)) grant(*lock);
  while (waiter.queued) {
    const runtime::Instant slice = std::min({deadline, timeout, executor_.now() + kOrphanCheck});
    Status s = co_await waiter.wake.wait(token, slice);
    if (!waiter.queued) break;
    if (s.ok()) continue;
    if (token.cancelled()) co_return s;
    if (executor_.now() >= timeout) {
      MARK("range: a lock times out");
      co_return lock_timed_out();
    }
    if (executor_.now() >= deadline) {
      MARK("range: a lock is waited for in vain");
      co_return s;
    }
    drop_orphans(*find(key));
  }
  waiter.granted = false;  // the caller's from now on
  co_return waiter.reason;
}

bool LockTable::drop_orphans(Lock& lock) {
  std::vector<TxnId> orphans;
  for (const Holder& h : lock.holders) {
    if (!h.staged && !alive_(h.txn)) orphans.push_back(h.txn.id);
  }
  if (orphans.empty()) return false;
  MARK("range: a lock of a dead coordinator goes");
  for (const TxnId& txn : orphans) drop_holder(lock, txn);
  grant(lock);
  return true;
}

void LockTable::grant(Lock& lock) {
  while (!lock.queue.empty()) {
    Waiter& first = *lock.queue.front();
    if (!lock.compatible(first.txn.id, first.mode)) break;
    lock.queue.pop_front();
    first.queued = false;
    // A grant that its waiter does not live to see is handed on whole; one that adds to what is
    // held is not undone: the rest ends with the transaction.
    first.granted = lock.find(first.txn.id) == nullptr;
    hold(lock, first.txn, first.mode, false);
    first.wake.wake_all();
  }
  if (lock.holders.empty() && lock.queue.empty()) locks_.erase(locks_.find(lock.key));
}

void LockTable::forget(const TxnId& txn, const Bytes& key) {
  auto it = held_.find(txn);
  if (it == held_.end()) return;
  std::erase_if(it->second, [&](const Lock* l) { return l->key == key; });
  if (it->second.empty()) held_.erase(it);
}

void LockTable::drop_holder(Lock& lock, const TxnId& txn) {
  if (std::erase_if(lock.holders, [&](const Holder& h) { return h.txn.id == txn; }) > 0)
    forget(txn, lock.key);
}

void LockTable::add_staged(BytesView key, const TxnHeader& txn) {
  hold(make(key), txn, LockMode::kExclusive, true);
}

void LockTable::release(BytesView key, const TxnId& txn) {
  Lock* lock = find(key);
  if (lock == nullptr) return;
  drop_holder(*lock, txn);
  grant(*lock);
}

void LockTable::lose(BytesView key) {
  Lock* lock = find(key);
  if (lock == nullptr) return;
  std::vector<TxnId> holders;
  for (const Holder& h : lock->holders) {
    if (!h.staged) holders.push_back(h.txn.id);
  }
  for (const TxnId& txn : holders) drop_holder(*lock, txn);
  grant(*lock);
}

void LockTable::release_all(const TxnId& txn, bool staged) {
  auto it = held_.find(txn);
  if (it == held_.end()) return;
  std::vector<Lock*> locks = std::move(it->second);
  std::vector<Lock*> kept;
  held_.erase(it);
  for (Lock* lock : locks) {
    const Holder* own = lock->find(txn);
    if (own->staged && !staged) {
      MARK("range: a staged lock outlasts an unlock");
      kept.push_back(lock);
      continue;
    }
    std::erase_if(lock->holders, [&](const Holder& h) { return h.txn.id == txn; });
    grant(*lock);
  }
  // A grant may have given it something that it waited for until now.
  if (!kept.empty()) {
    std::vector<Lock*>& now = held_[txn];
    now.insert(now.begin(), kept.begin(), kept.end());
  }
}

void LockTable::release_where(BytesView first, BytesView last, const TxnId& txn,
                              const std::function<bool(BytesView)>& gone) {
  auto held = held_.find(txn);
  if (held == held_.end()) return;
  std::vector<Lock*> dropped;
  std::erase_if(held->second, [&](Lock* lock) {
    if (lock->key < first || lock->key > last || lock->find(txn)->staged || !gone(lock->key))
      return false;
    if (!lock->queue.empty()) {
      MARK("range: a lock that a run makes good is waited for");
      lock->find(txn)->staged = true;
      return false;
    }
    dropped.push_back(lock);
    return true;
  });
  if (held->second.empty()) held_.erase(held);
  for (Lock* lock : dropped) {
    std::erase_if(lock->holders, [&](const Holder& h) { return h.txn.id == txn; });
    grant(*lock);
  }
}

std::optional<Bytes> LockTable::held_by_others(BytesView first, BytesView last, const TxnId& txn,
                                               const std::function<bool(BytesView)>& wanted) const {
  for (auto it = locks_.lower_bound(first); it != locks_.end() && it->first <= last; ++it) {
    if (!it->second.compatible(txn, LockMode::kExclusive) && wanted(it->first)) return it->first;
  }
  return std::nullopt;
}

void LockTable::end_wait(Lock& lock, Waiter& waiter, Status reason) {
  lock.queue.remove(&waiter);
  waiter.queued = false;
  waiter.reason = std::move(reason);
  waiter.wake.wake_all();
}

void LockTable::wake_all(const KeySpan& span) {
  auto it = locks_.lower_bound(span.start);
  while (it != locks_.end() && span.contains(it->first)) {
    Lock& lock = (it++)->second;
    while (!lock.queue.empty()) end_wait(lock, *lock.queue.front(), Status());
    grant(lock);
  }
}

bool LockTable::abort_waits(const TxnId& txn, const Status& reason) {
  bool waited = false;
  for (auto it = locks_.begin(); it != locks_.end();) {
    Lock& lock = (it++)->second;
    std::vector<Waiter*> victims;
    for (Waiter* w : lock.queue) {
      if (w->txn.id == txn) victims.push_back(w);
    }
    MARK_IF(!victims.empty(), "range: the victim of a deadlock stops waiting");
    for (Waiter* w : victims) end_wait(lock, *w, reason);
    if (victims.empty()) continue;
    waited = true;
    grant(lock);
  }
  return waited;
}

void LockTable::split_off(BytesView at, LockTable& right) {
  KeySpan moved{Bytes(at), {}};
  wake_all(moved);
  for (auto it = locks_.lower_bound(at); it != locks_.end();) {
    Lock& lock = it->second;
    for (const Holder& h : lock.holders) {
      MARK("range: locks move to a split's child");
      right.hold(right.make(lock.key), h.txn, h.mode, h.staged);
      forget(h.txn.id, lock.key);
    }
    it = locks_.erase(it);
  }
}

std::vector<LockInfo> LockTable::list() const {
  std::vector<LockInfo> out;
  for (const auto& [key, lock] : locks_) {
    for (const Holder& h : lock.holders) {
      LockInfo info{key, h.mode, h.txn, {}, {}};
      for (const Waiter* w : lock.queue) {
        info.waiters.push_back(w->txn);
        info.waiter_modes.push_back(w->mode);
      }
      out.push_back(std::move(info));
    }
  }
  return out;
}

std::vector<LockTable::Exported> LockTable::export_held() const {
  std::vector<Exported> out;
  for (const auto& [key, lock] : locks_) {
    for (const Holder& h : lock.holders) {
      if (!h.staged) out.push_back({key, h.mode, h.txn});
    }
  }
  return out;
}

void LockTable::import_held(const std::vector<Exported>& locks) {
  for (const Exported& e : locks) {
    Lock& lock = make(e.key);
    MARK_IF(!lock.compatible(e.txn.id, e.mode),
            "range: a lock that comes with a lease meets another");
    if (lock.compatible(e.txn.id, e.mode)) hold(lock, e.txn, e.mode, false);
  }
}

std::string LockTable::to_string() const {
  auto one = [](const TxnHeader& txn, LockMode mode) {
    return "T" + std::to_string(txn.id.high) +
           (mode == LockMode::kShared ? " shared" : " exclusive");
  };
  std::string out;
  for (const auto& [key, lock] : locks_) {
    out += escape_bytes(key) + ":";
    for (const Holder& h : lock.holders)
      out += " [" + one(h.txn, h.mode) + (h.staged ? " staged]" : "]");
    for (const Waiter* w : lock.queue) out += " <- " + one(w->txn, w->mode);
    out += "\n";
  }
  return out;
}

void LockTable::check_invariants() const {
  for (const auto& [key, lock] : locks_) {
    CHECK(!lock.holders.empty() || !lock.queue.empty());
    for (const Holder& h : lock.holders) {
      auto it = held_.find(h.txn.id);
      CHECK(it != held_.end());
      CHECK(std::count(it->second.begin(), it->second.end(), &lock) == 1);
    }
    // Whoever is first in the queue has a reason to wait.
    if (!lock.queue.empty()) {
      const Waiter& first = *lock.queue.front();
      CHECK(!lock.compatible(first.txn.id, first.mode));
    }
  }
}

}  // namespace quorate::range
