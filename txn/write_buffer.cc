#include "txn/write_buffer.h"

#include "base/limits.h"

namespace quorate::txn {

using range::ColumnSet;
using range::RowSet;
using range::RowWrite;

namespace {
// What a version costs beside its key and value: map node, vector, undo entry.
constexpr size_t kVersionOverhead = 160;
}  // namespace

Status WriteBuffer::put(BytesView key, BytesView value, ColumnSet changed,
                        std::optional<Timestamp> base) {
  return write(key, value, false, changed, base);
}

Status WriteBuffer::remove(BytesView key, std::optional<Timestamp> base) {
  return write(key, {}, true, range::kAllColumns, base);
}

Status WriteBuffer::check_sizes(BytesView key, BytesView value) {
  if (key.size() > limits::kKeyBytesMax) {
    return resource_exhausted("index row size " + std::to_string(key.size()) + " exceeds maximum " +
                              std::to_string(limits::kKeyBytesMax));
  }
  if (value.size() > limits::kValueBytesMax) {
    return resource_exhausted("row is too big: size " + std::to_string(value.size()) +
                              ", maximum size " + std::to_string(limits::kValueBytesMax));
  }
  return Status();
}

Status WriteBuffer::write(BytesView key, BytesView value, bool deleted, ColumnSet changed,
                          std::optional<Timestamp> base) {
  RETURN_IF_ERROR(check_sizes(key, value));
  size_t cost = key.size() + value.size() + kVersionOverhead;
  if (bytes_ + cost > bytes_max_) {
    return resource_exhausted("transaction writes more than its buffer holds",
                              sqlstate::kOutOfMemory);
  }
  auto it = rows_.lower_bound(key);
  bool fresh = it == rows_.end() || it->first != key;
  if (fresh) it = rows_.emplace_hint(it, Bytes(key), Row{base, {}});
  std::vector<Version>& versions = it->second.versions;
  if (!versions.empty() && replaceable(versions.back())) {
    Version& last = versions.back();
    bytes_ = bytes_ - last.value.size() + value.size();
    last.deleted = deleted;
    last.changed |= changed;
    last.value.assign(value);
    return Status();
  }
  versions.push_back({++sequence_, deleted, changed, Bytes(value)});
  undo_.push_back({sequence_, it});
  bytes_ += cost;
  return Status();
}

uint64_t WriteBuffer::savepoint() {
  marks_.push_back(++sequence_);
  return sequence_;
}

Status WriteBuffer::rollback_to(uint64_t mark) {
  auto at = std::lower_bound(marks_.begin(), marks_.end(), mark);
  if (at == marks_.end() || *at != mark) {
    return failed_precondition("savepoint does not exist",
                               sqlstate::kInvalidSavepointSpecification);
  }
  marks_.erase(at + 1, marks_.end());
  undo_above(mark);
  return Status();
}

void WriteBuffer::undo_statement() {
  marks_.erase(std::upper_bound(marks_.begin(), marks_.end(), statement_), marks_.end());
  undo_above(statement_);
}

void WriteBuffer::undo_above(uint64_t sequence) {
  while (!undo_.empty() && undo_.back().sequence > sequence) {
    Rows::iterator row = undo_.back().row;
    std::vector<Version>& versions = row->second.versions;
    CHECK(!versions.empty() && versions.back().sequence == undo_.back().sequence);
    bytes_ -= row->first.size() + versions.back().value.size() + kVersionOverhead;
    versions.pop_back();
    if (versions.empty()) rows_.erase(row);
    undo_.pop_back();
  }
}

void WriteBuffer::release(uint64_t mark) {
  marks_.erase(std::lower_bound(marks_.begin(), marks_.end(), mark), marks_.end());
}

const WriteBuffer::Version* WriteBuffer::visible(const Row& row, uint64_t sequence) {
  for (auto v = row.versions.rbegin(); v != row.versions.rend(); ++v) {
    if (v->sequence <= sequence) return &*v;
  }
  return nullptr;
}

const WriteBuffer::Version* WriteBuffer::find(BytesView key, uint64_t sequence) const {
  auto it = rows_.find(key);
  return it == rows_.end() ? nullptr : visible(it->second, sequence);
}

Timestamp WriteBuffer::base(BytesView key) const {
  auto it = rows_.find(key);
  return it == rows_.end() ? Timestamp() : it->second.base.value_or(Timestamp());
}

bool WriteBuffer::overlaps(const KeySpan& span) const {
  auto it = rows_.lower_bound(span.start);
  return it != rows_.end() && span.contains(it->first);
}

RowSet WriteBuffer::merge(const RowSet& rows, const KeySpan& covered, bool reverse, bool keys_only,
                          uint64_t sequence, size_t rows_max, std::optional<KeySpan>* left) const {
  left->reset();
  RowSet out;
  out.reserve(rows.size() + 8, rows.bytes());
  size_t next = 0;  // of `rows`
  auto first = rows_.lower_bound(covered.start);
  auto last = covered.end.empty() ? rows_.end() : rows_.lower_bound(covered.end);
  auto own_done = [&] { return first == last; };
  auto own = [&] { return reverse ? std::prev(last) : first; };
  while (next < rows.size() || !own_done()) {
    int order = 0;  // < 0: the committed row comes first; 0: both have the key
    if (own_done()) {
      order = -1;
    } else if (next == rows.size()) {
      order = 1;
    } else {
      order = rows.key(next).compare(own()->first);
      if (reverse) order = -order;
    }
    BytesView key = order <= 0 ? rows.key(next) : BytesView(own()->first);
    const Version* mine = order >= 0 ? visible(own()->second, sequence) : nullptr;
    bool emits = mine != nullptr ? !mine->deleted : order <= 0;
    if (emits && out.size() == rows_max) {
      *left =
          reverse ? KeySpan{covered.start, key_successor(key)} : KeySpan{Bytes(key), covered.end};
      break;
    }
    if (emits && mine != nullptr) {
      out.add(key, keys_only ? BytesView() : BytesView(mine->value),
              own()->second.base.value_or(Timestamp()));
    } else if (emits) {
      out.add(key, rows.value(next), rows.ts(next));
    }
    if (order <= 0) ++next;
    if (order >= 0) reverse ? --last : ++first;
  }
  return out;
}

std::vector<RowWrite> WriteBuffer::writes() const {
  std::vector<RowWrite> out;
  out.reserve(rows_.size());
  for (const auto& [key, row] : rows_) {
    const Version& last = row.versions.back();
    if (last.deleted && row.base == Timestamp()) continue;
    ColumnSet changed = 0;
    for (const Version& v : row.versions) changed |= v.changed;
    out.push_back({key, last.deleted, last.value, changed, row.base});
  }
  return out;
}

std::vector<uint64_t> WriteBuffer::parts() const {
  std::vector<uint64_t> borders = marks_;
  borders.push_back(statement_);
  std::sort(borders.begin(), borders.end());
  std::vector<uint64_t> out;
  size_t border = 0;
  for (const Undo& u : undo_) {
    bool fresh = out.empty();
    for (; border < borders.size() && borders[border] < u.sequence; ++border) fresh = true;
    if (fresh)
      out.push_back(u.sequence);
    else
      out.back() = u.sequence;
  }
  return out;
}

void WriteBuffer::forget_writes() {
  rows_.clear();
  undo_.clear();
  bytes_ = 0;
}

void WriteBuffer::clear() {
  rows_.clear();
  undo_.clear();
  marks_.clear();
  bytes_ = 0;
}

}  // namespace quorate::txn
