#include "runtime/sim/sim_disk.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/crc32c.h"
#include "runtime/sync.h"

namespace quorate::runtime {
namespace {

Status no_such_file(const std::string& path) {
  return not_found(fmt::format("could not open file \"{}\": No such file or directory", path),
                   sqlstate::kIoError);
}
Status io_error(std::string_view what, const std::string& path) {
  return internal_error(fmt::format("could not {} file \"{}\": Input/output error", what, path));
}
Status disk_full(const std::string& path) {
  return resource_exhausted(
      fmt::format("could not extend file \"{}\": No space left on device", path),
      sqlstate::kDiskFull);
}
std::string parent_of(const std::string& path) {
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

}  // namespace

class SimFile : public File {
 public:
  SimFile(SimDisk& disk, SimExecutor& executor, std::string path, SimDisk::ContentPtr content,
          bool direct)
      : disk_(disk),
        executor_(executor),
        path_(std::move(path)),
        content_(std::move(content)),
        direct_(direct) {}

  Result<uint64_t> size() override { return content_->size; }
  Task<Result<Bytes>> read_at(uint64_t offset, size_t length) override;
  Task<Status> write_and_sync(uint64_t offset, BytesView bytes, SyncPlace place) override;
  Task<Status> allocate(uint64_t size) override;

 private:
  Task<Status> sync(SyncPlace place);
  SimDisk& disk_;
  SimExecutor& executor_;
  const std::string path_;
  const SimDisk::ContentPtr content_;
  const bool direct_;
};

Task<Result<Bytes>> SimFile::read_at(uint64_t offset, size_t length) {
  Duration delay = disk_.draw(disk_.faults_.read_min, disk_.faults_.read_max);
  (void)co_await sleep_for(executor_, delay);
  if (disk_.random_.chance(disk_.faults_.read_error_chance)) co_return io_error("read", path_);
  co_return disk_.read_cache(*content_, offset, length);
}

Task<Status> SimFile::write_and_sync(uint64_t offset, BytesView bytes, SyncPlace place) {
  if (direct_) {
    CHECK(offset % AlignedBuffer::kAlignment == 0);
    CHECK(bytes.size() % AlignedBuffer::kAlignment == 0);
    CHECK(reinterpret_cast<uintptr_t>(bytes.data()) % AlignedBuffer::kAlignment == 0);
  }
  Status written = disk_.write_cache(content_, offset, bytes);
  if (!written.ok()) co_return written.with_context(path_);
  disk_.world_.mix(disk_.tag_ + offset);
  disk_.world_.mix(bytes);
  co_return co_await sync(place);
}

Task<Status> SimFile::sync(SyncPlace place) {
  // Shared with the world's event, which may outlive this frame: the process may be killed while
  // the machine goes on with the sync.
  struct Operation {
    explicit Operation(Executor& e) : done(e) {}
    SimDisk::Sync sync;
    OneShot<Status> done;
  };
  auto operation = std::make_shared<Operation>(executor_);
  operation->sync = disk_.begin_sync(content_);
  Instant end = disk_.draw_sync_end();
  bool fails = disk_.draw_sync_failure();
  SimDisk* disk = &disk_;
  if (auto look = std::exchange(disk_.sync_look_, nullptr)) look(end - disk_.world_.now());
  auto finish = [disk, operation, fails, life = disk_.life_, path = path_] {
    if (life != disk->life_) return;
    if (fails) {
      disk->fail_sync(operation->sync);
    } else {
      disk->end_sync(operation->sync);
    }
    operation->done.set(fails ? io_error("fsync", path) : Status());
  };
  disk_.world_.at(end, std::move(finish));
  if (place == SyncPlace::kInPlace) {
    ++disk_.syncs_in_place_;
    executor_.hold_until(end);
  }
  Status waited = co_await operation->done.wait();
  CHECK(waited.ok());
  co_return operation->done.take();
}

Task<Status> SimFile::allocate(uint64_t size) {
  Duration delay = disk_.draw(disk_.faults_.sync_min, disk_.faults_.sync_max);
  (void)co_await sleep_for(executor_, delay);
  uint64_t have = content_->allocated;
  if (size > have && !disk_.room_for(size - have)) co_return disk_full(path_);
  content_->allocated = std::max(have, size);
  content_->size = std::max(content_->size, size);
  content_->durable_size = std::max(content_->durable_size, size);
  co_return Status();
}

SimDisk::SimDisk(SimWorld& world, const std::string& machine)
    : world_(world),
      tag_(crc32c("disk " + machine)),
      random_(world.fork_random("disk " + machine)) {}

uint64_t SimDisk::used_bytes() const {
  uint64_t used = 0;
  for (const auto& [path, content] : files_) used += std::max(content->allocated, content->size);
  return used;
}

bool SimDisk::room_for(uint64_t more_bytes) const { return used_bytes() + more_bytes <= capacity_; }

Status SimDisk::write_cache(const ContentPtr& content, uint64_t offset, BytesView bytes) {
  uint64_t end = offset + bytes.size();
  uint64_t have = std::max(content->allocated, content->size);
  if (end > have && !room_for(end - have)) return disk_full("");
  size_t cells = (end + kBlockBytes - 1) / kBlockBytes;
  if (content->cells.size() < cells) content->cells.resize(cells);
  for (uint64_t at = offset; at < end;) {
    Cell& cell = content->cells[at / kBlockBytes];
    size_t in_block = at % kBlockBytes;
    size_t n = std::min<uint64_t>(kBlockBytes - in_block, end - at);
    auto block = cell.cache ? std::make_shared<Block>(*cell.cache) : std::make_shared<Block>();
    std::memcpy(block->data() + in_block, bytes.data() + (at - offset), n);
    cell.cache = std::move(block);
    content->dirty.insert(at / kBlockBytes);
    at += n;
  }
  content->size = std::max(content->size, end);
  content->last_write = ++writes_;
  content->last_offset = offset;
  content->last_bytes = bytes.size();
  return Status();
}

Bytes SimDisk::read_cache(const Content& content, uint64_t offset, size_t length) const {
  if (offset >= content.size) return {};
  uint64_t end = std::min<uint64_t>(content.size, offset + length);
  Bytes out(end - offset, '\0');
  for (uint64_t at = offset; at < end;) {
    size_t index = at / kBlockBytes;
    size_t in_block = at % kBlockBytes;
    size_t n = std::min<uint64_t>(kBlockBytes - in_block, end - at);
    if (index < content.cells.size() && content.cells[index].cache) {
      std::memcpy(out.data() + (at - offset), content.cells[index].cache->data() + in_block, n);
    }
    at += n;
  }
  return out;
}

SimDisk::Sync SimDisk::begin_sync(const ContentPtr& content) {
  Sync sync{content, {}, content->size};
  for (size_t i : content->dirty) sync.blocks.emplace_back(i, content->cells[i].cache);
  return sync;
}

void SimDisk::end_sync(Sync& sync) {
  ++syncs_;
  for (auto& [index, block] : sync.blocks) {
    Cell& cell = sync.content->cells[index];
    cell.platter = block;
    if (cell.cache == block) sync.content->dirty.erase(index);
  }
  sync.content->durable_size = std::max(sync.content->durable_size, sync.size);
}

void SimDisk::fail_sync(Sync& sync) {
  for (auto& [index, block] : sync.blocks) {
    Cell& cell = sync.content->cells[index];
    if (random_.chance(0.5)) cell.platter = block;
    if (cell.cache == block) sync.content->dirty.erase(index);
  }
}

Instant SimDisk::draw_sync_end() {
  Duration delay = draw(faults_.sync_min, faults_.sync_max);
  if (faults_.slow_sync_chance > 0 && random_.chance(faults_.slow_sync_chance)) {
    delay += draw(Duration(0), faults_.slow_sync_max);
  }
  // One at a time, as the device's cache is flushed.
  busy_until_ = std::max(busy_until_, world_.now()) + delay;
  return busy_until_;
}

bool SimDisk::draw_sync_failure() {
  if (failing_syncs_ > 0) {
    --failing_syncs_;
    return true;
  }
  return faults_.sync_error_chance > 0 && random_.chance(faults_.sync_error_chance);
}

// What a block is after a power cut: sector by sector the platter's or the cache's.
void SimDisk::cut_block(Cell& cell, bool dirty) {
  if (dirty) {
    auto block = cell.platter ? std::make_shared<Block>(*cell.platter) : std::make_shared<Block>();
    for (size_t at = 0; at < kBlockBytes; at += faults_.sector_bytes) {
      if (!random_.chance(0.5)) continue;
      size_t n = std::min(faults_.sector_bytes, kBlockBytes - at);
      std::memcpy(block->data() + at, cell.cache->data() + at, n);
    }
    cell.platter = std::move(block);
  }
  cell.cache = cell.platter;
}

void SimDisk::process_killed() {
  auto ops = std::move(name_ops_);
  name_ops_.clear();
  for (auto& op : ops) op.apply();
}

void SimDisk::power_cut() {
  ++life_;
  // A journal keeps a prefix of what was asked of it.
  auto ops = std::move(name_ops_);
  name_ops_.clear();
  for (auto& op : ops) {
    if (!random_.chance(0.5)) break;
    op.apply();
  }
  for (auto& [path, content] : files_) {
    for (size_t i = 0; i < content->cells.size(); ++i) {
      cut_block(content->cells[i], content->dirty.contains(i));
    }
    content->dirty.clear();
    if (content->size > content->durable_size) {
      content->size =
          content->durable_size + random_.below(content->size - content->durable_size + 1);
      content->durable_size = content->size;
      // What lies past the end reads as zeros if the file grows again.
      size_t cells = (content->size + kBlockBytes - 1) / kBlockBytes;
      if (content->cells.size() > cells) content->cells.resize(cells);
    }
  }
  busy_until_ = world_.now();
  world_.line(fmt::format("power cut, disk {:08x}", tag_));
}

void SimDisk::wipe() {
  ++life_;
  files_.clear();
  directories_.clear();
  name_ops_.clear();
}

class SimDisk::Image {
 public:
  std::map<std::string, Content> files;
  std::set<std::string> directories;
};

std::shared_ptr<const SimDisk::Image> SimDisk::image() const {
  auto image = std::make_shared<Image>();
  for (const auto& [path, content] : files_) image->files[path] = *content;
  image->directories = directories_;
  return image;
}

void SimDisk::restore(const Image& image) {
  wipe();
  for (const auto& [path, content] : image.files) files_[path] = std::make_shared<Content>(content);
  directories_ = image.directories;
}

bool SimDisk::flip_bit(const std::string& path, uint64_t offset, unsigned bit) {
  auto found = files_.find(path);
  if (found == files_.end()) return false;
  size_t index = offset / kBlockBytes;
  if (offset >= found->second->size || index >= found->second->cells.size()) return false;
  Cell& cell = found->second->cells[index];
  for (BlockPtr* p : {&cell.platter, &cell.cache}) {
    auto block = *p ? std::make_shared<Block>(**p) : std::make_shared<Block>();
    (*block)[offset % kBlockBytes] ^= static_cast<char>(1u << (bit % 8));
    *p = std::move(block);
  }
  world_.line(fmt::format("bit flip in {} at {}", path, offset));
  return true;
}

bool SimDisk::flip_random_bit(const std::string& path) {
  auto found = files_.find(path);
  if (found == files_.end()) return false;
  std::vector<size_t> written;
  for (size_t i = 0; i < found->second->cells.size(); ++i) {
    if (found->second->cells[i].cache) written.push_back(i);
  }
  if (written.empty()) return false;
  uint64_t block = written[random_.below(written.size())];
  uint64_t offset = block * kBlockBytes + random_.below(kBlockBytes);
  unsigned bit = static_cast<unsigned>(random_.below(8));
  return flip_bit(path, std::min(offset, found->second->size - 1), bit);
}

bool SimDisk::flip_bit_of_last_write(std::string_view part) {
  const std::pair<const std::string, ContentPtr>* last = nullptr;
  for (const auto& file : files_) {
    if (file.first.find(part) == std::string::npos || file.second->last_bytes == 0) continue;
    if (last == nullptr || file.second->last_write > last->second->last_write) last = &file;
  }
  if (last == nullptr) return false;
  const uint64_t offset = last->second->last_offset + random_.below(last->second->last_bytes);
  const unsigned bit = static_cast<unsigned>(random_.below(8));
  return flip_bit(last->first, offset, bit);
}

std::vector<std::string> SimDisk::paths() const {
  std::vector<std::string> out;
  for (const auto& [path, content] : files_) out.push_back(path);
  return out;
}

Result<Bytes> SimDisk::peek(const std::string& path) const {
  auto found = files_.find(path);
  if (found == files_.end()) return no_such_file(path);
  return read_cache(*found->second, 0, found->second->size);
}

bool SimDisk::directory_exists(const std::string& path) const {
  return path.empty() || path == "." || directories_.contains(path);
}

void SimDisk::replace_file(const std::string& path, Bytes content) {
  auto file = std::make_shared<Content>();
  // room_for() was asked by the caller, so this can't fail; a disk that was shrunk meanwhile keeps
  // what it has taken.
  uint64_t capacity = std::exchange(capacity_, UINT64_MAX);
  CHECK(write_cache(file, 0, content).ok());
  capacity_ = capacity;
  Sync sync = begin_sync(file);
  end_sync(sync);
  files_[path] = std::move(file);
}

Task<Status> SimDiskHandle::name_op(Callback apply) {
  struct Operation {
    explicit Operation(Executor& e) : done(e) {}
    OneShot<bool> done;
  };
  auto operation = std::make_shared<Operation>(executor_);
  uint64_t id = disk_.next_name_op_++;
  disk_.name_ops_.push_back({id, std::move(apply)});
  SimDisk* disk = &disk_;
  disk_.world_.at(disk_.draw_sync_end(), [disk, operation, id, life = disk_.life_] {
    if (life != disk->life_) return;
    auto& ops = disk->name_ops_;
    auto found = std::find_if(ops.begin(), ops.end(), [id](auto& op) { return op.id == id; });
    if (found == ops.end()) return;  // applied when its process was killed
    Callback ready = std::move(found->apply);
    ops.erase(found);
    ready();
    operation->done.set(true);
  });
  co_return co_await operation->done.wait();
}

Task<Result<std::unique_ptr<File>>> SimDiskHandle::open(std::string path, OpenOptions options) {
  auto found = disk_.files_.find(path);
  if (found == disk_.files_.end()) {
    if (!options.create || !disk_.directory_exists(parent_of(path))) co_return no_such_file(path);
    SimDisk* disk = &disk_;
    Callback create = [disk, path] {
      disk->files_.emplace(path, std::make_shared<SimDisk::Content>());
    };
    Task<Status> created = name_op(std::move(create));
    CO_RETURN_IF_ERROR(co_await created);
    found = disk_.files_.find(path);
    if (found == disk_.files_.end()) co_return no_such_file(path);  // removed meanwhile
  }
  std::unique_ptr<File> file =
      std::make_unique<SimFile>(disk_, executor_, path, found->second, options.direct);
  co_return std::move(file);
}

Task<Status> SimDiskHandle::rename(std::string from, std::string to) {
  if (!disk_.files_.contains(from) || !disk_.directory_exists(parent_of(to))) {
    co_return no_such_file(from);
  }
  SimDisk* disk = &disk_;
  Callback apply = [disk, from, to] {
    auto found = disk->files_.find(from);
    if (found == disk->files_.end()) return;
    auto content = std::move(found->second);
    disk->files_.erase(found);
    disk->files_[to] = std::move(content);
  };
  Task<Status> operation = name_op(std::move(apply));
  co_return co_await operation;
}

Task<Status> SimDiskHandle::remove(std::string path) {
  bool directory = disk_.directories_.contains(path);
  if (!directory && !disk_.files_.contains(path)) co_return no_such_file(path);
  if (directory) {
    Task<Result<std::vector<std::string>>> listing = list(path);
    CO_ASSIGN_OR_RETURN(std::vector<std::string> names, co_await listing);
    if (!names.empty()) {
      co_return failed_precondition(
          fmt::format("could not remove directory \"{}\": Directory not empty", path));
    }
  }
  SimDisk* disk = &disk_;
  Callback apply = [disk, path] {
    disk->files_.erase(path);
    disk->directories_.erase(path);
  };
  Task<Status> operation = name_op(std::move(apply));
  co_return co_await operation;
}

Task<Result<std::vector<std::string>>> SimDiskHandle::list(std::string directory) {
  if (!disk_.directory_exists(directory)) co_return no_such_file(directory);
  std::string prefix = directory.empty() || directory == "." ? "" : directory + "/";
  std::vector<std::string> names;
  auto add = [&](const std::string& path) {
    if (path.size() <= prefix.size() || !path.starts_with(prefix)) return;
    std::string name = path.substr(prefix.size());
    if (name.find('/') == std::string::npos) names.push_back(std::move(name));
  };
  for (const auto& [path, content] : disk_.files_) add(path);
  for (const auto& path : disk_.directories_) add(path);
  std::sort(names.begin(), names.end());
  co_return std::move(names);
}

Task<Status> SimDiskHandle::make_directory(std::string path) {
  if (disk_.directory_exists(path)) co_return Status();
  if (disk_.files_.contains(path)) {
    co_return failed_precondition(
        fmt::format("could not create directory \"{}\": File exists", path));
  }
  SimDisk* disk = &disk_;
  Callback apply = [disk, path] {
    for (std::string p = path; !p.empty(); p = parent_of(p)) disk->directories_.insert(p);
  };
  Task<Status> operation = name_op(std::move(apply));
  co_return co_await operation;
}

Task<Result<Bytes>> SimDiskHandle::read_file(std::string path) {
  auto found = disk_.files_.find(path);
  if (found == disk_.files_.end()) co_return no_such_file(path);
  SimDisk::ContentPtr content = found->second;
  Duration delay = disk_.draw(disk_.faults_.read_min, disk_.faults_.read_max);
  (void)co_await sleep_for(executor_, delay);
  if (disk_.random_.chance(disk_.faults_.read_error_chance)) co_return io_error("read", path);
  co_return disk_.read_cache(*content, 0, content->size);
}

Task<Status> SimDiskHandle::write_file(std::string path, Bytes content) {
  if (!disk_.directory_exists(parent_of(path))) co_return no_such_file(path);
  if (!disk_.room_for(content.size())) co_return disk_full(path);
  if (disk_.draw_sync_failure()) co_return io_error("fsync", path);
  disk_.world_.mix(path);
  disk_.world_.mix(content);
  SimDisk* disk = &disk_;
  Callback apply = [disk, path, content = std::move(content)] {
    disk->replace_file(path, content);
  };
  Task<Status> operation = name_op(std::move(apply));
  co_return co_await operation;
}

uint64_t SimDiskHandle::free_bytes() {
  uint64_t used = disk_.used_bytes();
  return used >= disk_.capacity_ ? 0 : disk_.capacity_ - used;
}

Task<void> SimDiskHandle::run_blocking(Callback work) {
  work();
  Duration delay = disk_.draw(disk_.faults_.blocking_min, disk_.faults_.blocking_max);
  (void)co_await sleep_for(executor_, delay);
}

}  // namespace quorate::runtime
