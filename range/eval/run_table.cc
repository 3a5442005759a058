#include "range/eval/run_table.h"

#include <algorithm>

namespace quorate::range {

Status RunTable::load(storage::ReadView& view, const KeySpan& span) {
  runs_.clear();
  bytes_ = 0;
  auto it = view.plains(storage::Keyspace::kRun, span);
  for (; it->valid(); it->next()) {
    ASSIGN_OR_RETURN(RunRecord record, parse_run_record(it->value()));
    put(Bytes(it->key()), std::move(record));
  }
  return it->status();
}

const RunRecord* RunTable::find(BytesView stored_key) const {
  auto it = runs_.find(stored_key);
  return it == runs_.end() ? nullptr : &it->second;
}

void RunTable::put(const Bytes& stored_key, RunRecord record) {
  auto [it, fresh] = runs_.try_emplace(stored_key);
  if (!fresh) bytes_ -= it->second.bytes;
  bytes_ += record.bytes;
  it->second = std::move(record);
}

void RunTable::remove(BytesView stored_key) {
  auto it = runs_.find(stored_key);
  if (it == runs_.end()) return;
  bytes_ -= it->second.bytes;
  runs_.erase(it);
}

void RunTable::cut(BytesView at) {
  while (!runs_.empty() && runs_.rbegin()->first >= at) remove(Bytes(runs_.rbegin()->first));
}

std::vector<Bytes> RunTable::of(const TxnId& txn, const KeySpan& span) const {
  std::vector<std::pair<uint64_t, const Bytes*>> found;
  for (auto it = runs_.lower_bound(span.start); it != runs_.end(); ++it) {
    if (!span.contains(it->second.first)) break;
    if (it->second.txn == txn) found.emplace_back(it->second.sequence, &it->first);
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Bytes> out;
  out.reserve(found.size());
  for (const auto& [sequence, key] : found) out.push_back(*key);
  return out;
}

bool RunTable::crossed_by(BytesView at) const {
  for (const auto& [key, run] : runs_) {
    if (run.first >= at) break;
    if (run.last >= at) return true;
  }
  return false;
}

Bytes RunTable::middle(const KeySpan& span) const {
  Bytes best;
  BytesView last;
  uint64_t before = 0, best_distance = UINT64_MAX;
  for (const auto& [key, run] : runs_) {
    const bool free = before > 0 && run.first > last && run.first > span.start;
    const uint64_t distance = before > bytes_ / 2 ? before - bytes_ / 2 : bytes_ / 2 - before;
    if (free && distance < best_distance) {
      best = run.first;
      best_distance = distance;
    }
    if (run.last > last) last = run.last;
    before += run.bytes;
  }
  return best;
}

}  // namespace quorate::range
