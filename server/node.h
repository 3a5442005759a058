// A whole node: the key-value half, the catalog, sessions, and the listener for clients.
//
//   start() ──► serving ──► drain() ──► destroy
//
// An object like any other: a process may hold several, each on its own environment
// (server/demo.h). Everything runs on the environment's executor; start(), drain() and the
// destructor too.
#pragma once

#include <memory>
#include <string>

#include "pgwire/listener.h"
#include "server/cluster_view.h"
#include "server/http.h"
#include "server/kv_node.h"
#include "sql/catalog/catalog_manager.h"
#include "sql/session/session.h"

namespace quorate::server {

struct NodeOptions {
  KvNodeOptions kv;
  std::string sql_listen;   // where clients connect
  std::string http_listen;  // empty: no HTTP
};

class Node {
 public:
  Node(runtime::Env& env, NodeOptions options);
  ~Node();
  Node(const Node&) = delete;

  // Returns when clients are served; that may wait for `quorate init` at another node, or for a
  // quorum.
  runtime::Task<Status> start(runtime::CancelToken token);
  bool serving() const { return listener_ != nullptr; }
  // Lets clients finish, hands over the leases, writes a checkpoint. Bounded by `limit`; what is
  // not done by then is done by recovery.
  runtime::Task<Status> drain(runtime::Duration limit);

  // Asked by `quorate node drain`: the leases move away, the node stays.
  static constexpr runtime::RpcMethod kDrainMethod = 11;

  KvNode& kv() { return kv_; }
  std::string sql_address() const {
    return listener_ == nullptr ? options_.sql_listen : listener_->local_address();
  }

 private:
  runtime::Task<Result<Bytes>> on_drain();
  runtime::Task<void> collect_garbage();

  runtime::Env& env_;
  NodeOptions options_;
  KvNode kv_;
  std::unique_ptr<sql::CatalogManager> catalog_;
  std::unique_ptr<ClusterView> view_;
  std::unique_ptr<sql::NodeServices> services_;
  std::unique_ptr<pgwire::PgListener> listener_;
  std::unique_ptr<HttpServer> http_;
  runtime::TaskScope scope_;  // last: its tasks use the rest
};

}  // namespace quorate::server
