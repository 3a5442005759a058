// Judges the history of one register that is read and swapped, every swap for a value of its own.
//
// A swap tells which value it replaced, so all swaps that happened stand in one chain from the
// first value to the last. Swap k has place 2k, a read of its value 2k+1. The register is
// linearizable exactly when no operation ended before another of a lower place began. One of
// unknown outcome counts where its value was seen, and never ends.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/executor.h"

namespace quorate::sim {

struct RegisterOp {
  enum class Fate : uint8_t { kOpen, kDone, kFailed } fate = Fate::kOpen;
  uint64_t key = 0;
  bool swap = false;
  uint64_t written = 0;          // swap: never zero, never twice
  std::optional<uint64_t> read;  // what was found; of a swap: what it replaced
  runtime::Instant began, ended = runtime::Instant::never();
};

// The register held 0 before all and `last` after all. Without `real_time` only the chain is
// judged. Empty: all is well.
std::string judge_register(const std::vector<RegisterOp>& ops, uint64_t last, bool real_time);

}  // namespace quorate::sim
