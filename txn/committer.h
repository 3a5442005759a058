// COMMIT of a transaction's buffered writes (design §9; safety group 5).
//
// All writes in one range: one batch (kOnePhase), which the range evaluates and applies as a whole
// at the smallest timestamp it can, together with the proof of the reads that lie there.
//
// Several ranges: the commit timestamp is chosen and everything read is proved up to it first; then
// all ranges are staged at that timestamp beside each other, the anchor's with the record that
// lists all keys. When all have answered the transaction is committed, and finish_commit()
// (ender.h) makes that explicit behind the answer.
//
//      +--------------------- regroup: ranges moved (same attempt) <---------------+
//      v                                                                           |
//   group --one range--> one phase --ok--> COMMITTED                               |
//      |                     |-- needs a later timestamp --> prove up to it -------+
//      |                     |-- answer lost --> send again (the record under the  |
//      |                     |      anchor tells what happened: commit-once) ------+
//      +--several--> prove --> stage all --all ok--> COMMITTED                     |
//                                |-- as above -------------------------------------+
//                                '-- refused, or unknown for too long --> end_unknown():
//                                      abort at the anchor, which answers what is true
//
// A commit whose sends are all definitely refused is an error of its own class (mostly kAborted);
// one whose fate stays unknown is kAmbiguous (40003). What is asked to move after it was staged
// asks its record first, whether others have committed it (docs/decisions/0015). Cancellation
// counts until the first send; from there on the outcome is waited for, bounded by the router's
// patience and kCommitSendsMax.
#pragma once

#include <optional>
#include <vector>

#include "txn/commit_work.h"
#include "txn/heartbeat.h"
#include "txn/refresher.h"

namespace quorate::txn {

class Committer {
 public:
  Committer(TxnChannel& channel, CommitWork work);
  runtime::Task<Status> run();

  Timestamp commit_ts() const { return commit_ts_; }
  Timestamp attempt() const { return attempt_; }
  // Some range may hold an intent: the end must be told to all keys.
  bool staged() const { return staged_; }
  // Where a one-phase commit ended the transaction's locks; otherwise empty().
  const KeySpan& unlocked() const { return unlocked_; }
  // For finish_commit() and finish_abort().
  std::vector<Bytes> keys() const;

 private:
  struct Step {
    enum Kind : uint8_t { kCommitted, kAgain, kRaise, kFailed } kind = kAgain;
    Timestamp need;
    Status status;
  };
  struct Part {
    Target target;
    range::CommitRequest request;
  };
  Step judge(range::BatchResponse& response);
  static Step worse(Step a, Step b);
  runtime::Task<Status> group(std::vector<Part>* parts);
  runtime::Task<Step> one_phase(Part part);
  runtime::Task<Step> stage(std::vector<Part> parts);
  runtime::Task<Step> stage_anchor_first(Part part);
  runtime::Task<range::BatchResponse> send(Part part);
  runtime::Task<Status> prove(Timestamp to);
  runtime::Task<Status> raise(Timestamp need);
  // Ends a commit that was refused while an earlier send may have happened.
  runtime::Task<Status> end_unknown(Status refusal);
  Status fail_deadline() const;

  TxnChannel& channel_;
  CommitWork work_;
  Refresher refresher_;
  Bytes anchor_;
  Timestamp attempt_, first_attempt_;
  Timestamp target_;  // stage at it; one phase: at least it
  Timestamp proved_;  // work_.reads hold up to it
  Timestamp commit_ts_;
  KeySpan unlocked_{Bytes(1, '\0'), Bytes(1, '\0')};
  bool staged_ = false;
  std::optional<Heartbeat> heartbeat_;  // from the first staging on
  bool one_phase_sent_ = false;
  bool anchor_staged_ = false;  // by stage_anchor_first(), at target_
  bool unknown_ = false;        // the commit may have happened, or may still
  int lost_ = 0;                // sends without a definite answer
  int waited_ = 0;              // sends that were answered when they had waited in vain
  runtime::Instant sent_;       // the present round
  runtime::Instant give_up_ = runtime::Instant::never();  // known from the first lost answer on
};

}  // namespace quorate::txn
