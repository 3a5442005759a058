// The command line of `quorate bench`. Talks to servers as any client does: it links no other room.
#pragma once

namespace quorate::bench {

// argv[0] is the program's name for usage texts, then `tpcc load|run|check ...`. Returns the exit
// code: 0 done (and consistent), 1 failed or inconsistent, 2 wrong usage. Throws nothing.
int bench_main(int argc, char** argv);

}  // namespace quorate::bench
