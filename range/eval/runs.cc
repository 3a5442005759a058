#include "range/eval/runs.h"

#include <algorithm>

namespace quorate::range {

using storage::RunReader;
using storage::RunRow;

Result<RunReader> open_run(Evaluation& e, BytesView stored_key) {
  ASSIGN_OR_RETURN(auto body, e.view->plain(storage::Keyspace::kRunBody, stored_key));
  if (!body) return corruption("a run without its rows");
  return RunReader::open(*body);
}

Result<std::optional<RunRow>> own_run_row(Evaluation& e, BytesView key, bool all) {
  std::optional<RunRow> best;
  uint64_t sequence = 0;
  if (!e.txn.id) return best;
  for (const auto& [stored, run] : e.state.runs.runs()) {
    if (run.first > key) break;
    if (run.txn != e.txn.id || run.last < key || (best && run.sequence < sequence)) continue;
    if (all ? e.txn.own.undid(run.sequence) : !e.txn.own.sees(run.sequence)) continue;
    ASSIGN_OR_RETURN(RunReader reader, open_run(e, stored));
    auto found = reader.find(key);
    if (!found) continue;
    best = found;
    sequence = run.sequence;
  }
  return best;
}

Result<const RunRecord*> foreign_run_row(Evaluation& e, BytesView key) {
  for (const auto& [stored, run] : e.state.runs.runs()) {
    if (run.first > key) break;
    if (run.txn == e.txn.id || run.last < key) continue;
    ASSIGN_OR_RETURN(RunReader reader, open_run(e, stored));
    if (reader.find(key)) return &run;
  }
  return static_cast<const RunRecord*>(nullptr);
}

const RunRecord* staged_run(const Evaluation& e, const KeySpan& span, Timestamp ts) {
  for (const auto& [stored, run] : e.state.runs.runs()) {
    if (!span.end.empty() && run.first >= span.end) break;
    if (run.txn != e.txn.id && run.staged && run.staged <= ts && run.overlaps(span)) return &run;
  }
  return nullptr;
}

const RunRecord* staged_run(const Evaluation& e, BytesView key, Timestamp ts) {
  for (const auto& [stored, run] : e.state.runs.runs()) {
    if (run.first > key) break;
    if (run.txn != e.txn.id && run.staged && run.staged <= ts && run.covers(key)) return &run;
  }
  return nullptr;
}

Verdict block_on_run(Evaluation& e, BytesView key, const RunRecord& run) {
  e.blocked = {true, Bytes(key), LockMode::kNone, run.txn, run.anchor};
  return Verdict::kBlocked;
}

Result<std::unique_ptr<OwnRunsIterator>> OwnRunsIterator::create(
    Evaluation& e, std::unique_ptr<storage::RowIterator> rows, const KeySpan& span, bool reverse) {
  auto out = std::make_unique<OwnRunsIterator>();
  out->rows_ = std::move(rows);
  out->reverse_ = reverse;
  for (const auto& [stored, run] : e.state.runs.runs()) {
    if (!span.end.empty() && run.first >= span.end) break;
    if (run.txn != e.txn.id || !run.overlaps(span) || !e.txn.own.sees(run.sequence)) continue;
    Source s;
    ASSIGN_OR_RETURN(s.run, open_run(e, stored));
    s.sequence = run.sequence;
    s.begin = s.run.lower_bound(span.start);
    s.end = span.end.empty() ? s.run.rows() : s.run.lower_bound(span.end);
    if (!s.done()) out->sources_.push_back(s);
  }
  std::stable_sort(out->sources_.begin(), out->sources_.end(),
                   [](const Source& a, const Source& b) { return a.sequence > b.sequence; });
  out->find();
  return out;
}

// Drops the key it stands on from every source, then looks for the next.
void OwnRunsIterator::next() {
  const Bytes done(key_);
  if (rows_->valid() && rows_->key() == done) rows_->next();
  for (Source& s : sources_) {
    if (!s.done() && head(s) == done) reverse_ ? --s.end : ++s.begin;
  }
  find();
}

void OwnRunsIterator::find() {
  for (;;) {
    valid_ = false;
    own_ = false;
    if (!rows_->status().ok()) return;
    const Source* from = nullptr;
    if (rows_->valid()) {
      valid_ = true;
      key_ = rows_->key();
    }
    for (const Source& s : sources_) {
      if (s.done()) continue;
      const BytesView at = head(s);
      // Of equal keys the first source's counts: it is the latest.
      if (valid_ && (from != nullptr ? !before(at, key_) : before(key_, at))) continue;
      valid_ = true;
      key_ = at;
      from = &s;
    }
    if (from == nullptr) return;
    own_ = true;
    own_row_ = from->run.row(reverse_ ? from->end - 1 : from->begin);
    if (!own_row_.deleted) return;
    const Bytes done(key_);
    if (rows_->valid() && rows_->key() == done) rows_->next();
    for (Source& s : sources_) {
      if (!s.done() && head(s) == done) reverse_ ? --s.end : ++s.begin;
    }
  }
}

}  // namespace quorate::range
