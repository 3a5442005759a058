#include <fmt/format.h>

#include "sim/nemesis.h"

namespace quorate::sim {

using runtime::Random;
using runtime::SimCrash;
using server::KvNode;

namespace {
// Longer than any promise that a store has given lasts.
constexpr auto kForgotten = std::chrono::seconds(6);
// Those whose rows have checksums: all but the checkpoint's own ('m'), and what a start drops.
constexpr BytesView kCheckedKeyspaces = "dhitrsbc";
}  // namespace

// Once: a second loss before the first is mended may take a quorum's word away. For the same reason
// it waits until nobody else lacks anything.
void Nemesis::wipe() {
  const size_t i = victim();
  wipe_when_spared(i, draw(10, 3'000), 100);
}

void Nemesis::wipe_when_spared(size_t i, runtime::Duration down, int tries) {
  if (wiped_) return;
  if (cluster_.node(i) == nullptr || !can_spare(i, cluster_.node(i)->id())) {
    if (tries > 0)
      later(std::chrono::milliseconds(20), [=, this] { wipe_when_spared(i, down, tries - 1); });
    return;
  }
  wiped_ = true;
  note("wipe " + cluster_.host(i));
  cluster_.wipe(i);
  later(down, [this, i] { cluster_.start(i); });
  Random own = own_draw("wipe");
  if (own.chance(0.4)) {
    const runtime::Duration soon(own.between(0, down.count()));
    later(soon, [this, i] { crash_others(i); });
  }
}

// What they have heard of it and not written down nobody knows any more.
void Nemesis::crash_others(size_t wiped) {
  note("wipe, crash all others");
  for (size_t i = 0; i < cluster_.size(); ++i) {
    if (i != wiped) kill(i, SimCrash::kProcess, 0, true);
  }
}

// All replicas of all ranges but those of `lost`, which runs on host `victim` if at all, are there
// and have applied whatever is known to be committed.
bool Nemesis::can_spare(size_t victim, NodeId lost) {
  struct Seen {
    range::RangeDescriptor descriptor;
    LogIndex committed;
  };
  std::map<RangeId, Seen> ranges;
  for (size_t i = 0; i < cluster_.size(); ++i) {
    KvNode* node = cluster_.node(i);
    if (node == nullptr && i == victim) continue;
    if (node == nullptr) return false;
    for (const auto& [id, replica] : node->store().replicas()) {
      // Those that leave have a say until the change is finished.
      if (!replica->started() || replica->conf().joint()) return false;
      Seen& seen = ranges[id];
      if (replica->descriptor().generation >= seen.descriptor.generation)
        seen.descriptor = replica->descriptor();
      seen.committed = std::max(seen.committed, replica->group().core().log().committed());
    }
  }
  for (const auto& [id, seen] : ranges) {
    for (const range::ReplicaDescriptor& r : seen.descriptor.replicas) {
      if (r.node == lost) continue;
      const range::Replica* replica = nullptr;
      for (size_t i = 0; i < cluster_.size(); ++i) {
        KvNode* node = cluster_.node(i);
        if (node != nullptr && node->id() == r.node) replica = node->store().find(id);
      }
      if (replica == nullptr || replica->id() != r.replica || replica->applied() < seen.committed)
        return false;
    }
  }
  return true;
}

// No other range than `changing` changes its members, and all of them are there: who lacks
// something has it from the others. `changing` has two sets of members, each of which can do
// without one.
bool Nemesis::can_lose(size_t victim, RangeId changing) {
  for (size_t i = 0; i < cluster_.size(); ++i) {
    KvNode* node = cluster_.node(i);
    if (node == nullptr) return false;
    for (const auto& [id, replica] : node->store().replicas()) {
      if (!replica->started()) return false;
      if (id == changing) continue;
      if (replica->conf().joint()) return false;
      for (const range::ReplicaDescriptor& r : replica->descriptor().replicas) {
        const bool here = r.node == cluster_.node(victim)->id();
        const range::Replica* other = nullptr;
        for (size_t k = 0; k < cluster_.size() && !here; ++k) {
          KvNode* its = cluster_.node(k);
          if (its != nullptr && its->id() == r.node) other = its->store().find(id);
        }
        if (!here && (other == nullptr || !other->started() || other->id() != r.replica))
          return false;
      }
    }
  }
  return true;
}

void Nemesis::slow_disk() {
  const size_t i = victim();
  runtime::SimDiskFaults& faults = cluster_.machine(i).disk().faults();
  faults.slow_sync_chance = 0.05 + 0.01 * static_cast<double>(random_.below(50));
  faults.slow_sync_max = draw(50, 1'500);
  const uint64_t told = begin_told("slow-disk of " + cluster_.host(i));
  later(draw(300, 4'000), [this, i, told] {
    cluster_.machine(i).disk().faults() = usual_disk();
    end_told(told);
  });
}

void Nemesis::fail_sync() {
  const size_t i = victim();
  note("fail-sync on " + cluster_.host(i));
  cluster_.machine(i).disk().fail_next_syncs(1);
}

// Nearly full, and some time later not any more: growth is refused, nothing else.
void Nemesis::fill_disk() {
  const size_t i = victim();
  if (cluster_.node(i) == nullptr) return;
  runtime::SimDisk& disk = cluster_.machine(i).disk();
  const uint64_t reserve = cluster_.options().node.engine.disk_reserve_bytes;
  // What is left is for what needs room to give room back.
  const uint64_t left = reserve / 8 + random_.below(reserve);
  disk.set_capacity(disk.used_bytes() + left);
  const uint64_t told = begin_told("fill-disk of " + cluster_.host(i));
  later(draw(300, 5'000), [this, i, told] {
    cluster_.machine(i).disk().set_capacity(kDiskBytes);
    end_told(told);
  });
}

// Bits turn over in the log of a node that is down, and it starts with what is left. What was
// written last may be taken for a torn tail then: so nobody else lacks anything, and the node was
// silent for longer than its promises last.
void Nemesis::rot() {
  const size_t i = victim();
  rot_when_spared(i, 100);
}

void Nemesis::rot_when_spared(size_t i, int tries) {
  if (wiped_) return;
  if (cluster_.node(i) == nullptr || !can_spare(i, cluster_.node(i)->id())) {
    if (tries > 0)
      later(std::chrono::milliseconds(20), [=, this] { rot_when_spared(i, tries - 1); });
    return;
  }
  wiped_ = true;
  const NodeId node = cluster_.node(i)->id();
  note("rot " + cluster_.host(i));
  cluster_.kill(i, SimCrash::kProcess);
  const uint64_t life = cluster_.lives(i);
  later(kForgotten, [=, this] { turn_bits_when_spared(i, node, life, 400); });
}

// Under load somebody lacks something at almost any moment.
void Nemesis::turn_bits_when_spared(size_t i, NodeId node, uint64_t life, int tries) {
  if (cluster_.up(i) || cluster_.lives(i) != life) {  // somebody has started it
    wiped_ = false;
    return;
  }
  if (!can_spare(i, node)) {
    if (tries > 0) {
      later(std::chrono::milliseconds(20),
            [=, this] { turn_bits_when_spared(i, node, life, tries - 1); });
    } else {
      wiped_ = false;
      start_again(i);
    }
    return;
  }
  // A few in a file hit one batch or none; many hit what condemns the whole store.
  runtime::SimDisk& disk = cluster_.machine(i).disk();
  const size_t most = size_t{1} << random_.below(6);
  size_t turned = 0;
  // Or one in what was written last, which nobody can tell from what a crash tore.
  Random own = own_draw("rot");
  if (own.chance(0.4)) {
    turned += disk.flip_bit_of_last_write("log");
  } else {
    for (const std::string& path : disk.paths()) {
      if (path.find("log") == std::string::npos) continue;
      for (size_t n = random_.below(most + 1); n > 0; --n) turned += disk.flip_random_bit(path);
    }
  }
  rotten_ = rotten_ || turned > 0;
  note(fmt::format("rot-bits of {}: {}", cluster_.host(i), turned));
  cluster_.replace_if_damaged(i);
  start_again(i);
}

// Rows of the checkpoint of a node that is down change by themselves, or stand where others belong.
// What it has promised is in its log, and stays.
void Nemesis::rot_checkpoint() {
  const size_t i = victim();
  rot_checkpoint_when_spared(i, 100);
}

void Nemesis::rot_checkpoint_when_spared(size_t i, int tries) {
  if (wiped_) return;
  if (cluster_.node(i) == nullptr || !can_spare(i, cluster_.node(i)->id())) {
    if (tries > 0) {
      later(std::chrono::milliseconds(20), [=, this] { rot_checkpoint_when_spared(i, tries - 1); });
    }
    return;
  }
  if (cluster_.options().lmdb) return;  // its pages are not known here
  wiped_ = true;
  note("rot-checkpoint " + cluster_.host(i));
  cluster_.kill(i, SimCrash::kProcess);
  storage::MapCheckpointDisk& disk = cluster_.checkpoint(i);
  size_t changed = 0;
  for (size_t n = size_t{1} << random_.below(5); n > 0; --n) {
    changed += random_.chance(0.7) ? disk.flip_random_bit(random_, kCheckedKeyspaces)
                                   : disk.exchange_random_rows(random_, kCheckedKeyspaces);
  }
  note(fmt::format("rotten-rows of {}: {}", cluster_.host(i), changed));
  if (changed > 0) {
    rotten_ = true;
    rotten_checkpoint_ = i;
  }
  cluster_.replace_if_damaged(i);
  later(draw(10, 3'000), [this, i] { start_again(i); });
}

}  // namespace quorate::sim
