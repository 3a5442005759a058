// SIGINT and SIGTERM as calls. Made before any other thread, so that all threads inherit the
// blocked mask.
#pragma once

#include <functional>
#include <thread>

namespace quorate::server {

class Signals {
 public:
  // `on_signal` runs on a thread of its own: 1 at the first signal, 2 at the second, ...
  explicit Signals(std::function<void(int count)> on_signal);
  ~Signals();
  Signals(const Signals&) = delete;
  // What a child process must restore before it runs another program.
  static void restore_for_child();

 private:
  std::thread thread_;
};

}  // namespace quorate::server
