// CheckpointStore on LMDB. lmdb_env.cc alone includes lmdb.h.
//
// Every write is a full-sync transaction (outside of the simulator never MDB_NOSYNC, never
// MDB_WRITEMAP: a power cut must not corrupt a store). The map is reserved at open, address space
// only, and never resized (safety: map). MDB_MAP_FULL and a full disk are kResourceExhausted 53100;
// MDB_CORRUPTED and its like are kCorruption, and the store stops.
//
// Readers are pooled: making one renews a transaction and allocates no pages. All readers and
// cursors must be gone before the store is. An environment is opened once in a process at a time.
#pragma once

#include "runtime/env.h"
#include "storage/checkpoint_store.h"

namespace quorate::storage {

#ifdef __SANITIZE_THREAD__
// ThreadSanitizer leaves a program about 1.5 TiB of addresses, at a place drawn anew each time.
constexpr uint64_t kMapBytes = uint64_t{1} << 36;
#else
constexpr uint64_t kMapBytes = uint64_t{1} << 40;
#endif

struct LmdbOptions {
  uint64_t map_bytes = kMapBytes;
  uint32_t readers_max = 256;
  // For the simulator, whose power cuts are not the host's.
  bool sync = true;
  std::string host_directory;  // where the file is, if not in the node's data directory
};

// `directory` is made if need be, relative to the node's data directory.
runtime::Task<Result<std::unique_ptr<CheckpointStore>>> open_lmdb(runtime::Env& env,
                                                                  std::string directory,
                                                                  LmdbOptions options = {});

}  // namespace quorate::storage
