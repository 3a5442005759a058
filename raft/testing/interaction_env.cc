#include "raft/testing/interaction_env.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/check.h"

namespace quorate::raft::testing {
namespace {

std::vector<uint64_t> numbers(const std::vector<std::string>& texts) {
  std::vector<uint64_t> out;
  for (const std::string& text : texts) out.push_back(std::strtoull(text.c_str(), nullptr, 10));
  return out;
}

uint64_t first_number(const quorate::testing::Command& c) {
  return c.args.empty() ? 0 : std::strtoull(c.args[0].first.c_str(), nullptr, 10);
}

std::string hard_text(const HardState& hard) {
  std::string out = "hard(term=" + hard.term.to_string() + " vote=" + hard.vote.to_string() +
                    " commit=" + hard.commit.to_string();
  const LeaderBinding& binding = hard.binding;
  if (binding.term) {
    out += binding.epoch
               ? " bound to " + binding.leader.to_string() + " epoch " + binding.epoch.to_string()
               : " released by " + binding.leader.to_string();
  }
  return out + ")";
}

}  // namespace

std::string InteractionEnv::handle(const Command& c) {
  out_.clear();
  if (!build_command(c) && !input_command(c) && !disk_command(c) && !network_command(c) &&
      !support_command(c) && !show_command(c)) {
    ADD_FAILURE() << c.where << ": unknown command " << c.name;
  }
  for (auto& [id, node] : nodes_) check(id);
  return c.has("quiet") || out_.empty() ? "ok\n" : out_;
}

InteractionEnv::Node& InteractionEnv::node_of(const Command& c) {
  auto it = nodes_.find(first_number(c));
  CHECK_MSG(it != nodes_.end(), c.where);
  return it->second;
}

void InteractionEnv::check(uint64_t id) {
  Node& node = nodes_.at(id);
  if (!node.raft) return;
  Invariants::check(*node.raft);
  node.transitions.observe(*node.raft);
}

// --- building
// --------------------------------------------------------------------------------------

bool InteractionEnv::build_command(const Command& c) {
  if (c.name == "nodes") {
    nodes(c);
  } else if (c.name == "child") {
    child(c);
  } else if (c.name == "log-of") {
    log_of(c);
  } else {
    return false;
  }
  return true;
}

void InteractionEnv::nodes(const Command& c) {
  config_.inflight_messages_max = c.get_u64("inflight", 256);
  config_.inflight_bytes_max = c.get_u64("inflight_bytes", 1 << 20);
  config_.message_bytes_max = c.get_u64("message_bytes", 1 << 20);
  config_.uncommitted_bytes_max = c.get_u64("uncommitted", 1 << 20);
  config_.election_ticks = static_cast<uint32_t>(c.get_u64("election_ticks", 10));
  SnapshotMeta begin{LogIndex(c.get_u64("index", 10)), Term(1), {}};
  const uint64_t members = c.get_u64("n"), all = members + c.get_u64("spare", 0);
  for (uint64_t id = 1; id <= members; ++id) {
    begin.conf.voters.insert(ReplicaId(id));
    begin.conf.stores[ReplicaId(id)] = StoreId(id);
  }
  for (uint64_t id : numbers(c.list("learners"))) {
    begin.conf.voters.erase(ReplicaId(id));
    begin.conf.learners.insert(ReplicaId(id));
  }
  for (uint64_t id = 1; id <= all; ++id) {
    Node& node = nodes_[id];
    node.disk = std::make_unique<MemoryDisk>(id <= members ? begin : SnapshotMeta());
    if (id <= members) node.disk->set_hard_state({begin.term, ReplicaId(), begin.index, {}});
    for (uint64_t other = 1; other <= all; ++other) {
      node.own_epoch[other] = 1;
      node.supports[other] = c.get("support", "all") == "none" ? 0 : 1;
    }
  }
  for (uint64_t id = 1; id <= all; ++id) {
    start(id, Birth::kRestart, std::nullopt);
    if (c.get("support", "all") == "none") continue;
    for (uint64_t by = 1; by <= all; ++by) {
      nodes_[id].view->set_support_from(StoreId(by), {StoreEpoch(1), Timestamp::from_micros(100)});
    }
  }
}

void InteractionEnv::child(const Command& c) {
  nodes(c);
  const uint64_t leader = c.get_u64("leader");
  for (auto& [id, node] : nodes_) {
    node.disk->set_hard_state(birth_hard_state(Term(c.get_u64("term")), LogIndex(10),
                                               ReplicaId(leader), StoreId(leader), StoreEpoch(1)));
    SupportView promises = *node.view;
    start(id, id == leader ? Birth::kLeader : Birth::kFollower, std::nullopt);
    *node.view = promises;
  }
}

void InteractionEnv::log_of(const Command& c) {
  Node& node = node_of(c);
  Ready written;
  written.write = 1;
  LogIndex index = node.disk->last_index();
  for (uint64_t term : numbers(c.list("terms"))) {
    index = index.next();
    written.entries.push_back({Term(term), index, EntryType::kNormal, nullptr});
  }
  written.hard_state = HardState{Term(c.get_u64("term")), {}, node.disk->checkpoint().index, {}};
  node.disk->start_write(written);
  node.disk->finish_write();
  SupportView promises = *node.view;
  start(first_number(c), Birth::kRestart, std::nullopt);
  *node.view = promises;
}

void InteractionEnv::start(uint64_t id, Birth birth, std::optional<DamagedTail> damaged) {
  Node& node = nodes_.at(id);
  node.view = std::make_unique<SupportView>();
  for (const auto& [asker, epoch] : node.supports) {
    node.view->set_supports(StoreId(asker), StoreEpoch(epoch));
  }
  Config config = config_;
  config.range = RangeId(1);
  config.self = ReplicaId(id);
  config.store = StoreId(id);
  config.seed = id;
  node.conf = node.disk->checkpoint().conf;
  const Start begin{node.disk->hard_state(), node.conf, node.disk->checkpoint().index, damaged,
                    birth};
  node.transitions = TransitionCheck();
  node.raft = std::make_unique<Raft>(config, begin, node.disk.get(), node.view.get());
}

// --- inputs
// ----------------------------------------------------------------------------------------

bool InteractionEnv::input_command(const Command& c) {
  const std::string second = c.args.size() > 1 ? c.args[1].first : "";
  if (c.name == "clock") {
    now_ = c.get_u64("t");
  } else if (c.name == "campaign") {
    node_of(c).raft->campaign();
  } else if (c.name == "propose") {
    for (size_t i = 1; i < c.args.size(); ++i) {
      if (c.args[i].first == "quiet") continue;
      const Proposed p = node_of(c).raft->propose(std::make_shared<const Bytes>(c.args[i].first));
      say(p.ok() ? p.term.to_string() + "/" + p.index.to_string()
                 : "refused: " + std::string(refusal_name(p.refusal)));
    }
  } else if (c.name == "read") {
    say(refusal_name(node_of(c).raft->read_index(second, Timestamp::from_micros(now_))).data());
  } else if (c.name == "transfer") {
    say(refusal_name(node_of(c).raft->transfer_leader(ReplicaId(c.get_u64("to")))).data());
  } else if (c.name == "hand-over") {
    say(node_of(c).raft->hand_over(second) ? "sent" : "nothing to hand over");
  } else if (c.name == "conf-change") {
    conf_change(c);
  } else if (c.name == "tick") {
    for (uint64_t n = c.get_u64("n", 1); n > 0; --n) {
      node_of(c).raft->tick(Timestamp::from_micros(now_));
    }
  } else if (c.name == "timeout") {
    const uint32_t ticks = node_of(c).raft->election_timeout();
    for (uint32_t i = 0; i < ticks; ++i) node_of(c).raft->tick(Timestamp::from_micros(now_));
  } else {
    return false;
  }
  return true;
}

void InteractionEnv::conf_change(const Command& c) {
  ConfChange change;
  auto steps = [&](const char* key, ConfChangeOp op) {
    for (uint64_t id : numbers(c.list(key))) {
      change.steps.push_back({op, ReplicaId(id), StoreId(id)});
    }
  };
  steps("add", ConfChangeOp::kAddVoter);
  steps("learner", ConfChangeOp::kAddLearner);
  steps("remove", ConfChangeOp::kRemove);
  if (c.has("explicit")) change.transition = ConfTransition::kJointExplicit;
  if (c.has("joint")) change.transition = ConfTransition::kJointAutoLeave;
  const Proposed p = node_of(c).raft->propose_conf_change(change);
  say(p.ok() ? p.term.to_string() + "/" + p.index.to_string()
             : "refused: " + std::string(refusal_name(p.refusal)));
}

// --- disk
// ------------------------------------------------------------------------------------------

bool InteractionEnv::disk_command(const Command& c) {
  const uint64_t id = first_number(c);
  if (c.name == "ready") {
    pump(id);
  } else if (c.name == "sync") {
    sync(id);
  } else if (c.name == "hold-apply" || c.name == "let-apply") {
    node_of(c).raft->hold_apply(c.name == "hold-apply");
  } else if (c.name == "slow-disk" || c.name == "fast-disk") {
    node_of(c).slow_disk = c.name == "slow-disk";
  } else if (c.name == "crash") {
    node_of(c).raft.reset();
    node_of(c).disk->crash(c.get_u64("kept", 0));
    for (auto& [other, epoch] : node_of(c).own_epoch) ++epoch;
  } else if (c.name == "restart") {
    start(id, Birth::kRestart, std::nullopt);
    status(id);
  } else if (c.name == "damage") {
    node_of(c).disk->lose_from(LogIndex(c.get_u64("first")));
    std::optional<DamagedTail> tail;
    if (c.has("last"))
      tail = DamagedTail{LogIndex(c.get_u64("first")), LogIndex(c.get_u64("last")),
                         Term(c.get_u64("last_term", 0))};
    start(id, Birth::kRestart, tail);
    status(id);
  } else if (c.name == "checkpoint" || c.name == "truncate") {
    Node& node = node_of(c);
    node.disk->set_checkpoint(node.raft->log().applied(), node.conf);
    if (c.name == "truncate") node.disk->truncate(node.raft->log().applied());
  } else {
    return false;
  }
  return true;
}

void InteractionEnv::pump(uint64_t id) {
  Node& node = nodes_.at(id);
  if (!node.raft || !node.raft->has_ready()) return;
  Ready ready = node.raft->ready();
  const std::string who = std::to_string(id) + ": ";
  if (ready.soft_state) {
    say(who + std::string(role_name(ready.soft_state->role)) + " of term " +
        ready.soft_state->term.to_string() + ", leader " + ready.soft_state->leader.to_string() +
        (ready.soft_state->damaged ? ", damaged" : ""));
  }
  if (ready.handed_over) say(who + "was handed: " + ready.handed_over->blob);
  if (ready.hand_over_to) say(who + "stops serving for " + ready.hand_over_to->to_string());
  if (ready.write) {
    std::string line = who + "write " + std::to_string(ready.write);
    if (ready.snapshot) line += " snapshot " + ready.snapshot->index.to_string();
    if (ready.hard_state) line += " " + hard_text(*ready.hard_state);
    for (const Entry& entry : ready.entries) line += " [" + describe(entry) + "]";
    say(line);
    if (ready.snapshot) node.conf = ready.snapshot->conf;
  }
  node.disk->start_write(ready);
  for (Message& m : ready.messages) {
    m.clock.forward(Timestamp::from_micros(now_));
    say("   " + describe(m));
    network_.push_back(std::move(m));
  }
  for (const ReadState& read : ready.read_states) {
    say(who + "read " + read.context + " at " + read.index.to_string());
  }
  apply(node, id, ready.committed);
}

void InteractionEnv::apply(Node& node, uint64_t id, const std::vector<Entry>& entries) {
  for (const Entry& entry : entries) {
    std::string line = std::to_string(id) + ": applies " + describe(entry);
    if (entry.type == EntryType::kConfChange) {
      Result<ConfState> conf = node.raft->apply_conf_change(entry);
      CHECK(conf.ok());
      node.conf = *conf;
      line += " " + conf->to_string();
    }
    say(line);
    node.raft->on_applied(entry.index);
  }
}

void InteractionEnv::sync(uint64_t id) {
  Node& node = nodes_.at(id);
  if (!node.raft || !node.disk->writing()) return;
  const WriteId write = node.disk->finish_write();
  say(std::to_string(id) + ": synced " + std::to_string(write));
  node.raft->on_persisted(write);
}

// --- network
// ---------------------------------------------------------------------------------------

bool InteractionEnv::network_command(const Command& c) {
  if (c.name == "messages") {
    for (const Message& m : network_) say(describe(m));
  } else if (c.name == "deliver" || c.name == "drop" || c.name == "duplicate") {
    for_messages(c, c.name);
  } else if (c.name == "cut" || c.name == "heal") {
    node_of(c).cut = c.name == "cut";
  } else if (c.name == "stabilize") {
    std::set<uint64_t> ids;
    for (uint64_t id : numbers(c.list("nodes"))) ids.insert(id);
    if (ids.empty()) {
      for (auto& [id, node] : nodes_) ids.insert(id);
    }
    stabilize(ids);
  } else {
    return false;
  }
  return true;
}

bool InteractionEnv::matches(const Command& c, const Message& m) const {
  return (!c.has("from") || c.get_u64("from", 0) == m.from.value) &&
         (!c.has("to") || c.get_u64("to", 0) == m.to.value) &&
         (!c.has("type") || c.get("type", "") == message_type_name(m.type));
}

void InteractionEnv::for_messages(const Command& c, const std::string& what) {
  uint64_t left = c.get_u64("n", 1u << 20);
  std::deque<Message> chosen, rest;
  for (Message& m : network_) {
    const bool take = left > 0 && matches(c, m);
    left -= take;
    (take ? chosen : rest).push_back(std::move(m));
  }
  network_ = std::move(rest);
  for (const Message& m : chosen) {
    say(what + " " + describe(m));
    if (what == "duplicate") {
      network_.push_back(m);
      network_.push_back(m);
    } else if (what == "drop") {
      lose(m);
    } else {
      deliver(m);
    }
  }
}

void InteractionEnv::lose(const Message& m) {
  Node& from = nodes_.at(m.from.value);
  if (m.type == MessageType::kSnapshot && from.raft) from.raft->report_snapshot(m.to, false);
}

void InteractionEnv::deliver(const Message& m) {
  Node& from = nodes_.at(m.from.value);
  Node& to = nodes_.at(m.to.value);
  if (!to.raft || to.cut || from.cut) return lose(m);
  now_ = std::max(now_, m.clock.micros());
  to.raft->step(m);
  if (m.type == MessageType::kSnapshot && from.raft) from.raft->report_snapshot(m.to, true);
}

void InteractionEnv::stabilize(const std::set<uint64_t>& ids) {
  for (size_t rounds = 0, busy = 1; busy > 0; ++rounds) {
    CHECK_MSG(rounds < 200, "the script does not come to rest");
    busy = 0;
    for (uint64_t id : ids) {
      Node& node = nodes_.at(id);
      if (node.raft && node.raft->has_ready()) {
        pump(id);
        ++busy;
      }
      if (node.raft && node.disk->writing() && !node.slow_disk) {
        sync(id);
        ++busy;
      }
      check(id);
    }
    std::deque<Message> now, later;
    for (Message& m : network_) (ids.contains(m.to.value) ? now : later).push_back(std::move(m));
    network_ = std::move(later);
    for (const Message& m : now) deliver(m);
    busy += now.size();
  }
}

// --- support
// ---------------------------------------------------------------------------------------

bool InteractionEnv::support_command(const Command& c) {
  if (c.name == "support") {
    support(c);
  } else if (c.name == "withdraw") {
    const uint64_t from = c.get_u64("from");
    node_of(c).supports[from] = 0;
    if (node_of(c).view) node_of(c).view->set_supports(StoreId(from), std::nullopt);
    ++nodes_.at(from).own_epoch[first_number(c)];
  } else {
    return false;
  }
  return true;
}

void InteractionEnv::support(const Command& c) {
  const uint64_t id = first_number(c);
  std::vector<uint64_t> by = numbers(c.list("by"));
  if (by.empty()) {
    for (auto& [other, node] : nodes_) by.push_back(other);
  }
  for (uint64_t other : by) {
    const StoreEpoch epoch(nodes_.at(id).own_epoch[other]);
    nodes_.at(other).supports[id] = epoch.value;
    nodes_.at(other).view->set_supports(StoreId(id), epoch);
    nodes_.at(id).view->set_support_from(StoreId(other),
                                         {epoch, Timestamp::from_micros(c.get_u64("until"))});
  }
}

// --- showing
// ---------------------------------------------------------------------------------------

bool InteractionEnv::show_command(const Command& c) {
  if (c.name == "status") {
    for (auto& [id, node] : nodes_) status(id);
  } else if (c.name == "progress") {
    for (const auto& [id, pr] : node_of(c).raft->progress()) {
      say(id.to_string() + ": " + std::string(progress_state_name(pr.state)) +
          " match=" + pr.match.to_string() + " next=" + pr.next.to_string() + " inflight=" +
          std::to_string(pr.window.count()) + " epoch=" + pr.accepted_epoch.to_string());
    }
  } else if (c.name == "log") {
    const LogView& log = node_of(c).raft->log();
    std::string line =
        "stable=" + log.stable_index().to_string() + " commit=" + log.committed().to_string() + ":";
    for (LogIndex i = log.first_index(); i <= log.last_index(); i = i.next()) {
      line += " " + log.term(i).to_string() + "/" + i.to_string();
    }
    say(line);
  } else if (c.name == "lease") {
    const Raft& raft = *node_of(c).raft;
    say("until " + std::to_string(raft.lease_until().micros()) + ", supported until " +
        std::to_string(raft.support_until().micros()) + (raft.may_serve() ? ", may serve" : ""));
  } else if (c.name == "relied") {
    node_of(c).raft->note_relied_on(Timestamp::from_micros(c.get_u64("until")));
  } else if (c.name == "quiesce") {
    for (auto& [id, node] : nodes_) {
      if (node.raft)
        say(std::to_string(id) + ": " + (node.raft->can_quiesce() ? "quiet" : "awake"));
    }
  } else {
    return false;
  }
  return true;
}

void InteractionEnv::status(uint64_t id) {
  const Node& node = nodes_.at(id);
  if (!node.raft) return say(std::to_string(id) + ": down");
  const Raft& raft = *node.raft;
  say(std::to_string(id) + ": " + std::string(role_name(raft.role())) +
      " term=" + raft.term().to_string() + " leader=" + raft.leader().to_string() +
      " last=" + raft.log().last_term().to_string() + "/" + raft.log().last_index().to_string() +
      " commit=" + raft.log().committed().to_string() + " " + raft.conf().to_string() +
      (raft.bound() ? " bound" : "") + (raft.damaged() ? " damaged" : ""));
}

}  // namespace quorate::raft::testing
