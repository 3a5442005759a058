#include "sql/functions/digest.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "sql/types/scan.h"

namespace quorate::sql {
namespace {

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// RFC 1321: the constants are the integer parts of 2^32 * |sin(i + 1)|.
const std::array<uint32_t, 64>& md5_constants() {
  static const std::array<uint32_t, 64> table = [] {
    std::array<uint32_t, 64> t{};
    for (int i = 0; i < 64; ++i)
      t[i] = static_cast<uint32_t>(std::floor(std::fabs(std::sin(i + 1.0)) * 4294967296.0));
    return t;
  }();
  return table;
}

void md5_block(const char* data, std::array<uint32_t, 4>& state) {
  static constexpr int kShifts[4][4] = {
      {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
  uint32_t words[16];
  std::memcpy(words, data, sizeof(words));
  auto [a, b, c, d] = state;
  for (int i = 0; i < 64; ++i) {
    uint32_t f = 0;
    int g = 0;
    switch (i / 16) {
      case 0:
        f = (b & c) | (~b & d);
        g = i;
        break;
      case 1:
        f = (d & b) | (~d & c);
        g = (5 * i + 1) % 16;
        break;
      case 2:
        f = b ^ c ^ d;
        g = (3 * i + 5) % 16;
        break;
      default:
        f = c ^ (b | ~d);
        g = 7 * i % 16;
        break;
    }
    uint32_t next = b + std::rotl(a + f + md5_constants()[i] + words[g], kShifts[i / 16][i % 4]);
    a = d, d = c, c = b, b = next;
  }
  state[0] += a, state[1] += b, state[2] += c, state[3] += d;
}

}  // namespace

Bytes md5_digest(BytesView v) {
  std::array<uint32_t, 4> state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
  uint64_t bits = v.size() * 8;
  for (; v.size() >= 64; v.remove_prefix(64)) md5_block(v.data(), state);
  Bytes tail(v);
  tail.push_back(static_cast<char>(0x80));
  while (tail.size() % 64 != 56) tail.push_back('\0');
  tail.append(reinterpret_cast<const char*>(&bits), sizeof(bits));
  for (size_t at = 0; at < tail.size(); at += 64) md5_block(tail.data() + at, state);
  return Bytes(reinterpret_cast<const char*>(state.data()), sizeof(state));
}

Bytes base64_encode(BytesView v) {
  Bytes out;
  size_t line = 0;
  for (size_t i = 0; i < v.size(); i += 3) {
    uint32_t group = 0;
    size_t count = std::min<size_t>(3, v.size() - i);
    for (size_t j = 0; j < 3; ++j)
      group = group << 8 | (j < count ? static_cast<unsigned char>(v[i + j]) : 0);
    for (size_t j = 0; j < 4; ++j)
      out.push_back(j <= count ? kBase64[group >> (18 - 6 * j) & 63] : '=');
    line += 4;
    if (line == 76 && i + 3 < v.size()) {
      out.push_back('\n');
      line = 0;
    }
  }
  return out;
}

std::optional<Bytes> base64_decode(BytesView v) {
  Bytes out;
  uint32_t group = 0;
  int have = 0, padding = 0;
  for (char c : v) {
    if (is_blank(c)) continue;
    size_t digit = kBase64.find(c);
    if (c == '=') {
      digit = 0;
      ++padding;
    } else if (digit == std::string_view::npos || padding > 0) {
      return std::nullopt;
    }
    group = group << 6 | static_cast<uint32_t>(digit);
    if (++have < 4) continue;
    if (padding > 2) return std::nullopt;
    for (int j = 0; j < 3 - padding; ++j) out.push_back(static_cast<char>(group >> (16 - 8 * j)));
    have = 0;
    group = 0;
  }
  if (have != 0) return std::nullopt;
  return out;
}

}  // namespace quorate::sql
