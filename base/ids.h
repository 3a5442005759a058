// Identities as distinct types, so that a range is never taken for a store. Zero means "none".
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>

namespace quorate {

template <class Tag>
struct StrongId {
  uint64_t value = 0;
  constexpr StrongId() = default;
  constexpr explicit StrongId(uint64_t v) : value(v) {}
  constexpr explicit operator bool() const { return value != 0; }
  friend constexpr auto operator<=>(const StrongId&, const StrongId&) = default;
  constexpr StrongId next() const { return StrongId(value + 1); }
  constexpr StrongId prev() const { return StrongId(value - 1); }
  std::string to_string() const { return std::to_string(value); }
  template <class Archive>
  void serialize(Archive& a) {
    a(value);
  }
  template <class H>
  friend H AbslHashValue(H h, const StrongId& id) {
    return H::combine(std::move(h), id.value);
  }
};

using NodeId = StrongId<struct NodeTag>;    // a process of the cluster; given at join, never reused
using StoreId = StrongId<struct StoreTag>;  // a disk of a node; born with its disk
using RangeId = StrongId<struct RangeTag>;  // a contiguous key span; never reused
using ReplicaId = StrongId<struct ReplicaTag>;  // one member of a range; new at each addition
using Term = StrongId<struct TermTag>;          // Raft term
using LogIndex = StrongId<struct IndexTag>;     // Raft log index; the first entry has index 1
using StoreEpoch =
    StrongId<struct EpochTag>;  // raised at each restart of a store (safety: support-epoch)
using TableId = StrongId<struct TableTag>;     // catalog object; never reused
using IndexId = StrongId<struct SqlIndexTag>;  // within a table; 1 is the primary index

// A transaction's identity: 128 random bits.
struct TxnId {
  uint64_t high = 0, low = 0;
  constexpr explicit operator bool() const { return high != 0 || low != 0; }
  friend constexpr auto operator<=>(const TxnId&, const TxnId&) = default;
  std::string to_string() const;  // 8 hex digits of `high`, enough for logs
  template <class Archive>
  void serialize(Archive& a) {
    a(high, low);
  }
  template <class H>
  friend H AbslHashValue(H h, const TxnId& id) {
    return H::combine(std::move(h), id.high, id.low);
  }
};

}  // namespace quorate
