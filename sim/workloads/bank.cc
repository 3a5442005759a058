#include "sim/workloads/bank.h"

#include <fmt/format.h>

#include <algorithm>

namespace quorate::sim {

using runtime::Random;
using runtime::Task;
using server::KvNode;

namespace {
int64_t balance_of(BytesView value) { return std::atoll(std::string(value).c_str()); }

std::string tell(const std::map<Bytes, Bytes>& accounts) {
  std::string out;
  int64_t total = 0;
  for (const auto& [key, value] : accounts) {
    total += balance_of(value);
    out += fmt::format(" {}", balance_of(value));
  }
  return fmt::format("{} in all:{}", total, out);
}
}  // namespace

Bank::Bank(Random random)
    : Workload(random),
      accounts_(4 + random.below(20)),
      padding_(random.below(200)),
      lock_chance_(random.chance(0.5) ? 0.8 : 0.2) {}

Bytes Bank::encode_balance(int64_t balance) const {
  return std::to_string(balance) + Bytes(padding_, ' ');
}

Task<Status> Bank::setup(KvNode* node) {
  std::map<Bytes, Bytes> rows;
  for (uint64_t i = 0; i < accounts_; ++i) rows[sim_row(kAccounts, i)] = encode_balance(kEach);
  co_return co_await insert_rows(node, std::move(rows));
}

Bytes Bank::split_key(Random& random) const {
  if (random.chance(0.7)) return sim_row(kAccounts, 1 + random.below(accounts_));
  return sim_row(kReceipts, random.below(transfers_.size() + 1));
}

Task<void> Bank::operate(KvNode* node, Random* random) {
  if (random->chance(0.25)) {
    co_await run_snapshot(node, random);
  } else {
    co_await run_transfer(node, random);
  }
}

Task<void> Bank::run_transfer(KvNode* node, Random* random) {
  const uint64_t number = transfers_.size();
  Transfer t;
  t.from = random->below(accounts_);
  t.to = (t.from + 1 + random->below(accounts_ - 1)) % accounts_;
  t.amount = static_cast<int64_t>(1 + random->below(50));
  transfers_.push_back(t);
  const bool lock = random->chance(lock_chance_);
  const Trail trail = this->trail(node, [&] { return fmt::format("transfer {}", number); });
  std::unique_ptr<txn::Transaction> txn = node->txn().begin({});
  const runtime::CancelToken none;
  Status done = co_await txn->admit(none);
  for (;;) {
    done = co_await transfer(node, random, txn.get(), number, lock, trail);
    const bool again = co_await try_again(txn.get(), done);
    if (!again) break;
    trail.step([&] { return "again: " + done.to_string(); });
  }
  trail.end(done);
  count(node->env(), done, "transfer", number);
  if (done.ok()) {
    transfers_[number].fate = Transfer::Fate::kDone;
  } else if (done.code() != StatusCode::kAmbiguous) {
    transfers_[number].fate = Transfer::Fate::kFailed;
    co_await txn->rollback();
  }
}

Task<Status> Bank::transfer(KvNode* node, Random* random, txn::Transaction* txn, uint64_t number,
                            bool lock, Trail trail) {
  const Transfer t = transfers_[number];
  trail.step([&] {
    return fmt::format("{} balances of {} and {}", lock ? "lock" : "read", t.from, t.to);
  });
  txn->begin_statement();
  txn::ReadOptions options;
  if (lock) options.lock = txn::LockMode::kExclusive;
  std::vector<Bytes> keys{sim_row(kAccounts, t.from), sim_row(kAccounts, t.to)};
  Result<range::RowSet> read = co_await read_rows(txn, keys, options);
  if (!read.ok()) co_return read.status();
  if (!read->present(0) || !read->present(1)) {
    violated(fmt::format("transfer {} does not find its accounts", number));
    trail.wrong();
    co_return internal_error("an account is missing");
  }
  const int64_t from = balance_of(read->value(0)), to = balance_of(read->value(1));
  trail.done([&] { return fmt::format("{} and {}", from, to); });
  if (from < t.amount) co_return invalid_argument("not enough money");
  co_await think(node, random);
  txn->begin_statement();
  std::vector<Bytes> receipt{sim_row(kReceipts, number)};
  Result<range::RowSet> absent = co_await read_rows(txn, receipt, {});
  if (!absent.ok()) co_return absent.status();
  if (absent->present(0)) {
    violated(fmt::format("transfer {} finds its own receipt", number));
    trail.wrong();
    co_return internal_error("a transfer ran twice");
  }
  CO_RETURN_IF_ERROR(
      txn->put(keys[0], encode_balance(from - t.amount), range::kAllColumns, read->ts(0)));
  CO_RETURN_IF_ERROR(
      txn->put(keys[1], encode_balance(to + t.amount), range::kAllColumns, read->ts(1)));
  CO_RETURN_IF_ERROR(txn->put(receipt[0], std::to_string(t.amount) + Bytes(padding_, ' '),
                              range::kAllColumns, absent->ts(0)));
  co_await think(node, random);
  trail.step([&] {
    return fmt::format("write {} and {}, and the receipt; commit", from - t.amount, to + t.amount);
  });
  const Status committed = co_await txn->commit();
  trail.done([&] { return committed.ok() ? std::string("committed") : committed.to_string(); });
  co_return committed;
}

Task<void> Bank::run_snapshot(KvNode* node, Random* random) {
  const Trail trail = this->trail(node, [] { return std::string("snapshot"); });
  const txn::TxnOptions options = perhaps_past(node, random);
  if (options.as_of && random->chance(0.5))
    co_return co_await run_past_of_one(node, random, options);
  Look wanted{"a snapshot", "scan all accounts", options, {}, {}, {}};
  wanted.read = [](txn::Transaction* txn) { return scan_rows(txn, sim_table(kAccounts)); };
  wanted.judge = [this](const Rows& rows) { return judge_total(rows); };
  wanted.tell = [](const Rows& rows) { return tell(rows); };
  co_await look(node, trail, std::move(wanted));
}

// All are there from the beginning on. Of all at once some range or other may refuse its past,
// which hides what another one tells that should have refused too.
Task<void> Bank::run_past_of_one(KvNode* node, Random* random, txn::TxnOptions options) {
  const uint64_t account = random->below(accounts_);
  const Trail trail = this->trail(node, [&] { return fmt::format("past of {}", account); });
  std::unique_ptr<txn::Transaction> txn = node->txn().begin(options);
  txn->begin_statement();
  std::vector<Bytes> keys{sim_row(kAccounts, account)};
  Result<range::RowSet> row = co_await read_rows(txn.get(), keys, {});
  if (row.ok() && !row->present(0) && violation().empty()) {
    violated(fmt::format("a snapshot at {} on n{}: account {} is absent",
                         txn->read_timestamp().to_string(), node->id().value, account));
    trail.wrong();
  }
  trail.end(row.status());
  count(node->env(), row.status(), "a snapshot", 0);
  co_await txn->rollback();
}

std::string Bank::judge_total(const std::map<Bytes, Bytes>& accounts) const {
  if (accounts.size() != accounts_)
    return fmt::format("{} accounts of {}", accounts.size(), accounts_);
  int64_t total = 0;
  for (const auto& [key, value] : accounts) {
    const int64_t balance = balance_of(value);
    if (balance < 0) return fmt::format("an account holds {}", balance);
    total += balance;
  }
  const int64_t wanted = kEach * static_cast<int64_t>(accounts_);
  return total == wanted ? "" : fmt::format("the total is {} and not {}", total, wanted);
}

std::string Bank::judge_receipts(const std::map<Bytes, Bytes>& accounts,
                                 const std::map<Bytes, Bytes>& receipts) const {
  std::vector<int64_t> balances(accounts_, kEach);
  for (uint64_t n = 0; n < transfers_.size(); ++n) {
    const Transfer& t = transfers_[n];
    const bool there = receipts.contains(sim_row(kReceipts, n));
    if (t.fate == Transfer::Fate::kDone && !there)
      return fmt::format("transfer {} was acknowledged and is lost", n);
    if (t.fate == Transfer::Fate::kFailed && there)
      return fmt::format("transfer {} failed and is there", n);
    if (!there) continue;
    balances[t.from] -= t.amount;
    balances[t.to] += t.amount;
  }
  for (uint64_t i = 0; i < accounts_; ++i) {
    auto row = accounts.find(sim_row(kAccounts, i));
    const int64_t is = row == accounts.end() ? 0 : balance_of(row->second);
    if (is != balances[i])
      return fmt::format("account {} holds {}, its receipts make {}", i, is, balances[i]);
  }
  return {};
}

Task<Result<std::string>> Bank::check(KvNode* node) {
  if (!violation().empty()) co_return violation();
  KeySpan both{sim_table(kAccounts).start, sim_table(kReceipts).end};
  CO_ASSIGN_OR_RETURN(auto rows, co_await read_all(node, both));
  auto border = rows.lower_bound(sim_table(kReceipts).start);
  std::map<Bytes, Bytes> accounts(rows.begin(), border), receipts(border, rows.end());
  std::string wrong = judge_total(accounts);
  if (wrong.empty()) wrong = judge_receipts(accounts, receipts);
  co_return wrong;
}

}  // namespace quorate::sim
