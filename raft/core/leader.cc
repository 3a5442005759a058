// A replica that leads: proposals, replication, commit, reads.
#include <algorithm>
#include <utility>
#include <vector>

#include "base/archive.h"
#include "base/check.h"
#include "base/limits.h"
#include "base/mark.h"
#include "raft/core/raft.h"

namespace quorate::raft {

void Raft::reset_progress() {
  progress_.clear();
  for (const auto& [id, store] : conf_.stores) {
    progress_.try_emplace(id, log_.last_index().next(), config_.inflight_messages_max,
                          config_.inflight_bytes_max);
  }
}

void Raft::become_leader() {
  std::optional<HandOver> won = std::exchange(received_hand_over_, std::nullopt);
  reset(hard_.term);
  role_ = Role::kLeader;
  leader_ = config_.self;
  won_hand_over_ = std::move(won);
  // Changes that came before may still be unapplied; wait for them all, which costs one round.
  pending_conf_index_ = log_.last_index();
  if (auto own = progress_.find(config_.self); own != progress_.end()) {
    own->second.acknowledged(log_.stable_index());
  }
  // Paper, section 5.4.2: only an entry of the own term commits the earlier ones.
  term_start_ = append_own(EntryType::kNormal, nullptr);
}

LogIndex Raft::append_own(EntryType type, Payload payload) {
  std::vector<Entry> entries{{hard_.term, log_.last_index().next(), type, std::move(payload)}};
  uncommitted_bytes_ += entries.front().bytes();
  const LogIndex index = entries.front().index;
  log_.append(std::move(entries));
  append_due_ = true;
  if (config_.planted.count_self_unsynced) {
    progress_.at(config_.self).acknowledged(index);
    advance_commit();
  }
  return index;
}

Proposed Raft::propose_entry(EntryType type, Payload payload) {
  if (!leads()) return {Refusal::kNotLeader, {}, {}};
  if (transferee_) {
    MARK("raft: a proposal while leadership moves");
    return {Refusal::kTransferring, {}, {}};
  }
  const size_t bytes = (payload ? payload->size() : 0) + Entry::kOverheadBytes;
  if (bytes > limits::kEntryBytesMax) return {Refusal::kTooLarge, {}, {}};
  // One entry always goes, else a large one could never.
  if (uncommitted_bytes_ > 0 && uncommitted_bytes_ + bytes > config_.uncommitted_bytes_max &&
      !config_.planted.propose_without_limit) {
    MARK("raft: too much is uncommitted");
    return {Refusal::kTooMuchUncommitted, {}, {}};
  }
  return {Refusal::kNone, hard_.term, append_own(type, std::move(payload))};
}

Proposed Raft::propose(Payload payload) {
  return propose_entry(EntryType::kNormal, std::move(payload));
}

// --- sending
// ---------------------------------------------------------------------------------------

// Every message of a leader asks the receiver to bind itself, under the epoch that the receiver's
// store supports as far as we know.
void Raft::fill_leader(Message& m) const {
  m.leader_store = config_.store;
  m.epoch = support_->support_from(conf_.store_of(m.to)).epoch;
}

bool Raft::send_append(ReplicaId to, Progress& pr, bool even_if_empty) {
  if (pr.paused()) return false;
  const LogIndex prev = pr.next.prev();
  const Term prev_term = log_.term(prev);
  if (prev && !prev_term) {
    MARK("raft: a follower needs what the log has let go");
    return send_snapshot(to, pr);
  }
  Message m;
  if (pr.state != Progress::State::kReplicate || !pr.window.full()) {
    Result<std::vector<Entry>> entries =
        log_.entries(pr.next, log_.last_index().next(), config_.message_bytes_max);
    if (!entries.ok()) {
      if (entries.status().code() != StatusCode::kNotFound) {
        MARK("raft: entries for a follower are not in memory");
        return false;  // asked again later
      }
      return send_snapshot(to, pr);
    }
    m.entries = std::move(*entries);
  }
  if (m.entries.empty() && !even_if_empty) return false;
  size_t bytes = 0;
  for (const Entry& entry : m.entries) bytes += entry.bytes();
  const LogIndex last = m.entries.empty() ? prev : m.entries.back().index;
  m.type = MessageType::kAppend;
  m.to = to;
  m.index = prev;
  m.log_term = prev_term;
  m.commit = log_.committed();
  fill_leader(m);
  pr.sent(last, m.entries.size(), bytes);
  pr.told_commit = std::max(pr.told_commit, std::min(m.commit, last));
  send(std::move(m));
  return true;
}

bool Raft::send_snapshot(ReplicaId to, Progress& pr) {
  if (!pr.recent_active) {
    MARK("raft: no snapshot for who is silent");
    return false;  // nobody there to receive it
  }
  Message m;
  m.type = MessageType::kSnapshot;
  m.to = to;
  m.snapshot = std::make_shared<const SnapshotMeta>(log_.offered_snapshot());
  fill_leader(m);
  pr.become_snapshot(m.snapshot->index);
  send(std::move(m));
  return true;
}

void Raft::send_heartbeat(ReplicaId to, Progress& pr, const ReadIndexQueue::Read* read) {
  Message m;
  m.type = MessageType::kHeartbeat;
  m.to = to;
  // Beyond what it holds for certain the receiver's log may be another's.
  m.commit = std::min(pr.match, log_.committed());
  if (read != nullptr) {
    m.index = LogIndex(read->number);
    m.clock = read->clock;
  }
  fill_leader(m);
  pr.told_commit = std::max(pr.told_commit, m.commit);
  send(std::move(m));
}

void Raft::broadcast_append() {
  append_due_ = false;
  for (auto& [id, pr] : progress_) {
    if (id == config_.self) continue;
    while (send_append(id, pr, false) && pr.state == Progress::State::kReplicate) {
    }
  }
}

void Raft::flush_commit() {
  commit_untold_ticks_ = 0;
  if (!leads()) return;
  for (auto& [id, pr] : progress_) {
    if (id != config_.self && pr.told_commit < std::min(pr.match, log_.committed())) {
      send_heartbeat(id, pr, reads_.newest());
    }
  }
}

// --- answers
// ---------------------------------------------------------------------------------------

void Raft::note_answer(const Message& m, Progress& pr) {
  pr.recent_active = true;
  pr.known_commit = std::max(pr.known_commit, m.commit);
  if (m.epoch > pr.accepted_epoch) {
    pr.accepted_epoch = m.epoch;
    support_cached_version_ = 0;
  }
}

void Raft::on_append_rejection(const Message& m, Progress& pr) {
  const LogIndex hint = log_.last_with_term_at_most(m.hint, m.log_term);
  // Whose last batch was damaged can't tell it from one that a crash tore, and says nothing.
  const bool answers_probe = pr.state == Progress::State::kProbe && m.index == pr.next.prev() &&
                             !config_.planted.insist_on_match;
  if (hint < pr.match && (m.damaged || answers_probe)) {
    MARK_IF(!m.damaged, "raft: a follower has lost what it had acknowledged and does not know");
    // damaged-replica: what it had acknowledged is gone. Our commit index stands: it was true then.
    pr.match = hint;
    pr.become_probe();
    pr.next = hint.next();
  } else if (pr.rejected(m.index, hint)) {
    if (pr.state == Progress::State::kReplicate) {
      MARK("raft: a follower refuses what it was sent behind each other");
      pr.become_probe();
    }
  } else {
    MARK("raft: a refusal comes late");
    return;
  }
  send_append(m.from, pr, true);
}

void Raft::on_append_answer(const Message& m) {
  if (!leads()) return;
  Progress& pr = progress_.at(m.from);
  note_answer(m, pr);
  if (m.reject) return on_append_rejection(m, pr);
  if (m.index > log_.last_index()) return;  // no honest follower holds what we never sent
  const bool news = pr.acknowledged(m.index);
  if (!news && !(pr.state == Progress::State::kProbe && pr.match == m.index)) return;
  switch (pr.state) {
    case Progress::State::kProbe:
      pr.become_replicate();
      break;
    case Progress::State::kSnapshot:
      if (pr.match.next() >= log_.first_index()) {
        MARK("raft: a follower has caught up by a snapshot");
        pr.become_replicate();
      }
      break;
    case Progress::State::kReplicate:
      pr.window.free_to(m.index);
      break;
  }
  advance_commit();
  while (send_append(m.from, pr, false) && pr.state == Progress::State::kReplicate) {
  }
  if (m.from == transferee_) offer_hand_over();
}

bool Raft::advance_commit() {
  auto match_of = [this](ReplicaId id) {
    auto it = progress_.find(id);
    return it == progress_.end() ? LogIndex() : it->second.match;
  };
  LogIndex agreed = quorum_value(conf_, match_of, log_.last_index());
  if (config_.planted.learners_acknowledge) {
    std::vector<LogIndex> held;
    for (const auto& [id, store] : conf_.stores) held.push_back(match_of(id));
    std::sort(held.rbegin(), held.rend());
    agreed = std::max(agreed, held[majority_of(conf_.voters.size()) - 1]);
  }
  if (agreed <= log_.committed()) return false;
  // Paper, figure 8: an entry of an earlier term on a majority may still be replaced.
  if (log_.term(agreed) != hard_.term && !config_.planted.commit_older_terms) {
    MARK("raft: an entry of an earlier term is on a majority");
    return false;
  }
  commit_to(agreed);
  return true;
}

void Raft::on_heartbeat_answer(const Message& m) {
  if (!leads()) return;
  Progress& pr = progress_.at(m.from);
  note_answer(m, pr);
  pr.probe_sent = false;
  if (pr.window.full()) {
    MARK("raft: the window of a follower is full");
    pr.window.free_first();
  }
  if (pr.match < log_.last_index() || pr.state == Progress::State::kProbe) {
    send_append(m.from, pr, true);
  }
  if (m.index) tell_reads(reads_.acknowledged(m.from, m.index.value, conf_));
}

void Raft::report_unreachable(ReplicaId to) {
  auto it = progress_.find(to);
  if (!leads() || it == progress_.end()) return;
  // What was in flight is probably lost.
  if (it->second.state == Progress::State::kReplicate) it->second.become_probe();
}

void Raft::report_snapshot(ReplicaId to, bool received) {
  auto it = progress_.find(to);
  if (!leads() || it == progress_.end()) return;
  Progress& pr = it->second;
  if (pr.state != Progress::State::kSnapshot) return;
  if (!received) {
    MARK("raft: a snapshot did not arrive");
    pr.pending_snapshot = LogIndex();
  }
  pr.become_probe();
  // The next heartbeat's answer sends on: the receiver's own answer is under way, or it needs a
  // rest.
  pr.probe_sent = true;
}

// --- reads
// -----------------------------------------------------------------------------------------

Refusal Raft::read_refusal() const {
  if (log_.committed() < term_start_) return Refusal::kNotYetApplied;
  if (stopped_serving_) return Refusal::kTransferring;
  if (support_until() <= now_) return Refusal::kNoSupport;
  return reads_.full() ? Refusal::kTooManyReads : Refusal::kNone;
}

Refusal Raft::read_index(Bytes context, Timestamp clock) {
  Message m;
  m.type = MessageType::kReadIndex;
  m.context = std::move(context);
  m.clock = clock;
  if (leads()) {
    m.from = config_.self;
    const Refusal refusal = read_refusal();
    if (refusal == Refusal::kNone) on_read_index(m);
    return refusal;
  }
  if (!leader_) return Refusal::kNotLeader;
  m.to = leader_;
  send(std::move(m));
  return Refusal::kNone;
}

void Raft::on_read_index(const Message& m) {
  if (!leads() || read_refusal() != Refusal::kNone) return;
  const ReadIndexQueue::Read& read =
      reads_.add(config_.self, m.from, m.context, log_.committed(), m.clock);
  for (auto& [id, pr] : progress_) {
    if (id != config_.self && conf_.votes(id)) send_heartbeat(id, pr, &read);
  }
  tell_reads(reads_.acknowledged(config_.self, read.number, conf_));
}

void Raft::tell_reads(std::vector<ReadIndexQueue::Read> reads) {
  for (ReadIndexQueue::Read& read : reads) {
    if (read.from == config_.self) {
      read_states_.push_back({std::move(read.context), read.index});
      continue;
    }
    Message answer;
    answer.type = MessageType::kReadIndexResp;
    answer.to = read.from;
    answer.index = read.index;
    answer.context = std::move(read.context);
    send(std::move(answer));
  }
}

// --- time
// ------------------------------------------------------------------------------------------

// Whether a member needs no word from us beyond commit indexes: it holds everything, knows what is
// committed, and is bound under a promise that still runs.
bool Raft::settled(ReplicaId id, const Progress& pr) const {
  const SupportView::Promise promise = support_->support_from(conf_.store_of(id));
  return pr.state == Progress::State::kReplicate && pr.match == log_.last_index() &&
         pr.known_commit >= log_.committed() && pr.accepted_epoch &&
         promise.epoch == pr.accepted_epoch && promise.until > now_;
}

void Raft::tick_leader() {
  check_support();
  if (!leads()) return;
  if (++election_elapsed_ >= config_.election_ticks) {
    election_elapsed_ = 0;
    for (auto& [id, pr] : progress_) pr.recent_active = false;
  }
  if (transferee_ && ++transfer_elapsed_ >= config_.election_ticks) {
    MARK("raft: a transfer of leadership takes too long");
    stop_transfer();
  }
  if (!leads()) return;
  leave_joint_if_due();
  if (++commit_untold_ticks_ >= config_.commit_ticks) flush_commit();
  if (++heartbeat_elapsed_ < config_.heartbeat_ticks) return;
  heartbeat_elapsed_ = 0;
  for (auto& [id, pr] : progress_) {
    if (id == config_.self) continue;
    if (!settled(id, pr) || !reads_.empty()) send_heartbeat(id, pr, reads_.newest());
  }
}

}  // namespace quorate::raft
