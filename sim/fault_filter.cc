#include "sim/fault_filter.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "runtime/sim/sim_fault_points.h"

namespace quorate::sim {

namespace {

constexpr FaultKind kKinds[] = {
    {"cut", "links cut in one or both directions, a host isolated, a partition; also flapping"},
    {"clog", "what is sent over some links waits for a while and then comes all at once"},
    {"links", "messages everywhere are lost, doubled, late and out of order for a while"},
    {"crash", "a node loses its power or its process, perhaps several times in a row"},
    {"crash-in-sync", "the power goes while the disk writes"},
    {"crash-most", "all nodes but one go"},
    {"crash-all", "all nodes lose their power"},
    {"wipe", "a node loses its disks, once a run, while no other lacks anything"},
    {"slow-disk", "syncs of a disk take long"},
    {"fail-sync", "a sync fails"},
    {"clock", "a clock jumps; beyond its bound where the seed says so"},
    {"pause", "a node stands still"},
    {"split", "a range is split"},
    {"transfer", "a lease is handed to another node, and perhaps soon on to others"},
    {"drain", "a node gives its leases away and is started anew"},
    {"move", "one or two replicas of a range go to other nodes at once"},
    {"depose", "a leaseholder is cut off, and whoever campaigns in its place can't be heard soon"},
    {"slow-links", "some links are long or thin for a while"},
    {"roll", "all nodes are started anew, one after the other"},
    {"fill-disk", "a disk is nearly full for a while"},
    {"rot", "bits turn over in the log of a node that is down, once a run"},
    {"rot-checkpoint", "rows of a checkpoint change while its node is down, once a run"},
    {"spread", "splits and lease transfers before anything breaks", true},
    {"lossy", "messages are lost, doubled and late all the time", true},
    {"skew", "clocks differ and drift from the start", true},
};

bool known(std::string_view name) {
  return std::any_of(fault_kinds().begin(), fault_kinds().end(),
                     [&](const FaultKind& k) { return k.name == name; });
}

std::vector<std::string> parts_of(const std::string& list) {
  std::vector<std::string> out;
  for (size_t at = 0; at < list.size();) {
    const size_t end = std::min(list.find(',', at), list.size());
    if (end > at) out.push_back(list.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

bool parse_number(std::string_view text, size_t* out) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *out);
  return error == std::errc() && end == text.data() + text.size() && *out > 0;
}

// "7" or "5-9".
bool parse_numbers(std::string_view text, std::set<size_t>* out) {
  const size_t dash = text.find('-');
  size_t first = 0, last = 0;
  if (!parse_number(text.substr(0, dash), &first)) return false;
  last = first;
  if (dash != std::string_view::npos && !parse_number(text.substr(dash + 1), &last)) return false;
  if (last < first || last - first > 1'000'000) return false;
  for (size_t n = first; n <= last; ++n) out->insert(n);
  return true;
}

std::string numbers_text(const std::set<size_t>& numbers) {
  std::string out;
  for (auto it = numbers.begin(); it != numbers.end();) {
    const size_t first = *it;
    size_t last = first;
    while (++it != numbers.end() && *it == last + 1) last = *it;
    out += out.empty() ? "" : ",";
    out += first == last ? fmt::format("{}", first) : fmt::format("{}-{}", first, last);
  }
  return out;
}

}  // namespace

std::span<const FaultKind> fault_kinds() {
  static const std::vector<FaultKind> all = [] {
    std::vector<FaultKind> out(std::begin(kKinds), std::end(kKinds));
    for (const runtime::FaultPointInfo& p : runtime::fault_point_infos())
      out.push_back({p.name, p.what, true});
    return out;
  }();
  return all;
}

Result<FaultFilter> FaultFilter::parse(const std::string& only, const std::string& without) {
  FaultFilter out;
  for (const std::string& name : parts_of(only)) {
    if (!known(name)) return invalid_argument("no fault is called " + name);
    out.only_.insert(name);
  }
  for (const std::string& part : parts_of(without)) {
    if (known(part))
      out.without_names_.insert(part);
    else if (!parse_numbers(part, &out.without_))
      return invalid_argument("no fault is called " + part);
  }
  return out;
}

bool FaultFilter::allows(std::string_view name) const {
  return (only_.empty() || only_.contains(name)) && !without_names_.contains(name);
}

std::string FaultFilter::flags() const {
  std::string out;
  if (!only_.empty()) out += fmt::format(" --faults {}", fmt::join(only_, ","));
  std::string without = numbers_text(without_);
  for (const std::string& name : without_names_) without += (without.empty() ? "" : ",") + name;
  if (!without.empty()) out += " --without " + without;
  return out;
}

}  // namespace quorate::sim
