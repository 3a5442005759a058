// A node's hybrid logical clock (Kulkarni et al., "Logical Physical Clocks", 2014).
//
// now() never repeats and never goes back. update() carries another's time over, so that what
// happened before a message is below what happens after it. A timestamp that is further ahead of
// our physical clock than `max_offset` is refused (safety: restart-clock): its sender's clock is
// out of bounds, and taking it would push everyone.
//
// After a restart the owner calls forward() with the durable upper bound that its store kept
// (safety: restart-clock), so that no timestamp is given twice over a crash.
#pragma once

#include "base/status.h"
#include "base/timestamp.h"
#include "runtime/clock.h"

namespace quorate::runtime {

class Hlc {
 public:
  Hlc(const Clock& clock, int64_t max_offset_micros)
      : clock_(clock), max_offset_micros_(max_offset_micros) {}

  Timestamp now();
  // The time now() would exceed, without taking it.
  Timestamp peek() const;
  // Raises the clock to `t`, or refuses (kFailedPrecondition) when t is out of bounds.
  Status update(Timestamp t);
  // The same without the check: for times that were checked or made here (own log, own disk).
  void forward(Timestamp t) { last_.forward(t); }
  uint64_t physical_micros() const { return clock_.wall_micros(); }
  int64_t max_offset_micros() const { return max_offset_micros_; }

 private:
  const Clock& clock_;
  const int64_t max_offset_micros_;
  Timestamp last_;
};

}  // namespace quorate::runtime
