// A server without a cluster, for trying clients out: SQL and the wire over an ordered map in
// memory.
//
//   mini_server 127.0.0.1:5444 DIRECTORY
#include <csignal>
#include <cstdio>

#include "base/log.h"
#include "pgwire/listener.h"
#include "runtime/real/real_env.h"
#include "sql/session/session.h"
#include "txn/testing/map_client.h"

namespace quorate {
namespace {

struct MiniServer {
  explicit MiniServer(runtime::Env& env)
      : client(env),
        catalog(client, NodeId(1)),
        node(client, catalog),
        listener(env, make_factory(&node)),
        scope(*env.executor) {
    node.node_number = 1;
  }
  static pgwire::SessionFactory make_factory(sql::NodeServices* node) {
    return [node](sql::SessionOptions options) {
      return sql::Session::open(node, std::move(options));
    };
  }
  static runtime::Task<void> start(MiniServer* self, std::string address) {
    Status s = co_await self->catalog.start();
    if (s.ok()) s = self->listener.listen(address);
    if (s.ok())
      std::fprintf(stderr, "listening on %s\n", self->listener.local_address().c_str());
    else
      std::fprintf(stderr, "%s\n", s.to_string().c_str());
  }

  txn::MapClient client;
  sql::CatalogManager catalog;
  sql::NodeServices node;
  pgwire::PgListener listener;
  runtime::TaskScope scope;
};

runtime::RealEnv* running = nullptr;

int run(const std::string& address, const std::string& directory) {
  std::unique_ptr<LogSink> log = make_stderr_sink();
  runtime::RealEnvOptions options;
  options.data_directory = directory;
  options.log = log.get();
  auto env = runtime::RealEnv::open(std::move(options));
  if (!env.ok()) {
    std::fprintf(stderr, "%s\n", env.status().to_string().c_str());
    return 1;
  }
  running = env->get();
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGTERM, [](int) { running->stop(); });
  std::signal(SIGINT, [](int) { running->stop(); });
  {
    MiniServer server((*env)->env());
    server.scope.spawn(MiniServer::start(&server, address));
    (*env)->run();
  }
  return 0;
}

}  // namespace
}  // namespace quorate

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: mini_server HOST:PORT DIRECTORY\n");
    return 2;
  }
  return quorate::run(argv[1], argv[2]);
}
