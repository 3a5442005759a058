// A brute judge of serializability for small histories of lists (after Kingsbury and Alvaro,
// "Elle", 2020): transactions read lists and append their own number to lists, so the last state
// tells the order of all writes, and every read tells between which two of them it stands.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "runtime/executor.h"

namespace quorate::txn {

using List = std::vector<uint32_t>;
Bytes encode_list(const List& list);
List decode_list(BytesView bytes);

// What a history must not show, after Adya ("Weak consistency", 1999). Each level forbids what the
// one before it does.
enum class Level : uint8_t {
  kReadCommitted,  // G0, G1: nothing uncommitted is seen, no cycle of writes and what read them
  kSnapshot,       // G-SI: in each cycle two who were overwritten stand side by side
  kSerializable,   // G2: no cycle
};

struct HistoryTxn {
  enum class Fate : uint8_t { kOpen, kCommitted, kFailed, kUnknown } fate = Fate::kOpen;
  uint32_t number = 0;
  Level level = Level::kSerializable;  // that it asked for
  runtime::Instant began, ended;
  std::map<Bytes, List> reads;  // the first read of each key, before own writes
  std::vector<Bytes> appends;
};

class History {
 public:
  // A new transaction; its number is its place + 1.
  HistoryTxn& begin(runtime::Instant now);
  HistoryTxn& at(uint32_t number) { return txns_[number - 1]; }
  const HistoryTxn& at(uint32_t number) const { return txns_[number - 1]; }
  size_t size() const { return txns_.size(); }
  size_t count(HistoryTxn::Fate fate) const;
  // It committed, or its appends are there.
  bool happened(const HistoryTxn& t, const std::map<Bytes, List>& last) const;

  // Empty when all is well, else what is wrong:
  // - a committed append is not there once, a failed one is there, an unknown one is there in part;
  // - a read of a committed transaction is no beginning of the list;
  // - transactions depend on each other in a cycle that `level` forbids. Those that asked for
  //   SERIALIZABLE count as such also beside others: at kReadCommitted who wrote over what they
  //   read comes after them (Adya's mixed graph);
  // - a transaction did not see what was committed before it began (`real_time`).
  std::string judge(const std::map<Bytes, List>& last, Level level, bool real_time) const;

 private:
  std::string judge_appends(const std::map<Bytes, List>& last) const;
  std::string judge_reads(const std::map<Bytes, List>& last, bool real_time) const;
  std::string judge_order(const std::map<Bytes, List>& last, Level level) const;
  std::vector<HistoryTxn> txns_;
};

}  // namespace quorate::txn
