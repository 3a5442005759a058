// What a statement costs in system calls, wakes, hops between threads, syncs and allocations:
// counts do not vary with the machine's noise, so a statement that needs more than it should fails
// here. One node, one client that waits for each answer.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <future>
#include <thread>

#include "server/node_thread.h"

namespace quorate::server {
namespace {

constexpr int kStatements = 2'000;

// A client of the protocol, as far as needed here.
class Client {
 public:
  explicit Client(const std::string& address) {
    fd_ = ::socket(AF_INET, SOCK_STREAM, 0);
    int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
    std::string start("\0\3\0\0user\0postgres\0database\0postgres\0\0", 37);
    send(be32(static_cast<uint32_t>(start.size() + 4)) + start);
    until_ready();
  }
  ~Client() { ::close(fd_); }

  // Sends, and takes the answer up to ReadyForQuery; the types of its messages.
  std::string ask(const std::string& messages) {
    send(messages);
    return until_ready();
  }
  static std::string message(char type, const std::string& body) {
    return type + be32(static_cast<uint32_t>(body.size() + 4)) + body;
  }
  static std::string be32(uint32_t v) {
    return {static_cast<char>(v >> 24), static_cast<char>(v >> 16), static_cast<char>(v >> 8),
            static_cast<char>(v)};
  }
  static std::string query(const std::string& text) {
    return message('Q', std::string(text.c_str(), text.size() + 1));
  }
  static std::string prepare(const std::string& name, const std::string& text) {
    return message('P', name + '\0' + text + '\0' + std::string(2, '\0')) + message('S', "");
  }
  // Binary int4 parameter and binary results, as drivers do it.
  static std::string execute(const std::string& name, uint32_t parameter) {
    const std::string one("\0\1\0\1", 4);
    const std::string bind =
        '\0' + name + '\0' + one + std::string("\0\1", 2) + be32(4) + be32(parameter) + one;
    return message('B', bind) + message('D', std::string("P\0", 2)) +
           message('E', std::string(5, '\0')) + message('S', "");
  }

 private:
  void send(const std::string& bytes) {
    CHECK(::send(fd_, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  }
  std::string until_ready() {
    std::string types, in;
    for (size_t at = 0;;) {
      while (in.size() - at < 5 || in.size() - at < 1 + size_at(in, at + 1)) {
        char buffer[4096];
        ssize_t n = ::recv(fd_, buffer, sizeof buffer, 0);
        CHECK(n > 0);
        in.append(buffer, static_cast<size_t>(n));
      }
      types.push_back(in[at]);
      at += 1 + size_at(in, at + 1);
      if (types.back() == 'Z') return types;
    }
  }
  static size_t size_at(const std::string& in, size_t at) {
    uint32_t n;
    std::memcpy(&n, in.data() + at, 4);
    return ntohl(n);
  }
  int fd_ = -1;
};

class StatementCost : public testing::Test {
 protected:
  StatementCost() {
    directory_ =
        std::filesystem::temp_directory_path() / ("quorate_cost_" + std::to_string(::getpid()));
    std::filesystem::remove_all(directory_);
    NodeThread::Options options;
    options.env.data_directory = directory_;
    options.node.kv.address = "127.0.0.1:" + std::to_string(free_port());
    options.node.kv.single = true;
    options.first = true;
    options.node.sql_listen = "127.0.0.1:0";
    node_ = std::make_unique<NodeThread>(std::move(options));
    CHECK(node_->open().ok());
    CHECK(node_->started().get().ok());
    client_ = std::make_unique<Client>(node_->sql_address());
    EXPECT_EQ(client_->ask(Client::query("CREATE TABLE t (id int PRIMARY KEY, k int, c text)")),
              "CZ");
    EXPECT_EQ(client_->ask(Client::query("INSERT INTO t SELECT i, i, repeat('x', 100) FROM "
                                         "generate_series(1, 100) i")),
              "CZ");
  }
  ~StatementCost() override {
    client_.reset();
    node_.reset();
    std::filesystem::remove_all(directory_);
  }
  static int free_port() {
    int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof any;
    CHECK(::bind(fd, reinterpret_cast<sockaddr*>(&any), sizeof any) == 0);
    CHECK(::getsockname(fd, reinterpret_cast<sockaddr*>(&any), &size) == 0);
    ::close(fd);
    return ntohs(any.sin_port);
  }
  std::map<std::string, uint64_t> counters() {
    std::promise<std::map<std::string, uint64_t>> got;
    node_->post([&got](Node& node) {
      std::map<std::string, uint64_t> all;
      for (const auto& s : node.kv().env().metrics->samples()) all[s.name] = s.value;
      got.set_value(std::move(all));
    });
    return got.get_future().get();
  }
  // A statement's share of each counter.
  std::map<std::string, double> costs(const std::string& name, const std::string& answer) {
    for (uint32_t i = 0; i < 200; ++i) (void)client_->ask(Client::execute(name, 1 + i % 100));
    auto before = counters();
    const auto began = std::chrono::steady_clock::now();
    for (uint32_t i = 0; i < kStatements; ++i) {
      EXPECT_EQ(client_->ask(Client::execute(name, 1 + i % 100)), answer);
    }
    const auto took = std::chrono::steady_clock::now() - began;
    auto after = counters();
    // What the node does of itself in that time, which is long on a busy machine, is not theirs.
    std::this_thread::sleep_for(took);
    std::map<std::string, double> out;
    for (auto& [counter, value] : counters()) {
      const auto idle = static_cast<double>(value - after[counter]);
      out[counter] = (static_cast<double>(after[counter] - before[counter]) - idle) / kStatements;
    }
    return out;
  }

  std::filesystem::path directory_;
  std::unique_ptr<NodeThread> node_;
  std::unique_ptr<Client> client_;
};

// What the node does of itself meanwhile (ticks, heartbeats), a statement.
constexpr double kBesides = 0.2;

TEST_F(StatementCost, point_read) {
  EXPECT_EQ(client_->ask(Client::prepare("get", "SELECT c FROM t WHERE id = $1")), "1Z");
  auto cost = costs("get", "2TDCZ");
  EXPECT_LT(cost["quorate_socket_recv_total"], 1 + kBesides);
  EXPECT_LT(cost["quorate_socket_send_total"], 1 + kBesides);
  EXPECT_LT(cost["quorate_reactor_wakes_total"], 1 + kBesides);
  EXPECT_LT(cost["quorate_reactor_hops_total"], kBesides);
  EXPECT_LT(cost["quorate_log_syncs_total"], kBesides);
  // One is left above the socket (docs/status.md); none is the aim.
  EXPECT_LT(cost["quorate_reactor_allocations_total"], 1 + kBesides);
}

TEST_F(StatementCost, range_read) {
  EXPECT_EQ(client_->ask(Client::prepare("list", "SELECT c FROM t WHERE id >= $1 AND id <= $1")),
            "1Z");
  auto cost = costs("list", "2TDCZ");
  EXPECT_LT(cost["quorate_socket_recv_total"], 1 + kBesides);
  EXPECT_LT(cost["quorate_socket_send_total"], 1 + kBesides);
  EXPECT_LT(cost["quorate_reactor_hops_total"], kBesides);
}

TEST_F(StatementCost, one_row_update) {
  EXPECT_EQ(client_->ask(Client::prepare("set", "UPDATE t SET k = k + 1 WHERE id = $1")), "1Z");
  auto cost = costs("set", "2nCZ");
  EXPECT_LT(cost["quorate_socket_recv_total"], 1 + kBesides);
  EXPECT_LT(cost["quorate_socket_send_total"], 1 + kBesides);
  EXPECT_LT(cost["quorate_log_syncs_total"], 1 + kBesides);
  EXPECT_LT(cost["quorate_reactor_wakes_total"], 2 + kBesides);
  EXPECT_LT(cost["quorate_reactor_hops_total"], 1 + kBesides);
  RecordProperty("allocations", std::to_string(cost["quorate_reactor_allocations_total"]));
  std::printf("allocations of a one-row update: %.1f\n", cost["quorate_reactor_allocations_total"]);
  EXPECT_LT(cost["quorate_reactor_allocations_total"], 200);
}

}  // namespace
}  // namespace quorate::server
