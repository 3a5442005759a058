// What could go wrong: rows are found wrong or not, bad bytes are taken for rows, the format
// changes.
#include "storage/run_body.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace quorate::storage {
namespace {

Bytes body_of(const std::vector<RunRow>& rows) {
  RunBuilder builder;
  for (const RunRow& r : rows) {
    Bytes encoded;
    append_run_row(r, encoded);
    builder.add(encoded);
  }
  return builder.finish();
}

TEST(RunBody, is_frozen) {
  const Bytes body = body_of({{"a", "one", false, false, std::nullopt},
                              {"bc", "", true, false, Timestamp(0x1122334455667788)},
                              {"d", "x", false, true, Timestamp()}});
  EXPECT_EQ(to_hex(body),
            "01"
            "000161036f6e65"
            "030262638877665544332211"
            "06016400000000000000000178"
            "01000000080000001400000003000000");
  auto run = RunReader::open(body);
  ASSERT_TRUE(run.ok());
  ASSERT_TRUE(run->check().ok());
  EXPECT_EQ(run->row(0).value, "one");
  EXPECT_TRUE(run->row(1).deleted);
  EXPECT_EQ(run->row(1).base, Timestamp(0x1122334455667788));
  EXPECT_TRUE(run->row(2).absent);
  EXPECT_EQ(run->row(2).base, Timestamp());
}

TEST(RunBody, finds_rows) {
  std::vector<Bytes> keys;
  for (int i = 0; i < 100; ++i) keys.push_back(fmt::format("{:03}", 2 * i));
  std::vector<RunRow> rows;
  for (const Bytes& k : keys) rows.push_back({k, k, false, false, std::nullopt});
  const Bytes body = body_of(rows);
  auto run = RunReader::open(body);
  ASSERT_TRUE(run.ok());
  for (int i = 0; i < 200; ++i) {
    auto found = run->find(fmt::format("{:03}", i));
    EXPECT_EQ(found.has_value(), i % 2 == 0);
    EXPECT_EQ(run->lower_bound(fmt::format("{:03}", i)), static_cast<size_t>((i + 1) / 2));
  }
}

TEST(RunBody, bad_bytes_are_refused) {
  const Bytes body =
      body_of({{"a", "one", false, false, std::nullopt}, {"b", "two", false, true, Timestamp(7)}});
  for (size_t n = 0; n < body.size(); ++n) {
    auto run = RunReader::open(BytesView(body).substr(0, n));
    EXPECT_FALSE(run.ok() && run->check().ok()) << n;
  }
  Bytes later = body;
  later[0] = 2;
  EXPECT_FALSE(RunReader::open(later).ok());
  const Bytes disorder = body_of({{"b", "", false, false, {}}, {"a", "", false, false, {}}});
  EXPECT_FALSE(RunReader::open(disorder)->check().ok());
  const Bytes twice = body_of({{"a", "", false, false, {}}, {"a", "", false, false, {}}});
  EXPECT_FALSE(RunReader::open(twice)->check().ok());
}

}  // namespace
}  // namespace quorate::storage
