// The one binary. `bench`, `sim` and `check` are programs of their own rooms under one name.
#include <fmt/format.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "bench/bench_cli.h"
#include "runtime/real/real_env.h"
#include "server/cli.h"
#include "server/signals.h"
#include "sim/sim_cli.h"
#include "sim/sql/check.h"
#include "sim/sql/sql_workloads.h"

namespace {

using namespace quorate;

runtime::Task<void> run_check(runtime::RealEnv* env, sim::CheckOptions options,
                              runtime::CancelToken cancel, int* code) {
  runtime::Task<int> running = sim::run_check(env->env(), std::move(options), std::move(cancel));
  *code = co_await running;
  env->stop();
}

// Over real sockets. The environment wants a directory, in which nothing is kept.
int check_main(int argc, char** argv) {
  sim::CheckCommand command = sim::parse_check(argc, argv);
  if (command.exit) return *command.exit;
  const std::filesystem::path directory =
      std::filesystem::temp_directory_path() / fmt::format("quorate-check-{}", ::getpid());
  int code = 2;
  {
    auto opened = runtime::RealEnv::open({.data_directory = directory, .helper_threads = 1});
    if (!opened.ok()) {
      fmt::print(stderr, "quorate check: {}\n", opened.status().message());
      return 2;
    }
    runtime::RealEnv& env = **opened;
    runtime::CancelSource cancel;
    server::Signals signals([&](int count) {
      if (count > 1) std::_Exit(130);
      env.env().executor->post([&cancel] { cancel.cancel(cancelled()); });
    });
    runtime::TaskScope scope(*env.env().executor);
    scope.spawn(run_check(&env, std::move(command.options), cancel.token(), &code));
    env.run();
  }
  std::error_code ignored;
  std::filesystem::remove_all(directory, ignored);
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::strcmp(argv[1], "bench") == 0) return bench::bench_main(argc - 1, argv + 1);
  if (argc > 1 && std::strcmp(argv[1], "sim") == 0)
    return sim::sim_main(argc - 1, argv + 1, sim::all_workload_kinds());
  if (argc > 1 && std::strcmp(argv[1], "check") == 0) return check_main(argc - 1, argv + 1);
  return server::run_command_line(argc, argv);
}
