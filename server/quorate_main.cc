// The one binary. `bench` and `sim` are programs of their own rooms under one name.
#include <cstring>

#include "bench/bench_cli.h"
#include "server/cli.h"
#include "sim/sim_cli.h"
#include "sim/sql/sql_workloads.h"

int main(int argc, char** argv) {
  if (argc > 1 && std::strcmp(argv[1], "bench") == 0)
    return quorate::bench::bench_main(argc - 1, argv + 1);
  if (argc > 1 && std::strcmp(argv[1], "sim") == 0)
    return quorate::sim::sim_main(argc - 1, argv + 1, quorate::sim::all_workload_kinds());
  return quorate::server::run_command_line(argc, argv);
}
