#include "server/cluster_view.h"

#include <fmt/format.h>

#include "base/archive.h"
#include "range/keys.h"
#include "runtime/sync.h"

namespace quorate::server {
namespace {

constexpr auto kAskPatience = std::chrono::seconds(2);
constexpr auto kChecksumPatience = std::chrono::seconds(60);
// Microseconds between 1970 and 2000, where PostgreSQL's timestamps begin.
constexpr int64_t kPostgresEpochMicros = 946'684'800'000'000;

int64_t to_postgres(Timestamp t) { return static_cast<int64_t>(t.micros()) - kPostgresEpochMicros; }

}  // namespace

ClusterView::ClusterView(KvNode& node, std::function<std::vector<sql::SessionRow>()> sessions)
    : node_(node), sessions_(std::move(sessions)) {
  for (runtime::RpcMethod method : {kStatusMethod, kLocksMethod}) {
    node_.rpc().handle(method, [this, method](runtime::PeerId, Bytes) { return own(method); });
  }
  node_.rpc().handle(kChecksumMethod,
                     [this](runtime::PeerId, Bytes r) { return on_checksum(std::move(r)); });
}

runtime::Task<Result<Bytes>> ClusterView::own(runtime::RpcMethod method) {
  if (method == kStatusMethod) co_return encode(node_.store().status());
  co_return encode(own_locks());
}

runtime::Task<Result<Bytes>> ClusterView::ask(NodeId id, runtime::RpcMethod method) {
  if (id == node_.id()) co_return co_await own(method);
  const runtime::Instant deadline = node_.env().executor->now() + kAskPatience;
  co_return co_await node_.rpc().call(node_.cluster().peer(id), method, Bytes(), deadline);
}

// Of every node; those that don't answer are left out.
runtime::Task<std::vector<Bytes>> ClusterView::ask_all(runtime::RpcMethod method) {
  std::vector<runtime::Task<Result<Bytes>>> asks;
  for (const auto& [id, info] : node_.cluster().nodes()) {
    if (node_.cluster().alive(id)) asks.push_back(ask(id, method));
  }
  auto answers = co_await runtime::when_all(*node_.env().executor, std::move(asks));
  std::vector<Bytes> all;
  for (auto& answer : answers) {
    if (answer.ok()) all.push_back(std::move(*answer));
  }
  co_return all;
}

runtime::Task<std::vector<range::RangeStatus>> ClusterView::statuses() {
  std::vector<range::RangeStatus> all;
  for (Bytes& answer : co_await ask_all(kStatusMethod)) {
    std::vector<range::RangeStatus> part;
    if (!decode(answer, part).ok()) continue;
    for (auto& s : part) all.push_back(std::move(s));
  }
  co_return all;
}

runtime::Task<Result<std::vector<sql::RangeRow>>> ClusterView::ranges() {
  std::map<RangeId, range::RangeStatus> best;
  for (range::RangeStatus& s : co_await statuses()) {
    const RangeId id = s.descriptor.id;
    auto it = best.find(id);
    // The leaseholder knows best, then whoever has the newest descriptor.
    if (it == best.end() || (s.leads && !it->second.leads) ||
        (s.leads == it->second.leads &&
         s.descriptor.generation > it->second.descriptor.generation)) {
      best[id] = std::move(s);
    }
  }
  std::vector<sql::RangeRow> rows;
  for (const auto& [id, s] : best) {
    sql::RangeRow row;
    row.id = id.value;
    row.span = s.descriptor.span;
    // Those that decide: a learner that still copies the range would look like safety.
    for (const auto& r : s.descriptor.replicas) {
      if (r.role == range::ReplicaRole::kVoter) row.replicas.push_back(r.node.value);
    }
    std::sort(row.replicas.begin(), row.replicas.end());
    row.leaseholder = s.leaseholder.value;
    row.term = s.term.value;
    row.applied_index = s.applied.value;
    row.size_bytes = s.bytes;
    row.rows = s.rows;
    rows.push_back(std::move(row));
  }
  co_return std::move(rows);
}

runtime::Task<Result<std::vector<sql::NodeRow>>> ClusterView::nodes() {
  std::vector<sql::NodeRow> rows;
  for (const auto& [id, info] : node_.cluster().nodes()) {
    if (node_.cluster().displaced(id)) continue;  // gone for good: another is at its address
    sql::NodeRow row;
    row.id = id.value;
    row.address = info.address;
    row.sql_address = info.sql_address;
    row.version = info.version;
    row.alive = node_.cluster().alive(id);
    row.draining = info.draining;
    row.started_at = to_postgres(info.started);
    row.ranges = info.ranges;
    row.leases = info.leases;
    rows.push_back(std::move(row));
  }
  co_return std::move(rows);
}

std::vector<sql::LockRow> ClusterView::own_locks() {
  std::vector<sql::LockRow> rows;
  for (const auto& [range, replica] : node_.store().replicas()) {
    auto leaseholder = replica->leaseholder();
    if (leaseholder == nullptr) continue;
    for (const range::LockInfo& lock : leaseholder->locks()) {
      sql::LockRow row;
      row.range_id = range.value;
      row.key = lock.key;
      row.transaction = lock.holder.id.to_string();
      row.mode = lock.mode == range::LockMode::kShared ? "shared" : "exclusive";
      row.since = to_postgres(lock.holder.began);
      rows.push_back(row);
      for (const range::TxnHeader& waiter : lock.waiters) {
        row.transaction = waiter.id.to_string();
        row.granted = false;
        row.since = to_postgres(waiter.began);
        rows.push_back(row);
      }
    }
  }
  return rows;
}

runtime::Task<Result<std::vector<sql::LockRow>>> ClusterView::locks() {
  std::vector<sql::LockRow> rows;
  for (Bytes& answer : co_await ask_all(kLocksMethod)) {
    std::vector<sql::LockRow> part;
    if (!decode(answer, part).ok()) continue;
    for (auto& row : part) rows.push_back(std::move(row));
  }
  std::stable_sort(rows.begin(), rows.end(), [](const sql::LockRow& a, const sql::LockRow& b) {
    return std::tie(a.range_id, a.key) < std::tie(b.range_id, b.key);
  });
  co_return std::move(rows);
}

runtime::Task<Result<Bytes>> ClusterView::on_checksum(Bytes request) {
  RangeId range;
  CO_RETURN_IF_ERROR(decode(request, range));
  auto made = co_await range::replica_checksum(&node_.store(), range);
  if (!made.ok()) co_return made.status();
  co_return encode(*made);
}

runtime::Task<Result<range::ReplicaChecksum>> ClusterView::ask_checksum(NodeId node,
                                                                        RangeId range) {
  if (node == node_.id()) co_return co_await range::replica_checksum(&node_.store(), range);
  const runtime::Instant deadline = node_.env().executor->now() + kChecksumPatience;
  const runtime::PeerId peer = node_.cluster().peer(node);
  if (peer == 0) co_return unavailable("the node's address is not known");
  auto answer = co_await node_.rpc().call(peer, kChecksumMethod, encode(range), deadline);
  if (!answer.ok()) co_return answer.status();
  range::ReplicaChecksum made;
  CO_RETURN_IF_ERROR(decode(*answer, made));
  co_return made;
}

runtime::Task<Result<std::vector<sql::ChecksumRow>>> ClusterView::replica_checksums() {
  std::map<RangeId, range::RangeDescriptor> newest;
  for (range::RangeStatus& s : co_await statuses()) {
    range::RangeDescriptor& known = newest[s.descriptor.id];
    if (s.descriptor.generation >= known.generation) known = std::move(s.descriptor);
  }
  std::vector<sql::ChecksumRow> rows;
  for (const auto& [id, descriptor] : newest) {
    std::vector<runtime::Task<Result<range::ReplicaChecksum>>> asks;
    for (const auto& r : descriptor.replicas) asks.push_back(ask_checksum(r.node, id));
    auto answers = co_await runtime::when_all(*node_.env().executor, std::move(asks));
    for (size_t i = 0; i < answers.size(); ++i) {
      const range::ReplicaDescriptor& r = descriptor.replicas[i];
      sql::ChecksumRow row;
      row.range_id = id.value;
      row.node_id = r.node.value;
      row.replica_id = r.replica.value;
      if (answers[i].ok()) {
        row.applied_index = answers[i]->applied.value;
        row.rows = answers[i]->rows;
        row.checksum = fmt::format("{:016x}{:016x}", answers[i]->high, answers[i]->low);
      }
      rows.push_back(std::move(row));
    }
  }
  co_return std::move(rows);
}

runtime::Task<Result<std::vector<sql::SessionRow>>> ClusterView::sessions() {
  co_return sessions_();
}

runtime::Task<Status> ClusterView::transfer_lease(uint64_t range, uint64_t node) {
  range::RangeDescriptor descriptor;
  for (const range::RangeStatus& s : co_await statuses()) {
    if (s.descriptor.id.value == range && s.descriptor.generation >= descriptor.generation)
      descriptor = s.descriptor;
  }
  if (!descriptor.id)
    co_return invalid_argument("range " + std::to_string(range) + " does not exist");
  node_.router().learn(descriptor);
  range::BatchRequest batch;
  batch.range = descriptor.id;
  batch.generation = descriptor.generation;
  batch.gateway = node_.id();
  batch.requests.push_back(range::TransferLeaseRequest{NodeId(node)});
  range::BatchResponse response = co_await node_.router().send(std::move(batch), {});
  if (response.outcome == range::Outcome::kError) co_return response.error;
  if (response.outcome != range::Outcome::kOk)
    co_return unavailable("the range has changed; try again");
  co_return Status();
}

double ClusterView::table_rows(const sql::TableDescriptor& table) {
  constexpr size_t kEstimatesMax = 10'000;
  const runtime::Instant now = node_.env().executor->now();
  if (estimates_.size() > kEstimatesMax) estimates_.clear();
  Estimate& e = estimates_[table.storage];
  if (e.until <= now) {
    const Bytes prefix = range::keys::index_prefix(table.storage, table.indexes[0].id);
    e.rows = static_cast<double>(node_.store().engine().span_stats(KeySpan::prefix(prefix)).rows);
    e.until = now + std::chrono::seconds(5);
  }
  return e.rows;
}

runtime::Task<Status> ClusterView::split_at(std::vector<Bytes> keys) {
  constexpr int kTries = 20;
  for (const Bytes& key : keys) {
    for (int attempt = 0;; ++attempt) {
      CO_ASSIGN_OR_RETURN(range::RangeDescriptor descriptor,
                          co_await node_.router().locate(key, {}));
      if (descriptor.span.start == key) break;
      CO_ASSIGN_OR_RETURN(
          uint64_t id, co_await node_.system().take(range::keys::system_key("next_range"), 1, 100));
      range::BatchRequest batch;
      batch.range = descriptor.id;
      batch.generation = descriptor.generation;
      batch.gateway = node_.id();
      batch.requests.push_back(range::SplitRequest{key, RangeId(id)});
      range::BatchResponse response = co_await node_.router().send(std::move(batch), {});
      if (response.outcome == range::Outcome::kOk) {
        // Whoever asks next finds it.
        CO_RETURN_IF_ERROR((co_await node_.router().locate(key, {})).status());
        break;
      }
      if (attempt == kTries) {
        co_return response.outcome == range::Outcome::kError
            ? response.error
            : unavailable("the split did not happen");
      }
      CO_RETURN_IF_ERROR(
          co_await runtime::sleep_for(*node_.env().executor, std::chrono::milliseconds(100)));
    }
  }
  co_return Status();
}

}  // namespace quorate::server
