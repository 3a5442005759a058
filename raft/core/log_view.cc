#include "raft/core/log_view.h"

#include <algorithm>

#include "base/check.h"
#include "base/mark.h"

namespace quorate::raft {

LogView::LogView(const LogStorage* storage, LogIndex applied, LogIndex commit_hint)
    : storage_(storage),
      offset_(storage->last_index().next()),
      written_(storage->last_index()),
      committed_(std::min(std::max(commit_hint, applied), storage->last_index())),
      applying_(applied),
      applied_(applied) {
  CHECK(applied.next() >= storage->first_index());
  CHECK(applied <= storage->last_index());
}

LogIndex LogView::first_index() const {
  return snapshot_ ? snapshot_->index.next() : storage_->first_index();
}

LogIndex LogView::last_index() const { return LogIndex(offset_.value + tail_.size()).prev(); }

Term LogView::term(LogIndex index) const {
  if (index >= offset_) {
    const size_t at = index.value - offset_.value;
    return at < tail_.size() ? tail_[at].term : Term();
  }
  if (snapshot_) return index == snapshot_->index ? snapshot_->term : Term();
  Result<Term> known = storage_->term(index);
  return known.ok() ? *known : Term();
}

bool LogView::up_to_date(LogIndex last, Term last_term_of_log) const {
  const Term own = last_term();
  return last_term_of_log > own || (last_term_of_log == own && last >= last_index());
}

LogIndex LogView::last_with_term_at_most(LogIndex index, Term t) const {
  index = std::min(index, last_index());
  const LogIndex floor = first_index().prev();
  // Terms never decrease along a log, so a truncated prefix may match: its end is the answer.
  while (index > floor && term(index) > t) index = index.prev();
  return index;
}

Result<std::vector<Entry>> LogView::entries_of_tail(LogIndex low, LogIndex high,
                                                    size_t bytes_max) const {
  std::vector<Entry> out;
  size_t bytes = 0;
  for (LogIndex i = low; i < high; i = i.next()) {
    const Entry& entry = tail_[i.value - offset_.value];
    bytes += entry.bytes();
    if (!out.empty() && bytes > bytes_max) break;
    out.push_back(entry);
  }
  return out;
}

Result<std::vector<Entry>> LogView::entries(LogIndex low, LogIndex high, size_t bytes_max) const {
  CHECK(high <= last_index().next());
  if (low >= high) return std::vector<Entry>();
  if (low < first_index()) return not_found("log entry was truncated");
  if (low >= offset_) return entries_of_tail(low, high, bytes_max);
  ASSIGN_OR_RETURN(std::vector<Entry> out,
                   storage_->entries(low, std::min(high, offset_), bytes_max));
  CHECK(!out.empty() && out.front().index == low);
  size_t bytes = 0;
  for (const Entry& entry : out) bytes += entry.bytes();
  const LogIndex next = out.back().index.next();
  if (next == offset_ && next < high && bytes < bytes_max) {
    ASSIGN_OR_RETURN(std::vector<Entry> rest, entries_of_tail(next, high, bytes_max - bytes));
    if (bytes + rest.front().bytes() > bytes_max) rest.clear();
    out.insert(out.end(), rest.begin(), rest.end());
  }
  return out;
}

void LogView::append(std::vector<Entry> entries) {
  if (entries.empty()) return;
  const LogIndex first = entries.front().index;
  CHECK(first > committed_);
  CHECK(first <= last_index().next());
  if (first <= offset_) {
    offset_ = first;
    tail_ = std::move(entries);
  } else {
    tail_.resize(first.value - offset_.value);
    std::move(entries.begin(), entries.end(), std::back_inserter(tail_));
  }
  if (first > written_) return;
  written_ = first.prev();
  for (Write& write : in_flight_) write.last = std::min(write.last, first.prev());
}

std::optional<LogIndex> LogView::append_after(LogIndex index, Term t, std::vector<Entry> entries) {
  if (index && !matches(index, t)) return std::nullopt;
  const LogIndex last(index.value + entries.size());
  size_t known = 0;
  while (known < entries.size() && matches(entries[known].index, entries[known].term)) ++known;
  if (known == entries.size()) return last;
  CHECK_MSG(entries[known].index > committed_, "a leader contradicts a committed entry");
  entries.erase(entries.begin(), entries.begin() + static_cast<ptrdiff_t>(known));
  append(std::move(entries));
  return last;
}

void LogView::commit_to(LogIndex index) {
  CHECK(index <= last_index());
  committed_ = std::max(committed_, index);
}

void LogView::restore(SnapshotMeta meta) {
  CHECK(meta.index > committed_);
  offset_ = meta.index.next();
  written_ = meta.index;
  committed_ = meta.index;
  tail_.clear();
  for (Write& write : in_flight_) write.last = LogIndex();
  snapshot_ = std::move(meta);
  unwritten_snapshot_ = true;
}

void LogView::start_write(WriteId id, std::vector<Entry>& entries,
                          std::optional<SnapshotMeta>& snapshot) {
  Write write{id, LogIndex(), LogIndex()};
  if (unwritten_snapshot_) {
    snapshot = snapshot_;
    write.snapshot_index = snapshot_->index;
    unwritten_snapshot_ = false;
  }
  if (written_ < last_index()) {
    const size_t from = written_.value + 1 - offset_.value;
    entries.assign(tail_.begin() + static_cast<ptrdiff_t>(from), tail_.end());
    write.last = written_ = last_index();
  }
  if (write.last || write.snapshot_index) in_flight_.push_back(write);
}

void LogView::on_persisted(WriteId id) {
  LogIndex stable;
  while (!in_flight_.empty() && in_flight_.front().id <= id) {
    const Write write = in_flight_.front();
    in_flight_.pop_front();
    stable = std::max(stable, write.last);
    if (snapshot_ && !unwritten_snapshot_ && write.snapshot_index == snapshot_->index) {
      applying_ = applied_ = snapshot_->index;
      snapshot_.reset();
    }
  }
  if (stable < offset_) return;
  const auto count = static_cast<ptrdiff_t>(stable.value + 1 - offset_.value);
  tail_.erase(tail_.begin(), tail_.begin() + count);
  offset_ = stable.next();
}

Result<std::vector<Entry>> LogView::next_committed(size_t bytes_max) const {
  return entries(applying_.next(), committed_.next(), bytes_max);
}

void LogView::start_apply(LogIndex index) {
  CHECK(index > applying_ && index <= committed_);
  applying_ = index;
}

void LogView::on_applied(LogIndex index) {
  if (index <= applied_) {
    MARK("raft: a snapshot has overtaken what was being applied");
    return;  // a snapshot has overtaken it
  }
  CHECK(index <= applying_);
  applied_ = index;
}

void LogView::check_invariants() const {
  CHECK(applied_ <= applying_);
  CHECK(applying_ <= committed_);
  CHECK(committed_ <= last_index());
  CHECK(written_ <= last_index());
  CHECK(written_.next() >= offset_);
  CHECK(!unwritten_snapshot_ || snapshot_);
  for (size_t i = 0; i < tail_.size(); ++i) {
    CHECK(tail_[i].index.value == offset_.value + i);
    CHECK(i == 0 || tail_[i - 1].term <= tail_[i].term);
  }
  for (const Write& write : in_flight_) CHECK(write.last <= written_);
}

}  // namespace quorate::raft
