// The simulator as a program of its own; `quorate sim` is the same.
#include "sim/sim_cli.h"

int main(int argc, char** argv) { return quorate::sim::sim_main(argc, argv); }
