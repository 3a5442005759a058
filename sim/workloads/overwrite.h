// Groups of rows that are written all at once, or all deleted, by transactions that read nothing:
// whoever commits later has written the whole group later, so that every snapshot finds its rows
// equal, or none. Nothing but the rules of commitment itself keeps a write from coming twice: no
// version that it was made from, no read that must still hold. Some lock a row first that nobody
// writes: what has been read there only moves their commit.
//
// A group shows what somebody wrote who did not fail, and, while clocks keep their bound, nobody
// who had ended before another began that had ended before the look.
#pragma once

#include "sim/workload.h"

namespace quorate::sim {

class Overwrite : public Workload {
 public:
  explicit Overwrite(runtime::Random random);
  std::string_view name() const override { return "overwrite"; }
  runtime::Task<Status> setup(server::KvNode* node) override;
  runtime::Task<Result<std::string>> check(server::KvNode* node) override;
  Bytes split_key(runtime::Random& random) const override;

 protected:
  runtime::Task<void> operate(server::KvNode* node, runtime::Random* random) override;

 private:
  enum class Fate : uint8_t { kOpen, kDone, kFailed };
  struct Write {
    bool deletes = false;
    runtime::Instant began, ended = runtime::Instant::never();  // ended: where it is known
    Fate fate = Fate::kOpen;
  };
  using Group = std::vector<Write>;
  static constexpr uint64_t kTable = 130, kGates = 131, kRowsMax = 8;
  runtime::Task<void> write(server::KvNode* node, runtime::Random* random);
  runtime::Task<void> look_at_one(server::KvNode* node, runtime::Random* random);
  runtime::Task<Status> write_all(txn::Transaction* txn, uint64_t group, uint64_t number,
                                  bool locks);
  KeySpan span_of(uint64_t group) const;
  // `since`: when the look began; nothing where it was of the past.
  std::string judge(uint64_t group, const std::map<Bytes, Bytes>& rows,
                    std::optional<runtime::Instant> since) const;

  uint64_t rows_;
  double delete_chance_, look_chance_, lock_chance_;
  std::vector<Group> groups_;
};

}  // namespace quorate::sim
