#include "base/ordered_encoding.h"

#include <bit>
#include <cmath>

namespace quorate {
namespace {

constexpr uint64_t kSignBit = uint64_t{1} << 63;

template <class T>
void put_big_endian(T v, Bytes& out) {
  char raw[sizeof(T)];
  for (size_t i = 0; i < sizeof(T); ++i) raw[i] = static_cast<char>(v >> (8 * (sizeof(T) - 1 - i)));
  out.append(raw, sizeof(T));
}

template <class T>
bool take_big_endian(BytesView& in, T& v) {
  if (in.size() < sizeof(T)) return false;
  v = 0;
  for (size_t i = 0; i < sizeof(T); ++i)
    v = static_cast<T>(v << 8 | static_cast<unsigned char>(in[i]));
  in.remove_prefix(sizeof(T));
  return true;
}

}  // namespace

void put_ordered_u8(uint8_t v, Bytes& out) { out.push_back(static_cast<char>(v)); }
void put_ordered_u32(uint32_t v, Bytes& out) { put_big_endian(v, out); }
void put_ordered_u64(uint64_t v, Bytes& out) { put_big_endian(v, out); }
void put_ordered_i64(int64_t v, Bytes& out) {
  put_big_endian(static_cast<uint64_t>(v) ^ kSignBit, out);
}

void put_ordered_double(double v, Bytes& out) {
  if (v == 0) v = 0;  // -0 and 0 are one key
  if (std::isnan(v)) return put_big_endian(~uint64_t{0}, out);
  uint64_t bits = std::bit_cast<uint64_t>(v);
  put_big_endian((bits & kSignBit) != 0 ? ~bits : bits | kSignBit, out);
}

void put_ordered_bytes(BytesView v, Bytes& out) {
  for (;;) {
    size_t zero = v.find('\0');
    if (zero == BytesView::npos) break;
    out.append(v.substr(0, zero));
    out.append("\x00\xff", 2);
    v.remove_prefix(zero + 1);
  }
  out.append(v);
  out.append("\x00\x01", 2);
}

void invert_from(size_t from, Bytes& out) {
  for (size_t i = from; i < out.size(); ++i) out[i] = static_cast<char>(~out[i]);
}

bool take_ordered_u8(BytesView& in, uint8_t& v) { return take_big_endian(in, v); }
bool take_ordered_u32(BytesView& in, uint32_t& v) { return take_big_endian(in, v); }
bool take_ordered_u64(BytesView& in, uint64_t& v, bool descending) {
  if (!take_big_endian(in, v)) return false;
  if (descending) v = ~v;
  return true;
}
bool take_ordered_i64(BytesView& in, int64_t& v, bool descending) {
  uint64_t u = 0;
  if (!take_ordered_u64(in, u, descending)) return false;
  v = static_cast<int64_t>(u ^ kSignBit);
  return true;
}
bool take_ordered_double(BytesView& in, double& v, bool descending) {
  uint64_t u = 0;
  if (!take_ordered_u64(in, u, descending)) return false;
  if (u == ~uint64_t{0}) {
    v = std::nan("");
  } else {
    v = std::bit_cast<double>((u & kSignBit) != 0 ? u ^ kSignBit : ~u);
    // Another NaN, or -0, is never written.
    if (std::isnan(v) || (v == 0 && std::signbit(v))) return false;
  }
  return true;
}
bool take_ordered_bytes(BytesView& in, Bytes& v, bool descending) {
  v.clear();
  const unsigned char flip = descending ? 0xff : 0;
  for (size_t i = 0; i < in.size(); ++i) {
    unsigned char c = static_cast<unsigned char>(in[i]) ^ flip;
    if (c != 0) {
      v.push_back(static_cast<char>(c));
      continue;
    }
    if (i + 1 >= in.size()) return false;
    unsigned char escape = static_cast<unsigned char>(in[i + 1]) ^ flip;
    if (escape == 0x01) {
      in.remove_prefix(i + 2);
      return true;
    }
    if (escape != 0xff) return false;
    v.push_back('\0');
    ++i;
  }
  return false;
}

}  // namespace quorate
