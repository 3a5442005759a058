// The reading members of DurableLog, and its cache of payloads.
#include <fmt/format.h>

#include "base/mark.h"
#include "storage/durable_log.h"

namespace quorate::storage {
namespace {

constexpr size_t kReadBytes = 1u << 20;  // of one read from a segment

LogEntry make_entry(const LogSlot& slot, LogIndex index) {
  return {slot.term, index, slot.kind, slot.payload};
}

}  // namespace

LogIndex DurableLog::first_index(RangeId range) const {
  const LogGroup* group = find(range);
  return group == nullptr ? LogIndex(1) : group->meta.truncated.next();
}

LogIndex DurableLog::last_index(RangeId range) const {
  const LogGroup* group = find(range);
  return group == nullptr ? LogIndex() : group->last();
}

Term DurableLog::term(RangeId range, LogIndex index) const {
  const LogGroup* group = find(range);
  if (group == nullptr) return Term();
  if (index == group->meta.truncated) return group->meta.truncated_term;
  return group->holds(index) ? group->at(index).term : Term();
}

Bytes DurableLog::hard_state(RangeId range) const {
  const LogGroup* group = find(range);
  return group == nullptr ? Bytes() : group->meta.hard_state;
}

ReplicaId DurableLog::replica(RangeId range) const {
  const LogGroup* group = find(range);
  return group == nullptr ? ReplicaId() : group->meta.replica;
}

ReplicaId DurableLog::tombstone(RangeId range) const {
  const LogGroup* group = find(range);
  return group == nullptr ? ReplicaId() : group->meta.tombstone;
}

Bytes DurableLog::local(BytesView key) const {
  auto it = locals_.find(Bytes(key));
  return it == locals_.end() ? Bytes() : it->second;
}

std::vector<RangeId> DurableLog::ranges() const {
  std::vector<RangeId> out;
  for (const auto& [range, group] : groups_) {
    if (group.meta.replica) out.push_back(range);
  }
  return out;
}

LogIndex DurableLog::durable_index(RangeId range) const {
  const LogGroup* group = find(range);
  return group == nullptr ? LogIndex() : std::max(group->durable, group->meta.truncated);
}

std::vector<DamagedReplica> DurableLog::damaged() const {
  std::vector<DamagedReplica> out;
  for (const auto& [range, d] : damaged_) out.push_back(d);
  return out;
}

LogStore::Stats DurableLog::stats() const {
  Stats out = stats_;
  out.segments = segments_.count();
  out.cached_bytes = cached_bytes_;
  if (cached_bytes_ <= options_.cache_bytes) return out;
  for (const Cached& c : cached_) {
    auto it = groups_.find(c.range);
    const bool held = it != groups_.end() && it->second.holds(c.index);
    if (held && it->second.at(c.index).segment == 0) out.cached_bytes -= c.bytes;
  }
  return out;
}

Status DurableLog::check_bounds(RangeId range, LogIndex low, LogIndex high) const {
  const LogGroup* group = find(range);
  if (group == nullptr || !group->holds(low) || high > group->last().next()) {
    return not_found(fmt::format("r{}: entries [{}, {}) are not in the log", range.value, low.value,
                                 high.value));
  }
  return Status();
}

Result<std::vector<LogEntry>> DurableLog::entries(RangeId range, LogIndex low, LogIndex high,
                                                  size_t bytes_max) {
  std::vector<LogEntry> out;
  if (low >= high) return out;
  RETURN_IF_ERROR(check_bounds(range, low, high));
  const LogGroup& group = *find(range);
  size_t bytes = 0;
  for (LogIndex i = low; i < high; i = i.next()) {
    const LogSlot& slot = group.at(i);
    if (slot.payload == nullptr) break;
    LogEntry entry = make_entry(slot, i);
    if (!out.empty() && bytes + entry.bytes() > bytes_max) break;
    bytes += entry.bytes();
    out.push_back(std::move(entry));
  }
  if (out.empty()) return unavailable("the entry is not in memory");
  return out;
}

runtime::Task<Result<std::vector<LogEntry>>> DurableLog::fetch(RangeId range, LogIndex low,
                                                               LogIndex high, size_t bytes_max) {
  trim_cache();  // of what was fetched before
  std::vector<LogEntry> out;
  size_t bytes = 0;
  for (LogIndex i = low; i < high;) {
    CO_RETURN_IF_ERROR(check_bounds(range, i, high));
    const LogSlot& slot = groups_.at(range).at(i);
    if (slot.payload == nullptr) {
      if (!out.empty() && bytes + slot.place.bytes > bytes_max) break;
      CO_RETURN_IF_ERROR(co_await load(range, i, high, bytes_max));
      continue;
    }
    LogEntry entry = make_entry(slot, i);
    if (!out.empty() && bytes + entry.bytes() > bytes_max) break;
    bytes += entry.bytes();
    out.push_back(std::move(entry));
    i = i.next();
  }
  co_return std::move(out);
}

// Brings entries from `low` on into memory: those that stand behind each other in one read.
runtime::Task<Status> DurableLog::load(RangeId range, LogIndex low, LogIndex high,
                                       size_t bytes_max) {
  LogSlot first = groups_.at(range).at(low);
  CHECK(first.segment != 0);
  LogSegment* segment = segments_.at(first.segment);
  const uint64_t life = segment->life;
  const uint64_t from = first.place.offset / kLogBlock * kLogBlock;
  uint64_t end = first.place.offset + first.place.bytes;
  const uint64_t limit = from + std::max<uint64_t>(end - from, std::min(bytes_max, kReadBytes));
  std::vector<std::pair<LogIndex, RecordPlace>> wanted;
  for (LogIndex i = low; i < high && groups_.at(range).holds(i); i = i.next()) {
    const LogSlot& slot = groups_.at(range).at(i);
    uint64_t slot_end = slot.place.offset + slot.place.bytes;
    if (slot.segment != first.segment || slot.place.offset < from) break;
    if (i > low && slot_end > limit) break;
    wanted.emplace_back(i, slot.place);
    end = std::max(end, slot_end);
  }
  const uint64_t aligned_end = (end + kLogBlock - 1) / kLogBlock * kLogBlock;
  const std::shared_ptr<runtime::File> file = segment->file;
  CO_ASSIGN_OR_RETURN(Bytes bytes, co_await file->read_at(from, aligned_end - from));
  // Retired and used again, or removed, while we read: the caller looks where the entries are now.
  segment = segments_.at(first.segment);
  if (segment == nullptr || segment->life != life) {
    MARK("storage: a segment went while it was read");
    co_return Status();
  }
  for (auto [index, place] : wanted) {
    // The world went on while we read: what moved or went is not our business any more.
    auto it = groups_.find(range);
    if (it == groups_.end() || !it->second.holds(index)) continue;
    const LogSlot& slot = it->second.at(index);
    if (slot.segment != first.segment || slot.place.offset != place.offset) {
      MARK("storage: an entry moved while it was read");
      continue;
    }
    LogRecord record;
    RecordPlace read_place;
    BytesView at = BytesView(bytes).substr(std::min<size_t>(place.offset - from, bytes.size()));
    bool good = parse_record(at, life, place.offset, record, read_place) && record.is_entry() &&
                record.range == range && record.index == index;
    if (!good) {
      Status bad =
          corruption(fmt::format("r{}: entry {} of the log is damaged", range.value, index.value));
      fail(bad);
      co_return bad;
    }
    LogSlot& target = it->second.at(index);
    if (target.payload == nullptr) {
      target.payload = record.payload;
      // Not counted twice: it left the cache when its payload went.
      cached_.push_back({range, index, static_cast<uint32_t>(record.payload->size() + 32)});
      cached_bytes_ += cached_.back().bytes;
    }
  }
  co_return Status();
}

void DurableLog::cache(RangeId range, LogIndex index, size_t bytes) {
  cached_.push_back({range, index, static_cast<uint32_t>(bytes + 32)});
  cached_bytes_ += bytes + 32;
  trim_cache();
}

void DurableLog::trim_cache() {
  // What is not written yet stays whatever the limit says; it is few, and the newest.
  while (cached_bytes_ > options_.cache_bytes) {
    Cached oldest = cached_.front();
    auto it = groups_.find(oldest.range);
    bool held = it != groups_.end() && it->second.holds(oldest.index);
    if (held && it->second.at(oldest.index).segment == 0) {
      MARK("storage: the cache is full of what is not written yet");
      return;
    }
    cached_.pop_front();
    cached_bytes_ -= oldest.bytes;
    if (held) {
      MARK("storage: an entry leaves the cache");
      it->second.at(oldest.index).payload.reset();
    }
  }
}

}  // namespace quorate::storage
