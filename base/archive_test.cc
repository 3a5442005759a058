// What could go wrong: a value changes on its way through bytes, or bad bytes crash or hang the
// reader.
#include "base/archive.h"

#include <gtest/gtest.h>

#include <random>

#include "base/ids.h"
#include "base/timestamp.h"

namespace quorate {
namespace {

struct Inner {
  int64_t a = 0;
  std::optional<std::string> b;
  template <class A>
  void serialize(A& ar) {
    ar(a, b);
  }
  bool operator==(const Inner&) const = default;
};
struct Outer {
  RangeId id;
  Timestamp ts;
  std::vector<Inner> list;
  std::map<std::string, uint32_t> map;
  std::variant<std::monostate, Inner, std::string> choice;
  double d = 0;
  template <class A>
  void serialize(A& ar) {
    ar(id, ts, list, map, choice, d);
  }
  bool operator==(const Outer&) const = default;
};

Outer sample() {
  return {RangeId(7),
          Timestamp::from_micros(5, 3),
          {{-1, "x"}, {INT64_MIN, std::nullopt}},
          {{"k", 9}},
          Inner{4, ""},
          -2.5};
}

TEST(Archive, a_struct_comes_back_as_it_went) {
  Outer back;
  ASSERT_TRUE(decode(encode(sample()), back).ok());
  EXPECT_EQ(back, sample());
}

TEST(Archive, short_and_mutated_input_is_refused_or_decodes_but_never_crashes) {
  Bytes good = encode(sample());
  for (size_t n = 0; n < good.size(); ++n) {
    Outer back;
    EXPECT_FALSE(decode(BytesView(good).substr(0, n), back).ok()) << n;
  }
  std::mt19937 rng(3);
  for (int i = 0; i < 20000; ++i) {
    Bytes bad = good;
    for (int k = 0; k < 3; ++k) bad[rng() % bad.size()] = static_cast<char>(rng());
    Outer back;
    (void)decode(bad, back);
  }
}

TEST(Archive, golden_bytes_are_frozen) { EXPECT_EQ(to_hex(encode(Inner{-3, "ab"})), "0501026162"); }

}  // namespace
}  // namespace quorate
