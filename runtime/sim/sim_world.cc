#include "runtime/sim/sim_world.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "base/crc32c.h"
#include "runtime/sim/sim_env.h"
#include "runtime/sim/sim_network.h"
#include "runtime/sim/sim_observer.h"

namespace quorate::runtime {

SimWorld::SimWorld(uint64_t seed, SimOptions options)
    : seed_(seed), options_(options), random_(seed) {
  check_context_ = [this] {
    if (observer_ != nullptr) observer_->on_failed_check();
    return fmt::format("seed {} at {} ns of virtual time, event {}", seed_,
                       now_.since_start.count(), events_run_);
  };
  set_check_context(&check_context_);
  network_ = std::make_unique<SimNetwork>(*this);
}

SimWorld::~SimWorld() { set_check_context(nullptr); }

SimMachine& SimWorld::machine(const std::string& name) {
  auto& machine = machines_[name];
  if (machine == nullptr) machine = std::make_unique<SimMachine>(*this, name);
  return *machine;
}

std::vector<std::string> SimWorld::machine_names() const {
  std::vector<std::string> names;
  for (const auto& [name, machine] : machines_) names.push_back(name);
  return names;
}

SimEventId SimWorld::at(Instant when, Callback work) {
  SimEventId id = next_event_++;
  heap_.push_back({std::max(when, now_), id});
  std::push_heap(heap_.begin(), heap_.end());
  events_.emplace(id, std::move(work));
  return id;
}

void SimWorld::cancel(SimEventId id) {
  auto found = events_.find(id);
  if (found == events_.end()) return;
  // The work's destructor may cancel other events: let it run outside the table.
  Callback dropped = std::move(found->second);
  events_.erase(found);
  if (heap_.size() > 1'000 && heap_.size() > 2 * events_.size()) drop_cancelled();
}

// Cancelled events stay in the heap until they would run; this keeps their number in bounds.
void SimWorld::drop_cancelled() {
  std::erase_if(heap_, [this](const HeapEntry& e) { return !events_.contains(e.id); });
  std::make_heap(heap_.begin(), heap_.end());
}

bool SimWorld::step() {
  while (!heap_.empty()) {
    std::pop_heap(heap_.begin(), heap_.end());
    HeapEntry next = heap_.back();
    heap_.pop_back();
    auto found = events_.find(next.id);
    if (found == events_.end()) continue;
    Callback work = std::move(found->second);
    events_.erase(found);
    CHECK(next.when >= now_);
    now_ = next.when;
    ++events_run_;
    work();
    return true;
  }
  return false;
}

void SimWorld::run_for(Duration d) {
  bool over = false;
  after(d, [&over] { over = true; });
  while (!over) CHECK(step());
}

bool SimWorld::run_until(const std::function<bool()>& done, Duration limit) {
  bool over = false;
  SimEventId end = after(limit, [&over] { over = true; });
  while (!done()) {
    bool stepped = step();
    if (over || !stepped) return done();
  }
  cancel(end);
  return true;
}

void SimWorld::mix(std::string_view bytes) {
  mix(bytes.size());
  mix(crc32c(bytes));
}

void SimWorld::line(std::string text) {
  mix(static_cast<uint64_t>(now_.since_start.count()));
  mix(std::string_view(text));
  if (tracing()) note(std::move(text));
}

void SimWorld::note(std::string text) {
  std::string line =
      fmt::format("{:.6f} {}", std::chrono::duration<double>(now_.since_start).count(), text);
  if (options_.print_lines) std::fprintf(stderr, "%s\n", line.c_str());
  if (options_.lines_kept == 0) return;
  if (lines_.size() >= options_.lines_kept) lines_.pop_front();
  lines_.push_back(std::move(line));
}

}  // namespace quorate::runtime
