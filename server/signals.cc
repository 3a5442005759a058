#include "server/signals.h"

#include <pthread.h>

#include <csignal>

namespace quorate::server {
namespace {

sigset_t watched() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGUSR2);  // ends the thread
  return set;
}

}  // namespace

Signals::Signals(std::function<void(int)> on_signal) {
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t set = watched();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  thread_ = std::thread([on_signal = std::move(on_signal), set] {
    for (int count = 0;;) {
      int signal = 0;
      if (sigwait(&set, &signal) != 0 || signal == SIGUSR2) return;
      on_signal(++count);
    }
  });
}

Signals::~Signals() {
  pthread_kill(thread_.native_handle(), SIGUSR2);
  thread_.join();
}

void Signals::restore_for_child() {
  sigset_t set = watched();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_DFL);
}

}  // namespace quorate::server
