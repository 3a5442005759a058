// A queue: producers put jobs in, whose ids a sequence gives, consumers take the next one that
// nobody else holds (SKIP LOCKED) and note it as done, with savepoints that they roll back to.
//
// A job that was acknowledged is waiting or done, and done once; nothing that a savepoint took back
// is there; no id comes twice.
#pragma once

#include <map>
#include <set>

#include "sim/sql/sql_workload.h"

namespace quorate::sim {

class SqlQueue : public SqlWorkload {
 public:
  explicit SqlQueue(runtime::Random random);
  std::string_view name() const override { return "sql-queue"; }

 protected:
  std::vector<std::string> tables() const override;
  std::vector<std::string> splits() const override;
  std::vector<std::string> table_names() const override { return {"jobs", "done"}; }
  runtime::Task<void> step(SqlClient* client, runtime::Random* random) override;
  runtime::Task<Result<std::string>> judge(SqlClient* client) override;

 private:
  enum class Fate : uint8_t { kOpen, kDone, kFailed };
  class Take;
  runtime::Task<void> produce(SqlClient* client, runtime::Random* random);
  runtime::Task<void> consume(SqlClient* client, runtime::Random* random);
  std::string judge_rows(const SqlAnswer& jobs, const SqlAnswer& done) const;

  bool split_;
  bool read_committed_;            // of consumers: there SKIP LOCKED needs no retries
  std::vector<Fate> put_;          // by payload
  std::set<int64_t> ids_;          // that were told
  std::map<int64_t, Fate> taken_;  // by payload: consumers that got as far as COMMIT
};

}  // namespace quorate::sim
