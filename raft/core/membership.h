// Membership changes as arithmetic on ConfState: pure, the same on every replica.
//
//            simple: at most one voter differs
//   (1 2 3) ───────────────────────────────────► (1 2 3 4)
//       │ enter joint                       ▲
//       ▼                                   │ leave joint
//   (1 4 5)&&(1 2 3) ───────────────────────┘ (1 4 5)
#pragma once

#include "base/status.h"
#include "raft/core/types.h"

namespace quorate::raft {

// The configuration after `change`. kInvalidArgument when it can't follow `conf`: a joint one
// entered twice or left without being in one, a group without voters, an added replica without a
// store, one added again under another store, a simple change of several voters.
// `never_joint` (planted bug only): any number of voters changes at once.
Result<ConfState> change_conf(const ConfState& conf, const ConfChange& change,
                              bool never_joint = false);

// Whether the parts of a configuration fit together. For tests, invariants and what comes from
// outside.
Status validate_conf(const ConfState& conf);

}  // namespace quorate::raft
