// Hybrid-logical-clock timestamps: 52 bits of microseconds since 1970 and 12 logical bits (until
// 2112).
#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace quorate {

struct Timestamp {
  uint64_t packed = 0;  // microseconds << 12 | logical; zero: no timestamp

  static constexpr int kLogicalBits = 12;
  constexpr Timestamp() = default;
  constexpr explicit Timestamp(uint64_t p) : packed(p) {}
  static constexpr Timestamp from_micros(uint64_t micros, uint32_t logical = 0) {
    return Timestamp(micros << kLogicalBits | logical);
  }
  static constexpr Timestamp max() { return Timestamp(~uint64_t{0}); }

  constexpr uint64_t micros() const { return packed >> kLogicalBits; }
  constexpr uint32_t logical() const { return packed & ((1u << kLogicalBits) - 1); }
  constexpr explicit operator bool() const { return packed != 0; }
  constexpr Timestamp next() const { return Timestamp(packed + 1); }
  constexpr Timestamp prev() const { return Timestamp(packed - 1); }
  constexpr Timestamp add_micros(int64_t d) const {
    return Timestamp(packed + (static_cast<uint64_t>(d) << kLogicalBits));
  }
  void forward(Timestamp t) {
    if (t.packed > packed) packed = t.packed;
  }
  friend constexpr auto operator<=>(const Timestamp&, const Timestamp&) = default;
  std::string to_string() const;  // "1700000000.123456,7"

  template <class Archive>
  void serialize(Archive& a) {
    a.fixed64(packed);
  }
  template <class H>
  friend H AbslHashValue(H h, const Timestamp& t) {
    return H::combine(std::move(h), t.packed);
  }
};

}  // namespace quorate
