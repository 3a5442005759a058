// Keys must sort as values do, and both encodings must give back an equal value.
#include <gtest/gtest.h>

#include "sql/types/compare.h"
#include "sql/types/key_encoding.h"
#include "sql/types/text_io.h"
#include "sql/types/value_encoding.h"

namespace quorate::sql {
namespace {

struct Sample {
  Oid type;
  std::vector<const char*> texts;
};

const Sample kSamples[] = {
    {oid::kBool, {"f", "t"}},
    {oid::kInt8, {"-9223372036854775808", "-1", "0", "1", "9223372036854775807"}},
    {oid::kFloat8, {"-Infinity", "-1.5", "-0", "0", "1e-300", "2", "Infinity", "NaN"}},
    {oid::kNumeric,
     {"-Infinity", "-1e30", "-100", "-99.99", "-1.5", "-0.001", "0", "0.00", "1e-20", "0.1", "0.10",
      "9", "10", "10.01", "99999999999999999999.5", "1e40", "Infinity", "NaN"}},
    {oid::kText, {"", "a", "a b", "ab", "b"}},
    {oid::kBpchar, {"", "a", "a  ", "ab"}},
    {oid::kInterval, {"-1 mon", "-1 sec", "0", "1 day", "24:00", "30 days", "1 mon", "1 year"}},
    {oid::kInt4Array, {"{}", "{1}", "{1,2}", "{1,NULL}", "{2}", "{NULL}"}},
    {oid::kUuid, {"00000000-0000-0000-0000-000000000001", "ffffffff-0000-0000-0000-000000000000"}},
};

int sign(int c) { return c < 0 ? -1 : c > 0; }

TEST(KeyEncoding, keys_sort_as_values_do_in_both_directions) {
  IoContext io;
  for (const Sample& s : kSamples) {
    for (const char* x : s.texts) {
      for (const char* y : s.texts) {
        const Datum a = input_text(Type{s.type}, x, io).value(),
                    b = input_text(Type{s.type}, y, io).value();
        for (bool descending : {false, true}) {
          Bytes p, q;
          encode_key(Type{s.type}, a, descending, false, p);
          encode_key(Type{s.type}, b, descending, false, q);
          int wanted = sign(compare(s.type, a, b));
          EXPECT_EQ(sign(p.compare(q)), descending ? -wanted : wanted) << x << " and " << y;
        }
        if (compare(s.type, a, b) == 0) {
          EXPECT_EQ(hash(s.type, a), hash(s.type, b)) << x << " and " << y;
        }
      }
    }
  }
}

TEST(KeyEncoding, decoding_gives_an_equal_value_and_leaves_what_follows) {
  IoContext io;
  for (const Sample& s : kSamples) {
    for (const char* x : s.texts) {
      const Datum a = input_text(Type{s.type}, x, io).value();
      for (bool descending : {false, true}) {
        Bytes key;
        encode_key(Type{s.type}, a, descending, false, key);
        key += "rest";
        BytesView in = key;
        Datum back;
        ASSERT_TRUE(decode_key(Type{s.type}, in, descending, false, &back).ok()) << x;
        EXPECT_EQ(in, "rest");
        EXPECT_TRUE(equal(s.type, a, back)) << x;
      }
    }
  }
}

TEST(ValueEncoding, decoding_gives_the_same_text) {
  IoContext io;
  for (const Sample& s : kSamples) {
    for (const char* x : s.texts) {
      const Datum a = input_text(Type{s.type}, x, io).value();
      Bytes bytes;
      encode_value(s.type, a, bytes);
      const Datum back = decode_value(s.type, bytes).value();
      EXPECT_EQ(to_text(Type{s.type}, a, io), to_text(Type{s.type}, back, io));
    }
  }
}

}  // namespace
}  // namespace quorate::sql
