// The cycle that is shown of a wrong history.
#include "txn/testing/history_cycle.h"

#include <gtest/gtest.h>

namespace quorate::txn {
namespace {

using Kind = Dependency::Kind;

HistoryTxn& add(History& history, int began, int ended) {
  HistoryTxn& t = history.begin({std::chrono::seconds(began)});
  t.ended = {std::chrono::seconds(ended)};
  t.fate = HistoryTxn::Fate::kCommitted;
  return t;
}

void expect_closed(const std::vector<Dependency>& cycle) {
  ASSERT_FALSE(cycle.empty());
  for (size_t i = 0; i < cycle.size(); ++i)
    EXPECT_EQ(cycle[i].to, cycle[(i + 1) % cycle.size()].from);
}

// Each reads what the other writes over.
History write_skew() {
  History h;
  HistoryTxn& one = add(h, 1, 5);
  one.reads["a"] = {};
  one.appends = {"b"};
  HistoryTxn& two = add(h, 1, 5);
  two.reads["b"] = {};
  two.appends = {"a"};
  return h;
}

TEST(HistoryCycle, none_where_all_is_well) {
  History h;
  add(h, 1, 2).appends = {"a"};
  HistoryTxn& second = add(h, 3, 4);
  second.reads["a"] = {1};
  second.appends = {"a"};
  const std::map<Bytes, List> last{{"a", {1, 2}}};
  EXPECT_EQ(h.judge(last, Level::kSerializable, true), "");
  EXPECT_TRUE(find_cycle(h, last, Level::kSerializable, true).empty());
}

// Each read what the other wrote over: write skew.
TEST(HistoryCycle, shows_write_skew_as_two_steps) {
  const History h = write_skew();
  const std::map<Bytes, List> last{{"a", {2}}, {"b", {1}}};
  EXPECT_NE(h.judge(last, Level::kSerializable, true), "");
  const auto cycle = find_cycle(h, last, Level::kSerializable, true);
  expect_closed(cycle);
  ASSERT_EQ(cycle.size(), 2u);
  EXPECT_EQ(cycle[0].kind, Kind::kOverwrites);
  EXPECT_EQ(cycle[1].kind, Kind::kOverwrites);
}

// What each level forbids is found at it and above, and allowed below.
void expect_forbidden_from(Level lowest, History& h, const std::map<Bytes, List>& last) {
  for (Level level : {Level::kReadCommitted, Level::kSnapshot, Level::kSerializable}) {
    for (uint32_t n = 1; n <= h.size(); ++n) h.at(n).level = level;
    const auto cycle = find_cycle(h, last, level, true);
    if (level < lowest) {
      EXPECT_EQ(h.judge(last, level, true), "");
      EXPECT_TRUE(cycle.empty());
    } else {
      EXPECT_NE(h.judge(last, level, true), "");
      expect_closed(cycle);
    }
  }
}

TEST(HistoryLevel, write_skew_is_seen_by_serializable_alone) {
  History h = write_skew();
  expect_forbidden_from(Level::kSerializable, h, {{"a", {2}}, {"b", {1}}});
}

// One that asked for SERIALIZABLE read before another wrote, and saw what that one's writes led to.
TEST(HistoryLevel, among_others_a_serializable_one_has_its_place) {
  History h;
  HistoryTxn& one = add(h, 1, 9);
  one.reads["a"] = {};
  one.reads["b"] = {2};
  HistoryTxn& two = add(h, 1, 9);
  two.level = Level::kReadCommitted;
  two.appends = {"a", "b"};
  const std::map<Bytes, List> last{{"a", {2}}, {"b", {2}}};
  EXPECT_NE(h.judge(last, Level::kReadCommitted, true), "");
  EXPECT_EQ(find_cycle(h, last, Level::kReadCommitted, true).size(), 2u);
  h.at(1).level = Level::kReadCommitted;
  EXPECT_EQ(h.judge(last, Level::kReadCommitted, true), "");
}

// The second reader sees one append without the other, the first the other way round.
TEST(HistoryLevel, a_long_fork_is_no_snapshot) {
  History h;
  add(h, 1, 9).appends = {"a"};
  add(h, 1, 9).appends = {"b"};
  HistoryTxn& three = add(h, 1, 9);
  three.reads["a"] = {1};
  three.reads["b"] = {};
  HistoryTxn& four = add(h, 1, 9);
  four.reads["a"] = {};
  four.reads["b"] = {2};
  expect_forbidden_from(Level::kSnapshot, h, {{"a", {1}}, {"b", {2}}});
}

// It read one list before the other's commit and the other list after it.
TEST(HistoryLevel, a_skewed_read_is_no_snapshot) {
  History h;
  add(h, 1, 9).appends = {"a", "b"};
  HistoryTxn& two = add(h, 1, 9);
  two.reads["a"] = {};
  two.reads["b"] = {1};
  const std::map<Bytes, List> last{{"a", {1}}, {"b", {1}}};
  expect_forbidden_from(Level::kSnapshot, h, last);
  EXPECT_EQ(find_cycle(h, last, Level::kSnapshot, true).size(), 2u);
}

TEST(HistoryLevel, a_cycle_of_writes_is_never_allowed) {
  History h;
  add(h, 1, 9).appends = {"a", "b"};
  add(h, 1, 9).appends = {"a", "b"};
  expect_forbidden_from(Level::kReadCommitted, h, {{"a", {1, 2}}, {"b", {2, 1}}});
}

TEST(HistoryLevel, a_cycle_of_reads_is_never_allowed) {
  History h;
  HistoryTxn& one = add(h, 1, 9);
  one.appends = {"a"};
  one.reads["b"] = {2};
  HistoryTxn& two = add(h, 1, 9);
  two.appends = {"b"};
  two.reads["a"] = {1};
  expect_forbidden_from(Level::kReadCommitted, h, {{"a", {1}}, {"b", {2}}});
}

TEST(HistoryCycle, is_the_shortest_one) {
  History h;
  // 1 -> 2 -> 3 -> 1 by long ways, and 4 <-> 5 directly.
  HistoryTxn& one = add(h, 1, 9);
  one.reads["c"] = {3};
  one.appends = {"a"};
  HistoryTxn& two = add(h, 1, 9);
  two.reads["a"] = {1};
  two.appends = {"b"};
  HistoryTxn& three = add(h, 1, 9);
  three.reads["b"] = {2};
  three.appends = {"c"};
  HistoryTxn& four = add(h, 1, 9);
  four.reads["y"] = {5};
  four.appends = {"x"};
  HistoryTxn& five = add(h, 1, 9);
  five.reads["x"] = {4};
  five.appends = {"y"};
  const std::map<Bytes, List> last{{"a", {1}}, {"b", {2}}, {"c", {3}}, {"x", {4}}, {"y", {5}}};
  const auto cycle = find_cycle(h, last, Level::kSerializable, false);
  expect_closed(cycle);
  ASSERT_EQ(cycle.size(), 2u);
  EXPECT_EQ(cycle[0].kind, Kind::kReads);
  EXPECT_EQ(cycle[0].from + cycle[0].to, 9u);
}

TEST(HistoryCycle, a_stale_read_goes_against_time) {
  History h;
  add(h, 1, 2).appends = {"a"};
  add(h, 3, 4).reads["a"] = {};
  const std::map<Bytes, List> last{{"a", {1}}};
  EXPECT_TRUE(find_cycle(h, last, Level::kSerializable, false).empty());
  const auto cycle = find_cycle(h, last, Level::kSerializable, true);
  expect_closed(cycle);
  ASSERT_EQ(cycle.size(), 2u);
  EXPECT_EQ(cycle[0].kind, Kind::kOverwrites);
  EXPECT_EQ(cycle[0].from, 2u);
  EXPECT_EQ(cycle[1].kind, Kind::kEarlier);
}

TEST(HistoryCycle, a_lost_append_is_shown_with_the_one_in_its_place) {
  History h;
  for (int i = 0; i < 2; ++i) {
    HistoryTxn& t = add(h, 1, 3);
    t.reads["a"] = {};
    t.appends = {"a"};
  }
  const std::map<Bytes, List> last{{"a", {2}}};
  EXPECT_NE(h.judge(last, Level::kSerializable, true), "");
  const auto cycle = find_cycle(h, last, Level::kSerializable, true);
  expect_closed(cycle);
  ASSERT_EQ(cycle.size(), 2u);
  EXPECT_EQ(cycle[0].from, 1u);
  EXPECT_EQ(cycle[0].to, 2u);
}

TEST(HistoryCycle, a_read_of_what_never_was) {
  History h;
  add(h, 1, 2).fate = HistoryTxn::Fate::kFailed;
  add(h, 1, 2).reads["a"] = {1};
  const auto cycle = find_cycle(h, {}, Level::kSerializable, true);
  ASSERT_EQ(cycle.size(), 1u);
  EXPECT_EQ(cycle[0].from, 1u);
  EXPECT_EQ(cycle[0].to, 2u);
  EXPECT_EQ(cycle[0].kind, Kind::kReads);
}

}  // namespace
}  // namespace quorate::txn
