#include "sim/mark_tally.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/mark.h"

namespace quorate::sim {

MarkTally::MarkTally() {
  void* memory = mmap(nullptr, bytes(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory != MAP_FAILED) runs_ = static_cast<std::atomic<uint32_t>*>(memory);
}

MarkTally::~MarkTally() {
  if (runs_ != nullptr) munmap(runs_, bytes());
}

size_t MarkTally::bytes() const {
  return std::max<size_t>(1, all_marks().size()) * sizeof(std::atomic<uint32_t>);
}

void MarkTally::add_run() {
  for (size_t i = 0; i < all_marks().size(); ++i) {
    if (all_marks()[i].reached.exchange(false)) ++runs_[i];
  }
}

size_t MarkTally::reached() const {
  return static_cast<size_t>(
      std::count_if(runs_, runs_ + all_marks().size(), [](const auto& n) { return n > 0; }));
}

std::string MarkTally::summary() const {
  return fmt::format("marks: {} of {} reached", reached(), all_marks().size());
}

void MarkTally::print(size_t runs) const {
  std::vector<std::tuple<uint32_t, std::string_view>> lines;
  for (size_t i = 0; i < all_marks().size(); ++i) lines.emplace_back(runs_[i], all_marks()[i].name);
  std::sort(lines.begin(), lines.end());
  fmt::print("marks by how many of {} runs reached them:\n", runs);
  for (const auto& [reached_by, name] : lines) fmt::print("{:6}  {}\n", reached_by, name);
}

}  // namespace quorate::sim
