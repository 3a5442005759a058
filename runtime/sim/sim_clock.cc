#include "runtime/sim/sim_clock.h"

#include "runtime/sim/sim_observer.h"

namespace quorate::runtime {

int64_t SimClock::offset_micros() const {
  int64_t elapsed = (world_.now() - since_).count() / 1'000;
  return base_micros_ + elapsed * drift_ppm_ / 1'000'000;
}

uint64_t SimClock::wall_micros() const {
  int64_t elapsed = world_.now().since_start.count() / 1'000;
  return static_cast<uint64_t>(static_cast<int64_t>(world_.options().wall_start_micros) + elapsed +
                               offset_micros());
}

void SimClock::set_offset(int64_t micros) {
  base_micros_ = micros;
  since_ = world_.now();
  if (auto* o = world_.observer()) o->on_clock(machine_, micros);
}

void SimClock::set_drift(int64_t ppm) {
  set_offset(offset_micros());
  drift_ppm_ = ppm;
}

}  // namespace quorate::runtime
