// The memtable's two ways to a row against a std::map: keys with long and short common beginnings,
// keys that are beginnings of others, in order, against it and mixed.
#include "storage/row_order.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace quorate::storage {
namespace {

class Rows {
 public:
  void add(const Bytes& key) {
    if (model_.contains(key)) return;
    auto it = model_.emplace(key, nullptr).first;
    it->second = arena_.make(MemRow{it->first, nullptr, nullptr, nullptr});
    order_.insert(it->second);
    MemRow** place = hash_.place(it->first);
    ASSERT_EQ(*place, nullptr);
    *place = it->second;
    hash_.added();
  }
  void check_list() {
    ASSERT_EQ(order_.size(), model_.size());
    MemRow* before = nullptr;
    MemRow* at = order_.first();
    size_t rank = 0;
    for (const auto& [key, row] : model_) {
      ASSERT_EQ(at, row) << "rank " << rank;
      ASSERT_EQ(at->prev, before);
      if (rank % 7 == 0) {
        ASSERT_EQ(order_.at(rank), row);
      }
      before = std::exchange(at, at->next);
      ++rank;
    }
    ASSERT_EQ(at, nullptr);
    ASSERT_EQ(order_.last(), before);
  }
  void check_key(const Bytes& key) {
    auto it = model_.lower_bound(key);
    ASSERT_EQ(order_.before(key), it == model_.begin() ? nullptr : std::prev(it)->second);
    ASSERT_EQ(order_.seek(key), it == model_.end() ? nullptr : it->second);
    ASSERT_EQ(order_.rank(key), static_cast<size_t>(std::distance(model_.begin(), it)));
    ASSERT_EQ(hash_.find(key), it == model_.end() || it->first != key ? nullptr : it->second);
  }
  size_t size() const { return model_.size(); }

 private:
  Arena arena_;
  RowOrder order_{arena_};
  RowHash hash_;
  std::map<Bytes, MemRow*> model_;
};

class RowOrderTest : public ::testing::TestWithParam<int> {};

TEST_P(RowOrderTest, agrees_with_a_map) {
  std::mt19937_64 random(GetParam());
  const int kind = GetParam() % 6;
  uint64_t counter = 1 << 20;
  const auto draw = [&]() -> Bytes {
    const auto number = [&](uint64_t below) {
      Bytes out(8, '\0');
      uint64_t v = random() % below;
      for (int i = 7; i >= 0; --i, v >>= 8) out[static_cast<size_t>(i)] = static_cast<char>(v);
      return out;
    };
    switch (kind) {
      case 0:  // few letters, many lengths: beginnings of each other
        return Bytes(random() % 5, static_cast<char>('a' + random() % 2)) +
               Bytes(random() % 12, static_cast<char>(random() % 3));
      case 1:  // tables and numbers
        return "t" + Bytes(3, '\0') + static_cast<char>(random() % 3) + number(5'000);
      case 2: {  // in order
        Bytes out = "t" + Bytes(8, '\xff');
        for (int i = 7; i >= 0; --i) out += static_cast<char>(counter >> (8 * i));
        counter += 1 + random() % 2;
        return out;
      }
      case 3: {  // against the order
        Bytes out(4, 'x');
        for (int i = 7; i >= 0; --i) out += static_cast<char>(counter >> (8 * i));
        counter -= 1 + random() % 2;
        return out;
      }
      case 4:  // three numbers: what differs lies far behind
        return Bytes(40, 'p') + number(2) + number(3) + number(2'000);
      default: {
        Bytes out(random() % 20, '\0');
        for (char& c : out) c = static_cast<char>(random());
        return out;
      }
    }
  };
  Rows rows;
  rows.check_key("x");
  for (int i = 0; i < 6'000; ++i) {
    rows.add(draw());
    if (i % 50 == 0) rows.check_key(draw());
    if (i == 10 || i == 40 || i == 1'100) rows.check_list();
  }
  rows.check_list();
  rows.check_key("");
  rows.check_key(Bytes(60, '\xff'));
  for (int i = 0; i < 500; ++i) rows.check_key(draw());
}

INSTANTIATE_TEST_SUITE_P(Seeds, RowOrderTest, ::testing::Range(1, 31));

}  // namespace
}  // namespace quorate::storage
