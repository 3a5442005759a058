// A machine's wall clock: virtual time, shifted and running too fast or too slow as the test sets
// it. It survives the node's incarnations.
#pragma once

#include "runtime/clock.h"
#include "runtime/sim/sim_world.h"

namespace quorate::runtime {

class SimClock : public Clock {
 public:
  explicit SimClock(SimWorld& world, std::string machine = {})
      : world_(world), machine_(std::move(machine)) {}
  uint64_t wall_micros() const override;

  // Microseconds ahead of the true time (virtual time plus SimOptions::wall_start_micros).
  int64_t offset_micros() const;
  // Sets the clock: a jump, either way.
  void set_offset(int64_t micros);
  void step(int64_t micros) { set_offset(offset_micros() + micros); }
  // Parts per million too fast (below zero: too slow) from now on; no jump.
  void set_drift(int64_t ppm);

 private:
  SimWorld& world_;
  const std::string machine_;
  // offset = base_ + drift since since_
  int64_t base_micros_ = 0;
  Instant since_;
  int64_t drift_ppm_ = 0;
};

}  // namespace quorate::runtime
