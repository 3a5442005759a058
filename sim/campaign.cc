#include "sim/campaign.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <map>

#include "sim/mark_tally.h"
#include "sim/shorten.h"

namespace quorate::sim {
namespace {

constexpr size_t kPicturesMost = 10;  // of a campaign; they are megabytes

// What a run tells the campaign about itself.
struct Told {
  double virtual_seconds = 0;
  uint64_t events = 0, committed = 0;
  char kind[128] = {};  // of its violation
};

// Nothing where all faults come: then it is not needed.
FaultPlan plan_of(const Job& job, const Flags& flags, const Cut& cut) {
  return cut.filter.all() ? FaultPlan() : learn_plan(job, flags);
}

Flags flags_without_trace(Flags flags) {
  flags.trace = false;
  return flags;
}

// Each run in a process of its own: one that crashes or hangs is a violation, ends no other, and
// none inherits memory from the one before. It leaves its figures in `told`, which is shared. The
// limit is one of CPU time, so that a busy machine makes nothing hang.
pid_t fork_job(const Job& job, const Flags& flags, const Cut& cut, bool draws, Told* told,
               MarkTally& marks) {
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child != 0) return child;
  rlimit limit{flags.timeout_s, flags.timeout_s + 1};
  signal(SIGXCPU, SIG_DFL);
  setrlimit(RLIMIT_CPU, &limit);
  const FaultPlan plan = plan_of(job, flags, cut);
  const ScenarioOutcome out = run_scenario(options_of(job, flags, cut, &plan));
  told->virtual_seconds = std::chrono::duration<double>(out.virtual_time).count();
  told->events = out.events;
  told->committed = out.committed;
  marks.add_run();
  std::strncpy(told->kind, violation_kind(out.violation).c_str(), sizeof told->kind - 1);
  if (!out.violation.empty()) {
    print_outcome(job, flags, cut, out);
    if (draws) (void)draw_job(job, flags, cut, &plan, timeline_name(job));
  }
  std::fflush(nullptr);
  _exit(out.violation.empty() ? 0 : 1);
}

// True when it went well.
bool note_end(const Job& job, const Flags& flags, const Cut& cut, int status, Told* told) {
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
  if (WIFSIGNALED(status)) {
    const bool hangs = WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL;
    std::strncpy(told->kind, hangs ? "hangs" : "crashed", sizeof told->kind - 1);
    fmt::print("{} seed {}: {}\n  replay:    {} --trace\n", job.workload.name, job.seed,
               hangs ? "HANGS" : "CRASHED", replay_line(job, flags, cut));
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

void print_report(const std::vector<Job>& jobs, const std::vector<size_t>& failed, Ledger& ledger) {
  std::map<std::string, std::vector<size_t>> by_kind;
  for (size_t i : failed) by_kind[ledger.at(i)->kind].push_back(i);
  for (const auto& [kind, runs] : by_kind) {
    fmt::print("  {} × {}:", runs.size(), kind);
    for (size_t n = 0; n < runs.size() && n < 20; ++n)
      fmt::print(" · {} {}", jobs[runs[n]].workload.name, jobs[runs[n]].seed);
    fmt::print("{}\n", runs.size() > 20 ? " · …" : "");
  }
}

}  // namespace

int run_campaign(const std::vector<Job>& jobs, const Flags& flags, const Cut& cut) {
  std::map<pid_t, size_t> running;
  std::vector<size_t> failed;
  Ledger ledger(jobs.size());
  MarkTally marks;
  if (!ledger.ok() || !marks.ok()) return 2;
  size_t next = 0, done = 0;
  while (done < jobs.size()) {
    const bool enough = flags.first && !failed.empty();
    while (!enough && next < jobs.size() && running.size() < flags.jobs) {
      const bool draws = !flags.no_timeline && failed.size() < kPicturesMost;
      const pid_t child = fork_job(jobs[next], flags, cut, draws, ledger.at(next), marks);
      if (child < 0) return 2;
      running[child] = next++;
    }
    if (running.empty()) break;
    int status = 0;
    const pid_t ended = wait(&status);
    auto it = running.find(ended);
    if (it == running.end()) continue;
    const size_t job = it->second;
    if (!note_end(jobs[job], flags, cut, status, ledger.at(job))) failed.push_back(job);
    running.erase(it);
    ++done;
    show_progress(done, jobs.size(), failed.size(), ledger.sum(), cpu_seconds_of_children());
  }
  const Told sum = ledger.sum();
  fmt::print("{}{} runs, {} violations, {}, {} transactions committed",
             isatty(STDERR_FILENO) != 0 ? "\n" : "", done, failed.size(),
             speed(sum, cpu_seconds_of_children()), sum.committed);
  for (size_t i : failed) fmt::print(" · {} {}", jobs[i].workload.name, jobs[i].seed);
  fmt::print("\n");
  print_report(jobs, failed, ledger);
  fmt::print("{}\n", marks.summary());
  if (flags.marks) marks.print(done);
  if (flags.shorten && !failed.empty()) {
    const Job& job = jobs[failed.front()];
    (void)shorten(job, flags, cut, learn_plan(job, flags));
  }
  return failed.empty() ? 0 : 1;
}

bool run_alone(const Job& job, const Flags& flags, const Cut& cut) {
  FaultPlan plan = plan_of(job, flags, cut);
  const bool drawn = !flags.timeline.empty();
  const ScenarioOutcome out = drawn ? draw_job(job, flags, cut, &plan, flags.timeline)
                                    : run_scenario(options_of(job, flags, cut, &plan));
  print_outcome(job, flags, cut, out);
  if (out.violation.empty()) return true;
  if (!flags.shorten) {
    if (!drawn && !flags.no_timeline)
      (void)draw_job(job, flags_without_trace(flags), cut, &plan, timeline_name(job));
    return false;
  }
  if (plan.acts.empty()) plan = learn_plan(job, flags);
  const Cut smallest = shorten(job, flags, cut, plan);
  if (!flags.no_timeline)
    (void)draw_job(job, flags_without_trace(flags), smallest, &plan, timeline_name(job));
  return false;
}

}  // namespace quorate::sim
