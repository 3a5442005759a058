#include "storage/durable_log.h"

#include <fmt/format.h>

#include "base/archive.h"
#include "base/mark.h"

namespace quorate::storage {
namespace {

// A record of the store itself that outlives the segment in which the damage was found.
constexpr BytesView kDamagePrefix = "damaged/";
struct DamageRecord {
  RangeId range;
  ReplicaId replica;
  LogIndex lowest_lost;  // 0: unknown
  template <class A>
  void serialize(A& a) {
    a(range, replica, lowest_lost);
  }
};
Bytes damage_key(RangeId range) { return Bytes(kDamagePrefix) + range.to_string(); }

}  // namespace

DurableLog::DurableLog(runtime::Env& env, LogOptions options)
    : env_(env),
      options_(std::move(options)),
      segments_(env, options_.directory, options_.segment_bytes),
      waiting_(*env.executor),
      scope_(*env.executor) {
  if (env.metrics != nullptr) {
    syncs_counter_ = &env.metrics->counter("quorate_log_syncs_total", "Syncs of the log");
    bytes_counter_ = &env.metrics->counter("quorate_log_bytes_total", "Bytes written to the log");
  }
}

DurableLog::~DurableLog() {
  if (closing_timer_ != 0) env_.executor->cancel_timer(closing_timer_);
  scope_.cancel_all();
}

runtime::Task<Result<std::unique_ptr<DurableLog>>> DurableLog::open(runtime::Env& env,
                                                                    LogOptions options,
                                                                    LogCheckpoint checkpoint) {
  std::unique_ptr<DurableLog> log(new DurableLog(env, std::move(options)));
  CO_RETURN_IF_ERROR(co_await log->recover(std::move(checkpoint)));
  co_return std::move(log);
}

runtime::Task<Status> DurableLog::recover(LogCheckpoint checkpoint) {
  checkpoint_batch_ = checkpoint.batch;
  CO_RETURN_IF_ERROR(co_await segments_.open());
  std::vector<RecoverySegment> segments = segments_.for_recovery();
  CO_ASSIGN_OR_RETURN(RecoveredLog recovered,
                      co_await recover_log(&segments, std::move(checkpoint), options_.cache_bytes,
                                           options_.planted));
  segments_.adopt(segments, recovered.life_max);
  groups_ = std::move(recovered.groups);
  locals_ = std::move(recovered.locals);
  for (const DamagedReplica& d : recovered.damaged) {
    damaged_.emplace(d.range, d);
    env_.log.error("r{}: the log is damaged {}", d.range.value,
                   d.lowest_lost ? fmt::format("from index {} on", d.lowest_lost->value)
                                 : std::string("to an unknown extent"));
  }
  if (recovered.torn_batch != 0) {
    env_.log.info("cut the torn batch {} off the log", recovered.torn_batch);
  }
  synced_batch_ = recovered.last_batch;
  next_batch_ = recovered.last_batch + 1;
  log_start_ = recovered.log_start;
  for (auto& [range, group] : groups_) {
    // Everything replayed goes into the next checkpoint again: simpler than telling what is new.
    dirty_groups_.insert(range);
    LogIndex index = group.meta.truncated;
    for (LogSlot& slot : group.entries) {
      index = index.next();
      LogSegment* segment = segments_.at(slot.segment);
      CHECK(segment != nullptr);
      ++segment->entries;
      if (slot.payload) cache(range, index, slot.payload->size());
    }
  }
  for (const auto& [key, value] : locals_) dirty_locals_.insert(key);
  CO_RETURN_IF_ERROR(recall_damage());
  co_return co_await seal_recovered_tail(&segments);
}

// What was damaged stays so, though the segment that shows it may go and be written over: without
// its votes and what it has acknowledged the replica would look whole (safety: damaged-replica).
Status DurableLog::recall_damage() {
  if (options_.planted.forget_damage) return Status();
  std::vector<Bytes> outdated;
  for (auto it = locals_.lower_bound(Bytes(kDamagePrefix));
       it != locals_.end() && it->first.starts_with(kDamagePrefix); ++it) {
    DamageRecord known;
    RETURN_IF_ERROR(decode(it->second, known));
    const LogGroup* group = find(known.range);
    if (group == nullptr || group->meta.replica != known.replica) {
      outdated.push_back(it->first);
      continue;
    }
    DamagedReplica d{known.range, known.replica, std::nullopt};
    if (known.lowest_lost) d.lowest_lost = known.lowest_lost;
    auto [found, fresh] = damaged_.try_emplace(known.range, d);
    if (fresh) {
      MARK("storage: a start remembers a damaged replica");
      continue;
    }
    std::optional<LogIndex>& lost = found->second.lowest_lost;
    lost = lost && d.lowest_lost ? std::optional(std::min(*lost, *d.lowest_lost)) : std::nullopt;
  }
  for (const Bytes& key : outdated) put_local(key, "");
  for (const auto& [range, d] : damaged_) {
    put_local(damage_key(range),
              encode(DamageRecord{range, d.replica, d.lowest_lost.value_or(LogIndex())}));
  }
  return Status();
}

void DurableLog::set_damaged(RangeId range) {
  const ReplicaId own = replica(range);
  if (!own) return;
  damaged_.insert_or_assign(range, DamagedReplica{range, own, std::nullopt});
  put_local(damage_key(range), encode(DamageRecord{range, own, LogIndex()}));
}

void DurableLog::forget_damage(RangeId range) {
  if (damaged_.erase(range) > 0) put_local(damage_key(range), "");
}

// After a mere kill of the process the last batch was read from the page cache, perhaps unsynced:
// it is made durable, and another batch in a fresh segment then proves it and ends what was cut. It
// is empty but for what recovery has to say.
runtime::Task<Status> DurableLog::seal_recovered_tail(std::vector<RecoverySegment>* recovered) {
  for (const RecoverySegment& r : *recovered) {
    if (r.last_batch == 0 || r.last_batch != synced_batch_) continue;
    CO_ASSIGN_OR_RETURN(Bytes bytes, co_await r.file->read_at(0, r.size));
    BatchHeader header;
    uint64_t at = 0;
    while (at < bytes.size()) {
      bool found = parse_header(bytes, at, header) && header.id.life == r.life;
      if (found && header.id.number == synced_batch_) break;
      at += kLogBlock;
    }
    if (at >= bytes.size() || at + header.id.batch_bytes > bytes.size()) continue;
    runtime::AlignedBuffer buffer(header.id.batch_bytes);
    std::memcpy(buffer.data(), bytes.data() + at, header.id.batch_bytes);
    BytesView view(buffer.data(), header.id.batch_bytes);
    CO_RETURN_IF_ERROR(co_await r.file->write_and_sync(at, view, runtime::SyncPlace::kHelper));
  }
  CO_RETURN_IF_ERROR(co_await segments_.roll(next_batch_, kLogBlock, synced_batch_));
  std::vector<LogRecord> records = take_batch();
  const uint64_t sequence = staged_sequence_ - staged_.size();
  co_return co_await write_batch(std::move(records), sequence);
}

// --- staging ---

const LogGroup* DurableLog::find(RangeId range) const {
  auto it = groups_.find(range);
  return it == groups_.end() ? nullptr : &it->second;
}

LogGroup& DurableLog::group_for(RangeId range, ReplicaId replica) {
  LogGroup& group = groups_[range];
  CHECK(replica >= group.meta.tombstone);
  if (group.meta.replica == replica) return group;
  // A later replica of the range begins with nothing (safety: replica-id).
  CHECK(replica > group.meta.replica);
  drop_all_entries(group);
  ReplicaId tombstone = group.meta.tombstone;
  group.meta = LogGroupMeta();
  group.meta.tombstone = tombstone;
  group.meta.replica = replica;
  group.checkpointed = LogIndex();
  dirty_groups_.insert(range);
  forget_damage(range);
  return group;
}

void DurableLog::drop_slot(LogSlot& slot) {
  if (slot.segment == 0) return;
  LogSegment* segment = segments_.at(slot.segment);
  CHECK(segment != nullptr && segment->entries > 0);
  --segment->entries;
}

void DurableLog::drop_all_entries(LogGroup& group) {
  for (LogSlot& slot : group.entries) drop_slot(slot);
  group.entries.clear();
  group.durable = LogIndex();
}

void DurableLog::drop_tail(LogGroup& group, LogIndex from) {
  while (!group.entries.empty() && group.last() >= from) {
    drop_slot(group.entries.back());
    group.entries.pop_back();
  }
  if (group.durable >= from) group.durable = from.prev();
}

void DurableLog::drop_prefix(LogGroup& group, LogIndex to, Term term) {
  while (!group.entries.empty() && group.meta.truncated < to) {
    drop_slot(group.entries.front());
    group.entries.pop_front();
    group.meta.truncated = group.meta.truncated.next();
  }
  group.meta.truncated = to;
  group.meta.truncated_term = term;
}

void DurableLog::mend(RangeId range, LogIndex from) {
  auto it = damaged_.find(range);
  if (it == damaged_.end() || !it->second.lowest_lost) return;
  if (from <= *it->second.lowest_lost) forget_damage(range);
}

void DurableLog::stage(LogRecord record) {
  staged_bytes_ += record.bytes_max();
  staged_.push_back(std::move(record));
  ++staged_sequence_;
}

void DurableLog::append(RangeId range, ReplicaId replica, std::span<const LogEntry> entries) {
  if (entries.empty()) return;
  LogGroup& group = group_for(range, replica);
  LogIndex from = entries.front().index;
  CHECK_MSG(from > group.meta.truncated && from.value <= group.last().value + 1,
            fmt::format("append at {} to log ({}, {}]", from.value, group.meta.truncated.value,
                        group.last().value));
  drop_tail(group, from);
  mend(range, from);
  for (const LogEntry& e : entries) {
    CHECK(e.index == group.last().next() && e.payload != nullptr);
    group.entries.push_back({e.term, e.kind, 0, {}, e.payload});
    cache(range, e.index, e.payload->size());
    LogRecord record{.type = RecordType::kEntry, .range = range, .replica = replica};
    record.index = e.index;
    record.term = e.term;
    record.kind = e.kind;
    record.payload = e.payload;
    stage(std::move(record));
  }
  stats_.entries += entries.size();
}

void DurableLog::set_hard_state(RangeId range, ReplicaId replica, Bytes state) {
  LogGroup& group = group_for(range, replica);
  group.meta.hard_state = state;
  dirty_groups_.insert(range);
  LogRecord record{.type = RecordType::kHardState, .range = range, .replica = replica};
  record.value = std::move(state);
  stage(std::move(record));
}

void DurableLog::truncate_prefix(RangeId range, LogIndex index, Term term) {
  auto it = groups_.find(range);
  if (it == groups_.end() || index <= it->second.meta.truncated) return;
  CHECK(index <= it->second.last());
  drop_prefix(it->second, index, term);
  dirty_groups_.insert(range);
  LogRecord record{.type = RecordType::kTruncate, .range = range};
  record.index = index;
  record.term = term;
  stage(std::move(record));
  start_reclaim();
}

void DurableLog::reset(RangeId range, ReplicaId replica, LogIndex index, Term term) {
  LogGroup& group = group_for(range, replica);
  drop_all_entries(group);
  group.meta.truncated = index;
  group.meta.truncated_term = term;
  dirty_groups_.insert(range);
  forget_damage(range);
  LogRecord record{.type = RecordType::kReset, .range = range, .replica = replica};
  record.index = index;
  record.term = term;
  stage(std::move(record));
}

void DurableLog::remove(RangeId range, ReplicaId least_replica) {
  LogGroup& group = groups_[range];
  drop_all_entries(group);
  ReplicaId tombstone = std::max(group.meta.tombstone, least_replica);
  group = LogGroup();
  group.meta.tombstone = tombstone;
  dirty_groups_.insert(range);
  forget_damage(range);
  LogRecord record{.type = RecordType::kRemove, .range = range, .replica = tombstone};
  stage(std::move(record));
}

void DurableLog::put_local(BytesView key, BytesView value) {
  Bytes owned(key);
  if (value.empty()) {
    locals_.erase(owned);
  } else {
    locals_[owned] = value;
  }
  dirty_locals_.insert(owned);
  LogRecord record{.type = RecordType::kLocal};
  record.key = std::move(owned);
  record.value = value;
  stage(std::move(record));
}

// --- the checkpoint's side ---

DurableLog::Changes DurableLog::changes_for_checkpoint() {
  Changes out;
  out.batch = synced_batch_;
  for (RangeId range : dirty_groups_) {
    LogGroupMeta meta = groups_.at(range).meta;
    if (options_.planted.log_vote_lost) meta.hard_state.clear();
    out.groups.emplace(range, std::move(meta));
  }
  for (const Bytes& key : dirty_locals_) out.locals.emplace(key, local(key));
  dirty_groups_.clear();
  dirty_locals_.clear();
  return out;
}

void DurableLog::checkpoint_failed(const Changes& changes) {
  for (const auto& [range, meta] : changes.groups) dirty_groups_.insert(range);
  for (const auto& [key, value] : changes.locals) dirty_locals_.insert(key);
}

void DurableLog::checkpointed(const Changes& changes, const std::map<RangeId, LogIndex>& applied) {
  CHECK(changes.batch >= checkpoint_batch_);
  checkpoint_batch_ = changes.batch;
  for (auto [range, index] : applied) {
    auto it = groups_.find(range);
    if (it != groups_.end()) it->second.checkpointed = std::max(it->second.checkpointed, index);
  }
  start_reclaim();
}

}  // namespace quorate::storage
