// The key-value half of a node in a cluster of simulated nodes, without a nemesis: what must work
// before anything is broken on purpose.
#include "sim/sim_cluster.h"

#include <gtest/gtest.h>

#include "range/keys.h"
#include "sim/testing/cluster_fixture.h"

namespace quorate::sim {
namespace {

using runtime::SimCrash;
using runtime::Task;
using server::KvNode;

Task<Status> split_at(KvNode* node, uint64_t n) {
  const Bytes at = row(n);
  auto id = co_await node->system().take(range::keys::system_key("next_range"), 1, 100);
  if (!id.ok()) co_return id.status();
  range::BatchResponse response;
  for (int attempt = 0; attempt < 10; ++attempt) {
    auto where = co_await node->router().locate(at, {});
    if (!where.ok()) co_return where.status();
    range::BatchRequest batch;
    batch.range = where->id;
    batch.generation = where->generation;
    batch.now = node->clock().now();
    batch.requests.emplace_back(range::SplitRequest{at, RangeId(*id)});
    response = co_await node->router().send(std::move(batch), {});
    if (response.outcome != range::Outcome::kRangeMismatch) co_return response.error;
  }
  co_return unavailable("the range keeps changing");
}

class ClusterTest : public ClusterFixture {
 protected:
  Status put(size_t node, uint64_t n, Bytes value) {
    return write_rows(node, n, n + 1, std::move(value));
  }
  Bytes get(size_t node, uint64_t n) {
    Result<Rows> got = read_rows(node, n, n + 1);
    EXPECT_TRUE(got.ok()) << got.status().to_string();
    if (!got.ok()) return Bytes();
    EXPECT_TRUE(got->front().has_value()) << "no such row";
    return got->front().value_or(Bytes());
  }
  size_t leader_of(RangeId range) {
    size_t host = 0;
    (void)leader(range, &host);
    return host;
  }
};

TEST_F(ClusterTest, nodes_form_a_cluster_and_serve_from_everywhere) {
  form(1);
  for (size_t i = 0; i < 3; ++i) {
    ASSERT_EQ(put(i, i, "v" + std::to_string(i)).to_string(), Status().to_string());
  }
  for (size_t i = 0; i < 3; ++i) {
    for (uint64_t n = 0; n < 3; ++n) EXPECT_EQ(get(i, n), "v" + std::to_string(n));
  }
}

TEST_F(ClusterTest, rows_survive_splits_and_a_restart_of_all) {
  form(2);
  for (uint64_t n = 0; n < 40; ++n) ASSERT_TRUE(put(n % 3, n, "v" + std::to_string(n)).ok());
  for (uint64_t n : {10, 20, 30}) {
    Status split = cluster->run(n % 3, split_at(cluster->node(n % 3), n));
    ASSERT_TRUE(split.ok()) << split.to_string();
  }
  for (uint64_t n = 0; n < 40; n += 3) EXPECT_EQ(get(n % 3, n), "v" + std::to_string(n));
  for (uint64_t n = 0; n < 40; n += 5) ASSERT_TRUE(put(n % 3, n, "w").ok());
  ASSERT_EQ(cluster->wait_healthy(std::chrono::seconds(30)), "");
  for (size_t i = 0; i < 3; ++i) cluster->kill(i, SimCrash::kPower);
  cluster->start_all();
  ASSERT_EQ(cluster->wait_healthy(std::chrono::seconds(60)), "");
  for (uint64_t n = 0; n < 40; ++n)
    EXPECT_EQ(get(n % 3, n), n % 5 == 0 ? Bytes("w") : "v" + std::to_string(n));
}

TEST_F(ClusterTest, a_killed_leaseholder_is_followed_within_seconds) {
  form(3);
  ASSERT_TRUE(put(0, 1, "before").ok());
  const size_t dead = leader_of(RangeId(3));
  const size_t alive = (dead + 1) % 3;
  cluster->kill(dead, SimCrash::kPower);
  const runtime::Instant began = world->now();
  Status again = put(alive, 1, "after");
  EXPECT_TRUE(again.ok()) << again.to_string();
  EXPECT_LT(world->now() - began, std::chrono::seconds(9));
  cluster->start(dead);
  ASSERT_EQ(cluster->wait_healthy(std::chrono::seconds(30)), "");
  EXPECT_EQ(get(dead, 1), "after");
}

TEST_F(ClusterTest, a_node_that_was_down_long_catches_up_by_snapshot) {
  SimCluster::Options options;
  options.node.upkeep.log_entries_kept = 20;
  options.node.engine.memtable_age = std::chrono::seconds(1);
  form(4, options);
  ASSERT_TRUE(put(0, 1, "first").ok());
  const size_t away = (leader_of(RangeId(3)) + 1) % 3;
  const size_t other = (away + 1) % 3;
  cluster->kill(away, SimCrash::kPower);
  for (uint64_t n = 0; n < 100; ++n) ASSERT_TRUE(put(other, n, Bytes(50, 'x')).ok());
  world->run_for(std::chrono::seconds(10));
  for (uint64_t n = 0; n < 100; ++n) ASSERT_TRUE(put(other, n, Bytes(50, 'y')).ok());
  world->run_for(std::chrono::seconds(10));
  cluster->start(away);
  ASSERT_EQ(cluster->wait_healthy(std::chrono::seconds(60)), "");
  for (uint64_t n = 0; n < 100; n += 7) EXPECT_EQ(get(away, n), Bytes(50, 'y'));
}

// Found by append 76: a loop of restarts drove a node's clock further than the bound ahead.
TEST_F(ClusterTest, quick_restarts_do_not_drive_a_clock_ahead) {
  form(6);
  for (int n = 0; n < 6; ++n) {
    cluster->kill(1, SimCrash::kProcess);
    cluster->start(1);
    world->run_for(std::chrono::milliseconds(1'500));
    ASSERT_NE(cluster->node(1), nullptr);
    runtime::Hlc& clock = cluster->node(1)->clock();
    EXPECT_LE(clock.peek().micros(), clock.physical_micros() + 1'000);
  }
  EXPECT_EQ(cluster->wait_healthy(std::chrono::seconds(30)), "");
}

TEST_F(ClusterTest, drain_moves_every_lease_without_an_outage) {
  form(5);
  ASSERT_TRUE(put(0, 1, "v").ok());
  const size_t i = leader_of(RangeId(3));
  KvNode* node = cluster->node(i);
  Status drained = cluster->run(i, node->drain(world->now() + std::chrono::seconds(10)));
  EXPECT_TRUE(drained.ok()) << drained.to_string();
  for (const auto& [range, replica] : node->store().replicas())
    EXPECT_EQ(replica->leaseholder(), nullptr);
  const runtime::Instant began = world->now();
  EXPECT_EQ(get((i + 1) % 3, 1), "v");
  EXPECT_LT(world->now() - began, std::chrono::milliseconds(1500));
}

TEST_F(ClusterTest, logs_are_synced_in_place_where_no_clients_wait) {
  form(6);
  const auto in_place = [&] {
    uint64_t sum = 0;
    for (size_t i = 0; i < 3; ++i) sum += cluster->machine(i).disk().syncs_in_place();
    return sum;
  };
  for (uint64_t n = 0; n < 20; ++n) ASSERT_TRUE(put(0, n, "v").ok());
  EXPECT_GE(in_place(), 40u);
  for (size_t i = 0; i < 3; ++i) cluster->node(i)->clients = [] { return 2; };
  const uint64_t before = in_place();
  for (uint64_t n = 0; n < 20; ++n) ASSERT_TRUE(put(0, n, "w").ok());
  EXPECT_EQ(in_place(), before);
  EXPECT_EQ(get(1, 7), "w");
}

// Counts don't vary with noise (docs: a commit costs syncs and wakes, not rows).
TEST_F(ClusterTest, a_one_row_update_is_one_proposal_one_sync_a_replica_and_one_message_each_way) {
  form(8);
  const size_t leader = leader_of(RangeId(3));
  ASSERT_TRUE(put(leader, 1, "v").ok());
  world->run_for(std::chrono::seconds(2));
  const auto count = [&](size_t i, const char* name) {
    return cluster->env(i).metrics().counter(name).value();
  };
  const char* const kNames[] = {"quorate_raft_proposals_total", "quorate_log_syncs_total",
                                "quorate_raft_messages_total",
                                "quorate_raft_entries_applied_total"};
  std::map<const char*, std::vector<uint64_t>> before;
  for (const char* name : kNames) {
    for (size_t i = 0; i < 3; ++i) before[name].push_back(count(i, name));
  }
  constexpr uint64_t kUpdates = 50;
  // The store's own renewals, and what upkeep and gossip write meanwhile.
  constexpr uint64_t kOther = 15;
  for (uint64_t n = 0; n < kUpdates; ++n) ASSERT_TRUE(put(leader, 1, "w").ok());
  const auto spent = [&](size_t i, const char* name) { return count(i, name) - before[name][i]; };
  for (size_t i = 0; i < 3; ++i) {
    const bool leads = i == leader;
    EXPECT_LE(spent(i, kNames[0]), leads ? kUpdates + kOther : kOther) << i;
    EXPECT_LE(spent(i, kNames[1]), kUpdates + kOther) << i;
    EXPECT_LE(spent(i, kNames[2]), (leads ? 2 : 1) * kUpdates + 2 * kOther) << i;
    EXPECT_LE(spent(i, kNames[3]), kUpdates + kOther) << i;
  }
  EXPECT_GE(spent(leader, kNames[0]), kUpdates);
}

}  // namespace
}  // namespace quorate::sim
