#include "range/concurrency/latches.h"

#include <algorithm>

namespace quorate::range {

struct Latches::Group {
  explicit Group(Latches& o) : owner(o), wake(o.executor_) {}
  Latches& owner;
  uint64_t sequence = 0;
  std::vector<Latch> latches;
  std::vector<Group*> blockers;  // earlier ones that are waited for
  std::vector<Group*> blocked;   // later ones that wait for this one
  runtime::WaitList wake;
  bool keep = false;
  bool listed = false;
};

namespace {

bool overlap(const Latch& a, const Latch& b) {
  if (a.space != b.space) return false;
  if (a.point && b.point) return a.start == b.start;
  auto inside = [](const Latch& span, const Bytes& key) {
    return key >= span.start && (span.end.empty() || key < span.end);
  };
  if (a.point) return inside(b, a.start);
  if (b.point) return inside(a, b.start);
  return (b.end.empty() || a.start < b.end) && (a.end.empty() || b.start < a.end);
}

bool conflict(const Latch& a, const Latch& b) {
  if (a.mode == LatchMode::kRead && b.mode == LatchMode::kRead) return false;
  if (!overlap(a, b)) return false;
  if (a.mode == b.mode) return true;
  const Latch& read = a.mode == LatchMode::kRead ? a : b;
  const Latch& write = a.mode == LatchMode::kRead ? b : a;
  return write.ts <= read.ts;
}

template <class T>
void erase_one(std::vector<T*>& list, T* item) {
  auto at = std::find(list.begin(), list.end(), item);
  if (at != list.end()) list.erase(at);
}

}  // namespace

Latches::Guard::Guard() = default;
Latches::Guard::Guard(std::unique_ptr<Group> group) : group_(std::move(group)) {}
Latches::Guard::Guard(Guard&&) noexcept = default;
Latches::Guard& Latches::Guard::operator=(Guard&& o) noexcept {
  if (this != &o) {
    Guard old(std::move(*this));
    group_ = std::move(o.group_);
  }
  return *this;
}
Latches::Guard::~Guard() {
  if (group_ == nullptr) return;
  if (group_->keep) {
    Latches& owner = group_->owner;
    owner.kept_.push_back(std::move(group_));
  } else {
    release();
  }
}
bool Latches::Guard::granted() const { return group_ != nullptr && group_->blockers.empty(); }
void Latches::Guard::release() {
  if (group_ == nullptr) return;
  group_->owner.remove(*group_);
  group_.reset();
}
void Latches::Guard::keep_if_dropped() { group_->keep = true; }

bool Latches::PointOrder::operator()(const Entry& a, const Entry& b) const {
  if (a.latch->space != b.latch->space) return a.latch->space < b.latch->space;
  if (int c = a.latch->start.compare(b.latch->start); c != 0) return c < 0;
  if (a.group->sequence != b.group->sequence) return a.group->sequence < b.group->sequence;
  return a.latch - a.group->latches.data() < b.latch - b.group->latches.data();
}
bool Latches::PointOrder::operator()(const Entry& a, const Probe& b) const {
  if (a.latch->space != b.space) return a.latch->space < b.space;
  return BytesView(a.latch->start) < b.key;
}
bool Latches::PointOrder::operator()(const Probe& a, const Entry& b) const {
  if (a.space != b.latch->space) return a.space < b.latch->space;
  return a.key < BytesView(b.latch->start);
}

Latches::Latches(runtime::Executor& executor) : executor_(executor) {}
Latches::~Latches() {
  for (auto& group : kept_) remove(*group);
}

bool Latches::free_to_read(LatchSpace space, BytesView key, Timestamp ts) const {
  if (empty()) return true;
  PointOrder::Probe probe{space, key};
  for (auto it = points_.lower_bound(probe); it != points_.end(); ++it) {
    if (it->latch->space != space || it->latch->start != key) break;
    if (it->latch->mode == LatchMode::kWrite && it->latch->ts <= ts) return false;
  }
  if (spans_.empty()) return true;
  Latch read = Latch::key(space, LatchMode::kRead, key, ts);
  return std::none_of(spans_.begin(), spans_.end(),
                      [&](const Entry& e) { return conflict(*e.latch, read); });
}

bool Latches::free_to_read(LatchSpace space, const KeySpan& span, Timestamp ts) const {
  if (empty()) return true;
  Latch read = Latch::span(space, LatchMode::kRead, span, ts);
  bool free = true;
  for_overlapping(read, [&](const Entry& e) { free &= !conflict(*e.latch, read); });
  return free;
}

template <class F>
void Latches::for_overlapping(const Latch& latch, F&& f) const {
  PointOrder::Probe probe{latch.space, latch.start};
  for (auto it = points_.lower_bound(probe); it != points_.end(); ++it) {
    if (!overlap(*it->latch, latch)) break;
    f(*it);
  }
  for (const Entry& e : spans_) {
    if (overlap(*e.latch, latch)) f(e);
  }
}

Latches::Guard Latches::enqueue(std::vector<Latch> latches) {
  auto group = std::make_unique<Group>(*this);
  group->sequence = next_sequence_++;
  group->latches = std::move(latches);
  for (const Latch& latch : group->latches) {
    for_overlapping(latch, [&](const Entry& e) {
      if (!conflict(*e.latch, latch)) return;
      auto& blockers = group->blockers;
      if (std::find(blockers.begin(), blockers.end(), e.group) != blockers.end()) return;
      blockers.push_back(e.group);
      e.group->blocked.push_back(group.get());
    });
  }
  for (const Latch& latch : group->latches) {
    if (latch.point)
      points_.insert({&latch, group.get()});
    else
      spans_.push_back({&latch, group.get()});
  }
  group->listed = true;
  return Guard(std::move(group));
}

runtime::Task<Status> Latches::wait(Guard& guard, runtime::CancelToken token,
                                    runtime::Instant deadline) {
  Group* group = guard.group_.get();
  while (!group->blockers.empty()) {
    Status s = co_await group->wake.wait(token, deadline);
    if (!s.ok() && !group->blockers.empty()) co_return s;
  }
  co_return Status();
}

void Latches::unblock(Group& waiter, Group& blocker) {
  erase_one(waiter.blockers, &blocker);
  if (waiter.blockers.empty()) waiter.wake.wake_all();
}

void Latches::raise(Guard& guard, Timestamp ts) {
  Group& group = *guard.group_;
  for (Latch& latch : group.latches) {
    if (latch.mode == LatchMode::kWrite) latch.ts = std::max(latch.ts, ts);
  }
  auto still_blocked = [&](Group* waiter) {
    for (const Latch& a : waiter->latches) {
      for (const Latch& b : group.latches) {
        if (conflict(a, b)) return true;
      }
    }
    return false;
  };
  std::vector<Group*> stay;
  for (Group* waiter : group.blocked) {
    if (still_blocked(waiter))
      stay.push_back(waiter);
    else
      unblock(*waiter, group);
  }
  group.blocked = std::move(stay);
}

void Latches::remove(Group& group) {
  if (!group.listed) return;
  for (const Latch& latch : group.latches) {
    if (latch.point) CHECK(points_.erase({&latch, &group}) == 1);
  }
  std::erase_if(spans_, [&](const Entry& e) { return e.group == &group; });
  for (Group* blocker : group.blockers) erase_one(blocker->blocked, &group);
  group.blockers.clear();
  for (Group* waiter : group.blocked) unblock(*waiter, group);
  group.blocked.clear();
  group.listed = false;
}

void Latches::close(Status reason) {
  std::vector<Group*> groups;
  for (const Entry& e : points_) groups.push_back(e.group);
  for (const Entry& e : spans_) groups.push_back(e.group);
  std::sort(groups.begin(), groups.end(),
            [](const Group* a, const Group* b) { return a->sequence < b->sequence; });
  groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
  for (Group* group : groups) {
    if (!group->blockers.empty()) group->wake.wake_all(reason);
  }
}

std::string Latches::to_string() const {
  std::vector<Entry> all(points_.begin(), points_.end());
  all.insert(all.end(), spans_.begin(), spans_.end());
  std::stable_sort(all.begin(), all.end(), [](const Entry& a, const Entry& b) {
    return a.group->sequence < b.group->sequence;
  });
  std::string out;
  for (const Entry& e : all) {
    const Latch& l = *e.latch;
    out += std::to_string(e.group->sequence) +
           (l.space == LatchSpace::kRecords ? " record " : " row ") +
           (l.point ? escape_bytes(l.start) : KeySpan{l.start, l.end}.to_string()) +
           (l.mode == LatchMode::kRead ? " r@" : " w@") +
           (l.ts == Timestamp::max() ? std::string("max") : std::to_string(l.ts.packed)) +
           (e.group->blockers.empty() ? " held\n" : " waits\n");
  }
  return out;
}

}  // namespace quorate::range
