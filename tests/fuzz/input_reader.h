// Draws numbers and strings from a fuzzer's input; zeros when it has run out.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/bytes.h"

namespace quorate::fuzz {

class InputReader {
 public:
  explicit InputReader(BytesView input) : rest_(input) {}
  bool done() const { return rest_.empty(); }
  uint8_t byte() {
    if (rest_.empty()) return 0;
    auto b = static_cast<uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return b;
  }
  uint64_t word(size_t bytes = 8) {
    uint64_t v = 0;
    for (size_t i = 0; i < bytes; ++i) v |= uint64_t{byte()} << (8 * i);
    return v;
  }
  // Below `limit`, which is not zero.
  uint64_t below(uint64_t limit) { return (limit <= 256 ? byte() : word(4)) % limit; }
  BytesView take(size_t bytes) {
    BytesView out = rest_.substr(0, std::min(bytes, rest_.size()));
    rest_.remove_prefix(out.size());
    return out;
  }
  // A string of up to 255 bytes: its length first.
  BytesView text() { return take(byte()); }
  BytesView rest() const { return rest_; }

 private:
  BytesView rest_;
};

}  // namespace quorate::fuzz
