// Why a history of lists (history.h) is wrong, as few steps as possible: a shortest cycle of
// dependencies (after Adya, 1999), for people to look at. It judges nothing: History does.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "txn/testing/history.h"

namespace quorate::txn {

struct Dependency {
  // kWrites: `to` wrote right after `from`. kReads: `to` read what `from` wrote. kOverwrites:
  // `from` read what `to` wrote over, so it came before. kEarlier: `from` had ended before `to`
  // began.
  enum class Kind : uint8_t { kWrites, kReads, kOverwrites, kEarlier } kind = Kind::kReads;
  uint32_t from = 0, to = 0;  // transactions' numbers
  Bytes key;                  // none of kEarlier
  List seen;                  // what the reader read; empty of kWrites and kEarlier
};

// Each `from` is the `to` before, the first the last one's. Where nothing forms a cycle, e.g. since
// an append was lost and nobody wrote over it, what there is of it; empty when all is well.
std::vector<Dependency> find_cycle(const History& history, const std::map<Bytes, List>& last,
                                   Level level, bool real_time);

}  // namespace quorate::txn
