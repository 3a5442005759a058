// The judge of random statements can fail: rows, their order where it counts, tags, errors that are
// due; and what is drawn hangs on the rows that are there.
#include "sim/sql/sql_random.h"

#include <gtest/gtest.h>

namespace quorate::sim {
namespace {

Lane some_rows() {
  Lane lane;
  for (int64_t id = 0; id < 8; ++id) {
    lane.t[id] =
        ModelT{id * 3 - 5, std::string(static_cast<size_t>(id % 3), 'a'), 20 - id, id % 2 == 0};
    lane.u[id] = ModelU{id / 2, id};
  }
  lane.t[3].a.reset();
  return lane;
}

SqlAnswer right_answer(const RandomStatement& statement) {
  SqlAnswer answer;
  answer.rows = statement.rows;
  answer.tag = statement.tag;
  return answer;
}

TEST(SqlRandom, wrong_answers_are_told) {
  runtime::Random random(7);
  RandomSql sql(random, 0);
  const Lane lane = some_rows();
  size_t with_rows = 0, in_order = 0, changing = 0, failing = 0;
  for (int n = 0; n < 2'000; ++n) {
    const RandomStatement statement = sql.draw(lane, true);
    SqlAnswer answer = right_answer(statement);
    if (!statement.sqlstate.empty()) {
      ++failing;
      EXPECT_EQ(statement.after, lane);
      EXPECT_NE(judge_answer(statement, answer), "") << statement.text;
      continue;
    }
    EXPECT_EQ(judge_answer(statement, answer), "") << statement.text;
    if (statement.after != lane) ++changing;
    if (statement.reads) {
      EXPECT_EQ(statement.after, lane) << statement.text;
    }
    answer.tag += "0";
    EXPECT_NE(judge_answer(statement, answer), "") << statement.text;
    answer = right_answer(statement);
    if (answer.rows.empty()) continue;
    ++with_rows;
    answer.rows.front().back() = "no such value";
    EXPECT_NE(judge_answer(statement, answer), "") << statement.text;
    answer = right_answer(statement);
    if (statement.ordered && answer.rows.size() > 1) {
      ++in_order;
      std::swap(answer.rows.front(), answer.rows.back());
      EXPECT_NE(judge_answer(statement, answer), "") << statement.text;
    }
  }
  EXPECT_GT(with_rows, 500u);
  EXPECT_GT(in_order, 100u);
  EXPECT_GT(changing, 200u);
  EXPECT_GT(failing, 10u);
}

TEST(SqlRandom, only_what_any_server_may_refuse_is_excused) {
  EXPECT_TRUE(is_excused(aborted("x", sqlstate::kSerializationFailure)));
  EXPECT_TRUE(is_excused(resource_exhausted("x", sqlstate::kDiskFull)));
  EXPECT_FALSE(is_excused(Status(StatusCode::kInvalidArgument, sqlstate::kSyntaxError, "x")));
  EXPECT_FALSE(is_excused(Status(StatusCode::kInvalidArgument, sqlstate::kUniqueViolation, "x")));
}

}  // namespace
}  // namespace quorate::sim
