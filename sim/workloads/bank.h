// Transfers between accounts over several ranges, each with a receipt of its own. At every snapshot
// the total is what it was in the beginning, no account is below zero, and in the end exactly the
// receipts of the acknowledged transfers are there (and perhaps some of unknown outcome), and the
// balances are what these receipts make them.
#pragma once

#include <map>

#include "sim/workload.h"

namespace quorate::sim {

class Bank : public Workload {
 public:
  explicit Bank(runtime::Random random);
  std::string_view name() const override { return "bank"; }
  runtime::Task<Status> setup(server::KvNode* node) override;
  runtime::Task<Result<std::string>> check(server::KvNode* node) override;
  Bytes split_key(runtime::Random& random) const override;

 protected:
  runtime::Task<void> operate(server::KvNode* node, runtime::Random* random) override;

 private:
  struct Transfer {
    enum class Fate : uint8_t { kOpen, kDone, kFailed } fate = Fate::kOpen;
    uint64_t from = 0, to = 0;
    int64_t amount = 0;
  };
  static constexpr uint64_t kAccounts = 100, kReceipts = 101;
  static constexpr int64_t kEach = 1000;
  Bytes encode_balance(int64_t balance) const;
  runtime::Task<Status> transfer(server::KvNode* node, runtime::Random* random,
                                 txn::Transaction* txn, uint64_t number, bool lock, Trail trail);
  runtime::Task<void> run_transfer(server::KvNode* node, runtime::Random* random);
  runtime::Task<void> run_snapshot(server::KvNode* node, runtime::Random* random);
  runtime::Task<void> run_past_of_one(server::KvNode* node, runtime::Random* random,
                                      txn::TxnOptions options);
  std::string judge_total(const std::map<Bytes, Bytes>& accounts) const;
  std::string judge_receipts(const std::map<Bytes, Bytes>& accounts,
                             const std::map<Bytes, Bytes>& receipts) const;

  uint64_t accounts_;
  size_t padding_;
  double lock_chance_;
  std::vector<Transfer> transfers_;
};

}  // namespace quorate::sim
