// When the memtable is frozen, and how it gets into the checkpoint.
#include <fmt/format.h>

#include "base/archive.h"
#include "base/mark.h"
#include "storage/store.h"
#include "storage/store_format.h"

namespace quorate::storage {
namespace {

constexpr runtime::Duration kRetryDelay = std::chrono::seconds(1);  // after a full disk
// Between checkpoints while the disk is short of space: what was removed is free only after two.
constexpr runtime::Duration kAgeWithoutSpace = std::chrono::seconds(2);
constexpr runtime::Duration kLogPollDelay = std::chrono::milliseconds(2);

}  // namespace

Status Store::note_failure(Status why) {
  if (!failed_.ok()) return failed_;
  failed_ = why;
  env_.log.error("the store stops: {}", failed_.message());
  room_.wake_all();
  return failed_;
}

void Store::start_checkpoint() {
  if (checkpointing_ || !failed_.ok()) return;
  checkpointing_ = true;
  scope_.spawn(checkpoint_loop());
}

runtime::Task<void> Store::checkpoint_loop() {
  // What made us start may be the log's wish, with a memtable far from full.
  bool more = true;
  while (more && failed_.ok()) {
    Status done = co_await checkpoint_now();
    more = frozen_ != nullptr || memtable_full();
    if (!done.ok() && more) (void)co_await runtime::sleep_for(*env_.executor, kRetryDelay);
  }
  checkpointing_ = false;
}

runtime::Task<void> Store::age_loop() {
  runtime::Instant due = env_.executor->now() + options_.memtable_age;
  while (failed_.ok()) {
    const runtime::Duration left = due - env_.executor->now();
    (void)co_await runtime::sleep_for(*env_.executor, std::min(left, kAgeWithoutSpace));
    if (env_.executor->now() < due && space() == Space::kPlenty) continue;
    due = env_.executor->now() + options_.memtable_age;
    if (!active_->applied.empty() || thresholds_.next_sweep()) start_checkpoint();
  }
}

runtime::Task<Status> Store::checkpoint_now() {
  CO_RETURN_IF_ERROR(co_await turn_.acquire(1));
  Turn turn(turn_);
  // First the one that an earlier failure left frozen, then what is active now.
  if (frozen_ != nullptr) CO_RETURN_IF_ERROR(co_await flush());
  co_return co_await flush();
}

bool Store::log_covers(const Memtable& memtable) const {
  for (auto [range, index] : memtable.applied) {
    // A range that was removed meanwhile has no log to wait for.
    if (log_->replica(range) && log_->durable_index(range) < index) return false;
  }
  return true;
}

// A checkpoint covers only what this log has synced (safety: checkpoint-whole).
runtime::Task<Status> Store::wait_for_log(std::shared_ptr<const Memtable> memtable) {
  if (options_.planted.checkpoint_unsynced) co_return Status();
  CO_RETURN_IF_ERROR(co_await log_->sync());
  while (!log_covers(*memtable)) {
    MARK("storage: a checkpoint waits for the log");
    CO_RETURN_IF_ERROR(co_await runtime::sleep_for(*env_.executor, kLogPollDelay));
    CO_RETURN_IF_ERROR(co_await log_->sync());
  }
  co_return Status();
}

runtime::Task<Status> Store::flush() {
  CO_RETURN_IF_ERROR(health());
  if (frozen_ == nullptr) {
    frozen_ = active_;
    active_ = std::make_shared<Memtable>();
    now_.reset();
    room_.wake_all();
  }
  std::shared_ptr<const Memtable> memtable = frozen_;
  Status waited = co_await wait_for_log(memtable);
  if (!waited.ok()) co_return waited;
  auto input = std::make_shared<CheckpointInput>();
  input->memtable = memtable;
  input->log = log_->changes_for_checkpoint();
  input->thresholds = thresholds_;
  input->buckets = buckets_;
  input->planted = options_.planted;
  auto output = std::make_shared<CheckpointOutput>();
  auto fill = [input, output](CheckpointWriter& w) { return write_checkpoint(*input, w, *output); };
  Status written = co_await checkpoint_->write(std::move(fill));
  if (!written.ok()) {
    log_->checkpoint_failed(input->log);
    // A full disk passes; anything else is for good.
    if (written.code() == StatusCode::kResourceExhausted) co_return written;
    co_return note_failure(written.with_context("the checkpoint"));
  }
  now_.reset();
  reader_ = checkpoint_->read();
  buckets_ = std::make_shared<const Buckets>(std::move(output->buckets));
  if (damaged_.empty()) damaged_ = std::move(output->damaged);
  if (output->sweep) thresholds_.swept(*output->sweep, output->swept_until);
  for (auto [range, index] : memtable->applied) checkpointed_[range] = index;
  log_->checkpointed(input->log, memtable->applied);
  frozen_.reset();
  input.reset();
  room_.wake_all();
  // A hundred thousand small frees: not on the executor.
  runtime::Callback free = [memtable = std::move(memtable)]() mutable { memtable.reset(); };
  co_await env_.disk->run_blocking(std::move(free));
  co_return Status();
}

runtime::Task<Status> Store::write_extra(
    std::function<Status(CheckpointWriter&, BucketEditor&)> fill,
    std::map<RangeId, LogIndex> applied, std::map<RangeId, LogGroupMeta> metas) {
  auto changes = std::make_shared<DurableLog::Changes>(log_->changes_for_checkpoint());
  for (auto& [range, meta] : metas) changes->groups[range] = std::move(meta);
  auto editor = std::make_shared<BucketEditor>(*buckets_);
  auto work = [changes, editor, fill = std::move(fill), applied](CheckpointWriter& w) {
    RETURN_IF_ERROR(fill(w, *editor));
    for (auto [range, index] : applied) {
      RETURN_IF_ERROR(w.put(meta_applied_key(range), encode(index)));
    }
    RETURN_IF_ERROR(write_log_changes(*changes, w));
    return editor->finish(w);
  };
  Status written = co_await checkpoint_->write(std::move(work));
  if (!written.ok()) {
    log_->checkpoint_failed(*changes);
    // A full disk passes, and a bad snapshot is its sender's fault.
    bool passes = written.code() == StatusCode::kResourceExhausted ||
                  written.code() == StatusCode::kInvalidArgument;
    if (passes) co_return written;
    co_return note_failure(written.with_context("the checkpoint"));
  }
  now_.reset();
  reader_ = checkpoint_->read();
  buckets_ = std::make_shared<const Buckets>(editor->take());
  for (auto [range, index] : applied) checkpointed_[range] = index;
  log_->checkpointed(*changes, applied);
  co_return Status();
}

}  // namespace quorate::storage
