// Single keys that are read and swapped for values never used before. Each swap tells what it
// replaced, so the order of all swaps of a key is known, and every operation has its place in it:
// checkers/swap_register judges that as a linearizable register.
#pragma once

#include "sim/checkers/swap_register.h"
#include "sim/workload.h"

namespace quorate::sim {

class Register : public Workload {
 public:
  explicit Register(runtime::Random random);
  std::string_view name() const override { return "register"; }
  runtime::Task<Status> setup(server::KvNode* node) override;
  runtime::Task<Result<std::string>> check(server::KvNode* node) override;
  Bytes split_key(runtime::Random& random) const override;

 protected:
  runtime::Task<void> operate(server::KvNode* node, runtime::Random* random) override;

 private:
  static constexpr uint64_t kTable = 110;
  runtime::Task<Status> attempt(server::KvNode* node, runtime::Random* random,
                                txn::Transaction* txn, size_t op, bool lock, Trail trail);
  bool read_alone(server::KvNode* node, size_t op);

  uint64_t keys_;
  double swap_chance_;
  uint64_t next_value_ = 1;
  std::vector<RegisterOp> ops_;
};

}  // namespace quorate::sim
