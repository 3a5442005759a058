#include "runtime/real/posix_disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "runtime/real/fd.h"

namespace quorate::runtime {
namespace {

Status errno_status(std::string_view what, const std::string& path, int error) {
  std::string message = fmt::format("could not {} \"{}\": {}", what, path, std::strerror(error));
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return not_found(std::move(message), sqlstate::kIoError);
    case ENOSPC:
    case EDQUOT:
      return resource_exhausted(std::move(message), sqlstate::kDiskFull);
    case EMFILE:
    case ENFILE:
      return resource_exhausted(std::move(message), sqlstate::kInsufficientResources);
    case EEXIST:
    case ENOTEMPTY:
      return failed_precondition(std::move(message));
    default:
      return Status(StatusCode::kInternal, sqlstate::kIoError, std::move(message));
  }
}

std::string parent_of(const std::string& path) {
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string(".") : path.substr(0, std::max<size_t>(slash, 1));
}

Status sync_directory(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return errno_status("open directory", path, errno);
  if (::fsync(fd.get()) != 0) return errno_status("fsync directory", path, errno);
  return Status();
}

Status write_all(int fd, uint64_t offset, BytesView bytes, const std::string& path) {
  while (!bytes.empty()) {
    ssize_t n = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_status("write file", path, errno);
    bytes.remove_prefix(n);
    offset += n;
  }
  return Status();
}

// Writes and syncs in one system call where that exists; what is left after a short count, or where
// it does not, in two.
Status write_all_and_sync(int fd, uint64_t offset, BytesView bytes, const std::string& path) {
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  ssize_t n;
  do {
    n = ::pwritev2(fd, &part, 1, static_cast<off_t>(offset), RWF_DSYNC);
  } while (n < 0 && errno == EINTR);
  if (n == static_cast<ssize_t>(bytes.size())) return Status();
  if (n < 0 && errno != EOPNOTSUPP && errno != ENOSYS) {
    return errno_status("write file", path, errno);
  }
  if (n > 0) {
    bytes.remove_prefix(n);
    offset += n;
  }
  RETURN_IF_ERROR(write_all(fd, offset, bytes, path));
  if (::fdatasync(fd) != 0) return errno_status("fsync file", path, errno);
  return Status();
}

Result<Bytes> read_some(int fd, uint64_t offset, size_t length, bool direct,
                        const std::string& path) {
  // Direct reads need aligned offsets, lengths and memory: read around what is asked for.
  constexpr uint64_t kAlign = AlignedBuffer::kAlignment;
  uint64_t begin = direct ? offset / kAlign * kAlign : offset;
  uint64_t end = offset + length;
  if (direct) end = (end + kAlign - 1) / kAlign * kAlign;
  AlignedBuffer buffer(end - begin);
  size_t have = 0;
  while (have < end - begin) {
    ssize_t n =
        ::pread(fd, buffer.data() + have, end - begin - have, static_cast<off_t>(begin + have));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_status("read file", path, errno);
    if (n == 0) break;
    have += n;
    if (direct && have % kAlign != 0) break;  // the file's end
  }
  size_t skip = offset - begin;
  if (have <= skip) return Bytes();
  return Bytes(buffer.data() + skip, std::min<size_t>(length, have - skip));
}

Result<Bytes> read_whole(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return errno_status("open file", path, errno);
  struct stat st{};
  if (::fstat(fd.get(), &st) != 0) return errno_status("stat file", path, errno);
  return read_some(fd.get(), 0, st.st_size, false, path);
}

Status replace_whole(const std::string& path, BytesView content) {
  std::string aside = path + ".new";
  {
    Fd fd(::open(aside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!fd.valid()) return errno_status("create file", aside, errno);
    RETURN_IF_ERROR(write_all(fd.get(), 0, content, aside));
    if (::fsync(fd.get()) != 0) return errno_status("fsync file", aside, errno);
  }
  if (::rename(aside.c_str(), path.c_str()) != 0) return errno_status("rename file", aside, errno);
  return sync_directory(parent_of(path));
}

// Makes `path` below `root` with its parents; each new name is synced before the next.
Status make_directories(const std::string& root, const std::string& path) {
  for (size_t at = 0; at < path.size();) {
    size_t slash = std::min(path.find('/', at), path.size());
    std::string part = root + "/" + path.substr(0, slash);
    if (::mkdir(part.c_str(), 0700) == 0) {
      RETURN_IF_ERROR(sync_directory(parent_of(part)));
    } else if (errno != EEXIST) {
      return errno_status("create directory", part, errno);
    }
    at = slash + 1;
  }
  struct stat st{};
  std::string whole = root + "/" + path;
  if (::stat(whole.c_str(), &st) != 0) return errno_status("stat", whole, errno);
  if (!S_ISDIR(st.st_mode)) return errno_status("create directory", whole, EEXIST);
  return Status();
}

Result<std::vector<std::string>> list_names(const std::string& path) {
  DIR* directory = ::opendir(path.c_str());
  if (directory == nullptr) return errno_status("open directory", path, errno);
  std::vector<std::string> names;
  errno = 0;
  while (dirent* entry = ::readdir(directory)) {
    std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(std::move(name));
  }
  int error = errno;
  ::closedir(directory);
  if (error != 0) return errno_status("read directory", path, error);
  std::sort(names.begin(), names.end());
  return names;
}

Status remove_name(const std::string& path) {
  if (::remove(path.c_str()) != 0) return errno_status("remove", path, errno);
  return sync_directory(parent_of(path));
}

struct Opened {
  Fd fd;
  bool direct = false;
};

Result<Opened> open_file(const std::string& path, OpenOptions options) {
  int flags = O_RDWR | O_CLOEXEC;
  bool existed = ::access(path.c_str(), F_OK) == 0;
  if (options.create) flags |= O_CREAT;
  Opened opened;
  if (options.direct) opened.fd = Fd(::open(path.c_str(), flags | O_DIRECT, 0600));
  opened.direct = opened.fd.valid();
  // tmpfs and others refuse O_DIRECT: buffered then.
  if (!opened.direct && (!options.direct || errno == EINVAL)) {
    opened.fd = Fd(::open(path.c_str(), flags, 0600));
  }
  if (!opened.fd.valid()) return errno_status("open file", path, errno);
  if (!existed && options.create) RETURN_IF_ERROR(sync_directory(parent_of(path)));
  return opened;
}

// Blocks that were only allocated are marked unwritten, and the first write to each waits for the
// journal (3 ms instead of 0.2 here): what is new is therefore written once, with zeros.
Status write_zeros(int fd, uint64_t from, uint64_t to, const std::string& path) {
  constexpr size_t kChunk = 1 << 20;
  AlignedBuffer zeros(kChunk);
  std::memset(zeros.data(), 0, kChunk);
  for (uint64_t at = from; at < to;) {
    const size_t n = static_cast<size_t>(std::min<uint64_t>(kChunk, to - at));
    const ssize_t written = ::pwrite(fd, zeros.data(), n, static_cast<off_t>(at));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return errno_status("write file", path, errno);
    at += static_cast<uint64_t>(written);
  }
  return Status();
}

Status allocate_file(int fd, uint64_t size, const std::string& path) {
  struct stat st{};
  if (::fstat(fd, &st) != 0) return errno_status("stat file", path, errno);
  int error;
  do {
    error = ::posix_fallocate(fd, 0, static_cast<off_t>(size));
  } while (error == EINTR);
  if (error != 0) return errno_status("extend file", path, error);
  const uint64_t before = static_cast<uint64_t>(st.st_size) & ~(AlignedBuffer::kAlignment - 1);
  if (size % AlignedBuffer::kAlignment == 0 && before < size &&
      st.st_size % AlignedBuffer::kAlignment == 0) {
    RETURN_IF_ERROR(write_zeros(fd, before, size, path));
  }
  if (::fsync(fd) != 0) return errno_status("fsync file", path, errno);
  return Status();
}

}  // namespace

class PosixFile : public File {
 public:
  PosixFile(PosixDisk& disk, std::string path, Opened opened)
      : disk_(disk), path_(std::move(path)), opened_(std::move(opened)) {}

  Result<uint64_t> size() override {
    struct stat st{};
    if (::fstat(opened_.fd.get(), &st) != 0) return errno_status("stat file", path_, errno);
    return static_cast<uint64_t>(st.st_size);
  }
  Task<Result<Bytes>> read_at(uint64_t offset, size_t length) override {
    absl::AnyInvocable<Result<Bytes>()> operation = [this, offset, length] {
      return read_some(opened_.fd.get(), offset, length, opened_.direct, path_);
    };
    return disk_.on_helper<Result<Bytes>>(std::move(operation));
  }
  Task<Status> write_and_sync(uint64_t offset, BytesView bytes, SyncPlace place) override {
    disk_.syncs_.add();
    disk_.bytes_synced_.add(bytes.size());
    if (place == SyncPlace::kInPlace) {
      disk_.syncs_in_place_.add();
      co_return write_all_and_sync(opened_.fd.get(), offset, bytes, path_);
    }
    absl::AnyInvocable<Status()> operation = [this, offset, bytes] {
      return write_all_and_sync(opened_.fd.get(), offset, bytes, path_);
    };
    Task<Status> done = disk_.on_helper<Status>(std::move(operation));
    co_return co_await done;
  }
  Task<Status> allocate(uint64_t size) override {
    absl::AnyInvocable<Status()> operation = [this, size] {
      return allocate_file(opened_.fd.get(), size, path_);
    };
    return disk_.on_helper<Status>(std::move(operation));
  }

 private:
  PosixDisk& disk_;
  const std::string path_;
  const Opened opened_;
};

PosixDisk::PosixDisk(Reactor& reactor, HelperPool& helpers, HelperPool& background,
                     Metrics& metrics, std::string data_directory)
    : reactor_(reactor),
      helpers_(helpers),
      background_(background),
      root_(std::move(data_directory)),
      syncs_(metrics.counter("quorate_disk_syncs_total", "Writes made durable")),
      syncs_in_place_(
          metrics.counter("quorate_disk_syncs_in_place_total", "Of these, on the reactor")),
      bytes_synced_(metrics.counter("quorate_disk_synced_bytes_total", "Bytes made durable")) {}

template <class T>
Task<T> PosixDisk::on_helper(absl::AnyInvocable<T()> operation) {
  std::optional<T> result;
  Callback work = [&result, &operation] { result.emplace(operation()); };
  Task<void> done = helpers_.run(&reactor_, std::move(work));
  co_await done;
  co_return std::move(*result);
}

std::string PosixDisk::host_path(const std::string& path) const {
  return path.empty() ? root_ : root_ + "/" + path;
}

Task<Result<std::unique_ptr<File>>> PosixDisk::open(std::string path, OpenOptions options) {
  std::string full = host_path(path);
  absl::AnyInvocable<Result<Opened>()> operation = [full, options] {
    return open_file(full, options);
  };
  Task<Result<Opened>> opening = on_helper<Result<Opened>>(std::move(operation));
  CO_ASSIGN_OR_RETURN(Opened opened, co_await opening);
  std::unique_ptr<File> file = std::make_unique<PosixFile>(*this, full, std::move(opened));
  co_return std::move(file);
}

Task<Status> PosixDisk::rename(std::string from, std::string to) {
  absl::AnyInvocable<Status()> operation = [from = host_path(from), to = host_path(to)] {
    if (::rename(from.c_str(), to.c_str()) != 0) return errno_status("rename file", from, errno);
    RETURN_IF_ERROR(sync_directory(parent_of(to)));
    return parent_of(from) == parent_of(to) ? Status() : sync_directory(parent_of(from));
  };
  return on_helper<Status>(std::move(operation));
}

Task<Status> PosixDisk::remove(std::string path) {
  absl::AnyInvocable<Status()> operation = [full = host_path(path)] { return remove_name(full); };
  return on_helper<Status>(std::move(operation));
}

Task<Result<std::vector<std::string>>> PosixDisk::list(std::string directory) {
  absl::AnyInvocable<Result<std::vector<std::string>>()> operation = [full = host_path(directory)] {
    return list_names(full);
  };
  return on_helper<Result<std::vector<std::string>>>(std::move(operation));
}

Task<Status> PosixDisk::make_directory(std::string path) {
  absl::AnyInvocable<Status()> operation = [root = root_, path] {
    return make_directories(root, path);
  };
  return on_helper<Status>(std::move(operation));
}

Task<Result<Bytes>> PosixDisk::read_file(std::string path) {
  absl::AnyInvocable<Result<Bytes>()> operation = [full = host_path(path)] {
    return read_whole(full);
  };
  return on_helper<Result<Bytes>>(std::move(operation));
}

Task<Status> PosixDisk::write_file(std::string path, Bytes content) {
  absl::AnyInvocable<Status()> operation = [full = host_path(path), content = std::move(content)] {
    return replace_whole(full, content);
  };
  return on_helper<Status>(std::move(operation));
}

uint64_t PosixDisk::free_bytes() {
  struct statvfs st{};
  if (::statvfs(root_.c_str(), &st) != 0) return 0;
  return static_cast<uint64_t>(st.f_bavail) * st.f_frsize;
}

Task<void> PosixDisk::run_blocking(Callback work) {
  return background_.run(&reactor_, std::move(work));
}

}  // namespace quorate::runtime
