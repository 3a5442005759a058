// The last commits of a range, so that a refresh need not read again: what was written since, and
// which columns of it (design §9).
//
// Complete above complete_from(): every commit of the range above it is in here, those in flight
// included (they are added before they are proposed; one that fails stays, which only makes a
// refresh compare needlessly). Bounded; the oldest go.
#pragma once

#include <deque>

#include "base/limits.h"
#include "range/api.h"

namespace quorate::range {

class RecentCommits {
 public:
  // Nothing is known of commits at or below `complete_from`.
  explicit RecentCommits(Timestamp complete_from, size_t size_max = limits::kRecentCommitsMax)
      : size_max_(size_max), complete_from_(complete_from) {}

  void add(BytesView key, Timestamp ts, ColumnSet changed, const TxnId& txn);
  // Commits at or below `ts` were not all added.
  void forget_below(Timestamp ts) { complete_from_.forward(ts); }
  Timestamp complete_from() const { return complete_from_; }
  // Everything that is remembered covers (from, ...].
  bool covers(Timestamp from) const { return from >= complete_from_; }
  // A key of read.span that somebody else than `txn` changed in (read.from, to] in a column that
  // was used, and of which `counts(key)` says that it matters; nullptr: none. The same key may come
  // more than once.
  template <class Counts>
  const Bytes* conflict(const ReadSpan& read, Timestamp to, const TxnId& txn, Counts counts) const {
    for (auto e = entries_.rbegin(); e != entries_.rend() && e->greatest > read.from; ++e) {
      if (e->ts > read.from && e->ts <= to && (e->changed & read.columns) != 0 &&
          read.span.contains(e->key) && !(txn && e->txn == txn) && counts(e->key))
        return &e->key;
    }
    return nullptr;
  }
  // Has `txn` meant to write `key` at `ts`? Whether it did, the rows tell.
  bool wrote(const TxnId& txn, BytesView key, Timestamp ts) const;
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    Timestamp ts;
    Timestamp greatest;  // of this entry and all before it: where it is low, a walk may stop
    ColumnSet changed;
    TxnId txn;
    Bytes key;
  };
  size_t size_max_;
  Timestamp complete_from_;
  std::deque<Entry> entries_;  // in the order of evaluation, which is not that of timestamps
};

}  // namespace quorate::range
