// Lists in SQL: transactions read lists, singly or several at once, and append their own number to
// lists, by one statement or by reading first and writing all of it. One serial order must explain
// all reads, as in workloads/append. In the simulator some runs ask for a weaker level, or for
// now this and now that, and are judged by what is forbidden then; `quorate check` is told both, so
// that it can also find what a level lets happen.
//
// Lists come into use and go out of it again, so that each stays short however long it lasts.
#pragma once

#include "sim/sql/sql_workload.h"
#include "txn/testing/history.h"

namespace quorate::sim {

class SqlAppend : public SqlWorkload {
 public:
  explicit SqlAppend(runtime::Random random);
  std::string_view name() const override { return "sql-append"; }

 protected:
  std::vector<std::string> tables() const override;
  std::vector<std::string> splits() const override;
  std::vector<std::string> table_names() const override { return {"lists"}; }
  runtime::Task<void> step(SqlClient* client, runtime::Random* random) override;
  runtime::Task<Result<std::string>> judge(SqlClient* client) override;

 private:
  struct Op {
    enum class Kind : uint8_t { kRead, kScan, kAppend, kReadAndAppend } kind = Kind::kRead;
    bool lock = false;
    uint32_t first = 0, last = 0;
  };
  class ListScript;
  std::vector<Op> draw(runtime::Random& random, txn::Level level) const;
  static std::string tell(const Op& op, uint32_t number);
  std::string explain(const std::map<Bytes, txn::List>& last);

  uint32_t window_;  // lists in use at a time
  uint32_t uses_;    // transactions after which the next list takes the place of the oldest
  double lock_chance_;
  bool split_;
  txn::History history_;
  std::vector<std::vector<Op>> ops_;  // by transaction
};

}  // namespace quorate::sim
