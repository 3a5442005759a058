// `quorate sim`: runs scenarios from seeds and tells of violations. Exit: 0 all is well, 1 a
// violation was found, 2 bad flags.
#pragma once

namespace quorate::sim {

int sim_main(int argc, char** argv);

}  // namespace quorate::sim
