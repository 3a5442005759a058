#include "sql/types/value_encoding.h"

#include <bit>

#include "fmt/format.h"

namespace quorate::sql {

static_assert(std::endian::native == std::endian::little,
              "floats are stored in the machine's byte order");

void put_varint(uint64_t v, Bytes& out) {
  for (; v >= 0x80; v >>= 7) out.push_back(static_cast<char>(v | 0x80));
  out.push_back(static_cast<char>(v));
}

bool take_varint(BytesView& in, uint64_t& v) {
  v = 0;
  for (size_t i = 0; i < in.size() && i < 10; ++i) {
    auto c = static_cast<unsigned char>(in[i]);
    v |= static_cast<uint64_t>(c & 0x7f) << (7 * i);
    if (c < 0x80) {
      in.remove_prefix(i + 1);
      return true;
    }
  }
  return false;
}

void encode_value(Oid type, const Datum& v, Bytes& out) {
  switch (type_info(type).rep) {
    case Rep::kBool:
      out.push_back(v.as_bool() ? '\1' : '\0');
      return;
    case Rep::kInt:
      put_varint(zigzag(v.as_int()), out);
      return;
    case Rep::kDouble: {
      double d = v.as_double();
      if (type == oid::kFloat4) {
        auto f = static_cast<float>(d);
        out.append(reinterpret_cast<const char*>(&f), sizeof(f));
      } else {
        out.append(reinterpret_cast<const char*>(&d), sizeof(d));
      }
      return;
    }
    case Rep::kBytes:
      out.append(v.as_bytes());
      return;
  }
}

bool decode_value_fast(Rep rep, Oid type, BytesView in, Datum* out) {
  switch (rep) {
    case Rep::kBool:
      if (in.size() != 1) return false;
      *out = Datum::of_bool(in[0] != 0);
      return true;
    case Rep::kInt: {
      uint64_t v = 0;
      if (!take_varint(in, v) || !in.empty()) return false;
      *out = Datum::of_int(unzigzag(v));
      return true;
    }
    case Rep::kDouble: {
      float f = 0;
      double d = 0;
      if (type == oid::kFloat4) {
        if (in.size() != sizeof(f)) return false;
        std::memcpy(&f, in.data(), sizeof(f));
        d = f;
      } else {
        if (in.size() != sizeof(d)) return false;
        std::memcpy(&d, in.data(), sizeof(d));
      }
      *out = Datum::of_double(d);
      return true;
    }
    case Rep::kBytes:
      *out = Datum::view(in);
      return true;
  }
  return false;
}

Result<Datum> decode_value(Oid type, BytesView in) {
  Datum v;
  size_t width = fixed_value_width(type);
  if ((width != 0 && in.size() != width) || (type == oid::kNumeric && in.empty()) ||
      !decode_value_fast(type_info(type).rep, type, in, &v)) {
    return corruption(fmt::format("stored value of type {} is damaged", type_info(type).name));
  }
  return v;
}

size_t fixed_value_width(Oid type) {
  switch (type) {
    case oid::kBool:
      return 1;
    case oid::kFloat4:
      return 4;
    case oid::kFloat8:
      return 8;
    case oid::kUuid:
    case oid::kInterval:
      return 16;
    case oid::kTimetz:
      return 12;
    default:
      return 0;
  }
}

}  // namespace quorate::sql
