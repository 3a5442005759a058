#include "storage/gc_thresholds.h"

namespace quorate::storage {

// Makes `key` a border, where a part holds it.
void GcThresholds::cut(const Bytes& key) {
  auto it = parts_.upper_bound(key);
  if (it == parts_.begin()) return;
  --it;
  Part& part = it->second;
  if (it->first == key || (!part.end.empty() && part.end <= key)) return;
  Part right = part;
  if (right.swept_until < key) right.swept_until.clear();
  part.end = key;
  if (part.swept_until >= key) {
    part.swept = true;
    part.swept_until.clear();
  }
  parts_.emplace(key, std::move(right));
}

void GcThresholds::raise(const KeySpan& span, Timestamp threshold) {
  if (span.empty() || !threshold) return;
  cut(span.start);
  if (!span.end.empty()) cut(span.end);
  // Over the parts inside and the gaps between them.
  Bytes at = span.start;
  auto it = parts_.lower_bound(at);
  auto inside = [&](const Bytes& key) { return span.end.empty() || key < span.end; };
  while (true) {
    if (it != parts_.end() && it->first == at) {
      Part& part = it->second;
      if (part.threshold < threshold) part = {part.end, threshold, false, {}};
      if (part.end.empty()) return;
      at = part.end;
      ++it;
    } else {
      Bytes end = it != parts_.end() && inside(it->first) ? it->first : span.end;
      it = std::next(parts_.emplace(at, Part{end, threshold, false, {}}).first);
      if (end.empty()) return;
      at = end;
    }
    if (!inside(at)) return;
  }
}

Timestamp GcThresholds::at(BytesView key) const {
  auto it = parts_.upper_bound(key);
  if (it == parts_.begin()) return Timestamp();
  --it;
  bool inside = it->second.end.empty() || key < it->second.end;
  return inside ? it->second.threshold : Timestamp();
}

std::optional<GcThresholds::Sweep> GcThresholds::next_sweep() const {
  for (const auto& [start, part] : parts_) {
    if (part.swept) continue;
    return Sweep{{std::max(start, part.swept_until), part.end}, part.threshold};
  }
  return std::nullopt;
}

void GcThresholds::swept(const Sweep& sweep, const Bytes& until) {
  auto it = parts_.upper_bound(sweep.span.start);
  if (it == parts_.begin()) return;
  --it;
  Part& part = it->second;
  // Raised or cut meanwhile: it is swept again.
  if (part.threshold != sweep.threshold || part.end != sweep.span.end) return;
  part.swept = until.empty();
  part.swept_until = until;
}

}  // namespace quorate::storage
