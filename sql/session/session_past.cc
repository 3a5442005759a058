// Reading the past: AS OF SYSTEM TIME. The transaction reads at the moment that was named, by the
// catalog as it was then, and writes nothing; versions stay for a while only (range/eval/cmd_gc).
#include "base/mark.h"
#include "sql/catalog/catalog_store.h"
#include "sql/session/session_impl.h"
#include "sql/types/date_time.h"
#include "sql/types/interval.h"

namespace quorate::sql {

using runtime::Task;

namespace {

constexpr int64_t kDaysOfMonth = 30;
constexpr SqlState kSnapshotTooOld("72000");

Status bad_moment(std::string message) {
  return invalid_argument("AS OF SYSTEM TIME: " + std::move(message),
                          sqlstate::kInvalidParameterValue);
}

}  // namespace

// '-10s' counts from now; everything else is a timestamp with time zone.
Result<int64_t> SessionImpl::moment_of(std::string_view text) const {
  if (text.starts_with('-')) {
    ASSIGN_OR_RETURN(const Interval ago, parse_interval(text, -1, eval_.io.interval_style));
    return eval_.statement_micros + ago.micros +
           (ago.days + kDaysOfMonth * ago.months) * kMicrosPerDay;
  }
  ASSIGN_OR_RETURN(const Datum moment, timestamp_input(text, -1, true, eval_.io));
  return moment.as_int();
}

Status SessionImpl::set_as_of(std::string_view text) {
  if (text.empty()) return Status();
  if (txn_ != nullptr) {
    return failed_precondition("AS OF SYSTEM TIME must be given before any query",
                               sqlstate::kActiveSqlTransaction);
  }
  ASSIGN_OR_RETURN(const int64_t micros, moment_of(text));
  const int64_t unix_micros = micros + kEpochMicros;
  if (unix_micros <= 0) return bad_moment("there was nothing then");
  const auto moment = Timestamp::from_micros(static_cast<uint64_t>(unix_micros));
  if (moment >= node_.client.now()) return bad_moment("the time has yet to come");
  modes_.as_of = moment;
  modes_.read_only = true;
  drop_catalog();
  return Status();
}

// Before a statement of its own is analyzed; transactions are told when they begin.
Status SessionImpl::look_back(const ParsedStatement& parsed) {
  const std::string_view tag = parsed.tag();
  if (parsed.as_of().empty() || block_ == Block::kFailed || parsed.is_transaction_control() ||
      tag == "SET")
    return Status();
  if (tag != "SELECT" && tag != "EXPLAIN")
    return unimplemented("AS OF SYSTEM TIME in " + std::string(tag));
  if (block_ == Block::kExplicit) {
    return unimplemented("AS OF SYSTEM TIME of one statement in a transaction block")
        .with_hint("Begin the block with BEGIN AS OF SYSTEM TIME.");
  }
  return set_as_of(parsed.as_of());
}

Task<Result<CatalogPtr>> SessionImpl::past_catalog() {
  txn::TxnOptions options;
  options.as_of = modes_.as_of;
  std::unique_ptr<txn::Transaction> txn = node_.client.begin(options);
  txn->begin_statement();
  txn->set_cancel(cancel_.token());
  auto row = co_await catalog_store::read_head(txn.get(), txn::LockMode::kNone);
  if (!row.ok()) co_return past_error(row.status());
  if (!row->present) co_return bad_moment("there was nothing then");
  auto loaded = co_await catalog_store::load(txn.get(), row->head.version);
  if (!loaded.ok()) co_return past_error(loaded.status());
  co_await txn->rollback();
  const CatalogPtr known = node_.catalog.last_known();
  MARK_IF(known != nullptr && known->version() != loaded->version(),
          "sql: the past is read by a catalog of its time");
  co_return CatalogPtr(std::make_shared<const CatalogData>(std::move(*loaded)));
}

// What is gone stays gone: no client should try again.
Status SessionImpl::past_error(Status failure) const {
  if (!modes_.as_of || failure.code() != StatusCode::kAborted) return failure;
  MARK("sql: the past that is asked for is gone");
  return Status(StatusCode::kFailedPrecondition, kSnapshotTooOld, "snapshot too old")
      .with_detail("Row versions of that time may be gone already.");
}

}  // namespace quorate::sql
