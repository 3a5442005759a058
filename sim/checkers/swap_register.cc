#include "sim/checkers/swap_register.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace quorate::sim {
namespace {

using Fate = RegisterOp::Fate;

// The place of each value in the chain of swaps that leads to `last`; an error text where there is
// no such chain.
std::string find_places(const std::map<uint64_t, const RegisterOp*>& swaps, uint64_t last,
                        std::map<uint64_t, uint64_t>& places) {
  std::vector<uint64_t> chain;
  for (uint64_t value = last; value != 0;) {
    auto swap = swaps.find(value);
    if (swap == swaps.end() || swap->second->fate == Fate::kFailed || !swap->second->read)
      return fmt::format("holds {}, which nobody can have written", value);
    chain.push_back(value);
    if (chain.size() > swaps.size()) return "its swaps go in a circle";
    value = *swap->second->read;
  }
  std::reverse(chain.begin(), chain.end());
  places[0] = 0;
  for (size_t i = 0; i < chain.size(); ++i) places[chain[i]] = i + 1;
  return {};
}

struct Placed {
  const RegisterOp* op;
  uint64_t place;
};

std::string judge_order(std::vector<Placed> placed) {
  std::vector<Placed> by_end = placed;
  std::sort(placed.begin(), placed.end(),
            [](const Placed& a, const Placed& b) { return a.op->began < b.op->began; });
  std::sort(by_end.begin(), by_end.end(),
            [](const Placed& a, const Placed& b) { return a.op->ended < b.op->ended; });
  size_t ended = 0;
  const Placed* furthest = nullptr;
  for (const Placed& p : placed) {
    for (; ended < by_end.size() && by_end[ended].op->ended < p.op->began; ++ended) {
      if (furthest == nullptr || by_end[ended].place > furthest->place) furthest = &by_end[ended];
    }
    if (furthest == nullptr || furthest->place <= p.place) continue;
    const auto seconds = [](runtime::Instant t) {
      return std::chrono::duration<double>(t.since_start).count();
    };
    return fmt::format(
        "a {} at place {} had ended at {:.6f} when a {} began at {:.6f} that is at place {}",
        furthest->op->swap ? "swap" : "read", furthest->place, seconds(furthest->op->ended),
        p.op->swap ? "swap" : "read", seconds(p.op->began), p.place);
  }
  return {};
}

}  // namespace

std::string judge_register(const std::vector<RegisterOp>& ops, uint64_t last, bool real_time) {
  std::map<uint64_t, const RegisterOp*> swaps;
  for (const RegisterOp& op : ops) {
    if (op.swap) swaps[op.written] = &op;
  }
  std::map<uint64_t, uint64_t> places;
  if (std::string wrong = find_places(swaps, last, places); !wrong.empty()) return wrong;
  std::vector<Placed> placed;
  for (const RegisterOp& op : ops) {
    if (op.swap) {
      auto place = places.find(op.written);
      if (place != places.end()) {
        placed.push_back({&op, 2 * place->second});
      } else if (op.fate == Fate::kDone) {
        return fmt::format("the swap for {} was acknowledged and is lost", op.written);
      }
    } else if (op.fate == Fate::kDone) {
      auto place = places.find(*op.read);
      if (place == places.end())
        return fmt::format("{} was read, which never was its value", *op.read);
      placed.push_back({&op, 2 * place->second + 1});
    }
  }
  return real_time ? judge_order(std::move(placed)) : std::string();
}

}  // namespace quorate::sim
