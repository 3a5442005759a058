// `quorate check`: the workloads of SQL and their judges against servers outside of the simulator,
// a cluster under whatever faults somebody causes meanwhile, or any server that speaks PostgreSQL's
// protocol.
//
// Each workload has a schema of its own, `quorate_check`, made anew before and removed after it.
// Its history is kept here, so what it is given must fit into memory: about 1 kB a transaction.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/env.h"
#include "runtime/task.h"

namespace quorate::sim {

struct CheckOptions {
  std::vector<std::string> addresses;  // HOST:PORT
  std::string user = "postgres", database = "postgres";
  std::vector<std::string> workloads;
  std::string isolation = "SERIALIZABLE";  // what transactions ask for
  std::string judge = "SERIALIZABLE";      // what they must keep
  std::chrono::seconds duration{30};       // of each workload
  size_t sessions = 8;
  uint64_t seed = 1;
};

// What the command line asks for; an exit code where it says so (--help, a bad flag).
struct CheckCommand {
  CheckOptions options;
  std::optional<int> exit;
};
CheckCommand parse_check(int argc, char** argv);

// Runs it and tells what comes of it, on stdout. 0: nothing is wrong; 1: something is; 2: it could
// not be run. `cancel` ends the workload under way early, which is then judged.
runtime::Task<int> run_check(runtime::Env& env, CheckOptions options, runtime::CancelToken cancel);

}  // namespace quorate::sim
