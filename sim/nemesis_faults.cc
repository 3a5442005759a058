// What breaks: the network, nodes, disks, time.
#include <fmt/format.h>

#include <algorithm>

#include "range/keys.h"
#include "sim/nemesis.h"

namespace quorate::sim {

using runtime::SimCrash;
using server::KvNode;

// --- network

Nemesis::Directions Nemesis::draw_cut(std::string* what) {
  const std::vector<std::string> hosts = cluster_.hosts();
  const size_t a = victim();
  const size_t b = other_than(a);
  Directions out;
  switch (random_.below(5)) {
    case 0:
      *what = "isolate " + hosts[a];
      out = all_of(a);
      break;
    case 1:
      *what = fmt::format("cut {} -> {}", hosts[a], hosts[b]);
      out.emplace_back(hosts[a], hosts[b]);
      break;
    case 2:
      *what = fmt::format("cut {} <-> {}", hosts[a], hosts[b]);
      out.emplace_back(hosts[a], hosts[b]);
      out.emplace_back(hosts[b], hosts[a]);
      break;
    case 3: {
      const bool outward = random_.chance(0.5);
      *what = fmt::format("deafen {} {}", hosts[a], outward ? "outward" : "inward");
      for (const std::string& host : hosts) {
        if (host == hosts[a]) continue;
        out.emplace_back(outward ? hosts[a] : host, outward ? host : hosts[a]);
      }
      break;
    }
    default: {
      std::vector<std::string> left, right;
      for (const std::string& host : hosts) (random_.chance(0.5) ? left : right).push_back(host);
      *what = fmt::format("partition {}", fmt::join(left, ","));
      for (const std::string& l : left) {
        for (const std::string& r : right) {
          out.emplace_back(l, r);
          out.emplace_back(r, l);
        }
      }
    }
  }
  return out;
}

Nemesis::Directions Nemesis::all_of(size_t i) const {
  Directions out;
  const std::string own = cluster_.host(i);
  for (const std::string& host : cluster_.hosts()) {
    if (host == own) continue;
    out.emplace_back(own, host);
    out.emplace_back(host, own);
  }
  return out;
}

void Nemesis::cut(const Directions& directions) {
  for (const auto& [from, to] : directions) cluster_.world().network().cut(from, to);
}

void Nemesis::mend(const Directions& directions) {
  for (const auto& [from, to] : directions) cluster_.world().network().heal(from, to);
}

void Nemesis::cut_network() {
  std::string what;
  const Directions directions = draw_cut(&what);
  if (random_.chance(0.3)) {
    note("flap, " + what);
    return flap(directions, 1 + random_.below(8));
  }
  note(what);
  cut(directions);
  later(draw_cut_length(), [this, directions] { mend(directions); });
}

// Often about as long as a promise of support: those who gave it have elected another, and who led
// has not noticed.
runtime::Duration Nemesis::draw_cut_length() {
  if (random_.chance(0.6)) return draw(100, 6'000);
  return cluster_.options().node.liveness.support + draw(0, 1'500);
}

void Nemesis::flap(const Directions& directions, size_t times) {
  cut(directions);
  later(draw_any_length(std::chrono::milliseconds(3'000)), [this, directions, times] {
    mend(directions);
    if (times <= 1) return;
    later(draw_any_length(std::chrono::milliseconds(1'000)),
          [this, directions, times] { flap(directions, times - 1); });
  });
}

// Leaders that win and can tell nobody leave the logs that the rules of commitment are about.
void Nemesis::depose() {
  const Bytes key =
      random_.chance(0.2) ? range::keys::system_key("x") : workload_.split_key(random_);
  const size_t i = leaseholder_of(key);
  isolate(i, "depose, isolate ");
  silence_candidate(key, i, 6'000);
}

void Nemesis::silence_candidate(const Bytes& key, size_t deposed, int looks) {
  for (size_t i = 0; i < cluster_.size(); ++i) {
    KvNode* node = cluster_.node(i);
    range::Replica* replica = node == nullptr ? nullptr : node->store().find_by_key(key);
    if (i == deposed || replica == nullptr || !replica->started() ||
        replica->group().core().role() != raft::Role::kCandidate)
      continue;
    later(draw_any_length(std::chrono::milliseconds(4)), [this, i] {
      note("depose, deafen outward " + cluster_.host(i));
      Directions outward;
      for (const auto& direction : all_of(i)) {
        if (direction.first == cluster_.host(i)) outward.push_back(direction);
      }
      cut(outward);
      later(draw_cut_length(), [this, outward] { mend(outward); });
    });
    return;
  }
  if (looks <= 0) return;
  later(std::chrono::milliseconds(1),
        [this, key, deposed, looks] { silence_candidate(key, deposed, looks - 1); });
}

void Nemesis::clog_network() {
  std::string what;
  const Directions directions = draw_cut(&what);
  note("clog, " + what);
  const bool lasts = random_.chance(0.5);
  for (const auto& [from, to] : directions) {
    const runtime::Duration d =
        lasts ? draw_cut_length() : draw_any_length(std::chrono::milliseconds(4'000));
    cluster_.world().network().clog(from, to, d);
  }
}

// Some links, or all of one host, as far away as another continent, or thin.
void Nemesis::slow_links() {
  const size_t i = victim();
  runtime::SimLinkFaults far = cluster_.world().network().defaults();
  if (random_.chance(0.6)) {
    far.delay_min = draw(5, 150);
    far.delay_max = far.delay_min + draw(1, 50);
  } else {
    far.bytes_per_second = 10'000u << random_.below(8);
  }
  const uint64_t told = begin_told("slow-links of " + cluster_.host(i));
  Directions directions = all_of(i);
  const size_t first = random_.chance(0.5) ? 0 : random_.below(directions.size());
  const size_t last = first == 0 ? directions.size() : first + 1;
  for (size_t n = first; n < last; ++n)
    cluster_.world().network().set_link(directions[n].first, directions[n].second, far);
  later(draw(500, 6'000), [this, told] {
    cluster_.world().network().reset_links();
    end_told(told);
  });
}

void Nemesis::spoil_links() {
  runtime::SimLinkFaults faults;
  faults.loss = 0.001 * static_cast<double>(random_.below(150));
  faults.duplicate = 0.001 * static_cast<double>(random_.below(100));
  faults.reorder = 0.001 * static_cast<double>(random_.below(200));
  faults.delay_max = std::chrono::microseconds(300 + random_.below(20'000));
  faults.reorder_max = std::chrono::milliseconds(1 + random_.below(1'500));
  if (random_.chance(0.4)) {
    // Few are late, but by more than anybody waits.
    faults.reorder = 0.001 * static_cast<double>(random_.below(20));
    faults.reorder_max = draw(1'000, 6'000);
  }
  const uint64_t told = begin_told("spoil links");
  cluster_.world().network().defaults() = faults;
  if (profile_.lossy) return;
  later(draw(500, 5'000), [this, told] {
    cluster_.world().network().defaults() = runtime::SimLinkFaults();
    end_told(told);
  });
}

// --- nodes and disks

// And starts it after a while; `again`: so often it dies once more soon after.
void Nemesis::kill(size_t i, SimCrash how, size_t again) {
  kill(i, how, again, again > 0 || random_.chance(0.5));
}

void Nemesis::kill(size_t i, SimCrash how, size_t again, bool quick) {
  if (cluster_.up(i)) cluster_.kill(i, how);
  later(quick ? draw_any_length(std::chrono::milliseconds(400)) : draw(400, 9'000),
        [this, i, how, again] {
          start_again(i);
          if (again == 0) return;
          const uint64_t life = cluster_.lives(i);
          later(draw_any_length(std::chrono::milliseconds(800)), [this, i, how, again, life] {
            if (cluster_.up(i) && cluster_.lives(i) == life) kill(i, how, again - 1);
          });
        });
}

void Nemesis::crash() {
  const size_t i = victim();
  if (!cluster_.up(i)) return;
  const SimCrash how = random_.chance(0.7) ? SimCrash::kPower : SimCrash::kProcess;
  note("crash " + cluster_.host(i));
  kill(i, how, random_.chance(0.15) ? 1 + random_.below(3) : 0);
}

// The power goes while the disk writes.
void Nemesis::crash_in_sync() {
  const size_t i = victim();
  if (!cluster_.up(i)) return;
  note("crash-in-sync " + cluster_.host(i));
  const size_t again = random_.chance(0.3) ? 1 + random_.below(2) : 0;
  cluster_.machine(i).disk().on_next_sync(
      [this, alive = alive_, i, again](runtime::Duration takes) {
        if (!*alive || healed_) return;
        const uint64_t life = cluster_.lives(i);
        later(runtime::Duration(random_.between(0, takes.count())), [this, i, again, life] {
          if (cluster_.up(i) && cluster_.lives(i) == life) kill(i, SimCrash::kPower, again);
        });
      });
}

// All but one, which may be anybody. Now and then they are back in a moment, and it knows nothing
// of it.
void Nemesis::crash_most() {
  const size_t spared = victim();
  note("crash-most but " + cluster_.host(spared));
  const SimCrash how = random_.chance(0.5) ? SimCrash::kPower : SimCrash::kProcess;
  const bool blink = random_.chance(0.4);
  for (size_t i = 0; i < cluster_.size(); ++i) {
    if (i != spared && cluster_.up(i)) kill(i, how, 0, blink || random_.chance(0.5));
  }
  if (blink && random_.chance(0.5)) return isolate(spared, "crash-most, isolate ");
  perhaps_trouble(spared, std::chrono::milliseconds(400));
}

void Nemesis::perhaps_trouble(size_t i, runtime::Duration within) {
  if (!started_ || !random_.chance(profile_.trouble)) return;
  later(draw_any_length(within), [this, i] { trouble(i); });
}

void Nemesis::trouble(size_t i) {
  if (!cluster_.up(i)) return;
  const std::string& host = cluster_.host(i);
  switch (random_.below(5)) {
    case 0:
      note("trouble, crash " + host);
      return kill(i, SimCrash::kPower, 0);
    case 1:
      note("trouble, pause " + host);
      return cluster_.env(i).executor().pause_for(draw(100, 4'000));
    case 2: {
      note("trouble, clog " + host);
      const runtime::Duration d = draw(50, 4'000);
      for (const auto& [from, to] : all_of(i)) cluster_.world().network().clog(from, to, d);
      return;
    }
    default:
      isolate(i, "trouble, isolate ");
  }
}

void Nemesis::isolate(size_t i, const std::string& why) {
  note(why + cluster_.host(i));
  const Directions directions = all_of(i);
  cut(directions);
  later(draw_cut_length(), [this, directions] { mend(directions); });
}

// One after the other, each when the one before is back, as an operator changes a setting.
void Nemesis::roll() {
  note("roll");
  // One draw a statement: compilers differ in the order of arguments.
  const runtime::Duration pause = draw(50, 2'000);
  roll_on(0, random_.below(cluster_.size()), pause);
}

void Nemesis::roll_on(size_t done, size_t i, runtime::Duration pause) {
  if (done == cluster_.size()) return;
  if (cluster_.up(i)) cluster_.kill(i, SimCrash::kProcess);
  later(draw(1, 300), [this, i] { start_again(i); });
  later(pause + draw(300, 1'500),
        [this, done, i, pause] { roll_on(done + 1, (i + 1) % cluster_.size(), pause); });
}

void Nemesis::crash_all() {
  note("crash-all");
  for (size_t i = 0; i < cluster_.size(); ++i) {
    if (cluster_.up(i)) cluster_.kill(i, SimCrash::kPower);
    later(draw(1, 2'000), [this, i] { start_again(i); });
  }
}

// Now and then with another time: what kept it is not always what it is set by.
void Nemesis::start_again(size_t i) {
  if (!cluster_.up(i) && random_.chance(profile_.reset_clocks)) set_clock(i);
  cluster_.start(i);
}

// --- time

void Nemesis::move_clock() { set_clock(victim()); }

// As often to one end of what it may be as anywhere.
void Nemesis::set_clock(size_t i) {
  runtime::SimClock& clock = cluster_.machine(i).clock();
  const int64_t bound = cluster_.options().node.max_clock_offset_micros;
  const int64_t reach = profile_.wild_clocks ? 6 * bound : bound * 9 / 20;
  note("clock of " + cluster_.host(i));
  if (random_.chance(0.5)) return clock.set_offset(random_.between(-reach, reach));
  clock.set_offset(clock.offset_micros() > 0 ? -reach : reach);
}

void Nemesis::pause() {
  const size_t i = victim();
  if (!cluster_.up(i)) return;
  note("pause " + cluster_.host(i));
  cluster_.env(i).executor().pause_for(random_.chance(0.5) ? draw(5, 500) : draw(500, 6'000));
}

}  // namespace quorate::sim
