#include "storage/memtable.h"

#include <bit>

namespace quorate::storage {
namespace {

constexpr size_t kChunkBytes = 256u << 10;

}  // namespace

Memtable::Memtable() {
  for (auto& index : indexes_) {
    index = std::make_unique<Index>();
    std::fill(std::begin(index->head), std::end(index->head), nullptr);
    std::fill(std::begin(index->tail), std::end(index->tail), nullptr);
    std::fill(std::begin(index->finger), std::end(index->finger), nullptr);
  }
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
    case Keyspace::kRun:
      return 5;
    case Keyspace::kRunBody:
      return 6;
  }
  UNREACHABLE("keyspace");
}

void* Memtable::allocate(size_t bytes) {
  bytes = (bytes + 7) & ~size_t{7};
  if (bytes > chunk_left_) {
    chunks_.push_back(std::make_unique_for_overwrite<char[]>(kChunkBytes));
    chunk_at_ = chunks_.back().get();
    chunk_left_ = kChunkBytes;
    bytes_ += kChunkBytes;
  }
  void* out = chunk_at_;
  chunk_at_ += bytes;
  chunk_left_ -= bytes;
  return out;
}

int Memtable::draw_height() {
  draw_ ^= draw_ << 13;
  draw_ ^= draw_ >> 7;
  draw_ ^= draw_ << 17;
  // One in four rows goes one level up.
  return std::min(kHeightMax, 1 + std::countr_zero(draw_ >> 8 | uint64_t{1} << 40) / 2);
}

void Memtable::retain(std::shared_ptr<const Bytes> bytes) {
  bytes_ += bytes->size() + 48;
  retained_.push_back(std::move(bytes));
}

MemRow* Memtable::find_before(const Index& index, BytesView key, MemRow** before) {
  MemRow* at = nullptr;
  const MemRow* known_greater = nullptr;  // spares comparing with the same row a level below
  for (int level = index.height - 1; level >= 0; --level) {
    MemRow* next = step(index, at, level);
    while (next != nullptr && next != known_greater && next->key < key) {
      at = next;
      next = next->next[level];
    }
    known_greater = next;
    if (before != nullptr) before[level] = at;
  }
  return at;
}

MemRow* Memtable::insert(Index& index, BytesView key) {
  MemRow* before[kHeightMax] = {};
  // Loads come in key order.
  const bool at_end = index.tail[0] != nullptr && index.tail[0]->key < key;
  if (at_end) {
    std::copy(std::begin(index.tail), std::end(index.tail), std::begin(before));
  } else if (index.last != nullptr && index.last->key < key && index.last->next[0] != nullptr &&
             key < index.last->next[0]->key) {
    // Others may have come between on the higher levels.
    for (int level = 0; level < index.height; ++level) {
      before[level] = index.finger[level];
      for (MemRow* next = step(index, before[level], level); next != nullptr && next->key < key;
           next = step(index, before[level], level)) {
        before[level] = next;
      }
    }
  } else {
    find_before(index, key, before);
  }
  int height = draw_height();
  index.height = std::max(index.height, height);
  void* memory = allocate(sizeof(MemRow) + sizeof(MemRow*) * static_cast<size_t>(height - 1));
  MemRow* row = new (memory) MemRow{key, nullptr, before[0], {nullptr}};
  MemRow* after = step(index, before[0], 0);
  if (after != nullptr) after->prev = row;
  for (int level = 0; level < height; ++level) {
    row->next[level] = step(index, before[level], level);
    (before[level] == nullptr ? index.head[level] : before[level]->next[level]) = row;
    if (row->next[level] == nullptr) index.tail[level] = row;
  }
  index.last = row;
  for (int level = 0; level < index.height; ++level) {
    index.finger[level] = level < height ? row : before[level];
  }
  ++rows_;
  bytes_ += 40;  // about what the hash index takes
  return row;
}

void Memtable::put(Keyspace keyspace, BytesView key, Timestamp ts, uint64_t sequence,
                   BytesView value, bool deleted) {
  Index& index = *indexes_[slot(keyspace)];
  auto [it, fresh] = index.by_key.try_emplace(key, nullptr);
  if (fresh) it->second = insert(index, key);
  MemRow* row = it->second;
  void* memory = allocate(sizeof(MemVersion));
  // Nearly always the newest; one at an equal timestamp goes before what it replaces.
  const MemVersion** link = &row->newest;
  while (*link != nullptr && (*link)->ts > ts) {
    link = const_cast<const MemVersion**>(&const_cast<MemVersion*>(*link)->older);
  }
  *link = new (memory) MemVersion{*link, ts, sequence, value, deleted};
}

const MemRow* Memtable::find(Keyspace keyspace, BytesView key) const {
  const Index& index = *indexes_[slot(keyspace)];
  if (index.by_key.empty()) return nullptr;
  auto it = index.by_key.find(key);
  return it == index.by_key.end() ? nullptr : it->second;
}

const MemRow* Memtable::first(Keyspace keyspace) const { return indexes_[slot(keyspace)]->head[0]; }

const MemRow* Memtable::seek(Keyspace keyspace, BytesView key) const {
  const Index& index = *indexes_[slot(keyspace)];
  return step(index, find_before(index, key, nullptr), 0);
}

const MemRow* Memtable::seek_before(Keyspace keyspace, BytesView key) const {
  const Index& index = *indexes_[slot(keyspace)];
  return key.empty() ? index.tail[0] : find_before(index, key, nullptr);
}

Memtable::Estimate Memtable::estimate(Keyspace keyspace, const KeySpan& span) const {
  const Index& index = *indexes_[slot(keyspace)];
  constexpr int kSampleLevel = 3;  // one in 64
  constexpr uint64_t kSampleMin = 64;
  MemRow* before[kHeightMax] = {};
  find_before(index, span.start, before);
  for (int level = std::min(kSampleLevel, index.height - 1); level >= 0; --level) {
    Estimate e;
    for (MemRow* row = step(index, before[level], level); row != nullptr; row = row->next[level]) {
      if (!span.end.empty() && row->key >= span.end) break;
      if (row->newest->deleted) continue;
      ++e.rows;
      e.bytes += row->key.size() + row->newest->value.size();
    }
    if (level > 0 && e.rows < kSampleMin) continue;
    return {e.rows << (2 * level), e.bytes << (2 * level)};
  }
  return {};
}

}  // namespace quorate::storage
