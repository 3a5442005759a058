#include "range/concurrency/deadlock.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace quorate::range {

namespace {

// Ordered by id, so that the same locks give the same victims.
struct Graph {
  struct Wait {
    LockMode mode;
    const Bytes* key;
  };
  std::map<TxnId, Timestamp> began;
  std::map<TxnId, std::map<TxnId, Wait>> waits_for;

  void add(const Bytes& key, const TxnHeader& waiter, LockMode waiter_mode, const TxnHeader& other,
           LockMode other_mode) {
    if (waiter.id == other.id) return;
    if (waiter_mode == LockMode::kShared && other_mode == LockMode::kShared) return;
    began[waiter.id] = waiter.began;
    began[other.id] = other.began;
    waits_for[waiter.id].try_emplace(other.id, Wait{waiter_mode, &key});
  }
  void remove(const TxnId& txn) {
    waits_for.erase(txn);
    for (auto& [waiter, others] : waits_for) others.erase(txn);
  }
};

Graph build(const std::vector<LockInfo>& locks) {
  Graph g;
  for (const LockInfo& lock : locks) {
    for (size_t i = 0; i < lock.waiters.size(); ++i) {
      g.add(lock.key, lock.waiters[i], lock.waiter_modes[i], lock.holder, lock.mode);
      for (size_t k = 0; k < i; ++k) {
        g.add(lock.key, lock.waiters[i], lock.waiter_modes[i], lock.waiters[k],
              lock.waiter_modes[k]);
      }
    }
  }
  return g;
}

// A circle, in order; empty when there is none. Depth first, with a stack of its own: chains may be
// long.
std::vector<TxnId> find_circle(const Graph& g) {
  enum class Mark : uint8_t { kOpen, kDone };
  std::map<TxnId, Mark> marks;
  for (const auto& [root, unused] : g.waits_for) {
    if (marks.contains(root)) continue;
    struct Step {
      TxnId txn;
      std::vector<TxnId> rest;
    };
    std::vector<Step> path;
    auto enter = [&](const TxnId& txn) {
      marks[txn] = Mark::kOpen;
      auto it = g.waits_for.find(txn);
      Step step{txn, {}};
      if (it != g.waits_for.end()) {
        for (auto w = it->second.rbegin(); w != it->second.rend(); ++w)
          step.rest.push_back(w->first);
      }
      path.push_back(std::move(step));
    };
    enter(root);
    while (!path.empty()) {
      if (path.back().rest.empty()) {
        marks[path.back().txn] = Mark::kDone;
        path.pop_back();
        continue;
      }
      const TxnId next = path.back().rest.back();
      path.back().rest.pop_back();
      auto mark = marks.find(next);
      if (mark == marks.end()) {
        enter(next);
      } else if (mark->second == Mark::kOpen) {
        std::vector<TxnId> circle;
        auto at =
            std::find_if(path.begin(), path.end(), [&](const Step& s) { return s.txn == next; });
        for (; at != path.end(); ++at) circle.push_back(at->txn);
        return circle;
      }
    }
  }
  return {};
}

std::string_view lock_name(LockMode mode) {
  return mode == LockMode::kShared ? "ShareLock" : "ExclusiveLock";
}

}  // namespace

std::vector<Deadlock> find_deadlocks(const std::vector<LockInfo>& locks) {
  Graph g = build(locks);
  std::vector<Deadlock> found;
  for (;;) {
    std::vector<TxnId> circle = find_circle(g);
    if (circle.empty()) return found;
    std::rotate(circle.begin(),
                std::max_element(circle.begin(), circle.end(),
                                 [&](const TxnId& a, const TxnId& b) {
                                   return std::pair(g.began[a], a) < std::pair(g.began[b], b);
                                 }),
                circle.end());
    Deadlock& deadlock = found.emplace_back();
    for (size_t i = 0; i < circle.size(); ++i) {
      const TxnId& blocker = circle[(i + 1) % circle.size()];
      const Graph::Wait& wait = g.waits_for[circle[i]].at(blocker);
      deadlock.circle.push_back({circle[i], wait.mode, *wait.key, blocker});
    }
    g.remove(deadlock.victim());
  }
}

Status Deadlock::error() const {
  std::string detail;
  for (const DeadlockEdge& edge : circle) {
    detail += fmt::format("{}Transaction {} waits for {} on a row; blocked by transaction {}.",
                          detail.empty() ? "" : "\n", edge.waiter.to_string(), lock_name(edge.mode),
                          edge.blocker.to_string());
  }
  return Status(StatusCode::kAborted, sqlstate::kDeadlockDetected, "deadlock detected")
      .with_detail(std::move(detail))
      .with_hint("See server log for query details.");
}

std::string Deadlock::for_log() const {
  std::string text = "deadlock detected; the first of these gives way:";
  for (const DeadlockEdge& edge : circle) {
    text +=
        fmt::format(" transaction {} waits for {} on {}, blocked by {};", edge.waiter.to_string(),
                    lock_name(edge.mode), escape_bytes(edge.key), edge.blocker.to_string());
  }
  text.pop_back();
  return text;
}

}  // namespace quorate::range
