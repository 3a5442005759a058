// What a transaction has read, so that it can be proved unchanged up to a later timestamp (design
// §9): spans with the columns that were used and the timestamp up to which each is known to hold.
//
// Bounded by limits::kTxnReadSpansMax and kTxnReadBytesMax: when full, equal and adjacent spans are
// merged, and when that is not enough, neighbours are joined over their gap, the nearest first:
// what lies between two tables is always changed by somebody. That a wider span holds proves the
// narrow ones, so coarsening costs needless conflicts and nothing else.
#pragma once

#include <vector>

#include "base/span.h"
#include "range/api.h"

namespace quorate::txn {

class ReadSet {
 public:
  explicit ReadSet(size_t spans_max, size_t bytes_max)
      : spans_max_(spans_max), bytes_max_(bytes_max) {}

  // `stored`: see range::ReadSpan.
  void add_point(BytesView key, range::ColumnSet columns, range::ColumnSet stored, Timestamp at);
  void add_span(KeySpan span, range::ColumnSet columns, range::ColumnSet stored, Timestamp at);
  // All of it is proved up to `to`.
  void advance(Timestamp to);
  void clear();

  bool empty() const { return reads_.empty(); }
  size_t size() const { return reads_.size(); }
  // Changes with every addition: tells whether a proof under way covers everything.
  uint64_t additions() const { return additions_; }
  // Sorted by start; no point that `covered` says is proved otherwise (a row that the transaction
  // writes, whose version the commit compares).
  template <class Covered>
  std::vector<range::ReadSpan> reads(Covered covered) {
    compact();
    std::vector<range::ReadSpan> out;
    out.reserve(reads_.size());
    for (const range::ReadSpan& r : reads_) {
      if (!is_point(r.span) || !covered(r.span.start)) out.push_back(r);
    }
    return out;
  }

 private:
  static bool is_point(const KeySpan& s) {
    return s.end.size() == s.start.size() + 1 && s.end.back() == '\0' && s.end.starts_with(s.start);
  }
  void add(range::ReadSpan read);
  void compact();  // sorts, and merges what overlaps with equal columns
  void coarsen();

  const size_t spans_max_, bytes_max_;
  std::vector<range::ReadSpan> reads_;
  size_t bytes_ = 0;
  uint64_t additions_ = 0;
  bool sorted_ = true;
};

}  // namespace quorate::txn
