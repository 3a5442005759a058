// TPC-C, small: one warehouse with few districts, customers and items, new orders, payments by
// name and deliveries, each with a number of its own that its rows carry.
//
// The standard's conditions of consistency (clause 3.3.2), and those of the driver in bench/, hold
// at every snapshot and in the end; what was acknowledged is there, what failed is not.
#pragma once

#include <span>

#include "sim/sql/sql_workload.h"

namespace quorate::sim {

class SqlTpcc : public SqlWorkload {
 public:
  explicit SqlTpcc(runtime::Random random);
  std::string_view name() const override { return "sql-tpcc"; }

 protected:
  std::vector<std::string> tables() const override;
  std::vector<std::string> splits() const override;
  std::vector<std::string> table_names() const override {
    return {"district", "customer", "orders", "order_line", "new_order", "stock"};
  }
  size_t key_columns() const override { return 2; }
  runtime::Task<void> step(SqlClient* client, runtime::Random* random) override;
  runtime::Task<Result<std::string>> judge(SqlClient* client) override;

 private:
  enum class Fate : uint8_t { kOpen, kThere, kFailed };
  struct Line {
    uint64_t item = 0, quantity = 0;
  };
  class NewOrder;
  class Payment;
  class Delivery;
  runtime::Task<void> run(SqlClient* client, runtime::Random* random);
  runtime::Task<void> look(SqlClient* client, runtime::Random* random);
  static std::vector<std::string> questions();
  static std::string judge_conditions(std::span<const SqlAnswer> answers);
  std::string judge_fates(std::span<const SqlAnswer> numbers) const;

  uint64_t districts_, customers_, items_;
  bool split_;
  std::vector<Fate> fates_;  // by number
};

}  // namespace quorate::sim
