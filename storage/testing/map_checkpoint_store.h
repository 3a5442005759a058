// A CheckpointStore for the simulator: an ordered map that can crash.
//
// MapCheckpointDisk is what survives a node; the test or the simulated world owns it, one a store.
// It holds the last state that was synced and, while a write is under way, the state being written.
// A node that dies in between leaves both: the next incarnation finds either, drawn from its
// randomness, as a power cut during LMDB's commit would leave it.
#pragma once

#include <map>
#include <memory>

#include "runtime/env.h"
#include "storage/checkpoint_store.h"

namespace quorate::storage {

struct MapCheckpointDisk {
  using Map = std::map<Bytes, std::shared_ptr<const Bytes>, std::less<>>;
  std::shared_ptr<const Map> synced = std::make_shared<Map>();
  std::shared_ptr<const Map> writing;     // null: no write under way
  uint64_t capacity = uint64_t{1} << 40;  // tests make it small
  Status fail_next_write;                 // e.g. a full disk; nothing of that write happens
  uint64_t writes = 0;
};

std::unique_ptr<CheckpointStore> make_map_checkpoint_store(runtime::Env& env,
                                                           std::shared_ptr<MapCheckpointDisk> disk);

}  // namespace quorate::storage
