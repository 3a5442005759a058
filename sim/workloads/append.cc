#include "sim/workloads/append.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/workloads/list_story.h"

namespace quorate::sim {

using runtime::Random;
using runtime::Task;
using server::KvNode;
using Fate = txn::HistoryTxn::Fate;

Append::Append(Random random)
    : Workload(random),
      keys_(random.chance(0.7) ? 3 + random.below(8) : 20 + random.below(60)),
      lock_chance_(random.chance(0.5) ? 0.7 : 0.1) {}

Task<Status> Append::setup(KvNode*) { co_return Status(); }

Bytes Append::split_key(Random& random) const { return sim_row(kTable, 1 + random.below(keys_)); }

std::vector<Append::Op> Append::draw(Random& random) const {
  std::vector<Op> ops(1 + random.below(6));
  for (Op& op : ops) {
    const uint64_t dice = random.below(10);
    op.append = dice >= 5;
    op.scan = dice < 2;
    op.lock = random.chance(lock_chance_);
    op.reverse = random.chance(0.5);
    op.first = random.below(keys_);
    op.last = op.scan ? op.first + random.below(keys_ - op.first) : op.first;
  }
  return ops;
}

Task<void> Append::operate(KvNode* node, Random* random) {
  std::vector<Op> ops = draw(*random);
  const uint32_t number = history_.begin(node->env().executor->now()).number;
  std::unique_ptr<txn::Transaction> txn = node->txn().begin({});
  const Trail trail = this->trail(node, [&] { return transaction_name(number); });
  const runtime::CancelToken none;
  Status done = co_await txn->admit(none);
  for (;;) {
    done = co_await attempt(node, random, txn.get(), ops, number, trail);
    const bool again = co_await try_again(txn.get(), done);
    if (!again) break;
    trail.step([&] { return "again: " + done.to_string(); });
  }
  trail.end(done);
  count(node->env(), done, "transaction", number);
  txn::HistoryTxn& h = history_.at(number);
  h.ended = node->env().executor->now();
  h.fate = done.ok()                               ? Fate::kCommitted
           : done.code() == StatusCode::kAmbiguous ? Fate::kUnknown
                                                   : Fate::kFailed;
  if (h.fate == Fate::kFailed) co_await txn->rollback();
}

Task<Status> Append::attempt(KvNode* node, Random* random, txn::Transaction* txn,
                             std::vector<Op> ops, uint32_t number, Trail trail) {
  history_.at(number).reads.clear();
  history_.at(number).appends.clear();
  std::set<Bytes> written;
  for (const Op& op : ops) {
    txn->begin_statement();
    Status done;
    if (op.scan) {
      trail.step([&] { return fmt::format("scan k{} to k{}", op.first, op.last); });
      done = co_await run_scan(txn, op, number, written, trail);
    } else {
      trail.step([&] {
        if (!op.append) return fmt::format("read k{}", op.first);
        return fmt::format("{}append {} to k{}", op.lock ? "lock and " : "", number, op.first);
      });
      done = co_await run_point(txn, op, number, &written, trail);
    }
    if (!done.ok()) trail.done([&] { return done.to_string(); });
    if (!done.ok()) co_return done;
    co_await think(node, random);
  }
  trail.step([] { return std::string("commit"); });
  const Status committed = co_await txn->commit();
  trail.done([&] { return committed.ok() ? std::string("committed") : committed.to_string(); });
  co_return committed;
}

Task<Status> Append::run_scan(txn::Transaction* txn, Op op, uint32_t number,
                              std::set<Bytes> written, Trail trail) {
  txn::ScanOptions options;
  options.span = {sim_row(kTable, op.first), key_successor(sim_row(kTable, op.last))};
  options.reverse = op.reverse;
  options.rows_max = 2;
  std::map<Bytes, Bytes> rows;
  while (!options.span.empty()) {
    KeySpan rest;
    range::RowSet in_place;
    Result<range::RowSet> got(std::move(in_place));
    if (!txn->try_scan(options, &rest, &*got)) got = co_await txn->scan(options, &rest);
    if (!got.ok()) co_return got.status();
    for (size_t i = 0; i < got->size(); ++i) rows[Bytes(got->key(i))] = Bytes(got->value(i));
    options.span = rest;
  }
  trail.done([&] {
    std::string out;
    for (const auto& [key, value] : rows)
      out += fmt::format("{}{} = {}", out.empty() ? "" : ", ", list_name(key),
                         tell_list(txn::decode_list(value)));
    return out.empty() ? std::string("no rows") : out;
  });
  for (uint64_t k = op.first; k <= op.last; ++k) {
    const Bytes key = sim_row(kTable, k);
    if (!written.contains(key)) history_.at(number).reads.emplace(key, txn::decode_list(rows[key]));
  }
  co_return Status();
}

Task<Status> Append::run_point(txn::Transaction* txn, Op op, uint32_t number,
                               std::set<Bytes>* written, Trail trail) {
  const Bytes key = sim_row(kTable, op.first);
  std::vector<Bytes> keys{key};
  txn::ReadOptions options;
  if (op.append && op.lock) options.lock = txn::LockMode::kExclusive;
  Result<range::RowSet> got = co_await read_rows(txn, keys, options);
  if (!got.ok()) co_return got.status();
  txn::List list = txn::decode_list(got->present(0) ? got->value(0) : BytesView());
  trail.done([&] { return (op.append ? "it was " : "") + tell_list(list); });
  if (!written->contains(key)) history_.at(number).reads.emplace(key, list);
  if (!op.append || (!list.empty() && list.back() == number)) co_return Status();
  list.push_back(number);
  CO_RETURN_IF_ERROR(txn->put(key, txn::encode_list(list), range::kAllColumns, got->ts(0)));
  if (written->insert(key).second) history_.at(number).appends.push_back(key);
  co_return Status();
}

Task<Result<std::string>> Append::check(KvNode* node) {
  CO_ASSIGN_OR_RETURN(auto rows, co_await read_all(node, sim_table(kTable)));
  std::map<Bytes, txn::List> last;
  for (const auto& [key, value] : rows) last[key] = txn::decode_list(value);
  std::string wrong = history_.judge(last, txn::Level::kSerializable, real_time());
  if (!wrong.empty() && log() != nullptr) {
    std::vector<EventLog::Edge> edges;
    for (const txn::Dependency& d :
         txn::find_cycle(history_, last, txn::Level::kSerializable, real_time()))
      edges.push_back(tell_dependency(d));
    log()->set_anomaly(std::move(edges));
  }
  co_return wrong;
}

}  // namespace quorate::sim
