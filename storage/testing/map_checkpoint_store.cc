#include "storage/testing/map_checkpoint_store.h"

#include "runtime/random.h"

namespace quorate::storage {
namespace {

using Map = MapCheckpointDisk::Map;
using State = MapCheckpointDisk::State;

// Walks a state with a write's changes laid over it. Both may change between its steps: it knows
// where it is by key.
class OverlaidCursor : public CheckpointCursor {
 public:
  OverlaidCursor(const Map* base, const Map* over) : base_(base), over_(over) {}
  bool seek(BytesView key) override {
    go_up(base_->lower_bound(key), over_->lower_bound(key));
    return valid_;
  }
  bool seek_before(BytesView key) override {
    go_down(key.empty() ? base_->end() : base_->lower_bound(key),
            key.empty() ? over_->end() : over_->lower_bound(key));
    return valid_;
  }
  bool next() override {
    if (valid_) go_up(base_->upper_bound(key_), over_->upper_bound(key_));
    return valid_;
  }
  bool prev() override {
    if (valid_) go_down(base_->lower_bound(key_), over_->lower_bound(key_));
    return valid_;
  }
  bool valid() const override { return valid_; }
  BytesView key() const override { return key_; }
  BytesView value() const override { return *value_; }

 private:
  using At = Map::const_iterator;
  void stand(At at) {
    valid_ = true;
    key_ = at->first;
    value_ = at->second;
  }
  // To the first row at or after both.
  void go_up(At b, At o) {
    valid_ = false;
    while (b != base_->end() || o != over_->end()) {
      const bool from_base = o == over_->end() || (b != base_->end() && b->first < o->first);
      if (from_base) return stand(b);
      if (b != base_->end() && b->first == o->first) ++b;  // overlaid
      if (o->second != nullptr) return stand(o);
      ++o;
    }
  }
  // To the last row before both.
  void go_down(At b, At o) {
    valid_ = false;
    while (b != base_->begin() || o != over_->begin()) {
      const At bp = b != base_->begin() ? std::prev(b) : base_->end();
      const At op = o != over_->begin() ? std::prev(o) : over_->end();
      const bool from_base = op == over_->end() || (bp != base_->end() && op->first < bp->first);
      if (from_base) return stand(bp);
      if (bp != base_->end() && bp->first == op->first) b = bp;
      if (op->second != nullptr) return stand(op);
      o = op;
    }
  }

  const Map* base_;
  const Map* over_;
  bool valid_ = false;
  Bytes key_;
  std::shared_ptr<const Bytes> value_;
};

class MapCursor : public CheckpointCursor {
 public:
  explicit MapCursor(std::shared_ptr<const State> state)
      : held_(std::move(state)), map_(&held_->rows), at_(map_->end()) {}
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
  std::shared_ptr<const State> held_;
  const Map* map_;
  Map::const_iterator at_;
};

class MapReader : public CheckpointReader {
 public:
  explicit MapReader(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::optional<BytesView> get(BytesView key) override {
    auto it = state_->rows.find(key);
    if (it == state_->rows.end()) return std::nullopt;
    return BytesView(*it->second);
  }
  std::unique_ptr<CheckpointCursor> cursor() override {
    return std::make_unique<MapCursor>(state_);
  }
  Status status() const override { return Status(); }

 private:
  std::shared_ptr<const State> state_;
};

class MapWriter : public CheckpointWriter {
 public:
  MapWriter(const Map& base, Map& over) : base_(base), over_(over) {}
  Status put(BytesView key, BytesView value) override {
    CHECK(!key.empty() && key.size() <= 511);
    over_[Bytes(key)] = std::make_shared<const Bytes>(value);
    return Status();
  }
  Status remove(BytesView key) override {
    over_[Bytes(key)] = nullptr;
    return Status();
  }
  Status remove_span(BytesView start, BytesView end) override {
    over_.erase(over_.lower_bound(start), end.empty() ? over_.end() : over_.lower_bound(end));
    auto last = end.empty() ? base_.end() : base_.lower_bound(end);
    for (auto it = base_.lower_bound(start); it != last; ++it) over_[it->first] = nullptr;
    return Status();
  }
  std::optional<BytesView> get(BytesView key) override {
    Map::const_iterator it = over_.find(key);
    if (it == over_.end()) {
      it = base_.find(key);
      if (it == base_.end()) return std::nullopt;
    }
    if (it->second == nullptr) return std::nullopt;
    return BytesView(*it->second);
  }
  std::unique_ptr<CheckpointCursor> cursor() override {
    return std::make_unique<OverlaidCursor>(&base_, &over_);
  }

 private:
  const Map& base_;
  Map& over_;
};

class MapCheckpointStore : public CheckpointStore {
 public:
  MapCheckpointStore(runtime::Env& env, std::shared_ptr<MapCheckpointDisk> disk)
      : env_(env), disk_(std::move(disk)) {
    if (!disk_->writing) return;
    if (env_.random->chance(0.5)) disk_->finish_write();
    disk_->writing.reset();
  }

  runtime::Task<Status> write(std::function<Status(CheckpointWriter&)> fill) override {
    CHECK(!writing_);
    writing_ = true;
    auto result = std::make_shared<Status>(std::exchange(disk_->fail_next_write, Status()));
    auto work = [disk = disk_, result, fill = std::move(fill)] {
      Map changes;
      if (result->ok()) {
        MapWriter writer(disk->synced->rows, changes);
        *result = fill(writer);
      }
      if (result->ok()) disk->writing = std::move(changes);
    };
    co_await env_.disk->run_blocking(std::move(work));
    writing_ = false;
    if (result->ok()) {
      disk_->finish_write();
      ++disk_->writes;
    }
    co_return *result;
  }

  std::unique_ptr<CheckpointReader> read() override {
    return std::make_unique<MapReader>(disk_->synced);
  }
  uint64_t used_bytes() const override { return disk_->synced->bytes; }
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

void MapCheckpointDisk::finish_write() {
  if (!writing) return;
  if (synced.use_count() > 1) synced = std::make_shared<State>(*synced);
  State& state = *synced;
  for (auto& [key, value] : *writing) {
    auto at = state.rows.lower_bound(key);
    const bool there = at != state.rows.end() && at->first == key;
    if (there) state.bytes -= key.size() + at->second->size();
    if (value == nullptr) {
      if (there) state.rows.erase(at);
      continue;
    }
    state.bytes += key.size() + value->size();
    if (there)
      at->second = std::move(value);
    else
      state.rows.emplace_hint(at, key, std::move(value));
  }
  writing.reset();
}

std::unique_ptr<CheckpointStore> make_map_checkpoint_store(
    runtime::Env& env, std::shared_ptr<MapCheckpointDisk> disk) {
  return std::make_unique<MapCheckpointStore>(env, std::move(disk));
}

}  // namespace quorate::storage
