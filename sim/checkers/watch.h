// Looks at all replicas every few milliseconds of virtual time and keeps, outside of the nodes that
// die, what must never be contradicted:
//
//  - one leader a term: no two replicas of a range lead in one term;
//  - lease disjointness: a later term's lease begins at or above every clock at which an earlier
//    one was seen able to serve;
//  - a store's clock begins each life above every time at which it could serve in an earlier one
//    (safety: restart-clock);
//  - one owner a key: no two ranges whose leases are held at one time share a key;
//  - committed prefix: every replica that knows entry i of a range to be committed has the same
//    entry there;
//  - a command once: no two entries of a range carry one command;
//  - one membership an index (membership.h);
//  - what elections could do (elections.h);
//  - what nodes keep in memory (limits_watch.h).
#pragma once

#include <map>
#include <string>

#include "sim/checkers/elections.h"
#include "sim/checkers/limits_watch.h"
#include "sim/checkers/membership.h"
#include "sim/sim_cluster.h"

namespace quorate::sim {

class Watch {
 public:
  explicit Watch(SimCluster& cluster)
      : cluster_(cluster), elections_(cluster), membership_(cluster), limits_(cluster) {}
  void look();
  // Where no disk has rotted, no start finds a replica damaged, as one does whose checkpoint has
  // gone ahead of its log (safety: checkpoint-whole). Who is damaged does not go on (safety:
  // damaged-replica).
  void look_for_damage(bool rotten);
  const std::string& violation() const { return violation_; }
  uint64_t ranges() const { return ranges_.size(); }

 private:
  struct TermSeen {
    ReplicaId leader;
    Timestamp lease_start, served;  // served: the greatest clock at which it could
    size_t node = 0;                // that could, in this life of its
    uint64_t life = 0;
  };
  struct EntrySeen {
    Term term;
    uint32_t crc;
  };
  struct RangeSeen {
    std::map<Term, TermSeen> terms;
    std::map<LogIndex, EntrySeen> entries;
    std::map<std::pair<uint64_t, uint64_t>, LogIndex> commands;
  };
  void look_at(range::Replica& replica, size_t node);
  void look_at_lease(RangeSeen& seen, range::Replica& replica, size_t node);
  void look_at_owners();
  void look_at_clock(server::KvNode& node, size_t host);
  // What a node could have given out, but has not, before its clock was set back does not count.
  void follow_clocks();
  void look_at_log(RangeSeen& seen, range::Replica& replica, size_t node);
  void look_at_command(RangeSeen& seen, RangeId range, LogIndex index, BytesView payload);
  void report(std::string what);

  static constexpr uint64_t kEntriesALook = 64;
  static constexpr auto kStopsWithin = std::chrono::seconds(5);  // who finds damage: slow syncs
  SimCluster& cluster_;
  struct ClockSeen {
    uint64_t life = 0;
    Timestamp served;
  };
  Elections elections_;
  Membership membership_;
  LimitsWatch limits_;
  std::map<NodeId, ClockSeen> clocks_;
  std::map<RangeId, RangeSeen> ranges_;
  // By node, its life and range: since when a damaged replica has been running.
  std::map<std::tuple<size_t, uint64_t, RangeId>, runtime::Instant> damaged_;
  // By node, its life and range: what was compared already.
  std::map<std::tuple<size_t, uint64_t, RangeId>, LogIndex> compared_;
  std::string violation_;
};

// With everything healed and at one applied index: every replica of every range holds the same
// rows, intents and records. Empty, or the difference.
std::string judge_agreement(SimCluster& cluster);
// What transactions of dead coordinators have left, in a cluster where nobody runs any: an intent,
// a run, or a record that lists keys. Empty: nothing.
std::string left_behind(SimCluster& cluster);

}  // namespace quorate::sim
