// The standard's random inputs (TPC-C clauses 2.1.6, 4.3.2 and 5.2.4.2): NURand, strings, last
// names and the deck of cards that gives the mix. Seeded, so that a load is the same twice.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace quorate::bench {

class Random {
 public:
  explicit Random(uint64_t seed);

  uint64_t next();
  // Uniform in [low, high], both included.
  int64_t uniform(int64_t low, int64_t high);
  double unit();  // [0, 1)
  bool percent(int p) { return uniform(1, 100) <= p; }
  // Negative exponential with that mean, cut at ten times the mean (clause 5.2.5.4).
  double exponential(double mean);

  // NURand(A, x, y) with a constant C for each A; `C` differs between load and run for last names
  // by an amount that clause 2.1.6.1 prescribes.
  int64_t nurand(int64_t a, int64_t c, int64_t low, int64_t high);
  int64_t customer_id() { return nurand(1023, kCustomerC, 1, 3000); }
  int64_t item_id() { return nurand(8191, kItemC, 1, 100'000); }
  int64_t last_name_number_at_load() { return nurand(255, kLastNameLoadC, 0, 999); }
  int64_t last_name_number_at_run() { return nurand(255, kLastNameRunC, 0, 999); }

  std::string a_string(int low, int high);  // letters and digits
  std::string n_string(int low, int high);  // digits
  std::string zip() { return n_string(4, 4) + "11111"; }
  // 26..50 characters; one row in ten holds "ORIGINAL".
  std::string data();
  std::vector<int> permutation(int n);  // of 1..n

  static constexpr int64_t kCustomerC = 259, kItemC = 7911;
  static constexpr int64_t kLastNameLoadC = 157, kLastNameRunC = 223;

 private:
  uint64_t state_;
};

// The last name of a number 0..999: three syllables (clause 4.3.2.3).
std::string last_name(int64_t number);

enum class Kind : uint8_t { kNewOrder, kPayment, kOrderStatus, kDelivery, kStockLevel };
inline constexpr int kKinds = 5;
std::string_view kind_name(Kind kind);

// Deals kinds in the mix 45/43/4/4/4: exactly so in each hundred cards, shuffled.
class CardDeck {
 public:
  Kind deal(Random& random);

 private:
  std::array<Kind, 100> cards_{};
  size_t next_ = 100;
};

}  // namespace quorate::bench
