#include "range/testing/memory_engine.h"

#include <algorithm>

#include "storage/run_body.h"

namespace quorate::range {

using storage::Keyspace;
using storage::WriteBatch;

namespace {

const MemoryEngine::Cell* at_or_below(const MemoryEngine::Versions& versions, Timestamp ts) {
  for (auto it = versions.rbegin(); it != versions.rend(); ++it) {
    if (it->ts <= ts) return &*it;
  }
  return nullptr;
}

class MemoryRows : public storage::RowIterator {
 public:
  struct Row {
    const Bytes* key;
    const MemoryEngine::Cell* cell;
  };
  explicit MemoryRows(std::vector<Row> rows) : rows_(std::move(rows)) {}
  bool valid() const override { return at_ < rows_.size(); }
  void next() override { ++at_; }
  BytesView key() const override { return *rows_[at_].key; }
  Timestamp ts() const override { return rows_[at_].cell->ts; }
  BytesView value() const override { return rows_[at_].cell->value; }
  Status status() const override { return Status(); }

 private:
  const std::vector<Row> rows_;
  size_t at_ = 0;
};

class MemoryPlains : public storage::PlainIterator {
 public:
  MemoryPlains(MemoryEngine::Plain::const_iterator at, MemoryEngine::Plain::const_iterator end)
      : at_(at), end_(end) {}
  bool valid() const override { return at_ != end_; }
  void next() override { ++at_; }
  BytesView key() const override { return at_->first; }
  BytesView value() const override { return at_->second; }
  Status status() const override { return Status(); }

 private:
  MemoryEngine::Plain::const_iterator at_, end_;
};

template <class Map>
auto upper(const Map& map, const KeySpan& span) {
  return span.end.empty() ? map.end() : map.lower_bound(span.end);
}

}  // namespace

class MemoryView : public storage::ReadView {
 public:
  explicit MemoryView(MemoryEngine& engine) : engine_(engine) {}
  Result<std::optional<storage::Version>> get(BytesView key, Timestamp ts) override {
    auto it = engine_.rows_.find(key);
    const MemoryEngine::Cell* cell =
        it == engine_.rows_.end() ? nullptr : at_or_below(it->second, ts);
    if (cell == nullptr) return std::optional<storage::Version>();
    return std::optional<storage::Version>({cell->ts, cell->deleted, cell->value});
  }
  Result<std::optional<storage::Version>> newest(BytesView key) override {
    return get(key, Timestamp::max());
  }
  std::unique_ptr<storage::RowIterator> rows(const storage::RowIteratorOptions& o) override {
    std::vector<MemoryRows::Row> rows;
    auto end = upper(engine_.rows_, o.span);
    for (auto it = engine_.rows_.lower_bound(o.span.start); it != end; ++it) {
      const MemoryEngine::Cell* maybe = at_or_below(it->second, o.uncertain_until);
      if (o.uncertain != nullptr && maybe != nullptr && maybe->ts > o.ts)
        o.uncertain->forward(maybe->ts);
      const MemoryEngine::Cell* cell = at_or_below(it->second, o.ts);
      if (cell != nullptr && (!cell->deleted || o.with_deleted)) rows.push_back({&it->first, cell});
    }
    if (o.reverse) std::reverse(rows.begin(), rows.end());
    return std::make_unique<MemoryRows>(std::move(rows));
  }
  Result<std::optional<BytesView>> plain(Keyspace keyspace, BytesView key) override {
    const auto& map = engine_.plains_[keyspace];
    auto it = map.find(key);
    if (it == map.end()) return std::optional<BytesView>();
    return std::optional<BytesView>(it->second);
  }
  std::unique_ptr<storage::PlainIterator> plains(Keyspace keyspace, const KeySpan& span) override {
    const auto& map = engine_.plains_[keyspace];
    return std::make_unique<MemoryPlains>(map.lower_bound(span.start), upper(map, span));
  }

 private:
  MemoryEngine& engine_;
};

void MemoryEngine::put_version(BytesView key, Cell cell) {
  Versions& versions = rows_[Bytes(key)];
  if (!versions.empty() && versions.back().ts == cell.ts) versions.pop_back();
  CHECK(versions.empty() || versions.back().ts < cell.ts);
  versions.push_back(std::move(cell));
}

void MemoryEngine::apply(RangeId, LogIndex index, std::shared_ptr<const Bytes>,
                         BytesView operations) {
  applied_ = index;
  storage::WriteBatchReader reader(operations);
  while (reader.next()) {
    switch (reader.op) {
      case WriteBatch::Op::kPutVersion:
      case WriteBatch::Op::kDeleteVersion: {
        const bool deleted = reader.op == WriteBatch::Op::kDeleteVersion;
        put_version(reader.key, {reader.ts, deleted, Bytes(deleted ? BytesView() : reader.value)});
        break;
      }
      case WriteBatch::Op::kPublishRun: {
        const Bytes body = plains_[Keyspace::kRunBody].at(Bytes(reader.key));
        auto run = storage::RunReader::open(body);
        CHECK(run.ok());
        for (size_t i = 0; i < run->rows(); ++i) {
          const storage::RunRow row = run->row(i);
          put_version(row.key, {reader.ts, row.deleted, Bytes(row.value)});
        }
        plains_[Keyspace::kRun].erase(Bytes(reader.key));
        plains_[Keyspace::kRunBody].erase(Bytes(reader.key));
        break;
      }
      case WriteBatch::Op::kPut:
        plains_[reader.keyspace][Bytes(reader.key)] = Bytes(reader.value);
        break;
      case WriteBatch::Op::kDelete:
        plains_[reader.keyspace].erase(Bytes(reader.key));
        break;
    }
  }
  CHECK(reader.status().ok());
}

storage::ReadView& MemoryEngine::view_now() {
  if (now_ == nullptr) now_ = view();
  return *now_;
}

std::unique_ptr<storage::ReadView> MemoryEngine::view() {
  return std::make_unique<MemoryView>(*this);
}

const MemoryEngine::Plain& MemoryEngine::plains(Keyspace keyspace) const {
  static const Plain none;
  auto it = plains_.find(keyspace);
  return it == plains_.end() ? none : it->second;
}

std::string MemoryEngine::to_string() const {
  std::string out;
  for (const auto& [key, versions] : rows_) {
    out += escape_bytes(key) + ":";
    for (const Cell& c : versions)
      out +=
          " " + (c.deleted ? std::string("deleted") : c.value) + "@" + std::to_string(c.ts.packed);
    out += "\n";
  }
  return out;
}

storage::LogStore& MemoryEngine::log() { UNREACHABLE("a memory engine has no log"); }
runtime::Task<Status> MemoryEngine::wait_for_room(runtime::CancelToken, runtime::Instant) {
  co_return Status();
}
runtime::Task<Status> MemoryEngine::clear_replica(RangeId, KeySpan) { co_return Status(); }
runtime::Task<Result<std::unique_ptr<MemoryEngine::SnapshotReader>>> MemoryEngine::make_snapshot(
    RangeId, KeySpan) {
  co_return unavailable("a memory engine makes no snapshots");
}
runtime::Task<Result<std::unique_ptr<MemoryEngine::SnapshotWriter>>>
MemoryEngine::receive_snapshot() {
  co_return unavailable("a memory engine takes no snapshots");
}
runtime::Task<Status> MemoryEngine::checkpoint_now() { co_return Status(); }

}  // namespace quorate::range
