#include "range/pusher.h"

#include <algorithm>

#include "base/mark.h"
#include "runtime/sync.h"

namespace quorate::range {

namespace {

using runtime::CancelToken;
using runtime::Task;

constexpr runtime::Duration kBackoffFirst = std::chrono::milliseconds(2);
constexpr runtime::Duration kBackoffMost = std::chrono::milliseconds(100);
// A commit that has been staging for so long is ended although its coordinator lives: it may be
// waiting, for a lock, for the very one who waits here, which the deadlock detector can't know.
constexpr runtime::Duration kStagingPatience = std::chrono::seconds(3);
// Ranges that change under one batch so often are not what is wrong.
constexpr int kMismatchesMax = 16;

Request query_of(const TxnId& txn, const Bytes& key, const TxnRecord& record) {
  return QueryIntentRequest{txn, key, record.commit_ts, record.attempt};
}

}  // namespace

Task<Result<TxnRecord>> Pusher::outcome(TxnId txn, Bytes anchor, bool waits, CancelToken token) {
  const TxnHeader nobody;
  runtime::Duration backoff = kBackoffFirst;
  const runtime::Instant impatient = env_.executor->now() + kStagingPatience;
  for (;;) {
    std::vector<Request> push;
    PushRequest request;
    request.txn = txn;
    request.anchor = anchor;
    push.emplace_back(std::move(request));
    CO_ASSIGN_OR_RETURN(std::vector<Response> answer,
                        co_await send(anchor, nobody, std::move(push), token));
    const PushResponse* pushed = std::get_if<PushResponse>(&answer[0]);
    if (pushed == nullptr) co_return internal_error("a push was answered by something else");
    const TxnStatus status = pushed->record.status;
    if (status == TxnStatus::kCommitted || status == TxnStatus::kAborted) co_return pushed->record;
    if (status == TxnStatus::kStaging && (pushed->abandoned || env_.executor->now() >= impatient)) {
      MARK("range: a staging is recovered");
      CO_ASSIGN_OR_RETURN(TxnRecord record, co_await recover(txn, anchor, pushed->record, token));
      if (record.status == TxnStatus::kCommitted || record.status == TxnStatus::kAborted)
        co_return record;
    }
    if (!waits) co_return unavailable("the transaction goes on");
    CO_RETURN_IF_ERROR(co_await runtime::sleep_for(*env_.executor, backoff, token));
    backoff = std::min(2 * backoff, kBackoffMost);
  }
}

Task<Result<TxnRecord>> Pusher::recover(TxnId txn, Bytes anchor, TxnRecord record,
                                        CancelToken token) {
  CO_ASSIGN_OR_RETURN(const bool complete, co_await query_all(txn, record, token));
  MARK_IF(complete, "range: a recovery commits");
  TxnHeader header;
  header.id = txn;
  header.anchor = anchor;
  EndTxnRequest end;
  end.commit = complete;
  end.commit_ts = record.commit_ts;
  end.attempt = record.attempt;
  std::vector<Request> requests;
  requests.emplace_back(end);
  CO_ASSIGN_OR_RETURN(std::vector<Response> answer,
                      co_await send(anchor, header, std::move(requests), token));
  const EndTxnResponse* ended = std::get_if<EndTxnResponse>(&answer[0]);
  if (ended == nullptr) co_return internal_error("an end was answered by something else");
  record.status = ended->status;
  record.commit_ts = ended->commit_ts;
  co_return record;
}

Task<Result<bool>> Pusher::query_all(TxnId txn, TxnRecord record, CancelToken token) {
  std::vector<Bytes> keys = record.keys;
  std::sort(keys.begin(), keys.end());
  const TxnHeader nobody;
  size_t next = 0;
  while (next < keys.size()) {
    CO_ASSIGN_OR_RETURN(RangeDescriptor range, co_await router_.locate(keys[next], token));
    const size_t first = next;
    std::vector<Request> requests;
    for (; next < keys.size() && range.span.contains(keys[next]); ++next)
      requests.push_back(query_of(txn, keys[next], record));
    if (next == first) co_return unavailable("a range does not hold the key it was found by");
    if (next - first > 1) {
      // One batch where the range still holds them all; one by one where it does not.
      BatchRequest batch;
      batch.range = range.id;
      batch.generation = range.generation;
      batch.now = clock_.now();
      batch.gateway = node_;
      batch.requests = std::move(requests);
      BatchResponse response = co_await router_.send(std::move(batch), token);
      if (response.outcome == Outcome::kOk) {
        for (const Response& r : response.responses) {
          const QueryIntentResponse* query = std::get_if<QueryIntentResponse>(&r);
          if (query == nullptr || !query->found) co_return false;
        }
        continue;
      }
      MARK("range: a recovery asks key by key");
      next = first + 1;
      requests.clear();
      requests.push_back(query_of(txn, keys[first], record));
    }
    const Bytes key = keys[first];
    CO_ASSIGN_OR_RETURN(std::vector<Response> answer,
                        co_await send(key, nobody, std::move(requests), token));
    const QueryIntentResponse* query = std::get_if<QueryIntentResponse>(&answer[0]);
    if (query == nullptr || !query->found) co_return false;
  }
  co_return true;
}

Task<Status> Pusher::finish(TxnId txn, Bytes anchor, TxnRecord record, CancelToken token) {
  ResolveRequest resolve;
  resolve.txn = txn;
  resolve.status = record.status;
  resolve.commit_ts = record.commit_ts;
  std::vector<Bytes> keys = std::move(record.keys);
  std::sort(keys.begin(), keys.end());
  int mismatches = 0;
  for (size_t next = 0; next < keys.size();) {
    CO_ASSIGN_OR_RETURN(RangeDescriptor range, co_await router_.locate(keys[next], token));
    size_t end = next;
    resolve.keys.clear();
    for (; end < keys.size() && range.span.contains(keys[end]); ++end)
      resolve.keys.push_back(keys[end]);
    BatchRequest batch;
    batch.range = range.id;
    batch.generation = range.generation;
    batch.now = clock_.now();
    batch.gateway = node_;
    batch.requests.emplace_back(resolve);
    BatchResponse response = co_await router_.send(std::move(batch), token);
    if (response.outcome == Outcome::kError) co_return response.error;
    if (response.outcome == Outcome::kOk && end > next) {
      next = end;
    } else if (++mismatches > kMismatchesMax) {
      co_return unavailable("the ranges of a transaction that was left behind keep changing");
    }
  }
  resolve.keys.clear();
  resolve.remove_record = true;
  resolve.anchor = anchor;
  std::vector<Request> last;
  last.emplace_back(std::move(resolve));
  const TxnHeader nobody;
  CO_ASSIGN_OR_RETURN(std::vector<Response> done,
                      co_await send(std::move(anchor), nobody, std::move(last), token));
  co_return Status();
}

Task<Result<std::vector<Response>>> Pusher::send(Bytes key, TxnHeader txn,
                                                 std::vector<Request> requests, CancelToken token) {
  for (int i = 0; i < kMismatchesMax; ++i) {
    CO_ASSIGN_OR_RETURN(RangeDescriptor range, co_await router_.locate(key, token));
    BatchRequest batch;
    batch.range = range.id;
    batch.generation = range.generation;
    batch.now = clock_.now();
    batch.gateway = node_;
    batch.txn = txn;
    batch.requests = requests;
    BatchResponse response = co_await router_.send(std::move(batch), token);
    if (response.outcome == Outcome::kRangeMismatch) {
      MARK("range: a range changes under a push");
      continue;
    }
    if (response.outcome == Outcome::kError) co_return response.error;
    if (response.outcome != Outcome::kOk || response.responses.size() != requests.size())
      co_return internal_error("a push was answered by something else");
    co_return std::move(response.responses);
  }
  co_return unavailable("ranges change faster than they can be found");
}

}  // namespace quorate::range
