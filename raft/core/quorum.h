// Majorities, single and joint: what a quorum has in common, and what a vote has come to.
#pragma once

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "raft/core/types.h"

namespace quorate::raft {

enum class VoteResult : uint8_t { kPending, kWon, kLost };

inline constexpr size_t majority_of(size_t n) { return n / 2 + 1; }

// The greatest value that a majority of `ids` has reached, where value_of(id) is what one reached.
// Without ids there is nothing to reach: `none`.
template <class T, class ValueOf>
T majority_value(const std::set<ReplicaId>& ids, const ValueOf& value_of, T none) {
  if (ids.empty()) return none;
  constexpr size_t kInline = 16;
  auto pick = [&](T* first) {
    size_t n = 0;
    for (ReplicaId id : ids) first[n++] = value_of(id);
    T* nth = first + (majority_of(n) - 1);
    std::nth_element(first, nth, first + n, std::greater<T>());
    return *nth;
  };
  if (ids.size() <= kInline) {
    std::array<T, kInline> values;
    return pick(values.data());
  }
  std::vector<T> values(ids.size());
  return pick(values.data());
}

// The same where both majorities of a joint configuration must agree: the lesser. `top` is the
// value of no voters at all, e.g. the greatest of its type.
template <class T, class ValueOf>
T quorum_value(const ConfState& conf, const ValueOf& value_of, T top) {
  return std::min(majority_value(conf.voters, value_of, top),
                  majority_value(conf.outgoing, value_of, top));
}

// `votes` holds who has answered, and how.
VoteResult majority_vote(const std::set<ReplicaId>& ids, const std::map<ReplicaId, bool>& votes);
VoteResult quorum_vote(const ConfState& conf, const std::map<ReplicaId, bool>& votes);

}  // namespace quorate::raft
