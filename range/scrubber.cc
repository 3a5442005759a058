#include "range/scrubber.h"

#include "base/mark.h"
#include "runtime/sync.h"

namespace quorate::range {
namespace {

constexpr auto kLookEvery = std::chrono::seconds(5);

}  // namespace

// What a checkpoint has told.
void Scrubber::ask_engine() {
  for (const Bytes& stored : store_.engine().take_damaged()) {
    if (const RangeId range = store_.range_of_stored(stored)) store_.suspects().insert(range);
  }
}

runtime::Task<void> Scrubber::step() {
  ask_engine();
  if (!store_.suspects().empty()) {
    const RangeId range = *store_.suspects().begin();
    store_.suspects().erase(range);
    Status looked = co_await look_at_suspect(range);
    if (looked.code() == StatusCode::kCorruption) co_await found(range, std::move(looked));
  }
  if (!needed_.empty() && env_.executor->now() >= next_look_) {
    next_look_ = env_.executor->now() + kLookEvery;
    const auto needed = needed_;
    for (auto [range, id] : needed) {
      if (store_.replica_id(range) == id)
        co_await give_up(range);
      else
        needed_.erase(range);
    }
  }
  if (env_.executor->now() < next_round_) co_return;
  if (!range_) next_round_ = env_.executor->now();
  for (uint64_t bytes = 0; bytes < options_.bytes;) {
    auto it = store_.replicas().lower_bound(range_);
    if (it == store_.replicas().end()) {
      if (clean_) store_.note_scrubbed();
      range_ = RangeId();
      clean_ = true;
      next_round_ = next_round_ + options_.every;
      co_return;
    }
    if (it->first != range_) from_.clear();
    range_ = it->first;
    const RangeId range = range_;
    if (!it->second->started()) {
      range_ = range.next();
      continue;
    }
    const KeySpan span = it->second->descriptor().span;
    auto piece = co_await store_.engine().verify(range, span, from_, options_.bytes - bytes);
    if (!piece.ok()) {
      clean_ = false;
      range_ = range.next();
      if (piece.status().code() == StatusCode::kCorruption) co_await found(range, piece.status());
      co_return;
    }
    bytes += piece->bytes;
    from_ = std::move(piece->next);
    if (from_.empty()) range_ = range.next();
  }
}

// All of it, at once: somebody waits for these rows.
runtime::Task<Status> Scrubber::look_at_suspect(RangeId range) {
  MARK("range: rows are looked at since one was damaged");
  Bytes from;
  do {
    Replica* replica = store_.find(range);
    if (replica == nullptr || !replica->started()) co_return Status();
    const KeySpan span = replica->descriptor().span;
    CO_ASSIGN_OR_RETURN(auto piece, co_await store_.engine().verify(range, span, from, 1u << 20));
    from = std::move(piece.next);
  } while (!from.empty());
  co_return Status();
}

runtime::Task<void> Scrubber::found(RangeId range, Status why) {
  MARK("range: a damaged row is found");
  env_.log.error("r{}: {}", range.value, why.message());
  co_await give_up(range);
}

runtime::Task<void> Scrubber::give_up(RangeId range) {
  const ReplicaId id = store_.replica_id(range);
  if (!id) co_return;  // removed meanwhile
  const bool given_up = co_await store_.give_up_replica(range, false);
  if (!given_up) {
    if (needed_.emplace(range, id).second)
      env_.log.error("r{}: the damaged replica here stays while the others are no quorum",
                     range.value);
  } else if (store_.on_failure) {
    store_.on_failure(corruption("rows of range " + range.to_string() + " are damaged here"));
  }
}

}  // namespace quorate::range
