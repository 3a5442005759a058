#include "server/node_thread.h"

#include "storage/lmdb_env.h"

namespace quorate::server {

NodeThread::NodeThread(Options options) : options_(std::move(options)) {}

NodeThread::~NodeThread() {
  if (thread_.joinable()) stop(false);
}

Status NodeThread::open() {
  ASSIGN_OR_RETURN(auto env, runtime::RealEnv::open(options_.env));
  {
    std::lock_guard lock(opening_);
    if (stop_before_open_) return cancelled("the node is stopping");
    env_ = std::move(env);
  }
  if (!options_.node.kv.open_checkpoint) {
    options_.node.kv.open_checkpoint = [](runtime::Env& env) {
      return storage::open_lmdb(env, "store/lmdb");
    };
  }
  thread_ = std::thread([this] { run(); });
  adopted_.acquire();
  return Status();
}

void NodeThread::run() {
  env_->adopt();
  adopted_.release();
  {
    Node node(env_->env(), options_.node);
    runtime::TaskScope scope(*env_->env().executor);
    node_ = &node;
    scope_ = &scope;
    node.kv().on_failure = [this](Status why) {
      failure_ = why;
      // Not from inside the node's own call.
      env_->env().executor->post([this] { env_->stop(); });
    };
    if (options_.first) node.kv().init_here();
    scope.spawn(start_node(&node, &scope));
    env_->run();
    scope.cancel_all();
    if (!told_) started_.set_value(failure_.ok() ? cancelled("the node is stopping") : failure_);
    node_ = nullptr;
    scope_ = nullptr;
  }
}

runtime::Task<void> NodeThread::start_node(Node* node, runtime::TaskScope*) {
  Status status = co_await node->start(cancel_.token());
  sql_address_ = node->sql_address();
  if (!status.ok()) {
    failure_ = status;
    env_->env().executor->post([this] { env_->stop(); });
  }
  told_ = true;
  started_.set_value(status);
}

runtime::Task<void> NodeThread::stop_node(Node* node, bool drain) {
  if (drain && node->serving()) {
    Status drained = co_await node->drain(options_.drain);
    if (!drained.ok()) env_->env().log.warning("drain: {}", drained.message());
  }
  env_->stop();
}

void NodeThread::post(std::function<void(Node&)> work) {
  env_->env().executor->post([this, work = std::move(work)] {
    if (node_ != nullptr) work(*node_);
  });
}

void NodeThread::request_stop(bool drain) {
  {
    std::lock_guard lock(opening_);
    if (env_ == nullptr) {
      stop_before_open_ = true;
      return;
    }
  }
  env_->env().executor->post([this, drain] {
    if (node_ == nullptr || stopping_) return;
    stopping_ = true;
    if (!node_->serving()) cancel_.cancel(cancelled("the node is stopping"));
    scope_->spawn(stop_node(node_, drain));
  });
}

void NodeThread::stop(bool drain) {
  request_stop(drain);
  if (thread_.joinable()) thread_.join();
}

Status NodeThread::join() {
  if (thread_.joinable()) thread_.join();
  return failure_;
}

std::string NodeThread::sql_address() const { return sql_address_; }

}  // namespace quorate::server
