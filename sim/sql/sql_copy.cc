#include "sim/sql/sql_copy.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace quorate::sim {

using runtime::Random;
using runtime::Task;

namespace {

constexpr int64_t kOwnBatch = 1'000'000'000;  // a transaction's that is taken back

// Has what COPY's formats must escape.
std::string pad_of(int64_t batch, int64_t n) {
  static constexpr const char* kPads[] = {"plain",       "a\ttab", "two\nlines",
                                          "back\\slash", "\"q,\"", ""};
  return fmt::format("{}.{} {}", batch, n,
                     kPads[static_cast<size_t>(batch + n) % std::size(kPads)]);
}

std::string as_text(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '\\') out += "\\\\";
    if (c == '\t') out += "\\t";
    if (c == '\n') out += "\\n";
    if (c != '\\' && c != '\t' && c != '\n') out += c;
  }
  return out;
}

std::string as_csv(std::string_view value) {
  std::string out = "\"";
  for (const char c : value) {
    if (c == '"') out += c;
    out += c;
  }
  return out + "\"";
}

// As COPY TO STDOUT tells them.
std::string lines_of_rows(const SqlAnswer& answer) {
  std::string out;
  for (const auto& row : answer.rows)
    for (size_t i = 0; i < row.size(); ++i)
      out += as_text(row[i].value_or("\\N")) + (i + 1 < row.size() ? '\t' : '\n');
  return out;
}

bool one_view_at(std::string_view level) { return level != "READ COMMITTED"; }

const char* draw_level(Random& random) {
  static constexpr const char* kLevels[] = {"SERIALIZABLE", "REPEATABLE READ", "READ COMMITTED"};
  return kLevels[random.below(std::size(kLevels))];
}

}  // namespace

SqlCopy::SqlCopy(Random random)
    : SqlWorkload(random),
      rows_most_(static_cast<int64_t>(2 + random.below(random.chance(0.7) ? 8 : 30))),
      window_(static_cast<int64_t>(4 + random.below(8))),
      split_(random.chance(0.5)) {}

std::vector<std::string> SqlCopy::tables() const {
  return {
      "CREATE TABLE parts (batch int, n int, state int NOT NULL, pad text NOT NULL, "
      "PRIMARY KEY (batch, n))",
      "CREATE INDEX ON parts (n, batch)"};
}

std::vector<std::string> SqlCopy::splits() const {
  if (!split_) return {};
  return {"ALTER TABLE parts SPLIT AT VALUES (3, 2), (20, 0)"};
}

int64_t SqlCopy::oldest() const {
  return std::max<int64_t>(0, static_cast<int64_t>(batches_.size()) - window_);
}

int64_t SqlCopy::new_batch(Random& random) {
  batches_.push_back({.rows = random.between(1, rows_most_)});
  return static_cast<int64_t>(batches_.size()) - 1;
}

std::string SqlCopy::lines_of(int64_t batch, bool csv, Flaw flaw) const {
  std::string out;
  const int64_t rows = batches_[static_cast<size_t>(batch)].rows;
  for (int64_t n = 0; n < rows; ++n) {
    const std::string pad = pad_of(batch, n);
    out += csv ? fmt::format("{},{},0,{}\n", batch, n, as_csv(pad))
               : fmt::format("{}\t{}\t0\t{}\n", batch, n, as_text(pad));
  }
  const char* wrong = csv ? "{},{},0,wrong\n" : "{}\t{}\t0\twrong\n";
  if (flaw == Flaw::kNoNumber) out += fmt::format(fmt::runtime(wrong), batch, "no number");
  if (flaw == Flaw::kTwice) out += fmt::format(fmt::runtime(wrong), batch, rows - 1);
  return out;
}

// One or two batches in a transaction. Before a batch there may be a copy of it with a flaw, from
// which the transaction goes back to a savepoint.
class SqlCopy::Put : public SqlWorkload::Script {
 public:
  struct Copy {
    std::string lines;
    bool csv = false;
    Flaw flaw = Flaw::kNone;
  };
  explicit Put(std::vector<Copy> copies) : copies_(std::move(copies)) {}
  void begin() override {
    at_ = 0;
    goes_back_ = saved_ = false;
  }
  std::string next(const SqlAnswer& answer) override {
    if (std::exchange(goes_back_, false)) {
      if (!answer.tag.empty()) wrong = "a copy with a flaw goes through: " + answer.tag;
      return "ROLLBACK TO SAVEPOINT before";
    }
    if (at_ == copies_.size()) return {};
    const Copy& copy = copies_[at_];
    if (copy.flaw != Flaw::kNone && !std::exchange(saved_, true)) return "SAVEPOINT before";
    ++at_;
    saved_ = false;
    goes_back_ = copy.flaw != Flaw::kNone;
    input = copy.lines;
    breaks_off = copy.flaw == Flaw::kBreaksOff;
    return copy.csv ? "COPY parts FROM STDIN WITH (FORMAT csv)" : "COPY parts FROM STDIN";
  }
  bool expects(const Status& failure) override {
    return goes_back_ && failure.code() == StatusCode::kInvalidArgument;
  }
  std::string wrong;

 private:
  const std::vector<Copy> copies_;
  size_t at_ = 0;
  bool goes_back_ = false, saved_ = false;
};

// A cursor from its beginning to its end; where the level has one view, then a SELECT of the same.
class SqlCopy::Walk : public SqlWorkload::Script {
 public:
  Walk(const SqlCopy& workload, int64_t page, bool by_index, bool writes, bool one_view)
      : workload_(workload), page_(page), writes_(writes), one_view_(one_view) {
    select_ = fmt::format("SELECT batch, n, state, pad FROM parts WHERE {} ORDER BY {}",
                          by_index ? fmt::format("n >= 0 AND batch >= {}", workload.oldest())
                                   : fmt::format("batch >= {}", workload.oldest()),
                          by_index ? "n, batch" : "batch, n");
  }
  void begin() override {
    at_ = At::kDeclare;
    seen = again = {};
    known = workload_.known();
  }
  std::string next(const SqlAnswer& answer) override {
    switch (at_) {
      case At::kDeclare:
        at_ = writes_ ? At::kSave : At::kFetch;
        return "DECLARE c CURSOR FOR " + select_;
      case At::kSave:
        at_ = At::kWrite;
        return "SAVEPOINT own";
      case At::kWrite:
        at_ = At::kAfter;
        return fmt::format("INSERT INTO parts VALUES ({}, 0, 0, 'own'), ({}, 1, 0, 'own')",
                           kOwnBatch, kOwnBatch);
      case At::kAfter:
        // From its statement on the rows of the one before are seen, by all but the cursor.
        at_ = At::kFetch;
        return fmt::format("UPDATE parts SET state = 1 WHERE batch = {}", kOwnBatch);
      case At::kFetch:
        at_ = At::kTake;
        return fmt::format("FETCH {} FROM c", page_);
      case At::kTake:
        seen.rows.insert(seen.rows.end(), answer.rows.begin(), answer.rows.end());
        if (static_cast<int64_t>(answer.rows.size()) == page_)
          return fmt::format("FETCH {} FROM c", page_);
        at_ = At::kSelect;
        if (writes_) return "ROLLBACK TO SAVEPOINT own";
        [[fallthrough]];
      case At::kSelect:
        at_ = At::kEnd;
        if (one_view_) return select_;
        return {};
      case At::kEnd:
        again = answer;
        return {};
    }
    return {};
  }
  std::string wrong() const {
    if (!one_view_ || seen.rows == again.rows) return {};
    return fmt::format("a cursor shows {} rows, a SELECT of its transaction {}, or others",
                       seen.rows.size(), again.rows.size());
  }
  SqlAnswer seen, again;
  std::vector<int64_t> known;

 private:
  enum class At : uint8_t { kDeclare, kSave, kWrite, kAfter, kFetch, kTake, kSelect, kEnd };
  const SqlCopy& workload_;
  const int64_t page_;
  const bool writes_, one_view_;
  std::string select_;
  At at_ = At::kDeclare;
};

// The same rows by SELECT and by COPY.
class SqlCopy::Export : public SqlWorkload::Statements {
 public:
  Export(const SqlCopy& workload, std::vector<std::string> texts)
      : Statements(std::move(texts)), workload_(workload) {}
  void begin() override {
    Statements::begin();
    known = workload_.known();
  }
  std::vector<int64_t> known;

 private:
  const SqlCopy& workload_;
};

Task<void> SqlCopy::step(SqlClient* client, Random* random) {
  const uint64_t dice = random->below(10);
  if (dice < 3)
    co_await put(client, random);
  else if (dice < 5)
    co_await put_at_once(client, random);
  else if (dice < 6)
    co_await change(client, random);
  else if (dice < 8)
    co_await walk(client, random);
  else
    co_await tell_out(client, random);
}

void SqlCopy::end(int64_t batch, const Status& outcome) {
  if (outcome.code() == StatusCode::kAmbiguous) return;
  batches_[static_cast<size_t>(batch)].fate =
      outcome.ok() ? Batch::Fate::kThere : Batch::Fate::kFailed;
}

Task<void> SqlCopy::put(SqlClient* client, Random* random) {
  std::vector<int64_t> numbers;
  std::vector<Put::Copy> copies;
  const uint64_t many = 1 + random->below(2);
  for (uint64_t i = 0; i < many; ++i) {
    const int64_t batch = new_batch(*random);
    numbers.push_back(batch);
    const bool csv = random->chance(0.3);
    if (random->chance(0.3)) {
      const auto flaw = static_cast<Flaw>(1 + random->below(3));
      copies.push_back({lines_of(batch, csv, flaw), csv, flaw});
    }
    copies.push_back({lines_of(batch, csv, Flaw::kNone), csv, Flaw::kNone});
  }
  Put script(std::move(copies));
  std::string begin = "BEGIN";
  const Status done = co_await transact(client, random, &script, std::move(begin));
  if (!script.wrong.empty()) find(script.wrong, script.trail);
  for (const int64_t batch : numbers) end(batch, done);
}

Task<void> SqlCopy::put_at_once(SqlClient* client, Random* random) {
  const int64_t batch = new_batch(*random);
  const auto flaw = random->chance(0.2) ? static_cast<Flaw>(1 + random->below(2)) : Flaw::kNone;
  std::string lines = lines_of(batch, false, flaw), text = "COPY parts FROM STDIN";
  Result<SqlAnswer> done = co_await once(client, std::move(text), std::move(lines));
  // What has a flaw can't go through, however its answer was lost.
  end(batch, flaw == Flaw::kNone ? done.status() : invalid_argument("a flaw"));
}

Task<void> SqlCopy::change(SqlClient* client, Random* random) {
  if (batches_.empty()) co_return;
  std::vector<std::string> texts(1);
  if (random->chance(0.7)) {
    const int64_t batch = random->between(oldest(), static_cast<int64_t>(batches_.size()) - 1);
    texts[0] = fmt::format("UPDATE parts SET state = {} WHERE batch = {}", random->below(1'000'000),
                           batch);
  } else {
    const int64_t below = std::max<int64_t>(0, oldest() - 2);
    removed_below_ = std::max(removed_below_, below);
    texts[0] = fmt::format("DELETE FROM parts WHERE batch < {}", below);
  }
  Statements script(std::move(texts));
  std::string begin = "BEGIN";
  (void)co_await transact(client, random, &script, std::move(begin));
}

Task<void> SqlCopy::walk(SqlClient* client, Random* random) {
  std::string begin = "BEGIN";
  bool one_view = level() != txn::Level::kReadCommitted;
  if (random->chance(0.6)) {
    const char* drawn = draw_level(*random);
    begin += std::string(" ISOLATION LEVEL ") + drawn;
    one_view = one_view_at(drawn);
  }
  // One draw a statement: compilers differ in the order of arguments.
  const bool writes = random->chance(0.3);
  const bool by_index = random->chance(0.3);
  const int64_t page = random->between(1, 2 * rows_most_);
  Walk script(*this, page, by_index, writes, one_view);
  const Status done = co_await transact(client, random, &script, std::move(begin));
  if (!done.ok()) co_return;
  std::string wrong = judge_rows(script.seen, script.known);
  if (wrong.empty()) wrong = script.wrong();
  if (!wrong.empty()) find("a cursor: " + wrong, script.trail);
}

Task<void> SqlCopy::tell_out(SqlClient* client, Random* random) {
  const std::string select = fmt::format(
      "SELECT batch, n, state, pad FROM parts WHERE batch >= {} ORDER BY batch, n", oldest());
  std::vector<std::string> texts{select, "COPY (" + select + ") TO STDOUT"};
  Export script(*this, std::move(texts));
  std::string begin = begin_view(random->chance(0.5));
  const Status done = co_await transact(client, random, &script, std::move(begin));
  if (!done.ok()) co_return;
  const SqlAnswer &selected = script.answers[0], &copied = script.answers[1];
  std::string wrong = judge_rows(selected, script.known);
  if (wrong.empty() && lines_of_rows(selected) != copied.copied)
    wrong = fmt::format("COPY tells {} bytes, SELECT {}, or others", copied.copied.size(),
                        lines_of_rows(selected).size());
  if (!wrong.empty()) find("a snapshot: " + wrong, script.trail);
}

std::vector<int64_t> SqlCopy::known() const {
  std::vector<int64_t> out;
  for (int64_t b = oldest(); real_time() && b < static_cast<int64_t>(batches_.size()); ++b)
    if (batches_[static_cast<size_t>(b)].fate == Batch::Fate::kThere) out.push_back(b);
  return out;
}

std::string SqlCopy::judge_rows(const SqlAnswer& rows, const std::vector<int64_t>& known) const {
  struct Found {
    std::set<int64_t> numbers;
    int64_t state = 0;
  };
  std::map<int64_t, Found> found;
  for (const auto& row : rows.rows) {
    const int64_t batch = sql_int(row.at(0)), n = sql_int(row.at(1)), state = sql_int(row.at(2));
    if (batch == kOwnBatch) return "it shows what its own transaction wrote later";
    const auto [at, first] = found.try_emplace(batch);
    if (first) at->second.state = state;
    if (at->second.state != state) return fmt::format("batch {} has changed in part", batch);
    if (!at->second.numbers.insert(n).second)
      return fmt::format("batch {} has row {} twice", batch, n);
    if (row.at(3) != pad_of(batch, n))
      return fmt::format("row {} of batch {} is another's", n, batch);
  }
  for (const auto& [batch, what] : found) {
    const Batch& put = batches_.at(static_cast<size_t>(batch));
    if (static_cast<int64_t>(what.numbers.size()) != put.rows)
      return fmt::format("batch {} has {} rows of {}", batch, what.numbers.size(), put.rows);
    if (put.fate == Batch::Fate::kFailed) return fmt::format("batch {} failed and is there", batch);
  }
  for (const int64_t batch : known)
    if (batch >= removed_below_ && !found.contains(batch))
      return fmt::format("batch {} was acknowledged and is lost", batch);
  return {};
}

Task<Result<std::string>> SqlCopy::judge(SqlClient* client) {
  // Of one state: a batch whose client has gone may still come.
  std::vector<std::string> texts{
      "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
      "SELECT batch, n, state, pad FROM parts ORDER BY batch, n",
      "COPY parts TO STDOUT",
      "SELECT count(*) FROM parts WHERE n >= 0",
      "COMMIT",
  };
  Result<std::vector<SqlAnswer>> read = co_await insist_all(client, std::move(texts));
  if (!read.ok()) co_return read.status();
  const SqlAnswer &rows = (*read)[1], &copied = (*read)[2], &by_index = (*read)[3];
  std::vector<int64_t> all;
  for (size_t b = 0; b < batches_.size(); ++b)
    if (batches_[b].fate == Batch::Fate::kThere) all.push_back(static_cast<int64_t>(b));
  std::string wrong = judge_rows(rows, all);
  // In whatever order.
  std::string lines = lines_of_rows(rows), told = copied.copied;
  std::sort(lines.begin(), lines.end());
  std::sort(told.begin(), told.end());
  if (wrong.empty() && lines != told) wrong = "COPY tells other rows than SELECT";
  const auto count = static_cast<int64_t>(rows.rows.size());
  if (wrong.empty() && sql_int(by_index.rows.at(0).at(0)) != count)
    wrong = fmt::format("{} rows, {} by their index", count, sql_int(by_index.rows[0][0]));
  co_return std::move(wrong);
}

}  // namespace quorate::sim
