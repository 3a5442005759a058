// A half-open span of keys [start, end). An empty `end` has no upper bound.
#pragma once

#include <algorithm>
#include <string>

#include "base/bytes.h"

namespace quorate {

struct KeySpan {
  Bytes start, end;
  static KeySpan point(BytesView key) { return {Bytes(key), key_successor(key)}; }
  static KeySpan all() { return {}; }
  static KeySpan nothing() { return {Bytes(1, '\0'), Bytes(1, '\0')}; }
  static KeySpan prefix(BytesView p) { return {Bytes(p), prefix_successor(p)}; }
  bool contains(BytesView key) const { return key >= start && (end.empty() || key < end); }
  bool contains(const KeySpan& o) const {
    return o.start >= start && (end.empty() || (!o.end.empty() && o.end <= end));
  }
  bool overlaps(const KeySpan& o) const {
    return (o.end.empty() || start < o.end) && (end.empty() || o.start < end);
  }
  bool empty() const { return !end.empty() && start >= end; }
  friend bool operator==(const KeySpan&, const KeySpan&) = default;
  std::string to_string() const {
    return "[" + escape_bytes(start) + ", " + escape_bytes(end) + ")";
  }
  template <class Archive>
  void serialize(Archive& a) {
    a(start, end);
  }
};

// What of `a` lies in `b`; empty() where they don't overlap.
inline KeySpan clip(const KeySpan& a, const KeySpan& b) {
  KeySpan out{std::max(a.start, b.start), a.end};
  if (!b.end.empty() && (out.end.empty() || b.end < out.end)) out.end = b.end;
  return out;
}

}  // namespace quorate
