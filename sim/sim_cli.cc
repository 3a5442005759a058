#include "sim/sim_cli.h"
namespace quorate::sim {
int sim_main(int, char**) { return 2; }
}  // namespace quorate::sim
