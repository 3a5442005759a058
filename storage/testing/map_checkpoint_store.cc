#include "storage/testing/map_checkpoint_store.h"

#include "runtime/random.h"

namespace quorate::storage {
namespace {

using Map = MapCheckpointDisk::Map;

class MapCursor : public CheckpointCursor {
 public:
  explicit MapCursor(const Map* map) : map_(map), at_(map->end()) {}
  explicit MapCursor(std::shared_ptr<const Map> map) : MapCursor(map.get()) {
    held_ = std::move(map);
  }
  bool seek(BytesView key) override {
    at_ = map_->lower_bound(key);
    return valid();
  }
  bool seek_before(BytesView key) override {
    at_ = key.empty() ? map_->end() : map_->lower_bound(key);
    return prev_from();
  }
  bool next() override {
    if (valid()) ++at_;
    return valid();
  }
  bool prev() override { return valid() && prev_from(); }
  bool valid() const override { return at_ != map_->end(); }
  BytesView key() const override { return at_->first; }
  BytesView value() const override { return *at_->second; }

 private:
  bool prev_from() {
    if (at_ == map_->begin()) {
      at_ = map_->end();
      return false;
    }
    --at_;
    return true;
  }
  std::shared_ptr<const Map> held_;
  const Map* map_;
  Map::const_iterator at_;
};

class MapReader : public CheckpointReader {
 public:
  explicit MapReader(std::shared_ptr<const Map> map) : map_(std::move(map)) {}
  std::optional<BytesView> get(BytesView key) override {
    auto it = map_->find(key);
    if (it == map_->end()) return std::nullopt;
    return BytesView(*it->second);
  }
  std::unique_ptr<CheckpointCursor> cursor() override { return std::make_unique<MapCursor>(map_); }
  Status status() const override { return Status(); }

 private:
  std::shared_ptr<const Map> map_;
};

class MapWriter : public CheckpointWriter {
 public:
  explicit MapWriter(Map& map) : map_(map) {}
  Status put(BytesView key, BytesView value) override {
    CHECK(!key.empty() && key.size() <= 511);
    map_[Bytes(key)] = std::make_shared<const Bytes>(value);
    return Status();
  }
  Status remove(BytesView key) override {
    auto it = map_.find(key);
    if (it != map_.end()) map_.erase(it);
    return Status();
  }
  Status remove_span(BytesView start, BytesView end) override {
    map_.erase(map_.lower_bound(start), end.empty() ? map_.end() : map_.lower_bound(end));
    return Status();
  }
  std::optional<BytesView> get(BytesView key) override {
    auto it = map_.find(key);
    if (it == map_.end()) return std::nullopt;
    return BytesView(*it->second);
  }
  std::unique_ptr<CheckpointCursor> cursor() override { return std::make_unique<MapCursor>(&map_); }

 private:
  Map& map_;
};

class MapCheckpointStore : public CheckpointStore {
 public:
  MapCheckpointStore(runtime::Env& env, std::shared_ptr<MapCheckpointDisk> disk)
      : env_(env), disk_(std::move(disk)) {
    if (disk_->writing != nullptr) {
      if (env_.random->chance(0.5)) disk_->synced = disk_->writing;
      disk_->writing.reset();
    }
  }

  runtime::Task<Status> write(std::function<Status(CheckpointWriter&)> fill) override {
    CHECK(!writing_);
    writing_ = true;
    auto next = std::make_shared<Map>(*disk_->synced);
    auto result = std::make_shared<Status>(std::exchange(disk_->fail_next_write, Status()));
    auto work = [disk = disk_, next, result, fill = std::move(fill)] {
      if (result->ok()) {
        MapWriter writer(*next);
        *result = fill(writer);
      }
      if (result->ok()) disk->writing = next;
    };
    co_await env_.disk->run_blocking(std::move(work));
    writing_ = false;
    if (result->ok()) {
      disk_->synced = std::move(disk_->writing);
      disk_->writing = nullptr;
      ++disk_->writes;
    }
    co_return *result;
  }

  std::unique_ptr<CheckpointReader> read() override {
    return std::make_unique<MapReader>(disk_->synced);
  }
  uint64_t used_bytes() const override {
    uint64_t bytes = 0;
    for (const auto& [key, value] : *disk_->synced) bytes += key.size() + value->size();
    return bytes;
  }
  uint64_t free_bytes() const override {
    uint64_t used = used_bytes();
    return disk_->capacity > used ? disk_->capacity - used : 0;
  }

 private:
  runtime::Env& env_;
  std::shared_ptr<MapCheckpointDisk> disk_;
  bool writing_ = false;
};

}  // namespace

std::unique_ptr<CheckpointStore> make_map_checkpoint_store(
    runtime::Env& env, std::shared_ptr<MapCheckpointDisk> disk) {
  return std::make_unique<MapCheckpointStore>(env, std::move(disk));
}

}  // namespace quorate::storage
