#include "bench/tpcc/report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace quorate::bench {

namespace {

double ms(uint64_t us) { return us / 1000.0; }

std::string by_state(const std::map<std::string, uint64_t>& counts) {
  std::string s;
  for (const auto& [state, n] : counts)
    s += fmt::format("{}{}: {}", s.empty() ? "" : ", ", state, n);
  return s.empty() ? "none" : s;
}

int terminals(const RunOptions& options) {
  return options.terminals ? options.terminals : static_cast<int>(10 * options.warehouses);
}

}  // namespace

std::string report_table(const RunOptions& options, const Snapshot& s) {
  std::string out = fmt::format(
      "TPC-C, {} warehouses, {} terminals, {}, {:.0f} s measured\n\n", options.warehouses,
      terminals(options), options.waits ? "keying and think times" : "no waits", s.measured_s);
  out +=
      fmt::format("{:<13} {:>9} {:>8} {:>8} {:>8} {:>9} {:>9} {:>9} {:>9} {:>9}\n", "transaction",
                  "done", "tx/s", "retries", "failed", "mean ms", "p50", "p95", "p99", "max");
  for (int k = 0; k < kKinds; ++k) {
    const KindStats& x = s.kinds[k];
    const uint64_t done = x.committed + x.rolled_back;
    out += fmt::format(
        "{:<13} {:>9} {:>8.1f} {:>8} {:>8} {:>9.2f} {:>9.2f} {:>9.2f} {:>9.2f} {:>9.2f}\n",
        kind_name(static_cast<Kind>(k)), done, s.measured_s > 0 ? done / s.measured_s : 0,
        x.retries, x.failed + x.unknown, x.latency.mean() / 1000, ms(x.latency.percentile(50)),
        ms(x.latency.percentile(95)), ms(x.latency.percentile(99)), ms(x.latency.max()));
  }
  uint64_t unknown = 0, rolled_back = 0;
  for (const KindStats& k : s.kinds) unknown += k.unknown, rolled_back += k.rolled_back;
  out += fmt::format(
      "\ntpmC {:.0f}   {:.1f} transactions/s   rolled back as intended {}   unknown outcome {}\n",
      s.tpmc(), s.per_second(), rolled_back, unknown);
  out += "retries by SQLSTATE: " + by_state(s.retries) + "\n";
  out += "errors by SQLSTATE:  " + by_state(s.errors) + "\n";
  return out;
}

std::string report_json(const RunOptions& options, const Snapshot& s) {
  nlohmann::json kinds = nlohmann::json::object();
  for (int k = 0; k < kKinds; ++k) {
    const KindStats& x = s.kinds[k];
    kinds[std::string(kind_name(static_cast<Kind>(k)))] = {
        {"committed", x.committed},
        {"rolled_back", x.rolled_back},
        {"failed", x.failed},
        {"unknown", x.unknown},
        {"retries", x.retries},
        {"mean_ms", x.latency.mean() / 1000},
        {"p50_ms", ms(x.latency.percentile(50))},
        {"p90_ms", ms(x.latency.percentile(90))},
        {"p95_ms", ms(x.latency.percentile(95))},
        {"p99_ms", ms(x.latency.percentile(99))},
        {"p999_ms", ms(x.latency.percentile(99.9))},
        {"max_ms", ms(x.latency.max())}};
  }
  nlohmann::json seconds = nlohmann::json::array();
  for (const Second& x : s.seconds) {
    seconds.push_back({{"done", x.done},
                       {"retries", x.retries},
                       {"errors", x.errors},
                       {"unknown", x.unknown},
                       {"p50_ms", ms(x.latency.percentile(50))},
                       {"p99_ms", ms(x.latency.percentile(99))}});
  }
  const nlohmann::json all = {{"warehouses", options.warehouses},
                              {"terminals", terminals(options)},
                              {"waits", options.waits},
                              {"isolation", options.client.isolation},
                              {"prepared", options.client.prepared},
                              {"measured_s", s.measured_s},
                              {"tpmC", s.tpmc()},
                              {"tx_per_s", s.per_second()},
                              {"transactions", s.total()},
                              {"kinds", kinds},
                              {"retries", s.retries},
                              {"errors", s.errors},
                              {"seconds", seconds}};
  return all.dump(1) + "\n";
}

std::string check_table(const std::vector<CheckResult>& results) {
  std::string out;
  for (const CheckResult& r : results) {
    out +=
        fmt::format("{:<5} {:>4}  {} ({} keys)\n", r.ok() ? "ok" : "FAIL", r.name, r.text, r.keys);
    for (const std::string& e : r.examples) out += "            " + e + "\n";
    if (r.offending > r.examples.size()) {
      out += fmt::format("            and {} more\n", r.offending - r.examples.size());
    }
  }
  return out;
}

std::string check_json(const std::vector<CheckResult>& results) {
  nlohmann::json all = nlohmann::json::array();
  for (const CheckResult& r : results) {
    all.push_back({{"name", r.name},
                   {"text", r.text},
                   {"ok", r.ok()},
                   {"keys", r.keys},
                   {"offending", r.offending},
                   {"examples", r.examples}});
  }
  return all.dump(1) + "\n";
}

}  // namespace quorate::bench
