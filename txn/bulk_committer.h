// COMMIT of a transaction whose writes lie in their ranges as sorted runs (design §9).
//
//    choose a timestamp, prove what was read up to it
//        │                                  needs a later one: again, higher
//    stage all runs, and locks that are relied on, at it, in all ranges beside each other
//        │                                  refused: ABORTED
//    record at the anchor: PENDING ─► COMMITTED          and only then the answer
//
// One round trip more than a parallel commit, and nothing to recover: until the record says
// COMMITTED whoever finds the transaction left alone aborts it there.
#pragma once

#include "txn/commit_work.h"
#include "txn/refresher.h"
#include "txn/run_writer.h"

namespace quorate::txn {

class BulkCommitter {
 public:
  BulkCommitter(TxnChannel& channel, CommitWork work, std::vector<range::RunRef> runs)
      : channel_(channel), work_(std::move(work)), runs_(std::move(runs)), refresher_(channel) {}
  // As Committer::run().
  runtime::Task<Status> run();
  Timestamp commit_ts() const { return target_; }
  Timestamp attempt() const { return attempt_; }

 private:
  struct Part {
    Target target;
    range::CommitRequest request;
  };
  enum class Step : uint8_t { kStaged, kAgain, kRaise };
  runtime::Task<Result<std::vector<Part>>> group();
  runtime::Task<Result<Step>> stage();
  runtime::Task<range::BatchResponse> send(Part part);
  runtime::Task<Status> prove();
  runtime::Task<Status> commit_record();
  runtime::Task<Status> give_up(Status why);

  TxnChannel& channel_;
  CommitWork work_;
  std::vector<range::RunRef> runs_;
  Refresher refresher_;
  Timestamp target_, attempt_;
  int lost_ = 0;
};

}  // namespace quorate::txn
