// Unique keys and foreign keys under races, at every isolation level: parents come and go, children
// refer to them and carry tags of which no two may be equal.
//
// At every moment every child has its parent, no tag is there twice, and the index over tags holds
// what the table holds. A row that was acknowledged is there until somebody removed it.
#pragma once

#include "sim/sql/sql_workload.h"

namespace quorate::sim {

class SqlKeys : public SqlWorkload {
 public:
  explicit SqlKeys(runtime::Random random);
  std::string_view name() const override { return "sql-keys"; }

 protected:
  std::vector<std::string> tables() const override;
  std::vector<std::string> splits() const override;
  std::vector<std::string> table_names() const override { return {"parents", "children"}; }
  runtime::Task<void> step(SqlClient* client, runtime::Random* random) override;
  runtime::Task<Result<std::string>> judge(SqlClient* client) override;

 private:
  std::string draw_statement(runtime::Random& random, uint64_t child) const;
  runtime::Task<void> look(SqlClient* client, runtime::Random* random);
  std::string judge_rows(const SqlAnswer& parents, const SqlAnswer& children) const;

  uint64_t parents_, tags_;
  bool cascade_;
  bool split_;
  uint64_t next_child_ = 0;
};

}  // namespace quorate::sim
