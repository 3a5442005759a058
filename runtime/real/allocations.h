// How often a thread has asked for memory by operator new: the reactor makes a metric of it, and
// tests hold statements to their counts. Always 0 under the sanitizers, which have an operator new
// of their own.
#pragma once

#include <cstdint>

namespace quorate::runtime {

uint64_t allocations_of_thread();

}  // namespace quorate::runtime
