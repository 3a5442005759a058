#include "base/crc32c.h"

#include <algorithm>
#include <array>
#include <cstring>

#ifdef __x86_64__
#include <nmmintrin.h>
#include <wmmintrin.h>
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
// The instruction takes three cycles and a new one can begin in each: three lanes beside each
// other, whose sums are then brought together.
constexpr size_t kLaneWordsMax = 64;

// x^(64 n - 33) modulo the polynomial, bits reflected: a carry-less product with it, fed to the
// instruction as one word, is a sum as it stands n zero words later.
constexpr std::array<uint32_t, 2 * kLaneWordsMax + 1> make_shifts() {
  std::array<uint32_t, 2 * kLaneWordsMax + 1> shifts{};
  uint32_t power = 0x80000000u;  // x^0
  size_t exponent = 0;
  for (size_t n = 1; n < shifts.size(); ++n) {
    for (; exponent < 64 * n - 33; ++exponent)
      power = (power & 1) != 0 ? 0x82f63b78u ^ (power >> 1) : power >> 1;
    shifts[n] = power;
  }
  return shifts;
}
constexpr auto kShifts = make_shifts();

uint64_t word_at(const char* p) {
  uint64_t word;
  std::memcpy(&word, p, 8);
  return word;
}

__attribute__((target("sse4.2,pclmul"))) uint64_t shifted(uint64_t sum, size_t words) {
  const __m128i product =
      _mm_clmulepi64_si128(_mm_cvtsi64_si128(static_cast<long long>(sum)),
                           _mm_cvtsi64_si128(static_cast<long long>(kShifts[words])), 0);
  return static_cast<uint64_t>(_mm_cvtsi128_si64(product));
}

__attribute__((target("sse4.2,pclmul"))) uint32_t crc_lanes(std::string_view bytes, uint32_t c) {
  uint64_t sum = c;
  const char* p = bytes.data();
  size_t left = bytes.size();
  while (left >= 48) {
    const size_t words = std::min(left / 24, kLaneWordsMax);
    const char *second = p + 8 * words, *third = second + 8 * words;
    uint64_t sum2 = 0, sum3 = 0;
    for (size_t i = 0; i + 1 < words; ++i) {
      sum = _mm_crc32_u64(sum, word_at(p + 8 * i));
      sum2 = _mm_crc32_u64(sum2, word_at(second + 8 * i));
      sum3 = _mm_crc32_u64(sum3, word_at(third + 8 * i));
    }
    sum = _mm_crc32_u64(sum, word_at(second - 8));
    sum2 = _mm_crc32_u64(sum2, word_at(third - 8));
    const char* end = third + 8 * words;
    sum = _mm_crc32_u64(sum3, word_at(end - 8) ^ shifted(sum, 2 * words) ^ shifted(sum2, words));
    p = end;
    left -= 24 * words;
  }
  for (; left >= 8; p += 8, left -= 8) sum = _mm_crc32_u64(sum, word_at(p));
  c = static_cast<uint32_t>(sum);
  if (left >= 4) {
    uint32_t half;
    std::memcpy(&half, p, 4);
    c = _mm_crc32_u32(c, half);
    p += 4;
    left -= 4;
  }
  for (; left > 0; ++p, --left) c = _mm_crc32_u8(c, static_cast<unsigned char>(*p));
  return c;
}
#endif

}  // namespace

uint32_t crc32c(std::string_view bytes, uint32_t seed) {
  uint32_t c = ~seed;
#ifdef __x86_64__
  static const bool in_hardware =
      __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul");
  return ~(in_hardware ? crc_lanes(bytes, c) : crc_portable(bytes, c));
#else
  return ~crc_portable(bytes, c);
#endif
}

}  // namespace quorate
