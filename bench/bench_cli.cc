#include "bench/bench_cli.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>

#include "bench/tpcc/check.h"
#include "bench/tpcc/load.h"
#include "bench/tpcc/report.h"
#include "bench/tpcc/run.h"

namespace quorate::bench {

namespace {

void write_file(const std::string& path, const std::string& content) {
  if (path.empty()) return;
  if (path == "-") {
    std::fputs(content.c_str(), stdout);
    return;
  }
  std::ofstream out(path);
  out << content;
  if (!out.flush()) throw std::runtime_error("cannot write " + path);
}

struct Flags {
  LoadOptions load;
  RunOptions run;
  CheckOptions check;
  std::vector<std::string> urls;
  int64_t warehouses = 1;
  bool no_wait = false, simple = false, no_foreign_keys = false;
  std::string json, svg;
};

void common_flags(CLI::App* app, Flags& f) {
  app->add_option("--url", f.urls,
                  "where to connect, e.g. postgresql://postgres@127.0.0.1:5432/postgres")
      ->delimiter(',')
      ->required();
  app->add_option("-w,--warehouses", f.warehouses, "warehouses in the database")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app->add_flag("-q,--quiet", f.run.quiet, "no progress");
}

void load_flags(CLI::App* app, Flags& f) {
  common_flags(app, f);
  app->add_option("--threads", f.load.threads, "connections that load")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app->add_flag("--drop", f.load.drop_first, "drop the tables first when they exist");
  app->add_flag("--no-foreign-keys", f.no_foreign_keys, "leave the foreign keys out");
  app->add_flag("--insert", f.load.use_insert, "multi-row INSERT in place of COPY");
  app->add_flag("--split", f.load.split,
                "each warehouse's rows of a table as a range of their own (Quorate: SPLIT AT)");
  app->add_option("--batch-rows", f.load.batch_rows, "rows of one COPY")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app->add_option("--seed", f.load.seed, "the same seed makes the same rows")
      ->capture_default_str();
}

void run_flags(CLI::App* app, Flags& f) {
  common_flags(app, f);
  app->add_option("-t,--terminals", f.run.terminals,
                  "terminals, spread over the URLs; default ten a warehouse")
      ->check(CLI::Range(1, 10'000));
  app->add_option("-d,--duration", f.run.duration_s, "how long to measure, e.g. 60, 90s, 5m")
      ->transform(
          CLI::AsNumberWithUnit(std::map<std::string, double>{{"s", 1}, {"m", 60}, {"h", 3600}}))
      ->capture_default_str();
  app->add_option("--warmup", f.run.warmup_s, "seconds before the measured time")
      ->capture_default_str();
  app->add_flag("--no-wait", f.no_wait,
                "no keying and think times; with fewer terminals than warehouses each "
                "transaction draws its home warehouse");
  app->add_flag(
      "--home-urls", f.run.home_urls,
      "all terminals of a warehouse at one URL while it answers, and none without a home");
  app->add_option("--isolation", f.run.client.isolation,
                  "e.g. 'read committed'; default: the server's")
      ->check(
          CLI::IsMember({"serializable", "repeatable read", "read committed"}, CLI::ignore_case));
  app->add_flag("--simple", f.simple,
                "simple protocol with literals in place of prepared statements");
  app->add_flag("--per-line", f.run.per_line,
                "the classical new-order, four statements for each order line");
  app->add_option("--json", f.json, "write the report as JSON; - is the standard output");
  app->add_option("--svg", f.svg, "write a picture over time");
  app->add_option("--acked-log", f.run.acked_log,
                  "append every acknowledged new order and payment to this file");
  app->add_option("--seed", f.run.seed, "seed of the inputs; default: from the clock");
}

void check_flags(CLI::App* app, Flags& f) {
  common_flags(app, f);
  app->add_option("--acked-log", f.check.acked_log, "the file that `run --acked-log` wrote")
      ->check(CLI::ExistingFile);
  app->add_option("--json", f.json, "write the result as JSON; - is the standard output");
}

int do_load(Flags& f) {
  f.load.urls = f.urls;
  f.load.warehouses = f.warehouses;
  f.load.quiet = f.run.quiet;
  f.load.foreign_keys = !f.no_foreign_keys;
  load(f.load);
  return 0;
}

int do_run(Flags& f) {
  f.run.urls = f.urls;
  f.run.warehouses = f.warehouses;
  f.run.waits = !f.no_wait;
  f.run.client.prepared = !f.simple;
  const Snapshot result = run(f.run);
  if (f.json != "-") std::fputs(report_table(f.run, result).c_str(), stdout);
  write_file(f.json, report_json(f.run, result));
  write_file(f.svg, report_svg(f.run, result));
  return 0;
}

int do_check(Flags& f) {
  f.check.urls = f.urls;
  f.check.warehouses = f.warehouses;
  f.check.quiet = f.run.quiet;
  const std::vector<CheckResult> results = check(f.check);
  if (f.json != "-") std::fputs(check_table(results).c_str(), stdout);
  write_file(f.json, check_json(results));
  for (const CheckResult& r : results) {
    if (!r.ok()) return 1;
  }
  return 0;
}

}  // namespace

int bench_main(int argc, char** argv) {
  Flags flags;
  CLI::App app("Workloads against a server that speaks PostgreSQL's protocol", argv[0]);
  app.require_subcommand(1);
  CLI::App* tpcc = app.add_subcommand(
      "tpcc", "the TPC-C workload: all five transactions, and its consistency conditions");
  tpcc->require_subcommand(1);
  CLI::App* load_command = tpcc->add_subcommand("load", "make the tables and fill them");
  CLI::App* run_command = tpcc->add_subcommand("run", "run terminals and report");
  CLI::App* check_command = tpcc->add_subcommand(
      "check", "check the consistency conditions 1-12, and nothing acknowledged lost");
  load_flags(load_command, flags);
  run_flags(run_command, flags);
  check_flags(check_command, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  try {
    if (load_command->parsed()) return do_load(flags);
    if (run_command->parsed()) return do_run(flags);
    return do_check(flags);
  } catch (const SqlError& e) {
    std::fprintf(stderr, "%s: %s (SQLSTATE %s)\n", argv[0], e.what(), e.state().c_str());
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s: %s\n", argv[0], e.what());
  }
  return 1;
}

}  // namespace quorate::bench
