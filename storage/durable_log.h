// LogStore on a disk (design §4, safety group 2). Formats: FORMAT.md; files: log_segments.h;
// restart: log_recovery.h.
//
//   append … ──► staged ──► [batch being synced] ──► segments        sync() waits for the batch
//      └──► groups in memory (entries, hard states) ──► entries()    that holds what was staged
//
// One writer: it takes what is staged, lays it out, writes and syncs it, and starts on what
// gathered meanwhile before those who waited run. Half a tenth of a second after the last batch it
// writes an empty one, which proves that the last was synced.
//
// A segment goes, oldest first, when no group has an entry in it and a checkpoint holds the hard
// states of its time. Above `retained_bytes` what only others need is dropped (they get a snapshot)
// and what this store has yet to apply is copied forward (safety: own-acks-stay).
//
// Bounds: staged bytes are the callers' own limits together; cached payloads `cache_bytes`; per
// entry kept some 64 bytes of index.
#pragma once

#include <set>

#include "base/planted.h"
#include "runtime/sync.h"
#include "storage/log_segments.h"
#include "storage/log_store.h"

namespace quorate::storage {

struct LogOptions {
  std::string directory;
  uint64_t segment_bytes = 16u << 20;
  uint64_t batch_bytes = 4u << 20;  // more than this is cut into several syncs
  uint64_t retained_bytes = 64u << 20;
  size_t cache_bytes = 32u << 20;
  runtime::Duration closing_delay = std::chrono::milliseconds(50);
  // Syncs in place that take longer on the average tell that the disk is slow: helpers do it for a
  // while. One alone tells nothing, on a busy machine the scheduler took its time.
  runtime::Duration in_place_most = std::chrono::milliseconds(4);
  runtime::Duration slow_for = std::chrono::milliseconds(200);
  // Called when the log is above its limit and only a checkpoint can help. May be empty.
  std::function<void()> wants_checkpoint;
  PlantedBugs planted;
};

class DurableLog : public LogStore {
 public:
  static runtime::Task<Result<std::unique_ptr<DurableLog>>> open(runtime::Env& env,
                                                                 LogOptions options,
                                                                 LogCheckpoint checkpoint);
  ~DurableLog() override;

  void append(RangeId range, ReplicaId replica, std::span<const LogEntry> entries) override;
  void set_hard_state(RangeId range, ReplicaId replica, Bytes state) override;
  void truncate_prefix(RangeId range, LogIndex index, Term term) override;
  void reset(RangeId range, ReplicaId replica, LogIndex index, Term term) override;
  void remove(RangeId range, ReplicaId least_replica) override;
  void put_local(BytesView key, BytesView value) override;
  runtime::Task<Status> sync() override;

  LogIndex first_index(RangeId range) const override;
  LogIndex last_index(RangeId range) const override;
  Term term(RangeId range, LogIndex index) const override;
  Result<std::vector<LogEntry>> entries(RangeId range, LogIndex low, LogIndex high,
                                        size_t bytes_max) override;
  runtime::Task<Result<std::vector<LogEntry>>> fetch(RangeId range, LogIndex low, LogIndex high,
                                                     size_t bytes_max) override;
  Bytes hard_state(RangeId range) const override;
  ReplicaId replica(RangeId range) const override;
  ReplicaId tombstone(RangeId range) const override;
  Bytes local(BytesView key) const override;
  std::vector<RangeId> ranges() const override;
  LogIndex durable_index(RangeId range) const override;
  std::vector<DamagedReplica> damaged() const override;
  void set_damaged(RangeId range) override;
  void set_sync_place(runtime::SyncPlace place) override { place_ = place; }
  Stats stats() const override;

  // --- for the checkpoint (the engine) ---
  // What changed since the last checkpoint that succeeded. Complete for batches up to `batch`; may
  // hold what is staged and not synced yet, which replay then does again.
  struct Changes {
    uint64_t batch = 0;
    std::map<RangeId, LogGroupMeta> groups;
    std::map<Bytes, Bytes> locals;  // empty: deleted
  };
  Changes changes_for_checkpoint();
  // The checkpoint with these changes and these applied indexes is durable.
  void checkpointed(const Changes& changes, const std::map<RangeId, LogIndex>& applied);
  // It was not written: the changes stand for the next one again.
  void checkpoint_failed(const Changes& changes);
  // Non-null once a sync has failed: nothing more becomes durable (safety: sync-failed).
  const Status& health() const { return failed_; }
  uint64_t cached_bytes() const { return cached_bytes_; }

 private:
  DurableLog(runtime::Env& env, LogOptions options);
  runtime::Task<Status> recover(LogCheckpoint checkpoint);
  runtime::Task<Status> seal_recovered_tail(std::vector<RecoverySegment>* recovered);
  Status recall_damage();

  // durable_log.cc
  LogGroup& group_for(RangeId range, ReplicaId replica);
  const LogGroup* find(RangeId range) const;
  void drop_slot(LogSlot& slot);
  void drop_all_entries(LogGroup& group);
  void drop_tail(LogGroup& group, LogIndex from);
  void drop_prefix(LogGroup& group, LogIndex to, Term term);
  void mend(RangeId range, LogIndex from);
  void forget_damage(RangeId range);
  void stage(LogRecord record);

  // durable_log_read.cc
  void cache(RangeId range, LogIndex index, size_t bytes);
  void trim_cache();
  Status check_bounds(RangeId range, LogIndex low, LogIndex high) const;
  runtime::Task<Status> load(RangeId range, LogIndex low, LogIndex high, size_t bytes_max);
  bool store_loaded(RangeId range, LogIndex index, const LogRecord& record, RecordPlace place,
                    uint32_t segment);

  // durable_log_write.cc
  void start_writer();
  runtime::Task<void> write_loop();
  runtime::Task<Status> write_batch(std::vector<LogRecord> records, uint64_t sequence);
  runtime::Task<Status> write_and_sync(LogSegment* active, BytesView bytes);
  std::vector<LogRecord> take_batch();
  void note_written(const std::vector<LogRecord>& records);
  void wake_synced();
  void fail(Status why);
  void arm_closing();
  void start_reclaim();
  runtime::Task<void> reclaim();
  runtime::Task<Status> reclaim_oldest(bool* progress);
  runtime::Task<bool> evacuate(uint32_t slot);
  bool over_limit() const;

  runtime::Env& env_;
  const LogOptions options_;
  runtime::SyncPlace place_ = runtime::SyncPlace::kHelper;
  runtime::Duration in_place_mean_{0};  // of the last eight or so
  runtime::Instant slow_until_;
  Status failed_;

  std::map<RangeId, LogGroup> groups_;
  std::map<Bytes, Bytes> locals_;
  std::map<RangeId, DamagedReplica> damaged_;
  std::set<RangeId> dirty_groups_;  // since the last changes_for_checkpoint()
  std::set<Bytes> dirty_locals_;

  LogSegments segments_;
  BatchEncoder encoder_;
  std::vector<LogRecord> staged_;
  size_t staged_bytes_ = 0;
  uint64_t staged_sequence_ = 0;  // records ever staged
  uint64_t synced_sequence_ = 0;  // of them synced
  uint64_t next_batch_ = 1;
  uint64_t synced_batch_ = 0;
  uint64_t log_start_ = 1;
  uint64_t checkpoint_batch_ = 0;
  bool writing_ = false;
  bool reclaiming_ = false;
  bool reclaim_again_ = false;
  bool last_batch_empty_ = false;
  runtime::TimerId closing_timer_ = 0;

  // Payloads in memory, oldest first; what was dropped meanwhile is skipped.
  struct Cached {
    RangeId range;
    LogIndex index;
    uint32_t bytes;
  };
  std::deque<Cached> cached_;
  uint64_t cached_bytes_ = 0;

  Stats stats_;
  Counter* syncs_counter_ = nullptr;
  Counter* bytes_counter_ = nullptr;
  runtime::WaitList waiting_;
  runtime::TaskScope scope_;  // last: its tasks use all of the above
};

}  // namespace quorate::storage
