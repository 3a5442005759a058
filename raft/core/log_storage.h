// What the core reads of the durable log. Implemented by the driver over the store's log.
//
// It shows what was acknowledged with Raft::on_persisted, and may already show later writes; the
// core keeps everything newer in its own unstable tail and never asks for it here.
#pragma once

#include <vector>

#include "base/status.h"
#include "raft/core/types.h"

namespace quorate::raft {

class LogStorage {
 public:
  virtual ~LogStorage() = default;
  // The log holds first_index() .. last_index(); what is before was truncated, and term() still
  // knows the entry at first_index() - 1. An empty log has last_index() == first_index() - 1.
  virtual LogIndex first_index() const = 0;
  virtual LogIndex last_index() const = 0;
  // kNotFound outside of first_index() - 1 .. last_index(). Never waits: terms are kept in memory.
  virtual Result<Term> term(LogIndex index) const = 0;
  // Entries from `low`, before `high`, at least one, as many as fit into `bytes_max`. kNotFound
  // when `low` was truncated; kUnavailable when the bytes must come from the disk first: the core
  // asks again later (on the next tick, or when Raft::ready is called anew for entries to apply).
  virtual Result<std::vector<Entry>> entries(LogIndex low, LogIndex high,
                                             size_t bytes_max) const = 0;
  // The newest state that could be sent to a lagging replica, at or past first_index() - 1. The
  // driver may send a newer one in its place.
  virtual SnapshotMeta snapshot() const = 0;
};

}  // namespace quorate::raft
