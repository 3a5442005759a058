#include "sim/checkers/limits_watch.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "txn/node_client.h"

namespace quorate::sim {
namespace {

constexpr uint64_t kLooksBetween = 20;
// Above the cache's limit: what one read of the log brings.
constexpr size_t kReadBytesMax = 1u << 20;

struct Measure {
  std::string_view what;
  size_t is = 0, most = 0;
};

// A leader that has nothing under way proposes whatever comes, however large.
size_t last_bytes(const raft::Raft& core) {
  const LogIndex last = core.log().last_index();
  auto entries = core.log().entries(last, last.next(), SIZE_MAX);
  return entries.ok() && !entries->empty() ? entries->front().bytes() : limits::kEntryBytesMax;
}

void measure_leader(const raft::Raft& core, const range::RangeLimits& limits,
                    std::vector<Measure>& out) {
  if (core.uncommitted_bytes() > limits.uncommitted_bytes)
    out.push_back({"bytes proposed", core.uncommitted_bytes(),
                   std::max(limits.uncommitted_bytes, last_bytes(core))});
  const raft::Config& config = core.config();
  for (const auto& [id, progress] : core.progress()) {
    out.push_back({"appends under way", progress.window.count(), config.inflight_messages_max});
    out.push_back({"bytes under way", progress.window.bytes(),
                   config.inflight_bytes_max + config.message_bytes_max + limits::kEntryBytesMax});
  }
}

void measure_leaseholder(const range::Leaseholder& leaseholder, const range::RangeLimits& limits,
                         std::vector<Measure>& out) {
  const range::Leaseholder::Kept kept = leaseholder.kept();
  out.push_back({"recent commits", kept.recent_commits, limits.recent_commits});
  out.push_back({"spans read", kept.read_spans, limits::kTimestampCacheSpansMax});
  out.push_back({"slots of reads", kept.read_slots, limits::kTimestampCacheSlotsMax});
  out.push_back({"sorted runs", kept.runs, limits.runs});
  for (const range::LockInfo& lock : leaseholder.locks())
    out.push_back({"waiters of a row", lock.waiters.size(), limits.lock_waiters});
}

std::string above(const std::vector<Measure>& measures) {
  for (const Measure& m : measures)
    if (m.is > m.most) return fmt::format("{} {}, at most {} are allowed", m.is, m.what, m.most);
  return {};
}

}  // namespace

std::string LimitsWatch::look() {
  if (looks_++ % kLooksBetween != 0) return {};
  for (size_t i = 0; i < cluster_.size(); ++i) {
    server::KvNode* node = cluster_.node(i);
    if (node == nullptr) continue;
    const storage::Engine::MemtableUse memtables = node->store().engine().memtable_use();
    std::vector<Measure> of_node{
        {"bytes of memtables", memtables.bytes, memtables.most},
        {"bytes of cached entries", node->store().engine().log().stats().cached_bytes,
         node->options().engine.entry_cache_bytes + kReadBytesMax},
        {"ends of transactions", node->txn().background(), limits::kTxnBackgroundMax}};
    if (std::string wrong = above(of_node); !wrong.empty())
      return fmt::format("{}: {}", cluster_.host(i), wrong);
    for (const auto& [id, replica] : node->store().replicas()) {
      if (!replica->started()) continue;
      std::vector<Measure> measures;
      if (replica->group().core().leads())
        measure_leader(replica->group().core(), replica->limits(), measures);
      if (replica->leaseholder() != nullptr)
        measure_leaseholder(*replica->leaseholder(), replica->limits(), measures);
      if (std::string wrong = above(measures); !wrong.empty())
        return fmt::format("r{} on {}: {}", id.value, cluster_.host(i), wrong);
    }
  }
  return {};
}

}  // namespace quorate::sim
