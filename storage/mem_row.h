// A row of the memtable and its versions, and the arena they lie in.
#pragma once

#include <memory>
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
      chunks_.push_back(std::make_unique_for_overwrite<char[]>(kChunkBytes));
      at_ = chunks_.back().get();
      left_ = kChunkBytes;
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
  size_t bytes() const { return chunks_.size() * kChunkBytes; }

 private:
  static constexpr size_t kChunkBytes = 256u << 10;
  std::vector<std::unique_ptr<char[]>> chunks_;
  size_t left_ = 0;
  char* at_ = nullptr;
};

}  // namespace quorate::storage
