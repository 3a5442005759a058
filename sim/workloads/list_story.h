// How histories of lists are told to people: keys, transactions and what makes one come before
// another.
#pragma once

#include <string>

#include "sim/timeline/event_log.h"
#include "txn/testing/history_cycle.h"

namespace quorate::sim {

// "k7": the number in the last four bytes of a list's key.
std::string list_name(const Bytes& key);
std::string transaction_name(uint32_t number);  // "T7"
std::string tell_list(const txn::List& list);   // "[1 4 2]"
EventLog::Edge tell_dependency(const txn::Dependency& d);

}  // namespace quorate::sim
