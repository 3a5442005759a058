// `tpcc load|run|check ...`: the same as `quorate bench tpcc ...`, without a server in the program.
#include <string>
#include <vector>

#include "bench/bench_cli.h"

int main(int argc, char** argv) {
  std::string command = "tpcc";
  std::vector<char*> arguments = {argv[0], command.data()};
  arguments.insert(arguments.end(), argv + 1, argv + argc);
  return quorate::bench::bench_main(static_cast<int>(arguments.size()), arguments.data());
}
