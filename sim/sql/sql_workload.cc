#include "sim/sql/sql_workload.h"

#include <fmt/format.h>

#include "base/ordered_encoding.h"
#include "range/keys.h"
#include "runtime/sync.h"

namespace quorate::sim {

using runtime::Random;
using runtime::Task;

namespace {
constexpr auto kConnectPatience = std::chrono::seconds(5);
constexpr runtime::Duration kQueryPatience = std::chrono::seconds(20);
// The COMMIT is on its way, or just so.
constexpr runtime::Duration kLeavesAfter = std::chrono::milliseconds(2);
// Impatient clients wait for up to some seconds; most delays are short.
constexpr uint64_t kDelaysLog2 = 12;
constexpr int kInsistences = 60;
constexpr auto kClockMargin = std::chrono::seconds(2);
constexpr auto kPastMost = std::chrono::seconds(8);
constexpr int kRetries = 20;

// What a statement that was done unnoticed is told when it is asked for again.
bool is_duplicate(SqlState state) {
  return state == sqlstate::kDuplicateTable || state == sqlstate::kDuplicateObject ||
         state == sqlstate::kDuplicateSchema || state == sqlstate::kUniqueViolation;
}

// Milliseconds whose magnitude is drawn.
uint64_t draw_millis(Random& random) {
  return 1 + random.below(uint64_t{1} << (1 + random.below(kDelaysLog2)));
}

// As psql would show it, in a line.
std::string tell(const Result<SqlAnswer>& answer) {
  if (!answer.ok()) return answer.status().to_string();
  std::string out = answer->tag;
  for (const auto& row : answer->rows) {
    out += out.size() < 400 ? " (" : "";
    for (size_t i = 0; i < row.size() && out.size() < 400; ++i)
      out += (i > 0 ? ", " : "") + row[i].value_or("NULL");
    out += out.size() < 400 ? ")" : "";
  }
  return out;
}
}  // namespace

int64_t sql_int(const std::optional<std::string>& value) {
  return value ? std::strtoll(value->c_str(), nullptr, 10) : 0;
}

// A stream of their own, so that other draws stay what they were.
SqlWorkload::SqlWorkload(Random& random)
    : Workload(random), impatience_(Random(random).fork("impatience")) {
  if (impatience_.chance(0.5))
    cancel_chance_ = 0.002 * static_cast<double>(1 + impatience_.below(20));
  if (impatience_.chance(0.3))
    leave_chance_ = 0.001 * static_cast<double>(1 + impatience_.below(10));
  limits_chance_ = 0.2 * static_cast<double>(impatience_.below(3));
}

void SqlWorkload::perhaps_cancel(SqlClient* client) {
  if (!impatience_.chance(cancel_chance_)) return;
  client->cancel_after(std::chrono::milliseconds(draw_millis(impatience_) - 1));
}

runtime::Duration SqlWorkload::draw_patience() {
  if (!impatience_.chance(leave_chance_)) return kQueryPatience;
  return std::chrono::milliseconds(draw_millis(impatience_));
}

Task<void> SqlWorkload::connect(SqlClient* client, Random* random) {
  const std::string address = addresses()[random->below(addresses().size())];
  Status connected = co_await client->connect(address, kConnectPatience);
  if (!connected.ok() || !impatience_.chance(limits_chance_)) co_return;
  std::string limits;
  for (const char* name :
       {"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"}) {
    if (impatience_.chance(0.5))
      limits += fmt::format("SET {} = {};", name, 20 + draw_millis(impatience_));
  }
  (void)co_await client->query(std::move(limits), kQueryPatience);
}

Task<Result<SqlAnswer>> SqlWorkload::insist(SqlClient* client, std::string text) {
  Status failure;
  bool perhaps_done = false;
  for (int n = 0; n < kInsistences; ++n) {
    if (!client->connected()) {
      const std::string address = addresses()[static_cast<size_t>(n) % addresses().size()];
      failure = co_await client->connect(address, kConnectPatience);
    }
    if (client->connected()) {
      Result<SqlAnswer> answer = co_await client->query(text, kQueryPatience);
      if (answer.ok()) co_return std::move(answer);
      failure = answer.status();
      if (perhaps_done && is_duplicate(failure.sqlstate())) co_return SqlAnswer();
      if (!client->connected() || failure.code() == StatusCode::kAmbiguous) perhaps_done = true;
      const bool refused = failure.code() == StatusCode::kInvalidArgument;
      if (refused && n > kInsistences / 2) co_return failure;
    }
    (void)co_await runtime::sleep_for(*env().executor, std::chrono::milliseconds(200));
  }
  co_return failure;
}

Task<Result<std::vector<SqlAnswer>>> SqlWorkload::insist_all(SqlClient* client,
                                                             std::vector<std::string> texts) {
  std::vector<SqlAnswer> answers;
  for (std::string& text : texts) {
    Result<SqlAnswer> answer = co_await insist(client, std::move(text));
    if (!answer.ok()) co_return answer.status();
    answers.push_back(std::move(*answer));
  }
  co_return std::move(answers);
}

Task<Status> SqlWorkload::setup(server::KvNode*) {
  SqlClient client(env(), login_);
  std::vector<std::string> statements = tables();
  if (!plain_)
    for (std::string& split : splits()) statements.push_back(std::move(split));
  for (const std::string& statement : statements) {
    Result<SqlAnswer> done = co_await insist(&client, statement);
    if (!done.ok()) co_return done.status().with_context(statement);
  }
  began_ = env().executor->now();
  if (plain_) co_return Status();
  for (const std::string& name : table_names()) {
    std::string ask = "SELECT '" + name + "'::regclass::oid";
    Result<SqlAnswer> id = co_await insist(&client, std::move(ask));
    if (!id.ok()) co_return id.status();
    ids_.push_back(TableId(static_cast<uint64_t>(sql_int(id->rows.at(0).at(0)))));
  }
  co_return Status();
}

// A node takes its own clock's time for now.
std::optional<std::chrono::milliseconds> SqlWorkload::draw_past(Random* random) {
  const runtime::Duration since = env().executor->now() - began_ - kClockMargin;
  if (plain_ || !real_time() || since <= runtime::Duration::zero()) return std::nullopt;
  const runtime::Duration most = std::min<runtime::Duration>(since, kPastMost);
  return std::chrono::milliseconds(
      random->between(1, 1 + most / runtime::Duration(std::chrono::milliseconds(1))));
}

std::string SqlWorkload::begin_look(Random* random) {
  if (random->chance(0.3)) {
    if (const auto ago = draw_past(random))
      return fmt::format("BEGIN AS OF SYSTEM TIME '-{}ms'", ago->count());
  }
  return begin_view(random->chance(0.5));
}

Bytes SqlWorkload::split_key(Random& random) const {
  if (ids_.empty()) return range::keys::tables_span().start;
  const TableId table = ids_[random.below(ids_.size())];
  const uint64_t index = 1 + random.below(random.chance(0.7) ? 1 : 3);
  Bytes key = range::keys::index_prefix(table, IndexId(index));
  if (!random.chance(0.8)) return key;
  for (size_t i = key_columns(); i > 0; --i)
    put_ordered_i64(static_cast<int64_t>(random.below(i == 1 ? 64 : 4)), key);
  return key;
}

Task<void> SqlWorkload::serve(server::KvNode*, Random* random) {
  SqlClient client(env(), login_);
  while (!stopped()) {
    if (!client.connected() || random->chance(0.02)) co_await connect(&client, random);
    if (client.connected()) co_await step(&client, random);
    const auto pause = std::chrono::microseconds(random->below(pause_most_micros_));
    if (!(co_await runtime::sleep_for(*env().executor, pause)).ok()) co_return;
  }
}

Task<Status> SqlWorkload::transact(SqlClient* client, Random* random, Script* script,
                                   std::string begin) {
  Status done;
  if (!isolation_.empty() && begin.find("ISOLATION") == std::string::npos)
    begin += " ISOLATION LEVEL " + isolation_;
  script->trail =
      trail(nullptr, [&] { return "by way of " + runtime::sim_host_of(client->address()); });
  for (int n = 0; n < kRetries; ++n) {
    std::string first = begin;
    done = co_await attempt(client, random, script, std::move(first));
    if (client->connected() && !done.ok()) {
      script->trail.step([] { return std::string("ROLLBACK"); });
      perhaps_cancel(client);
      std::string rollback = "ROLLBACK";
      Result<SqlAnswer> undone = co_await client->query(std::move(rollback), kQueryPatience);
      // What comes next must not be taken for a part of this transaction.
      if (!undone.ok()) client->close();
    }
    if (done.code() != StatusCode::kAborted || stopped()) break;
  }
  script->trail.end(done);
  count(env(), done, "a transaction", 0);
  co_return done;
}

Task<Status> SqlWorkload::attempt(SqlClient* client, Random* random, Script* script,
                                  std::string begin) {
  script->begin();
  script->give_up = false;
  const Trail trail = script->trail;
  trail.step([&] { return begin; });
  Result<SqlAnswer> answer = co_await client->query(std::move(begin), kQueryPatience);
  trail.done([&] { return tell(answer); });
  if (!answer.ok()) co_return answer.status();
  for (;;) {
    std::string text = script->next(*answer);
    if (script->give_up) co_return invalid_argument("rolled back by the client");
    if (text.empty()) break;
    trail.step([&] { return text; });
    perhaps_cancel(client);
    answer = co_await client->query(std::move(text), draw_patience(),
                                    std::exchange(script->input, {}), script->breaks_off);
    trail.done([&] { return tell(answer); });
    if (!answer.ok()) {
      if (!client->connected() || !script->expects(answer.status())) co_return answer.status();
      answer = SqlAnswer();
    }
    co_await think(nullptr, random);
  }
  std::string commit = "COMMIT";
  trail.step([&] { return commit; });
  perhaps_cancel(client);
  const auto patience = script->leaves ? kLeavesAfter : draw_patience();
  answer = co_await client->query(std::move(commit), patience);
  trail.done([&] { return tell(answer); });
  if (answer.ok() && answer->tag != "COMMIT") co_return invalid_argument(answer->tag);
  if (answer.status().code() == StatusCode::kUnavailable)
    co_return ambiguous(answer.status().message());
  co_return answer.status();
}

Task<Result<SqlAnswer>> SqlWorkload::once(SqlClient* client, std::string text, std::string input) {
  const Trail told =
      trail(nullptr, [&] { return "by way of " + runtime::sim_host_of(client->address()); });
  told.step([&] { return text; });
  perhaps_cancel(client);
  Result<SqlAnswer> answer =
      co_await client->query(std::move(text), draw_patience(), std::move(input));
  told.done([&] { return tell(answer); });
  Status outcome = answer.status();
  if (outcome.code() == StatusCode::kUnavailable) outcome = ambiguous(outcome.message());
  told.end(outcome);
  count(env(), outcome, "a statement", 0);
  if (!outcome.ok()) co_return outcome;
  co_return std::move(answer);
}

Task<Result<std::string>> SqlWorkload::check(server::KvNode*) {
  if (!violation_.empty()) co_return violation_;
  SqlClient client(env(), login_);
  Result<std::string> wrong = co_await judge(&client);
  if (!wrong.ok()) co_return "the check can't read: " + wrong.status().message();
  co_return std::move(wrong);
}

}  // namespace quorate::sim
