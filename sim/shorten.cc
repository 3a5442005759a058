#include "sim/shorten.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>
#include <functional>

namespace quorate::sim {

namespace {

constexpr size_t kActsMost = 4'096;
constexpr size_t kTextMost = 4'096;

// Memory that a child leaves its answer in.
template <class T>
class Shared {
 public:
  Shared() {
    void* memory =
        mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK_MSG(memory != MAP_FAILED, "no memory to share with a child");
    value_ = static_cast<T*>(memory);
  }
  ~Shared() { munmap(value_, sizeof(T)); }
  Shared(const Shared&) = delete;
  T* operator->() { return value_; }
  T& operator*() { return *value_; }

 private:
  T* value_;
};

struct SharedPlan {
  size_t count;
  struct {
    int64_t at;
    size_t kind;
    char before[sizeof(runtime::Random)], after[sizeof(runtime::Random)];
  } acts[kActsMost];
};

struct SharedEnding {
  double virtual_seconds;
  uint64_t committed;
  char violation[kTextMost];
};

// The child's status. It says nothing on stdout and stderr, and is ended where it takes longer.
int in_a_child(unsigned cpu_seconds, const std::function<void()>& work) {
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child < 0) return -1;
  if (child == 0) {
    if (std::freopen("/dev/null", "w", stdout) == nullptr ||
        std::freopen("/dev/null", "w", stderr) == nullptr)
      _exit(2);
    const rlimit limit{cpu_seconds, cpu_seconds + 1}, no_core{0, 0};
    signal(SIGXCPU, SIG_DFL);
    setrlimit(RLIMIT_CPU, &limit);
    setrlimit(RLIMIT_CORE, &no_core);
    work();
    _exit(0);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return -1;
  }
  return status;
}

void put_plan(const FaultPlan& plan, SharedPlan& out) {
  out.count = std::min(plan.acts.size(), kActsMost);
  for (size_t i = 0; i < out.count; ++i) {
    const FaultPlan::Act& act = plan.acts[i];
    out.acts[i].at = act.at.since_start.count();
    out.acts[i].kind = act.kind;
    std::memcpy(out.acts[i].before, &act.before, sizeof act.before);
    std::memcpy(out.acts[i].after, &act.after, sizeof act.after);
  }
}

FaultPlan take_plan(const SharedPlan& plan) {
  FaultPlan out;
  for (size_t i = 0; i < plan.count; ++i) {
    FaultPlan::Act act;
    act.at.since_start = runtime::Duration(plan.acts[i].at);
    act.kind = plan.acts[i].kind;
    std::memcpy(&act.before, plan.acts[i].before, sizeof act.before);
    std::memcpy(&act.after, plan.acts[i].after, sizeof act.after);
    out.acts.push_back(act);
  }
  return out;
}

// The search. A step is kept where the run still fails in the same way.
class Shortening {
 public:
  Shortening(const Job& job, const Flags& flags, Cut cut, const FaultPlan& plan)
      : job_(job), flags_(flags), plan_(plan), best_(std::move(cut)), end_(Clock::now() + limit()) {
    flags_.trace = false;
    for (size_t n = 1; n <= plan.acts.size(); ++n) {
      if (best_.filter.allows(n, name(n))) left_.push_back(n);
    }
  }

  Cut run() {
    first_ = try_run(job_, flags_, best_, &plan_);
    kind_ = violation_kind(first_.violation);
    if (first_.violation.empty()) {
      fmt::print("  shorten:   it does not fail again; nothing to make smaller\n");
      return best_;
    }
    last_ = first_;
    const size_t faults = left_.size();
    shorten_time();
    for (const FaultKind& kind : fault_kinds()) {
      if (kind.from_start) leave_out_kind(kind.name);
    }
    leave_out_faults();
    fewer_sessions();
    // Fewer faults may need less time.
    shorten_time();
    fmt::print(
        "  shortened: {} of {} faults, {:.1f} of {:.1f} virtual seconds, {} of {} transactions, in "
        "{} runs{}\n  violation: {}\n  replay:    {}\n",
        left_.size(), faults, last_.virtual_seconds, first_.virtual_seconds, last_.committed,
        first_.committed, runs_, over() ? " (stopped by --shorten-limit)" : "", last_.violation,
        replay_line(job_, flags_, best_));
    std::fflush(stdout);
    return best_;
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::duration limit() const { return std::chrono::seconds(flags_.shorten_limit_s); }
  bool over() const { return Clock::now() > end_; }
  std::string_view name(size_t number) const {
    return fault_kinds()[plan_.acts[number - 1].kind].name;
  }

  bool fails(const Cut& cut) {
    if (over()) return false;
    ++runs_;
    Ending ending = try_run(job_, flags_, cut, &plan_);
    if (violation_kind(ending.violation) != kind_) return false;
    best_ = cut;
    last_ = std::move(ending);
    return true;
  }

  void leave_out_kind(std::string_view kind) {
    if (!best_.filter.allows(kind)) return;
    Cut cut = best_;
    cut.filter.leave_out(kind);
    fails(cut);
  }

  // Delta debugging (Zeller and Hildebrandt, 2002), complements only: large parts first.
  void leave_out_faults() {
    size_t part = std::max<size_t>(1, left_.size());
    while (!left_.empty() && !over()) {
      bool smaller = false;
      for (size_t at = 0; at < left_.size() && !over();) {
        const size_t end = std::min(at + part, left_.size());
        Cut cut = best_;
        for (size_t i = at; i < end; ++i) cut.filter.leave_out(left_[i]);
        if (fails(cut)) {
          left_.erase(left_.begin() + static_cast<ptrdiff_t>(at),
                      left_.begin() + static_cast<ptrdiff_t>(end));
          smaller = true;
        } else {
          at = end;
        }
      }
      if (part == 1 && !smaller) return;
      part = std::max<size_t>(1, part / 2);
    }
  }

  void shorten_time() {
    double upper = best_.until_s > 0 ? best_.until_s : std::min(30.0, first_.virtual_seconds);
    double lower = 0;
    while (upper - lower > 0.5 && !over()) {
      // Told and taken in hundredths.
      const double middle = std::round((upper + lower) * 50) / 100;
      Cut cut = best_;
      cut.until_s = middle;
      (fails(cut) ? upper : lower) = middle;
    }
    // What comes after the end is left out anyway.
    const double until = best_.until_s;
    if (until <= 0 || plan_.acts.empty()) return;
    while (!left_.empty()) {
      const runtime::Duration since = plan_.acts[left_.back() - 1].at - plan_.acts.front().at;
      if (std::chrono::duration<double>(since).count() <= until) break;
      left_.pop_back();
    }
  }

  void fewer_sessions() {
    for (size_t sessions = 1; sessions <= 3; ++sessions) {
      if (best_.sessions_max > 0 && best_.sessions_max <= sessions) return;
      Cut cut = best_;
      cut.sessions_max = sessions;
      if (fails(cut)) return;
    }
  }

  const Job& job_;
  Flags flags_;
  const FaultPlan& plan_;
  Cut best_;
  Clock::time_point end_;
  std::string kind_;
  std::vector<size_t> left_;  // the numbers of the faults that best_ has
  Ending first_, last_;
  size_t runs_ = 0;
};

}  // namespace

FaultPlan learn_plan(const Job& job, const Flags& flags) {
  Shared<SharedPlan> shared;
  in_a_child(flags.timeout_s, [&] {
    FaultPlan plan;
    EventLog log({.messages = 1, .marks = 1, .spans = 1, .transactions = 1});
    // An assertion that fails ends it: what came before is all that matters.
    log.on_check = [&] { put_plan(plan, *shared); };
    ScenarioOptions options = options_of(job, flags, Cut(), nullptr);
    options.print_lines = false;
    options.log = &log;
    options.record = &plan;
    (void)run_scenario(options);
    put_plan(plan, *shared);
  });
  return take_plan(*shared);
}

Ending try_run(const Job& job, const Flags& flags, const Cut& cut, const FaultPlan* plan) {
  Shared<SharedEnding> shared;
  const int status = in_a_child(flags.timeout_s, [&] {
    const ScenarioOutcome out = run_scenario(options_of(job, flags, cut, plan));
    shared->virtual_seconds = std::chrono::duration<double>(out.virtual_time).count();
    shared->committed = out.committed;
    std::strncpy(shared->violation, out.violation.c_str(), kTextMost - 1);
  });
  Ending out{shared->violation, shared->virtual_seconds, shared->committed};
  if (!WIFEXITED(status)) {
    const bool hangs =
        WIFSIGNALED(status) && (WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL);
    out.violation = hangs ? "hangs" : "crashed";
  }
  return out;
}

std::string violation_kind(const std::string& violation) {
  std::string out;
  size_t words = 0;
  bool letter = false;
  for (const char c : violation) {
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    // Of "r12" and "n3" only what they are counts; values are neither letters nor told.
    if (is_letter) {
      if (!letter && !out.empty()) out += ' ';
      out += c;
    } else if (letter && ++words == 6) {
      break;
    }
    letter = is_letter;
  }
  return out;
}

Cut shorten(const Job& job, const Flags& flags, const Cut& cut, const FaultPlan& plan) {
  return Shortening(job, flags, cut, plan).run();
}

}  // namespace quorate::sim
