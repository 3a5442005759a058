#include "raft/core/progress.h"

#include <algorithm>

#include "base/check.h"

namespace quorate::raft {

void InflightWindow::add(LogIndex last, size_t bytes) {
  CHECK(sent_.empty() || sent_.back().last < last);
  sent_.push_back({last, bytes});
  bytes_ += bytes;
}

void InflightWindow::free_to(LogIndex index) {
  while (!sent_.empty() && sent_.front().last <= index) free_first();
}

void InflightWindow::free_first() {
  if (sent_.empty()) return;
  bytes_ -= sent_.front().bytes;
  sent_.pop_front();
}

void InflightWindow::clear() {
  sent_.clear();
  bytes_ = 0;
}

bool Progress::paused() const {
  switch (state) {
    case State::kProbe:
      return probe_sent;
    case State::kReplicate:
      return false;  // the window bounds entries, not empty appends
    case State::kSnapshot:
      return true;
  }
  return true;
}

void Progress::become_probe() {
  // After a snapshot the replica may hold everything up to it.
  next = state == State::kSnapshot ? std::max(match.next(), pending_snapshot.next()) : match.next();
  state = State::kProbe;
  probe_sent = false;
  pending_snapshot = LogIndex();
  window.clear();
}

void Progress::become_replicate() {
  state = State::kReplicate;
  probe_sent = false;
  pending_snapshot = LogIndex();
  next = match.next();
  window.clear();
}

void Progress::become_snapshot(LogIndex index) {
  state = State::kSnapshot;
  probe_sent = false;
  pending_snapshot = index;
  window.clear();
}

bool Progress::acknowledged(LogIndex index) {
  next = std::max(next, index.next());
  if (index <= match) return false;
  match = index;
  probe_sent = false;
  return true;
}

bool Progress::rejected(LogIndex rejected_index, LogIndex match_hint) {
  if (state == State::kReplicate) {
    if (rejected_index <= match) return false;
    next = match.next();
    return true;
  }
  // A probe is out one at a time: an answer to another position is an old one.
  if (next.prev() != rejected_index) return false;
  next = std::max(std::min(rejected_index, match_hint.next()), match.next());
  probe_sent = false;
  return true;
}

void Progress::sent(LogIndex last, size_t count, size_t bytes) {
  if (state == State::kReplicate) {
    if (count == 0) return;
    next = last.next();
    window.add(last, bytes);
  } else {
    probe_sent = true;
  }
}

void Progress::check_invariants() const {
  CHECK(match < next);
  CHECK(state == State::kSnapshot || !pending_snapshot);
  CHECK(state == State::kProbe || !probe_sent);
  CHECK(state == State::kReplicate || window.count() == 0);
}

std::string_view progress_state_name(Progress::State state) {
  switch (state) {
    case Progress::State::kProbe:
      return "probe";
    case Progress::State::kReplicate:
      return "replicate";
    case Progress::State::kSnapshot:
      return "snapshot";
  }
  return "unknown";
}

}  // namespace quorate::raft
