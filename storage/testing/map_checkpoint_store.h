// A CheckpointStore for the simulator: an ordered map that can crash.
//
// MapCheckpointDisk is what survives a node; the test or the simulated world owns it, one a store.
// It holds the last state that was synced and, while a write is under way, what that write changes.
// A node that dies in between leaves both: the next incarnation finds it done or not, drawn from
// its randomness, as a power cut during LMDB's commit would leave it.
//
// A state changes in place; who reads it keeps what it was where it has changed since.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "runtime/env.h"
#include "runtime/random.h"
#include "storage/checkpoint_store.h"

namespace quorate::storage {

struct MapCheckpointDisk {
  using Map = std::map<Bytes, std::shared_ptr<const Bytes>, std::less<>>;
  struct State;
  // What a reader sees. Null values: there was no row.
  struct View {
    std::shared_ptr<const State> state;
    Map before;  // of rows that have changed since
  };
  struct State {
    Map rows;
    uint64_t bytes = 0;
    uint64_t changes = 0;
    std::vector<std::weak_ptr<View>> views;
  };
  MapCheckpointDisk() = default;
  // Another disk of the same content.
  MapCheckpointDisk(const MapCheckpointDisk& other);
  MapCheckpointDisk& operator=(const MapCheckpointDisk& other);
  MapCheckpointDisk& operator=(MapCheckpointDisk&&) = default;

  std::shared_ptr<State> synced = std::make_shared<State>();
  std::optional<Map> writing;             // nullopt: no write under way; null values: removed keys
  uint64_t capacity = uint64_t{1} << 40;  // tests make it small
  Status fail_next_write;                 // e.g. a full disk; nothing of that write happens
  uint64_t writes = 0;

  // A bit of some row's value turns over; false where there is no row of `keyspaces`.
  bool flip_random_bit(runtime::Random& random, BytesView keyspaces);
  // The values of two rows of one keyspace change places, as if each had been written where the
  // other belongs.
  bool exchange_random_rows(runtime::Random& random, BytesView keyspaces);

  void finish_write();
  std::shared_ptr<View> view();

 private:
  Map::iterator random_row(runtime::Random& random, BytesView keyspaces);
};

std::unique_ptr<CheckpointStore> make_map_checkpoint_store(runtime::Env& env,
                                                           std::shared_ptr<MapCheckpointDisk> disk);

}  // namespace quorate::storage
