// What became of transactions that asked for their number: txid_current() and pg_xact_status(), so
// that a client whose COMMIT gave 40003 can learn the outcome later, at any node.
//
// The number is a time of the node's clock. A transaction that has one locks the number's row and
// writes kCommitted there with its commit. Who asks meets the lock (in progress), the row, or
// nothing: then it writes kAborted first, on which the transaction can no longer commit, since its
// own write is based on the row's absence (safety: prevent-then-abort).
//
// Rows are removed after kStatusKept; older transactions have no status (null), as in PostgreSQL.
#pragma once

#include <chrono>

#include "sql/catalog/catalog_store.h"

namespace quorate::sql {

inline constexpr std::chrono::hours kStatusKept{24};

// A number that nobody has, its row locked by `txn`.
runtime::Task<Result<uint64_t>> take_txn_number(txn::Client* client, txn::Transaction* txn);
// Before the commit of a transaction that has a number.
Status record_commit(txn::Transaction* txn, uint64_t xid);
// "committed", "aborted", "in progress", or empty: too old. 22023 for one of the future.
runtime::Task<Result<std::string>> txn_status(txn::Client* client, uint64_t xid);
// Removes some old rows; false where there are no more.
runtime::Task<Result<bool>> remove_old_statuses(txn::Client* client);

}  // namespace quorate::sql
