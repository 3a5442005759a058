// What could go wrong: two values compare one way and their encodings another, or a decoded value
// differs.
#include "base/ordered_encoding.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace quorate {
namespace {

Bytes of(int64_t v) {
  Bytes b;
  put_ordered_i64(v, b);
  return b;
}
Bytes of(double v) {
  Bytes b;
  put_ordered_double(v, b);
  return b;
}
Bytes of(const Bytes& v) {
  Bytes b;
  put_ordered_bytes(v, b);
  return b;
}

TEST(OrderedEncoding, integers_keep_their_order_and_value) {
  std::mt19937_64 rng(1);
  std::vector<int64_t> values{INT64_MIN, -1, 0, 1, INT64_MAX};
  for (int i = 0; i < 1000; ++i) values.push_back(static_cast<int64_t>(rng()) >> (rng() % 63));
  for (int64_t a : values) {
    BytesView in;
    Bytes e = of(a);
    in = e;
    int64_t back = 0;
    ASSERT_TRUE(take_ordered_i64(in, back));
    EXPECT_EQ(back, a);
    for (int64_t b : {values[0], values[3], values[17]}) EXPECT_EQ(of(a) < of(b), a < b);
  }
}

TEST(OrderedEncoding, doubles_keep_their_order) {
  std::vector<double> sorted{-INFINITY, -1e300, -1,    -1e-300,  0,  1e-300,
                             0.5,       1,      1e300, INFINITY, NAN};
  for (size_t i = 0; i + 1 < sorted.size(); ++i) EXPECT_LT(of(sorted[i]), of(sorted[i + 1])) << i;
  EXPECT_EQ(of(-0.0), of(0.0));
}

TEST(OrderedEncoding, byte_strings_with_zeros_keep_their_order_and_end) {
  std::mt19937 rng(2);
  std::vector<Bytes> values;
  for (int i = 0; i < 300; ++i) {
    Bytes b;
    for (unsigned n = rng() % 5; n > 0; --n)
      b.push_back(
          "\x00\x01\xff"
          "a"[rng() % 4]);
    values.push_back(b);
  }
  for (const auto& a : values) {
    for (const auto& b : values) EXPECT_EQ(of(a) < of(b), a < b);
    for (bool descending : {false, true}) {
      Bytes e = of(a);
      if (descending) invert_from(0, e);
      e += "tail";
      BytesView in = e;
      Bytes back;
      ASSERT_TRUE(take_ordered_bytes(in, back, descending));
      EXPECT_EQ(back, a);
      EXPECT_EQ(in, "tail");
    }
  }
}

TEST(OrderedEncoding, golden_bytes_are_frozen) {
  EXPECT_EQ(to_hex(of(int64_t{1})), "8000000000000001");
  EXPECT_EQ(to_hex(of(-1.0)), "400fffffffffffff");
  EXPECT_EQ(to_hex(of(Bytes("a\0b", 3))), "6100ff620001");
}

}  // namespace
}  // namespace quorate
