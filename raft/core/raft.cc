#include "raft/core/raft.h"

#include <utility>

#include "base/check.h"
#include "base/mark.h"

namespace quorate::raft {
namespace {

bool is_answer(MessageType type) {
  switch (type) {
    case MessageType::kAppendResp:
    case MessageType::kHeartbeatResp:
    case MessageType::kPreVoteResp:
    case MessageType::kVoteResp:
    case MessageType::kReadIndexResp:
    case MessageType::kReleaseResp:
      return true;
    default:
      return false;
  }
}

bool from_leader(MessageType type) {
  return type == MessageType::kAppend || type == MessageType::kHeartbeat ||
         type == MessageType::kSnapshot;
}

// Between a lost leader's followers, when they try to follow it: a round of votes and its syncs.
constexpr uint32_t kQuickTicks = 3;

bool asks_for_vote(MessageType type) {
  return type == MessageType::kPreVote || type == MessageType::kVote;
}

}  // namespace

HardState birth_hard_state(Term term, LogIndex commit, ReplicaId leader, StoreId leader_store,
                           StoreEpoch leader_epoch) {
  return HardState{term, leader, commit, LeaderBinding{leader, leader_store, term, leader_epoch}};
}

std::string_view refusal_name(Refusal refusal) {
  switch (refusal) {
    case Refusal::kNone:
      return "ok";
    case Refusal::kNotLeader:
      return "not leader";
    case Refusal::kTransferring:
      return "leadership is moving";
    case Refusal::kTooMuchUncommitted:
      return "too much uncommitted";
    case Refusal::kTooLarge:
      return "entry too large";
    case Refusal::kConfChangePending:
      return "membership change pending";
    case Refusal::kConfChangeInvalid:
      return "membership change invalid";
    case Refusal::kSupportBelowPromise:
      return "support below promise";
    case Refusal::kMustHandOverFirst:
      return "must hand over first";
    case Refusal::kNoSupport:
      return "no support";
    case Refusal::kNotYetApplied:
      return "own term not yet applied";
    case Refusal::kUnknownReplica:
      return "unknown replica";
    case Refusal::kTooManyReads:
      return "too many reads";
  }
  return "unknown";
}

Raft::Raft(const Config& config, const Start& start, const LogStorage* storage,
           const SupportView* support)
    : config_(config),
      support_(support),
      log_(storage, start.applied, start.hard_state.commit),
      hard_(start.hard_state),
      hard_handed_(start.hard_state),
      conf_(start.conf),
      damaged_(start.damaged),
      random_(config.seed) {
  CHECK(config_.self && config_.store);
  CHECK(config_.election_ticks > config_.heartbeat_ticks && config_.heartbeat_ticks > 0);
  reset(hard_.term);
  heal_if_proved();
  if (start.birth != Birth::kRestart) {
    // Every child is born having voted for the one replica that may lead the birth term.
    CHECK(hard_.term && hard_.binding.term == hard_.term && hard_.vote == hard_.binding.leader);
    leader_ = hard_.binding.leader;
  }
  if (start.birth == Birth::kLeader) {
    CHECK(hard_.vote == config_.self && log_.last_index() == start.applied && !damaged_);
    become_leader();
    if (config_.planted.child_for_anyone) {
      for (auto& [id, pr] : progress_)
        pr.accepted_epoch = support_->support_from(conf_.store_of(id)).epoch;
    }
  }
  soft_handed_ = soft_state();
}

// --- roles and terms
// -------------------------------------------------------------------------------

// splitmix64: small, seedable, the same everywhere.
void Raft::draw_election_timeout() {
  random_ += 0x9e3779b97f4a7c15;
  uint64_t z = random_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  z ^= z >> 31;
  election_timeout_ = config_.election_ticks + static_cast<uint32_t>(z % config_.election_ticks);
  // Nobody is hoped for: only others who campaign beside us must be let go first, now and then.
  if (quick_campaigns_ > 0) {
    --quick_campaigns_;
    election_timeout_ = kQuickTicks + static_cast<uint32_t>(z % kQuickTicks);
  }
}

void Raft::reset(Term term) {
  CHECK(term >= hard_.term);
  if (term != hard_.term) {
    hard_.term = term;
    hard_.vote = ReplicaId();
  }
  leader_ = ReplicaId();
  election_elapsed_ = 0;
  draw_election_timeout();
  votes_.clear();
  received_hand_over_.reset();
  reads_.clear();
  transferee_ = ReplicaId();
  stopped_serving_ = hand_over_untold_ = append_due_ = false;
  heartbeat_elapsed_ = commit_untold_ticks_ = unsupported_ticks_ = transfer_elapsed_ = 0;
  uncommitted_bytes_ = 0;
  relied_on_ = Timestamp();
  support_cached_version_ = 0;
  reset_progress();
}

void Raft::become_follower(Term term, ReplicaId leader) {
  const Term led = leads() ? hard_.term : Term();
  reset(term);
  role_ = Role::kFollower;
  leader_ = leader;
  if (led) start_release(led);
}

SoftState Raft::soft_state() const { return {role_, leader_, hard_.term, damaged_.has_value()}; }

// --- messages in
// -----------------------------------------------------------------------------------

void Raft::step(Message m) {
  if (m.to != config_.self) return;
  unbind_if_stopped(m);
  if (asks_for_vote(m.type) && kept_by_leader(m)) return;
  if (m.term > hard_.term) {
    if (!step_higher_term(m)) return;
  } else if (m.term < hard_.term && m.type != MessageType::kRelease &&
             m.type != MessageType::kReleaseResp && m.type != MessageType::kSupportQuery) {
    return step_lower_term(m);
  }
  step_same_term(m);
}

// A replica that hears of a live leader doesn't help to depose it: bound ones by promise, others
// until an election timeout without a word (paper, section 6). A hand-over's votes may ignore both.
bool Raft::kept_by_leader(const Message& m) {
  if (m.type == MessageType::kVote && m.hand_over) return false;
  if (bound() && hard_.binding.leader != m.from) {
    MARK("raft: who is bound keeps its vote");
    query_support();  // the asker may know that our leader has stopped
    return true;
  }
  if (m.term <= hard_.term || !leader_ || leader_ == m.from || promise_to_leader_ended())
    return false;
  return leads() ? support_until() > now_ : election_elapsed_ < config_.election_ticks;
}

bool Raft::step_higher_term(const Message& m) {
  // A pre-vote only asks; its granting answer names a term that nobody is in yet.
  if (m.type == MessageType::kPreVote) return true;
  if (m.type == MessageType::kPreVoteResp && !m.reject) return true;
  become_follower(m.term, from_leader(m.type) ? m.from : ReplicaId());
  return true;
}

// The sender is behind. A leader learns so, and stops; a candidate too; others need no answer.
void Raft::step_lower_term(const Message& m) {
  if (from_leader(m.type)) {
    MARK("raft: a leader of an earlier term is told so");
    Message answer = answer_to(m, MessageType::kAppendResp);
    answer.reject = true;
    send(std::move(answer));
  } else if (m.type == MessageType::kPreVote) {
    Message answer = answer_to(m, MessageType::kPreVoteResp);
    answer.reject = true;
    send(std::move(answer));
  }
}

void Raft::step_same_term(Message& m) {
  if (leads() && is_answer(m.type) && !progress_.contains(m.from)) {
    MARK("raft: an answer of who is no member any more");
    return;
  }
  switch (m.type) {
    case MessageType::kAppend:
      return on_append(m);
    case MessageType::kHeartbeat:
      return on_heartbeat(m);
    case MessageType::kSnapshot:
      return on_snapshot(m);
    case MessageType::kTimeoutNow:
      return on_timeout_now(m);
    case MessageType::kPreVote:
    case MessageType::kVote:
      return on_vote_request(m);
    case MessageType::kPreVoteResp:
    case MessageType::kVoteResp:
      return on_vote_answer(m);
    case MessageType::kAppendResp:
      return on_append_answer(m);
    case MessageType::kHeartbeatResp:
      return on_heartbeat_answer(m);
    case MessageType::kReadIndex:
      return on_read_index(m);
    case MessageType::kReadIndexResp:
      read_states_.push_back({std::move(m.context), m.index});
      return;
    case MessageType::kRelease:
      return on_release(m);
    case MessageType::kReleaseResp:
      return on_release_answer(m);
    case MessageType::kSupportQuery:
      return on_support_query(m);
  }
}

void Raft::tick(Timestamp now) {
  now_.forward(now);
  if (leads()) {
    tick_leader();
  } else {
    tick_follower();
  }
  if (!unreleased_.empty() && ++release_elapsed_ >= config_.heartbeat_ticks) send_releases();
}

// --- messages out
// ----------------------------------------------------------------------------------

void Raft::send(Message m) {
  m.range = config_.range;
  m.from = config_.self;
  if (!m.term) m.term = hard_.term;
  messages_.push_back(std::move(m));
}

void Raft::send_promise(Message m) {
  m.range = config_.range;
  m.from = config_.self;
  if (!m.term) m.term = hard_.term;
  promises_.push_back(std::move(m));
}

Message Raft::answer_to(const Message& m, MessageType type) const {
  Message answer;
  answer.type = type;
  answer.to = m.from;
  answer.commit = log_.committed();
  return answer;
}

// --- acknowledgements
// ------------------------------------------------------------------------------

void Raft::on_persisted(WriteId id) {
  CHECK(id <= last_write_);
  if (id <= persisted_write_) return;
  persisted_write_ = id;
  const bool installing = log_.pending_snapshot().has_value();
  log_.on_persisted(id);
  if (installing && !log_.pending_snapshot()) heal_if_proved();
  if (leads()) {
    auto own = progress_.find(config_.self);
    if (own != progress_.end() && own->second.acknowledged(log_.stable_index())) advance_commit();
  }
  release_promises(id);
}

void Raft::release_promises(WriteId persisted) {
  size_t done = 0;
  std::vector<Message> to_self;
  while (done < held_.size() && held_[done].after <= persisted) {
    Message& m = held_[done++].message;
    (m.to == config_.self ? to_self : messages_).push_back(std::move(m));
  }
  held_.erase(held_.begin(), held_.begin() + static_cast<ptrdiff_t>(done));
  for (Message& m : to_self) step(std::move(m));
}

void Raft::on_applied(LogIndex index) {
  log_.on_applied(index);
  leave_joint_if_due();
}

void Raft::commit_to(LogIndex index) {
  log_.commit_to(index);
  // Whoever leads the later term reaches those whom our release has not.
  if (released_term_ && log_.term(log_.committed()) > released_term_) {
    MARK("raft: a later term ends a release");
    released_term_ = Term();
    unreleased_.clear();
  }
}

// --- ready
// -----------------------------------------------------------------------------------------

HardState Raft::current_hard_state() const {
  HardState state = hard_;
  state.commit = log_.committed();
  return state;
}

bool Raft::hard_state_changed() const {
  return hard_.term != hard_handed_.term || hard_.vote != hard_handed_.vote ||
         hard_.binding != hard_handed_.binding ||
         (hard_handed_.commit < conf_applied_ && !config_.planted.forget_change_committed);
}

bool Raft::has_ready() const {
  return append_due_ || hard_state_changed() || log_.has_unwritten() || !messages_.empty() ||
         !promises_.empty() || (log_.has_committed() && !apply_held_) || !read_states_.empty() ||
         soft_state() != soft_handed_ || hand_over_untold_ || won_hand_over_;
}

Ready Raft::ready() {
  if (append_due_) broadcast_append();
  Ready out;
  collect_write(out);
  collect_promises();
  collect_committed(out);
  out.messages = std::exchange(messages_, {});
  out.read_states = std::exchange(read_states_, {});
  if (soft_state() != soft_handed_) out.soft_state = soft_handed_ = soft_state();
  if (std::exchange(hand_over_untold_, false)) out.hand_over_to = transferee_;
  out.handed_over = std::exchange(won_hand_over_, std::nullopt);
  return out;
}

// The commit hint goes along with whatever is written, in the same batch: so no log ever shows an
// entry of a leader without the commit index that its leader knew when it sent it, on which the use
// of configurations at apply time rests (a membership change is proposed after the one before was
// applied, so whoever holds it knows the earlier one to be committed). A membership change itself
// is written down as committed as soon as it is applied: members that restart and had forgotten it
// would count by the configuration of before, of which too many may be gone by then.
void Raft::collect_write(Ready& out) {
  const bool hard_changed = hard_state_changed();
  if (!hard_changed && !log_.has_unwritten()) return;
  out.write = ++last_write_;
  log_.start_write(out.write, out.entries, out.snapshot);
  if (!hard_changed && hard_handed_.commit == log_.committed()) return;
  out.hard_state = hard_handed_ = current_hard_state();
  if (config_.planted.forget_binding) out.hard_state->binding = LeaderBinding();
}

void Raft::collect_promises() {
  for (Message& m : std::exchange(promises_, {})) held_.push_back({last_write_, std::move(m)});
  release_promises(config_.planted.promise_before_sync ? last_write_ : persisted_write_);
}

void Raft::collect_committed(Ready& out) {
  if (!log_.has_committed() || apply_held_) return;
  Result<std::vector<Entry>> entries = log_.next_committed(config_.apply_bytes_max);
  if (!entries.ok()) {
    MARK("raft: committed entries are not in memory");
    return;  // not read yet: asked for again with the next Ready
  }
  out.committed = std::move(*entries);
  log_.start_apply(out.committed.back().index);
  size_t bytes = 0;
  for (const Entry& entry : out.committed) bytes += entry.bytes();
  uncommitted_bytes_ -= std::min(uncommitted_bytes_, bytes);
}

}  // namespace quorate::raft
