#include "runtime/sim/sim_executor.h"

#include <algorithm>
#include <map>

#include "base/crc32c.h"
#include "runtime/sim/sim_observer.h"

namespace quorate::runtime {

SimExecutor::SimExecutor(SimWorld& world, const std::string& name)
    : world_(world),
      random_(world.fork_random("executor " + name)),
      name_(name),
      tag_(crc32c(name)) {}

void SimExecutor::add(Ready ready) {
  if (dead_) return;
  ready_.push_back(std::move(ready));
  arm();
}

void SimExecutor::arm() {
  if (dead_ || paused_ || step_event_ != 0 || ready_.empty()) return;
  step_event_ = world_.at(std::max(world_.now(), busy_until_), [this] { run_one(); });
}

void SimExecutor::post(Callback work) { add({{}, 0, std::move(work)}); }

void SimExecutor::resume_soon(std::coroutine_handle<> handle) { add({handle, 0, {}}); }

void SimExecutor::forget(std::coroutine_handle<> handle) {
  auto found = std::find_if(ready_.begin(), ready_.end(),
                            [&](const Ready& r) { return r.handle == handle; });
  if (found != ready_.end()) ready_.erase(found);
}

TimerId SimExecutor::schedule_at(Instant when, Callback work) {
  TimerId id = next_timer_++;
  if (dead_) return id;
  // At its time a timer becomes ready work like any other: it runs when the executor gets to it.
  SimEventId event = world_.at(when, [this, id] { add({{}, id, {}}); });
  timers_.emplace(id, Timer{event, std::move(work)});
  return id;
}

void SimExecutor::cancel_timer(TimerId id) {
  auto found = timers_.find(id);
  if (found == timers_.end()) return;
  Timer dropped = std::move(found->second);
  timers_.erase(found);
  world_.cancel(dropped.event);
}

void SimExecutor::pause() {
  paused_ = true;
  if (auto* o = world_.observer()) o->on_pause(name_, true);
  world_.cancel(step_event_);
  step_event_ = 0;
}

void SimExecutor::resume() {
  paused_ = false;
  if (auto* o = world_.observer()) o->on_pause(name_, false);
  world_.cancel(resume_event_);
  resume_event_ = 0;
  arm();
}

void SimExecutor::pause_for(Duration d) {
  pause();
  world_.cancel(resume_event_);
  resume_event_ = world_.after(d, [this] {
    resume_event_ = 0;
    resume();
  });
}

void SimExecutor::hold_until(Instant when) {
  busy_until_ = std::max(busy_until_, when);
  if (step_event_ == 0) return;
  world_.cancel(step_event_);
  step_event_ = 0;
  arm();
}

Duration SimExecutor::draw_cost() {
  const SimOptions& o = world_.options();
  Duration cost(random_.between(o.step_cost_min.count(), o.step_cost_max.count()));
  if (o.long_step_chance > 0 && random_.chance(o.long_step_chance)) {
    cost += Duration(random_.between(0, o.long_step_max.count()));
  }
  return cost;
}

void SimExecutor::run_one() {
  step_event_ = 0;
  if (ready_.empty()) return;  // all of it was forgotten
  size_t pick = random_.below(ready_.size());
  world_.mix(tag_ ^ static_cast<uint64_t>(world_.now().since_start.count()));
  world_.mix(ready_.size() << 32 | pick);
  Ready ready = std::move(ready_[pick]);
  ready_[pick] = std::move(ready_.back());
  ready_.pop_back();
  // max: what runs may hold the executor for longer itself.
  busy_until_ = std::max(busy_until_, world_.now() + draw_cost());
  ++steps_;
  run(std::move(ready));
  arm();
}

void SimExecutor::run(Ready ready) {
  if (ready.handle) {
    ready.handle.resume();
  } else if (ready.timer != 0) {
    auto found = timers_.find(ready.timer);
    if (found == timers_.end()) return;  // cancelled after its time had come
    Callback work = std::move(found->second.work);
    timers_.erase(found);
    work();
  } else {
    ready.work();
  }
}

void SimExecutor::die() {
  if (dead_) return;
  dead_ = true;
  world_.cancel(step_event_);
  world_.cancel(resume_event_);
  step_event_ = resume_event_ = 0;
  // Sorted, since what a callback holds may act when it is destroyed.
  std::map<TimerId, Timer> timers;
  for (auto& [id, timer] : timers_) timers.emplace(id, std::move(timer));
  timers_.clear();
  for (auto& [id, timer] : timers) world_.cancel(timer.event);
  auto ready = std::move(ready_);
  ready_.clear();
}

}  // namespace quorate::runtime
