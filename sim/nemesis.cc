#include "sim/nemesis.h"

#include <fmt/format.h>

#include <algorithm>

#include "range/keys.h"

namespace quorate::sim {

using runtime::Random;
using server::KvNode;

Nemesis::Profile Nemesis::draw_profile(Random& random) {
  Profile p;
  const auto weight = [&] { return random.chance(0.3) ? 0.0 : 0.2 + 0.01 * random.below(180); };
  p.network = weight();
  p.crashes = weight();
  p.disk = weight() / 2;
  p.clocks = weight() / 2;
  p.pauses = weight() / 2;
  p.moves = weight();
  p.wild_clocks = random.chance(0.12);
  p.lossy = random.chance(0.3);
  p.pace = std::chrono::milliseconds(150 + random.below(1800));
  p.together = random.chance(0.5) ? 0.01 * static_cast<double>(random.below(60)) : 0;
  p.aimed = random.chance(0.6) ? 0.01 * static_cast<double>(random.below(100)) : 0;
  p.trouble = random.chance(0.6) ? 0.01 * static_cast<double>(random.below(80)) : 0;
  p.reset_clocks = p.clocks > 0 && random.chance(0.5) ? 0.5 : 0;
  p.spread = random.chance(0.6) ? random.below(6) : 0;
  p.sector_bytes = random.chance(0.5) ? 512 : 4096;
  p.sync = std::chrono::microseconds(400 << random.below(6));
  return p;
}

Nemesis::Nemesis(SimCluster& cluster, Workload& workload, Profile profile, Random random)
    : cluster_(cluster), workload_(workload), profile_(profile), random_(std::move(random)) {}

void Nemesis::note(std::string what) {
  if (log_ != nullptr) {
    log_->mark({.kind = EventLog::MarkKind::kFault,
                .text = act_ > 0 ? fmt::format("#{} {}", act_, what) : what});
  }
  cluster_.world().line("nemesis: " + what);
  ++done_[what.substr(0, what.find(' '))];
}

uint64_t Nemesis::begin_told(std::string what) {
  const std::string text = what;
  note(std::move(what));
  if (log_ == nullptr) return 0;
  return log_->begin_span({.kind = EventLog::SpanKind::kFault, .text = text});
}

void Nemesis::end_told(uint64_t span) {
  if (log_ != nullptr) log_->end_span(span);
}

void Nemesis::later(runtime::Duration d, runtime::Callback work) {
  cluster_.world().after(d, [this, alive = alive_, work = std::move(work)]() mutable {
    if (*alive && !healed_) work();
  });
}

size_t Nemesis::victim() {
  return random_.chance(profile_.aimed) ? leaseholder() : random_.below(cluster_.size());
}

size_t Nemesis::leaseholder() {
  const Bytes key =
      random_.chance(0.2) ? range::keys::system_key("x") : workload_.split_key(random_);
  return leaseholder_of(key);
}

size_t Nemesis::leaseholder_of(const Bytes& key) {
  for (size_t i = 0; i < cluster_.size(); ++i) {
    KvNode* node = cluster_.node(i);
    if (node == nullptr) continue;
    for (const auto& [id, replica] : node->store().replicas()) {
      if (replica->started() && replica->descriptor().span.contains(key) &&
          replica->look_at_lease(Timestamp()).held)
        return i;
    }
  }
  return random_.below(cluster_.size());
}

runtime::Duration Nemesis::draw_any_length(runtime::Duration most) {
  const unsigned shift = static_cast<unsigned>(random_.below(10));
  return runtime::Duration(random_.between(0, most.count() >> shift));
}

runtime::SimDiskFaults Nemesis::usual_disk() const {
  runtime::SimDiskFaults faults;
  faults.sector_bytes = profile_.sector_bytes;
  faults.sync_min = profile_.sync / 8;
  faults.sync_max = profile_.sync;
  faults.read_max = std::max(faults.read_max, profile_.sync);
  return faults;
}

void Nemesis::spread() {
  if (!allows("spread")) return;
  for (size_t n = 0; n < profile_.spread; ++n) {
    later(std::chrono::milliseconds(300 * n), [this] { split(); });
    later(std::chrono::milliseconds(300 * n + 150), [this] { transfer_lease(); });
  }
}

void Nemesis::start() {
  started_ = true;
  if (profile_.lossy && allows("lossy")) spoil_links();
  for (size_t i = 0; i < cluster_.size(); ++i) cluster_.machine(i).disk().faults() = usual_disk();
  // Clocks differ from the start, by at most the bound between any two.
  const int64_t bound = cluster_.options().node.max_clock_offset_micros;
  for (size_t i = 0; allows("skew") && i < cluster_.size(); ++i) {
    cluster_.machine(i).clock().set_offset(random_.between(-bound * 9 / 20, bound * 9 / 20));
    if (profile_.clocks > 0) cluster_.machine(i).clock().set_drift(random_.between(-100, 100));
  }
  if (plan_ != nullptr) return follow_plan();
  next();
}

runtime::Duration Nemesis::draw_pause() {
  const int64_t pace = std::chrono::duration_cast<std::chrono::milliseconds>(profile_.pace).count();
  return draw(pace / 4, pace * 7 / 4);
}

void Nemesis::next() {
  later(draw_pause(), [this] {
    act();
    next();
    end_recording();
  });
}

// A fault and what follows it at once: those that meet in the middle of something are the ones
// that find the way in.
void Nemesis::act() {
  act_once();
  if (!random_.chance(profile_.together)) return;
  later(draw_any_length(std::chrono::milliseconds(400)), [this] {
    act();
    end_recording();
  });
}

void Nemesis::act_once() {
  struct Choice {
    double weight;
    void (Nemesis::*act)();
  };
  // fault_kinds() names them, in this order.
  Choice choices[] = {
      {profile_.network, &Nemesis::cut_network},
      {profile_.network / 4, &Nemesis::clog_network},
      {profile_.network / 3, &Nemesis::spoil_links},
      {profile_.crashes, &Nemesis::crash},
      {profile_.crashes / 3, &Nemesis::crash_in_sync},
      {profile_.crashes / 5, &Nemesis::crash_most},
      {profile_.crashes / 8, &Nemesis::crash_all},
      {profile_.crashes / 16, &Nemesis::wipe},
      {profile_.disk, &Nemesis::slow_disk},
      {profile_.disk / 4, &Nemesis::fail_sync},
      {profile_.clocks, &Nemesis::move_clock},
      {profile_.pauses, &Nemesis::pause},
      {profile_.moves + 0.1, &Nemesis::split},
      {profile_.moves, &Nemesis::transfer_lease},
      {profile_.moves / 4, &Nemesis::drain_and_restart},
      {profile_.moves / 2, &Nemesis::move_replicas},
      {profile_.network / 3, &Nemesis::depose},
      {profile_.network / 4, &Nemesis::slow_links},
      {profile_.crashes / 10, &Nemesis::roll},
      {profile_.disk / 2, &Nemesis::fill_disk},
      {profile_.crashes / 16, &Nemesis::rot},
      {profile_.crashes / 16, &Nemesis::rot_checkpoint},
  };
  const Random before = random_;
  double total = 0;
  for (const Choice& c : choices) total += c.weight;
  for (size_t i = 0; !favored_.empty() && i < std::size(choices); ++i) {
    if (fault_kinds()[i].name != favored_) continue;
    choices[i].weight += total;
    total *= 2;
    break;
  }
  double at = total * static_cast<double>(random_.below(1'000'000)) / 1e6;
  for (const Choice& c : choices) {
    at -= c.weight;
    if (at >= 0) continue;
    act_ = ++acts_;
    if (recorded_ != nullptr) {
      const auto kind = static_cast<size_t>(&c - choices);
      recorded_->acts.push_back({cluster_.world().now(), kind, before, before});
    }
    (this->*c.act)();
    act_ = 0;
    return;
  }
}

void Nemesis::end_recording() {
  if (recorded_ != nullptr && !recorded_->acts.empty()) recorded_->acts.back().after = random_;
}

void Nemesis::heal() {
  healed_ = true;
  note("heal");
  if (log_ != nullptr) log_->end_faults();
  runtime::SimNetwork& network = cluster_.world().network();
  network.heal_all();
  network.reset_links();
  network.defaults() = runtime::SimLinkFaults();
  for (size_t i = 0; i < cluster_.size(); ++i) {
    cluster_.machine(i).disk().faults() = runtime::SimDiskFaults();
    cluster_.machine(i).disk().fail_next_syncs(0);
    cluster_.machine(i).disk().set_capacity(kDiskBytes);
    cluster_.machine(i).clock().set_drift(0);
    if (profile_.wild_clocks) cluster_.machine(i).clock().set_offset(0);
    if (cluster_.up(i) && cluster_.env(i).executor().paused()) cluster_.env(i).executor().resume();
    // A node that drains takes no replicas until it is restarted.
    if (auto it = drained_.find(i); it != drained_.end() && cluster_.lives(i) == it->second)
      if (cluster_.up(i)) cluster_.kill(i, runtime::SimCrash::kProcess);
    cluster_.start(i);
  }
}

}  // namespace quorate::sim
