#include "storage/testing/map_checkpoint_store.h"

#include "runtime/random.h"

namespace quorate::storage {
namespace {

using Map = MapCheckpointDisk::Map;
using State = MapCheckpointDisk::State;
using View = MapCheckpointDisk::View;

// Walks a state with other rows laid over it: a write's changes, or what a view has kept. Both may
// change between its steps: it knows where it is by key.
class OverlaidCursor : public CheckpointCursor {
 public:
  OverlaidCursor(const Map* base, const Map* over, std::shared_ptr<const View> view = nullptr)
      : base_(base), over_(over), view_(std::move(view)) {}
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
    if (valid_ && stands_still())
      go_up(std::next(at_), over_->end());
    else if (valid_)
      go_up(base_->upper_bound(key_), over_->upper_bound(key_));
    return valid_;
  }
  bool prev() override {
    if (valid_ && stands_still())
      go_down(at_, over_->end());
    else if (valid_)
      go_down(base_->lower_bound(key_), over_->lower_bound(key_));
    return valid_;
  }
  bool valid() const override { return valid_; }
  BytesView key() const override { return key_; }
  BytesView value() const override { return *value_; }

 private:
  using At = Map::const_iterator;
  // Nothing has changed, so that there is no need to look for the key.
  bool stands_still() const {
    return view_ != nullptr && over_->empty() && changes_ == view_->state->changes;
  }
  void stand(At at) {
    valid_ = true;
    at_ = at;
    if (view_ != nullptr) changes_ = view_->state->changes;
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
  const std::shared_ptr<const View> view_;
  bool valid_ = false;
  At at_;
  uint64_t changes_ = 0;
  Bytes key_;
  std::shared_ptr<const Bytes> value_;
};

class MapReader : public CheckpointReader {
 public:
  explicit MapReader(std::shared_ptr<const View> view) : view_(std::move(view)) {}
  std::optional<BytesView> get(BytesView key) override {
    Map::const_iterator it = view_->before.find(key);
    if (it == view_->before.end()) {
      it = view_->state->rows.find(key);
      if (it == view_->state->rows.end()) return std::nullopt;
    }
    if (it->second == nullptr) return std::nullopt;
    return BytesView(*it->second);
  }
  std::unique_ptr<CheckpointCursor> cursor() override {
    return std::make_unique<OverlaidCursor>(&view_->state->rows, &view_->before, view_);
  }
  Status status() const override { return Status(); }

 private:
  std::shared_ptr<const View> view_;
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
    return std::make_unique<MapReader>(disk_->view());
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

MapCheckpointDisk::MapCheckpointDisk(const MapCheckpointDisk& other) { *this = other; }

MapCheckpointDisk& MapCheckpointDisk::operator=(const MapCheckpointDisk& other) {
  if (this == &other) return *this;
  synced = std::make_shared<State>();
  synced->rows = other.synced->rows;
  synced->bytes = other.synced->bytes;
  writing = other.writing;
  capacity = other.capacity;
  fail_next_write = other.fail_next_write;
  writes = other.writes;
  return *this;
}

std::shared_ptr<MapCheckpointDisk::View> MapCheckpointDisk::view() {
  std::vector<std::weak_ptr<View>>& views = synced->views;
  std::shared_ptr<View> last = views.empty() ? nullptr : views.back().lock();
  if (last != nullptr && last->before.empty()) return last;
  views.push_back(last = std::make_shared<View>(View{synced, {}}));
  return last;
}

MapCheckpointDisk::Map::iterator MapCheckpointDisk::random_row(runtime::Random& random,
                                                               BytesView keyspaces) {
  std::vector<Map::iterator> rows;
  for (auto it = synced->rows.begin(); it != synced->rows.end(); ++it)
    if (keyspaces.find(it->first.front()) != BytesView::npos) rows.push_back(it);
  return rows.empty() ? synced->rows.end() : rows[random.below(rows.size())];
}

bool MapCheckpointDisk::flip_random_bit(runtime::Random& random, BytesView keyspaces) {
  auto row = random_row(random, keyspaces);
  if (row == synced->rows.end() || row->second->empty()) return false;
  Bytes value = *row->second;
  char& byte = value[random.below(value.size())];
  byte = static_cast<char>(byte ^ (1 << random.below(8)));
  row->second = std::make_shared<const Bytes>(std::move(value));
  ++synced->changes;
  return true;
}

bool MapCheckpointDisk::exchange_random_rows(runtime::Random& random, BytesView keyspaces) {
  auto one = random_row(random, keyspaces);
  if (one == synced->rows.end()) return false;
  auto other = random_row(random, one->first.substr(0, 1));
  if (one == other || *one->second == *other->second) return false;
  std::swap(one->second, other->second);
  ++synced->changes;
  return true;
}

void MapCheckpointDisk::finish_write() {
  if (!writing) return;
  State& state = *synced;
  ++state.changes;
  std::erase_if(state.views, [](const std::weak_ptr<View>& v) { return v.expired(); });
  std::vector<std::shared_ptr<View>> views;
  for (const std::weak_ptr<View>& v : state.views) views.push_back(v.lock());
  for (auto& [key, value] : *writing) {
    auto at = state.rows.lower_bound(key);
    const bool there = at != state.rows.end() && at->first == key;
    for (const std::shared_ptr<View>& v : views)
      v->before.try_emplace(key, there ? at->second : nullptr);
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
