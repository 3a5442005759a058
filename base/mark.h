// Marks at rare branches: which of them did any seed of the simulator reach?
//
//   if (record.status == TxnStatus::kAborted) {
//     MARK("range: a commit finds its record aborted");
//     return e.fail(...);
//   }
//
// A mark is a name and a flag, which says whether this process has come by. `quorate sim` adds up
// the flags of its runs and tells how many marks no seed has reached (`--marks`: which). A mark
// that is never reached is either a gap of the workloads and faults, or a branch that can't be
// taken and should be a CHECK; docs/testing.md explains those that are left.
//
// The flags are the one thing here that belongs to the process and not to a node. That is no hole
// in "nothing is global": nothing reads them but the report, so no node can behave differently for
// them, and a run is the same with and without. It is what tools for coverage do.
//
// The name says the room first ("raft: ..."), and stands once in the sources
// (tests/marks_test.cc). A mark is known before anybody comes by: the linker collects them all in a
// section of their own. For that they stand in functions of .cc files that are no
// templates and not inline (what is written inside of a class is, outside of a nameless namespace).
// It costs one load and one branch, and a store the first time; any thread may come by.
#pragma once

#include <atomic>
#include <cstddef>
#include <span>

namespace quorate {

// 16 bytes, one beside the other in the section.
struct alignas(16) Mark {
  const char* name;
  std::atomic<bool> reached{false};

  void reach() {
    if (!reached.load(std::memory_order_relaxed)) reached.store(true, std::memory_order_relaxed);
  }
};
static_assert(sizeof(Mark) == 16);

// Those of this program, reached or not, in no particular order.
std::span<Mark> all_marks();

#define MARK(text)                                                          \
  do {                                                                      \
    [[gnu::section("quorate_marks"),                                        \
      gnu::used]] static constinit ::quorate::Mark quorate_mark_here{text}; \
    quorate_mark_here.reach();                                              \
  } while (false)

// The same where the condition holds.
#define MARK_IF(condition, text) \
  do {                           \
    if (condition) MARK(text);   \
  } while (false)

}  // namespace quorate
