#include "sim/workload.h"

#include <fmt/format.h>

#include "range/keys.h"
#include "runtime/sync.h"
#include "sim/workloads/append.h"
#include "sim/workloads/bank.h"
#include "sim/workloads/load.h"
#include "sim/workloads/overwrite.h"
#include "sim/workloads/register.h"

namespace quorate::sim {

using runtime::Random;
using runtime::Task;
using server::KvNode;

namespace {
constexpr int kTriesMax = 60;
constexpr auto kPauseMax = std::chrono::milliseconds(60);
}  // namespace

Workload::Workload(Random& random) {
  if (random.chance(0.5)) return;
  think_chance_ = 0.02 + 0.01 * static_cast<double>(random.below(40));
  think_most_ = std::chrono::milliseconds(10 << random.below(8));
}

int Workload::host_of(KvNode* node) {
  return log_->host(node == nullptr ? "clients" : runtime::sim_host_of(node->options().address));
}

Task<void> Workload::think(KvNode* node, Random* random) {
  if (!random->chance(think_chance_)) co_return;
  const runtime::Duration pause(random->between(0, think_most_.count()));
  runtime::Env& env = node == nullptr ? *env_ : node->env();
  (void)co_await runtime::sleep_for(*env.executor, pause);
}

txn::TxnOptions Workload::perhaps_past(KvNode* node, Random* random) const {
  txn::TxnOptions options;
  if (!random->chance(0.4)) return options;
  const Timestamp then = node->clock().peek().add_micros(-random->between(0, 8'000'000));
  if (then > past_from_) options.as_of = then;
  return options;
}

Task<void> Workload::session(KvNode* node, uint64_t seed) {
  struct Running {
    size_t& sessions;
    explicit Running(size_t& s) : sessions(s) { ++sessions; }
    ~Running() { --sessions; }
  } running(sessions_);
  Random random(seed);
  co_await serve(node, &random);
}

Task<void> Workload::serve(KvNode* node, Random* random) {
  while (!stopped_) {
    co_await operate(node, random);
    const runtime::Duration pause(static_cast<int64_t>(
        random->below(static_cast<uint64_t>(runtime::Duration(kPauseMax).count()))));
    if (!(co_await runtime::sleep_for(*node->env().executor, pause)).ok()) co_return;
  }
}

Task<void> Workload::look(KvNode* node, Trail trail, Look wanted) {
  std::unique_ptr<txn::Transaction> txn = node->txn().begin(wanted.options);
  Status done;
  for (;;) {
    txn->begin_statement();
    trail.step([&] { return std::string(wanted.step); });
    Result<Rows> rows = co_await wanted.read(txn.get());
    done = rows.status();
    trail.done([&] { return rows.ok() ? wanted.tell(*rows) : done.to_string(); });
    if (done.ok()) done = co_await txn->commit();
    if (done.ok()) {
      const std::string wrong = wanted.judge(*rows);
      if (!wrong.empty() && violation_.empty()) {
        violated(fmt::format("a snapshot at {} on n{}: {}", txn->read_timestamp().to_string(),
                             node->id().value, wrong));
        trail.wrong();
      }
    }
    const bool again = co_await try_again(txn.get(), done);
    if (!again) break;
  }
  trail.end(done);
  count(node->env(), done, wanted.what, 0);
  if (!done.ok()) co_await txn->rollback();
}

void Workload::count(runtime::Env& env, const Status& outcome, std::string_view what,
                     uint64_t number) {
  if (outcome.ok()) {
    ++counts_.committed;
    return;
  }
  ++(outcome.code() == StatusCode::kAmbiguous ? counts_.unknown : counts_.failed);
  env.log.info("{} {} fails: {}", what, number, outcome.to_string());
}

Bytes sim_row(uint64_t table, uint64_t n) {
  Bytes key = range::keys::index_prefix(TableId(table), IndexId(1));
  for (int shift = 24; shift >= 0; shift -= 8) key.push_back(static_cast<char>(n >> shift));
  return key;
}

KeySpan sim_table(uint64_t table) {
  Bytes start = range::keys::index_prefix(TableId(table), IndexId(1));
  return {start, prefix_successor(start)};
}

Task<Result<range::RowSet>> read_rows(txn::Transaction* txn, std::vector<Bytes> keys,
                                      txn::ReadOptions options) {
  range::RowSet rows;
  if (txn->try_get(keys, options, &rows)) co_return std::move(rows);
  co_return co_await txn->get(std::move(keys), options);
}

Task<Result<std::map<Bytes, Bytes>>> scan_rows(txn::Transaction* txn, KeySpan span) {
  std::map<Bytes, Bytes> rows;
  txn::ScanOptions options;
  options.span = span;
  while (!options.span.empty()) {
    KeySpan rest;
    Result<range::RowSet> got = co_await txn->scan(options, &rest);
    if (!got.ok()) co_return got.status();
    for (size_t i = 0; i < got->size(); ++i) rows[Bytes(got->key(i))] = Bytes(got->value(i));
    options.span = rest;
  }
  co_return std::move(rows);
}

Task<Result<std::map<Bytes, Bytes>>> read_all(KvNode* node, KeySpan span) {
  Status failure;
  for (int n = 0; n < kTriesMax; ++n) {
    std::unique_ptr<txn::Transaction> txn = node->txn().begin({});
    txn->begin_statement();
    Result<std::map<Bytes, Bytes>> rows = co_await scan_rows(txn.get(), span);
    failure = rows.status();
    if (failure.ok()) failure = co_await txn->commit();
    if (failure.ok()) co_return std::move(rows);
    node->env().log.info("a final read is tried again: {}", failure.to_string());
    co_await txn->rollback();
    CO_RETURN_IF_ERROR(
        co_await runtime::sleep_for(*node->env().executor, std::chrono::milliseconds(200)));
  }
  co_return failure;
}

namespace {
Task<Status> insert_row(KvNode* node, Bytes key, Bytes value) {
  std::unique_ptr<txn::Transaction> txn = node->txn().begin({});
  txn->begin_statement();
  std::vector<Bytes> keys{key};
  Result<range::RowSet> read = co_await txn->get(keys, {});
  if (!read.ok()) co_return read.status();
  if (read->present(0)) co_return Status();
  CO_RETURN_IF_ERROR(txn->put(key, value, range::kAllColumns, read->ts(0)));
  co_return co_await txn->commit();
}
}  // namespace

Task<Status> insert_rows(KvNode* node, std::map<Bytes, Bytes> rows) {
  for (const auto& [key, value] : rows) {
    Status done;
    for (int n = 0; n < kTriesMax; ++n) {
      done = co_await insert_row(node, key, value);
      if (done.ok()) break;
    }
    if (!done.ok()) co_return done;
  }
  co_return Status();
}

Task<bool> try_again(txn::Transaction* txn, Status failure) {
  if (failure.ok() || !txn->can_restart(failure)) co_return false;
  Status restarted = co_await txn->restart();
  co_return restarted.ok();
}

namespace {
template <class W>
std::unique_ptr<Workload> make(Random random) {
  return std::make_unique<W>(std::move(random));
}
constexpr WorkloadKind kKinds[] = {{"bank", make<Bank>},
                                   {"register", make<Register>},
                                   {"append", make<Append>},
                                   {"load", make<Load>},
                                   {"overwrite", make<Overwrite>}};
}  // namespace

std::span<const WorkloadKind> workload_kinds() { return kKinds; }

}  // namespace quorate::sim
