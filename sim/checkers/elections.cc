#include "sim/checkers/elections.h"

#include <fmt/format.h>

#include <algorithm>

#include "raft/core/quorum.h"

namespace quorate::sim {

namespace {

// Whether `votes` of the members are a quorum of both halves.
template <class Votes>
bool could_win(const raft::ConfState& conf, const Votes& votes) {
  const auto majority = [&](const std::set<ReplicaId>& ids) {
    size_t yes = 0;
    for (ReplicaId id : ids) yes += votes(id) ? 1 : 0;
    return ids.empty() || yes >= raft::majority_of(ids.size());
  };
  return majority(conf.voters) && majority(conf.outgoing);
}

// As far as can be seen from outside: what is known to be committed is applied, so that no change
// of members is overlooked.
bool may_campaign(const raft::Raft& core) {
  return !core.leads() && !core.damaged() && core.conf().votes(core.config().self) &&
         !core.log().pending_snapshot() && core.log().applied() == core.log().committed();
}

// Proposed in this term and not known to be committed.
bool changes_members(const raft::Raft& core) {
  const raft::LogView& log = core.log();
  if (log.committed() == log.last_index()) return false;
  auto entries = log.entries(log.committed().next(), log.last_index().next(), 1u << 20);
  return entries.ok() && std::any_of(entries->begin(), entries->end(), [&](const raft::Entry& e) {
           return e.type == raft::EntryType::kConfChange && e.term == core.term();
         });
}

uint64_t mix(uint64_t hash, uint64_t value) { return (hash ^ value) * 0x100000001b3; }

}  // namespace

std::string Elections::look() {
  for (auto& [range, members] : ranges_) members.clear();
  for (size_t i = 0; i < cluster_.size(); ++i) {
    server::KvNode* node = cluster_.node(i);
    if (node == nullptr) continue;
    for (const auto& [range, replica] : node->store().replicas()) {
      if (replica->started()) ranges_[range][replica->id()] = {i, replica.get()};
    }
  }
  for (const auto& [range, members] : ranges_) {
    std::string wrong = judge_completeness(range, members);
    if (!wrong.empty()) return wrong;
    for (const auto& [id, member] : members) {
      if (!member.replica->group().core().leads()) continue;
      wrong = judge_own_term(range, member);
      if (!wrong.empty()) return wrong;
      if (!member.replica->look_at_lease(Timestamp()).held) continue;
      wrong = judge_lease(range, members, member);
      if (!wrong.empty()) return wrong;
    }
  }
  return {};
}

std::string Elections::judge_completeness(RangeId range, const Members& members) {
  if (members.empty()) return {};
  Committed& known = committed_[range];
  uint64_t state = 0xcbf29ce484222325;
  for (const auto& [id, member] : members) {
    const raft::LogView& log = member.replica->group().core().log();
    if (log.committed() > known.index && log.term(log.committed())) {
      known.index = log.committed();
      known.term = log.term(known.index);
    }
    state = mix(mix(mix(state, id.value), log.last_index().value), log.last_term().value);
    state = mix(mix(state, log.committed().value), log.applied().value);
  }
  if (std::exchange(known.looked_at, state) == state) return {};
  for (const auto& [id, member] : members) {
    const raft::Raft& core = member.replica->group().core();
    const raft::LogView& log = core.log();
    if (!may_campaign(core) || log.committed() >= known.index ||
        log.matches(known.index, known.term))
      continue;
    const bool wins = could_win(core.conf(), [&](ReplicaId voter) {
      auto it = members.find(voter);
      if (it == members.end()) return false;
      const raft::Raft& other = it->second.replica->group().core();
      return !other.damaged() && other.log().up_to_date(log.last_index(), log.last_term());
    });
    if (!wins) continue;
    return fmt::format(
        "r{}: replica {} on {} could win an election without entry {}, committed in "
        "term {}",
        range.value, id.value, cluster_.host(member.node), known.index.value, known.term.value);
  }
  return {};
}

std::string Elections::judge_own_term(RangeId range, const Member& leader) {
  const raft::Raft& core = leader.replica->group().core();
  const LogIndex committed = core.log().committed();
  const LogIndex found = found_.try_emplace({range, core.term()}, committed).first->second;
  if (committed <= found) return {};
  const Term term = core.log().term(committed);
  if (!term || term == core.term()) return {};
  return fmt::format("r{}: {} leads in term {} and has committed entry {} of term {} by itself",
                     range.value, cluster_.host(leader.node), core.term().value, committed.value,
                     term.value);
}

std::string Elections::judge_lease(RangeId range, const Members& members,
                                   const Member& leader) const {
  const raft::Raft& core = leader.replica->group().core();
  const Timestamp until = core.lease_until();
  const StoreId store = core.config().store;
  if (core.support_until() < until && changes_members(core)) {
    // A promise ends when its giver's clock has passed it, and with it what rests on it.
    const bool over = std::any_of(members.begin(), members.end(), [&](const auto& m) {
      return cluster_.node(m.second.node)->clock().peek() >= until;
    });
    if (!over) {
      return fmt::format("r{}: {} changes its members, relies on {} and is supported until {}",
                         range.value, cluster_.host(leader.node), until.to_string(),
                         core.support_until().to_string());
    }
  }
  const auto free = [&](ReplicaId voter) {
    auto it = members.find(voter);
    if (voter == core.config().self || it == members.end()) return false;
    server::KvNode& node = *cluster_.node(it->second.node);
    if (node.clock().peek() >= until) return false;  // what it votes for begins above the lease
    const raft::Raft& other = it->second.replica->group().core();
    const raft::LeaderBinding& binding = other.hard_state().binding;
    const bool held = other.bound() && binding.leader == core.config().self &&
                      binding.term == core.term() &&
                      node.store().liveness().promised_to(store) >= until;
    return !held;
  };
  if (!could_win(core.conf(), free)) return {};
  return fmt::format(
      "r{}: replica {} on {} may serve until {} in term {}, and others could be "
      "elected before",
      range.value, core.config().self.value, cluster_.host(leader.node), until.to_string(),
      core.term().value);
}

}  // namespace quorate::sim
