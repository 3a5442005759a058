// Some of a run's faults: what `quorate sim --faults` and `--without` say, and the plan of a whole
// run that they choose from.
//
// A fault of a plan is told by its number (1 for the first), or by the name of its kind. Kinds that
// are there from the start on and all the time (`spread`, `lossy`, `skew`, and the points inside
// the code, runtime/fault_points.h) have no number.
#pragma once

#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "runtime/executor.h"
#include "runtime/random.h"

namespace quorate::sim {

struct FaultKind {
  std::string_view name, what;
  bool from_start = false;
};
// The nemesis draws from those that are not from_start, in this order.
std::span<const FaultKind> fault_kinds();

struct FaultPlan {
  // What chance stood at when it came and when all was done keeps the others as they were when one
  // is left out. Plain data: it passes from process to process.
  struct Act {
    runtime::Instant at;
    size_t kind = 0;  // in fault_kinds()
    runtime::Random before{0}, after{0};
  };
  std::vector<Act> acts;
};

class FaultFilter {
 public:
  // `only` and `without`: lists of names and (`without`) of numbers, "crash,3,5-9".
  // kInvalidArgument for what is neither.
  static Result<FaultFilter> parse(const std::string& only, const std::string& without);
  bool all() const { return only_.empty() && without_names_.empty() && without_.empty(); }
  bool allows(std::string_view name) const;
  bool allows(size_t number, std::string_view name) const {
    return allows(name) && !without_.contains(number);
  }
  void leave_out(size_t number) { without_.insert(number); }
  void leave_out(std::string_view name) { without_names_.emplace(name); }
  // The flags that say this; empty: all faults.
  std::string flags() const;

 private:
  std::set<std::string, std::less<>> only_, without_names_;
  std::set<size_t> without_;
};

}  // namespace quorate::sim
