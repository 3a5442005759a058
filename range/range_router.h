// The router of a node (range/router.h): a cache of descriptors over the directory, and delivery to
// leaseholders, this node's own without a message.
#pragma once

#include <map>
#include <set>

#include "range/cluster.h"
#include "range/router.h"
#include "range/store.h"
#include "range/system_kv.h"
#include "runtime/rpc.h"

namespace quorate::range {

class RangeRouter : public Router {
 public:
  // `store` is this node's own; all outlive the router.
  RangeRouter(runtime::Env& env, runtime::Hlc& clock, runtime::Rpc& rpc, Cluster& cluster,
              Store& store);
  ~RangeRouter() override;
  void start();

  runtime::Task<Result<RangeDescriptor>> locate(Bytes key, runtime::CancelToken token) override;
  const RangeDescriptor* cached(BytesView key) override;
  Local local(BytesView key) override;
  runtime::Task<BatchResponse> send(BatchRequest batch, runtime::CancelToken token) override;

  SystemKv& system() { return system_; }
  // Higher generations win; overlapping older ones are dropped.
  void learn(const RangeDescriptor& descriptor);
  void forget(RangeId range);
  size_t cached_ranges() const { return cache_.size(); }

 private:
  static constexpr size_t kCachedRangesMax = 20'000;
  struct Call {
    runtime::CancelSource cancel;
    uint64_t incarnation = 0;
  };
  // In milliseconds, at least one.
  uint64_t patience_left(runtime::Instant deadline, runtime::Duration way_back) const;
  NodeId choose(const RangeDescriptor& descriptor, NodeId hint, size_t attempt) const;
  runtime::Task<BatchResponse> deliver(NodeId to, std::shared_ptr<const BatchRequest> request,
                                       runtime::Instant deadline, runtime::CancelToken token);
  // Once more, some time later: a fault of the simulator's.
  runtime::Task<void> repeat(NodeId to, std::shared_ptr<const BatchRequest> request);
  // The newest descriptor at or before `key` that the directory has; behind by a split at times.
  runtime::Task<Result<RangeDescriptor>> ask_directory(Bytes key, uint64_t patience_ms);
  runtime::Task<void> look_up_anew(RangeId range);
  runtime::Task<void> watch_loop();
  const RangeDescriptor* by_id(RangeId range) const;

  runtime::Env& env_;
  runtime::Hlc& clock_;
  runtime::Rpc& rpc_;
  Cluster& cluster_;
  Store& store_;
  SystemKv system_;
  std::map<Bytes, RangeDescriptor, std::less<>> cache_;  // by start key
  std::map<RangeId, Bytes> starts_;
  std::map<RangeId, NodeId> leaseholders_;
  std::multimap<NodeId, Call*> calls_;  // remote ones in progress
  runtime::TaskScope scope_;
};

}  // namespace quorate::range
