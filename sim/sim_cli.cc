#include "sim/sim_cli.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>

#include "sim/scenario.h"

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
  WorkloadKind workload;
};

// What a run tells the campaign about itself.
struct Told {
  double virtual_seconds = 0;
  uint64_t events = 0, committed = 0;
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
    {"propose_again", &PlantedBugs::propose_again},
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
      fmt::format("quorate sim --seed {} --scenario {} --trace", job.seed, job.workload.name);
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
      job.workload.name, job.seed, out.violation.empty() ? "ok" : "VIOLATION", seconds, out.events,
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

// Each run in a process of its own: one that crashes or hangs is a violation, ends no other, and
// none inherits memory from the one before. It leaves its figures in `told`, which is shared. The
// limit is one of CPU time, so that a busy machine makes nothing hang.
pid_t fork_job(const Job& job, const Flags& flags, Told* told) {
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child != 0) return child;
  rlimit limit{flags.timeout_s, flags.timeout_s + 1};
  signal(SIGXCPU, SIG_DFL);
  setrlimit(RLIMIT_CPU, &limit);
  const ScenarioOutcome out = run_job(job, flags);
  told->virtual_seconds = std::chrono::duration<double>(out.virtual_time).count();
  told->events = out.events;
  told->committed = out.committed;
  if (!out.violation.empty()) print_outcome(job, flags, out);
  std::fflush(nullptr);
  _exit(out.violation.empty() ? 0 : 1);
}

// True when it went well.
bool note_end(const Job& job, const Flags& flags, int status) {
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
  if (WIFSIGNALED(status)) {
    fmt::print("{} seed {}: {}\n  replay:    {}\n", job.workload.name, job.seed,
               WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL ? "HANGS" : "CRASHED",
               replay_line(job, flags));
  }
  std::fflush(stdout);
  return false;
}

// The runs' own figures, in memory that the processes share.
class Ledger {
 public:
  explicit Ledger(size_t jobs) : jobs_(jobs) {
    void* memory =
        mmap(nullptr, bytes(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    told_ = memory == MAP_FAILED ? nullptr : static_cast<Told*>(memory);
  }
  ~Ledger() {
    if (told_ != nullptr) munmap(told_, bytes());
  }
  Ledger(const Ledger&) = delete;
  bool ok() const { return told_ != nullptr; }
  Told* at(size_t i) { return &told_[i]; }
  Told sum() const {
    Told all;
    for (size_t i = 0; i < jobs_; ++i) {
      all.virtual_seconds += told_[i].virtual_seconds;
      all.events += told_[i].events;
      all.committed += told_[i].committed;
    }
    return all;
  }

 private:
  size_t bytes() const { return std::max<size_t>(1, jobs_) * sizeof(Told); }
  const size_t jobs_;
  Told* told_;
};

double cpu_seconds_of_children() {
  rusage used{};
  getrusage(RUSAGE_CHILDREN, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

std::string speed(const Told& sum, double cpu_seconds) {
  return fmt::format("{:.2f} simulated hours in {:.2f} CPU hours: {:.1f} an hour",
                     sum.virtual_seconds / 3600, cpu_seconds / 3600,
                     cpu_seconds > 0 ? sum.virtual_seconds / cpu_seconds : 0);
}

// On a terminal a bar that stays in its line, elsewhere a line now and then.
void show_progress(size_t done, size_t all, size_t violations, const Told& sum, double cpu) {
  constexpr size_t kWidth = 30;
  if (isatty(STDERR_FILENO) == 0) {
    if (done % 100 != 0) return;
    fmt::print(stderr, "{} of {} runs, {} violations, {}\n", done, all, violations,
               speed(sum, cpu));
    return;
  }
  const size_t filled = kWidth * done / all;
  fmt::print(stderr, "\r[{}{}] {} of {} runs, {} violations, {}", std::string(filled, '#'),
             std::string(kWidth - filled, ' '), done, all, violations, speed(sum, cpu));
}

int run_campaign(const std::vector<Job>& jobs, const Flags& flags) {
  std::map<pid_t, size_t> running;
  std::vector<Job> failed;
  Ledger ledger(jobs.size());
  if (!ledger.ok()) return 2;
  size_t next = 0, done = 0;
  while (done < jobs.size()) {
    const bool enough = flags.first && !failed.empty();
    while (!enough && next < jobs.size() && running.size() < flags.jobs) {
      const pid_t child = fork_job(jobs[next], flags, ledger.at(next));
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
    show_progress(done, jobs.size(), failed.size(), ledger.sum(), cpu_seconds_of_children());
  }
  const Told sum = ledger.sum();
  fmt::print("{}{} runs, {} violations, {}, {} transactions committed",
             isatty(STDERR_FILENO) != 0 ? "\n" : "", done, failed.size(),
             speed(sum, cpu_seconds_of_children()), sum.committed);
  for (const Job& job : failed) fmt::print(" · {} {}", job.workload.name, job.seed);
  fmt::print("\n");
  return failed.empty() ? 0 : 1;
}

bool parse_number(const std::string& text, uint64_t& out) {
  char* end = nullptr;
  out = std::strtoull(text.c_str(), &end, 10);
  return !text.empty() && *end == '\0';
}

bool parse_seeds(const Flags& flags, uint64_t& from, uint64_t& to) {
  if (flags.seed) {
    from = to = *flags.seed;
    return true;
  }
  const size_t dots = flags.seeds.find("..");
  const std::string first = dots == std::string::npos ? "1" : flags.seeds.substr(0, dots);
  const std::string last = dots == std::string::npos ? flags.seeds : flags.seeds.substr(dots + 2);
  return parse_number(first, from) && parse_number(last, to) && from <= to;
}

}  // namespace

int sim_main(int argc, char** argv, std::span<const WorkloadKind> kinds) {
  CLI::App app{"Runs clusters in simulation, with faults, and checks what came of it."};
  Flags flags;
  app.add_option("--seed", flags.seed, "one seed, in this process");
  app.add_option("--seeds", flags.seeds, "a range of seeds: A..B, or N for 1..N");
  app.add_option("--jobs", flags.jobs, "runs beside each other")->check(CLI::Range(1, 256));
  app.add_option("--timeout", flags.timeout_s, "CPU seconds after which a run counts as hanging");
  app.add_option("--scenario", flags.scenario, "a workload's name, or all");
  app.add_option("--plant", flags.plant, "a bug to plant (builds of the preset `planted` only)");
  app.add_flag("--first", flags.first, "stop at the first violation");
  app.add_flag("--trace", flags.trace, "print every line of the trace");
  app.add_flag("--list-workloads", flags.list, "print the workloads' names");
  CLI11_PARSE(app, argc, argv);
  std::vector<WorkloadKind> workloads;
  for (const WorkloadKind& kind : kinds) {
    if (flags.list) fmt::print("{}\n", kind.name);
    if (flags.scenario == "all" || flags.scenario == kind.name) workloads.push_back(kind);
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
    for (const WorkloadKind& workload : workloads) jobs.push_back({seed, workload});
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
