// A node on a thread of its own: environment, reactor, start and stop. `quorate start` has one,
// `quorate demo` several.
#pragma once

#include <future>
#include <memory>
#include <mutex>
#include <semaphore>
#include <thread>

#include "runtime/real/real_env.h"
#include "server/node.h"

namespace quorate::server {

class NodeThread {
 public:
  struct Options {
    runtime::RealEnvOptions env;
    NodeOptions node;
    bool first = false;  // makes the cluster, as `quorate init` would tell it to
    runtime::Duration drain = std::chrono::seconds(8);
  };

  explicit NodeThread(Options options);
  // Stops like stop(false) when that has not happened.
  ~NodeThread();
  NodeThread(const NodeThread&) = delete;

  // Opens the data directory and starts the thread; errors of the directory come back at once.
  Status open();
  // Ready when the node serves clients, has failed to, or ended before it did. May be asked once.
  std::future<Status> started() { return started_.get_future(); }
  // Runs `work` on the node's reactor, where it may touch the node; nothing when it has stopped.
  void post(std::function<void(Node&)> work);
  // Begins to end the node: with a drain, or at once as a crash would. From any thread, also
  // before or while open() runs, which then fails as cancelled. join() tells when it has ended.
  void request_stop(bool drain);
  // request_stop() and join(), by the thread that called open(): only one thread may wait.
  void stop(bool drain);
  // Waits until the node has ended by itself or by stop(); why it ended when it failed.
  Status join();
  std::string sql_address() const;  // valid once started

 private:
  void run();
  runtime::Task<void> start_node(Node* node, runtime::TaskScope* scope);
  runtime::Task<void> stop_node(Node* node, bool drain);

  Options options_;
  std::mutex opening_;  // guards the next two until open() has returned
  bool stop_before_open_ = false;
  std::unique_ptr<runtime::RealEnv> env_;
  std::thread thread_;
  std::binary_semaphore adopted_{0};  // the reactor is thread_'s: others may post now
  std::promise<Status> started_;
  runtime::CancelSource cancel_;
  // Of the node's thread:
  Node* node_ = nullptr;
  runtime::TaskScope* scope_ = nullptr;
  bool stopping_ = false;
  bool told_ = false;  // started_ has its value
  Status failure_;
  std::string sql_address_;
};

}  // namespace quorate::server
