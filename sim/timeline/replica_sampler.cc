#include "sim/timeline/replica_sampler.h"

#include <fmt/format.h>

namespace quorate::sim {

using MarkKind = EventLog::MarkKind;
using SpanKind = EventLog::SpanKind;

void ReplicaSampler::end(Seen& seen) {
  if (seen.leads != 0) log_.end_span(seen.leads);
  if (seen.lease != 0) log_.end_span(seen.lease);
  seen.leads = seen.lease = 0;
}

void ReplicaSampler::look() {
  ++looks_;
  for (size_t i = 0; i < cluster_.size(); ++i) {
    server::KvNode* node = cluster_.node(i);
    if (node == nullptr) continue;
    for (const auto& [id, replica] : node->store().replicas()) {
      if (replica->started()) look_at(i, *replica);
    }
  }
  // What was not met any more is gone, with its node or for good.
  for (auto it = seen_.begin(); it != seen_.end();) {
    if (it->second.look == looks_) {
      ++it;
      continue;
    }
    end(it->second);
    it = seen_.erase(it);
  }
}

void ReplicaSampler::look_at(size_t node, range::Replica& replica) {
  Seen& seen = seen_[{node, replica.range()}];
  const uint64_t life = cluster_.lives(node);
  if (seen.life != life) {
    end(seen);
    seen = Seen();
    seen.life = life;
    seen.term = replica.group().core().term();
  }
  seen.look = looks_;
  look_at_leader(seen, node, replica);
  look_at_descriptor(node, replica.descriptor());
  const LogIndex checkpointed = replica.engine().checkpointed_index(replica.range());
  if (seen.checkpointed && checkpointed > seen.checkpointed) {
    log_.mark(
        {.kind = MarkKind::kCheckpoint,
         .host = static_cast<int>(node),
         .range = replica.range().value,
         .text = fmt::format("the checkpoint on {} holds r{} up to entry {}", cluster_.host(node),
                             replica.range().value, checkpointed.value)});
  }
  seen.checkpointed = checkpointed;
}

void ReplicaSampler::look_at_leader(Seen& seen, size_t node, range::Replica& replica) {
  const raft::Raft& core = replica.group().core();
  const uint64_t range = replica.range().value;
  const std::string& host = cluster_.host(node);
  const auto mark = [&](MarkKind kind, std::string text) {
    log_.mark({.kind = kind,
               .host = static_cast<int>(node),
               .range = range,
               .term = core.term().value,
               .text = std::move(text)});
  };
  const bool campaigns = core.role() == raft::Role::kCandidate;
  if (campaigns && (seen.role != core.role() || seen.term != core.term()))
    mark(MarkKind::kCampaign,
         fmt::format("{} campaigns for r{} in term {}", host, range, core.term().value));
  const bool led = seen.leads != 0;
  if (led && (!core.leads() || seen.term != core.term())) {
    log_.end_span(seen.leads);
    seen.leads = 0;
  }
  if (core.leads() && seen.leads == 0) {
    seen.leads = log_.begin_span({.kind = SpanKind::kLeads,
                                  .from = static_cast<int>(node),
                                  .range = range,
                                  .term = core.term().value});
    mark(MarkKind::kElected,
         fmt::format("{} leads r{} in term {}", host, range, core.term().value));
  }
  RangeSeen& whole = ranges_[replica.range()];
  if (core.term() > whole.term) {
    if (whole.term)
      mark(MarkKind::kTerm,
           fmt::format("r{} is in term {}, first seen on {}", range, core.term().value, host));
    whole.term = core.term();
  }
  seen.role = core.role();
  seen.term = core.term();
  const range::LeaseView lease = replica.look_at_lease(Timestamp());
  if (seen.lease != 0 && (!lease.held || seen.lease_term != lease.term)) {
    log_.end_span(seen.lease);
    seen.lease = 0;
  }
  if (lease.held && seen.lease == 0) {
    seen.lease = log_.begin_span({.kind = SpanKind::kLease,
                                  .from = static_cast<int>(node),
                                  .range = range,
                                  .term = lease.term.value});
    seen.lease_term = lease.term;
  }
}

void ReplicaSampler::look_at_descriptor(size_t node, const range::RangeDescriptor& descriptor) {
  RangeSeen& seen = ranges_[descriptor.id];
  if (descriptor.generation <= seen.generation && seen.replicas != 0) return;
  const bool known = seen.replicas != 0;
  const auto mark = [&](MarkKind kind, std::string text) {
    log_.mark({.kind = kind,
               .host = static_cast<int>(node),
               .range = descriptor.id.value,
               .text = std::move(text)});
  };
  if (known && descriptor.span.end != seen.span.end)
    mark(MarkKind::kSplit, fmt::format("r{} splits: it ends at {} now", descriptor.id.value,
                                       escape_bytes(descriptor.span.end)));
  else if (known)
    mark(MarkKind::kMembers,
         fmt::format("r{} has new members: {}", descriptor.id.value, descriptor.to_string()));
  seen.generation = descriptor.generation;
  seen.span = descriptor.span;
  seen.replicas = descriptor.replicas.size();
}

}  // namespace quorate::sim
