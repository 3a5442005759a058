#include "storage/memtable.h"

#include "base/check.h"

namespace quorate::storage {

Memtable::Memtable() {
  for (auto& index : indexes_) index = std::make_unique<Index>(arena_);
}

Memtable::~Memtable() = default;

size_t Memtable::slot(Keyspace keyspace) {
  switch (keyspace) {
    case Keyspace::kStore:
      return 0;
    case Keyspace::kRange:
      return 1;
    case Keyspace::kTxnRecord:
      return 2;
    case Keyspace::kIntent:
      return 3;
    case Keyspace::kRow:
      return 4;
  }
  UNREACHABLE("keyspace");
}

void Memtable::retain(std::shared_ptr<const Bytes> bytes) {
  retained_bytes_ += bytes->size() + 48;
  retained_.push_back(std::move(bytes));
}

void Memtable::put(Keyspace keyspace, BytesView key, Timestamp ts, uint64_t sequence,
                   BytesView value, bool deleted) {
  Index& index = *indexes_[slot(keyspace)];
  const size_t hash_bytes = index.by_key.bytes();
  MemRow*& row = *index.by_key.place(key);
  hash_bytes_ += index.by_key.bytes() - hash_bytes;
  if (row == nullptr) {
    row = arena_.make(MemRow{key, nullptr, nullptr, nullptr});
    index.by_key.added();
    index.order.insert(row);
    ++rows_;
  }
  // Nearly always the newest; one at an equal timestamp goes before what it replaces.
  const MemVersion** link = &row->newest;
  while (*link != nullptr && (*link)->ts > ts) {
    link = const_cast<const MemVersion**>(&const_cast<MemVersion*>(*link)->older);
  }
  *link = arena_.make(MemVersion{*link, ts, sequence, value, deleted});
}

const MemRow* Memtable::find(Keyspace keyspace, BytesView key) const {
  return indexes_[slot(keyspace)]->by_key.find(key);
}

const MemRow* Memtable::first(Keyspace keyspace) const {
  return indexes_[slot(keyspace)]->order.first();
}

const MemRow* Memtable::seek(Keyspace keyspace, BytesView key) const {
  return indexes_[slot(keyspace)]->order.seek(key);
}

const MemRow* Memtable::seek_before(Keyspace keyspace, BytesView key) const {
  const RowOrder& order = indexes_[slot(keyspace)]->order;
  return key.empty() ? order.last() : order.before(key);
}

Memtable::Estimate Memtable::estimate(Keyspace keyspace, const KeySpan& span) const {
  constexpr size_t kSamples = 128;
  const RowOrder& order = indexes_[slot(keyspace)]->order;
  const size_t begin = order.rank(span.start);
  const size_t end = span.end.empty() ? order.size() : order.rank(span.end);
  if (begin >= end) return {};
  const auto add = [](Estimate& e, const MemRow& row) {
    if (row.newest->deleted) return;
    ++e.rows;
    e.bytes += row.key.size() + row.newest->value.size();
  };
  Estimate e;
  const size_t rows = end - begin;
  if (rows <= 2 * kSamples) {
    const MemRow* row = order.at(begin);
    for (size_t i = 0; i < rows; ++i, row = row->next) add(e, *row);
    return e;
  }
  for (size_t i = 0; i < kSamples; ++i) add(e, *order.at(begin + i * rows / kSamples));
  return {e.rows * rows / kSamples, e.bytes * rows / kSamples};
}

}  // namespace quorate::storage
