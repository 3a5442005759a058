#include "sim/nemesis.h"

#include <fmt/format.h>

#include <algorithm>

#include "range/keys.h"

namespace quorate::sim {

using runtime::Random;
using runtime::SimCrash;
using runtime::Task;
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
  return p;
}

Nemesis::Nemesis(SimCluster& cluster, Workload& workload, Profile profile, Random random)
    : cluster_(cluster), workload_(workload), profile_(profile), random_(std::move(random)) {}

void Nemesis::note(std::string what) {
  cluster_.world().line("nemesis: " + what);
  ++done_[what.substr(0, what.find(' '))];
}

void Nemesis::later(runtime::Duration d, runtime::Callback work) {
  cluster_.world().after(d, [this, alive = alive_, work = std::move(work)]() mutable {
    if (*alive && !healed_) work();
  });
}

void Nemesis::start() {
  if (profile_.lossy) spoil_links();
  // Clocks differ from the start, by at most the bound between any two.
  const int64_t bound = cluster_.options().node.max_clock_offset_micros;
  for (size_t i = 0; i < cluster_.size(); ++i) {
    cluster_.machine(i).clock().set_offset(random_.between(-bound * 9 / 20, bound * 9 / 20));
    if (profile_.clocks > 0) cluster_.machine(i).clock().set_drift(random_.between(-100, 100));
  }
  next();
}

void Nemesis::next() {
  const int64_t pace = std::chrono::duration_cast<std::chrono::milliseconds>(profile_.pace).count();
  later(draw(pace / 4, pace * 7 / 4), [this] {
    act();
    next();
  });
}

void Nemesis::act() {
  struct Choice {
    double weight;
    void (Nemesis::*act)();
  };
  const Choice choices[] = {
      {profile_.network, &Nemesis::cut_network},  {profile_.network / 3, &Nemesis::spoil_links},
      {profile_.crashes, &Nemesis::crash},        {profile_.crashes / 8, &Nemesis::crash_all},
      {profile_.crashes / 16, &Nemesis::wipe},    {profile_.disk, &Nemesis::slow_disk},
      {profile_.disk / 4, &Nemesis::fail_sync},   {profile_.clocks, &Nemesis::move_clock},
      {profile_.pauses, &Nemesis::pause},         {profile_.moves + 0.1, &Nemesis::split},
      {profile_.moves, &Nemesis::transfer_lease}, {profile_.moves / 4, &Nemesis::drain_and_restart},
  };
  double total = 0;
  for (const Choice& c : choices) total += c.weight;
  double at = total * static_cast<double>(random_.below(1'000'000)) / 1e6;
  for (const Choice& c : choices) {
    at -= c.weight;
    if (at < 0) return (this->*c.act)();
  }
}

void Nemesis::heal() {
  healed_ = true;
  note("heal");
  runtime::SimNetwork& network = cluster_.world().network();
  network.heal_all();
  network.reset_links();
  network.defaults() = runtime::SimLinkFaults();
  for (size_t i = 0; i < cluster_.size(); ++i) {
    cluster_.machine(i).disk().faults() = runtime::SimDiskFaults();
    cluster_.machine(i).disk().fail_next_syncs(0);
    cluster_.machine(i).clock().set_drift(0);
    if (profile_.wild_clocks) cluster_.machine(i).clock().set_offset(0);
    if (cluster_.up(i) && cluster_.env(i).executor().paused()) cluster_.env(i).executor().resume();
    cluster_.start(i);
  }
}

// --- network
// -------------------------------------------------------------------------------------

void Nemesis::cut_network() {
  runtime::SimNetwork& network = cluster_.world().network();
  std::vector<std::string> hosts = cluster_.hosts();
  const size_t a = victim();
  const size_t b = (a + 1 + random_.below(cluster_.size() - 1)) % cluster_.size();
  switch (random_.below(4)) {
    case 0:
      note("isolate " + hosts[a]);
      network.isolate(hosts[a]);
      break;
    case 1:
      note(fmt::format("cut {} -> {}", hosts[a], hosts[b]));
      network.cut(hosts[a], hosts[b]);
      break;
    case 2:
      note(fmt::format("cut {} <-> {}", hosts[a], hosts[b]));
      network.cut(hosts[a], hosts[b]);
      network.cut(hosts[b], hosts[a]);
      break;
    default: {
      std::vector<std::string> left, right;
      for (const std::string& host : hosts) (random_.chance(0.5) ? left : right).push_back(host);
      if (left.empty() || right.empty()) return;
      note("partition " + fmt::format("{}", fmt::join(left, ",")));
      network.partition(left, right);
    }
  }
  later(draw(100, 6'000), [this] { cluster_.world().network().heal_all(); });
}

void Nemesis::spoil_links() {
  runtime::SimLinkFaults faults;
  faults.loss = 0.001 * static_cast<double>(random_.below(150));
  faults.duplicate = 0.001 * static_cast<double>(random_.below(100));
  faults.reorder = 0.001 * static_cast<double>(random_.below(200));
  faults.delay_max = std::chrono::microseconds(300 + random_.below(20'000));
  faults.reorder_max = std::chrono::milliseconds(1 + random_.below(1'500));
  note("spoil links");
  cluster_.world().network().defaults() = faults;
  if (profile_.lossy) return;
  later(draw(500, 5'000),
        [this] { cluster_.world().network().defaults() = runtime::SimLinkFaults(); });
}

// --- nodes and disks
// -----------------------------------------------------------------------------

void Nemesis::crash() {
  const size_t i = victim();
  if (!cluster_.up(i)) return;
  const bool power = random_.chance(0.7);
  note(fmt::format("crash {}", cluster_.host(i)));
  cluster_.kill(i, power ? SimCrash::kPower : SimCrash::kProcess);
  const bool quick = random_.chance(0.5);
  later(quick ? draw(1, 400) : draw(400, 9'000), [this, i] { cluster_.start(i); });
}

void Nemesis::crash_all() {
  note("crash-all");
  for (size_t i = 0; i < cluster_.size(); ++i) {
    if (cluster_.up(i)) cluster_.kill(i, SimCrash::kPower);
    later(draw(1, 2'000), [this, i] { cluster_.start(i); });
  }
}

// Once: a second loss before the first is mended may take a quorum's word away.
void Nemesis::wipe() {
  const size_t i = victim();
  if (wiped_ || cluster_.node(i) == nullptr) return;
  wiped_ = true;
  note("wipe " + cluster_.host(i));
  cluster_.wipe(i);
  later(draw(10, 3'000), [this, i] { cluster_.start(i); });
}

void Nemesis::slow_disk() {
  const size_t i = victim();
  runtime::SimDiskFaults& faults = cluster_.machine(i).disk().faults();
  faults.slow_sync_chance = 0.05 + 0.01 * static_cast<double>(random_.below(50));
  faults.slow_sync_max = draw(50, 1'500);
  note("slow-disk of " + cluster_.host(i));
  later(draw(300, 4'000),
        [this, i] { cluster_.machine(i).disk().faults() = runtime::SimDiskFaults(); });
}

void Nemesis::fail_sync() {
  const size_t i = victim();
  note("fail-sync on " + cluster_.host(i));
  cluster_.machine(i).disk().fail_next_syncs(1);
}

// --- time
// ----------------------------------------------------------------------------------------

void Nemesis::move_clock() {
  const size_t i = victim();
  runtime::SimClock& clock = cluster_.machine(i).clock();
  const int64_t bound = cluster_.options().node.max_clock_offset_micros;
  const int64_t reach = profile_.wild_clocks ? 6 * bound : bound * 9 / 20;
  note("clock of " + cluster_.host(i));
  clock.set_offset(random_.between(-reach, reach));
}

void Nemesis::pause() {
  const size_t i = victim();
  if (!cluster_.up(i)) return;
  note("pause " + cluster_.host(i));
  cluster_.env(i).executor().pause_for(random_.chance(0.5) ? draw(5, 500) : draw(500, 6'000));
}

// --- what operators do
// ---------------------------------------------------------------------------

void Nemesis::split() {
  const size_t i = victim();
  KvNode* node = cluster_.node(i);
  if (node == nullptr) return;
  note("split");
  cluster_.spawn(i, run_split(node, workload_.split_key(random_)));
}

Task<void> Nemesis::run_split(KvNode* node, Bytes at) {
  Result<uint64_t> id = co_await node->system().take(range::keys::system_key("next_range"), 1, 100);
  if (!id.ok()) co_return;
  Result<range::RangeDescriptor> where = co_await node->router().locate(at, {});
  if (!where.ok() || where->span.start == at) co_return;
  range::BatchRequest batch;
  batch.range = where->id;
  batch.generation = where->generation;
  batch.now = node->clock().now();
  batch.requests.emplace_back(range::SplitRequest{at, RangeId(*id)});
  (void)co_await node->router().send(std::move(batch), {});
}

void Nemesis::transfer_lease() {
  const size_t i = victim();
  KvNode* node = cluster_.node(i);
  if (node == nullptr) return;
  note("transfer");
  const NodeId to(1 + random_.below(cluster_.size()));
  const Bytes key =
      random_.chance(0.2) ? range::keys::system_key("x") : workload_.split_key(random_);
  cluster_.spawn(i, run_transfer(node, key, to));
}

Task<void> Nemesis::run_transfer(KvNode* node, Bytes key, NodeId to) {
  Result<range::RangeDescriptor> where = co_await node->router().locate(key, {});
  if (!where.ok()) co_return;
  range::BatchRequest batch;
  batch.range = where->id;
  batch.generation = where->generation;
  batch.now = node->clock().now();
  batch.patience_ms = 3'000;
  batch.requests.emplace_back(range::TransferLeaseRequest{to});
  (void)co_await node->router().send(std::move(batch), {});
}

void Nemesis::drain_and_restart() {
  const size_t i = victim();
  if (cluster_.node(i) == nullptr) return;
  note("drain " + cluster_.host(i));
  const uint64_t life = cluster_.lives(i);
  const runtime::Duration patience = draw(500, 4'000);
  cluster_.spawn(i, run_drain(&cluster_, i, patience));
  later(patience + draw(10, 500), [this, i, life] {
    if (!cluster_.up(i) || cluster_.lives(i) != life) return;
    cluster_.kill(i, SimCrash::kProcess);
    later(draw(1, 2'000), [this, i] { cluster_.start(i); });
  });
}

Task<void> Nemesis::run_drain(SimCluster* cluster, size_t i, runtime::Duration patience) {
  KvNode* node = cluster->node(i);
  if (node == nullptr) co_return;
  const runtime::Instant deadline = node->env().executor->now() + patience;
  (void)co_await node->drain(deadline);
}

}  // namespace quorate::sim
