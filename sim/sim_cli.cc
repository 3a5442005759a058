#include "sim/sim_cli.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "sim/scenario.h"
#include "sim/workload.h"

namespace quorate::sim {
namespace {

struct Flags {
  std::optional<uint64_t> seed;
  std::string seeds;
  unsigned jobs = 2;
  unsigned timeout_s = 120;
  std::string scenario = "all";
  std::string plant;
  bool list = false, trace = false, keep_going = true, first = false;
};

struct Job {
  uint64_t seed;
  std::string workload;
};

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
    {"log_recycled_record", &PlantedBugs::log_recycled_record},
    {"log_torn_tail", &PlantedBugs::log_torn_tail},
    {"log_vote_lost", &PlantedBugs::log_vote_lost},
    {"forget_reads", &PlantedBugs::forget_reads},
    {"skip_refresh", &PlantedBugs::skip_refresh},
    {"commit_twice", &PlantedBugs::commit_twice},
    {"ignore_lost_locks", &PlantedBugs::ignore_lost_locks},
    {"recover_without_prevent", &PlantedBugs::recover_without_prevent},
    {"serve_past_lease", &PlantedBugs::serve_past_lease},
    {"child_for_anyone", &PlantedBugs::child_for_anyone},
    {"split_in_flight", &PlantedBugs::split_in_flight},
    {"refresh_skipped", &PlantedBugs::refresh_skipped},
    {"commit_resent_as_new", &PlantedBugs::commit_resent_as_new},
    {"commit_answered_early", &PlantedBugs::commit_answered_early},
};
#endif

// False for a name that this build does not know.
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

std::string replay_line(const Job& job, const Flags& flags) {
  std::string line =
      fmt::format("quorate sim --seed {} --scenario {} --trace", job.seed, job.workload);
  if (!flags.plant.empty()) line += " --plant " + flags.plant;
  return line;
}

void print_outcome(const Job& job, const Flags& flags, const ScenarioOutcome& out) {
  std::string faults;
  for (const auto& [name, count] : out.faults) faults += fmt::format(" {} {}", name, count);
  const double seconds = std::chrono::duration<double>(out.virtual_time).count();
  fmt::print(
      "{} seed {}: {} · {:.1f} virtual seconds, {} events, {} committed, {} failed, "
      "{} unknown, {} ranges, trace {:016x};{}\n",
      job.workload, job.seed, out.violation.empty() ? "ok" : "VIOLATION", seconds, out.events,
      out.committed, out.failed, out.unknown, out.ranges, out.trace_hash, faults);
  if (out.violation.empty()) return;
  if (!flags.trace) {
    for (const std::string& line : out.last_lines) fmt::print("    {}\n", line);
  }
  fmt::print("  violation: {}\n  replay:    {}\n", out.violation, replay_line(job, flags));
  std::fflush(stdout);
}

ScenarioOutcome run_job(const Job& job, const Flags& flags) {
  ScenarioOptions options;
  options.seed = job.seed;
  options.workload = job.workload;
  options.print_lines = flags.trace;
  (void)plant(flags.plant, options.planted);
  return run_scenario(options);
}

// Each seed in a process of its own: a failed check or a hang of one ends no other, and none
// inherits memory from the one before.
pid_t fork_job(const Job& job, const Flags& flags) {
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child != 0) return child;
  signal(SIGALRM, SIG_DFL);
  alarm(flags.timeout_s);
  const ScenarioOutcome out = run_job(job, flags);
  if (!out.violation.empty()) print_outcome(job, flags, out);
  std::fflush(nullptr);
  _exit(out.violation.empty() ? 0 : 1);
}

// True when it went well.
bool note_end(const Job& job, const Flags& flags, int status) {
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
  if (WIFSIGNALED(status)) {
    fmt::print("{} seed {}: {}\n  replay:    {}\n", job.workload, job.seed,
               WTERMSIG(status) == SIGALRM ? "HANGS" : "CRASHED", replay_line(job, flags));
  }
  std::fflush(stdout);
  return false;
}

int run_campaign(const std::vector<Job>& jobs, const Flags& flags) {
  std::map<pid_t, size_t> running;
  std::vector<Job> failed;
  size_t next = 0, done = 0;
  const bool terminal = isatty(STDERR_FILENO) != 0;
  while (done < jobs.size()) {
    const bool enough = flags.first && !failed.empty();
    while (!enough && next < jobs.size() && running.size() < flags.jobs) {
      const pid_t child = fork_job(jobs[next], flags);
      if (child < 0) return 2;
      running[child] = next++;
    }
    if (running.empty()) break;
    int status = 0;
    const pid_t ended = wait(&status);
    auto it = running.find(ended);
    if (it == running.end()) continue;
    if (!note_end(jobs[it->second], flags, status)) failed.push_back(jobs[it->second]);
    running.erase(it);
    ++done;
    if (terminal || done % 100 == 0)
      fmt::print(stderr, "{}{} of {} runs, {} violations{}", terminal ? "\r" : "", done,
                 jobs.size(), failed.size(), terminal ? "" : "\n");
  }
  fmt::print("{}{} runs, {} violations", terminal ? "\n" : "", done, failed.size());
  for (const Job& job : failed) fmt::print(" · {} {}", job.workload, job.seed);
  fmt::print("\n");
  return failed.empty() ? 0 : 1;
}

bool parse_seeds(const Flags& flags, uint64_t& from, uint64_t& to) {
  if (flags.seed) {
    from = to = *flags.seed;
    return true;
  }
  const size_t dots = flags.seeds.find("..");
  if (dots == std::string::npos) return false;
  char* end = nullptr;
  from = std::strtoull(flags.seeds.c_str(), &end, 10);
  if (end != flags.seeds.c_str() + dots) return false;
  to = std::strtoull(flags.seeds.c_str() + dots + 2, &end, 10);
  return *end == '\0' && from <= to;
}

}  // namespace

int sim_main(int argc, char** argv) {
  CLI::App app{"Runs clusters in simulation, with faults, and checks what came of it."};
  Flags flags;
  app.add_option("--seed", flags.seed, "one seed, in this process");
  app.add_option("--seeds", flags.seeds, "a range of seeds: A..B");
  app.add_option("--jobs", flags.jobs, "runs beside each other")->check(CLI::Range(1, 256));
  app.add_option("--timeout", flags.timeout_s, "seconds after which a run counts as hanging");
  app.add_option("--scenario", flags.scenario, "bank, register, append, load or all");
  app.add_option("--plant", flags.plant, "a bug to plant (builds of the preset `planted` only)");
  app.add_flag("--first", flags.first, "stop at the first violation");
  app.add_flag("--trace", flags.trace, "print every line of the trace");
  app.add_flag("--list-workloads", flags.list, "print the workloads' names");
  CLI11_PARSE(app, argc, argv);
  std::vector<std::string> workloads;
  for (std::string_view name : workload_names()) {
    if (flags.list) fmt::print("{}\n", name);
    if (flags.scenario == "all" || flags.scenario == name) workloads.emplace_back(name);
  }
  if (flags.list) return 0;
  uint64_t from = 0, to = 0;
  PlantedBugs bugs;
  if (workloads.empty() || !parse_seeds(flags, from, to) || !plant(flags.plant, bugs)) {
    fmt::print(stderr,
               "quorate sim: name a --seed or --seeds A..B, a known --scenario, and only "
               "bugs that this build has planted\n");
    return 2;
  }
  std::vector<Job> jobs;
  for (uint64_t seed = from; seed <= to; ++seed) {
    for (const std::string& workload : workloads) jobs.push_back({seed, workload});
  }
  if (!flags.seed) return run_campaign(jobs, flags);
  int code = 0;
  for (const Job& job : jobs) {
    const ScenarioOutcome out = run_job(job, flags);
    print_outcome(job, flags, out);
    if (!out.violation.empty()) code = 1;
  }
  return code;
}

}  // namespace quorate::sim
