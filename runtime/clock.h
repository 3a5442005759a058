// Physical time as the outside tells it. Only runtime/hlc.h and what prints dates looks at it.
#pragma once

#include <cstdint>

namespace quorate::runtime {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual uint64_t wall_micros() const = 0;  // since 1970; may jump either way
};

}  // namespace quorate::runtime
