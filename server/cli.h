// The command line: `quorate start | init | demo | node drain | version`. A command gives the
// process's exit code: 0, 1 for a failure that was told on stderr, and the parser's own code for a
// wrong command line.
#pragma once

namespace quorate::server {

int run_command_line(int argc, char** argv);

inline constexpr const char* kVersion = "0.1.0";

}  // namespace quorate::server
