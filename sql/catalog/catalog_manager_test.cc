#include "sql/catalog/catalog_manager.h"

#include <gtest/gtest.h>

#include "sql/catalog/catalog_writer.h"
#include "txn/testing/map_client.h"

namespace quorate::sql {
namespace {

using runtime::Task;

Task<Status> add_schema(txn::Client* client, std::string name, uint64_t* version) {
  auto txn = client->begin({});
  txn->begin_statement();
  CatalogWriter writer(txn.get(), *client);
  CO_RETURN_IF_ERROR(co_await writer.begin());
  SchemaDescriptor d;
  CO_ASSIGN_OR_RETURN(d.oid, writer.allocate_oid());
  d.database = kPostgresDatabase;
  d.name = std::move(name);
  CO_RETURN_IF_ERROR(writer.put(d));
  *version = writer.new_version();
  CO_RETURN_IF_ERROR(writer.seal());
  co_return co_await txn->commit();
}

Task<Status> wait_some(txn::MapClient* client, int ms) {
  co_return co_await runtime::sleep_for(client->executor(), std::chrono::milliseconds(ms));
}

TEST(CatalogManager, new_cluster_has_its_databases) {
  txn::MapClient client;
  CatalogManager manager(client, NodeId(1));
  ASSERT_TRUE(run_task(client.executor(), manager.start()).ok());
  CatalogPtr c = manager.snapshot();
  ASSERT_TRUE(c);
  ASSERT_NE(c->database("postgres"), nullptr);
  EXPECT_EQ(c->database("postgres")->oid, 5u);
  EXPECT_EQ(c->schema(kPostgresDatabase, "public")->oid, 2200u);
  EXPECT_GT(c->lease_expiry(), client.now());
}

TEST(CatalogManager, change_is_seen_by_all_nodes_and_waits_for_who_holds_the_old_version) {
  txn::MapClient client;
  CatalogManager a(client, NodeId(1)), b(client, NodeId(2));
  ASSERT_TRUE(run_task(client.executor(), a.start()).ok());
  ASSERT_TRUE(run_task(client.executor(), b.start()).ok());
  CatalogPtr held = b.snapshot();
  uint64_t version = 0;
  ASSERT_TRUE(run_task(client.executor(), add_schema(&client, "s", &version)).ok());
  ASSERT_TRUE(run_task(client.executor(), wait_some(&client, 500)).ok());
  EXPECT_NE(a.snapshot()->schema(kPostgresDatabase, "s"), nullptr);
  EXPECT_NE(b.snapshot()->schema(kPostgresDatabase, "s"), nullptr);
  EXPECT_EQ(held->schema(kPostgresDatabase, "s"), nullptr);

  bool drained = false;
  runtime::TaskScope scope(client.executor());
  struct Waiter {
    static Task<void> run(CatalogManager* m, uint64_t version, bool* drained) {
      Status s = co_await m->wait_for_leases(version);
      *drained = s.ok();
    }
  };
  scope.spawn(Waiter::run(&a, version, &drained));
  // The holder's lease goes on while it is used.
  ASSERT_TRUE(run_task(client.executor(), wait_some(&client, 60'000)).ok());
  EXPECT_FALSE(drained);
  EXPECT_GT(held->lease_expiry(), client.now());
  held.reset();
  ASSERT_TRUE(run_task(client.executor(), wait_some(&client, 1'000)).ok());
  EXPECT_TRUE(drained);
}

TEST(CatalogManager, node_that_died_keeps_nobody_waiting_beyond_its_lease) {
  txn::MapClient client;
  CatalogManager a(client, NodeId(1));
  ASSERT_TRUE(run_task(client.executor(), a.start()).ok());
  auto b = std::make_unique<CatalogManager>(client, NodeId(2));
  ASSERT_TRUE(run_task(client.executor(), b->start()).ok());
  b.reset();
  uint64_t version = 0;
  ASSERT_TRUE(run_task(client.executor(), add_schema(&client, "s", &version)).ok());
  ASSERT_TRUE(run_task(client.executor(), a.wait_for_leases(version)).ok());
}

TEST(CatalogManager, rolled_back_change_leaves_nothing) {
  txn::MapClient client;
  CatalogManager a(client, NodeId(1));
  ASSERT_TRUE(run_task(client.executor(), a.start()).ok());
  uint64_t version = a.snapshot()->version(), other = 0;
  client.fail_commits.push_back(aborted("planned"));
  EXPECT_FALSE(run_task(client.executor(), add_schema(&client, "s", &other)).ok());
  ASSERT_TRUE(run_task(client.executor(), a.refresh()).ok());
  EXPECT_EQ(a.snapshot()->version(), version);
}

}  // namespace
}  // namespace quorate::sql
