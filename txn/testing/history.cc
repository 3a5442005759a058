#include "txn/testing/history.h"

#include <algorithm>
#include <set>

namespace quorate::txn {

using Fate = HistoryTxn::Fate;

Bytes encode_list(const List& list) {
  Bytes out;
  for (uint32_t n : list) out += std::to_string(n) + ",";
  return out;
}

List decode_list(BytesView bytes) {
  List out;
  uint32_t n = 0;
  for (char c : bytes) {
    if (c == ',') {
      out.push_back(n);
      n = 0;
    } else {
      n = n * 10 + static_cast<uint32_t>(c - '0');
    }
  }
  return out;
}

HistoryTxn& History::begin(runtime::Instant now) {
  HistoryTxn& t = txns_.emplace_back();
  t.number = static_cast<uint32_t>(txns_.size());
  t.began = now;
  return t;
}

size_t History::count(Fate fate) const {
  return std::count_if(txns_.begin(), txns_.end(),
                       [fate](const HistoryTxn& t) { return t.fate == fate; });
}

bool History::happened(const HistoryTxn& t, const std::map<Bytes, List>& last) const {
  if (t.fate == Fate::kCommitted) return true;
  if (t.fate == Fate::kFailed || t.appends.empty()) return false;
  auto list = last.find(t.appends[0]);
  return list != last.end() &&
         std::find(list->second.begin(), list->second.end(), t.number) != list->second.end();
}

std::string History::judge_appends(const std::map<Bytes, List>& last) const {
  std::map<uint32_t, std::map<Bytes, int>> found;
  for (const auto& [key, list] : last) {
    for (uint32_t n : list) ++found[n][key];
  }
  for (const HistoryTxn& t : txns_) {
    std::set<Bytes> wanted;
    if (happened(t, last)) wanted.insert(t.appends.begin(), t.appends.end());
    std::map<Bytes, int> is = found[t.number];
    for (const Bytes& key : wanted) {
      if (is[key] != 1) {
        return "append of " + std::to_string(t.number) + " to " + escape_bytes(key) + " is there " +
               std::to_string(is[key]) + " times";
      }
      is.erase(key);
    }
    if (!is.empty()) {
      return "append of " + std::to_string(t.number) + " to " + escape_bytes(is.begin()->first) +
             " is there and must not be";
    }
  }
  return {};
}

std::string History::judge_reads(const std::map<Bytes, List>& last, bool real_time) const {
  for (const HistoryTxn& t : txns_) {
    if (!happened(t, last)) continue;
    for (const auto& [key, seen] : t.reads) {
      auto at = last.find(key);
      static const List kNone;
      const List& list = at == last.end() ? kNone : at->second;
      bool prefix =
          seen.size() <= list.size() && std::equal(seen.begin(), seen.end(), list.begin());
      if (!prefix) {
        return std::to_string(t.number) + " read " + encode_list(seen) + " of " +
               escape_bytes(key) + ", which became " + encode_list(list);
      }
      for (size_t i = seen.size(); real_time && i < list.size(); ++i) {
        const HistoryTxn& other = txns_[list[i] - 1];
        if (other.fate == Fate::kCommitted && other.ended < t.began) {
          return std::to_string(t.number) + " did not see " + std::to_string(list[i]) + " in " +
                 escape_bytes(key) + ", which had committed before it began";
        }
      }
    }
  }
  return {};
}

std::string History::judge_order(const std::map<Bytes, List>& last, Level level) const {
  // Of a transaction: those that are after it since it wrote or read first, and those that wrote
  // over what it had read.
  std::vector<std::set<uint32_t>> after(txns_.size() + 1), over(txns_.size() + 1);
  const auto add = [](std::vector<std::set<uint32_t>>& edges, uint32_t a, uint32_t b) {
    if (a != b) edges[a].insert(b);
  };
  for (const auto& [key, list] : last) {
    for (size_t i = 1; i < list.size(); ++i) add(after, list[i - 1], list[i]);
  }
  for (const HistoryTxn& t : txns_) {
    if (!happened(t, last)) continue;
    for (const auto& [key, seen] : t.reads) {
      if (!seen.empty()) add(after, seen.back(), t.number);
      auto at = last.find(key);
      if (at != last.end() && seen.size() < at->second.size())
        add(over, t.number, at->second[seen.size()]);
    }
  }
  if (level != Level::kSnapshot) {
    for (size_t n = 1; n < after.size(); ++n) {
      if (level == Level::kSerializable || txns_[n - 1].level == Level::kSerializable)
        after[n].insert(over[n].begin(), over[n].end());
    }
  } else {
    // Snapshots and commits can be put in order if and only if no cycle is left when each
    // overwriting is taken together with a step of the other kind before it (Cerone, Gotsman,
    // "Analysing snapshot isolation", 2016).
    std::vector<std::set<uint32_t>> composed = after;
    for (size_t n = 0; n < after.size(); ++n)
      for (uint32_t m : after[n]) composed[n].insert(over[m].begin(), over[m].end());
    after = std::move(composed);
  }
  // Kahn's algorithm: what is left over lies on a cycle or behind one.
  std::vector<int> before(after.size());
  for (const auto& next : after)
    for (uint32_t n : next) ++before[n];
  std::vector<uint32_t> free;
  size_t done = 0;
  for (uint32_t n = 0; n < after.size(); ++n)
    if (before[n] == 0) free.push_back(n);
  while (!free.empty()) {
    uint32_t n = free.back();
    free.pop_back();
    ++done;
    for (uint32_t m : after[n])
      if (--before[m] == 0) free.push_back(m);
  }
  if (done == after.size()) return {};
  std::string out = level == Level::kSerializable ? "no serial order:"
                    : level == Level::kSnapshot   ? "no order of snapshots:"
                                                  : "no order of commits:";
  for (uint32_t n = 0; n < after.size(); ++n) {
    if (before[n] == 0) continue;
    out += " " + std::to_string(n) + " before";
    for (uint32_t m : after[n])
      if (before[m] > 0) out += " " + std::to_string(m);
    out += ";";
  }
  return out;
}

std::string History::judge(const std::map<Bytes, List>& last, Level level, bool real_time) const {
  std::string wrong = judge_appends(last);
  if (wrong.empty()) wrong = judge_reads(last, real_time);
  if (wrong.empty()) wrong = judge_order(last, level);
  return wrong;
}

}  // namespace quorate::txn
