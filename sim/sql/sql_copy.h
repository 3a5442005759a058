// Batches of rows by COPY FROM STDIN, some of which break off or hold a line that is wrong; cursors
// that walk over them while others write; COPY TO STDOUT beside SELECT.
//
// A batch is there whole or not at all, and changes as a whole. Whatever the level, a cursor shows
// one moment, and nothing that its own transaction writes after it was declared. What COPY tells is
// what SELECT tells.
#pragma once

#include <set>

#include "sim/sql/sql_workload.h"

namespace quorate::sim {

class SqlCopy : public SqlWorkload {
 public:
  explicit SqlCopy(runtime::Random random);
  std::string_view name() const override { return "sql-copy"; }

 protected:
  std::vector<std::string> tables() const override;
  std::vector<std::string> splits() const override;
  std::vector<std::string> table_names() const override { return {"parts"}; }
  runtime::Task<void> step(SqlClient* client, runtime::Random* random) override;
  runtime::Task<Result<std::string>> judge(SqlClient* client) override;

 private:
  struct Batch {
    enum class Fate : uint8_t { kOpen, kThere, kFailed } fate = Fate::kOpen;
    int64_t rows = 0;
  };
  enum class Flaw : uint8_t { kNone, kNoNumber, kTwice, kBreaksOff };
  class Put;
  class Walk;
  class Export;
  int64_t new_batch(runtime::Random& random);
  std::string lines_of(int64_t batch, bool csv, Flaw flaw) const;
  runtime::Task<void> put(SqlClient* client, runtime::Random* random);
  runtime::Task<void> put_at_once(SqlClient* client, runtime::Random* random);
  runtime::Task<void> change(SqlClient* client, runtime::Random* random);
  runtime::Task<void> walk(SqlClient* client, runtime::Random* random);
  runtime::Task<void> tell_out(SqlClient* client, runtime::Random* random);
  void end(int64_t batch, const Status& outcome);
  int64_t oldest() const;
  std::vector<int64_t> known() const;  // batches that must be there unless somebody removes them
  std::string judge_rows(const SqlAnswer& rows, const std::vector<int64_t>& known) const;

  int64_t rows_most_;  // of a batch
  int64_t window_;     // batches that are looked at
  bool split_;
  std::vector<Batch> batches_;
  int64_t removed_below_ = 0;  // that somebody tried to
};

}  // namespace quorate::sim
