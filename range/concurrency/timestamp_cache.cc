#include "range/concurrency/timestamp_cache.h"

#include <algorithm>

#include "base/limits.h"
#include "base/mark.h"

namespace quorate::range {

namespace {
constexpr size_t kFirstSlots = 16;
}

TimestampCache::TimestampCache(Timestamp low_water) : low_water_(low_water), slots_(kFirstSlots) {}

// Only ever pushes, so any hash will do; this one does not depend on addresses or the process's
// seed, so that the simulator's runs repeat.
uint64_t TimestampCache::hash_of(BytesView key) {
  uint64_t h = 0x9e3779b97f4a7c15 ^ key.size();
  size_t i = 0;
  for (; i + 8 <= key.size(); i += 8) {
    uint64_t word;
    __builtin_memcpy(&word, key.data() + i, 8);
    h = (h ^ word) * 0xff51afd7ed558ccd;
    h ^= h >> 32;
  }
  uint64_t word = 0;
  __builtin_memcpy(&word, key.data() + i, key.size() - i);
  h = (h ^ word) * 0xc4ceb9fe1a85ec53;
  return h ^ (h >> 29);
}

void TimestampCache::Mark::add(Timestamp ts, ColumnSet more, uint64_t by) {
  columns |= more;
  if (by == tag) {
    newest.forward(ts);
  } else if (ts >= newest) {
    others.forward(newest);
    newest = ts;
    tag = by;
  } else {
    others.forward(ts);
  }
}

void TimestampCache::add(BytesView key, Timestamp ts, ColumnSet columns, const TxnId& txn) {
  if (ts <= low_water_) return;
  if (++adds_since_growth_ > 8 * slots_.size() && slots_.size() < limits::kTimestampCacheSlotsMax)
    grow();
  Slot& slot = slots_[hash_of(key) & (slots_.size() - 1)];
  // A mark that lies below the low-water mark says nothing any more: its columns start anew.
  for (Mark& m : slot.marks) {
    if (m.newest <= low_water_) m = Mark();
  }
  Mark* mark = &slot.marks[0];
  if (mark->columns != 0 && mark->columns != columns) {
    Mark* second = &slot.marks[1];
    if (second->columns == 0 || second->columns == columns || (columns & ~second->columns) == 0 ||
        (columns & ~mark->columns) != 0)
      mark = second;
  }
  mark->add(ts, columns, tag_of(txn));
}

void TimestampCache::add(const KeySpan& span, Timestamp ts, ColumnSet columns, const TxnId& txn) {
  if (ts <= low_water_) return;
  for (Interval& i : spans_) {
    if (i.mark.columns == columns && i.span == span) {
      i.mark.add(ts, columns, tag_of(txn));
      return;
    }
  }
  if (spans_.size() >= limits::kTimestampCacheSpansMax) merge_oldest_spans();
  Interval interval{span, {}};
  interval.mark.add(ts, columns, tag_of(txn));
  spans_.push_back(std::move(interval));
}

Timestamp TimestampCache::floor(BytesView key, ColumnSet columns, const TxnId& txn) const {
  const uint64_t writer = tag_of(txn);
  Timestamp floor = low_water_;
  const Slot& slot = slots_[hash_of(key) & (slots_.size() - 1)];
  for (const Mark& m : slot.marks) {
    if ((m.columns & columns) != 0) floor.forward(m.floor(writer));
  }
  for (const Interval& i : spans_) {
    if (i.mark.newest <= floor || (i.mark.columns & columns) == 0) continue;
    if (i.mark.floor(writer) > floor && i.span.contains(key)) floor = i.mark.floor(writer);
  }
  return floor;
}

// Which keys a slot stands for is not known: all of them count.
Timestamp TimestampCache::floor(const KeySpan& span, const TxnId& txn) const {
  const uint64_t writer = tag_of(txn);
  Timestamp floor = low_water_;
  for (const Slot& slot : slots_) {
    for (const Mark& m : slot.marks) floor.forward(m.floor(writer));
  }
  for (const Interval& i : spans_) {
    if (i.mark.newest > floor && i.span.overlaps(span)) floor.forward(i.mark.floor(writer));
  }
  return floor;
}

// A key's slot number gains one bit: what the old slot knew holds for both of its heirs.
void TimestampCache::grow() {
  MARK("range: the timestamp cache grows");
  const size_t old = slots_.size();
  slots_.resize(2 * old);
  std::copy_n(slots_.begin(), old, slots_.begin() + static_cast<ptrdiff_t>(old));
  adds_since_growth_ = 0;
}

// The older half becomes one hull with its greatest timestamp. Old timestamps seldom push anyone:
// writers come with newer ones.
void TimestampCache::merge_oldest_spans() {
  MARK("range: spans of the timestamp cache are merged");
  std::stable_sort(spans_.begin(), spans_.end(), [](const Interval& a, const Interval& b) {
    return a.mark.newest < b.mark.newest;
  });
  const size_t half = spans_.size() / 2;
  Interval hull = spans_[0];
  for (size_t i = 1; i < half; ++i) {
    const Interval& other = spans_[i];
    hull.span.start = std::min(hull.span.start, other.span.start);
    hull.span.end = hull.span.end.empty() || other.span.end.empty()
                        ? Bytes()
                        : std::max(hull.span.end, other.span.end);
    hull.mark.add(other.mark.newest, other.mark.columns, other.mark.tag);
    hull.mark.others.forward(other.mark.others);
  }
  spans_.erase(spans_.begin(), spans_.begin() + static_cast<ptrdiff_t>(half));
  spans_.push_back(std::move(hull));
}

}  // namespace quorate::range
