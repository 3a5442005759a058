// What each store does in the background for the ranges whose lease it holds: publishes their
// descriptors in the directory, brings them onto enough nodes, splits large ones, hands leases to
// where the traffic comes from, collects old versions and records, and lets the log go. One step at
// a time, so that its cost is bounded; each decision is a log line with its reason.
#pragma once

#include "range/range_router.h"
#include "range/replicator.h"
#include "range/retirement.h"
#include "range/scrubber.h"
#include "range/store.h"

namespace quorate::range {

class Upkeep {
 public:
  struct Options {
    size_t replicas = 3;
    // Replicas on a node of which nobody has heard for so long are replaced on others.
    runtime::Duration replace_after = std::chrono::minutes(5);
    uint64_t split_bytes = 512u << 20;  // docs/decisions/0013
    runtime::Duration step = std::chrono::milliseconds(500);
    runtime::Duration history = std::chrono::seconds(30);    // versions kept for readers
    runtime::Duration history_most = std::chrono::hours(1);  // the same, for open transactions
    runtime::Duration records = std::chrono::seconds(60);    // commit records kept for resends
    runtime::Duration collect_every = std::chrono::seconds(10);
    uint64_t log_entries_kept = 20'000;  // beyond the applied index, for followers that lag
    double lease_majority =
        0.6;  // a gateway must send this share of a range's requests to attract its lease
    uint64_t lease_requests_least = 200;  // in a step, below which nothing is inferred
    Scrubber::Options scrub;
  };

  Upkeep(runtime::Env& env, runtime::Hlc& clock, Cluster& cluster, Store& store,
         RangeRouter& router, Options options);
  ~Upkeep();
  void start();

 private:
  struct RangeState {
    uint64_t published = 0;  // generation that the directory is known to have
    Term published_in;
    runtime::Instant next_collection;
    runtime::Instant lease_moved;
    NodeId favourite;
    int favoured = 0;
  };
  runtime::Task<void> loop();
  runtime::Task<void> look_after(RangeId range);
  runtime::Task<Status> publish(RangeDescriptor descriptor);
  runtime::Task<Status> replicate(RangeId range);
  runtime::Task<Status> split_if_large(RangeId range);
  runtime::Task<Status> collect(RangeId range);
  Timestamp history_threshold() const;
  runtime::Task<Status> follow_traffic(RangeId range);
  void truncate_logs();
  BatchRequest request_to(const RangeDescriptor& descriptor, Request request);
  Replica* led(RangeId range);

  runtime::Env& env_;
  runtime::Hlc& clock_;
  Cluster& cluster_;
  Store& store_;
  RangeRouter& router_;
  const Options options_;
  Retirement retirement_;
  Replicator replicator_;
  Scrubber scrubber_;
  std::map<RangeId, RangeState> states_;
  runtime::TaskScope scope_;
};

}  // namespace quorate::range
