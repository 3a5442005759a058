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
    {"log_recycled_record", &PlantedBugs::log_recycled_record},
    {"log_torn_tail", &PlantedBugs::log_torn_tail},
    {"log_vote_lost", &PlantedBugs::log_vote_lost},
    {"checkpoint_unsynced", &PlantedBugs::checkpoint_unsynced},
    {"install_keeps_rows", &PlantedBugs::install_keeps_rows},
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
    {"refresh_skipped", &PlantedBugs::refresh_skipped},
    {"commit_resent_as_new", &PlantedBugs::commit_resent_as_new},
    {"runs_committed_early", &PlantedBugs::runs_committed_early},
    {"commit_answered_early", &PlantedBugs::commit_answered_early},
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
