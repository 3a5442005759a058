#include "txn/refresher.h"

#include <algorithm>

#include "base/mark.h"
#include "runtime/fault_points.h"
#include "txn/retry.h"

namespace quorate::txn {

using range::BatchResponse;
using range::Outcome;
using range::ReadSpan;
using range::RefreshResponse;
using runtime::CancelToken;
using runtime::Task;

Task<Status> Refresher::prove(std::vector<ReadSpan> reads, Timestamp to, CancelToken token) {
  NodeParts& node = channel_.node();
  if (node.options.bugs.refresh_skipped) co_return Status();
  std::erase_if(reads, [to](const ReadSpan& r) { return r.from >= to; });
  if (reads.empty()) co_return Status();
  ++channel_.stats.refreshes;
  node.counters.refreshes.add();
  if (runtime::fires(node.sender.env().faults, runtime::FaultPoint::kRefuseRefresh))
    co_return read_changed({}, to);
  for (int n = 0; n < kRegroupsMax; ++n) {
    Status s = co_await round(&reads, to, token);
    if (s.code() == StatusCode::kAborted) {
      MARK("txn: a proof finds a change");
      node.counters.refresh_failed.add();
    }
    if (!s.ok() || reads.empty()) co_return s;
    s = co_await runtime::sleep_for(node.sender.executor(), backoff(n, node.random), token);
    if (!s.ok()) co_return s;
  }
  co_return unavailable("the ranges of what was read keep moving");
}

Task<Status> Refresher::round(std::vector<ReadSpan>* pending, Timestamp to, CancelToken token) {
  RangeSender& sender = channel_.node().sender;
  Result<std::vector<SpanGroup>> groups = co_await sender.group_spans(std::move(*pending), token);
  pending->clear();
  if (!groups.ok()) co_return groups.status();
  std::vector<Task<BatchResponse>> asked;
  for (const SpanGroup& g : *groups) {
    asked.push_back(ask(g.target.id, g.target.generation, g.reads, to, token));
  }
  std::vector<BatchResponse> answers =
      co_await runtime::when_all(sender.executor(), std::move(asked));
  for (size_t i = 0; i < answers.size(); ++i) {
    BatchResponse& a = answers[i];
    switch (a.outcome) {
      case Outcome::kOk: {
        const auto& verdict = std::get<RefreshResponse>(a.responses[0]);
        if (!verdict.unchanged) co_return read_changed(verdict.conflict, to);
        break;
      }
      case Outcome::kNeedTimestamp:
        MARK("txn: a proof meets a later version");
        co_return read_changed({}, to);
      case Outcome::kRangeMismatch:
        MARK("txn: a proof's range has changed");
        for (ReadSpan& r : (*groups)[i].reads) pending->push_back(std::move(r));
        break;
      case Outcome::kError:
        if (a.error.code() != StatusCode::kDeadlineExceeded) co_return a.error;
        MARK("txn: a proof waited in vain");
        for (ReadSpan& r : (*groups)[i].reads) pending->push_back(std::move(r));
        break;
      case Outcome::kNotLeaseholder:
        UNREACHABLE("the router follows the lease");
    }
  }
  std::sort(pending->begin(), pending->end(),
            [](const ReadSpan& a, const ReadSpan& b) { return a.span.start < b.span.start; });
  co_return Status();
}

Task<BatchResponse> Refresher::ask(RangeId range, uint64_t generation, std::vector<ReadSpan> reads,
                                   Timestamp to, CancelToken token) {
  range::RefreshRequest request;
  request.reads = std::move(reads);
  request.to = to;
  std::vector<range::Request> requests;
  requests.emplace_back(std::move(request));
  BatchResponse response =
      co_await channel_.send(range, generation, std::move(requests), std::move(token));
  co_return response;
}

}  // namespace quorate::txn
