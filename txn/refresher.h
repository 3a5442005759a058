// Proves that what a transaction has read is still so at a later timestamp (design §9, safety:
// refresh), in all ranges at once. A proof leaves its timestamp in the ranges' timestamp caches, so
// that it stays true.
#pragma once

#include <vector>

#include "txn/txn_channel.h"

namespace quorate::txn {

class Refresher {
 public:
  explicit Refresher(TxnChannel& channel) : channel_(channel) {}
  // Ok: proved. kAborted: something changed; the detail tells what. Others: not known.
  runtime::Task<Status> prove(std::vector<range::ReadSpan> reads, Timestamp to,
                              runtime::CancelToken token);

 private:
  runtime::Task<range::BatchResponse> ask(RangeId range, uint64_t generation,
                                          std::vector<range::ReadSpan> reads, Timestamp to,
                                          runtime::CancelToken token);
  // One round over the ranges; what must be asked again is left in `*pending`.
  runtime::Task<Status> round(std::vector<range::ReadSpan>* pending, Timestamp to,
                              runtime::CancelToken token);
  TxnChannel& channel_;
};

}  // namespace quorate::txn
