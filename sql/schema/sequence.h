// The values of sequences. A sequence's state is one row; a node takes values in blocks, so that
// nextval costs a transaction of its own once a block. Like PostgreSQL's, values are never given
// back: a block that a node loses with its memory is a gap.
#pragma once

#include "runtime/cancel.h"
#include "sql/catalog/catalog_store.h"

namespace quorate::sql {

// Values first, first + increment, ... `count` of them. Never zero.
struct SequenceBlock {
  int64_t first = 0;
  uint64_t count = 0;
  int64_t increment = 1;
};

// Takes at most `wanted` values, fewer at the sequence's end. 2200H `nextval: reached maximum value
// of sequence "s" (n)` where none is left. Repeats itself where another node took values meanwhile.
runtime::Task<Result<SequenceBlock>> take_sequence_values(txn::Client* client, SequencePtr sequence,
                                                          uint64_t wanted,
                                                          runtime::CancelToken cancel);

// setval: 22003 `setval: value n is out of bounds for sequence "s" (min..max)`. Not undone by a
// rollback of the caller's transaction. Blocks that nodes hold already stay in use.
runtime::Task<Status> set_sequence(txn::Client* client, SequencePtr sequence, int64_t value,
                                   bool is_called, runtime::CancelToken cancel);

// The row as it stands: last_value and is_called of `SELECT * FROM sequence`.
runtime::Task<Result<SequenceState>> read_sequence(txn::Transaction* txn, Oid sequence);

// The arithmetic of a block, apart from the store: advances `state`.
Result<SequenceBlock> advance_sequence(const SequenceDescriptor& sequence, uint64_t wanted,
                                       SequenceState* state);

}  // namespace quorate::sql
