// The real LMDB in the simulator: a file of the host's in a directory of its own, which goes with
// this object. It stands where MapCheckpointDisk does, and survives a node as that does.
//
// A write goes to the file at once and is told after a while. A node that dies in between finds it
// done or not, drawn from its randomness: the file of before is kept until then. Nothing is synced
// by the host, and what is told of room comes from the simulated disk, so a run is the same again.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "runtime/env.h"
#include "storage/checkpoint_store.h"

namespace quorate::storage {

class LmdbCheckpointDisk {
 public:
  LmdbCheckpointDisk();
  ~LmdbCheckpointDisk();
  LmdbCheckpointDisk(const LmdbCheckpointDisk&) = delete;

  // One at a time; the store before must be gone.
  static runtime::Task<Result<std::unique_ptr<CheckpointStore>>> open(
      runtime::Env* env, std::shared_ptr<LmdbCheckpointDisk> disk);
  // The file as it is, while no store is open; and another in its place.
  Bytes image() const;
  void put_back(BytesView image);

 private:
  class Store;
  std::string path_;             // of the directory
  std::optional<Bytes> before_;  // the file before the write that is under way
};

}  // namespace quorate::storage
