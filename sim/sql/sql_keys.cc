#include "sim/sql/sql_keys.h"

#include <fmt/format.h>

#include <set>

namespace quorate::sim {

using runtime::Random;
using runtime::Task;

namespace {
constexpr const char* kParents = "SELECT id FROM parents ORDER BY id";
constexpr const char* kChildren = "SELECT id, parent, tag FROM children ORDER BY id";
constexpr const char* kEntries =
    "SELECT ledger, period, count(*) FROM entries GROUP BY ledger, period";
constexpr const char* kLedgers = "SELECT id, open FROM ledgers ORDER BY id";
}  // namespace

// Enters something into the period that is open.
class SqlKeys::Enter : public SqlWorkload::Script {
 public:
  Enter(uint64_t ledger, uint64_t number) : ledger_(ledger), number_(number) {}
  void begin() override { at_ = 0; }
  std::string next(const SqlAnswer& answer) override {
    switch (at_++) {
      case 0:
        return fmt::format("SELECT open FROM ledgers WHERE id = {} FOR SHARE", ledger_);
      case 1:
        return fmt::format("INSERT INTO entries VALUES ({}, {}, {})", number_, ledger_,
                           sql_int(answer.rows.at(0).at(0)));
      default:
        return {};
    }
  }

 private:
  const uint64_t ledger_, number_;
  int at_ = 0;
};

SqlKeys::SqlKeys(Random random)
    : SqlWorkload(random),
      parents_(2 + random.below(8)),
      tags_(3 + random.below(20)),
      ledgers_(1 + random.below(3)),
      cascade_(random.chance(0.5)),
      split_(random.chance(0.5)) {}

std::vector<std::string> SqlKeys::tables() const {
  return {
      "CREATE TABLE parents (id int PRIMARY KEY, name text)",
      fmt::format("CREATE TABLE children (id int PRIMARY KEY, parent int NOT NULL REFERENCES "
                  "parents{}, tag int UNIQUE)",
                  cascade_ ? " ON DELETE CASCADE" : ""),
      "CREATE INDEX ON children (parent)",
      fmt::format("INSERT INTO parents SELECT i, 'p' FROM generate_series(0, {}) i", parents_ - 1),
      "CREATE TABLE ledgers (id int PRIMARY KEY, open int NOT NULL)",
      "CREATE TABLE entries (n int PRIMARY KEY, ledger int NOT NULL, period int NOT NULL)",
      fmt::format("INSERT INTO ledgers SELECT i, 0 FROM generate_series(0, {}) i", ledgers_ - 1)};
}

std::vector<std::string> SqlKeys::splits() const {
  if (!split_) return {};
  return {fmt::format("ALTER TABLE parents SPLIT AT VALUES ({})", parents_ / 2),
          "ALTER TABLE children SPLIT AT VALUES (0), (20)"};
}

std::string SqlKeys::draw_statement(Random& random, uint64_t child) const {
  const uint64_t parent = random.below(parents_), tag = random.below(tags_);
  const uint64_t old = child == 0 ? 0 : random.below(child);
  switch (random.below(9)) {
    case 0:
      return fmt::format("INSERT INTO parents VALUES ({}, 'p') ON CONFLICT DO NOTHING", parent);
    case 1:
      return fmt::format("DELETE FROM parents WHERE id = {}", parent);
    case 2:
      return fmt::format("UPDATE children SET tag = {} WHERE id = {}", tag, old);
    case 3:
      return fmt::format("UPDATE children SET parent = {} WHERE tag = {}", parent, tag);
    case 4:
      return fmt::format("DELETE FROM children WHERE tag = {}", tag);
    case 5:
      return fmt::format(
          "INSERT INTO children VALUES ({}, {}, {}) ON CONFLICT (tag) DO UPDATE SET parent = "
          "excluded.parent",
          child, parent, tag);
    default:
      return fmt::format("INSERT INTO children VALUES ({}, {}, {})", child, parent, tag);
  }
}

std::string SqlKeys::draw_begin(Random& random) const {
  static constexpr const char* kLevels[] = {"SERIALIZABLE", "REPEATABLE READ", "READ COMMITTED"};
  std::string begin = "BEGIN";
  if (random.chance(0.6))
    begin += std::string(" ISOLATION LEVEL ") + kLevels[random.below(std::size(kLevels))];
  return begin;
}

Task<void> SqlKeys::step(SqlClient* client, Random* random) {
  if (random->chance(0.2)) {
    co_await look(client, random);
    co_return;
  }
  std::string begin = draw_begin(*random);
  std::vector<std::string> texts;
  if (random->chance(0.3)) {
    const uint64_t ledger = random->below(ledgers_);
    if (random->chance(0.7)) {
      Enter script(ledger, next_entry_++);
      (void)co_await transact(client, random, &script, std::move(begin));
      co_return;
    }
    texts.push_back(fmt::format("UPDATE ledgers SET open = open + 1 WHERE id = {}", ledger));
  } else {
    texts.resize(1 + random->below(3));
    for (std::string& text : texts) text = draw_statement(*random, next_child_++);
  }
  Statements script(std::move(texts));
  (void)co_await transact(client, random, &script, std::move(begin));
}

Task<void> SqlKeys::look(SqlClient* client, Random* random) {
  std::vector<std::string> texts{kParents, kChildren, kEntries, kLedgers};
  Statements script(std::move(texts));
  std::string begin = begin_look(random);
  const Status done = co_await transact(client, random, &script, std::move(begin));
  if (!done.ok()) co_return;
  std::string wrong = judge_rows(script.answers[0], script.answers[1]);
  if (wrong.empty()) wrong = judge_ledgers(script.answers[2], script.answers[3]);
  if (!wrong.empty()) find("a snapshot: " + wrong, script.trail);
}

std::string SqlKeys::judge_rows(const SqlAnswer& parents, const SqlAnswer& children) const {
  std::set<int64_t> ids, tags;
  for (const auto& row : parents.rows) ids.insert(sql_int(row.at(0)));
  for (const auto& row : children.rows) {
    if (!ids.contains(sql_int(row.at(1))))
      return fmt::format("child {} refers to parent {}, which is not there", sql_int(row[0]),
                         sql_int(row[1]));
    if (!tags.insert(sql_int(row.at(2))).second)
      return fmt::format("tag {} is there twice", sql_int(row[2]));
  }
  return {};
}

std::string SqlKeys::judge_ledgers(const SqlAnswer& entries, const SqlAnswer& ledgers) {
  std::map<std::pair<int64_t, int64_t>, int64_t> counts;
  for (const auto& row : entries.rows)
    counts[{sql_int(row.at(0)), sql_int(row.at(1))}] = sql_int(row.at(2));
  for (const auto& row : ledgers.rows) {
    const int64_t ledger = sql_int(row.at(0)), open = sql_int(row.at(1));
    for (int64_t period = 0; period < open; ++period) {
      const int64_t count = counts[{ledger, period}];
      const int64_t known = closed_.try_emplace({ledger, period}, count).first->second;
      if (known != count)
        return fmt::format("period {} of ledger {} is closed and holds {} entries, and {} before",
                           period, ledger, count, known);
    }
  }
  return {};
}

Task<Result<std::string>> SqlKeys::judge(SqlClient* client) {
  std::vector<std::string> texts{kParents, kChildren, kEntries, kLedgers};
  for (uint64_t tag = 0; tag < tags_; ++tag)
    texts.push_back(fmt::format("SELECT id FROM children WHERE tag = {}", tag));
  Result<std::vector<SqlAnswer>> read = co_await insist_all(client, std::move(texts));
  if (!read.ok()) co_return read.status();
  const SqlAnswer &parents = (*read)[0], &children = (*read)[1];
  std::string wrong = judge_rows(parents, children);
  if (wrong.empty()) wrong = judge_ledgers((*read)[2], (*read)[3]);
  if (!wrong.empty()) co_return std::move(wrong);
  // Each tag by its index.
  std::set<int64_t> tags;
  for (const auto& row : children.rows) tags.insert(sql_int(row.at(2)));
  for (uint64_t tag = 0; tag < tags_; ++tag) {
    const size_t found = (*read)[4 + tag].rows.size();
    const size_t wanted = tags.contains(static_cast<int64_t>(tag)) ? 1 : 0;
    if (found != wanted)
      co_return fmt::format("tag {}: the table holds {}, its index {}", tag, wanted, found);
  }
  co_return std::string();
}

}  // namespace quorate::sim
