// Schema changes beside writes: indexes, unique ones too, columns with defaults, constraints and
// side tables come and go while rows are written, changed and removed.
//
// Whatever the moment, a table and its indexes say the same, an added column has its default in
// rows from before, a constraint that is there holds, and nothing acknowledged is lost.
#pragma once

#include <map>
#include <set>

#include "sim/sql/sql_workload.h"

namespace quorate::sim {

class SqlSchema : public SqlWorkload {
 public:
  explicit SqlSchema(runtime::Random random);
  std::string_view name() const override { return "sql-schema"; }

 protected:
  std::vector<std::string> tables() const override;
  std::vector<std::string> splits() const override;
  std::vector<std::string> table_names() const override { return {"things"}; }
  runtime::Task<void> step(SqlClient* client, runtime::Random* random) override;
  runtime::Task<Result<std::string>> judge(SqlClient* client) override;

 private:
  enum class Fate : uint8_t { kOpen, kThere, kGone };
  std::string draw_change(runtime::Random& random) const;
  runtime::Task<void> change(SqlClient* client, runtime::Random* random);
  runtime::Task<void> write(SqlClient* client, runtime::Random* random);
  runtime::Task<void> look(SqlClient* client, runtime::Random* random);
  std::string judge_answers(const SqlAnswer& all, const std::vector<SqlAnswer>& by_color) const;
  std::vector<std::string> questions() const;

  uint64_t colors_;
  double change_chance_;
  bool split_;
  std::vector<Fate> rows_;      // by id: what came of their insertion
  std::set<uint64_t> removed_;  // that somebody tried to
};

}  // namespace quorate::sim
