#include "txn/testing/history_cycle.h"

#include <algorithm>
#include <deque>

namespace quorate::txn {

using Kind = Dependency::Kind;

namespace {

using Edges = std::vector<std::vector<Dependency>>;

const List& list_of(const std::map<Bytes, List>& last, const Bytes& key) {
  static const List kNone;
  auto at = last.find(key);
  return at == last.end() ? kNone : at->second;
}

Edges edges_of(const History& history, const std::map<Bytes, List>& last, Level level) {
  Edges out(history.size() + 1);
  const auto add = [&](Kind kind, uint32_t from, uint32_t to, const Bytes& key, const List& seen) {
    if (from != to && from < out.size() && to < out.size())
      out[from].push_back({kind, from, to, key, seen});
  };
  for (const auto& [key, list] : last) {
    for (size_t i = 1; i < list.size(); ++i) add(Kind::kWrites, list[i - 1], list[i], key, {});
  }
  for (uint32_t n = 1; n <= history.size(); ++n) {
    const HistoryTxn& t = history.at(n);
    if (!history.happened(t, last)) continue;
    for (const auto& [key, seen] : t.reads) {
      if (!seen.empty()) add(Kind::kReads, seen.back(), n, key, seen);
      const List& list = list_of(last, key);
      const bool counts = level != Level::kReadCommitted || t.level == Level::kSerializable;
      if (counts && seen.size() < list.size())
        add(Kind::kOverwrites, n, list[seen.size()], key, seen);
    }
  }
  return out;
}

// The shortest way from `start` back to itself that is shorter than `limit`; empty: none. Of
// kSnapshot no two steps side by side may be overwritings: such a way begins with another step.
std::vector<Dependency> cycle_through(const Edges& edges, uint32_t start, Level level,
                                      size_t limit) {
  // A place is a transaction and whether it was come to by an overwriting.
  struct Place {
    const Dependency* came = nullptr;
    size_t before = 0, steps = 0;
  };
  const bool alternate = level == Level::kSnapshot;
  std::vector<Place> places(2 * edges.size());
  const size_t first = 2 * start + (alternate ? 1 : 0);
  std::deque<size_t> queue{first};
  while (!queue.empty()) {
    const size_t at = queue.front();
    queue.pop_front();
    if (places[at].steps + 1 >= limit) return {};
    for (const Dependency& d : edges[at / 2]) {
      const bool over = alternate && d.kind == Kind::kOverwrites;
      if (over && at % 2 == 1) continue;
      if (d.to == start) {
        std::vector<Dependency> out{d};
        for (size_t n = at; n != first; n = places[n].before) out.push_back(*places[n].came);
        std::reverse(out.begin(), out.end());
        return out;
      }
      Place& next = places[2 * d.to + (over ? 1 : 0)];
      if (next.came != nullptr) continue;
      next = {&d, at, places[at].steps + 1};
      queue.push_back(2 * d.to + (over ? 1 : 0));
    }
  }
  return {};
}

std::vector<Dependency> shortest_cycle(const Edges& edges, Level level) {
  std::vector<Dependency> best;
  size_t limit = edges.size() + 1;
  for (uint32_t n = 0; n < edges.size(); ++n) {
    std::vector<Dependency> found = cycle_through(edges, n, level, limit);
    if (found.empty()) continue;
    limit = found.size();
    best = std::move(found);
  }
  return best;
}

// A read that missed what had been committed before its transaction began.
std::vector<Dependency> stale_read(const History& history, const std::map<Bytes, List>& last) {
  for (uint32_t n = 1; n <= history.size(); ++n) {
    const HistoryTxn& t = history.at(n);
    if (!history.happened(t, last)) continue;
    for (const auto& [key, seen] : t.reads) {
      const List& list = list_of(last, key);
      for (size_t i = seen.size(); i < list.size(); ++i) {
        const HistoryTxn& other = history.at(list[i]);
        if (other.fate != HistoryTxn::Fate::kCommitted || !(other.ended < t.began)) continue;
        return {{Kind::kOverwrites, n, list[i], key, seen}, {Kind::kEarlier, list[i], n, {}, {}}};
      }
    }
  }
  return {};
}

// An append that is gone, and the one that was made from the same state.
std::vector<Dependency> lost_append(const History& history, const std::map<Bytes, List>& last) {
  for (uint32_t n = 1; n <= history.size(); ++n) {
    const HistoryTxn& t = history.at(n);
    if (t.fate != HistoryTxn::Fate::kCommitted) continue;
    for (const Bytes& key : t.appends) {
      const List& list = list_of(last, key);
      if (std::find(list.begin(), list.end(), n) != list.end()) continue;
      auto read = t.reads.find(key);
      const List seen = read == t.reads.end() ? List() : read->second;
      if (seen.size() >= list.size()) return {{Kind::kReads, n, n, key, seen}};
      const uint32_t other = list[seen.size()];
      const HistoryTxn& winner = history.at(other);
      auto its = winner.reads.find(key);
      return {{Kind::kOverwrites, n, other, key, seen},
              {Kind::kOverwrites, other, n, key, its == winner.reads.end() ? List() : its->second}};
    }
  }
  return {};
}

// A read of what never came to be.
std::vector<Dependency> dirty_read(const History& history, const std::map<Bytes, List>& last) {
  for (uint32_t n = 1; n <= history.size(); ++n) {
    const HistoryTxn& t = history.at(n);
    if (!history.happened(t, last)) continue;
    for (const auto& [key, seen] : t.reads) {
      const List& list = list_of(last, key);
      size_t i = 0;
      while (i < seen.size() && i < list.size() && seen[i] == list[i]) ++i;
      if (i == seen.size()) continue;
      std::vector<Dependency> out{{Kind::kReads, seen[i], n, key, seen}};
      if (i < list.size() && list[i] != n)
        out.push_back({Kind::kOverwrites, n, list[i], key, seen});
      return out;
    }
  }
  return {};
}

}  // namespace

std::vector<Dependency> find_cycle(const History& history, const std::map<Bytes, List>& last,
                                   Level level, bool real_time) {
  // In the order in which History judges.
  std::vector<Dependency> out = lost_append(history, last);
  if (out.empty()) out = dirty_read(history, last);
  if (out.empty() && real_time) out = stale_read(history, last);
  if (out.empty()) out = shortest_cycle(edges_of(history, last, level), level);
  return out;
}

}  // namespace quorate::txn
