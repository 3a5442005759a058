#include "sql/exec/explain.h"

#include <fmt/format.h>

namespace quorate::sql {
namespace {

std::string_view join_prefix(JoinKind kind) {
  switch (kind) {
    case JoinKind::kInner:
      return "";
    case JoinKind::kLeft:
      return " Left";
    case JoinKind::kRight:
      return " Right";
    case JoinKind::kFull:
      return " Full";
    case JoinKind::kSemi:
      return " Semi";
    case JoinKind::kAnti:
      return " Anti";
  }
  UNREACHABLE("join kind");
}

std::string on_table(const PlanNode& n) {
  std::string out = " on " + n.table->name;
  if (!n.label.empty() && n.label != n.table->name) out += " " + n.label;
  return out;
}

std::string scan_title(const PlanNode& n) {
  const IndexDescriptor& index = n.table->indexes[n.range.index];
  bool whole = n.range.equal.empty() && !n.range.lower && !n.range.upper;
  if (n.range.index == 0 && whole && !n.reverse) return "Seq Scan" + on_table(n);
  std::string name = n.covered ? "Index Only Scan" : "Index Scan";
  if (n.reverse) name += " Backward";
  if (!index.name.empty()) name += " using " + index.name;
  return name + on_table(n);
}

std::string keyed_title(std::string name, const PlanNode& n) {
  const IndexDescriptor& index = n.table->indexes[n.range.index];
  if (!index.name.empty()) name += " using " + index.name;
  return name + on_table(n);
}

std::string set_title(const PlanNode& n) {
  std::string name;
  switch (n.set_operation) {
    case SetOperation::kUnion:
      name = n.set_all ? "Append" : "HashSetOp Union";
      break;
    case SetOperation::kIntersect:
      name = "HashSetOp Intersect";
      break;
    case SetOperation::kExcept:
      name = "HashSetOp Except";
      break;
    case SetOperation::kNone:
      name = "SetOp";
      break;
  }
  if (n.set_all && n.set_operation != SetOperation::kUnion) name += " All";
  return name;
}

std::string title(const PlanNode& n) {
  std::string label = n.label.empty() ? "" : " on " + n.label;
  switch (n.kind) {
    case NodeKind::kResult:
      return "Result";
    case NodeKind::kValues:
      return "Values Scan" + label;
    case NodeKind::kTableScan:
      return scan_title(n);
    case NodeKind::kPointGet:
      return keyed_title("Point Get", n);
    case NodeKind::kSystemScan:
      return "System Scan on " + std::string(n.system_table->name());
    case NodeKind::kFunctionScan:
      return "Function Scan" + label;
    case NodeKind::kFilter:
      return "Filter";
    case NodeKind::kProject:
      return "Project";
    case NodeKind::kProjectSet:
      return "ProjectSet";
    case NodeKind::kSort:
      return n.bound ? "Top-N Sort" : "Sort";
    case NodeKind::kLimit:
      return "Limit";
    case NodeKind::kDistinct:
      return "HashAggregate";
    case NodeKind::kAggregate:
      return n.groups.empty() ? "Aggregate" : "HashAggregate";
    case NodeKind::kNestedLoop:
      return "Nested Loop" + std::string(join_prefix(n.join)) +
             (n.join == JoinKind::kInner ? "" : " Join");
    case NodeKind::kHashJoin:
      return "Hash" + std::string(join_prefix(n.join)) + " Join";
    case NodeKind::kLookupJoin:
      return keyed_title("Lookup" + std::string(join_prefix(n.join)) + " Join", n);
    case NodeKind::kSetOperation:
      return set_title(n);
    case NodeKind::kApply:
      return "SubPlan Apply";
    case NodeKind::kLockRows:
      return "LockRows";
    case NodeKind::kInsert:
      return "Insert on " + n.write->table->name;
    case NodeKind::kUpdate:
      return "Update on " + n.write->table->name;
    case NodeKind::kDelete:
      return "Delete on " + n.write->table->name;
  }
  UNREACHABLE("plan node");
}

double milliseconds(runtime::Duration d) { return static_cast<double>(d.count()) / 1e6; }

class Printer {
 public:
  Printer(const ExplainOptions& options, const std::map<const PlanNode*, NodeCounters>* counters)
      : options_(options), counters_(counters) {}

  void print(const PlanNode& n, size_t indent, bool first) {
    std::string line(indent, ' ');
    if (!first) line += "->  ";
    line += title(n);
    if (options_.costs)
      line += fmt::format("  (rows={:.0f} width={})", std::max(n.rows, 1.0), n.width);
    if (counters_ != nullptr) line += actual(n);
    lines.push_back(std::move(line));
    size_t inner = indent + (first ? 2 : 6);
    for (const std::string& note : n.notes) lines.push_back(std::string(inner, ' ') + note);
    for (const SubPlan& s : n.subplans) {
      lines.push_back(std::string(inner, ' ') + "SubPlan");
      print(*s.plan, inner + 2, false);
    }
    for (const PlanPtr& child : n.children) print(*child, inner, false);
  }

  std::vector<std::string> lines;

 private:
  std::string actual(const PlanNode& n) const {
    auto it = counters_->find(&n);
    if (it == counters_->end() || it->second.loops == 0) return " (never executed)";
    const NodeCounters& c = it->second;
    double loops = static_cast<double>(c.loops);
    double rows = static_cast<double>(c.rows) / loops;
    if (!options_.timing) return fmt::format(" (actual rows={:.0f} loops={})", rows, c.loops);
    return fmt::format(" (actual time={:.3f} rows={:.0f} loops={})", milliseconds(c.time) / loops,
                       rows, c.loops);
  }

  const ExplainOptions& options_;
  const std::map<const PlanNode*, NodeCounters>* counters_;
};

}  // namespace

std::vector<std::string> explain_plan(const Plan& plan, const ExplainOptions& options,
                                      const std::map<const PlanNode*, NodeCounters>* counters) {
  Printer printer(options, counters);
  printer.print(*plan.root, 0, true);
  for (size_t i = 0; i < plan.init_plans.size(); ++i) {
    printer.lines.push_back("  InitPlan " + std::to_string(i + 1) + " (returns $" +
                            std::to_string(i) + ")");
    printer.print(*plan.init_plans[i].plan, 4, false);
  }
  if (options.analyze) {
    const txn::TxnStats& s = options.stats;
    printer.lines.push_back(fmt::format(
        "Transaction: ranges={} requests={} remote={} proposals={} refreshes={} retries={}",
        s.ranges, s.requests, s.remote_requests, s.proposals, s.refreshes, s.retries));
    printer.lines.push_back(
        fmt::format("Execution Time: {:.3f} ms", milliseconds(options.execution_time)));
    if (options.commit_time)
      printer.lines.push_back(
          fmt::format("Commit Time: {:.3f} ms", milliseconds(*options.commit_time)));
  }
  return std::move(printer.lines);
}

}  // namespace quorate::sql
