// The writing half of DurableLog: batches, segments that fill and go.
#include <fmt/format.h>

#include "base/mark.h"
#include "storage/durable_log.h"

namespace quorate::storage {

runtime::Task<Status> DurableLog::sync() {
  const uint64_t target = staged_sequence_;
  if (failed_.ok() && synced_sequence_ < target) start_writer();
  while (failed_.ok() && synced_sequence_ < target) {
    auto waiter = waiting_.wait();
    waiter.amount = target;
    CO_RETURN_IF_ERROR(co_await waiter);
  }
  co_return failed_;
}

void DurableLog::start_writer() {
  if (writing_ || !failed_.ok()) return;
  writing_ = true;
  if (closing_timer_ != 0) {
    env_.executor->cancel_timer(closing_timer_);
    closing_timer_ = 0;
  }
  scope_.spawn_now(write_loop());
}

runtime::Task<void> DurableLog::write_loop() {
  while (failed_.ok() && !staged_.empty()) {
    std::vector<LogRecord> records = take_batch();
    // What is left in staged_ was staged after these.
    const uint64_t sequence = staged_sequence_ - staged_.size();
    Status written = co_await write_batch(std::move(records), sequence);
    if (!written.ok()) break;
  }
  writing_ = false;
  if (!failed_.ok()) co_return;
  arm_closing();
  if (over_limit()) start_reclaim();
  LogSegment& active = segments_.active();
  if (active.used > active.size / 2) {
    Status prepared = co_await segments_.prepare(synced_batch_);
    // Short of space now is not a failure; the roll will see.
    if (!prepared.ok()) env_.log.warning("no spare log segment: {}", prepared.message());
  }
}

std::vector<LogRecord> DurableLog::take_batch() {
  if (staged_bytes_ <= options_.batch_bytes) {
    staged_bytes_ = 0;
    return std::exchange(staged_, {});
  }
  size_t bytes = 0, count = 0;
  while (count < staged_.size() && (count == 0 || bytes < options_.batch_bytes)) {
    bytes += staged_[count++].bytes_max();
  }
  auto end = staged_.begin() + static_cast<ptrdiff_t>(count);
  std::vector<LogRecord> out(std::make_move_iterator(staged_.begin()),
                             std::make_move_iterator(end));
  staged_.erase(staged_.begin(), end);
  staged_bytes_ -= bytes;
  return out;
}

runtime::Task<Status> DurableLog::write_batch(std::vector<LogRecord> records, uint64_t sequence) {
  const uint64_t number = next_batch_++;
  size_t record_bytes = 0;
  for (const LogRecord& r : records) record_bytes += r.bytes_max();
  const size_t bound = batch_bytes_max(record_bytes, records.size());
  LogSegment* active = &segments_.active();
  if (active->used + bound > active->size && active->used > 0) {
    MARK("storage: the log goes on in another segment");
    Status rolled = co_await segments_.roll(number, bound, synced_batch_);
    if (!rolled.ok()) {
      fail(rolled);
      co_return rolled;
    }
    active = &segments_.active();
  }
  BatchIdentity id{active->life, active->used, number, log_start_, synced_batch_, 0};
  BytesView bytes = encoder_.encode(id, records);
  CHECK(active->used + bytes.size() <= active->size);
  Status written = co_await write_and_sync(active, bytes);
  if (!written.ok() && !options_.planted.sync_error_ignored) {
    MARK("storage: a sync of the log fails");
    // Never tried again (safety: sync-failed).
    fail(written);
    co_return written;
  }
  active->used += bytes.size();
  active->last_batch = number;
  synced_batch_ = number;
  synced_sequence_ = sequence;
  last_batch_empty_ = records.empty();
  ++stats_.syncs;
  stats_.batches_bytes += bytes.size();
  if (syncs_counter_ != nullptr) {
    syncs_counter_->add();
    bytes_counter_->add(bytes.size());
  }
  note_written(records);
  wake_synced();
  co_return Status();
}

runtime::Task<Status> DurableLog::write_and_sync(LogSegment* active, BytesView bytes) {
  const runtime::Instant began = env_.executor->now();
  const bool in_place = place_ == runtime::SyncPlace::kInPlace && began >= slow_until_;
  Status written = co_await active->file->write_and_sync(
      active->used, bytes, in_place ? place_ : runtime::SyncPlace::kHelper);
  const runtime::Instant now = env_.executor->now();
  if (in_place) in_place_mean_ += (now - began - in_place_mean_) / 8;
  if (in_place_mean_ > options_.in_place_most) {
    MARK("storage: syncs in place take too long");
    slow_until_ = now + options_.slow_for;
    in_place_mean_ = runtime::Duration(0);
  }
  co_return written;
}

// The entries of the batch now stand in the active segment.
void DurableLog::note_written(const std::vector<LogRecord>& records) {
  LogSegment& active = segments_.active();
  for (size_t i = 0; i < records.size(); ++i) {
    const LogRecord& r = records[i];
    if (!r.is_entry()) continue;
    auto it = groups_.find(r.range);
    if (it == groups_.end() || it->second.meta.replica != r.replica) continue;
    LogGroup& group = it->second;
    // Same index and term is the same entry, whoever staged it.
    if (!group.holds(r.index) || group.at(r.index).term != r.term) {
      MARK("storage: an entry was replaced while it was written");
      continue;
    }
    LogSlot& slot = group.at(r.index);
    drop_slot(slot);
    slot.segment = active.slot;
    slot.place = encoder_.places()[i];
    ++active.entries;
    if (r.type == RecordType::kEntry) group.durable = std::max(group.durable, r.index);
  }
  trim_cache();
}

// Woken waiters run in a later step: the next batch is on its way before they do.
void DurableLog::wake_synced() {
  while (!waiting_.empty() && waiting_.first()->amount <= synced_sequence_) waiting_.wake_one();
}

void DurableLog::fail(Status why) {
  if (!failed_.ok()) return;
  failed_ = why.with_context("the log");
  env_.log.error("the store stops: {}", failed_.message());
  waiting_.wake_all();
}

void DurableLog::arm_closing() {
  if (last_batch_empty_ || closing_timer_ != 0) return;
  closing_timer_ = env_.executor->schedule_after(options_.closing_delay, [this] {
    closing_timer_ = 0;
    if (writing_ || !failed_.ok() || !staged_.empty()) return;
    struct Closing {
      static runtime::Task<void> write(DurableLog* log) {
        (void)co_await log->write_batch({}, log->staged_sequence_);
        log->writing_ = false;
        // What was staged meanwhile found a writer at work and waits for one.
        if (!log->staged_.empty()) log->start_writer();
      }
    };
    writing_ = true;
    scope_.spawn(Closing::write(this));
  });
}

// --- segments that go ---

bool DurableLog::over_limit() const { return segments_.live_bytes() > options_.retained_bytes; }

void DurableLog::start_reclaim() {
  reclaim_again_ = true;
  if (reclaiming_ || !failed_.ok()) return;
  reclaiming_ = true;
  scope_.spawn(reclaim());
}

runtime::Task<void> DurableLog::reclaim() {
  while (reclaim_again_ && failed_.ok()) {
    reclaim_again_ = false;
    bool progress = true;
    while (progress && failed_.ok()) {
      progress = false;
      if (!(co_await reclaim_oldest(&progress)).ok()) break;
    }
  }
  reclaiming_ = false;
}

runtime::Task<Status> DurableLog::reclaim_oldest(bool* progress) {
  if (segments_.live_count() < 2) co_return Status();
  const uint32_t slot = segments_.oldest().slot;
  if (segments_.oldest().last_batch > checkpoint_batch_) {
    if (over_limit() && options_.wants_checkpoint) {
      MARK("storage: the log wants a checkpoint");
      options_.wants_checkpoint();
    }
    co_return Status();
  }
  if (segments_.oldest().entries > 0) {
    if (!over_limit()) co_return Status();
    if (!(co_await evacuate(slot))) co_return Status();
  }
  // The truncations and copies that emptied it must not be lost before it is.
  CO_RETURN_IF_ERROR(co_await sync());
  if (segments_.oldest().slot != slot || segments_.oldest().entries > 0) co_return Status();
  log_start_ = segments_.second().first_batch;
  segments_.retire_oldest(next_batch_);
  *progress = true;
  co_return Status();
}

// Empties the oldest segment: entries that only others need are dropped, those that this store has
// yet to apply are staged again. False: too many of the latter, the log grows for now.
runtime::Task<bool> DurableLog::evacuate(uint32_t slot) {
  std::vector<std::pair<RangeId, LogIndex>> keep;
  uint64_t keep_bytes = 0;
  for (auto& [range, group] : groups_) {
    LogIndex drop_to;
    for (LogIndex i = group.meta.truncated.next(); i <= group.last(); i = i.next()) {
      const LogSlot& s = group.at(i);
      if (s.segment != slot) continue;
      if (i <= group.checkpointed || options_.planted.own_entries_dropped) {
        drop_to = i;
      } else {
        keep.emplace_back(range, i);
        keep_bytes += s.place.bytes;
      }
    }
    if (drop_to) {
      MARK("storage: entries that others may need are dropped for room");
      truncate_prefix(range, drop_to, group.at(drop_to).term);
    }
  }
  if (keep_bytes > options_.segment_bytes / 2) {
    MARK("storage: too much of the oldest segment is still needed");
    co_return false;
  }
  for (auto [range, index] : keep) {
    Result<std::vector<LogEntry>> entry = co_await fetch(range, index, index.next(), 0);
    auto it = groups_.find(range);
    bool here =
        it != groups_.end() && it->second.holds(index) && it->second.at(index).segment == slot;
    if (!here) {
      MARK("storage: an entry went before it was copied");
      continue;
    }
    if (!entry.ok()) co_return false;
    MARK("storage: entries are copied out of the oldest segment");
    LogRecord record{.type = RecordType::kCopied, .range = range};
    record.replica = it->second.meta.replica;
    record.index = index;
    record.term = entry->front().term;
    record.kind = entry->front().kind;
    record.payload = entry->front().payload;
    stage(std::move(record));
  }
  co_return true;
}

}  // namespace quorate::storage
