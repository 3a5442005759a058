#include "storage/log_recovery.h"

#include <fmt/format.h>

#include "base/mark.h"

namespace quorate::storage {
namespace {

// A batch, or what is left of one.
struct FoundBatch {
  size_t segment = 0;  // in the list of segments
  BatchIdentity id;
  bool whole = false;
  std::vector<GroupExtent> groups;
  uint32_t header_bytes = 0, records_bytes = 0;  // 0: the header is not readable
};

// Everything in one segment that looks like a batch of any life. Inside a whole batch nothing is
// looked at, so that a row's bytes can't pose as a batch.
std::vector<FoundBatch> scan_segment(BytesView bytes) {
  std::vector<FoundBatch> out;
  for (uint64_t at = 0; at + kLogBlock <= bytes.size();) {
    BatchHeader header;
    BatchFooter footer;
    if (parse_header(bytes, at, header)) {
      bool whole = batch_is_whole(bytes, header);
      out.push_back(
          {0, header.id, whole, header.groups, header.header_bytes, header.records_bytes});
      if (whole) {
        at += header.id.batch_bytes;
        continue;
      }
    }
    if (parse_footer(bytes, at + kLogBlock, footer)) {
      out.push_back({0, footer.id, false, footer.groups, 0, 0});
    }
    at += kLogBlock;
  }
  return out;
}

runtime::Task<Result<Bytes>> read_whole(runtime::File* file, uint64_t size) {
  CO_ASSIGN_OR_RETURN(Bytes bytes, co_await file->read_at(0, size));
  if (bytes.size() < size) bytes.resize(size);
  co_return std::move(bytes);
}

// The batches by number: a whole one before a piece, a later life before an earlier one. (A tail
// that was cut leaves a piece with the number that the next life then used.)
std::map<uint64_t, FoundBatch> by_number(std::vector<FoundBatch> found) {
  std::map<uint64_t, FoundBatch> out;
  for (FoundBatch& f : found) {
    auto [it, fresh] = out.try_emplace(f.id.number, f);
    if (fresh) continue;
    FoundBatch& have = it->second;
    bool same = have.id == f.id;
    if (have.whole != f.whole ? f.whole : f.id.life > have.id.life) {
      MARK("storage: two batches bear one number");
      have = std::move(f);
    } else if (same && have.groups != f.groups) {
      // Header and footer of one batch that disagree: only a checksum collision makes that.
      have.groups.insert(have.groups.end(), f.groups.begin(), f.groups.end());
    }
  }
  return out;
}

// One group while the log is replayed over it.
struct Replayed {
  LogGroupMeta meta;
  LogIndex applied;
  ReplicaId entries_of;
  std::map<LogIndex, LogSlot> entries;
  bool hard_state_lost = false;
  bool unknown = false;
  // The log's entry at the truncated index has another term than the checkpoint: a snapshot was
  // installed over this log, and what follows here is not its continuation.
  bool other_history = false;
  struct Loss {
    LogIndex first, last;
    Term last_term;
  };
  std::vector<Loss> losses;

  void drop_from(LogIndex index) {
    entries.erase(entries.lower_bound(index), entries.end());
    for (Loss& l : losses) {
      if (l.last >= index) l = {l.first, index.prev(), Term()};
    }
    std::erase_if(losses, [](const Loss& l) { return l.first > l.last; });
  }
  void drop_all() {
    entries.clear();
    losses.clear();
  }
};

class Replay {
 public:
  Replay(LogCheckpoint checkpoint, size_t payload_bytes_max)
      : checkpoint_batch_(checkpoint.batch), payload_bytes_max_(payload_bytes_max) {
    out_.locals = std::move(checkpoint.locals);
    for (auto& [range, meta] : checkpoint.groups) {
      groups_[range].entries_of = meta.replica;
      groups_[range].meta = std::move(meta);
    }
    for (auto& [range, index] : checkpoint.applied) groups_[range].applied = index;
  }

  void apply(const LogRecord& r, uint64_t batch, uint32_t segment, RecordPlace place);
  Status lose(const FoundBatch& batch);
  RecoveredLog finish();
  RecoveredLog& result() { return out_; }

 private:
  void apply_entry(const LogRecord& r, uint32_t segment, RecordPlace place);
  LogGroup settle(RangeId range, Replayed& g);
  void keep_payload(LogSlot* slot);

  const uint64_t checkpoint_batch_;
  const size_t payload_bytes_max_;
  std::map<RangeId, Replayed> groups_;
  RecoveredLog out_;
};

void Replay::apply_entry(const LogRecord& r, uint32_t segment, RecordPlace place) {
  Replayed& g = groups_[r.range];
  if (r.replica < g.entries_of) {
    MARK("storage: replay meets entries of a replica before the present one");
    return;
  }
  if (r.replica > g.entries_of) {
    g.drop_all();
    g.entries_of = r.replica;
  }
  if (r.type == RecordType::kEntry) g.drop_from(r.index);
  if (r.index == g.meta.truncated) g.other_history = r.term != g.meta.truncated_term;
  MARK_IF(g.other_history, "storage: replay meets a log that a snapshot has replaced");
  if (r.index <= g.meta.truncated || g.other_history) return;
  LogSlot slot{r.term, r.kind, segment, place, r.payload};
  if (r.type == RecordType::kEntry) {
    g.entries.insert_or_assign(r.index, std::move(slot));
  } else {
    // The copy stands for the original, whose segment may go from now on.
    auto [it, fresh] = g.entries.try_emplace(r.index, slot);
    MARK_IF(fresh, "storage: an entry is left as a copy alone");
    if (!fresh && it->second.term == r.term) it->second = std::move(slot);
  }
}

void Replay::apply(const LogRecord& r, uint64_t batch, uint32_t segment, RecordPlace place) {
  // What the checkpoint knows better is followed only where it drops entries.
  const bool known = batch <= checkpoint_batch_;
  if (r.type == RecordType::kLocal) {
    if (known) return;
    if (r.value.empty()) {
      out_.locals.erase(r.key);
    } else {
      out_.locals[r.key] = r.value;
    }
    return;
  }
  if (r.is_entry()) {
    if (!known && groups_[r.range].meta.replica < r.replica) {
      groups_[r.range].meta.replica = r.replica;
    }
    return apply_entry(r, segment, place);
  }
  Replayed& g = groups_[r.range];
  switch (r.type) {
    case RecordType::kHardState:
      if (known) return;
      g.meta.replica = r.replica;
      g.meta.hard_state = r.value;
      g.hard_state_lost = false;
      return;
    case RecordType::kTruncate:
      if (known || r.index <= g.meta.truncated) return;
      g.meta.truncated = r.index;
      g.meta.truncated_term = r.term;
      return;
    case RecordType::kReset:
      g.drop_all();
      g.entries_of = r.replica;
      g.other_history = false;
      if (known) return;
      g.unknown = false;
      g.meta.replica = r.replica;
      g.meta.truncated = r.index;
      g.meta.truncated_term = r.term;
      return;
    case RecordType::kRemove: {
      MARK("storage: replay meets a removal");
      g.drop_all();
      if (known) return;
      ReplicaId tombstone = std::max(g.meta.tombstone, r.replica);
      g = Replayed();
      g.meta.tombstone = tombstone;
      return;
    }
    default:
      UNREACHABLE("record type");
  }
}

Status Replay::lose(const FoundBatch& batch) {
  const bool known = batch.id.number <= checkpoint_batch_;
  MARK("storage: a batch that counts is damaged");
  for (const GroupExtent& e : batch.groups) {
    if (!e.range) {
      if (known) continue;
      return corruption(fmt::format("log batch {} is damaged and held records of the store itself",
                                    batch.id.number));
    }
    Replayed& g = groups_[e.range];
    if (!known && (e.flags & GroupExtent::kHardState) != 0) g.hard_state_lost = true;
    if (!known && (e.flags & GroupExtent::kOther) != 0) g.unknown = true;
    if (!known && g.meta.replica < e.replica) g.meta.replica = e.replica;
    if (!e.first || e.replica < g.entries_of) continue;
    if (e.replica > g.entries_of) {
      g.drop_all();
      g.entries_of = e.replica;
    }
    g.drop_from(e.first);
    if (e.last > g.meta.truncated) g.losses.push_back({e.first, e.last, e.last_term});
  }
  return Status();
}

// Closes the holes that the checkpoint has behind it, and tells of the others.
LogGroup Replay::settle(RangeId range, Replayed& g) {
  // A loss that reaches no further than what is applied costs nothing but the term at its end.
  for (const Replayed::Loss& l : g.losses) {
    if (l.last <= g.applied && l.last > g.meta.truncated && l.last_term) {
      g.meta.truncated = l.last;
      g.meta.truncated_term = l.last_term;
    }
  }
  std::erase_if(g.losses, [&](const auto& l) { return l.last <= g.meta.truncated; });
  LogGroup out;
  out.checkpointed = g.applied;
  if (g.entries_of != g.meta.replica) g.entries.clear();
  LogIndex hole =
      g.losses.empty() ? LogIndex() : std::max(g.losses.front().first, g.meta.truncated.next());
  for (auto& [index, slot] : g.entries) {
    if (index <= g.meta.truncated) continue;
    LogIndex expected(g.meta.truncated.value + out.entries.size() + 1);
    if (index != expected) {
      if (!hole || expected < hole) hole = expected;
      break;
    }
    out.entries.push_back(std::move(slot));
  }
  // The log reached what is applied. Where it ends before that now, a batch told that the entries
  // were truncated, and is lost: nothing of them was found, and no later entry showed the hole.
  const LogIndex end(g.meta.truncated.value + out.entries.size());
  if (!hole && g.meta.replica && end < g.applied) hole = end.next();
  out.meta = std::move(g.meta);
  if (hole) {
    while (!out.entries.empty() && out.last() >= hole) out.entries.pop_back();
  }
  if (g.unknown || g.hard_state_lost) {
    out_.damaged.push_back({range, out.meta.replica, std::nullopt});
  } else if (hole) {
    out_.damaged.push_back({range, out.meta.replica, hole});
  }
  out.durable = out.last();
  return out;
}

void Replay::keep_payload(LogSlot* slot) {
  size_t bytes = slot->payload->size() + 32;
  if (out_.cached_bytes + bytes > payload_bytes_max_) {
    MARK("storage: recovery leaves entries on the disk");
    slot->payload.reset();
  } else {
    out_.cached_bytes += bytes;
  }
}

RecoveredLog Replay::finish() {
  for (auto& [range, g] : groups_) {
    LogGroup settled = settle(range, g);
    for (auto it = settled.entries.rbegin(); it != settled.entries.rend(); ++it) {
      if (it->payload) keep_payload(&*it);
    }
    out_.groups.emplace(range, std::move(settled));
  }
  return std::move(out_);
}

// Applies a batch's records. `torn`: (planted bug only) as far as they can be read.
Status replay_batch(BytesView segment, uint32_t slot, const FoundBatch& batch, bool torn,
                    Replay& replay) {
  uint64_t at = batch.id.position + batch.header_bytes;
  const uint64_t end = std::min<uint64_t>(at + batch.records_bytes, segment.size());
  while (at < end) {
    LogRecord record;
    RecordPlace place;
    if (!parse_record(segment.substr(at, end - at), batch.id.life, at, record, place)) {
      if (torn) return Status();
      return corruption(
          fmt::format("log batch {} is whole but holds a bad record at {}", batch.id.number, at));
    }
    replay.apply(record, batch.id.number, slot, place);
    at += place.bytes;
  }
  return Status();
}

// The last batch that counts. Whatever a later batch proves synced is below it.
uint64_t find_tail(const std::map<uint64_t, FoundBatch>& batches, uint64_t checkpoint_batch,
                   PlantedBugs planted) {
  uint64_t proven = checkpoint_batch;
  for (const auto& [number, batch] : batches) proven = std::max(proven, batch.id.synced);
  uint64_t tail = proven;
  for (auto it = batches.upper_bound(proven); it != batches.end(); ++it) {
    if (it->first != tail + 1) break;
    if (!it->second.whole && !planted.log_torn_tail) break;
    tail = it->first;
  }
  return tail;
}

// Planted bug: takes an earlier life's batch that stands right behind the tail for the next one.
bool revive_recycled(const std::vector<FoundBatch>& found, std::map<uint64_t, FoundBatch>& batches,
                     uint64_t tail) {
  auto last = batches.find(tail);
  if (last == batches.end()) return false;
  const BatchIdentity id = last->second.id;
  for (FoundBatch f : found) {
    if (f.segment != last->second.segment || !f.whole || f.id.life >= id.life) continue;
    if (f.id.position != id.position + id.batch_bytes) continue;
    f.id.number = tail + 1;
    batches.insert_or_assign(tail + 1, f);
    return true;
  }
  return false;
}

}  // namespace

runtime::Task<Result<RecoveredLog>> recover_log(std::vector<RecoverySegment>* segments,
                                                LogCheckpoint checkpoint, size_t payload_bytes_max,
                                                PlantedBugs planted) {
  std::vector<FoundBatch> found;
  uint64_t life_max = 0, log_start = 1;
  for (size_t i = 0; i < segments->size(); ++i) {
    runtime::File* file = (*segments)[i].file;
    CO_ASSIGN_OR_RETURN(Bytes bytes, co_await read_whole(file, (*segments)[i].size));
    for (FoundBatch& f : scan_segment(bytes)) {
      f.segment = i;
      life_max = std::max(life_max, f.id.life);
      log_start = std::max(log_start, f.id.log_start);
      found.push_back(std::move(f));
    }
  }
  std::vector<FoundBatch> stale;
  if (planted.log_recycled_record) stale = found;
  std::map<uint64_t, FoundBatch> batches = by_number(std::move(found));
  const uint64_t checkpoint_batch = checkpoint.batch;
  uint64_t tail = find_tail(batches, checkpoint_batch, planted);
  if (planted.log_recycled_record && revive_recycled(stale, batches, tail)) ++tail;
  const uint64_t seen = batches.empty() ? 0 : batches.rbegin()->first;
  Replay replay(std::move(checkpoint), payload_bytes_max);
  RecoveredLog& result = replay.result();
  if (seen > tail) {
    MARK("storage: recovery cuts off a torn batch");
    result.torn_batch = tail + 1;
  }
  Bytes bytes;
  size_t loaded = segments->size();
  for (uint64_t number = log_start; number <= tail; ++number) {
    auto it = batches.find(number);
    bool whole = it != batches.end() && it->second.whole;
    if (it == batches.end()) {
      co_return corruption(
          fmt::format("log batch {} is missing, and what it held is unknown", number));
    }
    FoundBatch& batch = it->second;
    RecoverySegment& segment = (*segments)[batch.segment];
    if (segment.first_batch == 0) segment.first_batch = number;
    segment.last_batch = number;
    segment.life = batch.id.life;
    bool torn = !whole && number == tail && planted.log_torn_tail;
    if (!whole && !torn) {
      CO_RETURN_IF_ERROR(replay.lose(batch));
      continue;
    }
    if (loaded != batch.segment) {
      loaded = batch.segment;
      CO_ASSIGN_OR_RETURN(bytes, co_await read_whole(segment.file, segment.size));
    }
    CO_RETURN_IF_ERROR(replay_batch(bytes, segment.slot, batch, torn, replay));
  }
  result.last_batch = tail;
  result.log_start = log_start;
  result.life_max = life_max;
  co_return replay.finish();
}

}  // namespace quorate::storage
