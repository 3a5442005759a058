// One log out of two: what storage has acknowledged, and behind it the unstable tail that it has
// not.
//
//        first_index        stable_index   written_      last_index
//   |  truncated  |  storage      |  in flight  |  to be written  |
//                                 ^ offset_ .. the unstable tail ..^
//                 applied <= applying <= committed <= last_index
//
// The tail's entries leave memory when their write is acknowledged. Overwriting a suffix forgets
// what in-flight writes held of it: a late acknowledgement then proves only what still stands.
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "base/status.h"
#include "raft/core/log_storage.h"
#include "raft/core/ready.h"
#include "raft/core/types.h"

namespace quorate::raft {

class LogView {
 public:
  // `storage` outlives the view. `commit_hint` may exceed the log: a crash took the rest.
  LogView(const LogStorage* storage, LogIndex applied, LogIndex commit_hint);

  LogIndex first_index() const;
  LogIndex last_index() const;
  LogIndex stable_index() const { return offset_.prev(); }  // synced here up to this
  LogIndex committed() const { return committed_; }
  LogIndex applying() const { return applying_; }
  LogIndex applied() const { return applied_; }
  // Zero when the entry is not there, or truncated.
  Term term(LogIndex index) const;
  Term last_term() const { return term(last_index()); }
  bool matches(LogIndex index, Term t) const { return t && term(index) == t; }
  // Raft paper 5.4.1: whether a log ending so is at least as complete as this one.
  bool up_to_date(LogIndex last, Term last_term_of_log) const;
  // The greatest index at most `index` whose term is at most `t` (conflict hints).
  LogIndex last_with_term_at_most(LogIndex index, Term t) const;

  // From `low` on, at least one entry, as many as fit. kNotFound: truncated; kUnavailable: ask
  // later.
  Result<std::vector<Entry>> entries(LogIndex low, LogIndex high, size_t bytes_max) const;

  // Replaces everything from entries[0].index on. Committed entries are never replaced.
  void append(std::vector<Entry> entries);
  // Appends what is new of a leader's message; entries that are here already stay. Returns the last
  // index that the message proves, or nothing when (index, term) does not match.
  std::optional<LogIndex> append_after(LogIndex index, Term t, std::vector<Entry> entries);
  void commit_to(LogIndex index);
  // Drops the whole log for a received state.
  void restore(SnapshotMeta meta);

  bool has_unwritten() const { return unwritten_snapshot_ || written_ < last_index(); }
  // The entries and snapshot of the write `id`; they count as in flight from here on.
  void start_write(WriteId id, std::vector<Entry>& entries, std::optional<SnapshotMeta>& snapshot);
  void on_persisted(WriteId id);

  bool has_committed() const { return !snapshot_ && applying_ < committed_; }
  Result<std::vector<Entry>> next_committed(size_t bytes_max) const;
  void start_apply(LogIndex index);
  void on_applied(LogIndex index);
  // A received state that is not yet durable here.
  const std::optional<SnapshotMeta>& pending_snapshot() const { return snapshot_; }

  // What a lagging replica would be sent.
  SnapshotMeta offered_snapshot() const { return storage_->snapshot(); }

  void check_invariants() const;

 private:
  struct Write {
    WriteId id;
    LogIndex last;            // what the write made durable of the present log; zero: nothing
    LogIndex snapshot_index;  // zero: none
  };
  Result<std::vector<Entry>> entries_of_tail(LogIndex low, LogIndex high, size_t bytes_max) const;

  const LogStorage* storage_;
  LogIndex offset_;  // index of tail_[0], or of the next entry
  std::vector<Entry> tail_;
  LogIndex written_;  // handed out to be written up to this
  std::deque<Write> in_flight_;
  std::optional<SnapshotMeta> snapshot_;
  bool unwritten_snapshot_ = false;
  LogIndex committed_, applying_, applied_;
};

}  // namespace quorate::raft
