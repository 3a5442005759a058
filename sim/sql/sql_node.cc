#include "sim/sql/sql_node.h"

namespace quorate::sim {
namespace {

class SqlNode : public SimNode {
 public:
  SqlNode(runtime::Env& env, server::NodeOptions options) : node_(env, std::move(options)) {}
  server::KvNode& kv() override { return node_.kv(); }
  runtime::Task<Status> start() override { return node_.start({}); }

 private:
  server::Node node_;
};

}  // namespace

std::unique_ptr<SimNode> make_sql_node(runtime::Env& env, server::KvNodeOptions options) {
  server::NodeOptions o;
  o.sql_listen = runtime::sim_host_of(options.address) + ":" + std::string(kSqlPort);
  options.sql_address = o.sql_listen;
  o.kv = std::move(options);
  return std::make_unique<SqlNode>(env, std::move(o));
}

}  // namespace quorate::sim
