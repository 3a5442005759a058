#include "sim/sql/sql_random.h"

#include <fmt/format.h>

#include <algorithm>

namespace quorate::sim {

using runtime::Random;
using runtime::Task;

namespace {

constexpr size_t kStepsMax = 7;

std::string tell_rows(const std::vector<ResultRow>& rows) {
  std::string out;
  for (const ResultRow& row : rows) {
    if (out.size() > 300) return out + " ...";
    out += out.empty() ? "(" : " (";
    for (size_t i = 0; i < row.size(); ++i) out += (i > 0 ? ", " : "") + row[i].value_or("NULL");
    out += ")";
  }
  return out.empty() ? "no rows" : out;
}

std::optional<int64_t> int_of(const std::optional<std::string>& value) {
  return value ? std::optional(sql_int(value)) : std::nullopt;
}

}  // namespace

std::string judge_answer(const RandomStatement& statement, const SqlAnswer& answer) {
  if (!statement.sqlstate.empty())
    return fmt::format("{} where {} is due: {}", answer.tag, statement.sqlstate, statement.text);
  std::vector<ResultRow> got = answer.rows, due = statement.rows;
  if (!statement.ordered) {
    std::sort(got.begin(), got.end());
    std::sort(due.begin(), due.end());
  }
  if (got == due && answer.tag == statement.tag) return {};
  return fmt::format("{} gives {} {}, not {} {}", statement.text, answer.tag, tell_rows(got),
                     statement.tag, tell_rows(due));
}

bool is_excused(const Status& failure) {
  const SqlState state = failure.sqlstate();
  for (std::string_view allowed : {"08", "40", "53", "55000", "55P03", "57", "XX001"})
    if (state.view().starts_with(allowed)) return true;
  return failure.code() == StatusCode::kUnavailable || failure.code() == StatusCode::kAmbiguous ||
         failure.code() == StatusCode::kAborted;
}

SqlRandom::SqlRandom(Random random)
    : SqlWorkload(random),
      free_lanes_most_(1 + random.below(8)),
      split_(random.chance(0.6)),
      indexed_(random.chance(0.7)) {
  ask_for_any();
}

std::vector<std::string> SqlRandom::tables() const {
  std::vector<std::string> out{
      "CREATE TABLE t (lane int, id int, a int, b text, c bigint, d boolean, PRIMARY KEY (lane, "
      "id))",
      "CREATE TABLE u (lane int, id int, t int, v int, PRIMARY KEY (lane, id))"};
  if (indexed_) {
    out.push_back("CREATE INDEX t_a ON t (lane, a)");
    out.push_back("CREATE INDEX u_t ON u (lane, t)");
  }
  return out;
}

std::vector<std::string> SqlRandom::splits() const {
  if (!split_) return {};
  return {"ALTER TABLE t SPLIT AT VALUES (1, 12), (4)", "ALTER TABLE u SPLIT AT VALUES (2, 6)"};
}

// Statements of one transaction, some of which are taken back.
class SqlRandom::Walk : public SqlWorkload::Script {
 public:
  Walk(Random& random, int64_t lane, Lane before)
      : random_(random), sql_(random, lane), before_(std::move(before)) {}

  void begin() override {
    now = before_;
    wrong.clear();
    saved_.reset();
    left_ = 1 + random_.below(kStepsMax);
    doing_ = Doing::kNothing;
    failed_ = false;
  }
  std::string next(const SqlAnswer& answer) override {
    take(answer);
    if (failed_) return go_back();
    if (left_-- == 0) {
      doing_ = Doing::kNothing;
      return {};
    }
    if (random_.chance(0.15)) {
      if (saved_ && random_.chance(0.7)) return go_back();
      doing_ = Doing::kSave;
      return "SAVEPOINT s";
    }
    doing_ = Doing::kStatement;
    statement_ = sql_.draw(now, saved_.has_value());
    return statement_.text;
  }
  bool expects(const Status& failure) override {
    if (doing_ != Doing::kStatement) return false;
    failed_ = !statement_.sqlstate.empty() && failure.sqlstate().view() == statement_.sqlstate;
    if (!failed_ && !is_excused(failure))
      tell(fmt::format("{} fails: {}", statement_.text, failure.to_string()));
    return failed_;
  }
  std::string wrong;  // of what the last attempt was told
  Lane now;

 private:
  enum class Doing : uint8_t { kNothing, kStatement, kSave, kBack };
  void take(const SqlAnswer& answer) {
    if (doing_ == Doing::kSave) saved_ = now;
    if (doing_ == Doing::kBack) now = *saved_;
    if (doing_ == Doing::kBack) failed_ = false;
    if (doing_ != Doing::kStatement || failed_) return;
    if (std::string what = judge_answer(statement_, answer); !what.empty()) tell(std::move(what));
    now = statement_.after;
  }
  std::string go_back() {
    doing_ = Doing::kBack;
    return "ROLLBACK TO SAVEPOINT s";
  }
  void tell(std::string what) {
    if (wrong.empty()) wrong = std::move(what);
  }

  Random& random_;
  RandomSql sql_;
  const Lane before_;
  std::optional<Lane> saved_;
  size_t left_ = 0;
  Doing doing_ = Doing::kNothing;
  bool failed_ = false;  // the statement, as it was to
  RandomStatement statement_;
};

Task<void> SqlRandom::step(SqlClient* client, Random* random) {
  if (free_.empty() || (free_.size() < free_lanes_most_ && random->chance(0.1)))
    free_.push_back(next_lane_++);
  const size_t at = random->below(free_.size());
  const int64_t lane = free_[at];
  free_.erase(free_.begin() + static_cast<ptrdiff_t>(at));
  if (random->chance(0.4))
    co_await run_statement(client, random, lane);
  else
    co_await run_transaction(client, random, lane);
}

Task<void> SqlRandom::run_statement(SqlClient* client, Random* random, int64_t lane) {
  const RandomStatement statement = RandomSql(*random, lane).draw(lanes_[lane], true);
  // Until its outcome is known.
  perhaps_[lane] = statement.after;
  std::string text = statement.text;
  Result<SqlAnswer> answer = co_await once(client, std::move(text));
  std::string wrong;
  if (answer.ok())
    wrong = judge_answer(statement, *answer);
  else if (!is_excused(answer.status()) &&
           (statement.sqlstate.empty() || answer.status().sqlstate().view() != statement.sqlstate))
    wrong = fmt::format("{} fails: {}", statement.text, answer.status().to_string());
  if (!wrong.empty() && real_time()) find(std::move(wrong), Trail());
  end(lane, answer.status(), statement.after);
}

Task<void> SqlRandom::run_transaction(SqlClient* client, Random* random, int64_t lane) {
  static constexpr const char* kLevels[] = {"", " ISOLATION LEVEL REPEATABLE READ",
                                            " ISOLATION LEVEL READ COMMITTED"};
  std::string begin = "BEGIN";
  if (asks_for_any()) begin += kLevels[random->below(std::size(kLevels))];
  Walk script(*random, lane, lanes_[lane]);
  const Status done = co_await transact(client, random, &script, std::move(begin));
  if (!script.wrong.empty() && real_time() &&
      (done.ok() || done.code() == StatusCode::kInvalidArgument))
    find(script.wrong, script.trail);
  end(lane, done, script.now);
}

void SqlRandom::end(int64_t lane, const Status& outcome, Lane after) {
  perhaps_.erase(lane);
  if (outcome.code() == StatusCode::kAmbiguous) {
    perhaps_[lane] = std::move(after);
    return;
  }
  if (outcome.ok()) lanes_[lane] = std::move(after);
  free_.push_back(lane);
}

Task<Result<std::string>> SqlRandom::judge(SqlClient* client) {
  if (!real_time()) co_return std::string();
  std::vector<std::string> texts{"SELECT lane, id, a, b, c, d FROM t ORDER BY lane, id",
                                 "SELECT lane, id, t, v FROM u ORDER BY lane, id"};
  Result<std::vector<SqlAnswer>> read = co_await insist_all(client, std::move(texts));
  if (!read.ok()) co_return read.status();
  std::map<int64_t, Lane> there;
  for (const auto& row : (*read)[0].rows) {
    ModelT t{int_of(row.at(2)), row.at(3), int_of(row.at(4)), std::nullopt};
    if (row.at(5)) t.d = *row[5] == "t";
    there[sql_int(row.at(0))].t.emplace(sql_int(row.at(1)), std::move(t));
  }
  for (const auto& row : (*read)[1].rows)
    there[sql_int(row.at(0))].u.emplace(sql_int(row.at(1)),
                                        ModelU{int_of(row.at(2)), int_of(row.at(3))});
  for (int64_t lane = 0; lane < next_lane_; ++lane) {
    const auto perhaps = perhaps_.find(lane);
    if (there[lane] == lanes_[lane]) continue;
    if (perhaps != perhaps_.end() && there[lane] == perhaps->second) continue;
    co_return fmt::format("lane {} holds {} and {} rows, not as its {} statements have left it",
                          lane, there[lane].t.size(), there[lane].u.size(),
                          perhaps != perhaps_.end() ? "doubtful" : "acknowledged");
  }
  co_return std::string();
}

}  // namespace quorate::sim
