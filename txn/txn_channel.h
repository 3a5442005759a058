// One transaction's exchange with ranges: who it is and as of when it reads (the header), which
// store's clock it has met, what it has cost.
#pragma once

#include <vector>

#include "txn/node_parts.h"
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

  // Sends at the header's present read timestamp.
  runtime::Task<range::BatchResponse> send(RangeId range, uint64_t generation,
                                           std::vector<range::Request> requests,
                                           runtime::CancelToken token);
  // A new real-time bound begins (a statement of READ COMMITTED): clocks seen before mean nothing.
  void forget_observed() { observed_.clear(); }
  NodeParts& node() { return node_; }

 private:
  Timestamp observed_at(RangeId range) const;
  void note(RangeId range, const range::BatchResponse& response);

  NodeParts& node_;
  // Which store served a range last, and its clock when the transaction first met it. Where the
  // lease has moved since, the new leaseholder sees that the clock is from before its lease and
  // does not use it (safety: observed). Few, so they are searched one by one.
  std::vector<std::pair<RangeId, StoreId>> served_by_;
  std::vector<std::pair<StoreId, Timestamp>> observed_;
};

}  // namespace quorate::txn
