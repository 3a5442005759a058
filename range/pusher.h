// Finds out how other transactions ended, and ends those whose coordinator is gone: the resolver
// behind Leaseholder, over the router.
//
//     push at the anchor ──► COMMITTED, ABORTED: done
//        ▲       │ PENDING, or STAGING with a living coordinator: wait a little longer each time
//        └───────┤
//                │ STAGING and abandoned
//                ▼
//     query every staged key: a missing one can't land any more (safety: prevent-then-abort)
//        │ all there            │ one is missing
//        ▼                      ▼
//     end: commit            end: abort          the record decides, whoever comes first
//
// Any number may recover one transaction beside each other and beside its slow coordinator: each
// step is idempotent and the record changes once.
#pragma once

#include "range/leaseholder.h"
#include "range/router.h"
#include "runtime/env.h"
#include "runtime/hlc.h"

namespace quorate::range {

// One a node. Everything given outlives it and its tasks.
class Pusher : public ConflictResolver {
 public:
  Pusher(Router& router, runtime::Env& env, runtime::Hlc& clock, NodeId node)
      : router_(router), env_(env), clock_(clock), node_(node) {}
  runtime::Task<Result<TxnRecord>> outcome(TxnId txn, Bytes anchor, bool waits,
                                           runtime::CancelToken token) override;
  runtime::Task<Status> finish(TxnId txn, Bytes anchor, TxnRecord record,
                               runtime::CancelToken token) override;

 private:
  runtime::Task<Result<TxnRecord>> recover(TxnId txn, Bytes anchor, TxnRecord record,
                                           runtime::CancelToken token);
  // Are all there? Those that are not have been prevented when it says false.
  runtime::Task<Result<bool>> query_all(TxnId txn, TxnRecord record, runtime::CancelToken token);
  // Sends to the range of `key`, again when the range has changed meanwhile.
  runtime::Task<Result<std::vector<Response>>> send(Bytes key, TxnHeader txn,
                                                    std::vector<Request> requests,
                                                    runtime::CancelToken token);

  Router& router_;
  runtime::Env& env_;
  runtime::Hlc& clock_;
  const NodeId node_;
};

}  // namespace quorate::range
