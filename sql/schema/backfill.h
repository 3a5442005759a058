// Reads all rows of a table and writes what a schema change needs of them, or proves that they keep
// a new constraint.
//
// With a transaction of its caller (a change inside a block) everything belongs to that; otherwise
// the work runs in chunks that are ordinary transactions, each repeated where it was aborted. A
// chunk reads the entries it is about to write, so it meets every concurrent writer as any
// transaction does.
#pragma once

#include "runtime/cancel.h"
#include "sql/catalog/row_codec.h"
#include "sql/exec/expr_eval.h"
#include "txn/transaction.h"

namespace quorate::sql {

// Numbers for the rows that are there when a serial or identity column is added, in their order.
struct ColumnNumbers {
  uint32_t column = 0;  // position
  SequencePtr sequence;
};

struct BackfillJob {
  TablePtr from;                 // whose rows are read
  TablePtr to;                   // the same table after the change; may have another storage
  std::string schema;            // its schema's name, for errors
  std::vector<size_t> indexes;   // positions in to->indexes whose entries are written
  std::vector<size_t> not_null;  // columns (positions) that may hold no null: 23502
  std::vector<std::pair<std::string, CompiledExpr>> checks;  // 23514
  // New columns whose values differ from row to row; then all rows are written anew.
  std::vector<ColumnNumbers> numbered;                      // 2200H
  std::vector<std::pair<uint32_t, CompiledExpr>> computed;  // by position; volatile defaults
  EvalContext* eval = nullptr;                              // for `computed`
  std::function<runtime::Task<Status>()> await_missing;     // see ExecContext
  // Foreign keys of `to` to be proved (23503), with the tables they refer to.
  std::vector<std::pair<ForeignKeyDescriptor, TablePtr>> foreign_keys;
};

// Exactly one of `txn` and `client` is set. Gives the number of rows.
runtime::Task<Result<uint64_t>> run_backfill(std::shared_ptr<const BackfillJob> job,
                                             txn::Transaction* txn, txn::Client* client,
                                             runtime::CancelToken cancel);

// The value that row `at` (from 0) gets of a sequence which nobody has used. 2200H.
Result<int64_t> numbered_value(const SequenceDescriptor& sequence, uint64_t at);

// Removes the rows of tables that were dropped or truncated, in pieces, where no transaction reads
// them any more; others wait for another call. Called in the background by one node at a time or by
// several: removal is idempotent.
runtime::Task<Status> remove_garbage(txn::Client* client);

}  // namespace quorate::sql
