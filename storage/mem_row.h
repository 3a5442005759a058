// A row of the memtable and its versions, and the arena they lie in.
#pragma once

#include <algorithm>
#include <memory>
#include <type_traits>
#include <vector>

#include "base/bytes.h"
#include "base/timestamp.h"

namespace quorate::storage {

struct MemVersion {
  const MemVersion* older;
  Timestamp ts;       // zero: plain
  uint64_t sequence;  // of the apply that made it
  BytesView value;
  bool deleted;
};

struct MemRow {
  BytesView key;
  const MemVersion* newest;
  MemRow* prev;  // in key order; null: the first
  MemRow* next;  // null: the last

  // The newest version that a view of `sequence` sees at `ts`; null: none.
  const MemVersion* visible(Timestamp ts, uint64_t sequence) const {
    const MemVersion* v = newest;
    while (v != nullptr && (v->ts > ts || v->sequence > sequence)) v = v->older;
    return v;
  }
};

// Memory that is freed as a whole. What lies in it has no destructor.
class Arena {
 public:
  void* allocate(size_t bytes) {
    bytes = (bytes + 7) & ~size_t{7};
    if (bytes > left_) {
      left_ = std::max(bytes, next_bytes_);
      next_bytes_ = std::min(2 * next_bytes_, kChunkBytesMax);
      chunks_.push_back(std::make_unique_for_overwrite<char[]>(left_));
      at_ = chunks_.back().get();
      bytes_ += left_;
    }
    void* out = at_;
    at_ += bytes;
    left_ -= bytes;
    return out;
  }
  template <class T>
  T* make(T value) {
    static_assert(std::is_trivially_destructible_v<T>);
    return new (allocate(sizeof(T))) T(value);
  }
  size_t bytes() const { return bytes_; }

 private:
  // Small at first, so that what little is in it counts for little.
  static constexpr size_t kChunkBytesMin = 4u << 10, kChunkBytesMax = 256u << 10;
  size_t next_bytes_ = kChunkBytesMin;
  size_t bytes_ = 0;
  std::vector<std::unique_ptr<char[]>> chunks_;
  size_t left_ = 0;
  char* at_ = nullptr;
};

}  // namespace quorate::storage
