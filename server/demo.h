// `quorate demo`: a cluster in one process to play with. Each node is an object on its own thread
// and directory; they talk over loopback like any others, and can be killed and started again one
// by one:
//
//   \! quorate demo kill 2       in psql, or in another terminal
//   \! quorate demo start 2
//   \! quorate demo status
//
// A demo listens for these on a socket in the temporary directory, named by its first port.
#pragma once

#include <string>
#include <vector>

namespace quorate::server {

struct DemoFlags {
  int nodes = 3;
  int port = 26257;
  std::string data;
  bool no_psql = false, verbose = false;
};

int run_demo(const DemoFlags& flags);
int send_demo_fault(const DemoFlags& flags, const std::vector<std::string>& words);

}  // namespace quorate::server
