// The engine itself (storage/engine.h): log, memtables and checkpoint of one store, put together.
//
//   store.cc             opening, applying, views, space
//   store_checkpoint.cc  when a memtable is frozen and how it gets into the checkpoint
//   store_snapshot.cc    ranges copied out, taken in and cleared
#pragma once

#include "runtime/sync.h"
#include "storage/checkpoint.h"
#include "storage/engine.h"
#include "storage/read_view.h"

namespace quorate::storage {

class Store : public Engine {
 public:
  Store(runtime::Env& env, EngineOptions options, std::unique_ptr<CheckpointStore> checkpoint);
  ~Store() override;
  runtime::Task<Status> open();

  LogStore& log() override { return *log_; }
  void apply(RangeId range, LogIndex index, std::shared_ptr<const Bytes> payload,
             BytesView operations) override;
  LogIndex applied_index(RangeId range) const override;
  LogIndex checkpointed_index(RangeId range) const override;
  bool write_stalled() const override;
  bool apply_stalled() const override;
  MemtableUse memtable_use() const override;
  runtime::Task<Status> wait_for_room(runtime::CancelToken token,
                                      runtime::Instant deadline) override;
  std::unique_ptr<ReadView> view() override;
  ReadView& view_now() override;
  void set_gc_threshold(const KeySpan& span, Timestamp threshold) override;
  runtime::Task<Status> clear_replica(RangeId range, KeySpan span) override;
  runtime::Task<Result<std::unique_ptr<SnapshotReader>>> make_snapshot(RangeId range,
                                                                       KeySpan span) override;
  runtime::Task<Result<std::unique_ptr<SnapshotWriter>>> receive_snapshot() override;
  runtime::Task<Result<Verified>> verify(RangeId range, KeySpan span, Bytes from,
                                         uint64_t bytes_max) override;
  Bytes damaged_key() const override { return damaged_key_; }
  std::vector<Bytes> take_damaged() override { return std::exchange(damaged_, {}); }
  SpanStats span_stats(const KeySpan& span) override;
  Bytes middle_key(const KeySpan& span) override;
  Space space() const override;
  Status health() const override;
  runtime::Task<Status> checkpoint_now() override;

 private:
  class Spooled;
  class Receiver;

  // store.cc
  runtime::Task<Status> check_format(bool fresh);
  runtime::Task<Status> finish_clears(std::vector<std::pair<RangeId, KeySpan>> clears);
  runtime::Task<Status> empty_spool();

  Status publish_run(BytesView key, Timestamp ts);

  // store_checkpoint.cc
  void start_checkpoint();
  runtime::Task<void> checkpoint_loop();
  runtime::Task<void> age_loop();
  runtime::Task<Status> flush();  // with the turn
  runtime::Task<Status> wait_for_log(std::shared_ptr<const Memtable> memtable);
  bool log_covers(const Memtable& memtable) const;
  // One transaction besides the checkpoints', with the log's facts in it. `edit` may change them.
  runtime::Task<Status> write_extra(std::function<Status(CheckpointWriter&, BucketEditor&)> fill,
                                    std::map<RangeId, LogIndex> applied,
                                    std::map<RangeId, LogGroupMeta> metas);
  bool memtable_full() const;
  Status note_failure(Status why);

  // store_snapshot.cc
  runtime::Task<Status> clear_span(RangeId range, KeySpan span);
  runtime::Task<void> remove_spool_file(std::string path);

  runtime::Env& env_;
  const EngineOptions options_;
  std::unique_ptr<CheckpointStore> checkpoint_;
  std::unique_ptr<DurableLog> log_;
  Status failed_;
  Bytes damaged_key_;
  std::vector<Bytes> damaged_;

  std::shared_ptr<Memtable> active_;
  std::shared_ptr<const Memtable> frozen_;
  std::shared_ptr<CheckpointReader> reader_;  // of the latest checkpoint; shared by views
  // Of the three above; dropped where one of them is replaced, since it holds on to them.
  std::unique_ptr<View> now_;
  size_t largest_growth_ = 0;  // of the memtable, by one entry
  uint64_t sequence_ = 0;
  std::map<RangeId, LogIndex> applied_, checkpointed_;
  GcThresholds thresholds_;
  std::shared_ptr<const Buckets> buckets_;

  runtime::Semaphore turn_;  // one write to the checkpoint at a time
  bool checkpointing_ = false;
  runtime::WaitList room_;
  uint32_t next_spool_ = 1;
  uint32_t next_receiver_ = 1;
  mutable runtime::Instant space_seen_;
  mutable Space space_ = Space::kPlenty;
  mutable bool space_known_ = false;
  runtime::TaskScope scope_;  // last: its tasks use all of the above
};

// Gives a turn back on every path.
class Turn {
 public:
  explicit Turn(runtime::Semaphore& s) : semaphore_(s) {}
  Turn(const Turn&) = delete;
  ~Turn() { semaphore_.release(1); }

 private:
  runtime::Semaphore& semaphore_;
};

}  // namespace quorate::storage
