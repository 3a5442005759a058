#include "bench/tpcc/client.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>

#include "bench/tpcc/acked_log.h"
#include "bench/tpcc/transactions.h"

namespace quorate::bench {
namespace {

TEST(Cents, amounts_are_read_exactly) {
  EXPECT_EQ(parse_cents("0"), 0);
  EXPECT_EQ(parse_cents("12"), 1200);
  EXPECT_EQ(parse_cents("12.3"), 1230);
  EXPECT_EQ(parse_cents("-12.34"), -1234);
  EXPECT_EQ(parse_cents("-0.05"), -5);
  EXPECT_EQ(parse_cents("7.500000"), 750);
  EXPECT_EQ(parse_cents("9999999999.99"), 999'999'999'999);
  for (const char* wrong : {"", "-", ".", "1.001", "1,5", "NaN", "1.2.3", " 1"}) {
    EXPECT_THROW((void)parse_cents(wrong), std::invalid_argument) << wrong;
  }
}

TEST(Cents, writing_and_reading_are_inverse) {
  for (int64_t v : {0l, 5l, -5l, 99l, -100l, 123'456'789l})
    EXPECT_EQ(parse_cents(format_cents(v)), v);
}

TEST(Params, literals_of_the_simple_protocol_are_quoted) {
  Params p;
  p.add(-3).add(std::string_view("O'Hara")).null().cents(-1205);
  EXPECT_EQ(p.literal(0), "(-3)");
  EXPECT_EQ(p.literal(1), "'O''Hara'");
  EXPECT_EQ(p.literal(2), "NULL");
  EXPECT_EQ(p.literal(3), "(-12.05)");
  EXPECT_EQ(p.pointers()[2], nullptr);
  EXPECT_STREQ(p.pointers()[3], "-12.05");
}

TEST(AckedLog, what_was_written_is_read_back) {
  const std::string path =
      std::filesystem::temp_directory_path() / ("acked_" + std::to_string(::getpid()));
  {
    AckedLog log(path, "1f");
    log.new_order(1, 2, 3001);
    log.payment(2, "1f-0-1", true);
    log.payment(2, "1f-0-2", false);
  }
  const AckedEntries entries = read_acked_log(path);
  std::filesystem::remove(path);
  EXPECT_EQ(entries.runs, std::vector<std::string>{"1f"});
  ASSERT_EQ(entries.new_orders.size(), 1u);
  EXPECT_EQ(entries.new_orders[0].order, 3001);
  ASSERT_EQ(entries.payments.size(), 2u);
  EXPECT_TRUE(entries.payments[0].known);
  EXPECT_FALSE(entries.payments[1].known);
  EXPECT_EQ(entries.payments[1].token, "1f-0-2");
}

// Shares that the standard prescribes: a driver that never crosses warehouses measures another
// workload.
TEST(Inputs, remote_lines_remote_payments_rollbacks_and_names_have_their_share) {
  Random random(21);
  int lines = 0, remote_lines = 0, rollbacks = 0, remote_payments = 0, by_name = 0;
  constexpr int kDraws = 20'000;
  for (int i = 0; i < kDraws; ++i) {
    const NewOrderInput order = NewOrderInput::draw(random, 3, 5);
    rollbacks += order.rollback;
    ASSERT_GE(order.lines.size(), 5u);
    ASSERT_LE(order.lines.size(), 15u);
    for (const auto& l : order.lines) {
      ++lines;
      remote_lines += l.supply_warehouse != 3;
      ASSERT_GE(l.supply_warehouse, 1);
      ASSERT_LE(l.supply_warehouse, 5);
    }
    const PaymentInput payment = PaymentInput::draw(random, 3, 5);
    remote_payments += payment.customer.warehouse != 3;
    by_name += payment.customer.customer == 0;
  }
  EXPECT_NEAR(1.0 * remote_lines / lines, 0.01, 0.002);
  EXPECT_NEAR(1.0 * rollbacks / kDraws, 0.01, 0.003);
  EXPECT_NEAR(1.0 * remote_payments / kDraws, 0.15, 0.01);
  EXPECT_NEAR(1.0 * by_name / kDraws, 0.60, 0.015);
}

TEST(Inputs, one_warehouse_has_no_remote_work_and_lines_are_distinct_and_ordered) {
  Random random(2);
  for (int i = 0; i < 2000; ++i) {
    const NewOrderInput order = NewOrderInput::draw(random, 1, 1);
    for (size_t l = 0; l < order.lines.size(); ++l) {
      ASSERT_EQ(order.lines[l].supply_warehouse, 1);
      ASSERT_TRUE(l == 0 || order.lines[l - 1].item < order.lines[l].item);
    }
    ASSERT_EQ(PaymentInput::draw(random, 1, 1).customer.warehouse, 1);
  }
}

}  // namespace
}  // namespace quorate::bench
