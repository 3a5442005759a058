#include "sim/testing/cluster_fixture.h"

#include <cstdlib>

#include "range/keys.h"

namespace quorate::sim {

using runtime::Task;
using server::KvNode;

namespace {

Task<Status> write(KvNode* node, uint64_t from, uint64_t to, Bytes value) {
  for (uint64_t n = from; n < to; ++n) {
    auto txn = node->txn().begin({});
    txn->begin_statement();
    std::vector<Bytes> keys{row(n)};
    txn::ReadOptions options;
    options.lock = txn::LockMode::kExclusive;
    auto read = co_await txn->get(keys, options);
    if (!read.ok()) co_return read.status();
    CO_RETURN_IF_ERROR(txn->put(keys[0], value, range::kAllColumns, read->ts(0)));
    CO_RETURN_IF_ERROR(co_await txn->commit());
  }
  co_return Status();
}

Task<Result<std::vector<std::optional<Bytes>>>> read(KvNode* node, uint64_t from, uint64_t to) {
  auto txn = node->txn().begin({});
  txn->begin_statement();
  std::vector<std::optional<Bytes>> rows;
  for (uint64_t n = from; n < to; ++n) {
    std::vector<Bytes> keys{row(n)};
    auto got = co_await txn->get(keys, {});
    if (!got.ok()) co_return got.status();
    rows.emplace_back();
    if (got->present(0)) rows.back() = Bytes(got->value(0));
  }
  co_return rows;
}

}  // namespace

Bytes row(uint64_t n) {
  CHECK(n <= 255);
  Bytes key = range::keys::index_prefix(TableId(7), IndexId(1));
  key.push_back(static_cast<char>(n));
  return key;
}

void ClusterFixture::form(uint64_t seed, SimCluster::Options options) {
  cluster.reset();
  runtime::SimOptions sim;
  sim.print_lines = std::getenv("SIM_LINES") != nullptr;
  world = std::make_unique<runtime::SimWorld>(seed, sim);
  cluster = std::make_unique<SimCluster>(*world, std::move(options));
  ASSERT_EQ(cluster->form(std::chrono::seconds(60)), "");
}

Status ClusterFixture::write_rows(size_t node, uint64_t from, uint64_t to, Bytes value) {
  return cluster->run(node, write(cluster->node(node), from, to, std::move(value)));
}

Result<ClusterFixture::Rows> ClusterFixture::read_rows(size_t node, uint64_t from, uint64_t to) {
  return cluster->run(node, read(cluster->node(node), from, to));
}

range::Replica* ClusterFixture::leader(RangeId range, size_t* host) {
  for (size_t i = 0; i < cluster->size(); ++i) {
    KvNode* node = cluster->node(i);
    range::Replica* replica = node == nullptr ? nullptr : node->store().find(range);
    if (replica == nullptr || !replica->started()) continue;
    if (!replica->look_at_lease(Timestamp()).held) continue;
    *host = i;
    return replica;
  }
  return nullptr;
}

}  // namespace quorate::sim
