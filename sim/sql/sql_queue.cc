#include "sim/sql/sql_queue.h"

#include <fmt/format.h>

namespace quorate::sim {

using runtime::Random;
using runtime::Task;

namespace {
constexpr const char* kJobs = "SELECT id, payload FROM jobs ORDER BY id";
constexpr const char* kDone = "SELECT payload FROM done ORDER BY payload";
}  // namespace

SqlQueue::SqlQueue(Random random)
    : SqlWorkload(random), split_(random.chance(0.5)), read_committed_(random.chance(0.5)) {}

std::vector<std::string> SqlQueue::tables() const {
  // `done` has no key over its payload: what is done twice must be seen.
  return {"CREATE TABLE jobs (id bigserial PRIMARY KEY, state text NOT NULL, payload int NOT NULL)",
          "CREATE INDEX ON jobs (state, id)", "CREATE TABLE done (payload int NOT NULL)",
          "CREATE INDEX ON done (payload)"};
}

std::vector<std::string> SqlQueue::splits() const {
  if (!split_) return {};
  return {"ALTER TABLE jobs SPLIT AT VALUES (8), (60)"};
}

// The next job, if there is one, with one to three ways through its savepoints.
class SqlQueue::Take : public SqlWorkload::Script {
 public:
  explicit Take(int detours) : detours_(detours) {}
  void begin() override {
    at_ = 0;
    left_ = detours_;
    payload = -1;
  }
  std::string next(const SqlAnswer& answer) override {
    switch (at_) {
      case 0:
        at_ = 1;
        return "SELECT id, payload FROM jobs WHERE state = 'new' ORDER BY id LIMIT 1 "
               "FOR UPDATE SKIP LOCKED";
      case 1:
        if (answer.rows.empty()) {
          give_up = true;
          return {};
        }
        id_ = sql_int(answer.rows[0].at(0));
        payload = sql_int(answer.rows[0].at(1));
        break;
      case 2:
        at_ = 3;
        return "INSERT INTO done VALUES (-1)";
      case 3:
        at_ = 4;
        return fmt::format("UPDATE jobs SET state = 'lost' WHERE id = {}", id_);
      case 4:
        at_ = 1;
        --left_;
        return "ROLLBACK TO SAVEPOINT s";
      case 5:
        at_ = 6;
        return fmt::format("INSERT INTO done VALUES ({})", payload);
      default:
        return {};
    }
    return detour_or_end(answer);
  }
  int64_t payload = -1;

 private:
  std::string detour_or_end(const SqlAnswer&) {
    if (left_ > 0) {
      at_ = 2;
      return "SAVEPOINT s";
    }
    at_ = 5;
    return fmt::format("DELETE FROM jobs WHERE id = {}", id_);
  }
  const int detours_;
  int at_ = 0, left_ = 0;
  int64_t id_ = 0;
};

Task<void> SqlQueue::step(SqlClient* client, Random* random) {
  if (random->chance(0.5))
    co_await produce(client, random);
  else
    co_await consume(client, random);
}

Task<void> SqlQueue::produce(SqlClient* client, Random* random) {
  const size_t first = put_.size();
  const size_t jobs = 1 + random->below(3);
  std::string text = "INSERT INTO jobs (state, payload) VALUES ";
  for (size_t i = 0; i < jobs; ++i)
    text += fmt::format("{}('new', {})", i > 0 ? ", " : "", first + i);
  put_.resize(first + jobs, Fate::kOpen);
  text += " RETURNING id";
  std::vector<std::string> texts{std::move(text)};
  Statements script(std::move(texts));
  std::string begin = "BEGIN";
  const Status done = co_await transact(client, random, &script, std::move(begin));
  if (done.code() == StatusCode::kAmbiguous) co_return;
  for (size_t i = first; i < first + jobs; ++i) put_[i] = done.ok() ? Fate::kDone : Fate::kFailed;
  if (!done.ok()) co_return;
  for (const auto& row : script.answers[0].rows) {
    const int64_t id = sql_int(row.at(0));
    if (!ids_.insert(id).second) find(fmt::format("id {} was given twice", id), script.trail);
  }
}

Task<void> SqlQueue::consume(SqlClient* client, Random* random) {
  Take script(static_cast<int>(random->below(3)));
  std::string begin = read_committed_ ? "BEGIN ISOLATION LEVEL READ COMMITTED" : "BEGIN";
  const Status done = co_await transact(client, random, &script, std::move(begin));
  if (script.payload < 0 || !done.ok()) co_return;
  if (!taken_.emplace(script.payload, Fate::kDone).second)
    find(fmt::format("job {} was taken twice", script.payload), script.trail);
}

std::string SqlQueue::judge_rows(const SqlAnswer& jobs, const SqlAnswer& done) const {
  std::map<int64_t, int> times;
  for (const auto& row : jobs.rows) ++times[sql_int(row.at(1))];
  for (const auto& [payload, n] : times)
    if (n > 1) return fmt::format("job {} waits {} times", payload, n);
  std::set<int64_t> finished;
  for (const auto& row : done.rows) {
    const int64_t payload = sql_int(row.at(0));
    if (payload < 0) return "what a savepoint took back is there";
    if (!finished.insert(payload).second) return fmt::format("job {} is done twice", payload);
    if (times.contains(payload)) return fmt::format("job {} is done and waits", payload);
    ++times[payload];
  }
  for (size_t i = 0; i < put_.size(); ++i) {
    const bool there = times.contains(static_cast<int64_t>(i));
    if (put_[i] == Fate::kDone && !there) return fmt::format("job {} is lost", i);
    if (put_[i] == Fate::kFailed && there) return fmt::format("job {} failed and is there", i);
  }
  for (const auto& [payload, fate] : taken_)
    if (!finished.contains(payload))
      return fmt::format("job {} was acknowledged as done and is not", payload);
  return {};
}

Task<Result<std::string>> SqlQueue::judge(SqlClient* client) {
  std::vector<std::string> texts{kJobs, kDone, "SELECT count(*) FROM jobs WHERE state = 'new'"};
  Result<std::vector<SqlAnswer>> read = co_await insist_all(client, std::move(texts));
  if (!read.ok()) co_return read.status();
  const SqlAnswer &jobs = (*read)[0], &done = (*read)[1], &waiting = (*read)[2];
  std::string wrong = judge_rows(jobs, done);
  const auto rows = static_cast<int64_t>(jobs.rows.size());
  if (wrong.empty() && sql_int(waiting.rows.at(0).at(0)) != rows)
    wrong = fmt::format("{} jobs, {} by their state", rows, sql_int(waiting.rows[0][0]));
  co_return std::move(wrong);
}

}  // namespace quorate::sim
