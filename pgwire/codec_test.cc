// What could go wrong: a malformed or hostile message is read outside of its bytes, taken for
// something else, or answered with a crash.
#include "pgwire/codec.h"

#include <gtest/gtest.h>

#include "runtime/random.h"

namespace quorate::pgwire {
namespace {

Bytes frame(char type, BytesView body) {
  Bytes out;
  size_t at = begin_message(out, type);
  out.append(body);
  end_message(out, at);
  return out;
}

TEST(Codec, frame_waits_for_its_last_byte) {
  Bytes message = frame('Q', BytesView("select 1\0", 9));
  for (size_t n = 0; n < message.size(); ++n) {
    auto f = next_frame(BytesView(message).substr(0, n), 1000);
    ASSERT_TRUE(f.ok());
    EXPECT_FALSE(f->has_value());
  }
  auto f = next_frame(message, 1000);
  ASSERT_TRUE(f.ok() && f->has_value());
  EXPECT_EQ((*f)->bytes, message.size());
  EXPECT_EQ(*decode_query((*f)->body), "select 1");
}

TEST(Codec, announced_length_is_bounded) {
  EXPECT_FALSE(next_frame(BytesView("Q\x7f\xff\xff\xff", 5), 1000).ok());
  EXPECT_FALSE(next_frame(BytesView("Q\0\0\0\3", 5), 1000).ok());
  EXPECT_FALSE(next_startup_frame(BytesView("\0\1\0\0", 4)).ok());
}

TEST(Codec, text_without_end_is_a_violation) {
  EXPECT_EQ(decode_query("select 1").status().sqlstate(), sqlstate::kProtocolViolation);
  EXPECT_EQ(decode_query(BytesView("a\0b\0", 4)).status().sqlstate(), sqlstate::kProtocolViolation);
}

TEST(Codec, options_keep_escaped_blanks) {
  EXPECT_EQ(split_options("-c  a=b\\ c --d=e"), (std::vector<std::string>{"-c", "a=b c", "--d=e"}));
}

TEST(Codec, random_bytes_are_refused_or_read_within_bounds) {
  runtime::Random random(7);
  for (int i = 0; i < 20'000; ++i) {
    Bytes body;
    for (uint64_t n = random.below(40); n > 0; --n)
      body.push_back(random.chance(0.5) ? '\0' : static_cast<char>(random.next()));
    BindMessage bind;
    if (decode_bind(body, &bind).ok()) {
      for (const auto& p : bind.params)
        if (p && !p->empty()) {
          EXPECT_LE(p->data() + p->size(), body.data() + body.size());
        }
    }
    (void)decode_parse(body);
    (void)decode_execute(body);
    (void)decode_target(body, 'D');
    (void)decode_startup(body);
    (void)next_frame(body, 1000);
  }
}

TEST(Codec, error_has_every_field) {
  Bytes out;
  put_error(out, 'E', "ERROR",
            invalid_argument("m").with_detail("d").with_hint("h").with_position(3));
  EXPECT_EQ(BytesView(out).substr(5), BytesView("SERROR\0VERROR\0C22023\0Mm\0Dd\0Hh\0P3\0\0", 34));
}

}  // namespace
}  // namespace quorate::pgwire
