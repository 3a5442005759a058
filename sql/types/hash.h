// Hashes that are the same in every process: what a hash table or a spill file does must not depend
// on where the program was loaded. Not for keys that an adversary chooses the table size for.
#pragma once

#include <cstdint>
#include <cstring>

#include "base/bytes.h"

namespace quorate::sql {

inline uint64_t hash_u64(uint64_t v) {
  v ^= v >> 33;
  v *= 0xff51afd7ed558ccdULL;
  v ^= v >> 33;
  v *= 0xc4ceb9fe1a85ec53ULL;
  return v ^ v >> 33;
}

inline uint64_t hash_combine(uint64_t seed, uint64_t v) {
  return hash_u64(seed * 0x9e3779b97f4a7c15ULL + v);
}

inline uint64_t hash_bytes(BytesView v) {
  uint64_t h = 0x2545f4914f6cdd1dULL ^ v.size();
  for (; v.size() >= 8; v.remove_prefix(8)) {
    uint64_t word = 0;
    std::memcpy(&word, v.data(), 8);
    h = hash_combine(h, word);
  }
  uint64_t rest = 0;
  if (!v.empty()) std::memcpy(&rest, v.data(), v.size());
  return hash_combine(h, rest);
}

}  // namespace quorate::sql
