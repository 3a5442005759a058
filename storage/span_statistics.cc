#include "storage/span_statistics.h"

#include "base/archive.h"
#include "storage/store_format.h"

namespace quorate::storage {

void BucketEditor::change(BytesView key, uint64_t old_bytes, uint64_t new_bytes) {
  if (old_bytes == 0 && new_bytes == 0) return;
  if (buckets_.empty()) buckets_.emplace(Bytes(), Bucket());
  auto it = std::prev(buckets_.upper_bound(key));
  Bucket& b = it->second;
  b.bytes -= std::min(b.bytes, old_bytes);
  b.bytes += new_bytes;
  if (old_bytes == 0) ++b.rows;
  if (new_bytes == 0 && b.rows > 0) --b.rows;
  changed_.insert(it->first);
}

Bytes BucketEditor::end_of(const Bytes& start) const {
  auto next = buckets_.upper_bound(start);
  return next == buckets_.end() ? Bytes() : next->first;
}

// Replaces the buckets from `start` (a border) to `end` (one too, or empty) by counted ones.
Status BucketEditor::count(CheckpointWriter& writer, const Bytes& start, const Bytes& end) {
  auto last = end.empty() ? buckets_.end() : buckets_.lower_bound(end);
  for (auto it = buckets_.lower_bound(start); it != last; it = buckets_.erase(it)) {
    changed_.insert(it->first);
  }
  Bucket* bucket = &buckets_[start];
  changed_.insert(start);
  std::unique_ptr<CheckpointCursor> cursor = writer.cursor();
  const Bytes prefix(1, static_cast<char>(Keyspace::kRow));
  for (bool more = cursor->seek(prefix + start); more; more = cursor->next()) {
    BytesView stored = cursor->key();
    if (!stored.starts_with(prefix)) break;
    BytesView key = stored.substr(1);
    if (!end.empty() && key >= end) break;
    Timestamp ts;
    bool deleted = false;
    if (!peek_version(cursor->value(), ts, deleted) || deleted) continue;
    if (bucket->bytes >= kBucketBytes) {
      bucket = &buckets_[Bytes(key)];
      changed_.insert(Bytes(key));
    }
    bucket->bytes += key.size() + cursor->value().size();
    ++bucket->rows;
  }
  return Status();
}

Status BucketEditor::finish(CheckpointWriter& writer) {
  if (buckets_.empty()) buckets_.emplace(Bytes(), Bucket());
  for (const KeySpan& span : recounts_) {
    Bytes start = std::prev(buckets_.upper_bound(span.start))->first;
    Bytes end;
    if (!span.end.empty()) {
      auto it = buckets_.lower_bound(span.end);
      if (it != buckets_.end()) end = it->first;
    }
    RETURN_IF_ERROR(count(writer, start, end));
  }
  std::vector<Bytes> grown;
  for (const Bytes& start : changed_) {
    auto it = buckets_.find(start);
    if (it != buckets_.end() && it->second.bytes > 2 * kBucketBytes) grown.push_back(start);
  }
  for (const Bytes& start : grown) RETURN_IF_ERROR(count(writer, start, end_of(start)));
  // What has shrunk to little joins its left neighbour.
  for (const Bytes& start : std::vector<Bytes>(changed_.begin(), changed_.end())) {
    auto it = buckets_.find(start);
    if (start.empty() || it == buckets_.end() || it->second.bytes > kBucketBytes / 8) continue;
    auto left = std::prev(it);
    left->second.bytes += it->second.bytes;
    left->second.rows += it->second.rows;
    changed_.insert(left->first);
    buckets_.erase(it);
  }
  for (const Bytes& start : changed_) {
    auto it = buckets_.find(start);
    Bytes key = meta_bucket_key(start);
    if (it == buckets_.end()) {
      RETURN_IF_ERROR(writer.remove(key));
    } else {
      RETURN_IF_ERROR(writer.put(key, encode(it->second)));
    }
  }
  return Status();
}

Status load_buckets(CheckpointReader& reader, Buckets& out) {
  std::unique_ptr<CheckpointCursor> cursor = reader.cursor();
  for (bool more = cursor->seek(kMetaBuckets); more; more = cursor->next()) {
    if (!cursor->key().starts_with(kMetaBuckets)) break;
    Bucket bucket;
    RETURN_IF_ERROR(decode(cursor->value(), bucket));
    out.emplace(cursor->key().substr(kMetaBuckets.size()), bucket);
  }
  return reader.status();
}

Bucket sum_buckets(const Buckets& buckets, const KeySpan& span) {
  Bucket out;
  if (buckets.empty()) return out;
  auto it = buckets.upper_bound(span.start);
  if (it != buckets.begin()) --it;
  for (; it != buckets.end() && (span.end.empty() || it->first < span.end); ++it) {
    auto next = std::next(it);
    bool starts_inside = it->first >= span.start;
    bool ends_inside = span.end.empty() || (next != buckets.end() && next->first <= span.end);
    uint64_t share = starts_inside && ends_inside ? 1 : 2;
    out.bytes += it->second.bytes / share;
    out.rows += it->second.rows / share;
  }
  return out;
}

}  // namespace quorate::storage
