#include "sim/sql/check.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "runtime/sync.h"
#include "sim/sql/sql_workload.h"
#include "sim/sql/sql_workloads.h"

namespace quorate::sim {

using runtime::CancelToken;
using runtime::Task;

namespace {

constexpr const char* kSchema = "quorate_check";
constexpr size_t kRounds = 4;  // over the servers, until one answers
constexpr auto kTellEvery = std::chrono::seconds(1);
// What a session may need to come back from a lost server.
constexpr auto kEndPatience = std::chrono::seconds(90);

// postgresql://USER@HOST:PORT/DATABASE, or HOST:PORT.
std::string take_url(std::string url, CheckOptions& options) {
  for (std::string_view scheme : {"postgresql://", "postgres://"})
    if (url.starts_with(scheme)) url.erase(0, scheme.size());
  if (const size_t at = url.find('@'); at != std::string::npos) {
    options.user = url.substr(0, at);
    url.erase(0, at + 1);
    if (options.user.find(':') != std::string::npos) return "a password can't be given";
  }
  if (const size_t slash = url.find('/'); slash != std::string::npos) {
    if (slash + 1 < url.size()) options.database = url.substr(slash + 1);
    url.erase(slash);
  }
  if (url.rfind(':') == std::string::npos) return "\"" + url + "\" has no port";
  options.addresses.push_back(url);
  return "";
}

txn::Level level_of(std::string_view isolation) {
  if (isolation == "SERIALIZABLE") return txn::Level::kSerializable;
  return isolation == "REPEATABLE READ" ? txn::Level::kSnapshot : txn::Level::kReadCommitted;
}

std::vector<std::string> names_of_sql() {
  std::vector<std::string> out;
  for (const WorkloadKind& kind : all_workload_kinds())
    if (kind.name.starts_with("sql-")) out.emplace_back(kind.name);
  return out;
}

std::unique_ptr<SqlWorkload> make(const std::string& name, uint64_t seed) {
  for (const WorkloadKind& kind : all_workload_kinds()) {
    if (kind.name != name) continue;
    std::unique_ptr<Workload> made = kind.make(runtime::Random(seed));
    return std::unique_ptr<SqlWorkload>(static_cast<SqlWorkload*>(made.release()));
  }
  return nullptr;
}

// One workload's run.
class Check {
 public:
  Check(runtime::Env& env, const CheckOptions& options, const std::string& name)
      : env_(env),
        options_(options),
        name_(name),
        workload_(make(name, options.seed)),
        sessions_(*env.executor) {
    workload_->attach(&env, options.addresses);
    workload_->log_in_as({options.user, options.database, kSchema});
    workload_->ask_for(options.isolation);
    workload_->judge_by(level_of(options.judge));
    workload_->hurry();
  }

  // What is wrong; empty: nothing.
  Task<Result<std::string>> run(CancelToken cancel) {
    CO_RETURN_IF_ERROR(co_await prepare());
    co_await serve(cancel);
    Task<Result<std::string>> judging = workload_->check(nullptr);
    Result<std::string> wrong = co_await judging;
    if (wrong.ok() && wrong->empty()) (void)co_await ask("DROP SCHEMA quorate_check CASCADE");
    co_return wrong;
  }
  const Workload::Counts& counts() const { return workload_->counts(); }

 private:
  // Of whatever server answers; what is asked may be done twice.
  Task<Result<SqlAnswer>> ask(std::string text) {
    Status failure;
    for (size_t n = 0; n < kRounds * options_.addresses.size(); ++n) {
      const std::string& address = options_.addresses[n % options_.addresses.size()];
      SqlClient client(env_, {options_.user, options_.database, ""});
      failure = co_await client.connect(address, std::chrono::seconds(5));
      if (failure.ok()) {
        Result<SqlAnswer> answer = co_await client.query(text, std::chrono::seconds(60));
        if (answer.ok()) co_return std::move(answer);
        failure = answer.status();
        if (failure.code() == StatusCode::kInvalidArgument) co_return failure;
      } else {
        failure = failure.with_context("connecting to " + address);
      }
      (void)co_await runtime::sleep_for(*env_.executor, std::chrono::milliseconds(500));
    }
    co_return failure;
  }

  Task<Status> prepare() {
    Result<SqlAnswer> version = co_await ask("SELECT version()");
    if (!version.ok()) co_return version.status();
    const std::string text = version->rows.at(0).at(0).value_or("");
    if (text.find("Quorate") == std::string::npos) workload_->be_plain();
    for (const char* statement : {"DROP SCHEMA IF EXISTS quorate_check CASCADE",
                                  "CREATE SCHEMA IF NOT EXISTS quorate_check"}) {
      Result<SqlAnswer> done = co_await ask(statement);
      if (!done.ok()) co_return done.status().with_context(statement);
    }
    Task<Status> setting_up = workload_->setup(nullptr);
    co_return co_await setting_up;
  }

  Task<void> serve(CancelToken cancel) {
    runtime::Random random(options_.seed);
    for (size_t i = 0; i < options_.sessions; ++i)
      sessions_.spawn(workload_->session(nullptr, random.next()));
    const runtime::Instant began = env_.executor->now();
    while (env_.executor->now() - began < options_.duration && !cancel.cancelled() &&
           workload_->violation().empty()) {
      (void)co_await runtime::sleep_for(*env_.executor, kTellEvery, cancel);
      tell(env_.executor->now() - began);
    }
    workload_->stop();
    const runtime::Instant until = env_.executor->now() + kEndPatience;
    while (workload_->sessions() > 0 && env_.executor->now() < until)
      (void)co_await runtime::sleep_for(*env_.executor, std::chrono::milliseconds(50));
    sessions_.cancel_all();
    if (on_terminal()) fmt::print(stderr, "\r\x1b[K");
  }

  static bool on_terminal() { return ::isatty(2) != 0; }
  void tell(runtime::Duration passed) {
    if (!on_terminal()) return;
    const Workload::Counts& c = counts();
    fmt::print(stderr, "\r\x1b[K{}: {} of {} s, {} committed, {} failed, {} unknown", name_,
               std::chrono::duration_cast<std::chrono::seconds>(passed).count(),
               options_.duration.count(), c.committed, c.failed, c.unknown);
    std::fflush(stderr);
  }

  runtime::Env& env_;
  const CheckOptions& options_;
  const std::string name_;
  std::unique_ptr<SqlWorkload> workload_;
  runtime::TaskScope sessions_;
};

}  // namespace

CheckCommand parse_check(int argc, char** argv) {
  CLI::App app{
      "Runs transactions against servers and checks what they saw: serial order, nothing\n"
      "acknowledged lost, constraints. Kill and cut nodes meanwhile as you like.\n"
      "The schema quorate_check is removed and made anew.",
      "quorate check"};
  CheckCommand out;
  CheckOptions& o = out.options;
  std::vector<std::string> urls;
  std::string workload = "all";
  uint64_t seconds = 30;
  app.add_option("--url", urls, "postgresql://USER@HOST:PORT/DATABASE, or HOST:PORT; several: ,")
      ->delimiter(',')
      ->required();
  std::vector<std::string> names = names_of_sql();
  names.push_back("all");
  app.add_option("--workload", workload, "what is run")
      ->check(CLI::IsMember(names))
      ->capture_default_str();
  app.add_option("--duration", seconds, "seconds of each workload")
      ->check(CLI::Range(1, 86'400))
      ->capture_default_str();
  app.add_option("--sessions", o.sessions, "clients at a time")
      ->check(CLI::Range(1, 500))
      ->capture_default_str();
  const std::vector<std::string> levels{"SERIALIZABLE", "REPEATABLE READ", "READ COMMITTED"};
  const CLI::IsMember is_level(levels, CLI::ignore_case);
  app.add_option("--isolation", o.isolation, "what transactions ask for")
      ->transform(is_level)
      ->capture_default_str();
  app.add_option("--judge", o.judge,
                 "the level whose rules must be kept; where it is above\n"
                 "--isolation, what the weaker level lets happen is shown")
      ->transform(is_level)
      ->capture_default_str();
  app.add_option("--seed", o.seed, "of what is drawn")->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    const int code = app.exit(e);
    out.exit = code == 0 ? 0 : 2;
    return out;
  }
  for (const std::string& url : urls) {
    if (std::string wrong = take_url(url, o); !wrong.empty()) {
      fmt::print(stderr, "quorate check: --url: {}\n", wrong);
      out.exit = 2;
    }
  }
  o.duration = std::chrono::seconds(seconds);
  o.workloads = workload == "all" ? names_of_sql() : std::vector<std::string>{workload};
  return out;
}

Task<int> run_check(runtime::Env& env, CheckOptions options, CancelToken cancel) {
  int code = 0;
  for (const std::string& name : options.workloads) {
    Check check(env, options, name);
    Task<Result<std::string>> running = check.run(cancel);
    Result<std::string> wrong = co_await running;
    if (!wrong.ok()) {
      fmt::print("{}: could not be run: {}\n", name, wrong.status().message());
      co_return 2;
    }
    const Workload::Counts& c = check.counts();
    fmt::print("{}: {}; {} transactions committed, {} failed, {} unknown\n", name,
               wrong->empty() ? "nothing is wrong" : "WRONG", c.committed, c.failed, c.unknown);
    if (!wrong->empty()) {
      fmt::print("  {}\n  schema {} is left as it is\n", *wrong, kSchema);
      code = 1;
    }
    std::fflush(stdout);
    if (cancel.cancelled()) break;
  }
  co_return code;
}

}  // namespace quorate::sim
