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
  QUORATE_PLANTED(insist_on_match);        // a leader believes for ever what was acknowledged
  QUORATE_PLANTED(vote_for_shorter_log);   // Raft, 5.4.1: a vote goes to whoever asks first
  QUORATE_PLANTED(skip_joint);             // membership: several voters change in one step
  QUORATE_PLANTED(learners_acknowledge);   // membership: what a learner holds counts to commit
  QUORATE_PLANTED(changes_at_once);        // membership: a change does not wait for the one before
  QUORATE_PLANTED(forget_change_committed);  // membership: who has applied a change forgets it
  QUORATE_PLANTED(apply_without_limit);      // limits: applied whatever the memtables hold
  QUORATE_PLANTED(propose_without_limit);    // limits: however much is not committed yet
  // storage
  QUORATE_PLANTED(log_recycled_record);  // record-life: what a segment held before is replayed
  QUORATE_PLANTED(log_torn_tail);        // record-life: the readable part of a torn batch counts
  QUORATE_PLANTED(log_vote_lost);        // checkpoint-whole: checkpoints leave hard states out
  QUORATE_PLANTED(checkpoint_unsynced);  // checkpoint-whole: what the log has not synced goes in
  QUORATE_PLANTED(install_keeps_rows);   // install-snapshot: what the span held before stays
  QUORATE_PLANTED(
      install_over_memtable);            // install-snapshot: what was applied is not flushed first
  QUORATE_PLANTED(own_entries_dropped);  // own-acks-stay: entries not applied go with a segment
  QUORATE_PLANTED(sync_error_ignored);   // sync-failed: the store goes on as if it had succeeded
  QUORATE_PLANTED(collect_beyond_threshold);  // gc-threshold: checkpoints leave out more than that
  QUORATE_PLANTED(forget_damage);  // damaged-replica: known as long as the log shows it, no longer
  QUORATE_PLANTED(hide_damage);    // lmdb-damage: a damaged row goes when it is written over
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
  QUORATE_PLANTED(propose_again);       // commit-once: a proposal that takes long is made once more
  QUORATE_PLANTED(split_in_flight);     // child-lease: a split does not wait for what is in flight
  QUORATE_PLANTED(child_forgets_mark);  // record-mark, gc-threshold: a child begins without them
  QUORATE_PLANTED(install_beside_parent);  // child-birth: a child's snapshot comes before its split
  QUORATE_PLANTED(
      child_before_parent);  // child-birth: a start does not bring the parent there first
  QUORATE_PLANTED(snapshot_unchecked);  // install-snapshot: its span may be another than is told
  QUORATE_PLANTED(truncate_applied);    // own-acks-stay: the log goes before a checkpoint holds it
  QUORATE_PLANTED(replay_all);      // checkpoint-whole: a start applies what may not be committed
  QUORATE_PLANTED(grant_unsynced);  // sync-then-send: support is promised before it is durable
  QUORATE_PLANTED(removed_leaves_at_once);  // replica-id: no quorum is asked whether it is removed
  QUORATE_PLANTED(
      forget_tombstone);  // replica-id: a removal leaves nothing behind that tells of it
  QUORATE_PLANTED(newcomer_votes_anew);  // voters without rows: what it had promised is forgotten
  QUORATE_PLANTED(newcomer_unbound);     // voters without rows: not bound to the leader at birth
  QUORATE_PLANTED(forget_homes);         // identity: who lived at an address is not kept
  QUORATE_PLANTED(silent_displaces);     // identity: a number nobody has spoken under displaces
  QUORATE_PLANTED(write_past_latches);   // latches: a write does not wait for those under way
  QUORATE_PLANTED(scan_unnoted);         // scan-yield: what a scan has covered may be written to
  QUORATE_PLANTED(refresh_unnoted);      // refresh: it leaves nothing in the timestamp cache
  QUORATE_PLANTED(forget_locked_reads);  // locks-save-work: nor does a commit for what it locked
  QUORATE_PLANTED(orphan_locks_stay);    // orphan-locks: a dead coordinator's locks stay
  QUORATE_PLANTED(resolve_as_aborted);   // prevent-then-abort: intents that are met always go
  QUORATE_PLANTED(never_sweep);          // prevent-then-abort: nobody looks for what is left behind
  QUORATE_PLANTED(intents_stay);         // prevent-then-abort: intents that are met are left
  QUORATE_PLANTED(damaged_goes_on);      // damaged-replica: one whose log is damaged speaks again

  // txn
  QUORATE_PLANTED(refresh_skipped);       // refresh: reads are taken for unchanged without asking
  QUORATE_PLANTED(commit_resent_as_new);  // record-mark: a resent commit takes a new attempt's time
  QUORATE_PLANTED(runs_committed_early);  // a bulk commit does not wait until all is staged
  QUORATE_PLANTED(commit_answered_early);  // a parallel commit is answered at the anchor's staging
  QUORATE_PLANTED(
      resolve_before_record);             // prevent-then-abort: intents go before it says COMMITTED
  QUORATE_PLANTED(attempt_unasked);       // record-mark: no record is asked before a new attempt
  QUORATE_PLANTED(stage_in_doubt);        // commit-once: staged though one range may have it whole
  QUORATE_PLANTED(write_past_lost_lock);  // locks-save-work: a row is written as it is found
  QUORATE_PLANTED(checks_unproved);       // locks-save-work: constraints are not in the refresh set
  QUORATE_PLANTED(savepoint_keeps_writes);  // savepoints: buffered writes are not taken back
  QUORATE_PLANTED(undone_runs_stay);        // flushed-writes: nor are those that were flushed
  // sql
  QUORATE_PLANTED(half_row);        // whole-row: a write does not name what it was built from
  QUORATE_PLANTED(cursor_goes_on);  // buffer-above: a cursor sees what came after it
  QUORATE_PLANTED(lease_outlived);  // schema-steps: a description is used beyond its lease
  QUORATE_PLANTED(lease_given_back_early);   // schema-steps: while transactions use the version
  QUORATE_PLANTED(change_waits_for_nobody);  // schema-steps: a step does not wait for old leases
  QUORATE_PLANTED(
      index_without_write_only);        // schema-steps: an index is filled before it is written
  QUORATE_PLANTED(backfill_too_early);  // schema-steps: nor are writers waited for before it is
  QUORATE_PLANTED(use_offline_tables);  // ddl-in-blocks: what a change has taken is used
  QUORATE_PLANTED(past_by_present);     // schema-steps: the past is read by today's catalog
  QUORATE_PLANTED(stale_plans);         // schema-steps: a plan outlives the catalog it was made for
  QUORATE_PLANTED(use_failed_block);    // sequences: numbers are used whose taking has failed
  QUORATE_PLANTED(unknown_as_failed);   // commit-once: an unknown outcome is told as a failure
  QUORATE_PLANTED(autocommit_unchecked);  // a statement alone is answered whatever its commit says
  QUORATE_PLANTED(rows_sent_twice);       // a statement that runs again sends its rows again
  QUORATE_PLANTED(failed_block_commits);  // a failed block says COMMIT
  // pgwire
  QUORATE_PLANTED(copy_fail_ends);  // a COPY that its client breaks off counts as whole
};

#undef QUORATE_PLANTED

}  // namespace quorate
