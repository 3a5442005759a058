// The buffer against a model that keeps every write with its number and answers by searching.
#include "txn/write_buffer.h"

#include <gtest/gtest.h>

#include "runtime/random.h"

namespace quorate::txn {
namespace {

struct Model {
  struct Write {
    uint64_t at;
    Bytes key;
    std::optional<Bytes> value;
  };
  std::vector<Write> writes;
  // What a statement that began when `upto` writes were there sees.
  std::map<Bytes, std::optional<Bytes>> view(uint64_t upto) const {
    std::map<Bytes, std::optional<Bytes>> out;
    for (const Write& w : writes)
      if (w.at <= upto) out[w.key] = w.value;
    return out;
  }
};

TEST(WriteBuffer, savepoints_and_statements_match_a_model) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    runtime::Random random(seed);
    WriteBuffer buffer(1 << 20);
    Model model;
    uint64_t clock = 0, statement = 0;
    std::vector<std::pair<uint64_t, uint64_t>> marks;  // mark, clock
    for (int i = 0; i < 60; ++i) {
      Bytes key(1, static_cast<char>('a' + random.below(6)));
      switch (random.below(7)) {
        case 0:
          marks.emplace_back(buffer.savepoint(), clock);
          break;
        case 1:
          if (!marks.empty()) {
            size_t m = random.below(marks.size());
            ASSERT_TRUE(buffer.rollback_to(marks[m].first).ok());
            std::erase_if(model.writes, [&](const auto& w) { return w.at > marks[m].second; });
            marks.resize(m + 1);
          }
          break;
        case 2:
          buffer.begin_statement();
          statement = clock;
          break;
        case 3:
          ASSERT_TRUE(buffer.remove(key, Timestamp(7)).ok());
          model.writes.push_back({++clock, key, std::nullopt});
          break;
        case 4:
          if (!marks.empty() && random.chance(0.3)) {
            size_t m = random.below(marks.size());
            buffer.release(marks[m].first);
            marks.resize(m);
          }
          break;
        default:
          ASSERT_TRUE(buffer.put(key, std::to_string(i), range::column_bit(1), Timestamp(7)).ok());
          model.writes.push_back({++clock, key, std::to_string(i)});
      }
      auto view = model.view(statement);
      for (char c = 'a'; c < 'g'; ++c) {
        const WriteBuffer::Version* own = buffer.find(Bytes(1, c), buffer.statement());
        auto at = view.find(Bytes(1, c));
        ASSERT_EQ(own != nullptr, at != view.end()) << "seed " << seed;
        if (own == nullptr) continue;
        ASSERT_EQ(own->deleted, !at->second.has_value()) << "seed " << seed;
        if (own->deleted) continue;
        ASSERT_EQ(own->value, *at->second) << "seed " << seed;
      }
    }
    auto all = model.view(clock);
    std::vector<range::RowWrite> writes = buffer.writes();
    ASSERT_EQ(writes.size(), all.size()) << "seed " << seed;
    for (const range::RowWrite& w : writes) ASSERT_EQ(w.deleted, !all[w.key].has_value());
  }
}

TEST(WriteBuffer, refuses_what_it_cannot_hold_and_frees_what_is_undone) {
  WriteBuffer buffer(1000);
  uint64_t mark = buffer.savepoint();
  ASSERT_TRUE(buffer.put("a", Bytes(700, 'x'), 1, Timestamp()).ok());
  EXPECT_EQ(buffer.put("b", Bytes(700, 'x'), 1, Timestamp()).sqlstate(), sqlstate::kOutOfMemory);
  ASSERT_TRUE(buffer.rollback_to(mark).ok());
  EXPECT_EQ(buffer.bytes(), 0u);
  EXPECT_TRUE(buffer.put("b", Bytes(700, 'x'), 1, Timestamp()).ok());
  EXPECT_EQ(buffer.put(Bytes(481, 'k'), "", 1, Timestamp()).sqlstate(),
            sqlstate::kProgramLimitExceeded);
}

TEST(WriteBuffer, a_row_made_and_removed_again_is_not_written) {
  WriteBuffer buffer(1000);
  ASSERT_TRUE(buffer.put("a", "1", 1, Timestamp()).ok());
  ASSERT_TRUE(buffer.remove("a", Timestamp()).ok());
  EXPECT_TRUE(buffer.writes().empty());
}

}  // namespace
}  // namespace quorate::txn
