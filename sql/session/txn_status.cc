#include "sql/session/txn_status.h"

#include "runtime/sync.h"

namespace quorate::sql {

using runtime::Task;

namespace {

constexpr int kAttemptsMax = 50;
constexpr uint64_t kRemovedAtOnce = 500;

Bytes value_of(TxnOutcome outcome) { return Bytes(1, static_cast<char>(outcome)); }

uint64_t oldest_kept(txn::Client& client) {
  const auto kept = std::chrono::duration_cast<std::chrono::microseconds>(kStatusKept).count();
  return client.now().add_micros(-kept).packed;
}

Task<Result<range::RowSet>> locked_row(txn::Transaction* txn, uint64_t xid) {
  std::vector<Bytes> keys;
  keys.push_back(catalog_store::status_key(xid));
  txn::ReadOptions options;
  options.lock = txn::LockMode::kExclusive;
  options.wait = txn::WaitPolicy::kNoWait;
  co_return co_await txn->get(std::move(keys), options);
}

Task<Result<std::string>> status_once(txn::Client* client, uint64_t xid) {
  auto txn = client->begin({});
  txn->begin_statement();
  Result<range::RowSet> row = co_await locked_row(txn.get(), xid);
  if (!row.ok()) {
    co_await txn->rollback();
    if (row.status().sqlstate() == sqlstate::kLockNotAvailable)
      co_return std::string("in progress");
    co_return row.status();
  }
  if (row->present(0)) {
    const bool committed = row->value(0) == value_of(TxnOutcome::kCommitted);
    co_await txn->rollback();
    co_return std::string(committed ? "committed" : "aborted");
  }
  CO_RETURN_IF_ERROR(txn->put(catalog_store::status_key(xid), value_of(TxnOutcome::kAborted),
                              range::kAllColumns, row->ts(0)));
  Status s = co_await txn->commit();
  if (!s.ok()) {
    if (s.code() != StatusCode::kAmbiguous) co_await txn->rollback();
    co_return s;
  }
  co_return std::string("aborted");
}

}  // namespace

Task<Result<uint64_t>> take_txn_number(txn::Client* client, txn::Transaction* txn) {
  for (;;) {
    const uint64_t xid = client->now().packed;
    Result<range::RowSet> row = co_await locked_row(txn, xid);
    if (!row.ok()) co_return row.status();
    if (!row->present(0)) co_return xid;
  }
}

Status record_commit(txn::Transaction* txn, uint64_t xid) {
  return txn->put(catalog_store::status_key(xid), value_of(TxnOutcome::kCommitted),
                  range::kAllColumns, Timestamp());
}

Task<Result<std::string>> txn_status(txn::Client* client, uint64_t xid) {
  if (xid > client->now().packed)
    co_return invalid_argument("transaction ID " + std::to_string(xid) + " is in the future");
  if (xid < oldest_kept(*client)) co_return std::string();
  for (int attempt = 1;; ++attempt) {
    Result<std::string> status = co_await status_once(client, xid);
    const bool again = !status.ok() && (status.status().code() == StatusCode::kAborted ||
                                        status.status().code() == StatusCode::kAmbiguous);
    if (!again || attempt == kAttemptsMax) co_return status;
    CO_RETURN_IF_ERROR(
        co_await runtime::sleep_for(*client->env().executor, std::chrono::milliseconds(10)));
  }
}

Task<Result<bool>> remove_old_statuses(txn::Client* client) {
  auto txn = client->begin({});
  txn->begin_statement();
  txn::ScanOptions options;
  options.span = catalog_store::statuses_below(oldest_kept(*client));
  options.rows_max = kRemovedAtOnce;
  options.keys_only = true;
  KeySpan rest;
  auto rows = co_await txn->scan(options, &rest);
  if (!rows.ok()) co_return rows.status();
  for (size_t i = 0; i < rows->size(); ++i)
    CO_RETURN_IF_ERROR(txn->remove(rows->key(i), rows->ts(i)));
  if (rows->size() > 0) CO_RETURN_IF_ERROR(co_await txn->commit());
  co_return !rest.empty();
}

}  // namespace quorate::sql
