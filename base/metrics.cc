#include "base/metrics.h"

namespace quorate {

Counter& Metrics::counter(const std::string& name, const std::string& help) {
  std::lock_guard lock(mutex_);
  auto& entry = entries_[name];
  if (entry == nullptr) entry = std::make_unique<Entry>();
  if (entry->help.empty()) entry->help = help;
  return entry->counter;
}

std::vector<Metrics::Sample> Metrics::samples() const {
  std::lock_guard lock(mutex_);
  std::vector<Sample> out;
  for (const auto& [name, entry] : entries_)
    out.push_back({name, entry->help, entry->counter.value()});
  return out;
}

}  // namespace quorate
