#include "sim/workloads/load.h"

#include <fmt/format.h>

namespace quorate::sim {

using runtime::Random;
using runtime::Task;
using server::KvNode;

Load::Load(Random random)
    : Workload(random), rows_(10 + random.below(40)), padding_(random.below(100)) {}

Task<Status> Load::setup(KvNode*) { co_return Status(); }

Bytes Load::split_key(Random& random) const {
  if (random.chance(0.6)) return sim_row(kEqual, 1 + random.below(rows_));
  return sim_row(kLoads, random.below((loads_.size() + 1) * kRowsOfLoad));
}

Task<void> Load::operate(KvNode* node, Random* random) {
  const uint64_t dice = random->below(10);
  if (dice < 3) {
    co_await run_snapshot(node, random);
    co_return;
  }
  const bool loads = dice < 7;
  const bool gives_up = random->chance(0.1);
  // Some of them beyond all rows: those must never be there.
  const uint64_t undone = random->chance(0.3) ? 1 + random->below(2 * rows_) : 0;
  const uint64_t number = loads ? loads_.size() : ++overwrites_;
  if (loads) loads_.push_back(Fate::kOpen);
  const Trail trail =
      this->trail(node, [&] { return fmt::format("{} {}", loads ? "load" : "overwrite", number); });
  std::unique_ptr<txn::Transaction> txn = node->txn().begin({});
  Status done;
  for (;;) {
    trail.step([&] {
      return loads
                 ? fmt::format("{} rows of its own{}", kRowsOfLoad, undone > 0 ? ", backwards" : "")
                 : fmt::format("all {} rows anew, {} undone first", rows_, undone);
    });
    if (loads) {
      done = co_await load(txn.get(), number, undone > 0);
    } else {
      done = co_await overwrite(txn.get(), number, undone);
    }
    if (done.ok() && gives_up) done = aborted("given up");
    trail.done([&] { return done.ok() ? std::string("written") : done.to_string(); });
    if (done.ok()) {
      trail.step([] { return std::string("commit"); });
      done = co_await txn->commit();
      trail.done([&] { return done.ok() ? std::string("committed") : done.to_string(); });
    }
    const bool again = !gives_up && co_await try_again(txn.get(), done);
    if (!again) break;
  }
  trail.end(done);
  count(node->env(), done, loads ? "load" : "overwrite", number);
  const bool unknown = done.code() == StatusCode::kAmbiguous;
  if (loads && !unknown) loads_[number] = done.ok() ? Fate::kDone : Fate::kFailed;
  if (!done.ok()) co_await txn->rollback();
}

// Blind: whoever commits later has written all rows later.
Task<Status> Load::overwrite(txn::Transaction* txn, uint64_t number, uint64_t undone_rows) {
  txn->begin_statement();
  if (undone_rows > 0) {
    const uint64_t mark = txn->savepoint();
    for (uint64_t i = 0; i < undone_rows; ++i) {
      CO_RETURN_IF_ERROR(txn->put(sim_row(kEqual, i), "undone", range::kAllColumns, std::nullopt));
      CO_RETURN_IF_ERROR(co_await txn->relieve());
    }
    CO_RETURN_IF_ERROR(txn->rollback_to(mark));
    txn->release(mark);
    txn->begin_statement();
  }
  const Bytes value = std::to_string(number) + Bytes(padding_, ' ');
  for (uint64_t i = 0; i < rows_; ++i) {
    CO_RETURN_IF_ERROR(txn->put(sim_row(kEqual, i), value, range::kAllColumns, std::nullopt));
    CO_RETURN_IF_ERROR(co_await txn->relieve());
  }
  // What it has written it finds, wherever it lies.
  txn->begin_statement();
  CO_ASSIGN_OR_RETURN(auto rows, co_await scan_rows(txn, sim_table(kEqual)));
  bool right = rows.size() == rows_;
  for (const auto& [key, found] : rows) right = right && found == value;
  if (!right) violated(fmt::format("overwrite {} does not find its own rows", number));
  co_return Status();
}

Task<Status> Load::load(txn::Transaction* txn, uint64_t number, bool backwards) {
  txn->begin_statement();
  for (uint64_t i = 0; i < kRowsOfLoad; ++i) {
    const uint64_t row = number * kRowsOfLoad + (backwards ? kRowsOfLoad - 1 - i : i);
    CO_RETURN_IF_ERROR(txn->load(sim_row(kLoads, row), std::to_string(number), true));
    CO_RETURN_IF_ERROR(co_await txn->relieve());
  }
  co_return co_await txn->settle();
}

Task<void> Load::run_snapshot(KvNode* node, Random* random) {
  const Trail trail = this->trail(node, [] { return std::string("snapshot"); });
  Look wanted{"a snapshot", "scan everything", perhaps_past(node, random), {}, {}, {}};
  wanted.read = [](txn::Transaction* txn) {
    return scan_rows(txn, {sim_table(kEqual).start, sim_table(kLoads).end});
  };
  wanted.judge = [this](const Rows& rows) { return judge(rows, false); };
  wanted.tell = [](const Rows& rows) { return fmt::format("{} rows", rows.size()); };
  co_await look(node, trail, std::move(wanted));
}

std::string Load::judge(const std::map<Bytes, Bytes>& rows, bool last) const {
  const auto border = rows.lower_bound(sim_table(kLoads).start);
  uint64_t equal = 0;
  for (auto it = rows.begin(); it != border; ++it, ++equal) {
    if (it->second != rows.begin()->second)
      return fmt::format("one row has \"{}\" and another \"{}\"", rows.begin()->second, it->second);
  }
  if (equal != 0 && equal != rows_) return fmt::format("{} rows of {}", equal, rows_);
  std::vector<uint64_t> found(loads_.size());
  for (auto it = border; it != rows.end(); ++it) {
    const uint64_t number = std::stoull(it->second);
    if (number >= found.size()) return fmt::format("a row of load {} that was never", number);
    ++found[number];
  }
  for (uint64_t n = 0; n < found.size(); ++n) {
    if (found[n] != 0 && found[n] != kRowsOfLoad)
      return fmt::format("load {} has {} rows of {}", n, found[n], kRowsOfLoad);
    if (last && loads_[n] == Fate::kDone && found[n] == 0)
      return fmt::format("load {} was acknowledged and is lost", n);
    if (loads_[n] == Fate::kFailed && found[n] != 0)
      return fmt::format("load {} failed and is there", n);
  }
  return {};
}

Task<Result<std::string>> Load::check(KvNode* node) {
  if (!violation().empty()) co_return violation();
  KeySpan both{sim_table(kEqual).start, sim_table(kLoads).end};
  CO_ASSIGN_OR_RETURN(auto rows, co_await read_all(node, both));
  co_return judge(rows, true);
}

}  // namespace quorate::sim
