#include "storage/checkpoint.h"

#include <fmt/format.h>

#include "base/archive.h"
#include "base/mark.h"
#include "storage/store_format.h"

namespace quorate::storage {
namespace {

// History entries looked at by the sweep of one checkpoint: it holds LMDB's one writer.
constexpr size_t kSweepEntriesMax = 50'000;
constexpr size_t kDamagedMax = 16;  // told of a checkpoint

void note_damaged(BytesView stored, CheckpointOutput& output) {
  if (output.damaged.size() < kDamagedMax) output.damaged.emplace_back(stored);
}

// Writes one row's versions: the newest in place, older ones into history where a read at or above
// the threshold may still see them.
class RowWriter {
 public:
  RowWriter(const CheckpointInput& input, CheckpointWriter& writer, BucketEditor& buckets,
            CheckpointOutput& output)
      : writer_(writer),
        thresholds_(input.thresholds),
        hides_damage_(input.planted.hide_damage),
        buckets_(buckets),
        output_(output) {}

  Status write(const MemRow& row) {
    StoredKey at(Keyspace::kRow, row.key);
    CHECK(at.fits());
    RETURN_IF_ERROR(gather(row, at));
    const StoredVersion& newest = versions_.front();
    const Timestamp threshold = thresholds_.at(row.key);
    uint64_t new_bytes = 0;
    if (newest.deleted && newest.ts <= threshold) {
      RETURN_IF_ERROR(writer_.remove(at));
      RETURN_IF_ERROR(remove_history(row.key));
    } else {
      encode_version(row.key, newest, encoded_);
      RETURN_IF_ERROR(writer_.put(at, encoded_));
      if (!newest.deleted) new_bytes = row.key.size() + encoded_.size();
      // The reminder lets the sweep find the tombstone once its time has come.
      if (newest.deleted) RETURN_IF_ERROR(writer_.put(StoredKey(row.key, newest.ts), encoded_));
      RETURN_IF_ERROR(write_history(row.key, threshold));
      if (damaged_ && versions_.back().ts > threshold && !hides_damage_)
        RETURN_IF_ERROR(set_aside(row.key, versions_.back().ts));
    }
    buckets_.change(row.key, old_bytes_, new_bytes);
    return Status();
  }

 private:
  // All versions, newest first, one a timestamp; the checkpoint's current one among them, where it
  // can be read.
  Status gather(const MemRow& row, const StoredKey& at) {
    versions_.clear();
    old_bytes_ = 0;
    damaged_ = false;
    for (const MemVersion* v = row.newest; v != nullptr; v = v->older) {
      if (!versions_.empty() && versions_.back().ts == v->ts) continue;
      versions_.push_back({v->ts, v->deleted, v->value});
    }
    std::optional<BytesView> stored = writer_.get(at);
    if (!stored) return Status();
    // Later writes of this transaction may move what we look at.
    current_.assign(*stored);
    Result<StoredVersion> decoded = decode_version(row.key, current_);
    if (!decoded.ok()) {
      MARK("storage: a checkpoint writes over a damaged row");
      damaged_ = true;
      old_bytes_ = row.key.size() + current_.size();
      note_damaged(at, output_);
      return Status();
    }
    const StoredVersion current = *decoded;
    if (!current.deleted) old_bytes_ = row.key.size() + current_.size();
    auto place = std::find_if(versions_.begin(), versions_.end(),
                              [&](const StoredVersion& v) { return v.ts <= current.ts; });
    if (place == versions_.end() || place->ts != current.ts) versions_.insert(place, current);
    return Status();
  }

  Status write_history(BytesView key, Timestamp threshold) {
    for (size_t i = 1; i < versions_.size() && versions_[i - 1].ts > threshold; ++i) {
      encode_version(key, versions_[i], encoded_);
      RETURN_IF_ERROR(writer_.put(StoredKey(key, versions_[i].ts), encoded_));
    }
    return Status();
  }

  // When the damaged version was written can't be read either: after what history has of the row,
  // and before `newer`. Under the least such timestamp all reads that it may concern meet it; its
  // bytes don't fit there even where only the checksum was damaged.
  Status set_aside(BytesView key, Timestamp newer) {
    Timestamp least(1);
    StoredKey last(key, Timestamp());
    std::unique_ptr<CheckpointCursor> cursor = writer_.cursor();
    for (bool more = cursor->seek(StoredKey(key, newer.prev())); more; more = cursor->next()) {
      if (cursor->key() > last.view()) break;
      BytesView row;
      Timestamp ts;
      if (!parse_history_key(cursor->key(), row, ts) || row != key) continue;  // a longer key's
      least = ts.next();
      break;
    }
    cursor.reset();
    if (least >= newer) return Status();  // it has a good copy there: the reminder of a tombstone
    return writer_.put(StoredKey(key, least), current_);
  }

  Status remove_history(BytesView key) {
    StoredKey from(key, Timestamp::max()), last(key, Timestamp());
    std::vector<Bytes> doomed;
    std::unique_ptr<CheckpointCursor> cursor = writer_.cursor();
    for (bool more = cursor->seek(from); more; more = cursor->next()) {
      if (cursor->key() > last.view()) break;
      if (cursor->key().size() == last.view().size()) doomed.emplace_back(cursor->key());
    }
    for (const Bytes& stored : doomed) RETURN_IF_ERROR(writer_.remove(stored));
    return Status();
  }

  CheckpointWriter& writer_;
  const GcThresholds& thresholds_;
  const bool hides_damage_;
  BucketEditor& buckets_;
  CheckpointOutput& output_;
  std::vector<StoredVersion> versions_;
  Bytes encoded_, current_;
  uint64_t old_bytes_ = 0;
  bool damaged_ = false;  // current_ is, and not among versions_
};

Status write_plain(Keyspace keyspace, const MemRow& row, CheckpointWriter& writer, Bytes& encoded) {
  StoredKey at(keyspace, row.key);
  CHECK(at.fits());
  if (row.newest->deleted) return writer.remove(at);
  encode_plain(keyspace, row.key, row.newest->value, encoded);
  return writer.put(at, encoded);
}

Status write_memtable(const CheckpointInput& input, CheckpointWriter& writer, BucketEditor& buckets,
                      CheckpointOutput& output) {
  RowWriter rows(input, writer, buckets, output);
  Bytes encoded;
  for (Keyspace keyspace : kKeyspaces) {
    for (const MemRow* r = input.memtable->first(keyspace); r != nullptr; r = r->next) {
      RETURN_IF_ERROR(keyspace == Keyspace::kRow ? rows.write(*r)
                                                 : write_plain(keyspace, *r, writer, encoded));
    }
  }
  for (auto [range, index] : input.memtable->applied) {
    RETURN_IF_ERROR(writer.put(meta_applied_key(range), encode(index)));
  }
  return Status();
}

// Drops what the threshold allows in history that no write has touched. Ends at a row's border, so
// that no tombstone goes before what it hides.
Status sweep_history(const GcThresholds::Sweep& sweep, CheckpointWriter& writer,
                     CheckpointOutput& output) {
  Bytes& until = output.swept_until;
  std::vector<Bytes> doomed;
  Bytes row;
  Timestamp newer;         // of the version that follows the one looked at
  bool has_newer = false;  // false: none is left, all of the row may go
  bool damaged = false;    // the row's current version: nothing of it goes
  size_t looked = 0;
  const Bytes prefix(1, kHistory);
  std::unique_ptr<CheckpointCursor> cursor = writer.cursor();
  until.clear();
  for (bool more = cursor->seek(prefix + sweep.span.start); more; more = cursor->next()) {
    BytesView key;
    Timestamp ts;
    if (!parse_history_key(cursor->key(), key, ts)) break;
    if (!sweep.span.end.empty() && key >= sweep.span.end) break;
    StoredKey at(Keyspace::kRow, key);
    if (key != row || looked == 0) {
      if (looked >= kSweepEntriesMax) {
        until = key;
        break;
      }
      row = key;
      std::optional<BytesView> current = writer.get(at);
      bool deleted = false;
      has_newer = current.has_value();
      damaged = false;
      if (current) {
        // Not only looked at: a flag that has turned over would take the row away untold.
        Result<StoredVersion> version = decode_version(key, *current);
        if (version.ok()) {
          newer = version->ts;
          deleted = version->deleted;
        } else {
          MARK("storage: a sweep meets a damaged row");
          damaged = true;
          note_damaged(at, output);
        }
      }
      if (current && !damaged && deleted && newer <= sweep.threshold) {
        doomed.emplace_back(at.view());
        has_newer = false;
      }
    }
    ++looked;
    if (damaged) continue;
    // The reminder of the current tombstone is its own successor; it stays with it.
    bool reminder = has_newer && newer == ts;
    if (!has_newer || (!reminder && newer <= sweep.threshold)) doomed.emplace_back(cursor->key());
    if (has_newer) newer = ts;
  }
  cursor.reset();
  for (const Bytes& stored : doomed) RETURN_IF_ERROR(writer.remove(stored));
  return Status();
}

template <class F>
Status walk_prefix(CheckpointReader& reader, BytesView prefix, F each) {
  std::unique_ptr<CheckpointCursor> cursor = reader.cursor();
  for (bool more = cursor->seek(prefix); more; more = cursor->next()) {
    if (!cursor->key().starts_with(prefix)) break;
    RETURN_IF_ERROR(each(cursor->key(), cursor->value()));
  }
  return reader.status();
}

}  // namespace

Status write_log_changes(const DurableLog::Changes& changes, CheckpointWriter& writer) {
  for (const auto& [range, meta] : changes.groups) {
    RETURN_IF_ERROR(writer.put(meta_group_key(range), encode(meta)));
  }
  for (const auto& [key, value] : changes.locals) {
    Bytes at = meta_local_key(key);
    RETURN_IF_ERROR(value.empty() ? writer.remove(at) : writer.put(at, value));
  }
  return writer.put(kMetaLogBatch, encode(changes.batch));
}

Status write_checkpoint(const CheckpointInput& input, CheckpointWriter& writer,
                        CheckpointOutput& output) {
  BucketEditor buckets(*input.buckets);
  RETURN_IF_ERROR(write_memtable(input, writer, buckets, output));
  RETURN_IF_ERROR(write_log_changes(input.log, writer));
  output.sweep = input.thresholds.next_sweep();
  if (output.sweep) {
    RETURN_IF_ERROR(sweep_history(*output.sweep, writer, output));
  }
  RETURN_IF_ERROR(buckets.finish(writer));
  output.buckets = buckets.take();
  return Status();
}

Status load_checkpoint(CheckpointReader& reader, CheckpointState& state) {
  std::optional<BytesView> format = reader.get(kMetaFormat);
  RETURN_IF_ERROR(reader.status());
  state.fresh = !format.has_value();
  if (state.fresh) return Status();
  uint64_t number = 0;
  RETURN_IF_ERROR(decode(*format, number));
  if (number > kStoreFormat) {
    return failed_precondition(
        fmt::format("the store has format {}, this version of the server knows formats up to {}",
                    number, kStoreFormat));
  }
  if (auto batch = reader.get(kMetaLogBatch)) RETURN_IF_ERROR(decode(*batch, state.log.batch));
  RETURN_IF_ERROR(walk_prefix(reader, kMetaGroups, [&](BytesView key, BytesView value) {
    RangeId range;
    if (!parse_meta_range(key, range)) return corruption("bad group record in the checkpoint");
    return decode(value, state.log.groups[range]);
  }));
  RETURN_IF_ERROR(walk_prefix(reader, kMetaApplied, [&](BytesView key, BytesView value) {
    RangeId range;
    if (!parse_meta_range(key, range)) return corruption("bad applied index in the checkpoint");
    return decode(value, state.log.applied[range]);
  }));
  RETURN_IF_ERROR(walk_prefix(reader, kMetaLocals, [&](BytesView key, BytesView value) {
    state.log.locals[Bytes(key.substr(kMetaLocals.size()))] = value;
    return Status();
  }));
  RETURN_IF_ERROR(walk_prefix(reader, kMetaClears, [&](BytesView key, BytesView value) {
    RangeId range;
    if (!parse_meta_range(key, range)) return corruption("bad clear record in the checkpoint");
    return decode(value, state.clears.emplace_back(range, KeySpan()).second);
  }));
  return load_buckets(reader, state.buckets);
}

}  // namespace quorate::storage
