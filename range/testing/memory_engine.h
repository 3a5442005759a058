// An engine of plain maps, for tests of the room's upper half: what is applied is readable at once,
// nothing is durable, and a view shows the present. Good for views that are not held over a wait,
// which is all that serving does. What belongs to a store's life (log, snapshots, checkpoints) is
// not there and fails a check.
#pragma once

#include <map>
#include <vector>

#include "storage/engine.h"

namespace quorate::range {

class MemoryEngine : public storage::Engine {
 public:
  struct Cell {
    Timestamp ts;
    bool deleted;
    Bytes value;
  };
  // Oldest first.
  using Versions = std::vector<Cell>;
  using Plain = std::map<Bytes, Bytes, std::less<>>;

  void apply(RangeId range, LogIndex index, std::shared_ptr<const Bytes> payload,
             BytesView operations) override;
  std::unique_ptr<storage::ReadView> view() override;
  storage::ReadView& view_now() override;
  storage::Space space() const override { return storage::Space::kPlenty; }
  bool write_stalled() const override { return false; }
  bool apply_stalled() const override { return false; }
  MemtableUse memtable_use() const override { return {}; }
  LogIndex applied_index(RangeId) const override { return applied_; }
  LogIndex checkpointed_index(RangeId) const override { return {}; }
  Status health() const override { return Status(); }

  // For checks of a test's end.
  const std::map<Bytes, Versions, std::less<>>& rows() const { return rows_; }
  const Plain& plains(storage::Keyspace keyspace) const;
  std::string to_string() const;

  storage::LogStore& log() override;
  runtime::Task<Status> wait_for_room(runtime::CancelToken, runtime::Instant) override;
  void set_gc_threshold(const KeySpan&, Timestamp) override {}
  runtime::Task<Status> clear_replica(RangeId, KeySpan) override;
  runtime::Task<Result<std::unique_ptr<SnapshotReader>>> make_snapshot(RangeId, KeySpan) override;
  runtime::Task<Result<std::unique_ptr<SnapshotWriter>>> receive_snapshot() override;
  // Memory does not rot.
  runtime::Task<Result<Verified>> verify(RangeId, KeySpan, Bytes, uint64_t) override {
    co_return Verified{};
  }
  Bytes damaged_key() const override { return {}; }
  std::vector<Bytes> take_damaged() override { return {}; }
  storage::SpanStats span_stats(const KeySpan&) override { return {}; }
  Bytes middle_key(const KeySpan&) override { return {}; }
  runtime::Task<Status> checkpoint_now() override;

 private:
  friend class MemoryView;
  void put_version(BytesView key, Cell cell);
  std::map<Bytes, Versions, std::less<>> rows_;
  std::map<storage::Keyspace, Plain> plains_;
  LogIndex applied_;
  std::unique_ptr<storage::ReadView> now_;
};

}  // namespace quorate::range
