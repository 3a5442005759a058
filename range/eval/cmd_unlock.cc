// Ends the transaction's locks of this range. Those that stand for intents end with the intents.
#include "range/eval/evaluation.h"

namespace quorate::range {

Verdict eval_unlock(Evaluation& e) {
  if (!e.txn.id) return e.fail(internal_error("unlocking needs a transaction"));
  e.effects.unlocked.push_back(e.txn.id);
  return Verdict::kDone;
}

}  // namespace quorate::range
