// Resolutions on their way to ranges, those of many transactions in one batch: one proposal.
//
// At most one batch a range is under way; what comes meanwhile goes with the next one. So nothing
// waits for company, and the busier a range is, the more go together. That a record may be
// forgotten is in nobody's way: it goes along with the next batch to its range, and by itself only
// after kForgetDelay.
//
// On the node's executor. Bounded: resolve() by its callers (limits::kTxnBackgroundMax), what is to
// be forgotten by kForgetMax a range, beyond which it is sent at once.
#pragma once

#include <map>
#include <vector>

#include "range/api.h"
#include "runtime/sync.h"
#include "txn/range_sender.h"

namespace quorate::txn {

class ResolveQueue {
 public:
  // Its batches run in `background`, which must end before it.
  ResolveQueue(RangeSender& sender, runtime::TaskScope& background)
      : sender_(sender), background_(background) {}
  ResolveQueue(const ResolveQueue&) = delete;

  // Whether the range has done it; if not, nothing is known, and it may be asked for again.
  runtime::Task<bool> resolve(Target target, range::ResolveRequest request);
  // Some time later: the record of a finished transaction, all of whose intents are gone, lists no
  // keys any more. Tried again elsewhere where its range was split meanwhile, so often; then it
  // stays a little of garbage.
  void forget(Target target, range::ResolveRequest request);

 private:
  struct Item {
    uint64_t generation;
    range::ResolveRequest request;
    runtime::OneShot<bool>* done;  // null: nobody waits, a record is to be forgotten
    int tries = 1;
  };
  struct Lane {
    std::vector<Item> waiting;
    std::vector<Item> forget;
    bool running = false;
    bool timed = false;
  };
  void start(RangeId range, Lane& lane);
  runtime::Task<void> run(RangeId range);
  runtime::Task<void> flush_later(RangeId range);
  void finish(Item item, bool done);
  runtime::Task<void> forget_again(Item item);
  runtime::Task<bool> send(RangeId range, const std::vector<Item>* items);

  RangeSender& sender_;
  runtime::TaskScope& background_;
  std::map<RangeId, Lane> lanes_;  // of ranges with something to do
};

}  // namespace quorate::txn
