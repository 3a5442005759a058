// What tests of clusters begin with: simulated nodes without a nemesis, and rows of one table that
// lies in range 3. SIM_LINES in the environment prints the world's lines.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <vector>

#include "sim/sim_cluster.h"

namespace quorate::sim {

// The key of row `n` of at most 255; keys are ordered as their numbers.
Bytes row(uint64_t n);

class ClusterFixture : public testing::Test {
 protected:
  // By number, from the first that was asked for; none where there is no such row.
  using Rows = std::vector<std::optional<Bytes>>;

  // Another world, and a cluster in it in which every range has its replicas.
  void form(uint64_t seed, SimCluster::Options options = {});
  // Writes rows [from, to), each locked first and in a transaction of its own.
  Status write_rows(size_t node, uint64_t from, uint64_t to, Bytes value);
  // Rows [from, to), one after the other in one transaction.
  Result<Rows> read_rows(size_t node, uint64_t from, uint64_t to);
  // Who holds the lease of `range`, and its host; nullptr, and `host` as it was, where nobody does.
  range::Replica* leader(RangeId range, size_t* host);

  std::unique_ptr<runtime::SimWorld> world;
  std::unique_ptr<SimCluster> cluster;
};

}  // namespace quorate::sim
