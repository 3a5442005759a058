// CREATE TABLE ... AS: the table and its rows in one transaction.
#include "sql/session/session_impl.h"

namespace quorate::sql {

using runtime::Task;

Task<Status> SessionImpl::create_table_as(const CreateTableAsStatement* s, Run r) {
  if (modes_.read_only.value_or(settings_.typed().default_read_only)) {
    co_return Status(StatusCode::kFailedPrecondition, sqlstate::kReadOnlySqlTransaction,
                     "cannot execute CREATE TABLE AS in a read-only transaction");
  }
  if (block_ == Block::kNone) block_ = Block::kImplicit;
  fill_ddl_context();
  Ddl table = s->table;
  CO_RETURN_IF_ERROR(co_await ddl_in_block(&table));
  std::vector<Status> notices = std::exchange(ddl_context_.notices, {});
  for (const Status& n : notices) notice(r.sink, "NOTICE", n);
  // A notice tells that the table was there before.
  if (!notices.empty() || !s->with_data) co_return co_await finish(r, r.statement->tag);

  PlanRef rows;
  {
    AnalyzeContext context = analyze_context();
    Result<std::unique_ptr<Query>> query = analyze_create_table_as_rows(*s, context);
    if (!query.ok()) co_return query.status();
    PlanContext planning = plan_context();
    Result<PlanRef> made = plan(**query, planning);
    if (!made.ok()) co_return made.status();
    rows = *made;
  }
  begin_statement();
  ExecContext exec;
  fill_exec(&exec, r.params);
  std::unique_ptr<Execution> execution = Execution::create(rows, exec);
  do {
    CO_RETURN_IF_ERROR(co_await execution->next(&batch_));
  } while (batch_.rows() > 0);
  const uint64_t count = execution->rows_affected();
  execution.reset();
  ++statements_in_txn_;
  txn_->note_results_seen();
  co_return co_await finish(r, "SELECT " + std::to_string(count));
}

}  // namespace quorate::sql
