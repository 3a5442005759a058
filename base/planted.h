// Faults built in on purpose, so that tests and the simulator can prove that they would notice
// them.
//
// Each switch breaks one rule of the safety rules by name. They exist only in builds configured
// with QUORATE_PLANTED_BUGS; elsewhere every one is a constant false and the branches compile away.
// The struct is passed by value through configurations, never kept in a global.
#pragma once

namespace quorate {

#ifdef QUORATE_PLANTED_BUGS
#define QUORATE_PLANTED(name) bool name = false
#else
#define QUORATE_PLANTED(name) static constexpr bool name = false
#endif

struct PlantedBugs {
  // raft/core
  QUORATE_PLANTED(
      promise_before_sync);  // sync-then-send: votes and acknowledgements leave unsynced
  QUORATE_PLANTED(count_self_unsynced);  // a leader counts its own entries before its own sync
  QUORATE_PLANTED(
      commit_older_terms);  // a leader commits older terms by counting (paper, figure 8)
  QUORATE_PLANTED(
      ignore_support_epoch);  // support-epoch: a leader counts whoever supports its store
  QUORATE_PLANTED(vote_despite_support);  // support-epoch: supporters vote for others
  QUORATE_PLANTED(forget_binding);        // support-epoch: the binding is not kept over a restart
  QUORATE_PLANTED(never_release);         // release: a leader that stops leaves its followers bound
  QUORATE_PLANTED(shrink_promise);        // promise-never-shrinks: membership changes ask nobody
  QUORATE_PLANTED(serve_after_hand_over);  // hand-over: the old leader goes on serving
  // storage
  QUORATE_PLANTED(log_recycled_record);  // record-life: what a segment held before is replayed
  QUORATE_PLANTED(log_torn_tail);        // record-life: the readable part of a torn batch counts
  QUORATE_PLANTED(log_vote_lost);        // checkpoint-whole: checkpoints leave hard states out
  // range
  QUORATE_PLANTED(forget_reads);             // a leaseholder starts without a low-water mark
  QUORATE_PLANTED(skip_refresh);             // refresh: every read counts as unchanged
  QUORATE_PLANTED(commit_twice);             // commit-once: a resend does not look for the record
  QUORATE_PLANTED(ignore_lost_locks);        // locks-save-work: a write's base is not checked
  QUORATE_PLANTED(recover_without_prevent);  // prevent-then-abort: a missing write may still land
  QUORATE_PLANTED(serve_past_lease);         // support-epoch: a lease is served past its end
  QUORATE_PLANTED(child_for_anyone);         // child-lease: a split's child is born bound to nobody
  QUORATE_PLANTED(propose_again);    // commit-once: a proposal that takes long is made once more
  QUORATE_PLANTED(split_in_flight);  // child-lease: a split does not wait for what is in flight

  // txn
  QUORATE_PLANTED(refresh_skipped);       // refresh: reads are taken for unchanged without asking
  QUORATE_PLANTED(commit_resent_as_new);  // record-mark: a resent commit takes a new attempt's time
  QUORATE_PLANTED(commit_answered_early);  // a parallel commit is answered at the anchor's staging
};

#undef QUORATE_PLANTED

}  // namespace quorate
