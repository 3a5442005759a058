// A node's data directory in the host's file system.
//
// Everything that may block runs on a helper, except a write_and_sync() with SyncPlace::kInPlace. A
// write and its sync are one system call (pwritev2 with RWF_DSYNC), or two where the file system
// does not know it. Names are made durable by syncing their directory.
#pragma once

#include <string>

#include "runtime/disk.h"
#include "runtime/real/helper_pool.h"

namespace quorate::runtime {

class PosixDisk : public Disk {
 public:
  // `background` does what run_blocking() is given: checkpoints, which yield to commits.
  PosixDisk(Reactor& reactor, HelperPool& helpers, HelperPool& background, Metrics& metrics,
            std::string data_directory);

  Task<Result<std::unique_ptr<File>>> open(std::string path, OpenOptions options) override;
  Task<Status> rename(std::string from, std::string to) override;
  Task<Status> remove(std::string path) override;
  Task<Result<std::vector<std::string>>> list(std::string directory) override;
  Task<Status> make_directory(std::string path) override;
  Task<Result<Bytes>> read_file(std::string path) override;
  Task<Status> write_file(std::string path, Bytes content) override;
  uint64_t free_bytes() override;
  Task<void> run_blocking(Callback work) override;
  std::string host_path(const std::string& path) const override;

 private:
  friend class PosixFile;
  // Runs `operation` on a helper and gives its result.
  template <class T>
  Task<T> on_helper(absl::AnyInvocable<T()> operation);

  Reactor& reactor_;
  HelperPool &helpers_, &background_;
  const std::string root_;
  Counter &syncs_, &syncs_in_place_, &bytes_synced_;
};

}  // namespace quorate::runtime
