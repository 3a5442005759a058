#include "txn/ender.h"

#include <algorithm>

#include "base/mark.h"
#include "txn/retry.h"
#include "txn/run_writer.h"

namespace quorate::txn {

using range::BatchRequest;
using range::BatchResponse;
using range::EndTxnResponse;
using range::Outcome;
using range::Request;
using range::TxnHeader;
using range::TxnRecord;
using range::TxnStatus;
using runtime::Task;

namespace {

// Background work gives up after this many tries, the last ones 100 ms apart on average 50: some
// minutes with the router's patience in each.
constexpr int kTriesMax = 40;

BatchRequest batch_for(const Target& target, const TxnHeader& header, Request request) {
  BatchRequest batch;
  batch.range = target.id;
  batch.generation = target.generation;
  batch.txn = header;
  batch.requests.push_back(std::move(request));
  return batch;
}

Task<void> pause(NodeParts& node, int n) {
  (void)co_await runtime::sleep_for(node.sender.executor(), backoff(n, node.random));
}

bool worth_repeating(const BatchResponse& r) {
  if (r.outcome == Outcome::kRangeMismatch) return true;
  return r.outcome == Outcome::kError && (r.error.code() == StatusCode::kUnavailable ||
                                          r.error.code() == StatusCode::kDeadlineExceeded ||
                                          r.error.code() == StatusCode::kAmbiguous);
}

// One request to the range that holds `key`, again while it is worth it.
Task<BatchResponse> send_to_key(NodeParts& node, TxnHeader header, Bytes key, Request request,
                                int tries, runtime::Instant until = runtime::Instant::never()) {
  BatchResponse response;
  for (int n = 0; n < tries; ++n) {
    if (n > 0) co_await pause(node, n);
    const runtime::Instant now = node.sender.executor().now();
    if (n > 0 && now >= until) {
      MARK("txn: an end is given up");
      break;
    }
    Result<Target> target = co_await node.sender.locate(key, {});
    if (!target.ok()) {
      response.outcome = Outcome::kError;
      response.error = target.status();
      continue;
    }
    BatchRequest batch = batch_for(*target, header, request);
    batch.patience_ms = patience_ms(until - now, kRequestPatienceMs);
    response = co_await node.sender.send(std::move(batch), {});
    if (!worth_repeating(response)) break;
  }
  co_return response;
}

Task<BatchResponse> send_once(NodeParts* node, BatchRequest batch) {
  BatchResponse response = co_await node->sender.send(std::move(batch), {});
  co_return response;
}

// Resolves `keys` range by range, beside each other; what could not be is left in `*keys`. The
// transaction's locks in these ranges go with its intents, in the same request: where that
// succeeded nothing of `end->locked` is left to be told.
Task<void> resolve_round(NodeParts& node, TxnEnd* end, TxnStatus status, std::vector<Bytes>* keys) {
  std::vector<BytesView> views(keys->begin(), keys->end());
  Result<std::vector<KeyGroup>> groups = co_await node.sender.group_keys(&views, {});
  if (!groups.ok()) co_return;
  std::vector<Task<bool>> sends;
  for (const KeyGroup& g : *groups) {
    range::ResolveRequest resolve;
    resolve.txn = end->header.id;
    resolve.keys.assign(keys->begin() + g.begin, keys->begin() + g.end);
    resolve.status = status;
    resolve.commit_ts = end->commit_ts;
    resolve.unlock = true;
    sends.push_back(node.resolutions.resolve(g.target, std::move(resolve)));
  }
  std::vector<bool> done = co_await runtime::when_all(node.sender.executor(), std::move(sends));
  std::vector<Bytes> left;
  for (size_t i = 0; i < done.size(); ++i) {
    const KeyGroup& g = (*groups)[i];
    if (done[i]) {
      std::erase_if(end->locked, [&](const KeySpan& s) { return g.target.span.contains(s); });
      continue;
    }
    MARK("txn: intents of an ended transaction are left");
    left.insert(left.end(), keys->begin() + g.begin, keys->begin() + g.end);
  }
  *keys = std::move(left);
}

Task<bool> resolve_all(NodeParts& node, TxnEnd* end, TxnStatus status) {
  std::vector<Bytes> keys = end->keys;
  for (int n = 0; n < kTriesMax && !keys.empty(); ++n) {
    if (n > 0) co_await pause(node, n);
    co_await resolve_round(node, end, status, &keys);
  }
  co_return keys.empty();
}

}  // namespace

Task<Result<EndTxnResponse>> end_record(NodeParts& node, TxnHeader header, bool commit,
                                        Timestamp commit_ts, Timestamp attempt,
                                        std::vector<Bytes> keys, runtime::Instant until,
                                        Timestamp first_attempt) {
  range::EndTxnRequest request;
  request.keys = std::move(keys);
  request.commit = commit;
  request.commit_ts = commit_ts;
  request.attempt = attempt;
  request.first_attempt = first_attempt;
  Bytes anchor = header.anchor;
  BatchResponse r = co_await send_to_key(node, std::move(header), std::move(anchor),
                                         Request(std::move(request)), kCommitSendsMax, until);
  if (r.outcome == Outcome::kOk) co_return std::get<EndTxnResponse>(r.responses[0]);
  if (r.outcome == Outcome::kError) co_return r.error;
  co_return unavailable("the transaction's record could not be reached");
}

Task<Status> keep_pending(NodeParts& node, TxnHeader header, Timestamp attempt) {
  range::KeepPendingRequest request{attempt};
  Bytes anchor = header.anchor;
  BatchResponse r = co_await send_to_key(node, std::move(header), std::move(anchor),
                                         Request(std::move(request)), kCommitSendsMax);
  if (r.outcome == Outcome::kOk) co_return Status();
  if (r.outcome == Outcome::kError) co_return r.error;
  co_return unavailable("the transaction's record could not be reached");
}

Task<Result<TxnRecord>> read_record(NodeParts& node, TxnHeader header) {
  range::PushRequest request;
  request.txn = header.id;
  request.anchor = header.anchor;
  Bytes anchor = header.anchor;
  BatchResponse r = co_await send_to_key(node, std::move(header), std::move(anchor),
                                         Request(std::move(request)), kCommitSendsMax);
  if (r.outcome == Outcome::kOk) {
    co_return std::move(std::get<range::PushResponse>(r.responses[0]).record);
  }
  if (r.outcome == Outcome::kError) co_return r.error;
  co_return unavailable("the transaction's record could not be reached");
}

// The record made COMMITTED, and in the same batch what it has written in its own range resolved,
// which is taken off `end`.
Task<Result<EndTxnResponse>> commit_record(NodeParts& node, TxnEnd* end) {
  const Bytes anchor = end->header.anchor;
  BatchResponse response;
  for (int n = 0; n < kCommitSendsMax; ++n) {
    if (n > 0) co_await pause(node, n);
    Result<Target> target = co_await node.sender.locate(anchor, {});
    if (!target.ok()) {
      response.outcome = Outcome::kError;
      response.error = target.status();
      continue;
    }
    range::EndTxnRequest request;
    request.commit = true;
    request.commit_ts = end->commit_ts;
    request.attempt = end->attempt;
    // A record whose runs are not published yet goes on listing what it lists.
    if (end->runs.empty()) {
      for (const Bytes& key : end->keys) {
        if (target->span.contains(key)) request.resolve.push_back(key);
      }
    }
    const bool resolves = !request.resolve.empty();
    BatchRequest batch = batch_for(*target, end->header, std::move(request));
    if (resolves) batch.requests.emplace_back(range::UnlockRequest());
    response = co_await node.sender.send(std::move(batch), {});
    if (worth_repeating(response)) {
      MARK("txn: a record's commit is sent again");
      continue;
    }
    if (response.outcome != Outcome::kOk) break;
    EndTxnResponse said = std::get<EndTxnResponse>(response.responses[0]);
    if (resolves && said.status == TxnStatus::kCommitted && said.commit_ts == end->commit_ts) {
      std::erase_if(end->keys, [&](const Bytes& key) { return target->span.contains(key); });
      std::erase_if(end->locked, [&](const KeySpan& s) { return target->span.contains(s); });
    }
    co_return said;
  }
  if (response.outcome == Outcome::kError) co_return response.error;
  co_return unavailable("the transaction's record could not be reached");
}

Task<void> finish_commit(NodeParts* node, TxnEnd end) {
  if (node->options.bugs.resolve_before_record)
    (void)co_await resolve_all(*node, &end, TxnStatus::kCommitted);
  Result<EndTxnResponse> said = co_await commit_record(*node, &end);
  if (said.ok() && said->status == TxnStatus::kAborted) {
    // Atomicity is broken; nothing here can mend it, and it must not be made worse.
    node->counters.commit_lost.add();
    node->sender.env().log.error("transaction {} was answered as committed and is aborted",
                                 end.header.id.to_string());
    co_return;
  }
  // Where the record can't be reached whoever meets the intents recovers it as committed. Where
  // nothing is left here, it lists no key any more.
  if (said.ok() && (!end.keys.empty() || !end.runs.empty())) {
    bool all = co_await resolve_all(*node, &end, TxnStatus::kCommitted);
    if (all && !end.runs.empty()) {
      all = co_await resolve_runs(node, end.header, end.runs, TxnStatus::kCommitted, end.commit_ts);
    }
    if (all) {
      range::ResolveRequest last;
      last.txn = end.header.id;
      last.status = TxnStatus::kCommitted;
      last.commit_ts = end.commit_ts;
      last.remove_record = true;
      last.anchor = end.header.anchor;
      Result<Target> target = co_await node->sender.locate(last.anchor, {});
      if (target.ok()) node->resolutions.forget(std::move(*target), std::move(last));
    }
  }
  co_await unlock(node, end.header, std::move(end.locked));
}

Task<void> abandon_runs(NodeParts* node, TxnEnd end) {
  Result<EndTxnResponse> said =
      co_await end_record(*node, end.header, false, Timestamp(), node->sender.clock().now());
  // Otherwise whoever meets them finds out.
  if (said.ok() && said->status == TxnStatus::kAborted) {
    MARK("txn: runs are given up");
    co_await finish_abort(node, std::move(end));
  } else {
    co_await unlock(node, end.header, std::move(end.locked));
  }
}

Task<void> finish_abort(NodeParts* node, TxnEnd end) {
  (void)co_await resolve_all(*node, &end, TxnStatus::kAborted);
  if (!end.runs.empty()) {
    (void)co_await resolve_runs(node, end.header, end.runs, TxnStatus::kAborted, Timestamp());
  }
  co_await unlock(node, end.header, std::move(end.locked));
}

Task<void> unlock(NodeParts* node, TxnHeader header, std::vector<KeySpan> spans) {
  std::vector<range::ReadSpan> pending;
  for (KeySpan& s : spans) pending.push_back({std::move(s), Timestamp(), range::kAllColumns});
  for (int n = 0; n < kTriesMax && !pending.empty(); ++n) {
    if (n > 0) co_await pause(*node, n);
    std::sort(pending.begin(), pending.end(),
              [](const auto& a, const auto& b) { return a.span.start < b.span.start; });
    Result<std::vector<SpanGroup>> groups = co_await node->sender.group_spans(pending, {});
    if (!groups.ok()) continue;
    std::vector<Task<BatchResponse>> sends;
    for (const SpanGroup& g : *groups) {
      sends.push_back(send_once(node, batch_for(g.target, header, range::UnlockRequest())));
    }
    std::vector<BatchResponse> answers =
        co_await runtime::when_all(node->sender.executor(), std::move(sends));
    pending.clear();
    for (size_t i = 0; i < answers.size(); ++i) {
      if (answers[i].outcome == Outcome::kOk) continue;
      MARK("txn: locks of an ended transaction are left");
      for (auto& r : (*groups)[i].reads) pending.push_back(std::move(r));
    }
  }
}

}  // namespace quorate::txn
