#include "sim/workloads/overwrite.h"

#include <fmt/format.h>

#include <algorithm>

namespace quorate::sim {

using runtime::Instant;
using runtime::Random;
using runtime::Task;
using server::KvNode;

Overwrite::Overwrite(Random random)
    : Workload(random),
      rows_(2 + random.below(kRowsMax - 2)),
      delete_chance_(0.1 * static_cast<double>(1 + random.below(5))),
      look_chance_(random.chance(0.5) ? 0.3 : 0.05),
      lock_chance_(random.chance(0.5) ? 0.5 : 0),
      groups_(uint64_t{1} << random.below(6)) {
  // What is there before anybody has written: nothing.
  for (Group& group : groups_) group.push_back({true, Instant(), Instant(), Fate::kDone});
}

Task<Status> Overwrite::setup(KvNode* node) {
  std::map<Bytes, Bytes> rows;
  for (uint64_t group = 0; group < groups_.size(); ++group) rows[sim_row(kGates, group)] = "gate";
  co_return co_await insert_rows(node, std::move(rows));
}

KeySpan Overwrite::span_of(uint64_t group) const {
  return {sim_row(kTable, group * kRowsMax), sim_row(kTable, (group + 1) * kRowsMax)};
}

Bytes Overwrite::split_key(Random& random) const {
  const uint64_t group = random.below(groups_.size());
  if (random.chance(0.1)) return sim_row(kGates, group);
  return sim_row(kTable, group * kRowsMax + random.below(rows_));
}

Task<void> Overwrite::operate(KvNode* node, Random* random) {
  if (random->chance(look_chance_))
    co_await look_at_one(node, random);
  else
    co_await write(node, random);
}

Task<void> Overwrite::write(KvNode* node, Random* random) {
  // Some groups are written seldom, so that what was deleted there is collected.
  const uint64_t among = 1 + random->below(groups_.size());
  const uint64_t group = random->below(among);
  const uint64_t number = groups_[group].size();
  Write w;
  w.deletes = random->chance(delete_chance_);
  const bool locks = random->chance(lock_chance_);
  w.began = node->env().executor->now();
  groups_[group].push_back(w);
  const Trail trail = this->trail(node, [&] {
    return fmt::format("{} {} of group {}", w.deletes ? "delete" : "write", number, group);
  });
  std::unique_ptr<txn::Transaction> txn = node->txn().begin({});
  Status done;
  for (;;) {
    trail.step([&] { return fmt::format("all {} rows; commit", rows_); });
    done = co_await write_all(txn.get(), group, number, locks);
    if (done.ok()) done = co_await txn->commit();
    trail.done([&] { return done.ok() ? std::string("committed") : done.to_string(); });
    const bool again = co_await try_again(txn.get(), done);
    if (!again) break;
  }
  trail.end(done);
  count(node->env(), done, w.deletes ? "delete" : "write", number);
  Write& ended = groups_[group][number];
  if (done.ok()) {
    ended.fate = Fate::kDone;
    ended.ended = node->env().executor->now();
  } else if (done.code() != StatusCode::kAmbiguous) {
    ended.fate = Fate::kFailed;
    co_await txn->rollback();
  }
}

Task<Status> Overwrite::write_all(txn::Transaction* txn, uint64_t group, uint64_t number,
                                  bool locks) {
  txn->begin_statement();
  if (locks) {
    txn::ReadOptions options;
    options.lock = txn::LockMode::kExclusive;
    std::vector<Bytes> gate{sim_row(kGates, group)};
    Result<range::RowSet> read = co_await read_rows(txn, std::move(gate), options);
    if (!read.ok()) co_return read.status();
    txn->begin_statement();
  }
  const Bytes value = std::to_string(number);
  for (uint64_t i = 0; i < rows_; ++i) {
    const Bytes key = sim_row(kTable, group * kRowsMax + i);
    if (groups_[group][number].deletes)
      CO_RETURN_IF_ERROR(txn->remove(key, std::nullopt));
    else
      CO_RETURN_IF_ERROR(txn->put(key, value, range::kAllColumns, std::nullopt));
  }
  co_return Status();
}

Task<void> Overwrite::look_at_one(KvNode* node, Random* random) {
  const uint64_t group = random->below(groups_.size());
  const Trail trail = this->trail(node, [&] { return fmt::format("look at group {}", group); });
  const txn::TxnOptions options = perhaps_past(node, random);
  std::optional<Instant> since;
  Look wanted{"a look", "scan its rows", options, {}, {}, {}};
  wanted.read = [this, node, group, options, &since](txn::Transaction* txn) -> Task<Result<Rows>> {
    since.reset();
    if (!options.as_of && real_time()) since = node->env().executor->now();
    std::vector<Bytes> gate{sim_row(kGates, group)};
    Result<range::RowSet> passed = co_await read_rows(txn, std::move(gate), {});
    Result<Rows> rows = co_await scan_rows(txn, span_of(group));
    if (!passed.ok()) co_return passed.status();
    co_return rows;
  };
  wanted.judge = [this, group, &since](const Rows& rows) { return judge(group, rows, since); };
  wanted.tell = [](const Rows& rows) { return fmt::format("{} rows", rows.size()); };
  co_await look(node, trail, std::move(wanted));
}

std::string Overwrite::judge(uint64_t group, const std::map<Bytes, Bytes>& rows,
                             std::optional<Instant> since) const {
  const Group& writes = groups_[group];
  for (const auto& [key, value] : rows) {
    if (value != rows.begin()->second)
      return fmt::format("group {}: one row has \"{}\" and another \"{}\"", group,
                         rows.begin()->second, value);
  }
  if (!rows.empty() && rows.size() != rows_)
    return fmt::format("group {}: {} rows of {}", group, rows.size(), rows_);
  // Whoever ended before this is written over.
  Instant over;
  for (const Write& w : writes) {
    if (since && w.fate == Fate::kDone && w.ended < *since) over = std::max(over, w.began);
  }
  if (!rows.empty()) {
    const uint64_t number = std::stoull(rows.begin()->second);
    if (number >= writes.size() || writes[number].deletes)
      return fmt::format("group {}: {} was never written", group, number);
    if (writes[number].fate == Fate::kFailed)
      return fmt::format("group {}: write {} failed and is there", group, number);
    if (writes[number].ended < over)
      return fmt::format("group {}: write {} is there, and a later one had ended", group, number);
    return {};
  }
  const bool may_be_empty = std::any_of(writes.begin(), writes.end(), [&](const Write& w) {
    return w.deletes && w.fate != Fate::kFailed && w.ended >= over;
  });
  return may_be_empty ? "" : fmt::format("group {}: its rows are lost", group);
}

Task<Result<std::string>> Overwrite::check(KvNode* node) {
  if (!violation().empty()) co_return violation();
  for (uint64_t group = 0; group < groups_.size(); ++group) {
    std::optional<Instant> since;
    if (real_time()) since = node->env().executor->now();
    CO_ASSIGN_OR_RETURN(auto rows, co_await read_all(node, span_of(group)));
    std::string wrong = judge(group, rows, since);
    if (!wrong.empty()) co_return wrong;
  }
  co_return std::string();
}

}  // namespace quorate::sim
