// Is a staged write there? When it is not, the timestamp cache sees to it that it never will be
// (safety: prevent-then-abort).
#include "base/mark.h"
#include "range/eval/evaluation.h"

namespace quorate::range {

Verdict eval_query_intent(Evaluation& e, const QueryIntentRequest& request,
                          QueryIntentResponse& out) {
  out.found = false;
  if (e.look_for_intents()) {
    auto found = load_intent(*e.view, request.key);
    if (!found.ok()) return e.fail(found.status());
    out.found = *found && (*found)->txn == request.txn && (*found)->ts <= request.ts &&
                (!request.attempt || (*found)->attempt == request.attempt);
  }
  if (!out.found && !e.planted.recover_without_prevent) {
    MARK("range: a missing write is prevented");
    e.state.reads.add(BytesView(request.key), request.ts, kAllColumns, TxnId());
  }
  MARK("range: a recovery asks for a write");
  return Verdict::kDone;
}

}  // namespace quorate::range
