// What operators do while everything breaks: splits, lease transfers, drains.
#include "range/keys.h"
#include "sim/nemesis.h"

namespace quorate::sim {

using runtime::SimCrash;
using runtime::Task;
using server::KvNode;

void Nemesis::split() {
  const size_t i = victim();
  KvNode* node = cluster_.node(i);
  if (node == nullptr) return;
  note("split");
  cluster_.spawn(i, run_split(this, node, workload_.split_key(random_)));
}

Task<void> Nemesis::run_split(Nemesis* nemesis, KvNode* node, Bytes at) {
  Result<uint64_t> id = co_await node->system().take(range::keys::system_key("next_range"), 1, 100);
  if (!id.ok()) co_return;
  Result<range::RangeDescriptor> where = co_await node->router().locate(at, {});
  if (!where.ok() || where->span.start == at) co_return;
  range::BatchRequest batch;
  batch.range = where->id;
  batch.generation = where->generation;
  batch.now = node->clock().now();
  batch.requests.emplace_back(range::SplitRequest{at, RangeId(*id)});
  (void)co_await node->router().send(std::move(batch), {});
  nemesis->perhaps_trouble(nemesis->leaseholder_of(at), std::chrono::milliseconds(200));
}

void Nemesis::transfer_lease() {
  const size_t i = victim();
  KvNode* node = cluster_.node(i);
  if (node == nullptr) return;
  note("transfer");
  const NodeId to(1 + random_.below(cluster_.size()));
  const Bytes key =
      random_.chance(0.2) ? range::keys::system_key("x") : workload_.split_key(random_);
  cluster_.spawn(i, run_transfer(node, key, to));
  perhaps_trouble(leaseholder_of(key), std::chrono::milliseconds(200));
}

Task<void> Nemesis::run_transfer(KvNode* node, Bytes key, NodeId to) {
  Result<range::RangeDescriptor> where = co_await node->router().locate(key, {});
  if (!where.ok()) co_return;
  range::BatchRequest batch;
  batch.range = where->id;
  batch.generation = where->generation;
  batch.now = node->clock().now();
  batch.patience_ms = 3'000;
  batch.requests.emplace_back(range::TransferLeaseRequest{to});
  (void)co_await node->router().send(std::move(batch), {});
}

void Nemesis::drain_and_restart() {
  const size_t i = victim();
  if (cluster_.node(i) == nullptr) return;
  note("drain " + cluster_.host(i));
  const uint64_t life = cluster_.lives(i);
  drained_[i] = life;
  const runtime::Duration patience = draw(500, 4'000);
  cluster_.spawn(i, run_drain(&cluster_, i, patience));
  later(patience + draw(10, 500), [this, i, life] {
    drained_.erase(i);
    if (!cluster_.up(i) || cluster_.lives(i) != life) return;
    cluster_.kill(i, SimCrash::kProcess);
    later(draw(1, 2'000), [this, i] { cluster_.start(i); });
  });
}

Task<void> Nemesis::run_drain(SimCluster* cluster, size_t i, runtime::Duration patience) {
  KvNode* node = cluster->node(i);
  if (node == nullptr) co_return;
  const runtime::Instant deadline = node->env().executor->now() + patience;
  (void)co_await node->drain(deadline);
}

}  // namespace quorate::sim
