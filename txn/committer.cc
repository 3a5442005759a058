#include "txn/committer.h"

#include <algorithm>

#include "base/mark.h"
#include "txn/ender.h"
#include "txn/retry.h"

namespace quorate::txn {

using range::BatchResponse;
using range::CommitKind;
using range::CommitRequest;
using range::CommitResponse;
using range::Outcome;
using range::ReadSpan;
using range::RowWrite;
using range::TxnRecord;
using range::TxnStatus;
using runtime::Task;

Committer::Committer(TxnChannel& channel, CommitWork work)
    : channel_(channel), work_(std::move(work)), refresher_(channel) {
  CHECK(!work_.writes.empty());
  target_ = channel_.header.read_ts;
  for (const RowWrite& w : work_.writes) {
    if (w.base && *w.base) target_.forward(w.base->next());
  }
  proved_ = Timestamp::max();
  for (const ReadSpan& r : work_.reads) proved_ = std::min(proved_, r.from);
  // The record's key must lie in a range that is written whatever splits come, so it is a key that
  // is written: that of the first lock where it is one, since waiters know it already.
  const Bytes& first = channel_.header.anchor;
  auto at = std::lower_bound(work_.writes.begin(), work_.writes.end(), first,
                             [](const RowWrite& w, const Bytes& k) { return w.key < k; });
  bool written = at != work_.writes.end() && at->key == first && !first.empty();
  anchor_ = written ? first : work_.writes.front().key;
}

std::vector<Bytes> Committer::keys() const {
  std::vector<Bytes> out;
  out.reserve(work_.writes.size() + work_.locked_reads.size());
  for (const RowWrite& w : work_.writes) out.push_back(w.key);
  out.insert(out.end(), work_.locked_reads.begin(), work_.locked_reads.end());
  std::sort(out.begin(), out.end());
  return out;
}

Status Committer::fail_deadline() const {
  return aborted("could not serialize access due to a concurrent schema change")
      .with_detail("The transaction ran longer than its view of the schema may be used.");
}

Task<Status> Committer::run() {
  NodeParts& node = channel_.node();
  Status s = channel_.token.status();
  if (!s.ok()) co_return s;
  channel_.header.anchor = anchor_;
  attempt_ = first_attempt_ = node.sender.clock().now();
  int raises = 0;
  for (int n = 0; n < kRegroupsMax + kRaisesMax; ++n) {
    if (target_ >= work_.deadline.now()) {
      MARK("txn: a commit outlives its view of the schema");
      co_return co_await end_unknown(fail_deadline());
    }
    if (node.options.bugs.commit_resent_as_new) attempt_ = node.sender.clock().now();
    std::vector<Part> parts;
    s = co_await group(&parts);
    if (!s.ok()) co_return co_await end_unknown(std::move(s));
    Step step;
    if (parts.size() == 1 && !staged_) {
      step = co_await one_phase(std::move(parts[0]));
    } else {
      if (!heartbeat_) heartbeat_.emplace(node, channel_.header.id, anchor_);
      step = co_await stage(std::move(parts));
    }
    switch (step.kind) {
      case Step::kCommitted:
        (staged_ ? node.counters.parallel : node.counters.one_phase).add();
        co_return Status();
      case Step::kFailed:
        co_return co_await end_unknown(std::move(step.status));
      case Step::kRaise:
        MARK("txn: a commit is asked to move");
        // A range that has forgotten what it staged, since others committed it, can't be told from
        // one that refuses it, and what was sent may have been sent twice on the way. Whoever
        // committed it has written the record first.
        if (staged_ && !node.options.bugs.attempt_unasked) {
          Result<TxnRecord> record = co_await read_record(node, channel_.header);
          if (!record.ok()) co_return co_await end_unknown(read_changed({}, step.need));
          if (record->status == TxnStatus::kCommitted) {
            MARK("txn: a commit that is asked to move was made by others");
            commit_ts_ = record->commit_ts;
            node.counters.parallel.add();
            co_return Status();
          }
        }
        if (++raises > kRaisesMax) {
          MARK("txn: a commit is asked to move too often");
          co_return co_await end_unknown(read_changed({}, step.need));
        }
        s = co_await raise(step.need);
        if (!s.ok()) co_return co_await end_unknown(std::move(s));
        break;
      case Step::kAgain:
        MARK("txn: a commit is sent again");
        (void)co_await runtime::sleep_for(node.sender.executor(), backoff(n, node.random));
        break;
    }
  }
  co_return co_await end_unknown(unavailable("the ranges written to keep moving"));
}

Task<Status> Committer::group(std::vector<Part>* parts) {
  std::vector<Bytes> all = keys();
  std::vector<BytesView> views(all.begin(), all.end());
  Result<std::vector<KeyGroup>> groups = co_await channel_.node().sender.group_keys(&views, {});
  if (!groups.ok()) co_return groups.status();
  auto write = work_.writes.begin();
  auto locked = work_.locked_reads.begin();
  for (KeyGroup& g : *groups) {
    Part part;
    part.target = std::move(g.target);
    part.request.attempt = attempt_;
    if (attempt_ != first_attempt_) part.request.first_attempt = first_attempt_;
    part.request.deadline = work_.deadline.now();
    const KeySpan& span = part.target.span;
    for (; write != work_.writes.end() && span.contains(write->key); ++write) {
      part.request.writes.push_back(*write);
    }
    for (; locked != work_.locked_reads.end() && span.contains(*locked); ++locked) {
      part.request.locked_reads.push_back(*locked);
    }
    parts->push_back(std::move(part));
  }
  CHECK(write == work_.writes.end() && locked == work_.locked_reads.end());
  co_return Status();
}

Task<Status> Committer::prove(Timestamp to) {
  if (proved_ >= to) co_return Status();
  Status s = co_await refresher_.prove(work_.reads, to, {});
  if (!s.ok()) co_return s;
  for (ReadSpan& r : work_.reads) r.from.forward(to);
  proved_ = to;
  co_return Status();
}

Task<Status> Committer::raise(Timestamp need) {
  target_.forward(need);
  anchor_staged_ = false;
  // Ranges tell stagings at different timestamps apart by the attempt. A range has refused this
  // one, so it can't be committed any more. A one-phase commit that may have happened keeps its
  // own: its record is looked for under it (safety: record-mark).
  if (staged_) attempt_ = channel_.node().sender.clock().now();
  if (target_ >= work_.deadline.now()) co_return fail_deadline();
  co_return co_await prove(target_);
}

// Reads in the written range are proved by the commit itself, at whatever timestamp it takes; reads
// elsewhere bound that timestamp.
Task<Committer::Step> Committer::one_phase(Part part) {
  Step step;
  const KeySpan span = part.target.span;
  bool elsewhere = false;
  for (const ReadSpan& r : work_.reads) elsewhere = elsewhere || !span.contains(r.span);
  if (elsewhere) {
    Status s = co_await prove(target_);
    if (!s.ok()) {
      step.kind = Step::kFailed;
      step.status = std::move(s);
      co_return step;
    }
  }
  for (const ReadSpan& r : work_.reads) {
    if (!span.overlaps(r.span)) continue;
    ReadSpan& here = part.request.refresh.emplace_back(r);
    here.span.start = std::max(here.span.start, span.start);
    if (!span.end.empty() && (here.span.end.empty() || here.span.end > span.end)) {
      here.span.end = span.end;
    }
  }
  if (channel_.node().options.bugs.refresh_skipped) part.request.refresh.clear();
  part.request.kind = CommitKind::kOnePhase;
  part.request.commit_ts = elsewhere ? proved_ : Timestamp::max();
  one_phase_sent_ = true;
  BatchResponse response = co_await send(std::move(part));
  step = judge(response);
  if (step.kind == Step::kCommitted) {
    commit_ts_ = std::get<CommitResponse>(response.responses[0]).commit_ts;
    unlocked_ = span;
  }
  co_return step;
}

Task<Committer::Step> Committer::stage(std::vector<Part> parts) {
  Step step;
  // A guess at what the ranges will ask for; too high only where columns that are not written were
  // read. One range finds the least timestamp by itself.
  if (work_.floor) target_.forward(work_.floor.next());
  if (target_ >= work_.deadline.now()) {
    step.kind = Step::kFailed;
    step.status = fail_deadline();
    co_return step;
  }
  Status s = co_await prove(target_);
  if (!s.ok()) {
    step.kind = Step::kFailed;
    step.status = std::move(s);
    co_return step;
  }
  std::vector<Task<BatchResponse>> sends;
  for (Part& part : parts) {
    bool anchors = part.target.span.contains(anchor_);
    part.request.kind = anchors ? CommitKind::kStageAnchor : CommitKind::kStage;
    part.request.commit_ts = target_;
    if (anchors) part.request.all_keys = keys();
    const bool in_doubt = one_phase_sent_ && !channel_.node().options.bugs.stage_in_doubt;
    if (anchors && in_doubt && !anchor_staged_) {
      MARK("txn: a commit of one range is split before its answer");
      step = co_await stage_anchor_first(part);
      if (step.kind != Step::kAgain || !anchor_staged_) co_return step;
    }
  }
  staged_ = true;
  commit_ts_ = target_;
  for (Part& part : parts) sends.push_back(send(std::move(part)));
  std::vector<BatchResponse> answers =
      co_await runtime::when_all(channel_.node().sender.executor(), std::move(sends));
  step.kind = Step::kCommitted;
  bool early = channel_.node().options.bugs.commit_answered_early;
  for (BatchResponse& a : answers) {
    Step one = judge(a);
    if (early && one.kind != Step::kCommitted) continue;
    step = worse(std::move(step), std::move(one));
  }
  co_return step;
}

// A one-phase commit went out before the range was split, and its answer is not known. Nothing else
// may be staged before the anchor tells whether it happened: staged here, it can't happen any more.
Task<Committer::Step> Committer::stage_anchor_first(Part part) {
  staged_ = true;
  BatchResponse response = co_await send(std::move(part));
  Step step = judge(response);
  if (step.kind != Step::kCommitted) co_return step;
  Result<TxnRecord> record = co_await read_record(channel_.node(), channel_.header);
  if (!record.ok()) {
    step.kind = Step::kFailed;
    step.status = record.status();
    unknown_ = true;
    co_return step;
  }
  if (record->status == TxnStatus::kCommitted) {
    MARK("txn: a commit of one range happened before its split");
    commit_ts_ = record->commit_ts;
    co_return step;
  }
  anchor_staged_ = true;
  step.kind = Step::kAgain;
  co_return step;
}

Task<BatchResponse> Committer::send(Part part) {
  channel_.header.read_ts.forward(target_);  // no commit below it
  sent_ = channel_.node().sender.executor().now();
  const uint64_t patience = patience_ms(give_up_ - sent_ - kRecordPatience, kCommitSendPatienceMs);
  std::vector<range::Request> requests;
  requests.emplace_back(std::move(part.request));
  // No token: an answer on its way is worth waiting for.
  BatchResponse response = co_await channel_.send(part.target.id, part.target.generation,
                                                  std::move(requests), {}, patience);
  co_return response;
}

Committer::Step Committer::judge(BatchResponse& response) {
  Step step;
  switch (response.outcome) {
    case Outcome::kOk:
      step.kind = Step::kCommitted;
      return step;
    case Outcome::kNeedTimestamp:
      step.kind = Step::kRaise;
      step.need = response.need;
      return step;
    case Outcome::kRangeMismatch:
      return step;
    case Outcome::kError:
      break;
    case Outcome::kNotLeaseholder:
      UNREACHABLE("the router follows the lease");
  }
  StatusCode code = response.error.code();
  bool lost = code == StatusCode::kAmbiguous;
  // A copy of the request may still be under way. What an evaluation refused with 40001 it refuses
  // for ever; after anything else (no lease just then, a deadlock, no space) the copy might find
  // the way free, so the attempt is barred before the refusal is told.
  const bool for_ever =
      code == StatusCode::kAborted && response.error.sqlstate() == sqlstate::kSerializationFailure;
  unknown_ = unknown_ || !for_ever;
  // Its range waited in vain, for a lock mostly, and tells so. Not without end: two commits may
  // wait for each other, one for a lock and one for what the other has staged, which nobody else
  // sees.
  if (code == StatusCode::kDeadlineExceeded && response.now) {
    if (++waited_ < kCommitWaitsMax && sent_ < give_up_) {
      MARK("txn: a commit's range waited in vain");
      return step;
    }
  } else if (lost || code == StatusCode::kUnavailable || code == StatusCode::kDeadlineExceeded) {
    if (give_up_ == runtime::Instant::never()) give_up_ = sent_ + kCommitPatience;
    const runtime::Instant now = channel_.node().sender.executor().now();
    MARK("txn: the answer to a commit is lost");
    if (++lost_ < kCommitSendsMax && now + kRecordPatience < give_up_) return step;
  }
  step.kind = Step::kFailed;
  step.status = std::move(response.error);
  return step;
}

// Of several ranges' answers the one that decides: a refusal before a wish for a later timestamp
// before trying again.
Committer::Step Committer::worse(Step a, Step b) {
  auto rank = [](const Step& s) {
    switch (s.kind) {
      case Step::kCommitted:
        return 0;
      case Step::kAgain:
        return 1;
      case Step::kRaise:
        return 2;
      case Step::kFailed:
        return 3;
    }
    return 3;
  };
  if (a.kind == Step::kRaise && b.kind == Step::kRaise) a.need.forward(b.need);
  return rank(b) > rank(a) ? b : a;
}

Task<Status> Committer::end_unknown(Status refusal) {
  if (!staged_ && !unknown_) co_return refusal;
  const runtime::Instant now = channel_.node().sender.executor().now();
  const runtime::Instant until =
      give_up_ != runtime::Instant::never() ? give_up_ : now + kCommitPatience;
  Result<range::EndTxnResponse> said = co_await end_record(
      channel_.node(), channel_.header, false, target_, attempt_, {}, until, first_attempt_);
  if (said.ok() && said->status == TxnStatus::kCommitted) {
    MARK("txn: a commit of unknown outcome was made");
    commit_ts_ = said->commit_ts;
    co_return Status();
  }
  if (said.ok() && said->status == TxnStatus::kAborted) {
    if (refusal.code() == StatusCode::kAborted) co_return refusal;
    if (refusal.code() != StatusCode::kAmbiguous) co_return refusal;
    MARK("txn: a commit of unknown outcome is undone");
    co_return aborted("could not commit: the answer of a range was lost")
        .with_detail("The transaction was rolled back: " + refusal.message());
  }
  MARK("txn: the outcome of a commit is not known");
  co_return ambiguous("the outcome of COMMIT is not known")
      .with_detail(refusal.message())
      .with_hint("Look whether its changes are there before running the transaction again.");
}

}  // namespace quorate::txn
