// What stores promised each other, as the groups of one store see it.
//
// Store liveness (above raft) keeps one SupportView a store and writes it; every group of the store
// reads it through a const pointer, so that a renewal costs one update a peer store, not one a
// group. Plain data, of the store's executor.
//
// An epoch belongs to an ordered pair of stores: the asker's epoch towards this supporter. The
// rules of the writer (safety: support-epoch):
//  - A supporter withdraws an epoch only when its own clock has passed the time that it promised,
//  makes
//    that durable, and then calls set_supports(asker, none). A withdrawn epoch never comes back.
//  - An epoch is followed by a greater one only after it was withdrawn, or because the asker
//  restarted.
//  - At start, before the groups run, set_supports is called for every store with a durable
//  promise.
//    A store that was never named counts as supported by those bound to it: the safe side.
//  - The own store is entered like any other, renewed with its own clock plus one interval: a
//  leader
//    counts itself by that, and a group of one replica gets a bounded promise.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>

#include "base/ids.h"
#include "base/timestamp.h"

namespace quorate::raft {

class SupportView {
 public:
  struct Promise {
    StoreEpoch epoch;  // of our own store, towards that peer; zero: none
    Timestamp until;   // the peer does not withdraw before its clock passes this
  };

  // What `peer` promised us. Within an epoch `until` never goes back; an older epoch is ignored.
  void set_support_from(StoreId peer, Promise promise) {
    Promise& known = from_[peer];
    if (promise.epoch < known.epoch) return;
    if (promise.epoch == known.epoch) promise.until = std::max(promise.until, known.until);
    known = promise;
    ++version_;
  }
  // What we promise to `store`: the epoch that we support now, or none.
  void set_supports(StoreId store, std::optional<StoreEpoch> epoch) {
    to_[store] = epoch.value_or(StoreEpoch());
    ++version_;
  }

  Promise support_from(StoreId peer) const {
    auto it = from_.find(peer);
    return it == from_.end() ? Promise{} : it->second;
  }
  // Whether a promise bound to this epoch still stands.
  bool still_supports(StoreId store, StoreEpoch epoch) const {
    auto it = to_.find(store);
    return it == to_.end() || it->second == epoch;
  }
  // Whether a new promise may be bound to this epoch: it must be known to be supported.
  bool may_bind(StoreId store, StoreEpoch epoch) const {
    auto it = to_.find(store);
    return it != to_.end() && epoch && it->second == epoch;
  }
  // Changes with every update: what was computed from an equal version is still right.
  uint64_t version() const { return version_; }

 private:
  std::map<StoreId, Promise> from_;
  std::map<StoreId, StoreEpoch> to_;
  uint64_t version_ = 1;
};

}  // namespace quorate::raft
