// Unique keys and foreign keys under races, at every isolation level: parents come and go, children
// refer to them and carry tags of which no two may be equal. And what a client keeps together by
// locks alone: ledgers whose open period an entry reads FOR SHARE, and who closes it updates.
//
// At every moment every child has its parent, no tag is there twice, and the index over tags holds
// what the table holds; a period that is closed holds the same entries in every snapshot.
#pragma once

#include <map>

#include "sim/sql/sql_workload.h"

namespace quorate::sim {

class SqlKeys : public SqlWorkload {
 public:
  explicit SqlKeys(runtime::Random random);
  std::string_view name() const override { return "sql-keys"; }

 protected:
  std::vector<std::string> tables() const override;
  std::vector<std::string> splits() const override;
  std::vector<std::string> table_names() const override {
    return {"parents", "children", "ledgers", "entries"};
  }
  runtime::Task<void> step(SqlClient* client, runtime::Random* random) override;
  runtime::Task<Result<std::string>> judge(SqlClient* client) override;

 private:
  class Enter;
  std::string draw_statement(runtime::Random& random, uint64_t child) const;
  runtime::Task<void> look(SqlClient* client, runtime::Random* random);
  std::string draw_begin(runtime::Random& random) const;
  std::string judge_rows(const SqlAnswer& parents, const SqlAnswer& children) const;
  std::string judge_ledgers(const SqlAnswer& entries, const SqlAnswer& ledgers);

  uint64_t parents_, tags_, ledgers_;
  bool cascade_;
  bool split_;
  uint64_t next_child_ = 0, next_entry_ = 0;
  std::map<std::pair<int64_t, int64_t>, int64_t> closed_;  // entries by ledger and period
};

}  // namespace quorate::sim
