#include "sim/sql/sql_append.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/workloads/list_story.h"

namespace quorate::sim {

using runtime::Random;
using runtime::Task;
using Fate = txn::HistoryTxn::Fate;

namespace {

// By txn::Level.
constexpr const char* kIsolations[] = {"READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"};
constexpr size_t kToldMax = 12;  // steps of a cycle that are told

Bytes key_of(uint32_t k) {
  Bytes key;
  for (int shift = 24; shift >= 0; shift -= 8) key.push_back(static_cast<char>(k >> shift));
  return key;
}

// Numbers with blanks between them.
txn::List read_list(std::string_view text) {
  txn::List list;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(' ', at), text.size());
    list.push_back(
        static_cast<uint32_t>(std::strtoul(text.substr(at, end - at).data(), nullptr, 10)));
    at = end + 1;
  }
  return list;
}

}  // namespace

SqlAppend::SqlAppend(Random random)
    : SqlWorkload(random),
      window_(static_cast<uint32_t>(3 + random.below(8))),
      uses_(static_cast<uint32_t>(10 + random.below(60))),
      lock_chance_(random.chance(0.5) ? 0.6 : 0.1),
      split_(random.chance(0.5)) {
  if (random.chance(0.4)) return;
  const size_t kind = random.below(3);
  ask_for(kIsolations[kind == 0 ? 1 : 0]);
  if (kind == 2) ask_for_any();
  judge_by(kind == 0 ? txn::Level::kSnapshot : txn::Level::kReadCommitted);
}

std::vector<std::string> SqlAppend::tables() const {
  return {"CREATE TABLE lists (k int PRIMARY KEY, v text NOT NULL)"};
}

std::vector<std::string> SqlAppend::splits() const {
  if (!split_) return {};
  return {fmt::format("ALTER TABLE lists SPLIT AT VALUES ({}), ({})", window_ / 2, 3 * window_)};
}

std::vector<SqlAppend::Op> SqlAppend::draw(Random& random, txn::Level level) const {
  const auto oldest = static_cast<uint32_t>(history_.size() / uses_);
  std::vector<Op> ops(1 + random.below(5));
  for (Op& op : ops) {
    const uint64_t dice = random.below(10);
    op.kind = dice < 3   ? Op::Kind::kRead
              : dice < 5 ? Op::Kind::kScan
              : dice < 8 ? Op::Kind::kAppend
                         : Op::Kind::kReadAndAppend;
    // Without a lock READ COMMITTED may lose an update.
    op.lock = random.chance(lock_chance_) || level == txn::Level::kReadCommitted;
    op.first = oldest + static_cast<uint32_t>(random.below(window_));
    op.last = op.first;
    if (op.kind == Op::Kind::kScan) op.last += static_cast<uint32_t>(random.below(window_));
  }
  // Else most of them would end in deadlocks.
  if (random.chance(0.8))
    std::stable_sort(ops.begin(), ops.end(),
                     [](const Op& a, const Op& b) { return a.first < b.first; });
  return ops;
}

// The statement of an operation. One that reads and appends has two; this is its first.
std::string SqlAppend::tell(const Op& op, uint32_t number) {
  switch (op.kind) {
    case Op::Kind::kScan:
      return fmt::format("SELECT k, v FROM lists WHERE k BETWEEN {} AND {}", op.first, op.last);
    case Op::Kind::kAppend:
      return fmt::format(
          "INSERT INTO lists VALUES ({}, '{}') ON CONFLICT (k) DO UPDATE SET v = lists.v || ' {}'",
          op.first, number, number);
    case Op::Kind::kRead:
    case Op::Kind::kReadAndAppend:
      break;
  }
  const bool lock = op.lock && op.kind == Op::Kind::kReadAndAppend;
  return fmt::format("SELECT k, v FROM lists WHERE k = {}{}", op.first, lock ? " FOR UPDATE" : "");
}

class SqlAppend::ListScript : public SqlWorkload::Script {
 public:
  ListScript(SqlAppend& workload, const std::vector<Op>& ops, uint32_t number)
      : workload_(workload), ops_(ops), number_(number) {}

  void begin() override {
    at_ = 0;
    answered_ = true;
    entry().reads.clear();
    entry().appends.clear();
  }
  std::string next(const SqlAnswer& answer) override {
    if (!answered_) {
      answered_ = true;
      std::string second = take(answer);
      ++at_;
      if (!second.empty()) return second;
    }
    // A list takes a transaction's number once.
    while (at_ < ops_.size() && appends(ops_[at_]) && has_appended(ops_[at_].first)) ++at_;
    if (at_ == ops_.size()) return {};
    answered_ = false;
    return tell(ops_[at_], number_);
  }

 private:
  txn::HistoryTxn& entry() { return workload_.history_.at(number_); }
  static bool appends(const Op& op) {
    return op.kind == Op::Kind::kAppend || op.kind == Op::Kind::kReadAndAppend;
  }
  bool has_appended(uint32_t k) {
    const auto& done = entry().appends;
    return std::find(done.begin(), done.end(), key_of(k)) != done.end();
  }
  // What the statement told goes into the history; the one that must follow it.
  std::string take(const SqlAnswer& answer) {
    const Op& op = ops_[at_];
    if (op.kind == Op::Kind::kAppend) {
      entry().appends.push_back(key_of(op.first));
      return {};
    }
    std::map<uint32_t, std::string> rows;
    for (const auto& row : answer.rows)
      rows[static_cast<uint32_t>(sql_int(row.at(0)))] = row.at(1).value_or("");
    for (uint32_t k = op.first; k <= op.last; ++k)
      if (!has_appended(k)) entry().reads.emplace(key_of(k), read_list(rows[k]));
    if (op.kind != Op::Kind::kReadAndAppend) return {};
    entry().appends.push_back(key_of(op.first));
    // Where there was no row, nobody's list is written over.
    Op plain = op;
    plain.kind = Op::Kind::kAppend;
    if (answer.rows.empty()) return tell(plain, number_);
    return fmt::format("UPDATE lists SET v = '{} {}' WHERE k = {}", rows[op.first], number_,
                       op.first);
  }

  SqlAppend& workload_;
  const std::vector<Op> ops_;
  const uint32_t number_;
  size_t at_ = 0;
  bool answered_ = true;
};

Task<void> SqlAppend::step(SqlClient* client, Random* random) {
  const auto asked = asks_for_any() ? static_cast<txn::Level>(random->below(3)) : level();
  std::vector<Op> ops = draw(*random, asked);
  txn::HistoryTxn& begun = history_.begin(env().executor->now());
  begun.level = asked;
  const uint32_t number = begun.number;
  ops_.push_back(ops);
  ListScript script(*this, ops, number);
  std::string begin = "BEGIN";
  if (asks_for_any())
    begin += std::string(" ISOLATION LEVEL ") + kIsolations[static_cast<size_t>(asked)];
  const Status done = co_await transact(client, random, &script, std::move(begin));
  txn::HistoryTxn& h = history_.at(number);
  h.ended = env().executor->now();
  h.fate = done.ok()                               ? Fate::kCommitted
           : done.code() == StatusCode::kAmbiguous ? Fate::kUnknown
                                                   : Fate::kFailed;
}

// A shortest cycle, with the statements of its transactions.
std::string SqlAppend::explain(const std::map<Bytes, txn::List>& last) {
  const std::vector<txn::Dependency> cycle = txn::find_cycle(history_, last, level(), real_time());
  std::string out;
  std::vector<EventLog::Edge> edges;
  std::vector<uint32_t> told;
  for (const txn::Dependency& d : cycle) {
    edges.push_back(tell_dependency(d));
    if (edges.size() > kToldMax) continue;
    out += fmt::format("\n  {} before {} ({}): {}", edges.back().from, edges.back().to,
                       edges.back().kind, edges.back().why);
    for (uint32_t n : {d.from, d.to})
      if (std::find(told.begin(), told.end(), n) == told.end()) told.push_back(n);
  }
  for (uint32_t n : told) {
    out += "\n  " + transaction_name(n) + ":";
    for (const Op& op : ops_[n - 1])
      out +=
          "\n    " + tell(op, n) +
          (op.kind == Op::Kind::kReadAndAppend ? "; then all of it with " + std::to_string(n) : "");
  }
  if (log() != nullptr) log()->set_anomaly(std::move(edges));
  return out;
}

Task<Result<std::string>> SqlAppend::judge(SqlClient* client) {
  std::string ask = "SELECT k, v FROM lists ORDER BY k";
  Result<SqlAnswer> rows = co_await insist(client, std::move(ask));
  if (!rows.ok()) co_return rows.status();
  std::map<Bytes, txn::List> last;
  for (const auto& row : rows->rows)
    last[key_of(static_cast<uint32_t>(sql_int(row.at(0))))] = read_list(row.at(1).value_or(""));
  std::string wrong = history_.judge(last, level(), real_time());
  if (wrong.empty()) co_return wrong;
  // Of a long history the list of all that stands behind a cycle is of no use.
  if (wrong.size() > 300) wrong = wrong.substr(0, 300) + " ...";
  co_return wrong + explain(last);
}

}  // namespace quorate::sim
