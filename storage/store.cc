#include "storage/store.h"

#include <fmt/format.h>

#include <charconv>

#include "base/archive.h"
#include "base/limits.h"
#include "base/mark.h"
#include "storage/run_body.h"
#include "storage/store_format.h"

namespace quorate::storage {
namespace {

constexpr std::string_view kFormatFile = "FORMAT";
constexpr std::string_view kFormatText = "quorate store, format ";
// Of the memtable where the disk is short of space. Each may change a page of its own.
constexpr size_t kRowsWithoutSpaceMax = 4'096;
// LMDB's free space is asked for at most this often.
constexpr runtime::Duration kSpaceLookInterval = std::chrono::milliseconds(500);

}  // namespace

Store::Store(runtime::Env& env, EngineOptions options, std::unique_ptr<CheckpointStore> checkpoint)
    : env_(env),
      options_(std::move(options)),
      checkpoint_(std::move(checkpoint)),
      active_(std::make_shared<Memtable>()),
      turn_(*env.executor, 1),
      room_(*env.executor),
      scope_(*env.executor) {}

Store::~Store() {
  scope_.cancel_all();
  log_.reset();
  now_.reset();
  reader_.reset();  // before the checkpoint store it reads
}

runtime::Task<Result<std::unique_ptr<Engine>>> Engine::open(
    runtime::Env& env, EngineOptions options, std::unique_ptr<CheckpointStore> checkpoint) {
  auto store = std::make_unique<Store>(env, std::move(options), std::move(checkpoint));
  CO_RETURN_IF_ERROR(co_await store->open());
  std::unique_ptr<Engine> out = std::move(store);
  co_return std::move(out);
}

runtime::Task<Status> Store::open() {
  reader_ = checkpoint_->read();
  CheckpointState state;
  CO_RETURN_IF_ERROR(co_await env_.disk->make_directory(options_.directory));
  // The file first: a newer format's checkpoint need not be readable.
  bool fresh = !reader_->get(kMetaFormat).has_value();
  CO_RETURN_IF_ERROR(co_await check_format(fresh));
  now_.reset();
  reader_ = checkpoint_->read();
  CO_RETURN_IF_ERROR(load_checkpoint(*reader_, state));
  applied_ = checkpointed_ = state.log.applied;
  buckets_ = std::make_shared<const Buckets>(std::move(state.buckets));
  LogOptions log_options;
  log_options.directory = options_.directory + "/log";
  log_options.segment_bytes = options_.segment_bytes;
  log_options.retained_bytes = options_.log_retained_bytes;
  log_options.cache_bytes = options_.entry_cache_bytes;
  log_options.wants_checkpoint = [this] { start_checkpoint(); };
  log_options.planted = options_.planted;
  CO_ASSIGN_OR_RETURN(
      log_, co_await DurableLog::open(env_, std::move(log_options), std::move(state.log)));
  CO_RETURN_IF_ERROR(co_await finish_clears(std::move(state.clears)));
  CO_RETURN_IF_ERROR(co_await empty_spool());
  scope_.spawn(age_loop());
  co_return Status();
}

runtime::Task<Status> Store::check_format(bool fresh) {
  const std::string path = fmt::format("{}/{}", options_.directory, kFormatFile);
  CO_ASSIGN_OR_RETURN(std::vector<std::string> names, co_await env_.disk->list(options_.directory));
  bool have_file = std::find(names.begin(), names.end(), kFormatFile) != names.end();
  if (have_file) {
    CO_ASSIGN_OR_RETURN(Bytes text, co_await env_.disk->read_file(path));
    uint64_t number = 0;
    bool good = text.starts_with(kFormatText);
    if (good) {
      const char* digits = text.data() + kFormatText.size();
      good = std::from_chars(digits, text.data() + text.size(), number).ec == std::errc();
    }
    if (!good) co_return corruption(fmt::format("\"{}\" is damaged", path));
    if (number > kStoreFormat) {
      co_return failed_precondition(
          fmt::format("the store in \"{}\" has format {}, this version of the server knows formats "
                      "up to {}",
                      options_.directory, number, kStoreFormat));
    }
    if (fresh) {
      co_return corruption(
          fmt::format("the checkpoint of the store in \"{}\" is missing", options_.directory));
    }
    co_return Status();
  }
  if (fresh) {
    auto fill = [](CheckpointWriter& w) { return w.put(kMetaFormat, encode(kStoreFormat)); };
    CO_RETURN_IF_ERROR(co_await checkpoint_->write(fill));
  }
  co_return co_await env_.disk->write_file(path, fmt::format("{}{}\n", kFormatText, kStoreFormat));
}

runtime::Task<Status> Store::finish_clears(std::vector<std::pair<RangeId, KeySpan>> clears) {
  for (auto& [range, span] : clears) {
    MARK("storage: a start goes on with a removal of rows");
    CO_RETURN_IF_ERROR(co_await clear_span(range, span));
  }
  co_return Status();
}

LogIndex Store::applied_index(RangeId range) const {
  auto it = applied_.find(range);
  LogIndex applied = it == applied_.end() ? LogIndex() : it->second;
  return std::max(applied, log_->first_index(range).prev());
}

LogIndex Store::checkpointed_index(RangeId range) const {
  auto it = checkpointed_.find(range);
  return it == checkpointed_.end() ? LogIndex() : it->second;
}

void Store::apply(RangeId range, LogIndex index, std::shared_ptr<const Bytes> payload,
                  BytesView operations) {
  if (!failed_.ok()) return;
  CHECK_MSG(index == applied_index(range).next(),
            fmt::format("r{}: applies {} after {}", range.value, index.value,
                        applied_index(range).value));
  ++sequence_;
  const size_t before = active_->bytes();
  if (!operations.empty()) active_->retain(std::move(payload));
  WriteBatchReader reader(operations);
  while (reader.next()) {
    CHECK(StoredKey(reader.keyspace, reader.key).fits());
    if (reader.op == WriteBatch::Op::kPublishRun) {
      Status published = publish_run(reader.key, reader.ts);
      if (published.ok()) continue;
      (void)note_failure(
          published.with_context(fmt::format("r{}: entry {}", range.value, index.value)));
      return;
    }
    bool deleted =
        reader.op == WriteBatch::Op::kDeleteVersion || reader.op == WriteBatch::Op::kDelete;
    active_->put(reader.keyspace, reader.key, reader.ts, sequence_, reader.value, deleted);
  }
  if (!reader.status().ok()) {
    (void)note_failure(
        reader.status().with_context(fmt::format("r{}: entry {}", range.value, index.value)));
    return;
  }
  applied_[range] = index;
  active_->applied[range] = index;
  largest_growth_ = std::max(largest_growth_, active_->bytes() - before);
  if (memtable_full()) start_checkpoint();
}

// The run's rows stay where they are: in the entry that brought them where the active memtable
// keeps it, else in a copy that it keeps from now on.
Status Store::publish_run(BytesView key, Timestamp ts) {
  BytesView body;
  const MemRow* row = active_->find(Keyspace::kRunBody, key);
  if (row != nullptr) {
    const MemVersion* v = row->newest;
    if (!v->deleted) body = v->value;
  } else {
    std::unique_ptr<ReadView> now = view();
    auto looked = now->plain(Keyspace::kRunBody, key);
    if (looked.status().code() == StatusCode::kCorruption)
      damaged_key_ = StoredKey(Keyspace::kRunBody, key).view();
    ASSIGN_OR_RETURN(auto found, std::move(looked));
    if (found) {
      MARK("storage: a run is published from below the memtable");
      auto copy = std::make_shared<const Bytes>(*found);
      body = *copy;
      active_->retain(std::move(copy));
    }
  }
  if (body.empty()) return corruption("a run to be published is not there");
  ASSIGN_OR_RETURN(RunReader run, RunReader::open(body));
  RunRow r;
  size_t at = 1;
  while (run.next(&at, r)) {
    active_->put(Keyspace::kRow, r.key, ts, sequence_, r.value, r.deleted);
  }
  if (at != run.end()) return corruption("a run to be published is malformed");
  active_->put(Keyspace::kRun, key, Timestamp(), sequence_, {}, true);
  active_->put(Keyspace::kRunBody, key, Timestamp(), sequence_, {}, true);
  return Status();
}

std::unique_ptr<ReadView> Store::view() {
  return std::make_unique<View>(ViewSources{{active_, frozen_}, reader_, sequence_});
}

ReadView& Store::view_now() {
  if (now_ == nullptr) {
    now_ = std::make_unique<View>(ViewSources{{active_, frozen_}, reader_, sequence_});
  }
  now_->advance(sequence_);
  return *now_;
}

void Store::set_gc_threshold(const KeySpan& span, Timestamp threshold) {
  if (options_.planted.collect_beyond_threshold) threshold = threshold.add_micros(2'000'000);
  thresholds_.raise(span, threshold);
}

// Also while the checkpoint that will freeze it waits for its turn.
bool Store::write_stalled() const {
  return (frozen_ != nullptr || checkpointing_) && memtable_full();
}

bool Store::apply_stalled() const {
  return (frozen_ != nullptr || checkpointing_) &&
         active_->bytes() >= 2 * options_.memtable_bytes && !options_.planted.apply_without_limit;
}

Engine::MemtableUse Store::memtable_use() const {
  // Entries of up to memtable_bytes are applied together; rows and their places take several times
  // what small entries do.
  constexpr size_t kOverhead = 8;
  const size_t one = (2 + kOverhead) * options_.memtable_bytes + 2 * largest_growth_;
  return {active_->bytes() + (frozen_ ? frozen_->bytes() : 0), 2 * one};
}

runtime::Task<Status> Store::wait_for_room(runtime::CancelToken token, runtime::Instant deadline) {
  while (write_stalled()) {
    MARK("storage: writes wait for a checkpoint");
    CO_RETURN_IF_ERROR(health());
    CO_RETURN_IF_ERROR(co_await room_.wait(token, deadline));
  }
  co_return health();
}

namespace {

// A span this small is counted row by row: buckets know nothing within themselves.
constexpr uint64_t kCountedRowsMax = 256;

std::optional<SpanStats> count_rows(ReadView& view, const KeySpan& span) {
  RowIteratorOptions options;
  options.span = span;
  options.ts = Timestamp::max();
  SpanStats out;
  for (auto rows = view.rows(options); rows->valid(); rows->next()) {
    if (++out.rows > kCountedRowsMax) return std::nullopt;
    out.bytes += rows->key().size() + rows->value().size();
  }
  return out;
}

}  // namespace

SpanStats Store::span_stats(const KeySpan& span) {
  Bucket stored = sum_buckets(*buckets_, span);
  if (stored.bytes <= kBucketBytes) {
    if (auto counted = count_rows(*view(), span)) return *counted;
  }
  SpanStats out{stored.bytes, stored.rows};
  // Rows in the memtables may replace stored ones; they count as new where they are the more.
  Memtable::Estimate fresh = active_->estimate(Keyspace::kRow, span);
  if (frozen_ != nullptr) {
    Memtable::Estimate f = frozen_->estimate(Keyspace::kRow, span);
    fresh = {std::max(fresh.rows, f.rows), std::max(fresh.bytes, f.bytes)};
  }
  out.rows = std::max(out.rows, fresh.rows);
  out.bytes = std::max(out.bytes, fresh.bytes);
  return out;
}

namespace {

// Where the buckets of a span have half its bytes: a border, nearest to the middle.
Bytes middle_bucket(const Buckets& buckets, const KeySpan& span) {
  const uint64_t half = sum_buckets(buckets, span).bytes / 2;
  uint64_t sum = 0;
  auto it = buckets.upper_bound(span.start);
  if (it != buckets.begin()) sum = std::prev(it)->second.bytes / 2;
  for (; it != buckets.end() && (span.end.empty() || it->first < span.end); ++it) {
    if (sum >= half && it->first > span.start) return it->first;
    sum += it->second.bytes;
  }
  return {};
}

// The middle of a span that is small enough to walk.
Bytes middle_row(ReadView& view, const KeySpan& span) {
  RowIteratorOptions options;
  options.span = span;
  options.ts = Timestamp::max();
  uint64_t total = 0;
  std::vector<std::pair<uint64_t, Bytes>> keys;
  for (auto rows = view.rows(options); rows->valid(); rows->next()) {
    if (rows->key() > span.start) keys.emplace_back(total, rows->key());
    total += rows->key().size() + rows->value().size();
    if (total > 4 * kBucketBytes) break;
  }
  for (auto& [before, key] : keys) {
    if (before >= total / 2) return std::move(key);
  }
  return keys.empty() ? Bytes() : std::move(keys.back().second);
}

}  // namespace

Bytes Store::middle_key(const KeySpan& span) {
  Bytes border = middle_bucket(*buckets_, span);
  Bucket stored = sum_buckets(*buckets_, span);
  if (!border.empty() && stored.bytes >= 4 * kBucketBytes) return border;
  std::unique_ptr<ReadView> now = view();
  return middle_row(*now, span);
}

Space Store::space() const {
  runtime::Instant now = env_.executor->now();
  if (space_known_ && now < space_seen_ + kSpaceLookInterval) return space_;
  space_seen_ = now;
  space_known_ = true;
  const uint64_t free = checkpoint_->free_bytes();
  if (free <= options_.disk_reserve_bytes / 2) {
    space_ = Space::kOut;
  } else if (free <= options_.disk_reserve_bytes ||
             env_.disk->free_bytes() <= options_.segment_bytes) {
    space_ = Space::kLow;
  } else {
    space_ = Space::kPlenty;
  }
  return space_;
}

// A checkpoint needs room for all pages that it changes, before it frees what they were: small ones
// need less at a time.
bool Store::memtable_full() const {
  const size_t bytes = active_->bytes();
  if (bytes >= options_.memtable_bytes) return true;
  const bool large =
      bytes >= options_.memtable_bytes / 8 || active_->rows() >= kRowsWithoutSpaceMax;
  return large && space() != Space::kPlenty;
}

Status Store::health() const { return failed_.ok() ? log_->health() : failed_; }

}  // namespace quorate::storage
