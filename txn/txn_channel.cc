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
  // A store has its node's number.
  if (response.store && response.store.value != node_.sender.node().value) ++stats.remote_requests;
  if (response.store && response.now) note_store(range, response.store, response.now);
}

void TxnChannel::note_store(RangeId range, StoreId store, Timestamp now) {
  bool met = false;
  for (auto& [s, ts] : observed_) met = met || s == store;
  if (!met) observed_.emplace_back(store, now);
  for (auto& [r, served_by] : served_by_) {
    if (r == range) {
      served_by = store;
      return;
    }
  }
  if (served_by_.size() < kRangesRemembered) served_by_.emplace_back(range, store);
  ++stats.ranges;
}

void TxnChannel::note_in_place(const range::Router::Local& local) {
  ++stats.requests;
  node_.counters.requests.add();
  note_store(local.descriptor->id, local.store, header.observed);
}

range::Leaseholder::Reader TxnChannel::reader(const range::Router::Local& local) {
  header.observed = Timestamp();
  for (const auto& [store, ts] : observed_) {
    if (store == local.store) header.observed = ts;
  }
  if (!header.observed) header.observed = node_.sender.clock().peek();
  return {header, node_.sender.node()};
}

Task<BatchResponse> TxnChannel::send(RangeId range, uint64_t generation,
                                     std::vector<range::Request> requests, CancelToken token,
                                     uint64_t patience_ms) {
  BatchRequest batch;
  batch.range = range;
  batch.generation = generation;
  batch.txn = header;
  batch.txn.observed = observed_at(range);
  batch.lock_timeout_ms = lock_timeout_ms;
  batch.patience_ms = patience_ms + lock_timeout_ms;  // so that the timeout is what ends a wait
  batch.requests = std::move(requests);
  ++stats.requests;
  node_.counters.requests.add();
  BatchResponse response = co_await node_.sender.send(std::move(batch), std::move(token));
  note(range, response);
  co_return response;
}

}  // namespace quorate::txn
