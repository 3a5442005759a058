#include "txn/heartbeat.h"

namespace quorate::txn {
namespace {

// A few of them within what makes a transaction look abandoned (range/eval/cmd_push.cc).
constexpr runtime::Duration kEvery = std::chrono::milliseconds(250);
constexpr uint64_t kPatienceMs = 500;

}  // namespace

Heartbeat::Heartbeat(NodeParts& node, TxnId txn, Bytes anchor) : scope_(node.sender.executor()) {
  scope_.spawn_now(beat(&node, txn, std::move(anchor)));
}

runtime::Task<void> Heartbeat::beat(NodeParts* node, TxnId txn, Bytes anchor) {
  for (;;) {
    Status slept = co_await runtime::sleep_for(node->sender.executor(), kEvery);
    if (!slept.ok()) co_return;
    Result<Target> target = co_await node->sender.locate(anchor, {});
    if (!target.ok()) continue;
    range::BatchRequest batch;
    batch.range = target->id;
    batch.generation = target->generation;
    batch.patience_ms = kPatienceMs;
    batch.requests.push_back(range::HeartbeatRequest{txn, anchor});
    range::BatchResponse ignored = co_await node->sender.send(std::move(batch), {});
    (void)ignored;
  }
}

}  // namespace quorate::txn
