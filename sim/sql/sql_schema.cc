#include "sim/sql/sql_schema.h"

#include <fmt/format.h>

namespace quorate::sim {

using runtime::Random;
using runtime::Task;

SqlSchema::SqlSchema(Random random)
    : SqlWorkload(random),
      colors_(2 + random.below(5)),
      change_chance_(0.05 + 0.01 * static_cast<double>(random.below(25))),
      split_(random.chance(0.5)) {}

std::vector<std::string> SqlSchema::tables() const {
  return {"CREATE TABLE things (id int PRIMARY KEY, color int NOT NULL, twin int NOT NULL)",
          fmt::format("INSERT INTO things SELECT -i, i % {}, -i FROM generate_series(1, 30) i",
                      colors_)};
}

std::vector<std::string> SqlSchema::splits() const {
  if (!split_) return {};
  return {"ALTER TABLE things SPLIT AT VALUES (0), (30)"};
}

// Many fail, since their like is there already or is not: that is no matter.
std::string SqlSchema::draw_change(Random& random) const {
  static constexpr const char* kChanges[] = {
      "CREATE INDEX by_color ON things (color)",
      "DROP INDEX by_color",
      "CREATE UNIQUE INDEX by_twin ON things (twin)",
      "DROP INDEX by_twin",
      "CREATE INDEX by_color_and_id ON things (color, id)",
      "DROP INDEX by_color_and_id",
      "ALTER TABLE things ADD COLUMN extra int NOT NULL DEFAULT 7",
      "ALTER TABLE things DROP COLUMN extra",
      "ALTER TABLE things ADD CONSTRAINT twins CHECK (twin = id)",
      "ALTER TABLE things DROP CONSTRAINT twins",
      "CREATE TABLE side (id int PRIMARY KEY, thing int REFERENCES things)",
      "DROP TABLE side",
      "TRUNCATE side",
      "INSERT INTO side VALUES (1, -1), (2, -2)",
  };
  return kChanges[random.below(std::size(kChanges))];
}

Task<void> SqlSchema::step(SqlClient* client, Random* random) {
  if (random->chance(change_chance_))
    co_await change(client, random);
  else if (random->chance(0.25))
    co_await look(client, random);
  else
    co_await write(client, random);
}

Task<void> SqlSchema::change(SqlClient* client, Random* random) {
  std::vector<std::string> texts(random->chance(0.8) ? 1 : 2);
  for (std::string& text : texts) text = draw_change(*random);
  if (texts.size() == 1) {
    perhaps_cancel(client);
    Result<SqlAnswer> done = co_await client->query(std::move(texts[0]), std::chrono::seconds(60));
    count(env(), done.status(), "a change", 0);
    co_return;
  }
  Statements script(std::move(texts));
  std::string begin = "BEGIN";
  (void)co_await transact(client, random, &script, std::move(begin));
}

Task<void> SqlSchema::write(SqlClient* client, Random* random) {
  const uint64_t id = rows_.size();
  const uint64_t old = id == 0 ? 0 : random->below(id);
  const uint64_t dice = random->below(6);
  const bool inserts = dice < 3 || id == 0;
  std::vector<std::string> texts(1);
  if (inserts) {
    rows_.push_back(Fate::kOpen);
    texts[0] = fmt::format("INSERT INTO things (id, color, twin) VALUES ({}, {}, {})", id,
                           random->below(colors_), id);
  } else if (dice < 5) {
    texts[0] =
        fmt::format("UPDATE things SET color = {} WHERE id = {}", random->below(colors_), old);
  } else {
    texts[0] = fmt::format("DELETE FROM things WHERE id = {}", old);
    removed_.insert(old);
  }
  Statements script(std::move(texts));
  std::string begin = "BEGIN";
  const Status done = co_await transact(client, random, &script, std::move(begin));
  if (!inserts || done.code() == StatusCode::kAmbiguous) co_return;
  rows_[id] = done.ok() ? Fate::kThere : Fate::kGone;
}

// All rows, then those of each color, which an index may answer.
std::vector<std::string> SqlSchema::questions() const {
  std::vector<std::string> out{"SELECT id, color, twin FROM things"};
  for (uint64_t c = 0; c < colors_; ++c)
    out.push_back(fmt::format("SELECT id FROM things WHERE color = {}", c));
  return out;
}

std::string SqlSchema::judge_answers(const SqlAnswer& all,
                                     const std::vector<SqlAnswer>& by_color) const {
  std::vector<std::set<int64_t>> wanted(colors_);
  for (const auto& row : all.rows) {
    const int64_t id = sql_int(row.at(0));
    if (sql_int(row.at(2)) != id) return fmt::format("row {} has the twin of another", id);
    wanted.at(static_cast<size_t>(sql_int(row.at(1)))).insert(id);
  }
  for (size_t c = 0; c < colors_; ++c) {
    std::set<int64_t> found;
    for (const auto& row : by_color[c].rows)
      if (!found.insert(sql_int(row.at(0))).second)
        return fmt::format("row {} is there twice by its color", sql_int(row[0]));
    if (found == wanted[c]) continue;
    std::string out = fmt::format("color {}: {} rows of the table, {} by their color;", c,
                                  wanted[c].size(), found.size());
    for (int64_t id : wanted[c])
      if (!found.contains(id)) out += fmt::format(" {} is missing", id);
    for (int64_t id : found)
      if (!wanted[c].contains(id)) out += fmt::format(" {} is only there", id);
    return out;
  }
  return {};
}

Task<void> SqlSchema::look(SqlClient* client, Random* random) {
  Statements script(questions());
  std::string begin = begin_look(random);
  const Status done = co_await transact(client, random, &script, std::move(begin));
  if (!done.ok()) co_return;
  const std::vector<SqlAnswer> by_color(script.answers.begin() + 1, script.answers.end());
  std::string wrong = judge_answers(script.answers[0], by_color);
  if (!wrong.empty()) find("a snapshot: " + wrong, script.trail);
}

Task<Result<std::string>> SqlSchema::judge(SqlClient* client) {
  std::vector<std::string> texts = questions();
  Result<std::vector<SqlAnswer>> read = co_await insist_all(client, std::move(texts));
  if (!read.ok()) co_return read.status();
  const SqlAnswer& all = read->front();
  const std::vector<SqlAnswer> by_color(read->begin() + 1, read->end());
  std::string wrong = judge_answers(all, by_color);
  std::set<int64_t> there;
  for (const auto& row : all.rows) there.insert(sql_int(row.at(0)));
  for (size_t i = 0; wrong.empty() && i < rows_.size(); ++i) {
    const bool found = there.contains(static_cast<int64_t>(i));
    if (rows_[i] == Fate::kThere && !found && !removed_.contains(i))
      wrong = fmt::format("row {} is lost", i);
    if (rows_[i] == Fate::kGone && found) wrong = fmt::format("row {} failed and is there", i);
  }
  // Where the column is there, rows from before have its default.
  std::string ask = "SELECT count(*) FROM things WHERE extra <> 7 OR extra IS NULL";
  Result<SqlAnswer> extra = co_await insist(client, std::move(ask));
  if (wrong.empty() && extra.ok() && sql_int(extra->rows.at(0).at(0)) != 0)
    wrong = "an added column's default is missing in " + extra->rows[0][0].value_or("");
  co_return std::move(wrong);
}

}  // namespace quorate::sim
