// How many rows and bytes lie where, in the checkpoint: counts for buckets of about half a MiB that
// together are the whole key space. Kept up to date by checkpoints, in their transaction; read from
// a copy in memory. So a span's size, and the key that halves it, cost a walk over buckets and are
// off by a bucket at each end at most.
#pragma once

#include <map>
#include <memory>
#include <set>

#include "base/span.h"
#include "storage/checkpoint_store.h"

namespace quorate::storage {

inline constexpr uint64_t kBucketBytes = 512u << 10;

struct Bucket {
  uint64_t bytes = 0, rows = 0;
  template <class A>
  void serialize(A& a) {
    a(bytes, rows);
  }
};

// By start key; the first starts at the empty key; each ends where the next starts.
using Buckets = std::map<Bytes, Bucket, std::less<>>;

// The counts while one transaction changes rows. Starts from the counts of the last checkpoint.
class BucketEditor {
 public:
  explicit BucketEditor(const Buckets& buckets) : buckets_(buckets) {}

  // The current version of a row goes from `old_bytes` to `new_bytes` (0: there is none).
  void change(BytesView key, uint64_t old_bytes, uint64_t new_bytes);
  // The rows of the span are no longer what they were: count anew what it touches.
  void recount(const KeySpan& span) { recounts_.push_back(span); }
  // Divides what has grown, counts anew, and writes what changed.
  Status finish(CheckpointWriter& writer);

  Buckets take() { return std::move(buckets_); }

 private:
  Status count(CheckpointWriter& writer, const Bytes& start, const Bytes& end);
  Bytes end_of(const Bytes& start) const;

  Buckets buckets_;
  std::set<Bytes> changed_;
  std::vector<KeySpan> recounts_;
};

Status load_buckets(CheckpointReader& reader, Buckets& out);

// `bytes` and `rows` of a span; buckets at its ends count in half.
Bucket sum_buckets(const Buckets& buckets, const KeySpan& span);

}  // namespace quorate::storage
