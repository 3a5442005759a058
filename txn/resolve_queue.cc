#include "txn/resolve_queue.h"

#include <algorithm>

#include "base/mark.h"
#include "runtime/fault_points.h"

namespace quorate::txn {

using range::BatchRequest;
using range::BatchResponse;
using range::Outcome;
using range::ResolveRequest;
using runtime::Task;

namespace {

// One batch: so many transactions, and so many keys where there is more than one.
constexpr size_t kTransactionsMax = 64;
constexpr size_t kKeysMax = 1024;
constexpr size_t kForgetMax = 256;
constexpr int kForgetTriesMax = 10;
constexpr runtime::Duration kForgetDelay = std::chrono::milliseconds(200);

}  // namespace

Task<bool> ResolveQueue::resolve(Target target, ResolveRequest request) {
  runtime::OneShot<bool> done(sender_.executor());
  Lane& lane = lanes_[target.id];
  lane.waiting.push_back({target.generation, std::move(request), &done});
  start(target.id, lane);
  // Never given up: the item points here.
  (void)co_await done.wait();
  co_return done.take();
}

void ResolveQueue::forget(Target target, ResolveRequest request) {
  const RangeId range = target.id;
  Lane& lane = lanes_[range];
  lane.forget.push_back({target.generation, std::move(request), nullptr});
  if (lane.forget.size() >= kForgetMax) {
    start(range, lane);
  } else if (!lane.timed) {
    lane.timed = true;
    background_.spawn(flush_later(range));
  }
}

void ResolveQueue::start(RangeId range, Lane& lane) {
  if (std::exchange(lane.running, true)) return;
  background_.spawn_now(run(range));
}

Task<void> ResolveQueue::flush_later(RangeId range) {
  (void)co_await runtime::sleep_for(sender_.executor(), kForgetDelay);
  Lane& lane = lanes_[range];
  lane.timed = false;
  if (!lane.forget.empty()) {
    start(range, lane);
  } else if (!lane.running) {
    lanes_.erase(range);
  }
}

Task<void> ResolveQueue::run(RangeId range) {
  for (;;) {
    Lane& lane = lanes_[range];
    std::vector<Item> items;
    size_t keys = 0;
    auto take = [&](std::vector<Item>& from) {
      size_t n = 0;
      for (; n < from.size() && items.size() < kTransactionsMax; ++n) {
        keys += from[n].request.keys.size();
        if (keys > kKeysMax && !items.empty()) break;
        items.push_back(std::move(from[n]));
      }
      from.erase(from.begin(), from.begin() + static_cast<std::ptrdiff_t>(n));
    };
    take(lane.waiting);
    take(lane.forget);
    if (items.empty()) {
      lane.running = false;
      if (!lane.timed) lanes_.erase(range);
      co_return;
    }
    const bool done = co_await send(range, &items);
    if (!done && items.size() > 1) {
      MARK("txn: a batch of resolutions fails and goes one by one");
      // Of several transactions one may be in the way of the others.
      for (Item& item : items) {
        std::vector<Item> one;
        one.push_back(std::move(item));
        const bool alone = co_await send(range, &one);
        finish(std::move(one[0]), alone);
      }
      continue;
    }
    for (Item& item : items) finish(std::move(item), done);
  }
}

void ResolveQueue::finish(Item item, bool done) {
  if (item.done != nullptr)
    item.done->set(done);
  else if (!done && item.tries < kForgetTriesMax) {
    MARK("txn: a record is not forgotten at once");
    background_.spawn(forget_again(std::move(item)));
  }
}

Task<void> ResolveQueue::forget_again(Item item) {
  (void)co_await runtime::sleep_for(sender_.executor(), kForgetDelay);
  Result<Target> target = co_await sender_.locate(item.request.anchor, {});
  ++item.tries;
  if (!target.ok()) {
    finish(std::move(item), false);
    co_return;
  }
  MARK("txn: a record is forgotten where it lies now");
  item.generation = target->generation;
  Lane& lane = lanes_[target->id];
  lane.forget.push_back(std::move(item));
  start(target->id, lane);
}

Task<bool> ResolveQueue::send(RangeId range, const std::vector<Item>* items) {
  BatchRequest batch;
  batch.range = range;
  for (const Item& item : *items) {
    batch.generation = std::max(batch.generation, item.generation);
    batch.requests.emplace_back(item.request);
  }
  BatchResponse response = co_await sender_.send(std::move(batch), {});
  if (runtime::fires(sender_.env().faults, runtime::FaultPoint::kLoseResolution)) co_return false;
  co_return response.outcome == Outcome::kOk;
}

}  // namespace quorate::txn
