#include "txn/node_client.h"

#include "txn/transaction_impl.h"

namespace quorate::txn {

std::unique_ptr<Transaction> NodeClient::begin(TxnOptions options) {
  return std::make_unique<TransactionImpl>(parts_, options);
}

Timestamp NodeClient::oldest_read() const {
  Timestamp oldest;
  for (const auto& [id, header] : parts_.open) {
    if (!oldest || header->read_ts < oldest) oldest = header->read_ts;
  }
  return oldest;
}

runtime::Task<Result<KeySpan>> NodeClient::clear(KeySpan span, Timestamp dropped) {
  CO_ASSIGN_OR_RETURN(const Target target, co_await parts_.sender.locate(span.start, {}));
  range::BatchRequest batch;
  batch.range = target.id;
  batch.generation = target.generation;
  batch.requests.emplace_back(range::ClearRequest{span, dropped});
  runtime::Task<range::BatchResponse> sending = parts_.sender.send(std::move(batch), {});
  range::BatchResponse response = co_await sending;
  // The range has changed: the same once more.
  if (response.outcome == range::Outcome::kRangeMismatch) co_return std::move(span);
  if (response.outcome != range::Outcome::kOk) {
    co_return response.error.ok() ? internal_error("a range could not be cleared")
                                  : std::move(response.error);
  }
  Bytes rest = std::get<range::ClearResponse>(response.responses[0]).rest;
  if (rest.empty()) rest = target.span.end;
  if (rest.empty() || (!span.end.empty() && rest >= span.end)) co_return KeySpan::nothing();
  co_return KeySpan{std::move(rest), std::move(span.end)};
}

// Of a transaction that reads once, here and now. What this node's store has at this moment is at
// or below its clock, so nothing above it can be from before the read (safety: observed).
range::TxnHeader NodeClient::read_header() {
  range::TxnHeader header;
  header.read_ts = header.began = header.observed = now();
  header.uncertainty = header.read_ts.add_micros(parts_.sender.clock().max_offset_micros());
  header.coordinator = parts_.options.node;
  header.coordinator_epoch = parts_.options.epoch;
  return header;
}

bool NodeClient::try_get(std::span<const Bytes> keys, ColumnSet columns, range::RowSet* out) {
  const range::Router::Local local = parts_.sender.local(keys[0]);
  if (local.leaseholder == nullptr) return false;
  const range::TxnHeader header = read_header();
  std::swap(got_.rows, *out);
  const bool answered =
      local.leaseholder->try_get({header, parts_.options.node}, {keys, columns}, &got_);
  std::swap(got_.rows, *out);
  if (answered) parts_.counters.in_place.add();
  return answered;
}

bool NodeClient::try_scan(const ScanOptions& options, KeySpan* rest, range::RowSet* out) {
  if (options.span.empty()) return false;
  const range::Router::Local local = parts_.sender.local(options.span.start);
  if (local.leaseholder == nullptr) return false;
  const range::TxnHeader header = read_header();
  range::ScanRequest request;
  request.span = options.span;
  request.reverse = options.reverse;
  request.rows_max = options.rows_max;
  request.columns = options.columns;
  std::swap(scanned_.rows, *out);
  bool answered = local.leaseholder->try_scan({header, parts_.options.node}, request, &scanned_);
  std::swap(scanned_.rows, *out);
  if (!answered) return false;
  parts_.counters.in_place.add();
  *rest = scanned_.resume ? std::move(*scanned_.resume) : KeySpan::nothing();
  return true;
}

}  // namespace quorate::txn
