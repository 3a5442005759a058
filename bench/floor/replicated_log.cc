#include "bench/floor/replicated_log.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

namespace quorate::floor_server {

namespace {

constexpr size_t kBlock = 4096;
constexpr size_t kSegmentBytes = 32 << 20;

// What precedes a batch on its way to a follower.
struct BatchHeader {
  uint64_t number;  // of the batch's last record
  uint64_t bytes;
};

void send_all(int fd, std::string_view data) {
  while (!data.empty()) {
    const ssize_t n = ::send(fd, data.data(), data.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;  // the follower is gone; the other one's acknowledgement will do
    data.remove_prefix(static_cast<size_t>(n));
  }
}

}  // namespace

LogFile::LogFile(const std::string& path, size_t bytes)
    : fd_(::open(path.c_str(), O_RDWR | O_CREAT | O_DIRECT | O_CLOEXEC, 0644)), bytes_(bytes) {
  if (fd_ < 0)
    throw std::runtime_error("cannot open " + path + " with O_DIRECT: " + std::strerror(errno));
  write_synced(
      std::string(bytes, '\0'));  // from now on the file is overwritten, as a recycled segment is
  at_ = 0;
}

LogFile::~LogFile() {
  ::close(fd_);
  std::free(buffer_);
}

void LogFile::write_synced(std::string_view batch) {
  const size_t padded = (batch.size() + kBlock - 1) / kBlock * kBlock;
  if (padded > buffer_bytes_) {
    std::free(buffer_);
    buffer_ = static_cast<char*>(std::aligned_alloc(kBlock, padded));
    buffer_bytes_ = padded;
  }
  std::memcpy(buffer_, batch.data(), batch.size());
  std::memset(buffer_ + batch.size(), 0, padded - batch.size());
  if (at_ + padded > bytes_) at_ = 0;
  if (::pwrite(fd_, buffer_, padded, static_cast<off_t>(at_)) != static_cast<ssize_t>(padded) ||
      ::fdatasync(fd_) != 0) {
    throw std::runtime_error(std::string("the log cannot be written: ") + std::strerror(errno));
  }
  at_ += padded;
}

ReplicatedLog::ReplicatedLog(const std::string& path, std::vector<int> followers, SyncMode mode,
                             std::function<void(int)> wake)
    : file_(path, kSegmentBytes),
      followers_(std::move(followers)),
      mode_(mode),
      wake_(std::move(wake)),
      acked_(followers_.size()) {
  if (mode_ != SyncMode::kInPlace) helper_ = std::thread([this] { helper(); });
}

ReplicatedLog::~ReplicatedLog() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_one();
  if (helper_.joinable()) helper_.join();
}

uint64_t ReplicatedLog::append(std::string_view record) {
  std::lock_guard lock(mutex_);
  pending_ += record;
  return ++appended_;
}

// Called with the lock held and nothing in flight; holds no lock while it writes.
void ReplicatedLog::sync_batch(std::unique_lock<std::mutex>& lock, int self) {
  syncing_ = true;
  std::string batch;
  batch.swap(pending_);
  const BatchHeader header{appended_, batch.size()};
  lock.unlock();
  if (!followers_.empty()) {
    const std::string frame =
        std::string(reinterpret_cast<const char*>(&header), sizeof header) + batch;
    for (int f : followers_) send_all(f, frame);
  }
  file_.write_synced(batch);
  ++syncs_;
  lock.lock();
  syncing_ = false;
  durable_ = header.number;
  const uint64_t before = committed();
  advance();
  if (committed() != before) wake_(self);
}

void ReplicatedLog::kick(int self, bool alone) {
  std::unique_lock lock(mutex_);
  if (pending_.empty() || syncing_) return;
  if (mode_ == SyncMode::kInPlace || (mode_ == SyncMode::kAuto && alone))
    return sync_batch(lock, self);
  wanted_ = true;
  lock.unlock();
  work_.notify_one();
}

void ReplicatedLog::helper() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    work_.wait(lock, [&] { return stopping_ || wanted_; });
    wanted_ = false;
    // The next batch starts before anyone is answered for the last one.
    while (!pending_.empty() && !syncing_ && !stopping_) sync_batch(lock, -1);
  }
}

void ReplicatedLog::acknowledged(size_t follower, uint64_t number, int self) {
  std::lock_guard lock(mutex_);
  acked_[follower] = std::max(acked_[follower], number);
  const uint64_t before = committed();
  advance();
  if (committed() != before) wake_(self);
}

void ReplicatedLog::advance() {
  uint64_t c = durable_;
  if (!acked_.empty()) c = std::min(c, *std::max_element(acked_.begin(), acked_.end()));
  committed_.store(c, std::memory_order_release);
}

void run_follower(int socket, const std::string& path) {
  LogFile file(path, kSegmentBytes);
  std::string in(1 << 20, '\0');
  size_t have = 0;
  std::string batch;
  while (true) {
    const ssize_t n = ::recv(socket, in.data() + have, in.size() - have, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    have += static_cast<size_t>(n);
    size_t at = 0;
    uint64_t last = 0;
    batch.clear();
    BatchHeader header;
    while (have - at >= sizeof header) {
      std::memcpy(&header, in.data() + at, sizeof header);
      if (have - at < sizeof header + header.bytes) break;
      batch.append(in, at + sizeof header, header.bytes);
      last = header.number;
      at += sizeof header + header.bytes;
    }
    std::memmove(in.data(), in.data() + at, have - at);
    have -= at;
    if (last == 0) continue;
    file.write_synced(batch);
    send_all(socket, {reinterpret_cast<const char*>(&last), sizeof last});
  }
}

}  // namespace quorate::floor_server
