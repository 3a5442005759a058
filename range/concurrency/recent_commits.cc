#include "range/concurrency/recent_commits.h"

#include <algorithm>

#include "base/mark.h"

namespace quorate::range {

void RecentCommits::add(BytesView key, Timestamp ts, ColumnSet changed, const TxnId& txn) {
  if (entries_.size() >= size_max_) {
    MARK("range: recent commits are forgotten");
    complete_from_.forward(entries_.front().ts);
    entries_.pop_front();
  }
  Timestamp greatest = ts;
  if (!entries_.empty()) greatest.forward(entries_.back().greatest);
  entries_.push_back({ts, greatest, changed, txn, Bytes(key)});
}

bool RecentCommits::wrote(const TxnId& txn, BytesView key, Timestamp ts) const {
  for (auto e = entries_.rbegin(); e != entries_.rend() && e->greatest >= ts; ++e) {
    if (e->ts == ts && e->txn == txn && e->key == key) return true;
  }
  return false;
}

}  // namespace quorate::range
