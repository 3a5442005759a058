#include "raft/core/membership.h"

#include "base/check.h"

namespace quorate::raft {
namespace {

Status refuse(const std::string& why) { return invalid_argument("membership change: " + why); }

Status add(ConfState& conf, const ConfChangeStep& step) {
  if (!step.store) return refuse("replica " + step.replica.to_string() + " has no store");
  auto [it, fresh] = conf.stores.try_emplace(step.replica, step.store);
  if (!fresh && it->second != step.store) {
    return refuse("replica " + step.replica.to_string() + " lives on another store");
  }
  return Status();
}

void add_voter(ConfState& conf, ReplicaId id) {
  conf.learners.erase(id);
  conf.learners_next.erase(id);
  conf.voters.insert(id);
}

// A voter of the outgoing majority stays one until the joint configuration is left (learners_next).
void add_learner(ConfState& conf, ReplicaId id) {
  conf.voters.erase(id);
  (conf.outgoing.contains(id) ? conf.learners_next : conf.learners).insert(id);
}

void remove(ConfState& conf, ReplicaId id) {
  conf.voters.erase(id);
  conf.learners.erase(id);
  conf.learners_next.erase(id);
  if (!conf.outgoing.contains(id)) conf.stores.erase(id);
}

Status apply_steps(ConfState& conf, const std::vector<ConfChangeStep>& steps) {
  for (const ConfChangeStep& step : steps) {
    if (!step.replica) return refuse("a replica without id");
    switch (step.op) {
      case ConfChangeOp::kAddVoter:
        RETURN_IF_ERROR(add(conf, step));
        add_voter(conf, step.replica);
        break;
      case ConfChangeOp::kAddLearner:
        RETURN_IF_ERROR(add(conf, step));
        add_learner(conf, step.replica);
        break;
      case ConfChangeOp::kRemove:
        remove(conf, step.replica);
        break;
      default:
        return refuse("unknown operation");
    }
  }
  if (conf.voters.empty()) return refuse("no voter is left");
  return Status();
}

Result<ConfState> leave_joint(ConfState conf) {
  if (!conf.joint()) return refuse("there is no joint configuration to leave");
  for (ReplicaId id : conf.outgoing) {
    if (!conf.voters.contains(id) && !conf.learners_next.contains(id)) conf.stores.erase(id);
  }
  conf.learners.insert(conf.learners_next.begin(), conf.learners_next.end());
  conf.learners_next.clear();
  conf.outgoing.clear();
  conf.auto_leave = false;
  return conf;
}

size_t voters_changed(const ConfState& a, const ConfState& b) {
  size_t n = 0;
  for (ReplicaId id : a.voters) n += !b.voters.contains(id);
  for (ReplicaId id : b.voters) n += !a.voters.contains(id);
  return n;
}

}  // namespace

Result<ConfState> change_conf(const ConfState& conf, const ConfChange& change, bool never_joint) {
  if (change.leaves_joint()) return leave_joint(conf);
  if (conf.joint()) return refuse("the joint configuration has not been left yet");
  if (change.transition == ConfTransition::kAuto) {
    ConfState simple = conf;
    RETURN_IF_ERROR(apply_steps(simple, change.steps));
    if (voters_changed(conf, simple) <= 1 || never_joint) return simple;
  }
  ConfState joint = conf;
  joint.outgoing = conf.voters;
  joint.auto_leave = change.transition != ConfTransition::kJointExplicit;
  RETURN_IF_ERROR(apply_steps(joint, change.steps));
  return joint;
}

Status validate_conf(const ConfState& conf) {
  for (const auto& [id, store] : conf.stores) {
    if (!id || !store) return refuse("a member without id or store");
    const bool in = conf.votes(id) || conf.learners.contains(id);
    if (!in) return refuse("replica " + id.to_string() + " has a store and no part");
  }
  for (const auto* part : {&conf.voters, &conf.outgoing, &conf.learners, &conf.learners_next}) {
    for (ReplicaId id : *part) {
      if (!conf.member(id)) return refuse("replica " + id.to_string() + " has no store");
    }
  }
  for (ReplicaId id : conf.learners) {
    if (conf.votes(id)) return refuse("replica " + id.to_string() + " votes and learns");
  }
  for (ReplicaId id : conf.learners_next) {
    if (!conf.outgoing.contains(id) || conf.voters.contains(id)) {
      return refuse("replica " + id.to_string() + " can't become a learner");
    }
  }
  if (!conf.joint() && (conf.auto_leave || !conf.learners_next.empty())) {
    return refuse("parts of a joint configuration outside of one");
  }
  if (conf.joint() && conf.voters.empty()) return refuse("no incoming voter");
  return Status();
}

}  // namespace quorate::raft
