// Which versions may be dropped: a threshold for each part of the key space (safety: gc-threshold).
// Only ever raised. Given anew by the ranges after a restart; until then nothing is dropped.
#pragma once

#include <map>
#include <optional>

#include "base/span.h"
#include "base/timestamp.h"

namespace quorate::storage {

class GcThresholds {
 public:
  void raise(const KeySpan& span, Timestamp threshold);
  Timestamp at(BytesView key) const;

  // A part whose history has not been swept since its threshold rose, from where the last sweep
  // left off; nullopt: none.
  struct Sweep {
    KeySpan span;
    Timestamp threshold;
  };
  std::optional<Sweep> next_sweep() const;
  // Everything below `until` of that part is swept (empty: all of it).
  void swept(const Sweep& sweep, const Bytes& until);

 private:
  struct Part {
    Bytes end;  // empty: no upper bound
    Timestamp threshold;
    bool swept = false;
    Bytes swept_until;  // where a sweep under way has come
  };
  void cut(const Bytes& key);
  std::map<Bytes, Part, std::less<>> parts_;  // by start; disjoint
};

}  // namespace quorate::storage
