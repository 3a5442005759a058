// The bank in SQL: transfers with receipts, a CHECK against debts, foreign keys from receipts to
// accounts and an index over them. Judged as workloads/bank is.
#pragma once

#include "sim/sql/sql_workload.h"

namespace quorate::sim {

class SqlBank : public SqlWorkload {
 public:
  explicit SqlBank(runtime::Random random);
  std::string_view name() const override { return "sql-bank"; }

 protected:
  std::vector<std::string> tables() const override;
  std::vector<std::string> splits() const override;
  std::vector<std::string> table_names() const override { return {"accounts", "receipts"}; }
  runtime::Task<void> step(SqlClient* client, runtime::Random* random) override;
  runtime::Task<Result<std::string>> judge(SqlClient* client) override;

 private:
  struct Transfer {
    enum class Fate : uint8_t { kOpen, kDone, kFailed } fate = Fate::kOpen;
    uint64_t from = 0, to = 0;
    int64_t amount = 0;
  };
  class TransferScript;
  class SnapshotScript;
  static constexpr int64_t kEach = 1000;
  runtime::Task<void> transfer(SqlClient* client, runtime::Random* random);
  runtime::Task<void> snapshot(SqlClient* client, runtime::Random* random);
  runtime::Task<void> past(SqlClient* client, runtime::Random* random);
  std::string judge_total(const SqlAnswer& accounts) const;
  std::string judge_receipts(const SqlAnswer& accounts, const SqlAnswer& receipts) const;

  uint64_t accounts_;
  double lock_chance_;
  bool split_;
  std::vector<Transfer> transfers_;
};

}  // namespace quorate::sim
