// A run with some of the faults of another one: those that are left come when they came there, and
// as far as that depends on chance, as they came there.
#include "sim/nemesis.h"

namespace quorate::sim {

void Nemesis::follow_plan() {
  // Up to the first fault chance goes on as if it had been drawn.
  (void)draw_pause();
  for (size_t i = 0; i < plan_->acts.size(); ++i) {
    const FaultPlan::Act& act = plan_->acts[i];
    if (!filter_.allows(i + 1, fault_kinds()[act.kind].name)) continue;
    later(act.at - cluster_.world().now(), [this, i] { follow_act(i); });
  }
}

void Nemesis::follow_act(size_t i) {
  const FaultPlan::Act& act = plan_->acts[i];
  acts_ = i;
  random_ = act.before;
  act_once();
  random_ = act.after;
}

}  // namespace quorate::sim
