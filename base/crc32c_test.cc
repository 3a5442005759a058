#include "base/crc32c.h"

#include <gtest/gtest.h>

#include <string>

namespace quorate {
namespace {

// Bit by bit, as the polynomial says.
uint32_t slow(std::string_view bytes, uint32_t seed) {
  uint32_t c = ~seed;
  for (unsigned char b : bytes) {
    c ^= b;
    for (int k = 0; k < 8; ++k) c = (c & 1) != 0 ? 0x82f63b78u ^ (c >> 1) : c >> 1;
  }
  return ~c;
}

TEST(Crc32c, known_values) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);  // RFC 3720, B.4
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43u);
}

TEST(Crc32c, any_length_at_any_place_and_in_parts) {
  std::string bytes;
  for (uint32_t i = 0, x = 1; i < 8'000; ++i, x = x * 1664525 + 1013904223)
    bytes.push_back(static_cast<char>(x >> 24));
  for (size_t length = 0; length < 2'000; ++length) {
    const std::string_view part = std::string_view(bytes).substr(length % 9, length);
    ASSERT_EQ(crc32c(part), slow(part, 0)) << length;
    const size_t cut = length / 3;
    ASSERT_EQ(crc32c(part.substr(cut), crc32c(part.substr(0, cut))), slow(part, 0)) << length;
  }
  EXPECT_EQ(crc32c(bytes, 7), slow(bytes, 7));
}

}  // namespace
}  // namespace quorate
