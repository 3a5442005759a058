// A machine's disk. It survives the node's incarnations, and loses at a power cut what was not
// synced.
//
// A file is a row of 4 KiB blocks. Each block knows its content as reads see it (the page cache)
// and as the platter has it. write_and_sync() puts its bytes into the cache at once and, after the
// time of a sync, onto the platter. A power cut keeps for each block either of the two, drawn block
// by block, so a write may be torn in any order; operations on names (create, rename, remove,
// write_file, make_directory) that had not returned either happened or not, in their order. What
// had returned stays. A process that is merely killed loses nothing: the cache belongs to the
// machine.
//
// A sync that fails leaves its blocks clean in the cache and old or new on the platter, and later
// syncs succeed without writing them: as Linux does after EIO. So a store that retries a failed
// sync loses acknowledged data here, as it would there.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "runtime/disk.h"
#include "runtime/sim/sim_executor.h"

namespace quorate::runtime {

struct SimDiskFaults {
  Duration sync_min{100'000}, sync_max{1'000'000};
  Duration read_min{5'000}, read_max{100'000};
  Duration blocking_min{50'000}, blocking_max{2'000'000};  // run_blocking's answer
  double slow_sync_chance = 0;                             // one that takes up to slow_sync_max
  Duration slow_sync_max{500'000'000};
  double sync_error_chance = 0;  // EIO
  double read_error_chance = 0;  // EIO
  // What a sector is to a power cut: a block is kept or lost in parts of this size.
  size_t sector_bytes = 4096;
};

class SimDisk {
 public:
  static constexpr size_t kBlockBytes = 4096;
  using Block = std::array<char, kBlockBytes>;

  SimDisk(SimWorld& world, const std::string& machine);

  // Faults, for tests and the nemesis.
  SimDiskFaults& faults() { return faults_; }
  void fail_next_syncs(uint64_t count) { failing_syncs_ = count; }
  // Called when the next sync of a file begins, with the time that it will take.
  void on_next_sync(std::function<void(Duration takes)> look) { sync_look_ = std::move(look); }
  void set_capacity(uint64_t bytes) { capacity_ = bytes; }
  uint64_t capacity() const { return capacity_; }
  uint64_t used_bytes() const;
  // Rot: flips a bit on the platter and in the cache. False when the file has no such byte.
  bool flip_bit(const std::string& path, uint64_t offset, unsigned bit);
  // The same somewhere in the file's written part; false when nothing was written.
  bool flip_random_bit(const std::string& path);
  // The same in what was written last to any file whose path has `part` in it.
  bool flip_bit_of_last_write(std::string_view part);
  // A power cut: in-flight operations end now, as drawn. SimNodeEnv::crash() calls it.
  void power_cut();
  // What the process had asked of the directory is done: nothing of it happens under the next one.
  void process_killed();
  // Everything is gone: a new disk.
  void wipe();
  // A copy of the whole disk, made or put back while no process runs.
  class Image;
  std::shared_ptr<const Image> image() const;
  void restore(const Image& image);

  // Looks and counts, for tests and checkers.
  std::vector<std::string> paths() const;
  Result<Bytes> peek(const std::string& path) const;  // as reads see it
  uint64_t syncs() const { return syncs_; }
  uint64_t syncs_in_place() const { return syncs_in_place_; }

 private:
  friend class SimFile;
  friend class SimDiskHandle;
  using BlockPtr = std::shared_ptr<const Block>;  // null: zeros
  struct Cell {
    BlockPtr cache, platter;
  };
  struct Content {
    std::vector<Cell> cells;
    std::set<size_t> dirty;     // cells whose cache a sync has yet to write
    uint64_t size = 0;          // as reads see it
    uint64_t durable_size = 0;  // what a power cut leaves at least
    uint64_t allocated = 0;
    uint64_t last_write = 0, last_offset = 0, last_bytes = 0;  // the disk's number of it, and where
  };
  using ContentPtr = std::shared_ptr<Content>;
  struct Sync {
    ContentPtr content;
    std::vector<std::pair<size_t, BlockPtr>> blocks;
    uint64_t size = 0;
  };
  // An operation on names that has not returned yet.
  struct NameOp {
    uint64_t id;
    Callback apply;
  };

  Status write_cache(const ContentPtr& content, uint64_t offset, BytesView bytes);
  Bytes read_cache(const Content& content, uint64_t offset, size_t length) const;
  Sync begin_sync(const ContentPtr& content);
  void end_sync(Sync& sync);
  void fail_sync(Sync& sync);
  // Takes the disk's turn: when this sync, begun now, ends.
  Instant draw_sync_end();
  bool draw_sync_failure();
  Duration draw(Duration low, Duration high) {
    return Duration(random_.between(low.count(), high.count()));
  }
  bool room_for(uint64_t more_bytes) const;
  void cut_block(Cell& cell, bool dirty);
  bool directory_exists(const std::string& path) const;
  void replace_file(const std::string& path, Bytes content);

  SimWorld& world_;
  const uint64_t tag_;
  Random random_;
  SimDiskFaults faults_;
  uint64_t capacity_ = uint64_t{64} << 30;
  uint64_t failing_syncs_ = 0;
  std::map<std::string, ContentPtr> files_;
  std::set<std::string> directories_;
  std::vector<NameOp> name_ops_;
  uint64_t next_name_op_ = 1;
  uint64_t writes_ = 0;
  Instant busy_until_;
  uint64_t life_ = 1;  // raised by a power cut: what was in flight then does nothing more
  uint64_t syncs_ = 0, syncs_in_place_ = 0;
  std::function<void(Duration)> sync_look_;
};

// One incarnation's way to its machine's disk. Dead after the incarnation's crash.
class SimDiskHandle : public Disk {
 public:
  SimDiskHandle(SimDisk& disk, SimExecutor& executor) : disk_(disk), executor_(executor) {}
  Task<Result<std::unique_ptr<File>>> open(std::string path, OpenOptions options) override;
  Task<Status> rename(std::string from, std::string to) override;
  Task<Status> remove(std::string path) override;
  Task<Result<std::vector<std::string>>> list(std::string directory) override;
  Task<Status> make_directory(std::string path) override;
  Task<Result<Bytes>> read_file(std::string path) override;
  Task<Status> write_file(std::string path, Bytes content) override;
  uint64_t free_bytes() override;
  Task<void> run_blocking(Callback work) override;
  std::string host_path(const std::string&) const override { return {}; }

 private:
  // Applies `apply` when the operation ends, or at a power cut perhaps.
  Task<Status> name_op(Callback apply);

  SimDisk& disk_;
  SimExecutor& executor_;
};

}  // namespace quorate::runtime
