// One transaction's exchange with ranges: who it is and as of when it reads (the header), which
// store's clock it has met, what it has cost.
#pragma once

#include <vector>

#include "range/leaseholder.h"
#include "txn/node_parts.h"
#include "txn/retry.h"
#include "txn/transaction.h"

namespace quorate::txn {

class TxnChannel {
 public:
  explicit TxnChannel(NodeParts& node) : node_(node) {}
  TxnChannel(const TxnChannel&) = delete;

  range::TxnHeader header;
  TxnStats stats;
  runtime::CancelToken token;
  uint64_t lock_timeout_ms = 0;

  // Sends at the header's present read timestamp; `patience_ms` is besides the timeout of locks.
  runtime::Task<range::BatchResponse> send(RangeId range, uint64_t generation,
                                           std::vector<range::Request> requests,
                                           runtime::CancelToken token,
                                           uint64_t patience_ms = kRequestPatienceMs);
  // The range's leaseholder is this node's own and is asked in place: what send() would put into
  // the header (the store's clock is ours, so a first meeting is observed before it), and what it
  // would note of the answer.
  range::Leaseholder::Reader reader(const range::Router::Local& local);
  void note_in_place(const range::Router::Local& local);
  // A new real-time bound begins (a statement of READ COMMITTED): clocks seen before mean nothing.
  void forget_observed() { observed_.clear(); }
  NodeParts& node() { return node_; }

 private:
  Timestamp observed_at(RangeId range) const;
  void note(RangeId range, const range::BatchResponse& response);
  void note_store(RangeId range, StoreId store, Timestamp now);

  NodeParts& node_;
  // Which store served a range last, and its clock when the transaction first met it. Where the
  // lease has moved since, the new leaseholder sees that the clock is from before its lease and
  // does not use it (safety: observed). Few, so they are searched one by one.
  std::vector<std::pair<RangeId, StoreId>> served_by_;
  std::vector<std::pair<StoreId, Timestamp>> observed_;
};

}  // namespace quorate::txn
