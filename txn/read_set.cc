#include "txn/read_set.h"

#include <algorithm>

namespace quorate::txn {

using range::ColumnSet;
using range::ReadSpan;

namespace {
size_t cost(const ReadSpan& r) { return r.span.start.size() + r.span.end.size() + sizeof(r); }

bool end_less(const KeySpan& a, const KeySpan& b) {
  if (a.end.empty() || b.end.empty()) return !a.end.empty();
  return a.end < b.end;
}

// How much the keys on both sides of a gap have in common: those of one table more than those of
// two.
size_t nearness(const ReadSpan& a, const ReadSpan& b) {
  const Bytes &x = a.span.end, &y = b.span.start;
  const size_t most = std::min(x.size(), y.size());
  return static_cast<size_t>(
      std::mismatch(x.begin(), x.begin() + static_cast<ptrdiff_t>(most), y.begin()).first -
      x.begin());
}

void absorb(ReadSpan& a, const ReadSpan& b) {
  if (end_less(a.span, b.span)) a.span.end = b.span.end;
  a.columns |= b.columns;
  if (a.stored != b.stored) a.stored = 0;
  a.mixed = a.mixed || b.mixed || a.from != b.from;
  a.from = std::min(a.from, b.from);
}
}  // namespace

void ReadSet::add_point(BytesView key, ColumnSet columns, ColumnSet stored, Timestamp at) {
  add({KeySpan::point(key), at, columns, stored, false});
}

void ReadSet::add_span(KeySpan span, ColumnSet columns, ColumnSet stored, Timestamp at) {
  if (!span.empty()) add({std::move(span), at, columns, stored, false});
}

void ReadSet::add(ReadSpan read) {
  ++additions_;
  if (!reads_.empty()) {
    // The next chunk of a scan, in either direction, or the same row again.
    ReadSpan& last = reads_.back();
    if (last.columns == read.columns && last.from == read.from && last.stored == read.stored) {
      if (last.span.contains(read.span)) return;
      bool follows = last.span.end == read.span.start && !read.span.start.empty();
      bool precedes = read.span.end == last.span.start && !last.span.start.empty();
      if (follows || precedes) {
        bytes_ -= cost(last);
        (follows ? last.span.end : last.span.start) = follows ? read.span.end : read.span.start;
        bytes_ += cost(last);
        sorted_ = sorted_ && reads_.size() == 1;
        return;
      }
    }
    if (read.span.start < last.span.start) sorted_ = false;
  }
  bytes_ += cost(read);
  reads_.push_back(std::move(read));
  if (reads_.size() > spans_max_ || bytes_ > bytes_max_) coarsen();
}

void ReadSet::advance(Timestamp to) {
  for (ReadSpan& r : reads_) r.from.forward(to);
}

void ReadSet::clear() {
  reads_.clear();
  bytes_ = 0;
  sorted_ = true;
}

void ReadSet::compact() {
  if (!sorted_) {
    std::sort(reads_.begin(), reads_.end(), [](const ReadSpan& a, const ReadSpan& b) {
      if (a.span.start != b.span.start) return a.span.start < b.span.start;
      return end_less(a.span, b.span);
    });
    sorted_ = true;
  }
  size_t kept = 0;
  bytes_ = 0;
  for (size_t i = 0; i < reads_.size(); ++i) {
    if (kept > 0) {
      ReadSpan& last = reads_[kept - 1];
      bool overlap = last.span.overlaps(reads_[i].span);
      if (overlap && last.columns == reads_[i].columns && last.from == reads_[i].from &&
          last.stored == reads_[i].stored) {
        absorb(last, reads_[i]);
        continue;
      }
    }
    if (kept != i) reads_[kept] = std::move(reads_[i]);
    ++kept;
  }
  reads_.resize(kept);
  for (const ReadSpan& r : reads_) bytes_ += cost(r);
}

void ReadSet::coarsen() {
  compact();
  // Half of the bounds, so that the next coarsening is far away.
  while (reads_.size() > 1 && (reads_.size() > spans_max_ / 2 || bytes_ > bytes_max_ / 2)) {
    std::vector<size_t> near;
    for (size_t i = 0; i + 1 < reads_.size(); ++i)
      near.push_back(nearness(reads_[i], reads_[i + 1]));
    std::vector<size_t> sorted = near;
    const auto middle = sorted.begin() + static_cast<ptrdiff_t>(sorted.size() / 2);
    std::nth_element(sorted.begin(), middle, sorted.end());
    const size_t least = *middle;
    size_t kept = 0;
    bytes_ = 0;
    for (size_t i = 0; i < reads_.size(); ++i) {
      ReadSpan joined = std::move(reads_[i]);
      if (i < near.size() && near[i] >= least) absorb(joined, reads_[++i]);
      bytes_ += cost(joined);
      reads_[kept++] = std::move(joined);
    }
    reads_.resize(kept);
  }
}

}  // namespace quorate::txn
