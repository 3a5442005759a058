#include "sim/sim_cli.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "sim/campaign.h"
#include "sim/mark_tally.h"

namespace quorate::sim {
namespace {

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

// True when it was asked for one.
bool print_lists(const Flags& flags, std::span<const WorkloadKind> workloads) {
  if (flags.list_workloads) {
    for (const WorkloadKind& kind : workloads) fmt::print("{}\n", kind.name);
  }
  if (flags.list_faults) {
    for (const FaultKind& kind : fault_kinds()) fmt::print("{:22} {}\n", kind.name, kind.what);
  }
  if (flags.list_plants) {
    for (std::string_view name : planted_names()) fmt::print("{}\n", name);
  }
  return flags.list_workloads || flags.list_faults || flags.list_plants;
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
  app.add_option("--faults", flags.faults, "only these kinds of faults (--list-faults): cut,crash");
  app.add_option("--without", flags.without,
                 "the run without these of its faults, by number or kind: 3,7-9,lossy");
  app.add_option("--often", flags.often,
                 "every other fault is of this kind, whatever the seed says: rot");
  app.add_option("--checkpoint", flags.checkpoint,
                 "the real LMDB or a model of it, whatever the seed says")
      ->check(CLI::IsMember({"lmdb", "model"}));
  app.add_option("--until", flags.until_s, "faults end after so many virtual seconds")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--sessions", flags.sessions_max,
                 "at most so many clients at a time: of a node, or of all of SQL");
  app.add_option("--timeline", flags.timeline,
                 "write a picture of the run, a page for a browser; violations get one anyway");
  app.add_flag("--no-timeline", flags.no_timeline, "no pictures of violations");
  app.add_flag("--shorten", flags.shorten,
               "make a violation's run smaller, and print the line that runs it");
  app.add_option("--shorten-limit", flags.shorten_limit_s, "seconds after which that ends");
  app.add_flag("--list-workloads", flags.list_workloads, "print the workloads' names");
  app.add_flag("--list-faults", flags.list_faults, "print the kinds of faults");
  app.add_flag("--marks", flags.marks,
               "print the marks in the code, those that no run reached first");
  app.add_flag("--list-plants", flags.list_plants, "print the bugs that this build has planted");
  CLI11_PARSE(app, argc, argv);
  if (print_lists(flags, kinds)) return 0;
  std::vector<WorkloadKind> workloads;
  for (const WorkloadKind& kind : kinds) {
    if (flags.scenario == "all" || flags.scenario == kind.name) workloads.push_back(kind);
  }
  uint64_t from = 0, to = 0;
  PlantedBugs bugs;
  if (workloads.empty() || !parse_seeds(flags, from, to) || !plant(flags.plant, bugs)) {
    fmt::print(stderr,
               "quorate sim: name a --seed or --seeds A..B, a known --scenario, and only "
               "bugs that this build has planted\n");
    return 2;
  }
  const Result<Cut> cut = cut_of(flags);
  if (!cut.ok()) {
    fmt::print(stderr, "quorate sim: {}\n", cut.status().message());
    return 2;
  }
  std::vector<Job> jobs;
  for (uint64_t seed = from; seed <= to; ++seed) {
    for (const WorkloadKind& workload : workloads) jobs.push_back({seed, workload});
  }
  if (!flags.timeline.empty() && jobs.size() != 1) {
    fmt::print(stderr, "quorate sim: --timeline is of one run: name a --seed and a --scenario\n");
    return 2;
  }
  if (!flags.seed) return run_campaign(jobs, flags, *cut);
  int code = 0;
  MarkTally marks;
  for (const Job& job : jobs) {
    if (!run_alone(job, flags, *cut)) code = 1;
    marks.add_run();
  }
  if (flags.marks) marks.print(jobs.size());
  return code;
}

}  // namespace quorate::sim
