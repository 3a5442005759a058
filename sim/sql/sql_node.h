// A whole node, with SQL and clients' streams, in a simulated cluster.
#pragma once

#include "server/node.h"
#include "sim/sim_cluster.h"

namespace quorate::sim {

inline constexpr std::string_view kSqlPort = "5432";

// For SimCluster::Options::make_node.
std::unique_ptr<SimNode> make_sql_node(runtime::Env& env, server::KvNodeOptions options);

}  // namespace quorate::sim
