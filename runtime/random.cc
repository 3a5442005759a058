#include "runtime/random.h"

#include <bit>

#include "base/check.h"

namespace quorate::runtime {

// Vigna's splitmix64 seeds Blackman and Vigna's xoshiro256**.
uint64_t Random::splitmix(uint64_t& x) {
  uint64_t z = (x += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

uint64_t Random::next() {
  uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

Random Random::fork(std::string_view name) {
  uint64_t h = next();
  for (unsigned char c : name) h = (h ^ c) * 0x100000001b3;
  return Random(h);
}

uint64_t Random::below(uint64_t n) {
  CHECK(n > 0);
  return static_cast<uint64_t>((static_cast<unsigned __int128>(next()) * n) >> 64);
}

}  // namespace quorate::runtime
