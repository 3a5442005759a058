#include "txn/txn_channel.h"

namespace quorate::txn {

using range::BatchRequest;
using range::BatchResponse;
using runtime::CancelToken;
using runtime::Task;

namespace {
// A transaction over more ranges than this does without observed timestamps for the rest.
constexpr size_t kRangesRemembered = 256;
}  // namespace

Timestamp TxnChannel::observed_at(RangeId range) const {
  for (const auto& [r, store] : served_by_) {
    if (r != range) continue;
    for (const auto& [s, ts] : observed_) {
      if (s == store) return ts;
    }
  }
  return Timestamp();
}

void TxnChannel::note(RangeId range, const BatchResponse& response) {
  stats.proposals += response.proposals;
  if (response.leaseholder && response.leaseholder != node_.sender.node()) ++stats.remote_requests;
  if (!response.store || !response.now) return;
  bool met = false;
  for (auto& [s, ts] : observed_) met = met || s == response.store;
  if (!met) observed_.emplace_back(response.store, response.now);
  for (auto& [r, store] : served_by_) {
    if (r == range) {
      store = response.store;
      return;
    }
  }
  if (served_by_.size() < kRangesRemembered) served_by_.emplace_back(range, response.store);
  ++stats.ranges;
}

Task<BatchResponse> TxnChannel::send(RangeId range, uint64_t generation,
                                     std::vector<range::Request> requests, CancelToken token) {
  BatchRequest batch;
  batch.range = range;
  batch.generation = generation;
  batch.txn = header;
  batch.txn.observed = observed_at(range);
  batch.lock_timeout_ms = lock_timeout_ms;
  batch.patience_ms += lock_timeout_ms;  // so that the timeout is what ends a wait
  batch.requests = std::move(requests);
  ++stats.requests;
  node_.counters.requests.add();
  BatchResponse response = co_await node_.sender.send(std::move(batch), std::move(token));
  note(range, response);
  co_return response;
}

}  // namespace quorate::txn
