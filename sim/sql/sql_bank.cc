#include "sim/sql/sql_bank.h"

#include <fmt/format.h>

#include <set>

namespace quorate::sim {

using runtime::Random;
using runtime::Task;

SqlBank::SqlBank(Random random)
    : SqlWorkload(random),
      accounts_(4 + random.below(20)),
      lock_chance_(random.chance(0.5) ? 0.8 : 0.2),
      split_(random.chance(0.5)) {}

std::vector<std::string> SqlBank::tables() const {
  return {"CREATE TABLE accounts (id int PRIMARY KEY, balance int NOT NULL CHECK (balance >= 0))",
          "CREATE TABLE receipts (n int PRIMARY KEY, src int NOT NULL REFERENCES accounts, dst int "
          "NOT NULL REFERENCES accounts, amount int NOT NULL CHECK (amount > 0))",
          "CREATE INDEX ON receipts (src, dst)",
          fmt::format("INSERT INTO accounts SELECT i, {} FROM generate_series(0, {}) i", kEach,
                      accounts_ - 1)};
}

std::vector<std::string> SqlBank::splits() const {
  if (!split_) return {};
  return {fmt::format("ALTER TABLE accounts SPLIT AT VALUES ({})", accounts_ / 2),
          "ALTER TABLE receipts SPLIT AT VALUES (0), (40)"};
}

class SqlBank::TransferScript : public SqlWorkload::Script {
 public:
  TransferScript(Transfer t, uint64_t number, bool lock, bool at_once)
      : t_(t), number_(number), lock_(lock), at_once_(at_once) {}
  void begin() override { step_ = 0; }
  std::string next(const SqlAnswer& answer) override {
    switch (step_++) {
      case 0:
        return fmt::format("SELECT balance FROM accounts WHERE id = {}{}", t_.from,
                           lock_ ? " FOR UPDATE" : "");
      case 1:
        if (answer.rows.size() != 1 || sql_int(answer.rows[0][0]) < t_.amount) {
          give_up = true;
          return {};
        }
        if (at_once_) {
          ++step_;
          return fmt::format(
              "UPDATE accounts SET balance = balance + CASE id WHEN {} THEN -{} ELSE {} END WHERE "
              "id IN ({}, {})",
              t_.from, t_.amount, t_.amount, t_.from, t_.to);
        }
        return fmt::format("UPDATE accounts SET balance = balance - {} WHERE id = {}", t_.amount,
                           t_.from);
      case 2:
        return fmt::format("UPDATE accounts SET balance = balance + {} WHERE id = {}", t_.amount,
                           t_.to);
      case 3:
        return fmt::format("INSERT INTO receipts VALUES ({}, {}, {}, {})", number_, t_.from, t_.to,
                           t_.amount);
      default:
        return {};
    }
  }

 private:
  const Transfer t_;
  const uint64_t number_;
  const bool lock_, at_once_;
  int step_ = 0;
};

class SqlBank::SnapshotScript : public SqlWorkload::Script {
 public:
  std::string next(const SqlAnswer& answer) override {
    if (!asked_) {
      asked_ = true;
      return "SELECT id, balance FROM accounts ORDER BY id";
    }
    seen = answer;
    return {};
  }
  void begin() override { asked_ = false; }
  SqlAnswer seen;

 private:
  bool asked_ = false;
};

Task<void> SqlBank::step(SqlClient* client, Random* random) {
  if (random->chance(0.25)) {
    co_await snapshot(client, random);
  } else if (random->chance(0.1)) {
    co_await past(client, random);
  } else {
    co_await transfer(client, random);
  }
}

Task<void> SqlBank::transfer(SqlClient* client, Random* random) {
  const uint64_t number = transfers_.size();
  Transfer t;
  t.from = random->below(accounts_);
  t.to = (t.from + 1 + random->below(accounts_ - 1)) % accounts_;
  t.amount = static_cast<int64_t>(1 + random->below(50));
  transfers_.push_back(t);
  const bool lock = random->chance(lock_chance_);
  const bool at_once = random->chance(0.3);
  TransferScript script(t, number, lock, at_once);
  std::string begin = "BEGIN";
  const Status done = co_await transact(client, random, &script, std::move(begin));
  if (done.ok())
    transfers_[number].fate = Transfer::Fate::kDone;
  else if (done.code() != StatusCode::kAmbiguous)
    transfers_[number].fate = Transfer::Fate::kFailed;
}

Task<void> SqlBank::snapshot(SqlClient* client, Random* random) {
  SnapshotScript script;
  std::string begin = begin_look(random);
  const Status done = co_await transact(client, random, &script, std::move(begin));
  if (!done.ok()) co_return;
  std::string wrong = judge_total(script.seen);
  if (!wrong.empty()) find("a snapshot: " + wrong, script.trail);
}

// One moment, looked at twice.
Task<void> SqlBank::past(SqlClient* client, Random* random) {
  const auto ago = draw_past(random);
  if (!ago) co_return;
  std::string ask = fmt::format("SELECT now() - interval '{} ms'", ago->count());
  Result<SqlAnswer> moment = co_await once(client, std::move(ask));
  if (!moment.ok()) co_return;
  const std::string begin =
      fmt::format("BEGIN AS OF SYSTEM TIME '{}'", moment->rows.at(0).at(0).value_or(""));
  SnapshotScript first, second;
  std::string again = begin;
  Status done = co_await transact(client, random, &first, std::move(again));
  if (!done.ok()) co_return;
  co_await think(nullptr, random);
  again = begin;
  done = co_await transact(client, random, &second, std::move(again));
  if (!done.ok()) co_return;
  std::string wrong = judge_total(first.seen);
  if (wrong.empty() && first.seen.rows != second.seen.rows)
    wrong = "the same moment is read twice, and differs";
  if (!wrong.empty()) find("the past: " + wrong, second.trail);
}

std::string SqlBank::judge_total(const SqlAnswer& accounts) const {
  if (accounts.rows.size() != accounts_)
    return fmt::format("{} accounts of {}", accounts.rows.size(), accounts_);
  int64_t total = 0;
  for (const auto& row : accounts.rows) {
    const int64_t balance = sql_int(row.at(1));
    if (balance < 0) return fmt::format("an account holds {}", balance);
    total += balance;
  }
  const int64_t wanted = kEach * static_cast<int64_t>(accounts_);
  return total == wanted ? "" : fmt::format("the total is {} and not {}", total, wanted);
}

std::string SqlBank::judge_receipts(const SqlAnswer& accounts, const SqlAnswer& receipts) const {
  std::set<uint64_t> there;
  for (const auto& row : receipts.rows) there.insert(static_cast<uint64_t>(sql_int(row.at(0))));
  std::vector<int64_t> balances(accounts_, kEach);
  for (uint64_t n = 0; n < transfers_.size(); ++n) {
    const Transfer& t = transfers_[n];
    if (t.fate == Transfer::Fate::kDone && !there.contains(n))
      return fmt::format("transfer {} was acknowledged and is lost", n);
    if (t.fate == Transfer::Fate::kFailed && there.contains(n))
      return fmt::format("transfer {} failed and is there", n);
    if (!there.contains(n)) continue;
    balances[t.from] -= t.amount;
    balances[t.to] += t.amount;
  }
  for (const auto& row : accounts.rows) {
    const auto id = static_cast<size_t>(sql_int(row.at(0)));
    if (sql_int(row.at(1)) != balances.at(id))
      return fmt::format("account {} holds {}, its receipts make {}", id, sql_int(row.at(1)),
                         balances[id]);
  }
  return {};
}

Task<Result<std::string>> SqlBank::judge(SqlClient* client) {
  std::vector<std::string> texts{"SELECT id, balance FROM accounts ORDER BY id",
                                 "SELECT n, src, dst, amount FROM receipts ORDER BY n",
                                 "SELECT count(*) FROM accounts a JOIN receipts r ON r.src = a.id"};
  Result<std::vector<SqlAnswer>> read = co_await insist_all(client, std::move(texts));
  if (!read.ok()) co_return read.status();
  const SqlAnswer &accounts = (*read)[0], &receipts = (*read)[1], &joined = (*read)[2];
  std::string wrong = judge_total(accounts);
  if (wrong.empty()) wrong = judge_receipts(accounts, receipts);
  // Table and index agree.
  const auto rows = static_cast<int64_t>(receipts.rows.size());
  if (wrong.empty() && sql_int(joined.rows.at(0).at(0)) != rows)
    wrong = fmt::format("{} receipts, {} by their accounts", rows, sql_int(joined.rows[0][0]));
  co_return std::move(wrong);
}

}  // namespace quorate::sim
