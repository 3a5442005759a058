// The walking skeleton's log: what a commit waits for in Quorate, and nothing else.
//
// A LogFile is a preallocated file, overwritten in a circle (as recycled segments are), written
// with O_DIRECT in blocks of 4 KiB. A ReplicatedLog gathers records while a sync is in flight,
// sends each batch to the followers as its own sync begins, and calls a record committed when it is
// on our disk and on that of at least one follower. Thread-safe; reactors append and are told when
// to look at committed().
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace quorate::floor_server {

class LogFile {
 public:
  LogFile(const std::string& path, size_t bytes);
  ~LogFile();
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;
  void write_synced(std::string_view batch);

 private:
  int fd_;
  size_t bytes_, at_ = 0, buffer_bytes_ = 0;
  char* buffer_ = nullptr;  // aligned for O_DIRECT
};

enum class SyncMode { kInPlace, kHelper, kAuto };

class ReplicatedLog {
 public:
  // `followers` are connected sockets, none for a log of its own. `wake` tells all reactors but
  // `self`
  // (-1: all of them) that committed() moved.
  ReplicatedLog(const std::string& path, std::vector<int> followers, SyncMode mode,
                std::function<void(int self)> wake);
  ~ReplicatedLog();

  // The number that committed() must reach for this record.
  uint64_t append(std::string_view record);
  // Starts a sync if there is something to sync and none is in flight. A reactor calls it once a
  // turn, after it has taken all input that was there. `alone`: no other client has work meanwhile
  // (SyncMode::kAuto).
  void kick(int self, bool alone);
  void acknowledged(size_t follower, uint64_t number, int self);
  uint64_t committed() const { return committed_.load(std::memory_order_acquire); }
  uint64_t syncs() const { return syncs_; }

 private:
  void sync_batch(std::unique_lock<std::mutex>& lock, int self);
  void advance();
  void helper();

  LogFile file_;
  const std::vector<int> followers_;
  const SyncMode mode_;
  const std::function<void(int)> wake_;
  std::mutex mutex_;
  std::condition_variable work_;
  std::string pending_;
  uint64_t appended_ = 0, durable_ = 0;
  std::vector<uint64_t> acked_;
  bool syncing_ = false, wanted_ = false, stopping_ = false;
  std::atomic<uint64_t> committed_{0}, syncs_{0};
  std::thread helper_;
};

// A follower: reads batches from `socket`, writes each as much as has arrived with one sync, in
// place, and acknowledges. Returns when the leader is gone.
void run_follower(int socket, const std::string& path);

}  // namespace quorate::floor_server
