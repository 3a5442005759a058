// What an election could do at this very moment, whether or not one is held: seeds rarely come to
// the end of a story, but often to its middle.
//
//  - whoever could win holds every committed entry (Raft: leader completeness);
//  - a leader commits what earlier terms left only by an entry of its own (paper, 5.4.2);
//  - no change of members is on its way from a leader whose support does not reach what it relies
//  on
//    (safety: promise-never-shrinks);
//  - nobody could win while another replica may serve, unless a voter's clock has passed the end of
//    that lease (safety: support-epoch, promise-never-shrinks, child-lease).
//
// Of nodes that are down nothing is known here: they count as voting for nobody.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "sim/sim_cluster.h"

namespace quorate::sim {

class Elections {
 public:
  explicit Elections(SimCluster& cluster) : cluster_(cluster) {}
  // Empty, or what could go wrong.
  std::string look();

 private:
  struct Member {
    size_t node = 0;
    range::Replica* replica = nullptr;
  };
  using Members = std::map<ReplicaId, Member>;
  struct Committed {
    LogIndex index;
    Term term;
    uint64_t looked_at = 0;  // the state of all logs when it was last judged
  };
  std::string judge_completeness(RangeId range, const Members& members);
  std::string judge_own_term(RangeId range, const Member& leader);
  std::string judge_lease(RangeId range, const Members& members, const Member& leader) const;

  SimCluster& cluster_;
  std::map<RangeId, Members> ranges_;  // used again by each look
  std::map<RangeId, Committed> committed_;
  std::map<std::pair<RangeId, Term>, LogIndex> found_;  // committed when its leader was first seen
};

}  // namespace quorate::sim
