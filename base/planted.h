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
  QUORATE_PLANTED(serve_before_own_term);  // own-term-applied: a leader serves as soon as it leads
  QUORATE_PLANTED(vote_for_shorter_log);   // Raft, 5.4.1: a vote goes to whoever asks first
  // storage
  QUORATE_PLANTED(log_recycled_record);  // record-life: what a segment held before is replayed
  QUORATE_PLANTED(log_torn_tail);        // record-life: the readable part of a torn batch counts
  QUORATE_PLANTED(log_vote_lost);        // checkpoint-whole: checkpoints leave hard states out
  QUORATE_PLANTED(checkpoint_unsynced);  // checkpoint-whole: what the log has not synced goes in
  QUORATE_PLANTED(install_keeps_rows);   // install-snapshot: what the span held before stays
  // range
  QUORATE_PLANTED(forget_reads);             // a leaseholder starts without a low-water mark
  QUORATE_PLANTED(skip_refresh);             // refresh: every read counts as unchanged
  QUORATE_PLANTED(skip_compare);             // refresh: what has changed counts as equal unread
  QUORATE_PLANTED(commit_twice);             // commit-once: a resend does not look for the record
  QUORATE_PLANTED(ignore_lost_locks);        // locks-save-work: a write's base is not checked
  QUORATE_PLANTED(recover_without_prevent);  // prevent-then-abort: a missing write may still land
  QUORATE_PLANTED(serve_past_lease);         // support-epoch: a lease is served past its end
  // child-lease: a split's child is born bound to nobody, and its leader counts on all
  QUORATE_PLANTED(child_for_anyone);
  QUORATE_PLANTED(child_forgets_reads);    // child-lease: the timestamp cache stays with the parent
  QUORATE_PLANTED(regrant_closed_epoch);   // support-epoch: a withdrawn epoch is supported again
  QUORATE_PLANTED(clock_starts_anew);      // restart-clock: the durable bound is not looked at
  QUORATE_PLANTED(ignore_record_mark);     // record-mark: records come back after their collection
  QUORATE_PLANTED(forget_first_attempt);   // record-mark: only the present attempt is looked at
  QUORATE_PLANTED(write_below_threshold);  // gc-threshold: writes land where deletions are gone
  QUORATE_PLANTED(collect_unfinished);     // prevent-then-abort: a record goes before its intents
  QUORATE_PLANTED(abort_staged);           // prevent-then-abort: recovery does not look for writes
  QUORATE_PLANTED(commit_above_proof);     // refresh: a commit lands above what is proved elsewhere
  QUORATE_PLANTED(stage_below_reads);      // refresh: writes land below what others have read
  QUORATE_PLANTED(refresh_past_intents);   // refresh: another's staged write is not waited for
  QUORATE_PLANTED(read_past_latches);      // scan-yield: a read passes by writes that are under way
  QUORATE_PLANTED(ignore_uncertainty);  // observed: what was written just above a read is not seen
  QUORATE_PLANTED(observed_before_lease);  // observed: what another leaseholder's clock said counts
  QUORATE_PLANTED(gc_threshold_unchecked);  // gc-threshold: reads go below it
  QUORATE_PLANTED(removed_replica_stays);   // replica-id: one that its range removed goes on
  QUORATE_PLANTED(propose_again);    // commit-once: a proposal that takes long is made once more
  QUORATE_PLANTED(split_in_flight);  // child-lease: a split does not wait for what is in flight

  // txn
  QUORATE_PLANTED(refresh_skipped);       // refresh: reads are taken for unchanged without asking
  QUORATE_PLANTED(commit_resent_as_new);  // record-mark: a resent commit takes a new attempt's time
  QUORATE_PLANTED(runs_committed_early);  // a bulk commit does not wait until all is staged
  QUORATE_PLANTED(commit_answered_early);  // a parallel commit is answered at the anchor's staging
};

#undef QUORATE_PLANTED

}  // namespace quorate
