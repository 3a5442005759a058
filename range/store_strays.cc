// Raft messages for ranges of which nothing is here: a leader learns that it must send a snapshot,
// a candidate finds a voter.
#include "base/mark.h"
#include "range/store_internal.h"

namespace quorate::range {
namespace {

constexpr auto kStrayPatience = std::chrono::milliseconds(500);
constexpr size_t kStraysMax = 1000;
constexpr auto kAskPatience = std::chrono::seconds(2);
constexpr size_t kBecomingMax = 16;

// What a store that is asked for a vote asks the candidate's store.
struct VoterQuery {
  RangeId range;
  StoreId store;      // who asks
  ReplicaId replica;  // as which it was asked for its vote
  template <class A>
  void serialize(A& a) {
    a(range, store, replica);
  }
};
struct VoterAnswer {
  RangeDescriptor descriptor;
  raft::LeaderBinding binding;  // to the last leader that the candidate's replica followed
  template <class A>
  void serialize(A& a) {
    a(descriptor, binding);
  }
};

}  // namespace

void Store::on_stray(StoreId from, raft::Message message) {
  const bool append = message.type == raft::MessageType::kAppend;
  const bool asks = message.type == raft::MessageType::kPreVote;
  if (!append && !asks && message.type != raft::MessageType::kHeartbeat) return;
  if (unborn_.contains(message.range) || clearing_.contains(message.range)) return;
  if (engine_->log().tombstone(message.range) > message.to) return;
  const ReplicaId known = engine_->log().replica(message.range);
  if (known && known < message.to) {
    MARK("range: a later replica of a range is spoken to");
    scope_.spawn(make_way(message.range, message.to));
    return;
  }
  if (replicas_.contains(message.range)) return;
  // A split's right half is spoken to a moment before the split is applied here: only who stays
  // away longer needs a snapshot, or misses a vote.
  if (strays_.size() >= kStraysMax) strays_.clear();
  const runtime::Instant now = env_.executor->now();
  if (now - strays_.emplace(message.range, now).first->second < kStrayPatience) return;
  if (asks) {
    if (becoming_voters_.size() < kBecomingMax && becoming_voters_.insert(message.range).second) {
      MARK("range: a vote is asked of who has no replica");
      scope_.spawn(become_voter(from, std::move(message)));
    }
    return;
  }
  // Nothing of this range is here: the leader learns that it must send a snapshot.
  MARK("range: a leader learns that nothing is here");
  raft::Message answer;
  // A heartbeat is answered so that the leader probes again; it confirms nothing.
  answer.type = append ? raft::MessageType::kAppendResp : raft::MessageType::kHeartbeatResp;
  answer.range = message.range;
  answer.from = message.to;
  answer.to = message.from;
  answer.term = message.term;
  if (append) answer.index = message.index;
  answer.reject = append;
  raft_->send_stray(from, std::move(answer));
}

// What a voter needs to know that has nothing of the range but its name.
runtime::Task<Result<Bytes>> Store::on_voter_query(Bytes request) {
  VoterQuery query;
  CO_RETURN_IF_ERROR(decode(request, query));
  Replica* replica = raft_ == nullptr ? nullptr : find(query.range);
  if (replica == nullptr || !replica->started() ||
      own_replica(replica->descriptor(), query.store) != query.replica)
    co_return unavailable("the asker is no member of this range, as far as is known here");
  co_return encode(
      VoterAnswer{replica->descriptor(), replica->group().core().hard_state().binding});
}

// A member of a range that never had its rows: a split's child, say, whose parent came here by a
// snapshot from past the split. Those who have rows may need its vote, since the leader, who would
// send it a snapshot, is gone (docs/decisions/0014). It begins with an empty log, and bound as the
// candidate is, to the last leader that it followed: that leader may count this store among those
// who are bound to it, since all children are born so (safety: child-lease), and while it is
// supported from here nobody else gets a vote.
runtime::Task<void> Store::become_voter(StoreId asker, raft::Message asked) {
  const RangeId range = asked.range;
  const ReplicaId self = asked.to;
  const runtime::PeerId peer = cluster_.peer(NodeId(asker.value));
  const runtime::Instant deadline = env_.executor->now() + kAskPatience;
  Result<Bytes> answer = unavailable("the asker's node is not known");
  if (peer != 0) {
    answer = co_await rpc_.call(peer, kVoterMethod, encode(VoterQuery{range, options_.id, self}),
                                deadline);
  }
  becoming_voters_.erase(range);
  VoterAnswer known;
  if (!answer.ok() || !decode(*answer, known).ok() || known.descriptor.id != range ||
      own_replica(known.descriptor, options_.id) != self) {
    MARK("range: who asks for a vote can't tell the range");
    co_return;
  }
  // Much may have come meanwhile: the replica itself, its removal, its parent.
  storage::LogStore& log = engine_->log();
  const ReplicaId here = log.replica(range);
  if (replicas_.contains(range) || unborn_.contains(range) || orphans_.contains(range) ||
      incoming_.contains(range) || log.tombstone(range) > self || (here && here != self))
    co_return;
  for (const auto& damaged : log.damaged())
    if (damaged.range == range) co_return;
  if (!span_free(range, known.descriptor.span).ok()) {
    MARK("range: another range's rows keep a voter away");
    co_return;
  }
  for (const auto& [other, incoming] : incoming_)
    if (incoming->descriptor.span.overlaps(known.descriptor.span)) co_return;

  raft::Start start;
  if (Bytes kept = log.hard_state(range);
      here && !kept.empty() && !options_.planted.newcomer_votes_anew) {
    MARK("range: a voter that was here before");
    if (!decode(kept, start.hard_state).ok()) co_return;
    start.hard_state.commit = LogIndex(0);
  } else {
    log.reset(range, self, LogIndex(0), Term(0));
    raft::LeaderBinding binding = known.binding;
    if (binding.leader && binding.store != options_.id && !options_.planted.newcomer_unbound) {
      binding.epoch = liveness_->supported_epoch(binding.store).value_or(StoreEpoch());
      start.hard_state.term = binding.term;
      start.hard_state.vote = binding.leader;
      start.hard_state.binding = binding;
    }
    log.set_hard_state(range, self, encode(start.hard_state));
  }
  env_.log.info("r{}: a voter without rows, for n{} asks for a vote", range.value, asker.value);
  Replica& replica = add_replica(self, known.descriptor, raft::ConfState());
  replica.start(start);
  replica.group().learn_store(asked.from, asker);
  if (const raft::LeaderBinding& bound = start.hard_state.binding; bound.leader)
    replica.group().learn_store(bound.leader, bound.store);
  replica_changed();
}

}  // namespace quorate::range
