// A node's outside world on a real host: reactor, helpers, network, disk, clock and randomness put
// together. Several may live in one process, each run by a thread of its own.
//
//   auto made = RealEnv::open({.data_directory = "/var/lib/quorate", .log = sink});
//   std::unique_ptr<RealEnv> env = std::move(made).value();
//   Node node(env->env(), ...);     // before run(), or in a task of the reactor
//   env->run();                     // until stop(), which any thread or a signal's thread calls
//   (destroy the node on this thread; then the env, when nobody can be inside stop() any more)
//
// Where another thread than the one that opened it makes the node and runs it, that thread calls
// adopt() first, and the opening one waits for that before it posts or stops anything.
#pragma once

#include <memory>
#include <string>

#include "runtime/env.h"

namespace quorate::runtime {

class Reactor;
class TcpNetwork;

struct RealEnvOptions {
  std::string data_directory;  // made when missing; one process at a time may have it
  LogSink* log = nullptr;      // outlives the env; none: no log
  LogLevel log_least = LogLevel::kInfo;
  std::string log_tag;  // "n1"
  size_t helper_threads = 4;
  Duration spin{0};  // how long the reactor polls before it sleeps
  Duration stall_counted = std::chrono::milliseconds(1);
  Duration stall_logged = std::chrono::milliseconds(100);
};

class RealEnv {
 public:
  static Result<std::unique_ptr<RealEnv>> open(RealEnvOptions options);
  ~RealEnv();
  RealEnv(const RealEnv&) = delete;

  Env& env() { return env_; }
  Metrics& metrics() { return *env_.metrics; }
  void adopt();
  // Runs the reactor on the calling thread until stop().
  void run();
  void stop();  // from any thread
  // Nodes of another cluster are refused from now on.
  void set_cluster_id(std::string id);
  // Where messages arrive, with the port that was given for ":0"; after listen().
  std::string message_address() const;
  // Closes the connections to a peer: for tests.
  void disconnect(PeerId peer);

 private:
  struct Parts;
  explicit RealEnv(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
  Env env_;
};

}  // namespace quorate::runtime
