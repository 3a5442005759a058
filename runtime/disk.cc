#include "runtime/disk.h"

#include <cstdlib>
#include <new>
#include <utility>

namespace quorate::runtime {

AlignedBuffer::AlignedBuffer(size_t capacity)
    : capacity_((capacity + kAlignment - 1) / kAlignment * kAlignment) {
  if (capacity_ == 0) return;
  data_ = static_cast<char*>(std::aligned_alloc(kAlignment, capacity_));
  if (data_ == nullptr) throw std::bad_alloc();
}

AlignedBuffer::~AlignedBuffer() { std::free(data_); }

AlignedBuffer::AlignedBuffer(AlignedBuffer&& o) noexcept
    : data_(std::exchange(o.data_, nullptr)), capacity_(std::exchange(o.capacity_, 0)) {}

AlignedBuffer& AlignedBuffer::operator=(AlignedBuffer&& o) noexcept {
  if (this != &o) {
    std::free(data_);
    data_ = std::exchange(o.data_, nullptr);
    capacity_ = std::exchange(o.capacity_, 0);
  }
  return *this;
}

}  // namespace quorate::runtime
