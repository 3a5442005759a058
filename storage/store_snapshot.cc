// Ranges copied out (through a spool, so that a slow receiver pins no pages), taken in (through a
// staging keyspace of the checkpoint, so that the installation is one transaction), and cleared.
#include <fmt/format.h>

#include <algorithm>

#include "base/mark.h"
#include "base/ordered_encoding.h"
#include "storage/snapshot_format.h"
#include "storage/store.h"
#include "storage/store_format.h"

namespace quorate::storage {
namespace {

constexpr size_t kClearedAtOnce = 20'000;  // keys of one transaction
constexpr char kStaging = 'x';             // stored keys of snapshots under way, by receiver

Bytes staging_prefix(uint32_t receiver) {
  Bytes out(1, kStaging);
  put_ordered_u32(receiver, out);
  return out;
}

std::string spool_directory(const std::string& store) { return store + "/spool"; }

}  // namespace

// --- clearing ---

runtime::Task<Status> Store::clear_replica(RangeId range, KeySpan span) {
  {
    CO_RETURN_IF_ERROR(co_await turn_.acquire(1));
    Turn turn(turn_);
    // What the memtables hold of the span goes into the checkpoint first, and dies there.
    if (frozen_ != nullptr) CO_RETURN_IF_ERROR(co_await flush());
    CO_RETURN_IF_ERROR(co_await flush());
    auto mark = [range, span](CheckpointWriter& w, BucketEditor&) {
      return w.put(meta_clear_key(range), encode(span));
    };
    CO_RETURN_IF_ERROR(co_await write_extra(std::move(mark), {}, {}));
  }
  CO_RETURN_IF_ERROR(co_await clear_span(range, span));
  co_return Status();
}

runtime::Task<Status> Store::clear_span(RangeId range, KeySpan span) {
  auto spans = std::make_shared<const std::vector<StoredSpan>>(stored_spans(range, span));
  auto done = std::make_shared<bool>(false);
  while (!*done) {
    CO_RETURN_IF_ERROR(co_await turn_.acquire(1));
    Turn turn(turn_);
    auto step = [spans, done, range, span](CheckpointWriter& w, BucketEditor& buckets) {
      std::vector<Bytes> doomed;
      for (const StoredSpan& s : *spans) {
        std::unique_ptr<CheckpointCursor> cursor = w.cursor();
        bool more = cursor->seek(s.start);
        for (; more && doomed.size() < kClearedAtOnce; more = cursor->next()) {
          if (!s.end.empty() && cursor->key() >= s.end) break;
          doomed.emplace_back(cursor->key());
        }
      }
      for (const Bytes& key : doomed) RETURN_IF_ERROR(w.remove(key));
      *done = doomed.size() < kClearedAtOnce;
      buckets.recount(span);
      if (!*done) return Status();
      RETURN_IF_ERROR(w.remove(meta_applied_key(range)));
      return w.remove(meta_clear_key(range));
    };
    CO_RETURN_IF_ERROR(co_await write_extra(std::move(step), {}, {}));
  }
  applied_.erase(range);
  checkpointed_.erase(range);
  co_return Status();
}

// --- copying out ---

class Store::Spooled : public Engine::SnapshotReader {
 public:
  Spooled(Store& store, std::string path) : store_(store), path_(std::move(path)) {}
  ~Spooled() override { store_.scope_.spawn(store_.remove_spool_file(path_)); }
  const SnapshotInfo& info() const override { return info_; }

  runtime::Task<Result<Bytes>> next_chunk() override {
    if (next_ >= sizes_.size()) co_return Bytes();
    const size_t size = sizes_[next_++];
    const uint64_t offset = read_to_;
    read_to_ += size;
    CO_ASSIGN_OR_RETURN(Bytes chunk, co_await file_->read_at(offset, size));
    if (chunk.size() != size) co_return corruption("the spool of a snapshot is short");
    co_return std::move(chunk);
  }

  // Copies what the reader has of the range.
  static runtime::Task<Status> fill(Spooled* spool, std::shared_ptr<CheckpointReader> reader,
                                    std::vector<StoredSpan> spans);

 private:
  friend class Store;
  runtime::Task<Status> add(SnapshotChunk chunk) {
    Bytes bytes = encode_chunk(chunk);
    CO_RETURN_IF_ERROR(
        co_await file_->write_and_sync(info_.bytes, bytes, runtime::SyncPlace::kHelper));
    sizes_.push_back(bytes.size());
    info_.bytes += bytes.size();
    co_return Status();
  }

  Store& store_;
  const std::string path_;
  std::unique_ptr<runtime::File> file_;
  SnapshotInfo info_;
  std::vector<size_t> sizes_;
  size_t next_ = 0;
  uint64_t read_to_ = 0;
};

runtime::Task<Status> Store::Spooled::fill(Spooled* spool, std::shared_ptr<CheckpointReader> reader,
                                           std::vector<StoredSpan> spans) {
  SnapshotChunk chunk;
  size_t bytes = 0;
  uint64_t total = 0;
  for (const StoredSpan& span : spans) {
    std::unique_ptr<CheckpointCursor> cursor = reader->cursor();
    for (bool more = cursor->seek(span.start); more; more = cursor->next()) {
      if (!span.end.empty() && cursor->key() >= span.end) break;
      // Damage must not spread.
      CO_RETURN_IF_ERROR(verify_stored(cursor->key(), cursor->value()));
      chunk.records.emplace_back(cursor->key(), cursor->value());
      bytes += cursor->key().size() + cursor->value().size();
      ++total;
      if (bytes < kSnapshotChunkBytes) continue;
      uint64_t next = chunk.number + 1;
      CO_RETURN_IF_ERROR(co_await spool->add(std::move(chunk)));
      chunk = SnapshotChunk();
      chunk.number = next;
      bytes = 0;
    }
  }
  CO_RETURN_IF_ERROR(reader->status());
  chunk.last = true;
  chunk.total = total;
  co_return co_await spool->add(std::move(chunk));
}

runtime::Task<Result<std::unique_ptr<Engine::SnapshotReader>>> Store::make_snapshot(RangeId range,
                                                                                    KeySpan span) {
  std::string path =
      fmt::format("{}/{}.snapshot", spool_directory(options_.directory), next_spool_++);
  auto spool = std::make_unique<Spooled>(*this, path);
  std::shared_ptr<CheckpointReader> reader;
  {
    CO_RETURN_IF_ERROR(co_await turn_.acquire(1));
    Turn turn(turn_);
    if (frozen_ != nullptr) CO_RETURN_IF_ERROR(co_await flush());
    CO_RETURN_IF_ERROR(co_await flush());
    reader = reader_;
    // At least the truncated index: a child range that has applied nothing yet.
    LogIndex truncated = log_->first_index(range).prev();
    spool->info_.index = std::max(checkpointed_index(range), truncated);
    spool->info_.term = log_->term(range, spool->info_.index);
  }
  if (spool->info_.index && !spool->info_.term) {
    co_return internal_error(
        fmt::format("r{}: no term at applied index {}", range.value, spool->info_.index.value));
  }
  runtime::OpenOptions create{.create = true, .direct = false};
  CO_ASSIGN_OR_RETURN(spool->file_, co_await env_.disk->open(path, create));
  CO_RETURN_IF_ERROR(co_await Spooled::fill(spool.get(), reader, stored_spans(range, span)));
  std::unique_ptr<SnapshotReader> out = std::move(spool);
  co_return std::move(out);
}

// --- looking for damage ---

runtime::Task<Result<Engine::Verified>> Store::verify(RangeId range, KeySpan span, Bytes from,
                                                      uint64_t bytes_max) {
  struct Look {
    std::unique_ptr<CheckpointReader> reader;  // of its own: the helper's
    std::vector<StoredSpan> spans;
    Verified out;
    Status status;
  };
  auto look = std::make_unique<Look>();
  look->reader = checkpoint_->read();
  look->spans = stored_spans(range, span);
  std::sort(look->spans.begin(), look->spans.end(),
            [](const StoredSpan& a, const StoredSpan& b) { return a.start < b.start; });
  auto work = [look = look.get(), from, bytes_max] {
    std::unique_ptr<CheckpointCursor> cursor = look->reader->cursor();
    for (const StoredSpan& s : look->spans) {
      if (!s.end.empty() && from >= s.end) continue;
      for (bool more = cursor->seek(std::max(from, s.start)); more; more = cursor->next()) {
        if (!s.end.empty() && cursor->key() >= s.end) break;
        if (look->out.bytes >= bytes_max) {
          look->out.next = cursor->key();
          return;
        }
        look->out.bytes += cursor->key().size() + cursor->value().size();
        look->status = verify_stored(cursor->key(), cursor->value());
        if (!look->status.ok()) return;
      }
    }
    look->status = look->reader->status();
  };
  co_await env_.disk->run_blocking(std::move(work));
  CO_RETURN_IF_ERROR(look->status);
  co_return std::move(look->out);
}

runtime::Task<void> Store::remove_spool_file(std::string path) {
  // Left behind where it fails; the next start empties the spool.
  (void)co_await env_.disk->remove(path);
}

runtime::Task<Status> Store::empty_spool() {
  const std::string directory = spool_directory(options_.directory);
  CO_RETURN_IF_ERROR(co_await env_.disk->make_directory(directory));
  CO_ASSIGN_OR_RETURN(std::vector<std::string> names, co_await env_.disk->list(directory));
  for (const std::string& name : names) {
    CO_RETURN_IF_ERROR(co_await env_.disk->remove(directory + "/" + name));
  }
  if (!reader_->cursor()->seek(Bytes(1, kStaging))) co_return Status();
  MARK("storage: a start drops a snapshot that was under way");
  auto drop = [](CheckpointWriter& w) {
    Bytes start(1, kStaging);
    return w.remove_span(start, prefix_successor(start));
  };
  CO_RETURN_IF_ERROR(co_await checkpoint_->write(drop));
  now_.reset();
  reader_ = checkpoint_->read();
  co_return Status();
}

// --- taking in ---

class Store::Receiver : public Engine::SnapshotWriter {
 public:
  Receiver(Store& store, uint32_t number) : store_(store), prefix_(staging_prefix(number)) {}
  ~Receiver() override;

  runtime::Task<Status> add_chunk(Bytes bytes) override {
    auto chunk = std::make_shared<SnapshotChunk>();
    CO_RETURN_IF_ERROR(decode_chunk(bytes, *chunk));
    if (complete_ || chunk->number != next_) {
      co_return failed_precondition(
          fmt::format("snapshot chunk {} came where {} was expected", chunk->number, next_));
    }
    CO_RETURN_IF_ERROR(co_await store_.turn_.acquire(1));
    Turn turn(store_.turn_);
    started_ = true;
    auto stage = [chunk, prefix = prefix_](CheckpointWriter& w) {
      for (const auto& [key, value] : chunk->records) {
        RETURN_IF_ERROR(w.put(prefix + key, value));
      }
      return Status();
    };
    CO_RETURN_IF_ERROR(co_await store_.checkpoint_->write(std::move(stage)));
    ++next_;
    received_ += chunk->records.size();
    complete_ = chunk->last;
    if (complete_ && received_ != chunk->total) co_return corruption("the snapshot lacks records");
    co_return Status();
  }

  runtime::Task<Status> install(RangeId range, KeySpan span, LogIndex index, Term term) override;

 private:
  static runtime::Task<void> drop(Store* store, Bytes prefix) {
    if (!(co_await store->turn_.acquire(1)).ok()) co_return;
    Turn turn(store->turn_);
    auto work = [prefix](CheckpointWriter& w) {
      return w.remove_span(prefix, prefix_successor(prefix));
    };
    (void)co_await store->checkpoint_->write(std::move(work));
  }
  static Status move_in(CheckpointWriter& w, const Bytes& prefix,
                        const std::vector<StoredSpan>& spans, bool clear);

  Store& store_;
  const Bytes prefix_;
  uint64_t next_ = 0, received_ = 0;
  bool started_ = false, complete_ = false, installed_ = false;
};

Store::Receiver::~Receiver() {
  if (started_ && !installed_) {
    MARK("storage: a snapshot that came is not installed");
    store_.scope_.spawn(Receiver::drop(&store_, prefix_));
  }
}

Status Store::Receiver::move_in(CheckpointWriter& w, const Bytes& prefix,
                                const std::vector<StoredSpan>& spans, bool clear) {
  for (const StoredSpan& s : clear ? spans : std::vector<StoredSpan>())
    RETURN_IF_ERROR(w.remove_span(s.start, s.end));
  // A cursor does not live over writes: a bounded run of keys at a time.
  constexpr size_t kRun = 1000;
  Bytes at = prefix;
  while (true) {
    std::vector<std::pair<Bytes, Bytes>> run;
    {
      std::unique_ptr<CheckpointCursor> cursor = w.cursor();
      bool more = cursor->seek(at);
      for (; more && run.size() < kRun; more = cursor->next()) {
        if (!cursor->key().starts_with(prefix)) break;
        run.emplace_back(cursor->key(), cursor->value());
      }
    }
    if (run.empty()) break;
    at = key_successor(run.back().first);
    for (const auto& [staged, value] : run) {
      BytesView key = BytesView(staged).substr(prefix.size());
      bool inside = std::any_of(spans.begin(), spans.end(), [&](const StoredSpan& s) {
        return key >= s.start && (s.end.empty() || key < s.end);
      });
      if (!inside) return invalid_argument("a snapshot holds keys outside its range");
      RETURN_IF_ERROR(w.put(key, value));
    }
  }
  return w.remove_span(prefix, prefix_successor(prefix));
}

runtime::Task<Status> Store::Receiver::install(RangeId range, KeySpan span, LogIndex index,
                                               Term term) {
  if (!complete_) co_return failed_precondition("the snapshot is not complete");
  CO_RETURN_IF_ERROR(co_await store_.turn_.acquire(1));
  Turn turn(store_.turn_);
  // What was applied here goes into the checkpoint before it is replaced there, so that no memtable
  // brings it back (safety: install-snapshot).
  if (!store_.options_.planted.install_over_memtable) {
    if (store_.frozen_ != nullptr) CO_RETURN_IF_ERROR(co_await store_.flush());
    CO_RETURN_IF_ERROR(co_await store_.flush());
  }
  const ReplicaId replica = store_.log_->replica(range);
  LogGroupMeta meta{replica, store_.log_->hard_state(range), index, term,
                    store_.log_->tombstone(range)};
  auto work = [prefix = prefix_, spans = stored_spans(range, span), span,
               clear = !store_.options_.planted.install_keeps_rows](CheckpointWriter& w,
                                                                    BucketEditor& buckets) {
    buckets.recount(span);
    return Receiver::move_in(w, prefix, spans, clear);
  };
  std::map<RangeId, LogIndex> applied;
  applied[range] = index;
  std::map<RangeId, LogGroupMeta> metas;
  metas[range] = std::move(meta);
  Status written =
      co_await store_.write_extra(std::move(work), std::move(applied), std::move(metas));
  if (!written.ok()) {
    // Bad chunks are the sender's fault: nothing was changed.
    co_return written;
  }
  installed_ = true;
  store_.applied_[range] = index;
  if (replica) store_.log_->reset(range, replica, index, term);
  co_return Status();
}

runtime::Task<Result<std::unique_ptr<Engine::SnapshotWriter>>> Store::receive_snapshot() {
  std::unique_ptr<SnapshotWriter> out = std::make_unique<Receiver>(*this, next_receiver_++);
  co_return std::move(out);
}

}  // namespace quorate::storage
