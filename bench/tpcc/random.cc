#include "bench/tpcc/random.h"

#include <algorithm>
#include <cmath>

namespace quorate::bench {

Random::Random(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 1) {}

uint64_t Random::next() {  // splitmix64
  uint64_t z = state_ += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

int64_t Random::uniform(int64_t low, int64_t high) {
  return low + static_cast<int64_t>(next() % static_cast<uint64_t>(high - low + 1));
}

double Random::unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

double Random::exponential(double mean) {
  return std::min(-std::log(1.0 - unit()) * mean, 10 * mean);
}

int64_t Random::nurand(int64_t a, int64_t c, int64_t low, int64_t high) {
  return (((uniform(0, a) | uniform(low, high)) + c) % (high - low + 1)) + low;
}

std::string Random::a_string(int low, int high) {
  static constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  std::string s(uniform(low, high), ' ');
  for (char& c : s) c = kAlphabet[next() % kAlphabet.size()];
  return s;
}

std::string Random::n_string(int low, int high) {
  std::string s(uniform(low, high), ' ');
  for (char& c : s) c = static_cast<char>('0' + next() % 10);
  return s;
}

std::string Random::data() {
  static constexpr std::string_view kOriginal = "ORIGINAL";
  std::string s = a_string(26, 50);
  if (percent(10)) {
    s.replace(uniform(0, static_cast<int64_t>(s.size() - kOriginal.size())), kOriginal.size(),
              kOriginal);
  }
  return s;
}

std::vector<int> Random::permutation(int n) {
  std::vector<int> p(n);
  for (int i = 0; i < n; ++i) p[i] = i + 1;
  for (int i = n - 1; i > 0; --i) std::swap(p[i], p[uniform(0, i)]);
  return p;
}

std::string last_name(int64_t number) {
  static constexpr std::string_view kSyllables[] = {"BAR", "OUGHT", "ABLE",  "PRI",   "PRES",
                                                    "ESE", "ANTI",  "CALLY", "ATION", "EING"};
  std::string name;
  for (int64_t digit : {number / 100 % 10, number / 10 % 10, number % 10})
    name += kSyllables[digit];
  return name;
}

std::string_view kind_name(Kind kind) {
  static constexpr std::string_view kNames[] = {"new-order", "payment", "order-status", "delivery",
                                                "stock-level"};
  return kNames[static_cast<int>(kind)];
}

Kind CardDeck::deal(Random& random) {
  if (next_ == cards_.size()) {
    static constexpr int kMix[kKinds] = {45, 43, 4, 4, 4};
    size_t n = 0;
    for (int kind = 0; kind < kKinds; ++kind) {
      for (int i = 0; i < kMix[kind]; ++i) cards_[n++] = static_cast<Kind>(kind);
    }
    for (size_t i = cards_.size() - 1; i > 0; --i) {
      std::swap(cards_[i], cards_[random.uniform(0, static_cast<int64_t>(i))]);
    }
    next_ = 0;
  }
  return cards_[next_++];
}

}  // namespace quorate::bench
