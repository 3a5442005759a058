#include "bench/tpcc/random.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

namespace quorate::bench {
namespace {

TEST(Random, the_same_seed_gives_the_same_values_and_another_seed_others) {
  Random a(7), b(7), c(8);
  const std::string text = a.a_string(30, 30);
  EXPECT_EQ(text, b.a_string(30, 30));
  EXPECT_NE(text, c.a_string(30, 30));
}

TEST(Random, nurand_stays_in_range_and_reaches_both_ends) {
  Random random(1);
  int64_t least = 1 << 30, most = 0;
  for (int i = 0; i < 200'000; ++i) {
    const int64_t c = random.customer_id();
    least = std::min(least, c);
    most = std::max(most, c);
  }
  EXPECT_EQ(least, 1);
  EXPECT_EQ(most, 3000);
}

// A plain uniform draw would pass every other test. OR-ing in a second draw of ten bits makes
// values with many set bits common: the hottest hundredth of the customers must get several times
// its share.
TEST(Random, nurand_is_not_uniform) {
  Random random(1);
  std::map<int64_t, int> count;
  constexpr int kDraws = 300'000;
  for (int i = 0; i < kDraws; ++i) ++count[random.customer_id()];
  std::vector<int> sorted;
  for (const auto& [id, n] : count) sorted.push_back(n);
  std::sort(sorted.rbegin(), sorted.rend());
  int hottest = 0;
  for (int i = 0; i < 30; ++i) hottest += sorted[i];
  EXPECT_GT(hottest, kDraws * 5 / 100);
}

// Clause 2.1.6.1: the constants of load and run must differ, by 65 to 119 and neither 96 nor 112.
TEST(Random, the_constants_for_last_names_are_a_valid_pair) {
  const int64_t delta = std::abs(Random::kLastNameLoadC - Random::kLastNameRunC);
  EXPECT_GE(delta, 65);
  EXPECT_LE(delta, 119);
  EXPECT_NE(delta, 96);
  EXPECT_NE(delta, 112);
}

TEST(Random, last_names_are_the_standards_syllables) {
  EXPECT_EQ(last_name(0), "BARBARBAR");
  EXPECT_EQ(last_name(371), "PRICALLYOUGHT");
  EXPECT_EQ(last_name(999), "EINGEINGEING");
}

TEST(Random, a_row_in_ten_is_original) {
  Random random(3);
  int original = 0;
  for (int i = 0; i < 10'000; ++i) {
    const std::string s = random.data();
    ASSERT_GE(s.size(), 26u);
    ASSERT_LE(s.size(), 50u);
    original += s.find("ORIGINAL") != std::string::npos;
  }
  EXPECT_NEAR(original, 1000, 120);
}

TEST(Random, a_permutation_has_each_number_once) {
  Random random(3);
  std::vector<int> p = random.permutation(3000);
  EXPECT_FALSE(std::is_sorted(p.begin(), p.end()));
  std::sort(p.begin(), p.end());
  for (int i = 0; i < 3000; ++i) ASSERT_EQ(p[i], i + 1);
}

TEST(CardDeck, each_hundred_cards_hold_the_mix_exactly_and_are_shuffled) {
  Random random(5);
  CardDeck deck;
  std::vector<Kind> first;
  for (int round = 0; round < 3; ++round) {
    std::array<int, kKinds> count{};
    std::vector<Kind> dealt;
    for (int i = 0; i < 100; ++i) {
      dealt.push_back(deck.deal(random));
      ++count[static_cast<int>(dealt.back())];
    }
    EXPECT_EQ(count, (std::array<int, kKinds>{45, 43, 4, 4, 4}));
    EXPECT_FALSE(std::is_sorted(dealt.begin(), dealt.end()));
    EXPECT_NE(dealt, first);
    first = dealt;
  }
}

}  // namespace
}  // namespace quorate::bench
