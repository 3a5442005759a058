#include "sim/job.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "sim/timeline/timeline.h"

namespace quorate::sim {

namespace {

#ifdef QUORATE_PLANTED_BUGS
struct PlantedName {
  std::string_view name;
  bool PlantedBugs::* field;
};
constexpr PlantedName kPlanted[] = {
    {"promise_before_sync", &PlantedBugs::promise_before_sync},
    {"count_self_unsynced", &PlantedBugs::count_self_unsynced},
    {"commit_older_terms", &PlantedBugs::commit_older_terms},
    {"ignore_support_epoch", &PlantedBugs::ignore_support_epoch},
    {"vote_despite_support", &PlantedBugs::vote_despite_support},
    {"forget_binding", &PlantedBugs::forget_binding},
    {"never_release", &PlantedBugs::never_release},
    {"shrink_promise", &PlantedBugs::shrink_promise},
    {"serve_after_hand_over", &PlantedBugs::serve_after_hand_over},
    {"serve_before_own_term", &PlantedBugs::serve_before_own_term},
    {"vote_for_shorter_log", &PlantedBugs::vote_for_shorter_log},
    {"insist_on_match", &PlantedBugs::insist_on_match},
    {"skip_joint", &PlantedBugs::skip_joint},
    {"learners_acknowledge", &PlantedBugs::learners_acknowledge},
    {"changes_at_once", &PlantedBugs::changes_at_once},
    {"forget_change_committed", &PlantedBugs::forget_change_committed},
    {"apply_without_limit", &PlantedBugs::apply_without_limit},
    {"propose_without_limit", &PlantedBugs::propose_without_limit},
    {"log_recycled_record", &PlantedBugs::log_recycled_record},
    {"log_torn_tail", &PlantedBugs::log_torn_tail},
    {"log_vote_lost", &PlantedBugs::log_vote_lost},
    {"checkpoint_unsynced", &PlantedBugs::checkpoint_unsynced},
    {"install_keeps_rows", &PlantedBugs::install_keeps_rows},
    {"install_over_memtable", &PlantedBugs::install_over_memtable},
    {"own_entries_dropped", &PlantedBugs::own_entries_dropped},
    {"sync_error_ignored", &PlantedBugs::sync_error_ignored},
    {"collect_beyond_threshold", &PlantedBugs::collect_beyond_threshold},
    {"forget_damage", &PlantedBugs::forget_damage},
    {"hide_damage", &PlantedBugs::hide_damage},
    {"forget_reads", &PlantedBugs::forget_reads},
    {"skip_refresh", &PlantedBugs::skip_refresh},
    {"skip_compare", &PlantedBugs::skip_compare},
    {"commit_twice", &PlantedBugs::commit_twice},
    {"ignore_lost_locks", &PlantedBugs::ignore_lost_locks},
    {"recover_without_prevent", &PlantedBugs::recover_without_prevent},
    {"serve_past_lease", &PlantedBugs::serve_past_lease},
    {"child_for_anyone", &PlantedBugs::child_for_anyone},
    {"child_forgets_reads", &PlantedBugs::child_forgets_reads},
    {"regrant_closed_epoch", &PlantedBugs::regrant_closed_epoch},
    {"clock_starts_anew", &PlantedBugs::clock_starts_anew},
    {"ignore_record_mark", &PlantedBugs::ignore_record_mark},
    {"forget_first_attempt", &PlantedBugs::forget_first_attempt},
    {"write_below_threshold", &PlantedBugs::write_below_threshold},
    {"collect_unfinished", &PlantedBugs::collect_unfinished},
    {"abort_staged", &PlantedBugs::abort_staged},
    {"commit_above_proof", &PlantedBugs::commit_above_proof},
    {"stage_below_reads", &PlantedBugs::stage_below_reads},
    {"refresh_past_intents", &PlantedBugs::refresh_past_intents},
    {"read_past_latches", &PlantedBugs::read_past_latches},
    {"ignore_uncertainty", &PlantedBugs::ignore_uncertainty},
    {"observed_before_lease", &PlantedBugs::observed_before_lease},
    {"gc_threshold_unchecked", &PlantedBugs::gc_threshold_unchecked},
    {"removed_replica_stays", &PlantedBugs::removed_replica_stays},
    {"propose_again", &PlantedBugs::propose_again},
    {"split_in_flight", &PlantedBugs::split_in_flight},
    {"child_forgets_mark", &PlantedBugs::child_forgets_mark},
    {"install_beside_parent", &PlantedBugs::install_beside_parent},
    {"child_before_parent", &PlantedBugs::child_before_parent},
    {"snapshot_unchecked", &PlantedBugs::snapshot_unchecked},
    {"truncate_applied", &PlantedBugs::truncate_applied},
    {"replay_all", &PlantedBugs::replay_all},
    {"grant_unsynced", &PlantedBugs::grant_unsynced},
    {"removed_leaves_at_once", &PlantedBugs::removed_leaves_at_once},
    {"forget_tombstone", &PlantedBugs::forget_tombstone},
    {"newcomer_votes_anew", &PlantedBugs::newcomer_votes_anew},
    {"newcomer_unbound", &PlantedBugs::newcomer_unbound},
    {"forget_homes", &PlantedBugs::forget_homes},
    {"silent_displaces", &PlantedBugs::silent_displaces},
    {"write_past_latches", &PlantedBugs::write_past_latches},
    {"scan_unnoted", &PlantedBugs::scan_unnoted},
    {"refresh_unnoted", &PlantedBugs::refresh_unnoted},
    {"forget_locked_reads", &PlantedBugs::forget_locked_reads},
    {"orphan_locks_stay", &PlantedBugs::orphan_locks_stay},
    {"resolve_as_aborted", &PlantedBugs::resolve_as_aborted},
    {"intents_stay", &PlantedBugs::intents_stay},
    {"never_sweep", &PlantedBugs::never_sweep},
    {"damaged_goes_on", &PlantedBugs::damaged_goes_on},
    {"refresh_skipped", &PlantedBugs::refresh_skipped},
    {"commit_resent_as_new", &PlantedBugs::commit_resent_as_new},
    {"runs_committed_early", &PlantedBugs::runs_committed_early},
    {"commit_answered_early", &PlantedBugs::commit_answered_early},
    {"resolve_before_record", &PlantedBugs::resolve_before_record},
    {"attempt_unasked", &PlantedBugs::attempt_unasked},
    {"stage_in_doubt", &PlantedBugs::stage_in_doubt},
    {"write_past_lost_lock", &PlantedBugs::write_past_lost_lock},
    {"checks_unproved", &PlantedBugs::checks_unproved},
    {"savepoint_keeps_writes", &PlantedBugs::savepoint_keeps_writes},
    {"undone_runs_stay", &PlantedBugs::undone_runs_stay},
    {"half_row", &PlantedBugs::half_row},
    {"cursor_goes_on", &PlantedBugs::cursor_goes_on},
    {"lease_outlived", &PlantedBugs::lease_outlived},
    {"lease_given_back_early", &PlantedBugs::lease_given_back_early},
    {"change_waits_for_nobody", &PlantedBugs::change_waits_for_nobody},
    {"index_without_write_only", &PlantedBugs::index_without_write_only},
    {"backfill_too_early", &PlantedBugs::backfill_too_early},
    {"use_offline_tables", &PlantedBugs::use_offline_tables},
    {"stale_plans", &PlantedBugs::stale_plans},
    {"past_by_present", &PlantedBugs::past_by_present},
    {"use_failed_block", &PlantedBugs::use_failed_block},
    {"unknown_as_failed", &PlantedBugs::unknown_as_failed},
    {"autocommit_unchecked", &PlantedBugs::autocommit_unchecked},
    {"rows_sent_twice", &PlantedBugs::rows_sent_twice},
    {"failed_block_commits", &PlantedBugs::failed_block_commits},
    {"copy_fail_ends", &PlantedBugs::copy_fail_ends},
};
#endif

bool write_file(const std::string& name, const std::string& text) {
  std::FILE* file = std::fopen(name.c_str(), "wb");
  bool ok = file != nullptr && std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (file != nullptr) ok = std::fclose(file) == 0 && ok;
  if (!ok) fmt::print(stderr, "quorate sim: {} cannot be written\n", name);
  return ok;
}

}  // namespace

bool plant(const std::string& name, PlantedBugs& bugs) {
  if (name.empty()) return true;
#ifdef QUORATE_PLANTED_BUGS
  for (const PlantedName& p : kPlanted) {
    if (p.name != name) continue;
    bugs.*p.field = true;
    return true;
  }
#else
  (void)bugs;
#endif
  return false;
}

std::vector<std::string_view> planted_names() {
  std::vector<std::string_view> out;
#ifdef QUORATE_PLANTED_BUGS
  for (const PlantedName& p : kPlanted) out.push_back(p.name);
#endif
  return out;
}

std::string Cut::flags() const {
  std::string out = filter.flags();
  if (until_s > 0) out += fmt::format(" --until {}", until_s);
  if (sessions_max > 0) out += fmt::format(" --sessions {}", sessions_max);
  return out;
}

Result<Cut> cut_of(const Flags& flags) {
  Result<FaultFilter> filter = FaultFilter::parse(flags.faults, flags.without);
  if (!filter.ok()) return filter.status();
  const auto kinds = fault_kinds();
  if (!flags.often.empty() && std::none_of(kinds.begin(), kinds.end(), [&](const FaultKind& k) {
        return k.name == flags.often && !k.from_start;
      }))
    return invalid_argument("no fault that comes again is called " + flags.often);
  return Cut{*filter, flags.until_s, flags.sessions_max};
}

ScenarioOptions options_of(const Job& job, const Flags& flags, const Cut& cut,
                           const FaultPlan* plan) {
  ScenarioOptions options;
  options.seed = job.seed;
  options.workload = job.workload;
  options.print_lines = flags.trace;
  (void)plant(flags.plant, options.planted);
  options.often = flags.often;
  options.checkpoint = flags.checkpoint;
  if (!cut.filter.all()) {
    options.plan = plan;
    options.filter = cut.filter;
  }
  if (cut.until_s > 0)
    options.until = std::chrono::milliseconds(static_cast<int64_t>(cut.until_s * 1e3));
  if (cut.sessions_max > 0) options.sessions_max = cut.sessions_max;
  return options;
}

std::string replay_line(const Job& job, const Flags& flags, const Cut& cut) {
  std::string line =
      fmt::format("quorate sim --seed {} --scenario {}", job.seed, job.workload.name);
  if (!flags.plant.empty()) line += " --plant " + flags.plant;
  if (!flags.often.empty()) line += " --often " + flags.often;
  if (!flags.checkpoint.empty()) line += " --checkpoint " + flags.checkpoint;
  return line + cut.flags();
}

void print_outcome(const Job& job, const Flags& flags, const Cut& cut, const ScenarioOutcome& out) {
  std::string faults;
  for (const auto& [name, count] : out.faults) faults += fmt::format(" {} {}", name, count);
  const double seconds = std::chrono::duration<double>(out.virtual_time).count();
  fmt::print(
      "{} seed {}: {} · {:.1f} virtual seconds, {} events, {} committed, {} failed, "
      "{} unknown, {} ranges, trace {:016x};{}\n",
      job.workload.name, job.seed, out.violation.empty() ? "ok" : "VIOLATION", seconds, out.events,
      out.committed, out.failed, out.unknown, out.ranges, out.trace_hash, faults);
  if (out.violation.empty()) return;
  if (!flags.trace) {
    for (const std::string& line : out.last_lines) fmt::print("    {}\n", line);
  }
  fmt::print("  violation: {}\n  replay:    {} --trace\n", out.violation,
             replay_line(job, flags, cut));
  std::fflush(stdout);
}

std::string timeline_name(const Job& job) {
  return fmt::format("quorate-sim-{}-{}.html", job.workload.name, job.seed);
}

ScenarioOutcome draw_job(const Job& job, const Flags& flags, const Cut& cut, const FaultPlan* plan,
                         const std::string& file) {
  EventLog log;
  RunFacts facts;
  facts.seed = job.seed;
  facts.workload = job.workload.name;
  facts.planted = flags.plant;
  facts.replay = replay_line(job, flags, cut);
  const auto write = [&] {
    if (!write_file(file, timeline_page(timeline_json(log, facts)))) return;
    fmt::print("  timeline:  {}\n", file);
    std::fflush(stdout);
  };
  log.on_check = [&] {
    facts.violation = "an assertion fails: what it says is on stderr";
    write();
  };
  ScenarioOptions options = options_of(job, flags, cut, plan);
  options.log = &log;
  const ScenarioOutcome out = run_scenario(options);
  facts.violation = out.violation;
  facts.trace_hash = out.trace_hash;
  facts.committed = out.committed;
  facts.failed = out.failed;
  facts.unknown = out.unknown;
  write();
  return out;
}

}  // namespace quorate::sim
