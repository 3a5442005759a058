// Ranges without replicas, for tests of serving: each applies what it proposes by itself, at once
// or after a while, on one executor of the simulated world. The router finds them by a table.
//
//   LocalRanges ranges(seed, {"", "m"});          // two ranges: ["", m) and [m, )
//   ranges.serve(batch)                            // a task; the range is found by its first key
//   ranges.change_lease(0)                         // the old leaseholder closes, a new one starts
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "range/leaseholder.h"
#include "range/pusher.h"
#include "range/replica_context.h"
#include "range/testing/memory_engine.h"
#include "runtime/hlc.h"
#include "runtime/sim/sim_env.h"
#include "runtime/sim/sim_world.h"
#include "runtime/sync.h"

namespace quorate::range {

// One range's replica. Proposals are applied in the order of the calls.
class LocalReplica : public ReplicaContext {
 public:
  LocalReplica(runtime::Env& env, runtime::Hlc& clock, MemoryEngine& engine,
               RangeDescriptor descriptor)
      : descriptor_(std::move(descriptor)),
        env_(env),
        clock_(clock),
        engine_(engine),
        turn_(*env.executor) {}

  // What a test turns.
  bool held = true;
  Term term{1};
  Timestamp lease_start;
  storage::Space room = storage::Space::kPlenty;
  bool paused = false;             // proposals wait until resume()
  runtime::Duration delay_max{0};  // drawn for each proposal
  std::set<uint64_t> dead_nodes;   // whose coordinators are gone
  Timestamp threshold, mark;
  std::vector<Command> applied;  // without operations
  void resume() {
    paused = false;
    turn_.wake_all();
  }
  // Proposals not yet applied fail with this; nothing of them happens.
  void fail_pending(Status s) {
    failure_ = std::move(s);
    fail_below_ = next_ticket_;
    turn_.wake_all();
  }
  RangeDescriptor& mutable_descriptor() { return descriptor_; }

  runtime::Env& env() override { return env_; }
  runtime::Hlc& clock() override { return clock_; }
  storage::Engine& engine() override { return engine_; }
  NodeId node() const override { return NodeId(1); }
  StoreId store() const override { return StoreId(1); }
  const RangeDescriptor& descriptor() const override { return descriptor_; }
  LeaseView lease(Timestamp) override {
    return {held, term, lease_start, Timestamp::max(), NodeId()};
  }
  runtime::Task<Status> propose(Command command) override;
  Timestamp gc_threshold() const override { return threshold; }
  Timestamp record_mark() const override { return mark; }
  runtime::Task<Status> admin_split(SplitRequest request) override;
  runtime::Task<Status> transfer_lease(NodeId) override { co_return Status(); }
  storage::Space space() const override { return room; }
  const RangeLimits& limits() const override { return limits_; }
  bool coordinator_alive(NodeId node, uint64_t) const override {
    return !dead_nodes.contains(node.value);
  }
  std::function<void(SplitRequest)> on_split;

 private:
  RangeDescriptor descriptor_;
  runtime::Env& env_;
  runtime::Hlc& clock_;
  MemoryEngine& engine_;
  const RangeLimits limits_;
  runtime::WaitList turn_;
  uint64_t next_ticket_ = 0, next_apply_ = 0;
  uint64_t fail_below_ = 0;
  Status failure_;
};

class LocalRanges : public Router {
 public:
  LocalRanges(uint64_t seed, std::vector<Bytes> starts, PlantedBugs planted = {},
              Timestamp low_water = Timestamp(1));
  ~LocalRanges() override;

  runtime::SimWorld& world() { return world_; }
  runtime::Executor& executor() { return env_.executor(); }
  runtime::Hlc& clock() { return clock_; }
  Pusher& pusher() { return pusher_; }
  MemoryEngine& engine() { return engine_; }
  size_t size() const { return ranges_.size(); }
  LocalReplica& replica(size_t i) { return *ranges_[i]->replica; }
  Leaseholder& leaseholder(size_t i) { return *ranges_[i]->leaseholder; }
  size_t index_of(BytesView key) const;
  // Locks and timestamp cache go; with `hand_over` the locks travel along.
  void change_lease(size_t i, bool hand_over = false);
  void split(BytesView at);

  // Fills in range and generation from `key`'s range.
  runtime::Task<BatchResponse> serve(Bytes key, BatchRequest batch,
                                     runtime::CancelToken token = {});

  runtime::Task<Result<RangeDescriptor>> locate(Bytes key, runtime::CancelToken token) override;
  const RangeDescriptor* cached(BytesView key) override;
  Local local(BytesView key) override;
  runtime::Task<BatchResponse> send(BatchRequest request, runtime::CancelToken token) override;

 private:
  struct One {
    std::unique_ptr<LocalReplica> replica;
    std::shared_ptr<Leaseholder> leaseholder;
  };
  One* find(RangeId id);

  runtime::SimWorld world_;
  runtime::SimNodeEnv env_;
  runtime::Hlc clock_;
  const PlantedBugs planted_;
  MemoryEngine engine_;
  Pusher pusher_;
  std::vector<std::unique_ptr<One>> ranges_;  // by start key
};

}  // namespace quorate::range
