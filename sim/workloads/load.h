// Transactions that outgrow their buffer, so that they write sorted runs: some write one value to
// every row of a table (so that every snapshot finds all rows equal), some load rows of their own
// (so that all of them are there, or none). With savepoints that undo what was sent.
#pragma once

#include "sim/workload.h"

namespace quorate::sim {

class Load : public Workload {
 public:
  explicit Load(runtime::Random random);
  std::string_view name() const override { return "load"; }
  runtime::Task<Status> setup(server::KvNode* node) override;
  runtime::Task<Result<std::string>> check(server::KvNode* node) override;
  Bytes split_key(runtime::Random& random) const override;

 protected:
  runtime::Task<void> operate(server::KvNode* node, runtime::Random* random) override;

 private:
  enum class Fate : uint8_t { kOpen, kDone, kFailed };
  static constexpr uint64_t kEqual = 110, kLoads = 111;
  static constexpr uint64_t kRowsOfLoad = 12;
  runtime::Task<Status> overwrite(txn::Transaction* txn, uint64_t number, uint64_t undone_rows);
  runtime::Task<Status> load(txn::Transaction* txn, uint64_t number, bool backwards);
  runtime::Task<void> run_snapshot(server::KvNode* node, runtime::Random* random);
  std::string judge(const std::map<Bytes, Bytes>& rows, bool last) const;

  uint64_t rows_;
  size_t padding_;
  std::vector<Fate> loads_;
  uint64_t overwrites_ = 0;
};

}  // namespace quorate::sim
