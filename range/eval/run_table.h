// The sorted runs that lie in a range, without their rows: what requests must know of them. In
// memory at the leaseholder, made from Keyspace::kRun when the lease begins.
#pragma once

#include <map>

#include "range/eval/records.h"

namespace quorate::range {

class RunTable {
 public:
  using Runs = std::map<Bytes, RunRecord, std::less<>>;  // by stored key, so by first row

  // Replaces what is known by what `view` has of the span.
  Status load(storage::ReadView& view, const KeySpan& span);
  bool empty() const { return runs_.empty(); }
  size_t size() const { return runs_.size(); }
  uint64_t bytes() const { return bytes_; }
  const Runs& runs() const { return runs_; }

  const RunRecord* find(BytesView stored_key) const;
  void put(const Bytes& stored_key, RunRecord record);
  void remove(BytesView stored_key);
  // A split: what lies at or above `at` is another range's.
  void cut(BytesView at);

  // Stored keys of a transaction's runs whose first row lies in `span`, by sequence.
  std::vector<Bytes> of(const TxnId& txn, const KeySpan& span) const;
  // Whether a border at `at` would cut through a run.
  bool crossed_by(BytesView at) const;
  // A border between runs that halves their bytes, as far as there is one; empty: none.
  Bytes middle(const KeySpan& span) const;

 private:
  Runs runs_;
  uint64_t bytes_ = 0;
};

}  // namespace quorate::range
