// A group's part of a disk: what is durable, and the writes that a crash may lose.
//
// The core sees the durable part only, which is the strictest reading of LogStorage. Writes become
// durable in order, each whole or not at all.
#pragma once

#include <deque>
#include <vector>

#include "raft/core/log_storage.h"
#include "raft/core/ready.h"

namespace quorate::raft::testing {

class MemoryDisk : public LogStorage {
 public:
  // Begins with a state at `meta` and nothing after it.
  explicit MemoryDisk(SnapshotMeta meta) : truncated_(meta), checkpoint_(meta) {}

  LogIndex first_index() const override { return truncated_.index.next(); }
  LogIndex last_index() const override { return LogIndex(truncated_.index.value + log_.size()); }
  Result<Term> term(LogIndex index) const override;
  Result<std::vector<Entry>> entries(LogIndex low, LogIndex high, size_t bytes_max) const override;
  SnapshotMeta snapshot() const override { return checkpoint_; }

  void start_write(const Ready& ready);
  bool writing() const { return !writes_.empty(); }
  // Makes the oldest write durable and returns its id.
  WriteId finish_write();
  // A power cut: the first `kept` writes in flight reached the disk.
  void crash(size_t kept);
  size_t writes_in_flight() const { return writes_.size(); }

  const HardState& hard_state() const { return hard_; }
  void set_hard_state(const HardState& hard) { hard_ = hard; }
  // What a restart begins with; `index` must be durable in the log.
  const SnapshotMeta& checkpoint() const { return checkpoint_; }
  void set_checkpoint(LogIndex index, const ConfState& conf);
  // Drops the log up to the checkpoint at most.
  void truncate(LogIndex up_to);
  // Damage: the durable log ends before `first`.
  void lose_from(LogIndex first);

 private:
  struct Write {
    WriteId id;
    std::optional<SnapshotMeta> snapshot;
    std::vector<Entry> entries;
    std::optional<HardState> hard_state;
  };
  void apply(const Write& write);

  SnapshotMeta truncated_;
  SnapshotMeta checkpoint_;
  std::vector<Entry> log_;
  HardState hard_;
  std::deque<Write> writes_;
};

}  // namespace quorate::raft::testing
