#include "sim/workloads/list_story.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace quorate::sim {

std::string list_name(const Bytes& key) {
  uint32_t n = 0;
  for (size_t i = key.size() - 4; i < key.size(); ++i) n = n << 8 | static_cast<uint8_t>(key[i]);
  return fmt::format("k{}", n);
}

std::string transaction_name(uint32_t number) { return fmt::format("T{}", number); }

std::string tell_list(const txn::List& list) { return fmt::format("[{}]", fmt::join(list, " ")); }

EventLog::Edge tell_dependency(const txn::Dependency& d) {
  using Kind = txn::Dependency::Kind;
  EventLog::Edge out{transaction_name(d.from), transaction_name(d.to), "", ""};
  const std::string key = d.key.empty() ? "" : list_name(d.key);
  switch (d.kind) {
    case Kind::kWrites:
      out.kind = "ww";
      out.why = fmt::format("{} appended to {} right after {}", out.to, key, out.from);
      break;
    case Kind::kReads:
      out.kind = "wr";
      out.why = d.from == d.to
                    ? fmt::format("{} appended to {} and its append is gone", out.to, key)
                    : fmt::format("{} read {} = {}, with the append of {} in it", out.to, key,
                                  tell_list(d.seen), out.from);
      break;
    case Kind::kOverwrites:
      out.kind = "rw";
      out.why = fmt::format("{} read {} = {}, without the append of {}", out.from, key,
                            tell_list(d.seen), out.to);
      break;
    case Kind::kEarlier:
      out.kind = "rt";
      out.why = fmt::format("{} had committed before {} began", out.from, out.to);
      break;
  }
  return out;
}

}  // namespace quorate::sim
