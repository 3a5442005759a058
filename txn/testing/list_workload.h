// Clients that read and append to lists over fake ranges in the simulated world, from one seed, and
// the judgement of what came of it. The tests choose isolation, faults and planted bugs.
#pragma once

#include <memory>
#include <string>

#include "base/planted.h"
#include "txn/testing/fake_ranges.h"
#include "txn/testing/history.h"
#include "txn/transaction.h"

namespace quorate::txn {

struct ListWorkload {
  uint64_t seed = 1;
  Isolation isolation = Isolation::kSerializable;
  int clients = 4;
  int txns_each = 12;
  int keys = 6;
  int ranges = 3;
  double lock_chance = 0.7;  // an append locks its row first
  int64_t clock_skew_us = 2'000;
  int64_t max_offset_us = 5'000;
  int crashes = 0;  // nodes that die in the middle and come back as another
  FakeFaults faults;
  PlantedBugs bugs;
};

struct ListOutcome {
  std::string wrong;  // empty: all is well
  size_t committed = 0, failed = 0, unknown = 0;
  uint64_t restarts = 0, refreshes = 0, parallel = 0, one_phase = 0, splits = 0, commit_lost = 0;
  size_t locks_left = 0, intents_left = 0;
};

ListOutcome run_lists(const ListWorkload& w);

}  // namespace quorate::txn
