#include "sim/sql/sql_skew.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace quorate::sim {

using runtime::Random;
using runtime::Task;

SqlSkew::SqlSkew(Random random)
    : SqlWorkload(random),
      wards_(1 + random.below(4)),
      doctors_(2 + random.below(3)),
      rooms_(1 + random.below(3)),
      hours_(8 + random.below(40)),
      lock_chance_(random.chance(0.5) ? 0.3 : 0),
      look_chance_(0.2 + 0.1 * static_cast<double>(random.below(4))),
      split_(random.chance(0.5)),
      tried_(wards_ * doctors_),
      done_(tried_),
      seen_(tried_) {
  if (random.chance(0.7)) return;
  const bool one_view = random.chance(0.5);
  ask_for(one_view ? "REPEATABLE READ" : "READ COMMITTED");
  judge_by(one_view ? txn::Level::kSnapshot : txn::Level::kReadCommitted);
}

std::vector<std::string> SqlSkew::tables() const {
  return {
      "CREATE TABLE doctors (ward int, id int, on_call int NOT NULL, version int NOT NULL, "
      "PRIMARY KEY (ward, id))",
      "CREATE INDEX ON doctors (on_call, ward)",
      "CREATE TABLE bookings (n int PRIMARY KEY, room int NOT NULL, first int NOT NULL, last "
      "int NOT NULL)",
      "CREATE INDEX ON bookings (room, first)",
      fmt::format("INSERT INTO doctors SELECT w, i, 1, 0 FROM generate_series(0, {}) w, "
                  "generate_series(0, {}) i",
                  wards_ - 1, doctors_ - 1)};
}

std::vector<std::string> SqlSkew::splits() const {
  if (!split_) return {};
  return {fmt::format("ALTER TABLE doctors SPLIT AT VALUES ({}, 1)", wards_ / 2),
          "ALTER TABLE bookings SPLIT AT VALUES (10), (50)"};
}

// Signs a doctor off whom others can stand in for, else one on.
class SqlSkew::Sign : public SqlWorkload::Script {
 public:
  Sign(uint64_t ward, uint64_t doctor, bool by_index, bool lock)
      : ward_(ward), doctor_(doctor), by_index_(by_index), lock_(lock) {}
  void begin() override { at_ = 0; }
  std::string next(const SqlAnswer& answer) override {
    switch (at_++) {
      case 0:
        if (by_index_)
          return fmt::format("SELECT id FROM doctors WHERE on_call = 1 AND ward = {}{}", ward_,
                             lock_ ? " FOR UPDATE" : "");
        return fmt::format("SELECT id, on_call FROM doctors WHERE ward = {}{}", ward_,
                           lock_ ? " FOR SHARE" : "");
      case 1:
        return fmt::format(
            "UPDATE doctors SET on_call = {}, version = version + 1 WHERE ward = {} AND id = {}",
            others_on_call(answer) ? 0 : 1, ward_, doctor_);
      default:
        return {};
    }
  }

 private:
  bool others_on_call(const SqlAnswer& answer) const {
    return std::any_of(answer.rows.begin(), answer.rows.end(), [&](const auto& row) {
      return sql_int(row.at(0)) != static_cast<int64_t>(doctor_) &&
             (by_index_ || sql_int(row.at(1)) == 1);
    });
  }
  const uint64_t ward_, doctor_;
  const bool by_index_, lock_;
  int at_ = 0;
};

// Books where nothing overlaps, else removes one that does.
class SqlSkew::Book : public SqlWorkload::Script {
 public:
  Book(std::set<int64_t>& removed, uint64_t number, uint64_t room, uint64_t first, uint64_t last)
      : removed_(removed), number_(number), room_(room), first_(first), last_(last) {}
  void begin() override { at_ = 0; }
  std::string next(const SqlAnswer& answer) override {
    switch (at_++) {
      case 0:
        return fmt::format("SELECT n FROM bookings WHERE room = {} AND first < {} AND last > {}",
                           room_, last_, first_);
      case 1:
        books = answer.rows.empty();
        if (books)
          return fmt::format("INSERT INTO bookings VALUES ({}, {}, {}, {})", number_, room_, first_,
                             last_);
        removed_.insert(sql_int(answer.rows[0].at(0)));
        return fmt::format("DELETE FROM bookings WHERE n = {}", sql_int(answer.rows[0][0]));
      default:
        return {};
    }
  }
  bool books = false;

 private:
  std::set<int64_t>& removed_;
  const uint64_t number_, room_, first_, last_;
  int at_ = 0;
};

// Remembers what was known when its last attempt began.
class SqlSkew::Look : public SqlWorkload::Statements {
 public:
  Look(const SqlSkew& workload, std::vector<std::string> texts)
      : Statements(std::move(texts)), workload_(workload) {}
  void begin() override {
    Statements::begin();
    floor = workload_.done_;
    for (size_t i = 0; i < floor.size(); ++i) floor[i] = std::max(floor[i], workload_.seen_[i]);
  }
  Versions floor;

 private:
  const SqlSkew& workload_;
};

Task<void> SqlSkew::step(SqlClient* client, Random* random) {
  if (random->chance(look_chance_))
    co_await look(client, random);
  else if (random->chance(0.6))
    co_await sign(client, random);
  else
    co_await book(client, random);
}

Task<void> SqlSkew::sign(SqlClient* client, Random* random) {
  const uint64_t ward = random->below(wards_), id = random->below(doctors_);
  const size_t doctor = ward * doctors_ + id;
  ++tried_[doctor];
  Status done;
  if (random->chance(0.3)) {
    // Changes nothing that others decide by.
    std::vector<std::string> texts{fmt::format(
        "UPDATE doctors SET version = version + 1 WHERE ward = {} AND id = {}", ward, id)};
    Statements script(std::move(texts));
    std::string begin = "BEGIN";
    done = co_await transact(client, random, &script, std::move(begin));
  } else {
    // One draw a statement: compilers differ in the order of arguments.
    const bool lock = random->chance(lock_chance_);
    const bool by_index = random->chance(0.5);
    Sign script(ward, id, by_index, lock);
    std::string begin = "BEGIN";
    done = co_await transact(client, random, &script, std::move(begin));
  }
  if (done.ok()) ++done_[doctor];
}

Task<void> SqlSkew::book(SqlClient* client, Random* random) {
  const uint64_t number = bookings_.size();
  bookings_.push_back(Fate::kOpen);
  const uint64_t first = random->below(hours_), last = first + 1 + random->below(6);
  Book script(removed_, number, random->below(rooms_), first, last);
  std::string begin = "BEGIN";
  const Status done = co_await transact(client, random, &script, std::move(begin));
  if (done.code() == StatusCode::kAmbiguous) co_return;
  bookings_[number] = done.ok() && script.books ? Fate::kThere : Fate::kFailed;
}

// The doctors in two parts, one of which may be empty; who is on call by the index; the bookings.
std::vector<std::string> SqlSkew::questions(uint64_t first_wards) const {
  const std::string doctors = "SELECT ward, id, on_call, version FROM doctors WHERE ward ";
  return {doctors + fmt::format("< {} ORDER BY ward, id", first_wards),
          doctors + fmt::format(">= {} ORDER BY ward, id", first_wards),
          "SELECT ward, id FROM doctors WHERE on_call = 1 ORDER BY ward, id",
          "SELECT room, first, last, n FROM bookings"};
}

Task<void> SqlSkew::look(SqlClient* client, Random* random) {
  const bool one_statement = level() == txn::Level::kReadCommitted || random->chance(0.3);
  std::vector<std::string> texts = questions(one_statement ? 0 : random->below(wards_ + 1));
  Look script(*this, std::move(texts));
  std::string begin = random->chance(0.5) ? "BEGIN" : "BEGIN READ ONLY";
  const Status done = co_await transact(client, random, &script, std::move(begin));
  if (!done.ok()) co_return;
  std::string wrong = judge_snapshot(script.answers, script.floor);
  if (!wrong.empty()) find("a snapshot: " + wrong, script.trail);
}

std::string SqlSkew::judge_snapshot(const std::vector<SqlAnswer>& answers, const Versions& floor) {
  Versions seen;
  for (const SqlAnswer* part : {&answers[0], &answers[1]})
    for (const auto& row : part->rows) seen.push_back(sql_int(row.at(3)));
  if (seen.size() != tried_.size())
    return fmt::format("{} doctors of {}", seen.size(), tried_.size());
  std::string wrong = judge_versions(seen, floor);
  if (wrong.empty() && level() != txn::Level::kReadCommitted)
    wrong = judge_doctors(answers[0], answers[1], answers[2]);
  if (wrong.empty() && level() == txn::Level::kSerializable) wrong = judge_bookings(answers[3]);
  return wrong;
}

std::string SqlSkew::judge_versions(const Versions& seen, const Versions& floor) {
  int64_t sum = 0;
  for (size_t i = 0; i < seen.size(); ++i) {
    sum += seen[i];
    if (seen[i] > tried_[i])
      return fmt::format("{} was changed {} times, {} were tried", tell_doctor(i), seen[i],
                         tried_[i]);
    if (real_time() && seen[i] < floor[i])
      return fmt::format("{} was changed {} times, {} were known before", tell_doctor(i), seen[i],
                         floor[i]);
    seen_[i] = std::max(seen_[i], seen[i]);
  }
  // Each is compared with its neighbours alone: what is before its neighbour is before all further.
  const auto at = chain_.emplace(sum, seen).first;
  const auto after = std::next(at), before = at == chain_.begin() ? at : std::prev(at);
  for (size_t i = 0; i < seen.size(); ++i) {
    const bool forks = at->second[i] != seen[i] || before->second[i] > seen[i] ||
                       (after != chain_.end() && after->second[i] < seen[i]);
    if (forks)
      return fmt::format("it shows changes in another order than another snapshot (long fork): {}",
                         tell_doctor(i));
  }
  return {};
}

std::string SqlSkew::judge_doctors(const SqlAnswer& first, const SqlAnswer& rest,
                                   const SqlAnswer& on_call) const {
  std::vector<std::pair<int64_t, int64_t>> wanted, found;
  std::set<int64_t> cared_for;
  for (const SqlAnswer* part : {&first, &rest}) {
    for (const auto& row : part->rows) {
      if (sql_int(row.at(2)) == 0) continue;
      wanted.emplace_back(sql_int(row.at(0)), sql_int(row.at(1)));
      cared_for.insert(sql_int(row.at(0)));
    }
  }
  for (const auto& row : on_call.rows) found.emplace_back(sql_int(row.at(0)), sql_int(row.at(1)));
  if (found != wanted)
    return fmt::format("{} doctors are on call, {} by the index", wanted.size(), found.size());
  if (level() == txn::Level::kSerializable && cared_for.size() != wards_)
    return fmt::format("{} wards of {} have a doctor on call (write skew)", cared_for.size(),
                       wards_);
  return {};
}

std::string SqlSkew::judge_bookings(const SqlAnswer& bookings) {
  std::vector<std::tuple<int64_t, int64_t, int64_t, int64_t>> sorted;  // room, first, last, n
  for (const auto& row : bookings.rows)
    sorted.emplace_back(sql_int(row.at(0)), sql_int(row.at(1)), sql_int(row.at(2)),
                        sql_int(row.at(3)));
  std::sort(sorted.begin(), sorted.end());
  for (size_t i = 1; i < sorted.size(); ++i) {
    const auto& [room, first, last, n] = sorted[i - 1];
    if (room == std::get<0>(sorted[i]) && std::get<1>(sorted[i]) < last)
      return fmt::format("bookings {} and {} overlap (write skew)", n, std::get<3>(sorted[i]));
  }
  return {};
}

std::string SqlSkew::tell_doctor(size_t doctor) const {
  return fmt::format("doctor {} of ward {}", doctor % doctors_, doctor / doctors_);
}

Task<Result<std::string>> SqlSkew::judge(SqlClient* client) {
  std::vector<std::string> texts = questions(0);
  Result<std::vector<SqlAnswer>> read = co_await insist_all(client, std::move(texts));
  if (!read.ok()) co_return read.status();
  std::string wrong = judge_snapshot(*read, done_);
  if (!wrong.empty()) co_return std::move(wrong);
  std::set<int64_t> there;
  for (const auto& row : (*read)[3].rows) there.insert(sql_int(row.at(3)));
  for (size_t i = 0; i < bookings_.size(); ++i) {
    const auto n = static_cast<int64_t>(i);
    if (bookings_[i] == Fate::kThere && !there.contains(n) && !removed_.contains(n))
      co_return fmt::format("booking {} was acknowledged and is lost", i);
    if (bookings_[i] == Fate::kFailed && there.contains(n))
      co_return fmt::format("booking {} failed and is there", i);
  }
  co_return std::string();
}

}  // namespace quorate::sim
