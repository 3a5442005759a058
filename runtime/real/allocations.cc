#include "runtime/real/allocations.h"

#include <cstdlib>
#include <new>

namespace quorate::runtime {
namespace {
thread_local uint64_t allocations = 0;
}
uint64_t allocations_of_thread() { return allocations; }
}  // namespace quorate::runtime

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// The array, sized and nothrow forms of the library end in these.
void* operator new(size_t bytes) {
  ++quorate::runtime::allocations;
  if (void* memory = std::malloc(bytes == 0 ? 1 : bytes)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
#endif
