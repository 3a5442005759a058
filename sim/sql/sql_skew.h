// Write skew: each transaction reads a range or an index, decides by what it saw, and writes a row
// that the others' decisions hang on but do not write.
//
// Doctors sign off while another of their ward is on call: some doctor always is. Rooms are booked
// where nothing overlaps: bookings never do, although none existed when another was looked for.
// Each change of a doctor counts his version up by one, so that any two snapshots must be one
// before the other in every row (no long fork), none falls behind what an earlier one saw or what
// was acknowledged before it began (monotonic, recent reads).
//
// Where the workload is judged by SNAPSHOT's rules the first two may be broken; by those of READ
// COMMITTED snapshots are of one statement only.
#pragma once

#include <map>
#include <set>

#include "sim/sql/sql_workload.h"

namespace quorate::sim {

class SqlSkew : public SqlWorkload {
 public:
  explicit SqlSkew(runtime::Random random);
  std::string_view name() const override { return "sql-skew"; }

 protected:
  std::vector<std::string> tables() const override;
  std::vector<std::string> splits() const override;
  std::vector<std::string> table_names() const override { return {"doctors", "bookings"}; }
  runtime::Task<void> step(SqlClient* client, runtime::Random* random) override;
  runtime::Task<Result<std::string>> judge(SqlClient* client) override;

 private:
  enum class Fate : uint8_t { kOpen, kThere, kFailed };
  using Versions = std::vector<int64_t>;  // by doctor
  class Sign;
  class Book;
  class Look;
  runtime::Task<void> sign(SqlClient* client, runtime::Random* random);
  runtime::Task<void> book(SqlClient* client, runtime::Random* random);
  runtime::Task<void> look(SqlClient* client, runtime::Random* random);
  std::vector<std::string> questions(uint64_t first_wards) const;
  // `answers` are those of questions(), seen by one snapshot where the level has one.
  std::string judge_snapshot(const std::vector<SqlAnswer>& answers, const Versions& floor);
  std::string judge_versions(const Versions& seen, const Versions& floor);
  std::string judge_doctors(const SqlAnswer& first, const SqlAnswer& rest,
                            const SqlAnswer& on_call) const;
  static std::string judge_bookings(const SqlAnswer& bookings);
  std::string tell_doctor(size_t doctor) const;

  uint64_t wards_, doctors_;  // doctors of a ward
  uint64_t rooms_, hours_;
  double lock_chance_, look_chance_;
  bool split_;
  Versions tried_, done_;              // changes of each doctor
  Versions seen_;                      // the highest that a snapshot has shown
  std::map<int64_t, Versions> chain_;  // snapshots by the sum of their versions
  std::vector<Fate> bookings_;
  std::set<int64_t> removed_;  // that somebody tried to
};

}  // namespace quorate::sim
