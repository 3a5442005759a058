#include "sim/sql/sql_counter.h"

#include <fmt/format.h>

#include <algorithm>

namespace quorate::sim {

using runtime::Random;
using runtime::Task;

namespace {
constexpr size_t kSavepointsMax = 3;  // of one transaction at a time
constexpr int64_t kAmountMax = 9;
constexpr std::string_view kDivisionByZero = "22012";
}  // namespace

SqlCounter::SqlCounter(Random random)
    : SqlWorkload(random),
      own_(Random(random).fork("columns")),
      paired_(own_.chance(0.5)),
      counters_(1 + random.below(8)),
      cache_(random.chance(0.5) ? 1 : 2 + random.below(20)),
      leave_chance_(0.02 * static_cast<double>(random.below(4))),
      split_(random.chance(0.5)),
      sure_(counters_),
      tried_(counters_),
      perhaps_(counters_) {}

std::vector<std::string> SqlCounter::tables() const {
  return {"CREATE TABLE counters (id int PRIMARY KEY, n bigint NOT NULL, m bigint NOT NULL)",
          fmt::format("CREATE SEQUENCE numbers CACHE {}", cache_),
          fmt::format("INSERT INTO counters SELECT i, 0, 0 FROM generate_series(0, {}) i",
                      row_of(counters_ - 1))};
}

std::vector<std::string> SqlCounter::splits() const {
  if (!split_) return {};
  return {fmt::format("ALTER TABLE counters SPLIT AT VALUES ({})", row_of(counters_ / 2))};
}

std::vector<SqlCounter::Step> SqlCounter::draw_steps(Random& random) const {
  using Kind = Step::Kind;
  std::vector<Step> steps(2 + random.below(9));
  std::vector<uint64_t> counters;
  for (size_t i = 0; i < steps.size(); ++i) counters.push_back(random.below(counters_));
  // Else most of them would end in deadlocks.
  if (random.chance(0.8)) std::sort(counters.begin(), counters.end());
  size_t open = 0;  // savepoints
  std::vector<Step> out;
  for (size_t i = 0; i < steps.size(); ++i) {
    Step step;
    step.counter = counters[i];
    step.amount = random.between(1, kAmountMax);
    const uint64_t dice = random.below(11);
    step.kind = dice < 3   ? Kind::kAdd
                : dice < 5 ? Kind::kReadAndAdd
                : dice < 6 ? Kind::kRead
                : dice < 7 ? Kind::kDraw
                : dice < 9 ? Kind::kSave
                           : Kind::kBack;
    if (step.kind == Kind::kSave && open == kSavepointsMax) step.kind = Kind::kRelease;
    if (step.kind == Kind::kBack && open == 0) step.kind = Kind::kSave;
    switch (step.kind) {
      case Kind::kSave:
        step.savepoint = open++;
        break;
      case Kind::kRelease:
        step.savepoint = random.below(open);
        open = step.savepoint;
        break;
      case Kind::kBack:
        if (random.chance(0.4)) out.push_back({.kind = Kind::kFail});
        step.savepoint = random.below(open);
        open = step.savepoint + 1;
        break;
      default:
        break;
    }
    out.push_back(step);
    // What it was taken back to is looked at.
    if (step.kind == Kind::kBack && random.chance(0.5))
      out.push_back({.kind = Kind::kRead, .counter = counters[i]});
  }
  // Its COMMIT must say that nothing was committed.
  if (random.chance(0.05)) out.push_back({.kind = Kind::kFail});
  return out;
}

// What is added and not taken back.
SqlCounter::Sums SqlCounter::effect_of(const std::vector<Step>& steps) {
  Sums sums;
  std::vector<Sums> saved;
  for (const Step& step : steps) {
    switch (step.kind) {
      case Step::Kind::kAdd:
      case Step::Kind::kReadAndAdd:
        sums[step.counter] += step.amount;
        break;
      case Step::Kind::kSave:
        saved.push_back(sums);
        break;
      case Step::Kind::kRelease:
        saved.resize(step.savepoint);
        break;
      case Step::Kind::kBack:
        saved.resize(step.savepoint + 1);
        sums = saved.back();
        break;
      default:
        break;
    }
  }
  return sums;
}

// The steps as statements; what they tell is compared with what the transaction itself has done.
class SqlCounter::Walk : public SqlWorkload::Script {
 public:
  // `one_view`: what others do meanwhile is not seen, lock or no lock.
  Walk(SqlCounter& workload, const std::vector<Step>& steps, bool one_view)
      : workload_(workload), steps_(steps), one_view_(one_view) {}

  void begin() override {
    at_ = 0;
    asked_ = reading_ = failed_ = false;
    now_ = State();
    saved_.clear();
    last_number_ = 0;
    wrong.clear();
    floor_ = workload_.sure_;
  }
  std::string next(const SqlAnswer& answer) override {
    if (asked_) {
      take(answer);
      if (reading_) {
        reading_ = false;
        return fmt::format("UPDATE counters SET {0} = {1} WHERE id = {2} RETURNING {0}", column(),
                           seen_ + step().amount, row());
      }
      ++at_;
    }
    asked_ = at_ < steps_.size();
    return asked_ ? text() : std::string();
  }
  bool expects(const Status& failure) override {
    failed_ =
        asked_ && step().kind == Step::Kind::kFail && failure.sqlstate().view() == kDivisionByZero;
    return failed_;
  }
  std::string wrong;  // of what the last attempt was told

 private:
  struct State {
    Sums own;    // what the transaction has added
    Sums known;  // what others have made of a counter, while they can't change it for us
  };
  const Step& step() const { return steps_[at_]; }
  const char* column() const { return workload_.column_of(step().counter); }
  uint64_t row() const { return workload_.row_of(step().counter); }
  std::string text() {
    const Step& s = step();
    switch (s.kind) {
      case Step::Kind::kAdd:
        return fmt::format("UPDATE counters SET {0} = {0} + {1} WHERE id = {2} RETURNING {0}",
                           column(), s.amount, row());
      case Step::Kind::kReadAndAdd:
        reading_ = true;
        return fmt::format("SELECT {} FROM counters WHERE id = {} FOR UPDATE", column(), row());
      case Step::Kind::kRead:
        return fmt::format("SELECT {} FROM counters WHERE id = {}", column(), row());
      case Step::Kind::kDraw:
        return "SELECT nextval('numbers')";
      case Step::Kind::kSave:
        return fmt::format("SAVEPOINT s{}", s.savepoint);
      case Step::Kind::kBack:
        return fmt::format("ROLLBACK TO SAVEPOINT s{}", s.savepoint);
      case Step::Kind::kRelease:
        return fmt::format("RELEASE SAVEPOINT s{}", s.savepoint);
      case Step::Kind::kFail:
        break;
    }
    return "SELECT 1 / 0";
  }
  void take(const SqlAnswer& answer) {
    const Step& s = step();
    switch (s.kind) {
      case Step::Kind::kAdd:
        now_.own[s.counter] += s.amount;
        compare(answer, true);
        break;
      case Step::Kind::kReadAndAdd:
        if (!reading_) now_.own[s.counter] += s.amount;
        compare(answer, true);
        break;
      case Step::Kind::kRead:
        compare(answer, one_view_);
        break;
      case Step::Kind::kDraw:
        draw(answer);
        break;
      case Step::Kind::kSave:
        saved_.push_back(now_);
        break;
      case Step::Kind::kRelease:
        saved_.resize(s.savepoint);
        break;
      case Step::Kind::kBack:
        saved_.resize(s.savepoint + 1);
        now_.own = saved_.back().own;
        // Locks from after the savepoint may be gone.
        if (!one_view_) now_.known = saved_.back().known;
        break;
      case Step::Kind::kFail:
        if (!failed_) tell("a division by zero gives no error");
        failed_ = false;
        break;
    }
  }
  void compare(const SqlAnswer& answer, bool stays) {
    const uint64_t counter = step().counter;
    if (answer.rows.size() != 1) {
      tell(fmt::format("counter {}: {} rows", counter, answer.rows.size()));
      return;
    }
    seen_ = sql_int(answer.rows[0].at(0));
    const int64_t others = seen_ - now_.own[counter];
    const auto known = now_.known.find(counter);
    if (known != now_.known.end() && known->second != others)
      tell(fmt::format("counter {} holds {} where the transaction itself makes it {}", counter,
                       seen_, known->second + now_.own[counter]));
    if (others > workload_.tried_[counter])
      tell(fmt::format("counter {} holds {}, {} were tried", counter, others,
                       workload_.tried_[counter]));
    if (workload_.real_time() && others < floor_[counter])
      tell(fmt::format("counter {} holds {}, {} were acknowledged before", counter, others,
                       floor_[counter]));
    if (stays) now_.known.emplace(counter, others);
  }
  void draw(const SqlAnswer& answer) {
    const int64_t number = answer.rows.empty() ? 0 : sql_int(answer.rows[0].at(0));
    if (number <= last_number_) tell(fmt::format("{} comes after {}", number, last_number_));
    last_number_ = number;
    workload_.take_number(number, trail);
  }
  void tell(std::string what) {
    if (wrong.empty()) wrong = std::move(what);
  }

  SqlCounter& workload_;
  const std::vector<Step> steps_;
  const bool one_view_;
  size_t at_ = 0;
  bool asked_ = false;
  bool reading_ = false;  // the step's second statement follows
  bool failed_ = false;   // as the step was to
  int64_t seen_ = 0, last_number_ = 0;
  State now_;
  std::vector<State> saved_;
  std::vector<int64_t> floor_;
};

Task<void> SqlCounter::step(SqlClient* client, Random* random) {
  if (random->chance(0.25))
    co_await add_at_once(client, random);
  else
    co_await walk(client, random);
}

Task<void> SqlCounter::add_at_once(SqlClient* client, Random* random) {
  const Sums effect{{random->below(counters_), random->between(1, kAmountMax)}};
  const auto [counter, amount] = *effect.begin();
  std::string text = fmt::format("UPDATE counters SET {0} = {0} + {1} WHERE id = {2}",
                                 column_of(counter), amount, row_of(counter));
  const bool tells = own_.chance(0.5);
  if (tells) text += std::string(" RETURNING ") + column_of(counter);
  const int64_t floor = sure_[counter];
  begin_effect(effect);
  Result<SqlAnswer> done = co_await once(client, std::move(text));
  end_effect(effect, done.status());
  if (!done.ok() || !tells) co_return;
  std::string wrong = judge_told(counter, *done, floor + amount);
  if (!wrong.empty()) find(std::move(wrong), Trail());
}

Task<void> SqlCounter::walk(SqlClient* client, Random* random) {
  static constexpr const char* kLevels[] = {"SERIALIZABLE", "REPEATABLE READ", "READ COMMITTED"};
  const std::vector<Step> steps = draw_steps(*random);
  const Sums effect = effect_of(steps);
  bool one_view = level() != txn::Level::kReadCommitted;
  std::string begin = "BEGIN";
  if (random->chance(0.6)) {
    const uint64_t drawn = random->below(std::size(kLevels));
    begin += std::string(" ISOLATION LEVEL ") + kLevels[drawn];
    one_view = drawn < 2;
  }
  Walk script(*this, steps, one_view);
  script.leaves = random->chance(leave_chance_);
  begin_effect(effect);
  const Status done = co_await transact(client, random, &script, std::move(begin));
  end_effect(effect, done);
  if (done.ok() && !script.wrong.empty()) find(script.wrong, script.trail);
}

// What a statement has made of a counter; `floor`: what was sure before, and its own.
std::string SqlCounter::judge_told(uint64_t counter, const SqlAnswer& answer, int64_t floor) const {
  if (answer.rows.size() != 1)
    return fmt::format("a statement has changed {} rows and tells {}", answer.tag,
                       answer.rows.size());
  const int64_t value = sql_int(answer.rows[0].at(0));
  if (value > tried_[counter] || (real_time() && value < floor))
    return fmt::format("counter {} was made {}, between {} and {} was possible", counter, value,
                       floor, tried_[counter]);
  return {};
}

void SqlCounter::begin_effect(const Sums& effect) {
  for (const auto& [counter, amount] : effect) tried_[counter] += amount;
}

void SqlCounter::end_effect(const Sums& effect, const Status& outcome) {
  for (const auto& [counter, amount] : effect) {
    if (outcome.ok())
      sure_[counter] += amount;
    else if (outcome.code() == StatusCode::kAmbiguous)
      perhaps_[counter].push_back(amount);
  }
}

void SqlCounter::take_number(int64_t number, const Trail& by) {
  if (!numbers_.insert(number).second) find(fmt::format("the sequence gives {} twice", number), by);
}

// Whether some of what is unknown makes up what is there beyond what is sure.
std::string SqlCounter::judge_counter(uint64_t counter, int64_t value) const {
  const int64_t sure = sure_[counter];
  if (value < sure) return fmt::format("counter {} holds {} of {}", counter, value, sure);
  std::vector<bool> reached(static_cast<size_t>(value - sure) + 1);
  reached[0] = true;
  for (const int64_t amount : perhaps_[counter])
    for (size_t sum = reached.size(); sum-- > static_cast<size_t>(amount);)
      if (reached[sum - static_cast<size_t>(amount)]) reached[sum] = true;
  if (reached.back()) return {};
  return fmt::format("counter {} holds {}: {} are sure, and no unknown outcomes make the rest",
                     counter, value, sure);
}

Task<Result<std::string>> SqlCounter::judge(SqlClient* client) {
  std::vector<std::string> texts{"SELECT n, m FROM counters ORDER BY id",
                                 "SELECT nextval('numbers')"};
  Result<std::vector<SqlAnswer>> read = co_await insist_all(client, std::move(texts));
  if (!read.ok()) co_return read.status();
  const auto& rows = (*read)[0].rows;
  const uint64_t wanted = row_of(counters_ - 1) + 1;
  if (rows.size() != wanted) co_return fmt::format("{} rows of {}", rows.size(), wanted);
  for (uint64_t c = 0; c < counters_; ++c) {
    const size_t column = paired_ ? c % 2 : 0;
    std::string wrong = judge_counter(c, sql_int(rows[row_of(c)].at(column)));
    if (!wrong.empty()) co_return std::move(wrong);
  }
  const int64_t number = sql_int((*read)[1].rows.at(0).at(0));
  if (numbers_.contains(number)) co_return fmt::format("the sequence gives {} twice", number);
  co_return std::string();
}

}  // namespace quorate::sim
