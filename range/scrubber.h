// Looks for rows of the checkpoint that have changed on the disk by themselves: all replicas of the
// store in turn, piece by piece, and first those of which a read or a copy was told so.
//
// A damaged replica can't be mended by itself, and goes as one with a damaged log does: the log
// keeps that it is damaged, the store stops, and at its next start the replica stays down and is
// replaced (range/retirement.h). Where the others are no quorum it stays until they are: its other
// rows are worth more than none.
//
// What it can't find: a row that is absent.
#pragma once

#include "range/store.h"

namespace quorate::range {

class Scrubber {
 public:
  struct Options {
    runtime::Duration every = std::chrono::hours(1);  // from the begin of a round to the next
    uint64_t bytes = 1u << 20;                        // looked at in a step
  };
  Scrubber(runtime::Env& env, Store& store, Options options)
      : env_(env), store_(store), options_(options) {}
  // One bounded step.
  runtime::Task<void> step();

 private:
  runtime::Task<Status> look_at_suspect(RangeId range);
  runtime::Task<void> found(RangeId range, Status why);
  runtime::Task<void> give_up(RangeId range);
  void ask_engine();

  runtime::Env& env_;
  Store& store_;
  const Options options_;
  runtime::Instant next_round_;
  RangeId range_;  // where the round stands: the next one is this or a greater one
  Bytes from_;     // and in it
  bool clean_ = true;
  std::map<RangeId, ReplicaId> needed_;  // damaged, and the others were no quorum
  runtime::Instant next_look_;           // at those
};

}  // namespace quorate::range
