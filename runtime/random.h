// Randomness as a value: streams derived from one seed, one a purpose, so that adding a draw to one
// part does not shift another's. Not for secrets: those come from Env::entropy.
#pragma once

#include <cstdint>
#include <string_view>

namespace quorate::runtime {

class Random {
 public:
  explicit Random(uint64_t seed) {
    for (auto& s : state_) s = splitmix(seed);
  }
  // A stream of its own, the same for the same seed and name.
  Random fork(std::string_view name);
  uint64_t next();
  // Uniform in [0, n); n > 0.
  uint64_t below(uint64_t n);
  int64_t between(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(below(high - low + 1));
  }
  double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  bool chance(double p) { return uniform() < p; }

 private:
  static uint64_t splitmix(uint64_t& x);
  uint64_t state_[4];
};

}  // namespace quorate::runtime
