// At which timestamps keys have been read, so that no later write lands at or below a read that did
// not see it (design §8).
//
// It answers with an upper bound: a commit that stays above floor() is safe, one that is pushed
// needlessly pays a refresh. Single keys share a table of maxima, indexed by the key's hash, that
// doubles with use; spans stand in a short list whose oldest members are merged when it is full.
// What is not remembered otherwise lies below `low_water`. Nothing is allocated for a single key.
//
// Reads know their columns, so that a write to other columns of the row is not pushed, and their
// transaction, so that a transaction's reads do not push its own writes (its own reads need no
// protection from it). A read without a transaction pushes everyone.
#pragma once

#include <vector>

#include "range/api.h"

namespace quorate::range {

class TimestampCache {
 public:
  explicit TimestampCache(Timestamp low_water);

  void add(BytesView key, Timestamp ts, ColumnSet columns, const TxnId& txn);
  void add(const KeySpan& span, Timestamp ts, ColumnSet columns, const TxnId& txn);
  // No write of `columns` by `txn` may be at or below it.
  Timestamp floor(BytesView key, ColumnSet columns, const TxnId& txn) const;

  // The same for every key of the span: a write of all columns, anywhere in it.
  Timestamp floor(const KeySpan& span, const TxnId& txn) const;

  Timestamp low_water() const { return low_water_; }
  // Everything was read at `ts`: the start of a lease that began later, an absorbed range.
  void raise_low_water(Timestamp ts) { low_water_.forward(ts); }
  size_t slots() const { return slots_.size(); }
  size_t spans() const { return spans_.size(); }

 private:
  // The greatest read, whose it was, and the greatest of all others: `tag` 0 is nobody's.
  struct Mark {
    Timestamp newest, others;
    ColumnSet columns = 0;
    uint64_t tag = 0;
    void add(Timestamp ts, ColumnSet more, uint64_t by);
    Timestamp floor(uint64_t writer) const { return tag != 0 && tag == writer ? others : newest; }
  };
  // Two marks with column sets of their own: readers of the one column class do not push writers
  // of the other (TPC-C's w_tax beside w_ytd).
  struct alignas(64) Slot {
    Mark marks[2];
  };
  struct Interval {
    KeySpan span;
    Mark mark;
  };
  static uint64_t tag_of(const TxnId& txn) { return txn.low; }
  static uint64_t hash_of(BytesView key);
  void grow();
  void merge_oldest_spans();

  Timestamp low_water_;
  std::vector<Slot> slots_;  // a power of two
  size_t adds_since_growth_ = 0;
  std::vector<Interval> spans_;
};

}  // namespace quorate::range
