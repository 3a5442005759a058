#include "sim/checkers/membership.h"

#include <fmt/format.h>

namespace quorate::sim {

std::string Membership::look() {
  seen_.clear();
  for (size_t i = 0; i < cluster_.size(); ++i) {
    server::KvNode* node = cluster_.node(i);
    if (node == nullptr) continue;
    for (const auto& [range, replica] : node->store().replicas()) {
      if (!replica->started()) continue;
      const raft::Raft& core = replica->group().core();
      if (core.log().pending_snapshot()) continue;  // whose members it has already, and no rows
      const LogIndex applied = core.log().applied();
      const auto [other, fresh] = seen_.try_emplace({range, applied}, Seen{&replica->conf(), i});
      if (fresh || *other->second.conf == replica->conf()) continue;
      return fmt::format("r{} at index {}: {} counts by {}, {} by {}", range.value, applied.value,
                         cluster_.host(other->second.node), other->second.conf->to_string(),
                         cluster_.host(i), replica->conf().to_string());
    }
  }
  return {};
}

}  // namespace quorate::sim
