#include "raft/core/read_index.h"

#include "raft/core/quorum.h"

namespace quorate::raft {

const ReadIndexQueue::Read& ReadIndexQueue::add(ReplicaId self, ReplicaId from, Bytes context,
                                                LogIndex index, Timestamp clock) {
  Read read{next_number_++, from, std::move(context), index, clock, {}};
  read.acks[self] = true;
  reads_.push_back(std::move(read));
  return reads_.back();
}

std::vector<ReadIndexQueue::Read> ReadIndexQueue::acknowledged(ReplicaId from, uint64_t number,
                                                               const ConfState& conf) {
  std::vector<Read> done;
  // An answer to a later heartbeat confirms the earlier reads too: whoever gave it still followed.
  for (Read& read : reads_) {
    if (read.number <= number) read.acks[from] = true;
  }
  while (!reads_.empty() && quorum_vote(conf, reads_.front().acks) == VoteResult::kWon) {
    done.push_back(std::move(reads_.front()));
    reads_.pop_front();
  }
  return done;
}

}  // namespace quorate::raft
