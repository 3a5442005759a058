// Removing replicas of a store: tombstone, then data (safety: replica-id).
#include "base/mark.h"
#include "range/keys.h"
#include "range/store_internal.h"
#include "storage/store_format.h"

namespace quorate::range {
namespace {

// Batches and proposals that a removed replica had begun have ended by then.
constexpr auto kBurialPause = std::chrono::seconds(60);

// Those that wait for it, or that nobody has told yet that they need not. Orphans wait no more.
std::vector<std::pair<RangeId, BirthRecord>> children_of(storage::LogStore& log, RangeId range) {
  std::vector<std::pair<RangeId, BirthRecord>> out;
  for (RangeId other : log.ranges()) {
    BirthRecord birth;
    const Bytes kept = log.local(birth_key(other));
    if (!kept.empty() && decode(kept, birth).ok() && birth.parent == range &&
        birth.parent_index != kNeverBorn)
      out.emplace_back(other, std::move(birth));
  }
  return out;
}

}  // namespace

ReplicaId Store::replica_id(RangeId range) const { return engine_->log().replica(range); }

std::vector<std::pair<RangeId, ReplicaId>> Store::damaged_replicas() const {
  std::vector<std::pair<RangeId, ReplicaId>> out;
  for (const auto& damaged : engine_->log().damaged()) {
    const bool here = damaged.replica && replica_id(damaged.range) == damaged.replica;
    if (here && !replicas_.contains(damaged.range))
      out.emplace_back(damaged.range, damaged.replica);
  }
  out.insert(out.end(), orphans_.begin(), orphans_.end());
  return out;
}

runtime::Task<bool> Store::give_up_replica(RangeId range, bool useless) {
  const Replica* replica = find(range);
  if (replica == nullptr) co_return false;
  size_t voters = 0, living = 0;
  for (const ReplicaDescriptor& r : replica->descriptor().replicas) {
    if (r.role != ReplicaRole::kVoter) continue;
    ++voters;
    if (r.store == options_.id) continue;
    if (useless || liveness_->supported_until(r.store) > clock_.peek()) ++living;
  }
  if (living * 2 <= voters) {
    MARK("range: a damaged replica is needed");
    co_return false;
  }
  engine_->log().set_damaged(range);
  Status synced = co_await engine_->log().sync();
  co_return synced.ok();
}

RangeId Store::range_of_stored(BytesView stored_key) {
  RangeId range;
  Bytes key;
  if (!storage::parse_stored_place(stored_key, range, key)) return RangeId();
  if (const Replica* replica = range ? nullptr : find_by_key(key)) range = replica->range();
  return range;
}

runtime::Task<void> Store::give_up_damaged() {
  const Bytes stored = engine_->damaged_key();
  if (stored.empty()) co_return;
  const RangeId range = range_of_stored(stored);
  MARK("range: a run to be published is damaged");
  if (range) (void)co_await give_up_replica(range, true);
}

runtime::Task<void> Store::stop_damaged(Status why) {
  co_await give_up_damaged();
  if (on_failure) on_failure(std::move(why));
}

Result<std::optional<RangeDescriptor>> Store::stored_descriptor(RangeId range) {
  auto view = engine_->view();
  ASSIGN_OR_RETURN(auto known,
                   view->plain(storage::Keyspace::kRange,
                               keys::range_record_key(range, keys::RangeRecord::kDescriptor)));
  if (!known) return std::optional<RangeDescriptor>();
  RangeDescriptor descriptor;
  RETURN_IF_ERROR(decode(*known, descriptor));
  return std::optional<RangeDescriptor>(std::move(descriptor));
}

runtime::Task<Status> Store::remove_replica(RangeId range, ReplicaId least) {
  if (unborn_.contains(range)) {
    MARK("range: a replica is to be removed before its birth");
    co_return unavailable("the range is about to be born here");
  }
  // What its children were born with may lie in this replica's log alone, and after a restart they
  // would wait for it (safety: child-birth).
  if (replicas_.contains(range) && !children_of(engine_->log(), range).empty()) {
    MARK("range: a removal waits for what its children are born from");
    CO_RETURN_IF_ERROR(co_await engine_->checkpoint_now());
  }
  const std::vector<std::pair<RangeId, BirthRecord>> children = children_of(engine_->log(), range);
  for (const auto& [child, birth] : children) {
    if (replicas_.contains(range) &&
        (unborn_.contains(child) || engine_->checkpointed_index(range) < birth.parent_index)) {
      MARK("range: a removal waits for a birth");
      co_return unavailable("a range is about to be born from it here");
    }
  }
  if (clearing_.contains(range)) {
    MARK("range: a removal is under way already");
    co_return Status();
  }
  auto incoming = incoming_.find(range);
  if (incoming != incoming_.end() && incoming->second->complete) {
    MARK("range: a removal waits for a snapshot");
    co_return unavailable("a snapshot is being installed");
  }
  RangeDescriptor descriptor;
  if (auto it = replicas_.find(range); it != replicas_.end()) {
    if (it->second->leaseholder() != nullptr)
      co_return failed_precondition("a leaseholder is not removed");
    descriptor = it->second->descriptor();
    it->second->retire();
    scope_.spawn(bury(std::move(it->second)));
    replicas_.erase(it);
  } else {
    CO_ASSIGN_OR_RETURN(auto stored, stored_descriptor(range));
    if (stored) descriptor = std::move(*stored);
  }
  if (auto start = by_start_.find(descriptor.span.start);
      start != by_start_.end() && start->second == range) {
    by_start_.erase(start);
  }
  incoming_.erase(range);
  strays_.erase(range);
  orphans_.erase(range);
  damaged_spans_.erase(range);
  // Until this returns, and for good when it fails: then the store stops.
  clearing_[range] = descriptor.id ? descriptor.span : KeySpan::point("");
  env_.log.info("r{}: the replica here was removed from its range; its data goes", range.value);
  for (auto [child, birth] : children) {
    if (unborn_.contains(child)) {  // of a damaged replica: lost with it
      orphan(child, std::move(birth));
      continue;
    }
    birth.parent = RangeId();
    engine_->log().put_local(birth_key(child), encode(birth));
  }
  engine_->log().remove(range, options_.planted.forget_tombstone ? ReplicaId() : least);
  engine_->log().put_local(birth_key(range), "");
  replica_changed();
  CO_RETURN_IF_ERROR(co_await engine_->log().sync());
  if (descriptor.id) CO_RETURN_IF_ERROR(co_await engine_->clear_replica(range, descriptor.span));
  clearing_.erase(range);
  co_return Status();
}

// The mark is synced with the parent's tombstone, before the parent's rows go: a later replica of
// the parent that comes past the split must not be taken for the child's beginning.
void Store::orphan(RangeId child, BirthRecord birth) {
  MARK("range: a child is left without its parent");
  env_.log.error("r{}: its parent left before the split; the replica is to be replaced",
                 child.value);
  birth.parent_index = kNeverBorn;
  engine_->log().put_local(birth_key(child), encode(birth));
  orphans_[child] = replica_id(child);
  unborn_.erase(child);
}

runtime::Task<void> Store::bury(std::unique_ptr<Replica> replica) {
  const std::unique_ptr<Replica> held = std::move(replica);
  (void)co_await runtime::sleep_for(*env_.executor, kBurialPause);
}

// A later replica of the range is spoken to here: the earlier one was removed.
runtime::Task<void> Store::make_way(RangeId range, ReplicaId newer) {
  Status removed = co_await remove_replica(range, newer);
  if (!removed.ok()) env_.log.info("r{}: {}", range.value, removed.message());
}

// Removals that a crash stopped between the tombstone and the data.
runtime::Task<Status> Store::finish_removals() {
  for (RangeId range : engine_->log().ranges()) {
    if (engine_->log().replica(range)) continue;
    CO_ASSIGN_OR_RETURN(auto stored, stored_descriptor(range));
    if (!stored) continue;
    MARK("range: a start goes on with a removal");
    env_.log.info("r{}: the rest of a removed replica goes", range.value);
    CO_RETURN_IF_ERROR(co_await engine_->clear_replica(range, stored->span));
  }
  co_return Status();
}

}  // namespace quorate::range
