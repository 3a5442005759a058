#include "sim/workloads/register.h"

#include <fmt/format.h>

namespace quorate::sim {

namespace {
uint64_t value_of(const range::RowSet& rows) {
  return rows.present(0) ? std::strtoull(Bytes(rows.value(0)).c_str(), nullptr, 10) : ~uint64_t{0};
}
}  // namespace

using runtime::Random;
using runtime::Task;
using server::KvNode;

Register::Register(Random random)
    : Workload(random), keys_(2 + random.below(6)), swap_chance_(random.chance(0.5) ? 0.5 : 0.2) {}

Task<Status> Register::setup(KvNode* node) {
  std::map<Bytes, Bytes> rows;
  for (uint64_t i = 0; i < keys_; ++i) rows[sim_row(kTable, i)] = "0";
  co_return co_await insert_rows(node, std::move(rows));
}

Bytes Register::split_key(Random& random) const { return sim_row(kTable, 1 + random.below(keys_)); }

Task<void> Register::operate(KvNode* node, Random* random) {
  const size_t number = ops_.size();
  RegisterOp op;
  op.key = random->below(keys_);
  op.swap = random->chance(swap_chance_);
  if (op.swap) op.written = next_value_++;
  op.began = node->env().executor->now();
  ops_.push_back(op);
  const bool lock = op.swap && random->chance(0.5);
  if (!op.swap && random->chance(0.5) && read_alone(node, number)) co_return;
  const Trail trail = this->trail(node, [&] {
    return op.swap ? fmt::format("swap of {} for {}", op.key, op.written)
                   : fmt::format("read of {}", op.key);
  });
  std::unique_ptr<txn::Transaction> txn = node->txn().begin({});
  Status done;
  for (;;) {
    ops_[number].read.reset();
    done = co_await attempt(node, random, txn.get(), number, lock, trail);
    const bool again = co_await try_again(txn.get(), done);
    if (!again) break;
    trail.step([&] { return "again: " + done.to_string(); });
  }
  trail.end(done);
  count(node->env(), done, op.swap ? "swap for" : "read", op.swap ? op.written : op.key);
  if (done.ok()) {
    ops_[number].fate = RegisterOp::Fate::kDone;
    ops_[number].ended = node->env().executor->now();
  } else if (done.code() != StatusCode::kAmbiguous) {
    ops_[number].fate = RegisterOp::Fate::kFailed;
    co_await txn->rollback();
  }
}

// A transaction of this one read, in place. False: it has not happened.
bool Register::read_alone(KvNode* node, size_t number) {
  std::vector<Bytes> keys{sim_row(kTable, ops_[number].key)};
  range::RowSet rows;
  if (!node->txn().try_get(keys, range::kAllColumns, &rows)) return false;
  ops_[number].read = value_of(rows);
  ops_[number].fate = RegisterOp::Fate::kDone;
  ops_[number].ended = node->env().executor->now();
  count(node->env(), Status(), "read alone", ops_[number].key);
  const Trail trail =
      this->trail(node, [&] { return fmt::format("read of {}", ops_[number].key); });
  trail.step([] { return std::string("read in place"); });
  trail.done([&] { return fmt::format("{}", *ops_[number].read); });
  trail.end(Status());
  return true;
}

Task<Status> Register::attempt(KvNode* node, Random* random, txn::Transaction* txn, size_t number,
                               bool lock, Trail trail) {
  const RegisterOp op = ops_[number];
  trail.step([&] { return fmt::format("{} register {}", lock ? "lock" : "read", op.key); });
  txn->begin_statement();
  txn::ReadOptions options;
  if (lock) options.lock = txn::LockMode::kExclusive;
  std::vector<Bytes> keys{sim_row(kTable, op.key)};
  Result<range::RowSet> read = co_await read_rows(txn, keys, options);
  if (!read.ok()) co_return read.status();
  ops_[number].read = value_of(*read);
  trail.done([&] { return fmt::format("{}", *ops_[number].read); });
  co_await think(node, random);
  if (op.swap) {
    CO_RETURN_IF_ERROR(
        txn->put(keys[0], std::to_string(op.written), range::kAllColumns, read->ts(0)));
  }
  trail.step([&] {
    return op.swap ? fmt::format("write {}; commit", op.written) : std::string("commit");
  });
  const Status committed = co_await txn->commit();
  trail.done([&] { return committed.ok() ? std::string("committed") : committed.to_string(); });
  co_return committed;
}

Task<Result<std::string>> Register::check(KvNode* node) {
  CO_ASSIGN_OR_RETURN(auto rows, co_await read_all(node, sim_table(kTable)));
  for (uint64_t key = 0; key < keys_; ++key) {
    auto row = rows.find(sim_row(kTable, key));
    if (row == rows.end()) co_return fmt::format("register {} is gone", key);
    std::vector<RegisterOp> ops;
    for (const RegisterOp& op : ops_) {
      if (op.key == key) ops.push_back(op);
    }
    std::string wrong =
        judge_register(ops, std::strtoull(row->second.c_str(), nullptr, 10), real_time());
    if (!wrong.empty()) co_return fmt::format("register {}: {}", key, wrong);
  }
  co_return std::string();
}

}  // namespace quorate::sim
