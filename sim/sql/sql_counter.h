// Counters, savepoints and a sequence, at every isolation level. Clients add to counters, by one
// statement or by reading under a lock first, go back to savepoints, now and then after a statement
// that was to fail, and leave without waiting for what their COMMIT is told.
//
// Within a transaction a counter holds what it held plus what was added and not taken back. In the
// end it holds what was acknowledged and some of what was left unknown, whole transactions each;
// meanwhile never less than was acknowledged, nor more than was tried. No number of the sequence is
// given twice, whatever became of the transaction that drew it.
//
// In some seeds two counters are columns of one row: what is added to one must not bring back an
// old value of the other. A statement that is a transaction by itself may tell what it has made,
// once, however often it was run.
#pragma once

#include <map>
#include <set>

#include "sim/sql/sql_workload.h"

namespace quorate::sim {

class SqlCounter : public SqlWorkload {
 public:
  explicit SqlCounter(runtime::Random random);
  std::string_view name() const override { return "sql-counter"; }

 protected:
  std::vector<std::string> tables() const override;
  std::vector<std::string> splits() const override;
  std::vector<std::string> table_names() const override { return {"counters"}; }
  runtime::Task<void> step(SqlClient* client, runtime::Random* random) override;
  runtime::Task<Result<std::string>> judge(SqlClient* client) override;

 private:
  using Sums = std::map<uint64_t, int64_t>;  // by counter
  struct Step {
    enum class Kind : uint8_t { kAdd, kReadAndAdd, kRead, kDraw, kSave, kBack, kRelease, kFail };
    Kind kind = Kind::kRead;
    uint64_t counter = 0;
    int64_t amount = 0;
    size_t savepoint = 0;
  };
  class Walk;
  std::vector<Step> draw_steps(runtime::Random& random) const;
  static Sums effect_of(const std::vector<Step>& steps);
  runtime::Task<void> add_at_once(SqlClient* client, runtime::Random* random);
  runtime::Task<void> walk(SqlClient* client, runtime::Random* random);
  void begin_effect(const Sums& effect);
  void end_effect(const Sums& effect, const Status& outcome);
  void take_number(int64_t number, const Trail& by);
  std::string judge_told(uint64_t counter, const SqlAnswer& answer, int64_t floor) const;
  std::string judge_counter(uint64_t counter, int64_t value) const;

  // Where a counter stands.
  uint64_t row_of(uint64_t counter) const { return paired_ ? counter / 2 : counter; }
  const char* column_of(uint64_t counter) const { return paired_ && counter % 2 == 1 ? "m" : "n"; }

  runtime::Random own_;  // so that other draws stay what they were
  bool paired_;
  uint64_t counters_, cache_;
  double leave_chance_;
  bool split_;
  std::vector<int64_t> sure_, tried_;          // sums, by counter
  std::vector<std::vector<int64_t>> perhaps_;  // by counter, of each unknown outcome
  std::set<int64_t> numbers_;                  // of the sequence
};

}  // namespace quorate::sim
