// Sequences' values: handed out from blocks that a node takes from the sequence's row.
//
// The row (sql/catalog/catalog_store.h, SequenceState) holds the last value that any node has
// taken; taking a block is a transaction of its own, so that nextval() of a transaction that rolls
// back leaves a gap and nobody waits for anybody's end. The first block of a sequence that has been
// quiet has one value (or the sequence's CACHE), so that small use counts 1, 2, 3 as in PostgreSQL;
// each further block within a second is twice as long, up to kBlockMax. A node that stops leaves a
// gap; values of different nodes interleave by blocks.
#pragma once

#include <map>
#include <optional>

#include "sql/catalog/catalog_store.h"
#include "txn/transaction.h"

namespace quorate::sql {

// The value after `state`, and how many of `*wanted` there are from it on; moves `state` to the
// last of them. 2200H at the end.
Result<int64_t> advance_sequence(const SequenceDescriptor& s, SequenceState* state,
                                 int64_t* wanted);

class SequenceCache {
 public:
  static constexpr int64_t kBlockMax = 256;

  explicit SequenceCache(txn::Client& client) : client_(client) {}
  SequenceCache(const SequenceCache&) = delete;

  // The next reserved value; nullopt: take a block first.
  std::optional<int64_t> next(const SequenceDescriptor& sequence);
  // 2200H where the sequence has come to its end. kNotFound: it has no row (its transaction has
  // not committed).
  runtime::Task<Status> take_block(SequencePtr sequence);
  runtime::Task<Status> set(SequencePtr sequence, int64_t value, bool is_called);
  // After ALTER SEQUENCE, TRUNCATE ... RESTART and the like on this node.
  void forget_all() {
    blocks_.clear();
    ++forgotten_;
  }

  // The same within the transaction that made the sequence: no block, no other node. `state`: the
  // row as the transaction last wrote it, or empty, then it is read; afterwards as written now.
  static runtime::Task<Result<int64_t>> next_in(txn::Transaction* txn, SequencePtr sequence,
                                                std::optional<SequenceState>* state);
  static runtime::Task<Status> set_in(txn::Transaction* txn, SequencePtr sequence, int64_t value,
                                      bool is_called);

 private:
  struct Block {
    int64_t next = 0;
    int64_t left = 0;    // values
    int64_t length = 0;  // of the last block
    runtime::Instant taken;
    uint64_t number = 0;  // how many of the sequence came before it
  };
  runtime::Task<Status> take_once(SequencePtr sequence, int64_t wanted, Block* out);

  txn::Client& client_;
  std::map<Oid, Block> blocks_;
  uint64_t forgotten_ = 0;  // how often blocks were
};

}  // namespace quorate::sql
