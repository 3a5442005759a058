// Random SQL beside a trivial model (random_sql.h): each statement must give what the model gives,
// under faults, retries and other clients that change the same ranges.
//
// A client takes a lane, runs a statement or a transaction with savepoints on it, and the lane's
// rows are what the model says as long as outcomes are known. Where one is not, the lane is left
// alone from then on, and holds in the end what it held before or what the transaction would have
// made. While clocks may be beyond their bound a statement need not see the one before: nothing is
// judged.
#pragma once

#include <map>
#include <vector>

#include "sim/sql/random_sql.h"
#include "sim/sql/sql_workload.h"

namespace quorate::sim {

class SqlRandom : public SqlWorkload {
 public:
  explicit SqlRandom(runtime::Random random);
  std::string_view name() const override { return "sql-random"; }

 protected:
  std::vector<std::string> tables() const override;
  std::vector<std::string> splits() const override;
  std::vector<std::string> table_names() const override { return {"t", "u"}; }
  size_t key_columns() const override { return 2; }
  runtime::Task<void> step(SqlClient* client, runtime::Random* random) override;
  runtime::Task<Result<std::string>> judge(SqlClient* client) override;

 private:
  class Walk;
  runtime::Task<void> run_statement(SqlClient* client, runtime::Random* random, int64_t lane);
  runtime::Task<void> run_transaction(SqlClient* client, runtime::Random* random, int64_t lane);
  // The lane is free again, or never is.
  void end(int64_t lane, const Status& outcome, Lane after);

  size_t free_lanes_most_;
  bool split_, indexed_;
  int64_t next_lane_ = 0;
  std::vector<int64_t> free_;
  std::map<int64_t, Lane> lanes_;    // as is known
  std::map<int64_t, Lane> perhaps_;  // what an unknown outcome may have made of it
};

// What is wrong with an answer to `statement`; empty: nothing.
std::string judge_answer(const RandomStatement& statement, const SqlAnswer& answer);
// Whether a server may refuse any statement that way, whatever it says.
bool is_excused(const Status& failure);

}  // namespace quorate::sim
