#include "raft/driver/multi_raft.h"

#include "base/mark.h"
#include "raft/driver/raft_frame.h"
#include "runtime/sync.h"

namespace quorate::raft {
namespace {

// One frame carries at most this many bytes of entries; the rest follows in the next.
constexpr size_t kFrameEntryBytes = 8u << 20;

}  // namespace

// The core's view of the group's part of the store's log.
class Group::Log : public LogStorage {
 public:
  Log(storage::LogStore& log, RangeId range, const GroupClient& client)
      : log_(log), range_(range), client_(client) {}
  LogIndex first_index() const override { return log_.first_index(range_); }
  LogIndex last_index() const override { return log_.last_index(range_); }
  Result<Term> term(LogIndex index) const override {
    if (index.next() < first_index() || index > last_index())
      return not_found("index outside of the log");
    return log_.term(range_, index);
  }
  Result<std::vector<Entry>> entries(LogIndex low, LogIndex high, size_t bytes_max) const override {
    auto found = log_.entries(range_, low, high, bytes_max);
    if (found.status().code() == StatusCode::kUnavailable) {
      std::vector<Entry> out = from_fetched(low, high, bytes_max);
      if (!out.empty()) return out;
      if (!wanted_) wanted_ = Wanted{low, high, bytes_max};
    }
    if (!found.ok()) return found.status();
    std::vector<Entry> out;
    out.reserve(found->size());
    for (const LogEntry& e : *found) out.push_back(entry_of(e));
    return out;
  }
  SnapshotMeta snapshot() const override { return client_.snapshot_meta(); }
  struct Wanted {
    LogIndex low, high;
    size_t bytes_max = 0;
  };
  // What entries() could not give from memory, the first since the last call.
  std::optional<Wanted> take_wanted() { return std::exchange(wanted_, std::nullopt); }
  // What was brought for that: the log's cache may need the room before it is asked for again.
  // Kept until it was given, and no longer than the group has something to do.
  void keep(std::vector<LogEntry> fetched) { fetched_ = std::move(fetched); }
  void forget() { fetched_ = {}; }

 private:
  static Entry entry_of(const LogEntry& e) {
    return {e.term, e.index, static_cast<EntryType>(e.kind), e.payload};
  }
  std::vector<Entry> from_fetched(LogIndex low, LogIndex high, size_t bytes_max) const;

  storage::LogStore& log_;
  const RangeId range_;
  const GroupClient& client_;
  mutable std::optional<Wanted> wanted_;
  mutable std::vector<LogEntry> fetched_;
};

// An entry of another term has taken the place of what was fetched: nothing from there on.
std::vector<Entry> Group::Log::from_fetched(LogIndex low, LogIndex high, size_t bytes_max) const {
  std::vector<Entry> out;
  size_t bytes = 0;
  for (const LogEntry& e : fetched_) {
    if (e.index < low) continue;
    if (e.index != LogIndex(low.value + out.size()) || e.index >= high) break;
    if (e.index > last_index() || log_.term(range_, e.index) != e.term) break;
    if (!out.empty() && bytes + e.bytes() > bytes_max) break;
    bytes += e.bytes();
    out.push_back(entry_of(e));
  }
  MARK_IF(!out.empty(), "raft: entries have left the cache between their reading and their use");
  if (!out.empty() && out.back().index == fetched_.back().index) fetched_ = {};
  return out;
}

Group::Group(MultiRaft& owner, const Config& config, const Start& start, GroupClient& client)
    : owner_(owner),
      client_(client),
      log_(std::make_unique<Log>(owner.log_, config.range, client)) {
  core_ = std::make_unique<Raft>(config, start, log_.get(), &owner.support_);
}

Group::~Group() = default;

void Group::wake() {
  quiet_ = false;
  owner_.mark(*this);
}

Proposed Group::propose(Payload payload) {
  Proposed p = core_->propose(std::move(payload));
  if (p.ok()) wake();
  if (p.ok() && owner_.counters_ != nullptr) owner_.counters_->proposals.add();
  return p;
}

Proposed Group::propose_conf_change(const ConfChange& change) {
  Proposed p = core_->propose_conf_change(change);
  if (p.ok()) wake();
  return p;
}

Refusal Group::transfer_leader(ReplicaId to) {
  Refusal r = core_->transfer_leader(to);
  wake();
  return r;
}

void Group::campaign() {
  core_->campaign();
  wake();
}

void Group::report_snapshot(ReplicaId to, bool received) {
  core_->report_snapshot(to, received);
  wake();
}

void Group::step(Message message) {
  core_->step(std::move(message));
  wake();
}

MultiRaft::MultiRaft(runtime::Env& env, storage::LogStore& log, runtime::Hlc& clock,
                     const SupportView& support, Options options, Send send,
                     std::function<void(Status)> on_failure)
    : env_(env),
      log_(log),
      clock_(clock),
      support_(support),
      options_(options),
      send_(std::move(send)),
      on_failure_(std::move(on_failure)),
      scope_(*env.executor) {
  if (env.metrics != nullptr) counters_ = std::make_unique<Counters>(*env.metrics);
}

MultiRaft::Counters::Counters(Metrics& m)
    : rounds(m.counter("quorate_raft_rounds_total", "Rounds of the Raft driver")),
      messages(m.counter("quorate_raft_messages_total", "Raft messages sent")),
      proposals(m.counter("quorate_raft_proposals_total", "Commands proposed here")),
      written(m.counter("quorate_raft_entries_written_total", "Entries given to the log")),
      applied(m.counter("quorate_raft_entries_applied_total", "Entries applied")) {}

MultiRaft::~MultiRaft() { scope_.cancel_all(); }

Group& MultiRaft::add(const Config& config, const Start& start, GroupClient& client) {
  auto group = std::make_unique<Group>(*this, config, start, client);
  Group& added = *group;
  bool fresh = groups_.emplace(config.range, Slot{std::move(group), next_incarnation_++}).second;
  CHECK_MSG(fresh, "a range has one replica a store");
  added.wake();
  return added;
}

void MultiRaft::remove(RangeId range) { groups_.erase(range); }

Group* MultiRaft::find(RangeId range) {
  auto it = groups_.find(range);
  return it == groups_.end() ? nullptr : it->second.group.get();
}

Group* MultiRaft::find(RangeId range, uint64_t incarnation) {
  auto it = groups_.find(range);
  return it == groups_.end() || it->second.incarnation != incarnation ? nullptr
                                                                      : it->second.group.get();
}

void MultiRaft::start() { scope_.spawn(tick_loop()); }

void MultiRaft::mark(Group& group) {
  if (!group.dirty_) {
    group.dirty_ = true;
    dirty_.push_back(group.core().config().range);
  }
  if (!drive_posted_) {
    drive_posted_ = true;
    env_.executor->post([this] { drive(); });
  }
}

void MultiRaft::receive(BytesView bytes) {
  RaftFrame frame;
  if (!decode(bytes, frame).ok()) {
    env_.log.warning("malformed raft frame of {} bytes", bytes.size());
    return;
  }
  // Another store may live at the address of one that is gone (safety: replica-id).
  if (frame.to != options_.store) {
    MARK("raft: a frame for a store that was here before");
    return;
  }
  for (Message& m : frame.messages) {
    if (Status s = clock_.update(m.clock); !s.ok()) {
      MARK("raft: a message from a clock that is out of bounds");
      env_.log.warning("raft message from s{} refused: {}", frame.from.value, s.message());
      continue;
    }
    Group* group = find(m.range);
    if (group != nullptr && group->core().config().self == m.to) {
      group->learn_store(m.from, frame.from);
      group->step(std::move(m));
    } else if (unknown) {
      MARK("raft: a message for a replica that is not here");
      unknown(frame.from, std::move(m));
    }
  }
}

void MultiRaft::send_stray(StoreId to, Message message) {
  if (failed_) return;
  message.clock = clock_.now();
  send_(to, encode(RaftFrame{options_.store, to, {std::move(message)}}));
}

void MultiRaft::wake_all() {
  for (auto& [range, entry] : groups_) entry.group->wake();
}

void MultiRaft::drive() {
  drive_posted_ = false;
  if (failed_) return;
  std::vector<RangeId> round;
  round.swap(dirty_);
  std::vector<Write> writes;
  for (RangeId range : round) {
    auto it = groups_.find(range);
    if (it == groups_.end()) continue;
    it->second.group->dirty_ = false;
    drive_group(*it->second.group, writes);
  }
  if (counters_ != nullptr) counters_->rounds.add();
  const bool sent = flush_outbox();
  if (!writes.empty()) scope_.spawn_now(persist(std::move(writes), sent));
}

void MultiRaft::drive_group(Group& group, std::vector<Write>& writes) {
  const RangeId range = group.core().config().range;
  const uint64_t incarnation = groups_.at(range).incarnation;
  while (!group.installing_) {
    const bool stalled = apply_stalled && apply_stalled();
    group.core_->hold_apply(stalled);
    if (stalled) apply_later(range);
    if (!group.core_->has_ready()) break;
    Ready ready = group.core_->ready();
    post_messages(group, ready.messages);
    if (ready.snapshot) {
      group.installing_ = true;
      scope_.spawn(install(range, incarnation, std::move(ready)));
      return;
    }
    if (ready.write != 0) {
      stage(group, ready);
      writes.push_back({range, incarnation, ready.write});
    }
    if (ready.soft_state) group.client_.on_soft_state(*ready.soft_state);
    if (ready.handed_over) group.client_.on_handed_over(*ready.handed_over);
    if (ready.hand_over_to) group.core_->hand_over(group.client_.on_hand_over(*ready.hand_over_to));
    apply_committed(group, ready);
    if (find(range, incarnation) == nullptr) return;  // an applied entry removed it
    if (ready.write == 0 && ready.committed.empty() && ready.messages.empty() && !ready.soft_state)
      break;
  }
  auto wanted = group.log_->take_wanted();
  if (wanted && !group.fetching_) {
    group.fetching_ = true;
    scope_.spawn(fetch(range, incarnation, wanted->low, wanted->high, wanted->bytes_max));
  }
}

void MultiRaft::stage(Group& group, Ready& ready) {
  const Config& config = group.core().config();
  if (!ready.entries.empty()) {
    static const auto kEmpty = std::make_shared<const Bytes>();
    std::vector<LogEntry> entries;
    entries.reserve(ready.entries.size());
    for (Entry& e : ready.entries) {
      entries.push_back(
          {e.term, e.index, static_cast<uint8_t>(e.type), e.payload ? e.payload : kEmpty});
    }
    log_.append(config.range, config.self, entries);
    if (counters_ != nullptr) counters_->written.add(entries.size());
  }
  if (ready.hard_state) log_.set_hard_state(config.range, config.self, encode(*ready.hard_state));
}

void MultiRaft::post_messages(Group& group, std::vector<Message>& messages) {
  for (Message& m : messages) {
    m.range = group.core().config().range;
    if (m.type == MessageType::kSnapshot) {
      group.client_.send_snapshot(m);
      continue;
    }
    StoreId to = group.core().conf().store_of(m.to);
    if (!to) {
      auto learnt = group.stores_.find(m.to);
      if (learnt == group.stores_.end()) continue;
      to = learnt->second;
    }
    outbox_[to].push_back(std::move(m));
  }
}

void MultiRaft::apply_committed(Group& group, Ready& ready) {
  const RangeId range = group.core().config().range;
  for (const Entry& entry : ready.committed) {
    group.client_.apply(entry);
    if (find(range) != &group) return;
    group.core_->on_applied(entry.index);
    // Who has not heard that a change is committed may not campaign, should we die now.
    if (entry.type == EntryType::kConfChange) group.core_->flush_commit();
  }
  if (ready.committed.empty()) return;
  if (counters_ != nullptr) counters_->applied.add(ready.committed.size());
  group.client_.on_applied();
}

void MultiRaft::apply_later(RangeId range) {
  stalled_.insert(range);
  if (!std::exchange(waiting_for_room_, true)) scope_.spawn(apply_with_room());
}

runtime::Task<void> MultiRaft::apply_with_room() {
  MARK("raft: what is committed waits for room in memory");
  const Status room = co_await wait_for_room();
  waiting_for_room_ = false;
  if (!room.ok()) co_return;
  for (RangeId range : std::exchange(stalled_, {}))
    if (Group* group = find(range)) mark(*group);
}

bool MultiRaft::flush_outbox() {
  if (outbox_.empty()) return false;
  std::map<StoreId, std::vector<Message>> outbox;
  outbox.swap(outbox_);
  const Timestamp now = clock_.now();
  for (auto& [to, messages] : outbox) {
    if (counters_ != nullptr) counters_->messages.add(messages.size());
    RaftFrame frame{options_.store, to, {}};
    size_t bytes = 0;
    for (Message& m : messages) {
      m.clock = std::max(m.clock, now);
      for (const Entry& e : m.entries) bytes += e.bytes();
      frame.messages.push_back(std::move(m));
      if (bytes >= kFrameEntryBytes) {
        send_(to, encode(frame));
        frame.messages.clear();
        bytes = 0;
      }
    }
    if (!frame.messages.empty()) send_(to, encode(frame));
  }
  return true;
}

runtime::Task<void> MultiRaft::persist(std::vector<Write> writes, bool sent) {
  const bool in_place = crowded && !crowded();
  // What this step sends is on its way before a sync holds the executor.
  if (in_place && sent) (void)co_await runtime::sleep_for(*env_.executor, runtime::Duration(0));
  log_.set_sync_place(in_place ? runtime::SyncPlace::kInPlace : runtime::SyncPlace::kHelper);
  Status synced = co_await log_.sync();
  if (!synced.ok()) {
    fail(synced);
    co_return;
  }
  for (const Write& w : writes) {
    Group* group = find(w.range, w.incarnation);
    if (group == nullptr) {
      MARK("raft: a group has left while its log was synced");
      continue;
    }
    group->core_->on_persisted(w.id);
    mark(*group);
  }
}

runtime::Task<void> MultiRaft::install(RangeId range, uint64_t incarnation, Ready ready) {
  Group* group = find(range, incarnation);
  if (group == nullptr) co_return;
  Status installed = co_await group->client_.install_snapshot(*ready.snapshot);
  if (!installed.ok()) {
    fail(installed.with_context("installing a snapshot"));
    co_return;
  }
  group = find(range, incarnation);
  if (group == nullptr) co_return;
  log_.reset(range, group->core().config().self, ready.snapshot->index, ready.snapshot->term);
  stage(*group, ready);
  Status synced = co_await log_.sync();
  if (!synced.ok()) {
    fail(synced);
    co_return;
  }
  group = find(range, incarnation);
  if (group == nullptr) co_return;
  group->installing_ = false;
  if (ready.soft_state) group->client_.on_soft_state(*ready.soft_state);
  group->core_->on_persisted(ready.write);
  group->core_->on_applied(ready.snapshot->index);
  group->client_.on_applied();
  mark(*group);
}

runtime::Task<void> MultiRaft::fetch(RangeId range, uint64_t incarnation, LogIndex low,
                                     LogIndex high, size_t bytes_max) {
  auto fetched = co_await log_.fetch(range, low, high, bytes_max);
  Group* group = find(range, incarnation);
  if (group == nullptr) co_return;
  MARK("raft: entries are read from the disk");
  group->fetching_ = false;
  if (!fetched.ok() && fetched.status().code() == StatusCode::kCorruption) {
    fail(fetched.status());
    co_return;
  }
  if (fetched.ok()) {
    group->log_->keep(std::move(*fetched));
    group->core_->append_again();
  }
  group->wake();
}

runtime::Task<void> MultiRaft::tick_loop() {
  while (!failed_) {
    Status slept = co_await runtime::sleep_for(*env_.executor, options_.tick);
    if (!slept.ok()) co_return;
    const Timestamp now = clock_.peek();
    for (auto& [range, entry] : groups_) {
      Group& group = *entry.group;
      if (group.quiet_ || group.installing_) continue;
      group.core_->tick(now);
      if (group.core_->has_ready()) {
        mark(group);
      } else if (group.core_->can_quiesce()) {
        group.quiet_ = true;
        group.log_->forget();
      }
    }
  }
}

void MultiRaft::fail(Status status) {
  if (failed_) return;
  failed_ = true;
  env_.log.error("the store's log failed, the store stops: {}", status.to_string());
  on_failure_(status);
}

}  // namespace quorate::raft
