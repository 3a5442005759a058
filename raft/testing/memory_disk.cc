#include "raft/testing/memory_disk.h"

#include "base/check.h"

namespace quorate::raft::testing {

Result<Term> MemoryDisk::term(LogIndex index) const {
  if (index == truncated_.index) return truncated_.term;
  if (index < truncated_.index || index > last_index()) return not_found("no such entry");
  return log_[index.value - truncated_.index.value - 1].term;
}

Result<std::vector<Entry>> MemoryDisk::entries(LogIndex low, LogIndex high,
                                               size_t bytes_max) const {
  if (low <= truncated_.index) return not_found("truncated");
  CHECK(low < high && high <= last_index().next());
  std::vector<Entry> out;
  size_t bytes = 0;
  for (LogIndex i = low; i < high; i = i.next()) {
    const Entry& entry = log_[i.value - truncated_.index.value - 1];
    bytes += entry.bytes();
    if (!out.empty() && bytes > bytes_max) break;
    out.push_back(entry);
  }
  return out;
}

void MemoryDisk::start_write(const Ready& ready) {
  if (ready.write == 0) return;
  writes_.push_back({ready.write, ready.snapshot, ready.entries, ready.hard_state});
}

void MemoryDisk::apply(const Write& write) {
  if (write.snapshot) {
    truncated_ = checkpoint_ = *write.snapshot;
    log_.clear();
  }
  if (!write.entries.empty()) {
    const LogIndex first = write.entries.front().index;
    CHECK(first > truncated_.index && first <= last_index().next());
    log_.resize(first.value - truncated_.index.value - 1);
    log_.insert(log_.end(), write.entries.begin(), write.entries.end());
  }
  if (write.hard_state) hard_ = *write.hard_state;
}

WriteId MemoryDisk::finish_write() {
  CHECK(!writes_.empty());
  const Write write = std::move(writes_.front());
  writes_.pop_front();
  apply(write);
  return write.id;
}

void MemoryDisk::crash(size_t kept) {
  for (size_t i = 0; i < kept && !writes_.empty(); ++i) finish_write();
  writes_.clear();
}

void MemoryDisk::set_checkpoint(LogIndex index, const ConfState& conf) {
  Result<Term> at = term(index);
  CHECK(at.ok());
  if (index > checkpoint_.index) checkpoint_ = {index, *at, conf};
}

void MemoryDisk::truncate(LogIndex up_to) {
  up_to = std::min(up_to, checkpoint_.index);
  if (up_to <= truncated_.index) return;
  const Term at = *term(up_to);
  log_.erase(log_.begin(),
             log_.begin() + static_cast<ptrdiff_t>(up_to.value - truncated_.index.value));
  truncated_.index = up_to;
  truncated_.term = at;
}

void MemoryDisk::lose_from(LogIndex first) {
  CHECK(first > checkpoint_.index);
  if (first <= last_index()) log_.resize(first.value - truncated_.index.value - 1);
}

}  // namespace quorate::raft::testing
