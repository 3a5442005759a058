// Transactions that read lists and append their own number to lists, over several keys and ranges
// at SERIALIZABLE: txn/testing/history judges whether one order explains all of it.
#pragma once

#include <set>

#include "sim/workload.h"
#include "txn/testing/history.h"

namespace quorate::sim {

class Append : public Workload {
 public:
  explicit Append(runtime::Random random);
  std::string_view name() const override { return "append"; }
  runtime::Task<Status> setup(server::KvNode* node) override;
  runtime::Task<Result<std::string>> check(server::KvNode* node) override;
  Bytes split_key(runtime::Random& random) const override;

 protected:
  runtime::Task<void> operate(server::KvNode* node, runtime::Random* random) override;

 private:
  struct Op {
    bool append = false, scan = false, lock = false, reverse = false;
    uint64_t first = 0, last = 0;
  };
  static constexpr uint64_t kTable = 120;
  std::vector<Op> draw(runtime::Random& random) const;
  runtime::Task<Status> attempt(server::KvNode* node, runtime::Random* random,
                                txn::Transaction* txn, std::vector<Op> ops, uint32_t number,
                                Trail trail);
  runtime::Task<Status> run_scan(txn::Transaction* txn, Op op, uint32_t number,
                                 std::set<Bytes> written, Trail trail);
  runtime::Task<Status> run_point(txn::Transaction* txn, Op op, uint32_t number,
                                  std::set<Bytes>* written, Trail trail);

  uint64_t keys_;
  double lock_chance_;
  txn::History history_;
};

}  // namespace quorate::sim
