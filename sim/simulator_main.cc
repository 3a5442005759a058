// The simulator as a program of its own, without SQL; `quorate sim` has its workloads too.
#include "sim/sim_cli.h"

int main(int argc, char** argv) {
  return quorate::sim::sim_main(argc, argv, quorate::sim::workload_kinds());
}
