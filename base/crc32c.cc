#include "base/crc32c.h"

#include <array>
#include <cstring>

#ifdef __x86_64__
#include <nmmintrin.h>
#endif

namespace quorate {
namespace {

constexpr std::array<uint32_t, 256> make_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t c = i;
    for (int k = 0; k < 8; ++k) c = (c & 1) != 0 ? 0x82f63b78u ^ (c >> 1) : c >> 1;
    table[i] = c;
  }
  return table;
}
constexpr auto kTable = make_table();

uint32_t crc_portable(std::string_view bytes, uint32_t c) {
  for (unsigned char b : bytes) c = kTable[(c ^ b) & 0xff] ^ (c >> 8);
  return c;
}

#ifdef __x86_64__
__attribute__((target("sse4.2"))) uint32_t crc_sse42(std::string_view bytes, uint32_t c) {
  uint64_t c64 = c;
  while (bytes.size() >= 8) {
    uint64_t word;
    std::memcpy(&word, bytes.data(), 8);
    c64 = _mm_crc32_u64(c64, word);
    bytes.remove_prefix(8);
  }
  c = static_cast<uint32_t>(c64);
  for (unsigned char b : bytes) c = _mm_crc32_u8(c, b);
  return c;
}
#endif

}  // namespace

uint32_t crc32c(std::string_view bytes, uint32_t seed) {
  uint32_t c = ~seed;
#ifdef __x86_64__
  static const bool have_sse42 = __builtin_cpu_supports("sse4.2");
  return ~(have_sse42 ? crc_sse42(bytes, c) : crc_portable(bytes, c));
#else
  return ~crc_portable(bytes, c);
#endif
}

}  // namespace quorate
