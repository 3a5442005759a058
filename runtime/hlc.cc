#include "runtime/hlc.h"

namespace quorate::runtime {

Timestamp Hlc::peek() const {
  Timestamp physical = Timestamp::from_micros(clock_.wall_micros());
  return physical > last_ ? physical : last_;
}

Timestamp Hlc::now() {
  Timestamp physical = Timestamp::from_micros(clock_.wall_micros());
  last_ = physical > last_ ? physical : last_.next();
  return last_;
}

Status Hlc::update(Timestamp t) {
  if (t <= last_) return Status();
  int64_t ahead = static_cast<int64_t>(t.micros()) - static_cast<int64_t>(clock_.wall_micros());
  if (ahead > max_offset_micros_) {
    return failed_precondition("a timestamp is " + std::to_string(ahead) +
                               " us ahead of this node's clock, more than max_clock_offset allows");
  }
  last_ = t;
  return Status();
}

}  // namespace quorate::runtime
