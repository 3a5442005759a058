// The floor: a server that answers sysbench and pgbench with canned bytes, on plain epoll.
//
// Run beside every comparison it shows what the machine, the client and the sockets cost; what a
// real server answers for is the difference (docs/decisions/0001-walking-skeleton.md). With --log
// each write also waits for a synced log, and with --replicas for one of two follower processes as
// well: the walking skeleton of Quorate's commit.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <deque>
#include <memory>
#include <thread>

#include "bench/floor/canned.h"
#include "bench/floor/replicated_log.h"

namespace quorate::floor_server {
namespace {

// As long as a log entry of a one-row update will be, about.
constexpr size_t kRecordBytes = 160;

struct Options {
  uint16_t port = 5433;
  int reactors = 1, poll_us = 0;
  std::string log;  // directory; empty: no log
  bool replicas = false;
  SyncMode sync = SyncMode::kAuto;
};

struct Connection {
  int fd;
  CannedSession session;
  std::string in, out;
  uint64_t waits_for = 0;  // a record's number; its answers stay in `out` until it is committed
  bool closed = false;
};

void set_nodelay(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

int listen_on(uint16_t port, uint16_t* chosen = nullptr) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(fd, 512) != 0) {
    throw std::runtime_error("cannot listen on 127.0.0.1:" + std::to_string(port));
  }
  socklen_t size = sizeof address;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  if (chosen) *chosen = ntohs(address.sin_port);
  return fd;
}

class Server;

// One thread's loop: its clients, and on the first one also the listener and the followers.
class Reactor {
 public:
  Reactor(Server& server, int number);
  void run();
  void watch(int fd, uint64_t tag);
  void adopt(int fd);
  void wake() const {
    const uint64_t one = 1;
    if (::write(event_, &one, sizeof one) < 0) std::abort();
  }
  bool has_waiters() const { return waiting_count_.load(std::memory_order_relaxed) > 0; }

 private:
  void handle(const epoll_event& event);
  void readable(Connection& c);
  void flush(Connection& c);
  void close(Connection& c);
  void answer_committed();

  Server& server_;
  const int number_;
  const int epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  const int event_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  std::deque<Connection*> waiting_;  // ordered by waits_for
  std::atomic<int> waiting_count_{0};
};

// Small values of an epoll event's data; anything larger is a Connection*.
enum Tag : uint64_t { kListener = 1, kWake = 2, kFollower = 16 };

class Server {
 public:
  explicit Server(const Options& options) : options_(options) {}

  void run() {
    listener_ = listen_on(options_.port);
    if (options_.replicas) start_followers();  // before any thread
    for (int i = 0; i < options_.reactors; ++i)
      reactors_.push_back(std::make_unique<Reactor>(*this, i));
    if (!options_.log.empty()) {
      log_ = std::make_unique<ReplicatedLog>(
          options_.log + "/floor.log", followers_, options_.sync, [this](int self) {
            for (int i = 0; i < static_cast<int>(reactors_.size()); ++i) {
              if (i != self && reactors_[i]->has_waiters()) reactors_[i]->wake();
            }
          });
    }
    reactors_[0]->watch(listener_, kListener);
    for (size_t f = 0; f < followers_.size(); ++f)
      reactors_[0]->watch(followers_[f], kFollower + f);
    std::fprintf(stderr, "ready on 127.0.0.1:%u\n", options_.port);
    std::vector<std::thread> threads;
    for (size_t i = 1; i < reactors_.size(); ++i)
      threads.emplace_back([this, i] { reactors_[i]->run(); });
    reactors_[0]->run();
  }

  void accept_one() {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) return;
    set_nodelay(fd);
    ++clients;
    reactors_[next_++ % reactors_.size()]->adopt(fd);
  }

  ReplicatedLog* log() { return log_.get(); }
  int follower(size_t f) const { return followers_[f]; }
  int poll_us() const { return options_.poll_us; }

  std::atomic<int> clients{0};

 private:
  void start_followers() {
    uint16_t port = 0;
    const int listener = listen_on(0, &port);
    for (int i = 0; i < 2; ++i) {
      if (::fork() == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        ::close(listener_);  // or the port outlives the leader
        follow(port, options_.log + "/follower" + std::to_string(i) + ".log");
        ::_exit(0);
      }
      const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
      set_nodelay(fd);
      followers_.push_back(fd);
    }
    ::close(listener);
  }

  static void follow(uint16_t port, const std::string& path) {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return;
    set_nodelay(fd);
    try {
      run_follower(fd, path);
    } catch (const std::exception& e) {
      std::fprintf(stderr, "follower: %s\n", e.what());
    }
  }

  const Options options_;
  int listener_ = -1;
  size_t next_ = 0;
  std::vector<int> followers_;
  std::unique_ptr<ReplicatedLog> log_;
  std::vector<std::unique_ptr<Reactor>> reactors_;
};

Reactor::Reactor(Server& server, int number) : server_(server), number_(number) {
  watch(event_, kWake);
}

void Reactor::watch(int fd, uint64_t tag) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = tag;
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
}

void Reactor::adopt(int fd) {
  watch(fd, reinterpret_cast<uint64_t>(new Connection{fd, {}, {}, {}}));
}

void Reactor::run() {
  epoll_event events[128];
  while (true) {
    int n = ::epoll_wait(epoll_, events, 128, server_.poll_us() > 0 ? 0 : -1);
    if (n == 0) {  // polls a little before it sleeps: waking an idle core costs more
      const auto until =
          std::chrono::steady_clock::now() + std::chrono::microseconds(server_.poll_us());
      while (n == 0 && std::chrono::steady_clock::now() < until)
        n = ::epoll_wait(epoll_, events, 128, 0);
      if (n == 0) n = ::epoll_wait(epoll_, events, 128, -1);
    }
    for (int i = 0; i < n; ++i) handle(events[i]);
    if (!server_.log()) continue;
    server_.log()->kick(number_, server_.clients <= 1);
    answer_committed();
  }
}

void Reactor::handle(const epoll_event& event) {
  const uint64_t tag = event.data.u64;
  if (tag == kListener) return server_.accept_one();
  if (tag == kWake) {
    uint64_t count;
    if (::read(event_, &count, sizeof count) < 0) return;
    return;
  }
  if (tag >= kFollower && tag < kFollower + 2) {
    const size_t f = tag - kFollower;
    uint64_t number = 0;  // at most one a batch is under way, so one a turn is enough
    const ssize_t n = ::recv(server_.follower(f), &number, sizeof number, MSG_WAITALL);
    if (n <= 0) ::epoll_ctl(epoll_, EPOLL_CTL_DEL, server_.follower(f), nullptr);
    if (n == sizeof number) server_.log()->acknowledged(f, number, number_);
    return;
  }
  readable(*reinterpret_cast<Connection*>(tag));
}

void Reactor::readable(Connection& c) {
  char buffer[16 << 10];
  const ssize_t n = ::recv(c.fd, buffer, sizeof buffer, 0);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0) return close(c);
  std::string_view input(buffer, static_cast<size_t>(n));
  if (!c.in.empty()) input = c.in.append(input);
  int writes = 0;
  const size_t taken = c.session.consume(input, c.out, writes);
  if (taken == SIZE_MAX) return close(c);
  c.in = std::string(input.substr(taken));
  if (writes > 0 && server_.log()) {
    static const std::string record(kRecordBytes, 'r');
    const bool was_waiting = c.waits_for != 0;
    for (int i = 0; i < writes; ++i) c.waits_for = server_.log()->append(record);
    if (!was_waiting) {
      waiting_.push_back(&c);
      ++waiting_count_;
    }
  }
  if (c.waits_for == 0) flush(c);
}

// Answers are far smaller than a socket's buffer, so a short write means a client that does not
// read.
void Reactor::flush(Connection& c) {
  if (c.out.empty()) return;
  const ssize_t n = ::send(c.fd, c.out.data(), c.out.size(), MSG_NOSIGNAL);
  if (n != static_cast<ssize_t>(c.out.size())) return close(c);
  c.out.clear();
}

void Reactor::close(Connection& c) {
  if (!c.closed) {
    ::close(c.fd);
    --server_.clients;
    c.closed = true;
  }
  if (c.waits_for == 0) delete &c;  // otherwise answer_committed() does
}

void Reactor::answer_committed() {
  const uint64_t committed = server_.log()->committed();
  for (size_t left = waiting_.size(); left > 0; --left) {
    Connection* c = waiting_.front();
    waiting_.pop_front();
    if (c->waits_for > committed) {
      waiting_.push_back(c);
      continue;
    }
    --waiting_count_;
    c->waits_for = 0;
    c->closed ? close(*c) : flush(*c);
  }
}

}  // namespace
}  // namespace quorate::floor_server

int main(int argc, char** argv) {
  using quorate::floor_server::SyncMode;
  quorate::floor_server::Options options;
  CLI::App app("Answers sysbench and pgbench with canned bytes: the floor of every comparison.");
  app.add_option("--port", options.port, "on 127.0.0.1")->capture_default_str();
  app.add_option("--reactors", options.reactors, "threads that serve clients")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_option("--poll-us", options.poll_us, "poll so long before sleeping")
      ->capture_default_str();
  auto* log =
      app.add_option("--log", options.log, "directory: each write waits for a synced log there");
  app.add_flag("--replicas", options.replicas,
               "each write waits for one of two follower processes too")
      ->needs(log);
  app.add_option(
         "--sync", options.sync,
         "who syncs the log: the reactor, a helper thread, or the reactor where it has one client")
      ->transform(
          CLI::CheckedTransformer(std::map<std::string, SyncMode>{{"in-place", SyncMode::kInPlace},
                                                                  {"helper", SyncMode::kHelper},
                                                                  {"auto", SyncMode::kAuto}}));
  CLI11_PARSE(app, argc, argv);
  try {
    quorate::floor_server::Server(options).run();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "floor: %s\n", e.what());
    return 1;
  }
}
