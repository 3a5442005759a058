#include "txn/bulk_committer.h"

#include <algorithm>

#include "base/mark.h"
#include "txn/ender.h"
#include "txn/retry.h"

namespace quorate::txn {

using range::BatchResponse;
using range::CommitKind;
using range::Outcome;
using range::ReadSpan;
using range::RunRef;
using range::TxnStatus;
using runtime::Task;

Task<Status> BulkCommitter::run() {
  NodeParts& node = channel_.node();
  Status s = channel_.token.status();
  if (!s.ok()) co_return co_await give_up(std::move(s));
  target_ = channel_.header.read_ts;
  if (work_.floor) target_.forward(work_.floor.next());
  int raises = 0;
  for (int n = 0; n < kRegroupsMax + kRaisesMax; ++n) {
    // Now, and not the least timestamp that would do: rows that lie in many ranges are read in any
    // of them.
    target_.forward(node.sender.clock().now());
    attempt_ = node.sender.clock().now();
    if (target_ >= work_.deadline.now()) {
      Status late = aborted("could not serialize access due to a concurrent schema change")
                        .with_detail(
                            "The transaction ran longer than its view of the schema may "
                            "be used.");
      co_return co_await give_up(std::move(late));
    }
    s = co_await prove();
    if (!s.ok()) co_return co_await give_up(std::move(s));
    Result<Step> step = co_await stage();
    if (!step.ok()) co_return co_await give_up(step.status());
    if (*step == Step::kStaged) co_return co_await commit_record();
    if (*step == Step::kRaise && ++raises > kRaisesMax)
      co_return co_await give_up(read_changed({}, target_));
    if (*step == Step::kAgain) {
      MARK("txn: a bulk commit is sent again");
      (void)co_await runtime::sleep_for(node.sender.executor(), backoff(n, node.random));
    }
  }
  co_return co_await give_up(unavailable("the ranges written to keep moving"));
}

Task<Status> BulkCommitter::prove() {
  std::vector<ReadSpan> reads = work_.reads;
  Status s = co_await refresher_.prove(std::move(reads), target_, {});
  if (!s.ok()) co_return s;
  for (ReadSpan& r : work_.reads) r.from.forward(target_);
  co_return Status();
}

Task<Result<std::vector<BulkCommitter::Part>>> BulkCommitter::group() {
  std::vector<Part> parts;
  RangeSender& sender = channel_.node().sender;
  auto part_at = [&](const Target& target) -> Part& {
    for (Part& p : parts) {
      if (p.target.id == target.id) return p;
    }
    Part& p = parts.emplace_back();
    p.target = target;
    p.request.kind = CommitKind::kStage;
    p.request.attempt = attempt_;
    p.request.commit_ts = target_;
    p.request.deadline = work_.deadline.now();
    return p;
  };
  for (const RunRef& run : runs_) {
    Result<Target> target = co_await sender.locate(run.first, {});
    if (!target.ok()) co_return target.status();
    part_at(*target).request.runs.push_back(run);
  }
  for (const Bytes& key : work_.locked_reads) {
    Result<Target> target = co_await sender.locate(key, {});
    if (!target.ok()) co_return target.status();
    part_at(*target).request.locked_reads.push_back(key);
  }
  co_return std::move(parts);
}

Task<Result<BulkCommitter::Step>> BulkCommitter::stage() {
  Result<std::vector<Part>> parts = co_await group();
  if (!parts.ok()) co_return parts.status();
  channel_.header.read_ts.forward(target_);
  std::vector<Task<BatchResponse>> sends;
  for (Part& part : *parts) sends.push_back(send(std::move(part)));
  std::vector<BatchResponse> answers =
      co_await runtime::when_all(channel_.node().sender.executor(), std::move(sends));
  Step step = Step::kStaged;
  const bool early = channel_.node().options.bugs.runs_committed_early;
  for (BatchResponse& a : answers) {
    switch (a.outcome) {
      case Outcome::kOk:
        break;
      case Outcome::kNeedTimestamp:
        MARK("txn: a bulk commit is asked to move");
        target_.forward(a.need);
        step = Step::kRaise;
        break;
      case Outcome::kRangeMismatch:
        if (step == Step::kStaged && !early) step = Step::kAgain;
        break;
      case Outcome::kError: {
        const StatusCode code = a.error.code();
        const bool unknown = code == StatusCode::kAmbiguous || code == StatusCode::kUnavailable ||
                             code == StatusCode::kDeadlineExceeded;
        if (early && unknown) break;
        if (!unknown || ++lost_ >= kCommitSendsMax) {
          if (code == StatusCode::kAmbiguous) co_return unavailable(a.error.message());
          co_return std::move(a.error);
        }
        if (step == Step::kStaged) step = Step::kAgain;
        break;
      }
      case Outcome::kNotLeaseholder:
        UNREACHABLE("the router follows the lease");
    }
  }
  co_return step;
}

Task<BatchResponse> BulkCommitter::send(Part part) {
  std::vector<range::Request> requests;
  requests.emplace_back(std::move(part.request));
  BatchResponse response =
      co_await channel_.send(part.target.id, part.target.generation, std::move(requests), {});
  co_return response;
}

Task<Status> BulkCommitter::commit_record() {
  std::vector<Bytes> keys = work_.locked_reads;
  if (keys.empty()) keys.push_back(channel_.header.anchor);
  const runtime::Instant until = channel_.node().sender.executor().now() + kCommitPatience;
  Result<range::EndTxnResponse> said = co_await end_record(
      channel_.node(), channel_.header, true, target_, attempt_, std::move(keys), until);
  if (!said.ok()) {
    MARK("txn: the outcome of a bulk commit is not known");
    co_return ambiguous("the outcome of COMMIT is not known")
        .with_detail(said.status().message())
        .with_hint("Look whether its changes are there before running the transaction again.");
  }
  if (said->status == TxnStatus::kCommitted) co_return Status();
  MARK("txn: a bulk commit finds itself aborted");
  // Without a record it never was committed: a committed one stays until we have resolved its runs.
  co_return aborted("could not serialize access: the transaction was aborted while it committed")
      .with_detail("Another transaction found its coordinator silent for too long.");
}

Task<Status> BulkCommitter::give_up(Status why) {
  (void)co_await end_record(channel_.node(), channel_.header, false, target_, attempt_);
  co_return why;
}

}  // namespace quorate::txn
