// What the files of range::Store share.
#pragma once

#include "range/store.h"

namespace quorate::range {

// The local record that holds a range's BirthRecord.
inline Bytes birth_key(RangeId range) { return "birth/" + range.to_string(); }

inline ReplicaId own_replica(const RangeDescriptor& descriptor, StoreId store) {
  const ReplicaDescriptor* own = descriptor.find(store);
  return own == nullptr ? ReplicaId() : own->replica;
}

struct Store::IncomingSnapshot {
  uint64_t stream = 0;
  uint64_t next = 0;
  LogIndex index;
  RangeDescriptor descriptor;
  std::unique_ptr<storage::Engine::SnapshotWriter> writer;
  bool complete = false;
};

}  // namespace quorate::range
