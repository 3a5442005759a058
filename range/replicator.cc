#include "range/replicator.h"

#include <algorithm>

#include "base/mark.h"

namespace quorate::range {
namespace {

// A learner that is not heard of for so long makes room for another.
constexpr auto kLearnerPatience = std::chrono::seconds(30);
// A learner so close to the end of the log may vote.
constexpr uint64_t kCaughtUpEntries = 100;

const ReplicaDescriptor* find(const RangeDescriptor& descriptor, ReplicaId id) {
  for (const ReplicaDescriptor& r : descriptor.replicas) {
    if (r.replica == id) return &r;
  }
  return nullptr;
}

}  // namespace

struct Replicator::Standing {
  size_t voters = 0, usable = 0;
  ReplicaId gone;  // a voter that never comes back, as far as anybody can tell
  std::string gone_why;
  bool gone_is_damaged = false;   // its node lives, and can take another replica when it has left
  std::optional<size_t> learner;  // its place in the descriptor
  std::string learner_gone_why;
};

Replicator::Replicator(runtime::Env& env, runtime::Hlc& clock, Cluster& cluster, Store& store,
                       Retirement& retirement, Options options)
    : env_(env),
      clock_(clock),
      cluster_(cluster),
      store_(store),
      retirement_(retirement),
      options_(options) {}

Replicator::Standing Replicator::look(const Replica& replica) const {
  Standing out;
  const RangeDescriptor& descriptor = replica.descriptor();
  for (size_t i = 0; i < descriptor.replicas.size(); ++i) {
    const ReplicaDescriptor& r = descriptor.replicas[i];
    const bool damaged = retirement_.damaged(descriptor.id, r.replica);
    std::string why;
    if (damaged) {
      why = "it is damaged";
    } else if (cluster_.displaced(r.node)) {
      why = "another node is at its address";
    } else if (cluster_.silence(r.node) >= options_.replace_after) {
      why = "nothing was heard of its node for long";
    }
    if (r.role == ReplicaRole::kLearner) {
      out.learner = i;
      out.learner_gone_why = why;
      if (why.empty() && cluster_.silence(r.node) >= kLearnerPatience)
        out.learner_gone_why = "its node is silent";
      continue;
    }
    ++out.voters;
    if (why.empty()) {
      ++out.usable;
    } else if (!out.gone || (out.gone_is_damaged && !damaged)) {
      out.gone = r.replica;
      out.gone_why = std::move(why);
      out.gone_is_damaged = damaged;
    }
  }
  return out;
}

runtime::Task<Status> Replicator::step(RangeId range) {
  Replica* replica = store_.find(range);
  const raft::Raft& core = replica->group().core();
  if (core.conf().joint()) {
    // Elected while it was leaving: until another leads, nobody can finish the change.
    if (core.must_hand_over()) {
      MARK("range: a leader that leaves hands over");
      co_return co_await hand_over(range);
    }
    co_return Status();
  }
  const RangeDescriptor& descriptor = replica->descriptor();
  const Standing now = look(*replica);
  if (now.learner) {
    const ReplicaDescriptor& learner = descriptor.replicas[*now.learner];
    if (!now.learner_gone_why.empty()) {
      MARK("range: a learner makes room for another");
      const ReplicaId id = learner.replica;
      std::string why = now.learner_gone_why;
      co_return co_await remove(range, id, std::move(why));
    }
    if (!caught_up(core, learner)) co_return Status();
    ReplicaId leaving;
    std::string why;
    if (now.gone && now.voters >= options_.replicas) {
      MARK("range: a replica takes the place of a lost one");
      leaving = now.gone;
      why = now.gone_why;
    }
    co_return co_await promote(range, *now.learner, std::move(why), leaving);
  }
  if (now.voters > options_.replicas) {
    MARK("range: a range has too many replicas");
    ReplicaId leaving = now.gone;
    std::string why = "the range has more replicas than it needs";
    if (now.gone) why = now.gone_why;
    // The newest: it has taken the fewest steps to be here.
    for (const ReplicaDescriptor& r : descriptor.replicas) {
      if (!now.gone && r.replica != replica->id() && r.replica > leaving) leaving = r.replica;
    }
    co_return co_await remove(range, leaving, std::move(why));
  }
  if (now.usable >= options_.replicas) co_return Status();
  if (choose_node(descriptor)) co_return co_await add_learner(range, now.usable);
  // No other node: the damaged one's own takes a new replica when the old one has left.
  if (!now.gone_is_damaged || !quorum_without(descriptor, now.gone)) co_return Status();
  std::string why = now.gone_why;
  co_return co_await remove(range, now.gone, std::move(why));
}

runtime::Task<Status> Replicator::hand_over(RangeId range) {
  Replica* replica = store_.find(range);
  const raft::Raft& core = replica->group().core();
  NodeId to;
  LogIndex furthest;
  for (const ReplicaDescriptor& r : replica->descriptor().replicas) {
    auto progress = core.progress().find(r.replica);
    if (!core.conf().voters.contains(r.replica) || progress == core.progress().end() ||
        progress->second.match <= furthest || !cluster_.alive(r.node))
      continue;
    to = r.node;
    furthest = progress->second.match;
  }
  if (!to) co_return Status();
  env_.log.info("r{}: the lease goes to n{}: the replica here leaves", range.value, to.value);
  runtime::Task<Status> moved = replica->transfer_lease(to);
  co_return co_await std::move(moved);
}

// One that has not, or whose store promises nothing, would leave the range without a quorum.
bool Replicator::caught_up(const raft::Raft& core, const ReplicaDescriptor& learner) const {
  auto progress = core.progress().find(learner.replica);
  if (progress == core.progress().end()) return false;
  const raft::Progress& pr = progress->second;
  return pr.state == raft::Progress::State::kReplicate && pr.match && pr.accepted_epoch &&
         pr.match.value + kCaughtUpEntries >= core.log().committed().value &&
         cluster_.alive(learner.node) &&
         store_.liveness().supported_until(learner.store) > clock_.peek();
}

// Whether the voters that stay are enough by themselves now.
bool Replicator::quorum_without(const RangeDescriptor& descriptor, ReplicaId left_out) const {
  size_t voters = 0, living = 0;
  for (const ReplicaDescriptor& r : descriptor.replicas) {
    if (r.role != ReplicaRole::kVoter || r.replica == left_out) continue;
    ++voters;
    const bool lives = r.store == store_.options().id ||
                       store_.liveness().supported_until(r.store) > clock_.peek();
    if (lives && !retirement_.damaged(descriptor.id, r.replica)) ++living;
  }
  return living * 2 > voters;
}

// The living node with the fewest ranges that has no replica yet.
NodeId Replicator::choose_node(const RangeDescriptor& descriptor) const {
  NodeId best;
  uint64_t fewest = ~uint64_t{0};
  for (const auto& [id, node] : cluster_.nodes()) {
    const NodeId candidate = id;
    bool has = std::any_of(descriptor.replicas.begin(), descriptor.replicas.end(),
                           [&](const ReplicaDescriptor& r) { return r.node == candidate; });
    if (has || node.draining || !cluster_.alive(id) || node.ranges >= fewest) continue;
    best = id;
    fewest = node.ranges;
  }
  return best;
}

runtime::Task<Status> Replicator::promote(RangeId range, size_t learner, std::string leaving_why,
                                          ReplicaId leaving) {
  Replica* replica = store_.find(range);
  RangeDescriptor after = replica->descriptor();
  const ReplicaDescriptor joining = after.replicas[learner];
  after.replicas[learner].role = ReplicaRole::kVoter;
  ++after.generation;
  raft::ConfChange change;
  change.steps.push_back({raft::ConfChangeOp::kAddVoter, joining.replica, joining.store});
  NodeId left;
  if (leaving) {
    const ReplicaDescriptor* r = find(after, leaving);
    left = r->node;
    change.steps.push_back({raft::ConfChangeOp::kRemove, leaving, r->store});
    std::erase_if(after.replicas, [&](const ReplicaDescriptor& d) { return d.replica == leaving; });
  }
  CO_RETURN_IF_ERROR(co_await replica->change_replicas(std::move(change), after));
  env_.log.info("r{}: replica {} on n{} votes from now on", range.value, joining.replica.value,
                joining.node.value);
  if (!leaving) co_return Status();
  env_.log.info("r{}: replica {} on n{} leaves: {}", range.value, leaving.value, left.value,
                leaving_why);
  co_await retirement_.tell(left, std::move(after));
  co_return Status();
}

runtime::Task<Status> Replicator::remove(RangeId range, ReplicaId leaving, std::string why) {
  Replica* replica = store_.find(range);
  RangeDescriptor after = replica->descriptor();
  const ReplicaDescriptor* r = find(after, leaving);
  if (r == nullptr || leaving == replica->id() || !quorum_without(after, leaving)) {
    MARK("range: a replica can't leave without a quorum");
    co_return Status();
  }
  const NodeId node = r->node;
  raft::ConfChange change;
  change.steps.push_back({raft::ConfChangeOp::kRemove, leaving, r->store});
  std::erase_if(after.replicas, [&](const ReplicaDescriptor& d) { return d.replica == leaving; });
  ++after.generation;
  CO_RETURN_IF_ERROR(co_await replica->change_replicas(std::move(change), after));
  env_.log.info("r{}: replica {} on n{} leaves: {}", range.value, leaving.value, node.value, why);
  co_await retirement_.tell(node, std::move(after));
  co_return Status();
}

runtime::Task<Status> Replicator::add_learner(RangeId range, size_t usable) {
  Replica* replica = store_.find(range);
  RangeDescriptor after = replica->descriptor();
  const NodeId node = choose_node(after);
  const ReplicaId added = after.next_replica;
  after.next_replica = added.next();
  after.replicas.push_back({node, StoreId(node.value), added, ReplicaRole::kLearner});
  ++after.generation;
  raft::ConfChange change;
  change.steps.push_back({raft::ConfChangeOp::kAddLearner, added, StoreId(node.value)});
  CO_RETURN_IF_ERROR(co_await replica->change_replicas(std::move(change), after));
  env_.log.info("r{}: replica {} is added on n{}: {} of {} voters are usable", range.value,
                added.value, node.value, usable, options_.replicas);
  co_return Status();
}

}  // namespace quorate::range
