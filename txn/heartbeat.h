// Tells the anchor of a staged commit, while its answers are waited for, that the coordinator lives
// and goes on: however slow its ranges are, nobody ends the transaction in its place. A commit of
// ordinary length is over before the first one.
#pragma once

#include "runtime/task.h"
#include "txn/node_parts.h"

namespace quorate::txn {

class Heartbeat {
 public:
  // Beats until it is destroyed. `node` outlives it.
  Heartbeat(NodeParts& node, TxnId txn, Bytes anchor);

 private:
  static runtime::Task<void> beat(NodeParts* node, TxnId txn, Bytes anchor);
  runtime::TaskScope scope_;
};

}  // namespace quorate::txn
