// Files, and work that blocks. Everything that reaches a disk goes through here; the simulated disk
// loses what was not synced, tears writes, runs full and answers late.
//
// Paths are relative to the node's data directory. An operation's buffers must stay until it
// returns.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"
#include "runtime/executor.h"
#include "runtime/task.h"

namespace quorate::runtime {

// Where a log sync runs (design §4): on the executor itself where nothing else waits for it, or on
// a helper thread.
enum class SyncPlace : uint8_t { kInPlace, kHelper };

// Bytes aligned for direct I/O (4 KiB), owned.
class AlignedBuffer {
 public:
  static constexpr size_t kAlignment = 4096;
  explicit AlignedBuffer(size_t capacity);
  ~AlignedBuffer();
  AlignedBuffer(AlignedBuffer&& o) noexcept;
  AlignedBuffer& operator=(AlignedBuffer&& o) noexcept;
  char* data() { return data_; }
  const char* data() const { return data_; }
  size_t capacity() const { return capacity_; }

 private:
  char* data_ = nullptr;
  size_t capacity_ = 0;
};

class File {
 public:
  virtual ~File() = default;
  virtual Result<uint64_t> size() = 0;
  // Reads up to `length` bytes, fewer at the end of the file.
  virtual Task<Result<Bytes>> read_at(uint64_t offset, size_t length) = 0;
  // Writes all and makes it durable (fdatasync). After an error the file's contents are unknown and
  // the file must not be used again (safety: sync-failed).
  virtual Task<Status> write_and_sync(uint64_t offset, BytesView bytes, SyncPlace place) = 0;
  // Makes [0, size) allocated and the size durable. kResourceExhausted with 53100 when space is
  // short.
  virtual Task<Status> allocate(uint64_t size) = 0;
};

struct OpenOptions {
  bool create = false;
  bool direct =
      false;  // O_DIRECT where the file system has it: offsets, lengths, buffers 4 KiB aligned
};

class Disk {
 public:
  virtual ~Disk() = default;
  virtual Task<Result<std::unique_ptr<File>>> open(std::string path, OpenOptions options) = 0;
  virtual Task<Status> rename(std::string from, std::string to) = 0;  // durable when it returns
  virtual Task<Status> remove(std::string path) = 0;                  // durable when it returns
  virtual Task<Result<std::vector<std::string>>> list(std::string directory) = 0;  // names, sorted
  virtual Task<Status> make_directory(std::string path) = 0;  // with parents, durable
  virtual Task<Result<Bytes>> read_file(std::string path) = 0;
  // Replaces the file as a whole, durably (write aside, sync, rename, sync directory).
  virtual Task<Status> write_file(std::string path, Bytes content) = 0;
  virtual uint64_t free_bytes() = 0;
  // Runs `work` where it may block: a helper thread; in the simulator at once, answered after a
  // delay. `work` touches nothing that the executor touches meanwhile.
  virtual Task<void> run_blocking(Callback work) = 0;
  // The directory in the host's file system, for what does its own file calls (LMDB). Empty in the
  // simulator, which uses a model instead.
  virtual std::string host_path(const std::string& path) const = 0;
};

}  // namespace quorate::runtime
