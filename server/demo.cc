#include "server/demo.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>
#include <filesystem>
#include <mutex>

#include "server/cli.h"
#include "server/node_thread.h"
#include "server/signals.h"

namespace quorate::server {
namespace {

namespace fs = std::filesystem;
constexpr int kRpcPortOffset = 100;
constexpr auto kStartPatience = std::chrono::seconds(60);

std::string control_path(int port) {
  return (fs::temp_directory_path() / fmt::format("quorate-demo-{}.sock", port)).string();
}

sockaddr_un control_address(int port) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = control_path(port);
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  return address;
}

class DropLog : public LogSink {
  void write(LogLevel, std::string_view, std::string_view) override {}
};

// One line that changes on a terminal; elsewhere a line for each change.
class Progress {
 public:
  void show(const std::string& text) {
    if (text == shown_) return;
    shown_ = text;
    fmt::print(stderr, "{}{}{}", terminal_ ? "\r\033[K" : "", text, terminal_ ? "" : "\n");
  }
  void end() {
    if (terminal_) fmt::print(stderr, "\n");
  }

 private:
  const bool terminal_ = ::isatty(2) != 0;
  std::string shown_;
};

class Demo {
 public:
  explicit Demo(const DemoFlags& flags) : flags_(flags), nodes_(static_cast<size_t>(flags.nodes)) {
    temporary_ = flags.data.empty();
    directory_ = temporary_ ? fs::temp_directory_path() / fmt::format("quorate-demo-{}", getpid())
                            : fs::path(flags.data);
    if (flags.verbose)
      sink_ = make_stderr_sink();
    else
      sink_ = std::make_unique<DropLog>();
  }
  ~Demo() {
    for (auto& node : nodes_) node.reset();
    if (temporary_) fs::remove_all(directory_);
  }

  Status start_all() {
    // One after the other: ids go by the order of joining, and node 2 of the demo is to be node 2
    // of quorate.nodes.
    for (size_t i = 0; i < nodes_.size(); ++i) {
      progress_.show(fmt::format("node {} of {} is starting", i + 1, nodes_.size()));
      RETURN_IF_ERROR(start(i));
      auto started = nodes_[i]->started();
      if (started.wait_for(kStartPatience) != std::future_status::ready) {
        return unavailable(fmt::format("node {} did not start within a minute", i + 1));
      }
      RETURN_IF_ERROR(started.get());
    }
    return wait_replicated();
  }

  // "kill 2" and the like; gives what to tell.
  std::string command(const std::string& line) {
    std::lock_guard lock(mutex_);
    std::string word = line.substr(0, line.find(' '));
    if (word == "status") return status();
    const size_t space = line.find(' ');
    const int number = space == std::string::npos ? 0 : std::atoi(line.c_str() + space + 1);
    if (number < 1 || number > flags_.nodes)
      return fmt::format("there are nodes 1 to {}", flags_.nodes);
    const size_t i = static_cast<size_t>(number - 1);
    if (word == "kill") {
      if (nodes_[i] == nullptr) return fmt::format("node {} is down already", number);
      nodes_[i].reset();
      return fmt::format("node {} is killed; `quorate demo start {}` brings it back", number,
                         number);
    }
    if (word == "start") {
      if (nodes_[i] != nullptr) return fmt::format("node {} is up", number);
      Status started = start(i);
      if (!started.ok()) return started.message();
      if (auto ready = nodes_[i]->started();
          ready.wait_for(kStartPatience) == std::future_status::ready)
        started = ready.get();
      return started.ok() ? fmt::format("node {} serves again", number) : started.message();
    }
    return "kill N, start N or status";
  }

  std::string first_port() const { return std::to_string(flags_.port); }

 private:
  Status start(size_t i) {
    NodeThread::Options options;
    options.env.data_directory = (directory_ / fmt::format("n{}", i + 1)).string();
    options.env.log = sink_.get();
    options.env.log_least = LogLevel::kInfo;
    options.env.log_tag = fmt::format("n{}", i + 1);
    options.first = i == 0;
    options.node.sql_listen = fmt::format("127.0.0.1:{}", flags_.port + static_cast<int>(i));
    KvNodeOptions& kv = options.node.kv;
    kv.address = rpc_address(i);
    kv.sql_address = options.node.sql_listen;
    kv.version = kVersion;
    for (size_t k = 0; k < nodes_.size(); ++k) kv.join.push_back(rpc_address(k));
    kv.single = nodes_.size() == 1;
    kv.upkeep.step = std::chrono::milliseconds(100);
    auto node = std::make_unique<NodeThread>(std::move(options));
    RETURN_IF_ERROR(node->open());
    nodes_[i] = std::move(node);
    return Status();
  }

  std::string rpc_address(size_t i) const {
    return fmt::format("127.0.0.1:{}", flags_.port + kRpcPortOffset + static_cast<int>(i));
  }

  // Runs `ask` on node i's reactor and waits for what it gives.
  template <class T>
  std::optional<T> ask(size_t i, std::function<T(Node&)> question) {
    if (nodes_[i] == nullptr) return std::nullopt;
    auto promise = std::make_shared<std::promise<T>>();
    auto future = promise->get_future();
    nodes_[i]->post([promise, question](Node& node) { promise->set_value(question(node)); });
    if (future.wait_for(std::chrono::seconds(2)) != std::future_status::ready) return std::nullopt;
    return future.get();
  }

  std::vector<range::RangeStatus> led_by(size_t i) {
    auto all = ask<std::vector<range::RangeStatus>>(i, [](Node& node) {
      return node.serving() ? node.kv().store().status() : std::vector<range::RangeStatus>();
    });
    std::vector<range::RangeStatus> led;
    if (all) {
      for (auto& s : *all)
        if (s.leads) led.push_back(std::move(s));
    }
    return led;
  }

  Status wait_replicated() {
    const size_t wanted = std::min<size_t>(3, nodes_.size());
    const auto deadline = std::chrono::steady_clock::now() + kStartPatience;
    for (;;) {
      size_t ranges = 0, ready = 0;
      for (size_t i = 0; i < nodes_.size(); ++i) {
        for (const auto& s : led_by(i)) {
          ++ranges;
          size_t voters = 0;
          for (const auto& r : s.descriptor.replicas)
            voters += r.role == range::ReplicaRole::kVoter;
          ready += voters >= wanted;
        }
      }
      progress_.show(fmt::format("{} nodes serve, {} of {} ranges stand on {} of them",
                                 nodes_.size(), ready, ranges, wanted));
      if (ranges >= 3 && ready == ranges) break;
      if (std::chrono::steady_clock::now() > deadline)
        return unavailable("the ranges were not replicated in time");
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    progress_.end();
    return Status();
  }

  std::string status() {
    std::string out;
    for (size_t i = 0; i < nodes_.size(); ++i) {
      if (nodes_[i] == nullptr) {
        out += fmt::format("node {}  down\n", i + 1);
        continue;
      }
      out += fmt::format("node {}  up    sql 127.0.0.1:{}  leads", i + 1,
                         flags_.port + static_cast<int>(i));
      for (const auto& s : led_by(i)) out += fmt::format(" r{}", s.descriptor.id.value);
      out += "\n";
    }
    return out;
  }

  const DemoFlags flags_;
  Progress progress_;
  bool temporary_ = true;
  fs::path directory_;
  std::unique_ptr<LogSink> sink_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<NodeThread>> nodes_;
};

// Answers `quorate demo kill 2` and the like until it is closed.
class Control {
 public:
  Control(Demo& demo, int port) : demo_(demo), path_(control_path(port)) {
    socket_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address = control_address(port);
    ::unlink(path_.c_str());
    if (::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0)
      ::listen(socket_, 8);
    thread_ = std::thread([this] { run(); });
  }
  ~Control() {
    ::shutdown(socket_, SHUT_RDWR);
    thread_.join();
    ::close(socket_);
    ::unlink(path_.c_str());
  }

 private:
  void run() {
    for (;;) {
      const int client = ::accept(socket_, nullptr, nullptr);
      if (client < 0) return;
      char text[128];
      const ssize_t n = ::read(client, text, sizeof text);
      const std::string answer =
          demo_.command(std::string(text, n > 0 ? static_cast<size_t>(n) : 0)) + "\n";
      (void)!::write(client, answer.data(), answer.size());
      ::close(client);
    }
  }
  Demo& demo_;
  const std::string path_;
  int socket_ = -1;
  std::thread thread_;
};

// psql in the foreground; gives when it ends. False when there is no psql.
bool run_psql(const std::string& port) {
  const pid_t child = ::fork();
  if (child == 0) {
    Signals::restore_for_child();
    ::execlp("psql", "psql", "-h", "127.0.0.1", "-p", port.c_str(), "-U", "postgres", "postgres",
             nullptr);
    ::_exit(127);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return !WIFEXITED(status) || WEXITSTATUS(status) != 127;
}

}  // namespace

int run_demo(const DemoFlags& flags) {
  std::mutex mutex;
  std::condition_variable changed;
  bool stop = false;
  Signals signals([&](int count) {
    if (count > 2) std::_Exit(1);
    std::lock_guard lock(mutex);
    stop = true;
    changed.notify_all();
  });
  Demo demo(flags);
  Status started = demo.start_all();
  if (!started.ok()) {
    fmt::print(stderr, "\nquorate: {}\n", started.message());
    return 1;
  }
  Control control(demo, flags.port);
  fmt::print(
      stderr,
      "\n  psql -h 127.0.0.1 -p {} -U postgres postgres      connects (any node: ports {} to {})\n"
      "  SELECT * FROM quorate.ranges;                       shows where the data is\n"
      "  quorate demo kill 2     quorate demo start 2        from psql with \\! before it\n\n",
      flags.port, flags.port, flags.port + flags.nodes - 1);
  if (!flags.no_psql && ::isatty(0) && ::isatty(1)) {
    if (run_psql(demo.first_port())) return 0;
    fmt::print(stderr, "psql is not installed; the cluster runs until Ctrl-C\n");
  }
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return stop; });
  return 0;
}

int send_demo_fault(const DemoFlags& flags, const std::vector<std::string>& words) {
  const int client = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address = control_address(flags.port);
  if (::connect(client, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    fmt::print(stderr, "quorate: no demo runs on port {}\n", flags.port);
    ::close(client);
    return 1;
  }
  std::string line;
  for (const std::string& w : words) line += (line.empty() ? "" : " ") + w;
  (void)!::write(client, line.data(), line.size());
  ::shutdown(client, SHUT_WR);
  char text[4096];
  for (ssize_t n; (n = ::read(client, text, sizeof text)) > 0;)
    fmt::print("{}", std::string_view(text, static_cast<size_t>(n)));
  ::close(client);
  return 0;
}

}  // namespace quorate::server
